-- The inbox: webhook payloads as they came, and what became of each.
--
-- A row is applied by the trigger that inserts it, so that a plain INSERT and
-- receive_webhook are one path and the row is written once. Nothing that a
-- payload says raises: it is kept with the reason.
--
-- What a carrier's function reads of a payload is read in a subtransaction
-- that writes nothing, and is checked before anything is written; so that
-- what is written cannot raise for what the payload says, and ten thousand
-- payloads in one transaction need no ten thousand subtransactions with ids
-- of their own, which would slow down every other session.

CREATE TABLE ganje.webhook_inbox (
    merchant_id text NOT NULL DEFAULT 'DEFAULT',
    inbox_id text NOT NULL DEFAULT ganje.ulid(),
    source text NOT NULL,
    payload text NOT NULL,
    headers jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'received'
        CHECK (state IN ('received', 'applied', 'duplicate', 'stale', 'quarantined')),
    reason text CHECK (reason IN ('malformed', 'too_large', 'unknown_source', 'unknown_entity', 'unknown_status', 'unknown_shipment',
                                  'illegal_transition', 'bad_signature')),
    detail text,
    external_id text,
    received_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    processed_at timestamptz,
    original_bytes integer,
    PRIMARY KEY (merchant_id, inbox_id),
    CHECK ((state = 'quarantined') = (reason IS NOT NULL))
);
COMMENT ON TABLE ganje.webhook_inbox IS 'Webhook payloads received: INSERT source and payload, the rest is filled in.';
COMMENT ON COLUMN ganje.webhook_inbox.source IS 'a carrier, or a carrier account where one carrier has several';
COMMENT ON COLUMN ganje.webhook_inbox.payload IS 'as it came: jsonb would refuse \u0000 and drop repeated keys';
COMMENT ON COLUMN ganje.webhook_inbox.state IS 'received → applied | duplicate | stale | quarantined';
COMMENT ON COLUMN ganje.webhook_inbox.reason IS 'why it is quarantined';
COMMENT ON COLUMN ganje.webhook_inbox.headers IS 'those of the HTTP request; values that are secrets are kept as their SHA-256 alone';
COMMENT ON COLUMN ganje.webhook_inbox.original_bytes IS 'how long a payload was of which only the beginning is kept (too_large), NULL: it is kept whole';
CREATE INDEX webhook_inbox_quarantined ON ganje.webhook_inbox (processed_at, inbox_id) WHERE state = 'quarantined';
-- Rows come in the order of time: a few bytes per megabyte find the old ones.
CREATE INDEX webhook_inbox_age ON ganje.webhook_inbox USING brin (received_at) WITH (pages_per_range = 16);

CREATE TABLE ganje.webhook_seen (
    merchant_id text NOT NULL,
    source text NOT NULL,
    dedupe_key text NOT NULL,
    first_inbox_id text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (merchant_id, source, dedupe_key)
);
COMMENT ON TABLE ganje.webhook_seen IS 'What tells a repeated webhook: its key, per carrier.';
CREATE INDEX webhook_seen_age ON ganje.webhook_seen USING brin (seen_at) WITH (pages_per_range = 16);

-- What a source is: an account by its id, else a carrier by its name. Where
-- the carrier has one account alone, that is whose times and settings its
-- payloads are read by.
CREATE FUNCTION ganje.find_source(source text, OUT account jsonb, OUT account_id text, OUT carrier text, OUT known_account text)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    row ganje.carrier_account;
    its_carrier ganje.carrier;
    accounts integer := 0;
BEGIN
    SELECT * INTO row FROM ganje.carrier_account AS a WHERE a.account_id = source;
    account_id := row.account_id;
    SELECT * INTO its_carrier FROM ganje.carrier AS c WHERE c.carrier = coalesce(row.carrier, source);
    IF its_carrier.receive IS NULL THEN
        RETURN;
    END IF;
    carrier := its_carrier.carrier;
    IF account_id IS NULL THEN
        FOR row IN SELECT * FROM ganje.carrier_account AS a WHERE a.carrier = its_carrier.carrier LIMIT 2 LOOP
            accounts := accounts + 1;
        END LOOP;
    END IF;
    IF account_id IS NOT NULL OR accounts = 1 THEN
        known_account := row.account_id;
        account := ganje.account_json(row);
    ELSE
        account := jsonb_build_object('carrier', carrier, 'settings', '{}'::jsonb, 'timezone', its_carrier.timezone);
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.find_source(text) IS 'The carrier that a webhook''s source names, and its account if it names one; carrier NULL where it sends no webhooks; known_account also where it is the carrier''s only one.';

-- The one account whose shipments have an external id; source_account narrows
-- the search where the source named an account.
CREATE FUNCTION ganje.account_of(external_id text, carrier text, source_account text, OUT account ganje.carrier_account,
                                 OUT merchant_id text, OUT accounts integer)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    only_account text;
BEGIN
    SELECT count(DISTINCT s.account_id), min(s.account_id), min(s.merchant_id) INTO accounts, only_account, merchant_id
      FROM ganje.shipment AS s JOIN ganje.carrier_account AS a ON a.account_id = s.account_id
     WHERE s.external_id = account_of.external_id AND a.carrier = account_of.carrier
       AND (source_account IS NULL OR s.account_id = source_account);
    IF accounts = 1 THEN
        account := ganje.find_account(only_account);
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.account_of(text, text, text) IS 'The account whose shipments have an external id, and how many accounts have any.';

CREATE FUNCTION ganje.token_hash(token text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN 'sha256:' || encode(sha256(convert_to(token, 'UTF8')), 'hex');
COMMENT ON FUNCTION ganje.token_hash(text) IS 'A secret header''s value as it is kept and compared.';

-- Headers are kept, but nobody who reads the inbox shall learn a token from
-- them. A hash is enough to compare with. Names are in lower case: in HTTP
-- their case means nothing.
CREATE FUNCTION ganje.safe_headers(headers jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(headers) IS DISTINCT FROM 'object' OR headers = '{}' THEN '{}' ELSE (
    SELECT jsonb_object_agg(lower(key), CASE
               WHEN lower(key) ~ '(^|[-_])(authorization|auth|cookie|token|secret|password|api[-_]?key)([-_]|$)'
               THEN to_jsonb(ganje.token_hash(regexp_replace(value, '^\s*Bearer\s+', '', 'i')))
               ELSE to_jsonb(value) END)
      FROM jsonb_each_text(headers)) END;

COMMENT ON FUNCTION ganje.safe_headers(jsonb) IS
'Headers of a webhook as they are kept: names in lower case, the values of tokens, keys and cookies as their SHA-256.';

CREATE FUNCTION ganje.as_list(value jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(value) = 'array' THEN value ELSE jsonb_build_array(value) END;
COMMENT ON FUNCTION ganje.as_list(jsonb) IS 'A list as it is, anything else as the list of it alone.';

-- An account that has webhookSecret takes signed payloads alone (Standard
-- Webhooks: HMAC over the raw bytes, five minutes either way), one that has
-- webhookToken those that bring it in header x-webhook-token, or as settings
-- webhookTokenHeader says. Either may be a list: the old secret beside the
-- new one. The time is when the payload came, so that it may be read again
-- later. A hash is compared, so that timing tells nothing of the token.
CREATE FUNCTION ganje.signature_problem(entry ganje.webhook_inbox, account_id text) RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    known jsonb := (SELECT c.secret FROM ganje.carrier_credential AS c WHERE c.account_id = signature_problem.account_id);
    secrets text;
    header text;
BEGIN
    IF known ? 'webhookSecret' THEN
        SELECT string_agg(s.secret, ' ') INTO secrets FROM jsonb_array_elements_text(ganje.as_list(known -> 'webhookSecret')) AS s(secret);
        IF ganje.verify_webhook_signature(secrets, entry.headers, convert_to(entry.payload, 'UTF8'), entry.received_at) IS NOT TRUE THEN
            RETURN 'the signature is missing, wrong or too old';
        END IF;
    END IF;
    IF known ? 'webhookToken' THEN
        header := lower(coalesce((SELECT a.settings ->> 'webhookTokenHeader' FROM ganje.carrier_account AS a
                                   WHERE a.account_id = signature_problem.account_id), 'x-webhook-token'));
        PERFORM 1 FROM jsonb_array_elements_text(ganje.as_list(known -> 'webhookToken')) AS t(token)
          WHERE t.token <> '' AND ganje.token_hash(t.token) = entry.headers ->> header;
        IF NOT FOUND THEN
            RETURN format('header %s is missing or wrong', header);
        END IF;
    END IF;
    RETURN NULL;
EXCEPTION WHEN data_exception THEN
    RETURN format('webhookSecret of carrier account %L is no secret of Standard Webhooks', account_id);
END
$$;
COMMENT ON FUNCTION ganje.signature_problem(ganje.webhook_inbox, text) IS
'Why an account does not accept a payload as its carrier''s, NULL where it does or has no secret for webhooks.';

-- What can be said of a payload before its shipment is looked for.
CREATE FUNCTION ganje.refuse_payload(entry ganje.webhook_inbox, carrier text, payload jsonb, OUT reason text, OUT detail text)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF carrier IS NULL THEN
        reason := 'unknown_source';
        detail := 'no carrier or carrier account of this name takes webhooks';
    ELSIF entry.original_bytes IS NOT NULL OR ganje.is_too_large(entry.payload) THEN
        reason := 'too_large';
        detail := format('%s bytes', coalesce(entry.original_bytes, octet_length(entry.payload)));
    ELSIF jsonb_typeof(payload) IS DISTINCT FROM 'object' THEN
        reason := 'malformed';
        detail := 'the payload is not a JSON object';
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.refuse_payload(ganje.webhook_inbox, text, jsonb) IS 'Why a payload cannot be read at all, NULL where it can.';

-- What is written later must not raise for what is read here.
CREATE FUNCTION ganje.check_reading(INOUT reading ganje.webhook_reading)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    patch jsonb := coalesce(reading.patch, '{}');
BEGIN
    IF reading.problem IS NOT NULL THEN
        reading.problem := CASE WHEN reading.problem IN ('malformed', 'unknown_entity', 'unknown_status', 'unknown_shipment', 'illegal_transition')
                                THEN reading.problem ELSE 'malformed' END;
        RETURN;
    END IF;
    reading.detail := CASE
        WHEN coalesce(reading.dedupe_key, '') = '' THEN 'nothing tells it from a repeated one'
        WHEN jsonb_typeof(patch) <> 'object' THEN 'what it says is not an object'
        WHEN octet_length(patch ->> 'parcel') NOT BETWEEN 1 AND 255 THEN 'the parcel''s id is empty or longer than 255 bytes'
        WHEN octet_length(reading.external_id) > 255 THEN 'the external id is longer than 255 bytes'
        WHEN jsonb_typeof(patch -> 'data') <> 'object' THEN 'data is not an object' END;
    IF reading.detail IS NOT NULL THEN
        reading.problem := 'malformed';
        RETURN;
    END IF;
    PERFORM (patch ->> 'collectWithin')::interval;
    PERFORM (patch ->> key)::timestamptz FROM unnest('{occurredAt,checkedInAt,checkedOutAt,expectedCheckIn,expectedCheckOut}'::text[]) AS key;
    reading.patch := patch;
    IF octet_length(reading.dedupe_key) > 255 THEN
        reading.dedupe_key := ganje.token_hash(reading.dedupe_key);
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.check_reading(ganje.webhook_reading) IS
'What a carrier''s function read of a payload, with a problem where it could not be written.';

CREATE FUNCTION ganje.read_webhook(carrier text, account jsonb, payload jsonb) RETURNS ganje.webhook_reading
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    problem ganje.webhook_reading;
BEGIN
    RETURN ganje.check_reading(ganje.run_receive(carrier, account, payload));
EXCEPTION
    -- What a payload says cannot raise; a conflict with other transactions, or a server in need, must.
    WHEN transaction_rollback OR lock_not_available OR insufficient_resources OR operator_intervention OR system_error THEN
        RAISE;
    WHEN OTHERS THEN
        problem.problem := 'malformed';
        problem.detail := SQLERRM;
        RETURN problem;
END
$$;
COMMENT ON FUNCTION ganje.read_webhook(text, jsonb, jsonb) IS
'What a carrier''s function reads of a payload; its errors are a problem of the payload.';

-- A carrier cancels only what is not on its way yet: a cancellation of what
-- is further is a contradiction for people to look at, not a late word.
CREATE FUNCTION ganje.refuse_stale(INOUT entry ganje.webhook_inbox, mapping ganje.status_mapping, dedupe_key text)
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    IF entry.state = 'stale' AND mapping.normalized_status = 'cancelled' THEN
        DELETE FROM ganje.webhook_seen AS s
         WHERE s.merchant_id = entry.merchant_id AND s.source = mapping.carrier AND s.dedupe_key = refuse_stale.dedupe_key;
        entry.reason := 'illegal_transition';
        entry.detail := 'the carrier cancels what it has said to be further on its way';
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.refuse_stale(ganje.webhook_inbox, ganje.status_mapping, text) IS
'A late cancellation is quarantined; any other late word stays stale.';

-- Every parcel of a shipment is looked at for each word on one of them: who
-- makes up ids of parcels shall not make that slow.
CREATE FUNCTION ganje.has_room(merchant text, shipment text, parcel text) RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM ganje.shipment_parcel AS p
                    WHERE p.merchant_id = merchant AND p.shipment_id = shipment AND p.parcel_ref = parcel)
        OR (SELECT count(*) FROM (SELECT FROM ganje.shipment_parcel AS p
                                   WHERE p.merchant_id = merchant AND p.shipment_id = shipment LIMIT 1000) AS few) < 1000;
END
$$;
COMMENT ON FUNCTION ganje.has_room(text, text, text) IS 'Whether a parcel is one of a shipment''s, or may be one more: a shipment has 1,000 at most.';

CREATE FUNCTION ganje.apply_webhook(INOUT entry ganje.webhook_inbox)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    payload jsonb;
    source record;
    found_account record;
    reading ganje.webhook_reading;
    mapping ganje.status_mapping;
    shipment_id text;
BEGIN
    SELECT * INTO source FROM ganje.find_source(entry.source);
    payload := CASE WHEN source.carrier IS NOT NULL AND entry.original_bytes IS NULL THEN ganje.try_jsonb(entry.payload) END;
    SELECT r.reason, r.detail INTO entry.reason, entry.detail FROM ganje.refuse_payload(entry, source.carrier, payload) AS r;
    IF entry.reason IS NOT NULL THEN
        RETURN;
    END IF;
    entry.detail := ganje.signature_problem(entry, source.known_account);
    IF entry.detail IS NOT NULL THEN
        entry.reason := 'bad_signature';
        RETURN;
    END IF;
    reading := ganje.read_webhook(source.carrier, source.account, payload);
    entry.external_id := reading.external_id;
    IF reading.problem IS NULL AND num_nonnulls(reading.makes, reading.marketplace_order) > 0 THEN
        entry := ganje.apply_news(entry, source.carrier, source.account_id, payload, reading);
        RETURN;
    ELSIF reading.problem IS NULL THEN
        SELECT * INTO found_account FROM ganje.account_of(reading.external_id, source.carrier, source.account_id);
        IF found_account.accounts = 1 AND source.known_account IS NULL THEN
            -- Only now it is known whose webhook this is, who must have signed it, and in which time zone its times are.
            entry.detail := ganje.signature_problem(entry, (found_account.account).account_id);
            IF entry.detail IS NOT NULL THEN
                entry.reason := 'bad_signature';
                RETURN;
            END IF;
            reading := ganje.read_webhook(source.carrier, ganje.account_json(found_account.account), payload);
        END IF;
    END IF;
    IF reading.problem IS NOT NULL THEN
        entry.reason := reading.problem;
        entry.detail := reading.detail;
        RETURN;
    ELSIF found_account.accounts <> 1 THEN
        entry.reason := 'unknown_shipment';
        entry.detail := CASE found_account.accounts WHEN 0 THEN 'no shipment has this external id'
            ELSE 'shipments of several accounts have this external id: name the account as the source' END;
        RETURN;
    END IF;
    entry.merchant_id := found_account.merchant_id;
    IF reading.patch ->> 'carrierStatus' IS NOT NULL THEN
        mapping := ganje.map_status(source.carrier, reading.patch ->> 'entity', reading.patch ->> 'carrierStatus');
        IF mapping.carrier IS NULL THEN
            entry.reason := 'unknown_status';
            entry.detail := format('status %L is not in ganje.status_mapping', left(reading.patch ->> 'carrierStatus', 100));
            RETURN;
        ELSIF EXISTS (SELECT FROM ganje.shipment AS s
                       WHERE s.external_id = reading.external_id AND s.account_id = (found_account.account).account_id
                         AND NOT ganje.has_room(s.merchant_id, s.shipment_id, coalesce(reading.patch ->> 'parcel', ''))) THEN
            entry.reason := 'malformed';
            entry.detail := 'the shipment has 1000 parcels already';
            RETURN;
        END IF;
    END IF;
    INSERT INTO ganje.webhook_seen (merchant_id, source, dedupe_key, first_inbox_id)
    VALUES (entry.merchant_id, source.carrier, reading.dedupe_key, entry.inbox_id) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        entry.state := 'duplicate';
        RETURN;
    END IF;
    entry.state := 'stale';
    FOR entry.merchant_id, shipment_id IN
        SELECT s.merchant_id, s.shipment_id FROM ganje.shipment AS s
         WHERE s.external_id = reading.external_id AND s.account_id = (found_account.account).account_id
         ORDER BY s.merchant_id COLLATE "C", s.shipment_id COLLATE "C"
    LOOP
        IF ganje.apply_patch(entry.merchant_id, shipment_id, source.carrier, reading.patch) = 'applied' THEN
            entry.state := 'applied';
        END IF;
    END LOOP;
    entry.merchant_id := found_account.merchant_id;
    entry := ganje.refuse_stale(entry, mapping, reading.dedupe_key);
END
$$;
COMMENT ON FUNCTION ganje.apply_webhook(ganje.webhook_inbox) IS 'Reads a payload of the inbox and applies it to its shipments; answers the row with its state or the reason against it.';

CREATE FUNCTION ganje.apply_in_net(INOUT entry ganje.webhook_inbox)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    before ganje.webhook_inbox := entry;
BEGIN
    entry := ganje.apply_webhook(entry);
EXCEPTION
    WHEN transaction_rollback OR lock_not_available OR insufficient_resources OR operator_intervention OR system_error THEN
        RAISE;
    WHEN OTHERS THEN
        entry := before;
        entry.reason := 'illegal_transition';
        entry.detail := SQLERRM;
END
$$;
COMMENT ON FUNCTION ganje.apply_in_net(ganje.webhook_inbox) IS
'apply_webhook, with errors of whatever stands in the way of applying caught: the row is quarantined with them.';

CREATE FUNCTION ganje.needs_net() RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'gl_webhook_needs_net';
COMMENT ON FUNCTION ganje.needs_net() IS
'True for the first 32 payloads of a transaction, and then while a trigger of somebody else''s is on a table that a payload may change.';

CREATE FUNCTION ganje.settle_webhook(INOUT entry ganje.webhook_inbox)
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    entry.reason := NULL;
    entry.detail := NULL;
    IF ganje.needs_net() THEN
        entry := ganje.apply_in_net(entry);
    ELSE
        entry := ganje.apply_webhook(entry);
    END IF;
    IF entry.reason IS NOT NULL THEN
        entry.state := 'quarantined';
    END IF;
    entry.processed_at := clock_timestamp();
END
$$;
COMMENT ON FUNCTION ganje.settle_webhook(ganje.webhook_inbox) IS 'Applies a payload, or quarantines it with the reason, and answers its row.';

CREATE FUNCTION ganje.inbox_apply_row() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
BEGIN
    NEW.source := coalesce(NEW.source, '');
    NEW.payload := coalesce(NEW.payload, '');
    IF NEW.headers IS DISTINCT FROM '{}' THEN
        NEW.headers := ganje.safe_headers(NEW.headers);
    END IF;
    NEW := ganje.settle_webhook(NEW);
    IF NEW.reason = 'too_large' AND NEW.original_bytes IS NULL THEN
        -- Enough to see whom it came from; what nobody reads need not fill the disk.
        NEW.original_bytes := octet_length(NEW.payload);
        NEW.payload := left(NEW.payload, 8192);
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION ganje.inbox_apply_row() IS 'Trigger: a payload is applied as it is inserted; a row that brings its state (from a dump) is left alone.';
CREATE TRIGGER inbox_apply BEFORE INSERT ON ganje.webhook_inbox
    FOR EACH ROW WHEN (NEW.state = 'received') EXECUTE FUNCTION ganje.inbox_apply_row();

CREATE FUNCTION ganje.receive_webhook(source text, payload text, headers jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO ganje.webhook_inbox (source, payload, headers)
    VALUES (receive_webhook.source, receive_webhook.payload, receive_webhook.headers);
    RETURN '{"status": true}';
END
$$;
COMMENT ON FUNCTION ganje.receive_webhook(text, text, jsonb) IS
'Keeps a webhook''s payload and applies it; answers what to send back, {"status": true}, whatever the payload says.';

CREATE FUNCTION ganje.text_of_bytes(bytes bytea) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
AS $$
BEGIN
    RETURN convert_from(bytes, 'UTF8');
EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ganje.text_of_bytes(bytea) IS 'Bytes of UTF-8 as text, NULL where they are none or the database''s encoding lacks a character.';

-- Bytes that are no text are kept so that decode(payload, 'escape') gives them
-- back. Of what is too large the beginning is read, up to a character's end.
CREATE FUNCTION ganje.receive_webhook(source text, payload bytea, headers jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    size integer := octet_length(payload);
    is_too_large boolean := ganje.is_too_large(receive_webhook.payload);
    as_text text;
BEGIN
    IF NOT is_too_large OR size IS NULL THEN
        as_text := ganje.text_of_bytes(payload);
    ELSE
        FOR cut IN 0..3 LOOP
            as_text := ganje.text_of_bytes(substring(payload FROM 1 FOR 8192 - cut));
            EXIT WHEN as_text IS NOT NULL;
        END LOOP;
        INSERT INTO ganje.webhook_inbox (source, payload, headers, original_bytes)
        VALUES (receive_webhook.source, coalesce(as_text, encode(substring(receive_webhook.payload FROM 1 FOR 8192), 'escape')),
                receive_webhook.headers, size);
        RETURN '{"status": true}';
    END IF;
    IF as_text IS NULL AND size > 0 THEN
        INSERT INTO ganje.webhook_inbox (source, payload, headers, state, reason, detail, processed_at)
        VALUES (coalesce(receive_webhook.source, ''), encode(receive_webhook.payload, 'escape'), ganje.safe_headers(receive_webhook.headers),
                'quarantined', 'malformed', 'the bytes are not UTF-8: payload is as encode(bytes, ''escape'') writes them', clock_timestamp());
    ELSE
        PERFORM ganje.receive_webhook(receive_webhook.source, as_text, receive_webhook.headers);
    END IF;
    RETURN '{"status": true}';
END
$$;
COMMENT ON FUNCTION ganje.receive_webhook(text, bytea, jsonb) IS
'The same for raw bytes. Bytes that are not UTF-8 are quarantined as malformed, written so that decode(payload, ''escape'') gives them back.';

CREATE FUNCTION ganje.reprocess_webhooks(only_reason text DEFAULT NULL, only_source text DEFAULT NULL, max_entries bigint DEFAULT NULL)
RETURNS TABLE (state text, entries bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    entry ganje.webhook_inbox;
    settled ganje.webhook_inbox;
    counts jsonb := '{}';
    done bigint := 0;
BEGIN
    IF max_entries < 1 THEN
        RAISE invalid_parameter_value USING MESSAGE = 'max_entries must be at least 1';
    END IF;
    -- What was tried longest ago comes first, so that calls with max_entries come to every row; rows
    -- that another call is at are left to it.
    FOR entry IN SELECT * FROM ganje.webhook_inbox AS i
                  WHERE i.state = 'quarantined' AND (only_reason IS NULL OR i.reason = only_reason)
                    AND (only_source IS NULL OR i.source = only_source)
                  ORDER BY i.processed_at, i.inbox_id LIMIT max_entries FOR UPDATE SKIP LOCKED LOOP
        settled := ganje.settle_webhook(entry);
        -- merchant_id is part of the key and stays: it was DEFAULT where the shipment was unknown.
        UPDATE ganje.webhook_inbox AS i
           SET state = settled.state, reason = settled.reason, detail = settled.detail,
               external_id = settled.external_id, processed_at = settled.processed_at
         WHERE i.merchant_id = entry.merchant_id AND i.inbox_id = entry.inbox_id;
        counts := jsonb_set(counts, ARRAY[settled.state], to_jsonb(coalesce((counts ->> settled.state)::bigint, 0) + 1));
        done := done + 1;
        IF done % 1000 = 0 THEN
            RAISE NOTICE '% payloads read again', done;
        END IF;
    END LOOP;
    RETURN QUERY SELECT key, value::bigint FROM jsonb_each_text(counts) ORDER BY key;
END
$$;
COMMENT ON FUNCTION ganje.reprocess_webhooks(text, text, bigint) IS
'Reads quarantined payloads again, the one tried longest ago first, for example once their shipments exist; answers how many ended in which state. With max_entries, call it until it answers nothing new: each call is a short transaction.';

-- Keys of repeats outlive their payloads: a carrier that sends something again after a year is not foreseen.
CREATE FUNCTION ganje.trim_inbox(inbox_days integer, max_rows integer DEFAULT 10000) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = on SET jit = off
AS $$
DECLARE
    payloads_until timestamptz := pg_catalog.now() - inbox_days * interval '1 day';
    keys_until timestamptz := pg_catalog.now() - greatest(inbox_days, 365) * interval '1 day';
    deleted bigint;
    deleted_keys bigint;
BEGIN
    DELETE FROM ganje.webhook_inbox AS i
     USING (SELECT o.merchant_id, o.inbox_id FROM ganje.webhook_inbox AS o
             WHERE o.received_at < payloads_until AND o.state IN ('applied', 'duplicate', 'stale')
             LIMIT max_rows FOR UPDATE SKIP LOCKED) AS old
     WHERE i.merchant_id = old.merchant_id AND i.inbox_id = old.inbox_id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    DELETE FROM ganje.webhook_seen AS s
     USING (SELECT o.merchant_id, o.source, o.dedupe_key FROM ganje.webhook_seen AS o
             WHERE o.seen_at < keys_until LIMIT max_rows FOR UPDATE SKIP LOCKED) AS old
     WHERE s.merchant_id = old.merchant_id AND s.source = old.source AND s.dedupe_key = old.dedupe_key;
    GET DIAGNOSTICS deleted_keys = ROW_COUNT;
    RETURN greatest(deleted, deleted_keys);
END
$$;
COMMENT ON FUNCTION ganje.trim_inbox(integer, integer) IS
'Deletes payloads older than so many days that are applied, duplicate or stale (quarantined ones stay), and keys of repeats older than a year; at most max_rows of each at a time. Answers how many: max_rows means that there may be more. The worker calls it.';

SELECT pg_catalog.pg_extension_config_dump('ganje.webhook_inbox', '');
SELECT pg_catalog.pg_extension_config_dump('ganje.webhook_seen', '');
