-- The inbox: webhook payloads as they came, and what became of each.
--
-- A row is applied by the trigger that inserts it, so that a plain INSERT and
-- receive_webhook are one path and the row is written once. Nothing that a
-- payload says raises: it is kept with the reason.

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
    PRIMARY KEY (merchant_id, inbox_id),
    CHECK ((state = 'quarantined') = (reason IS NOT NULL))
);
COMMENT ON TABLE ganje.webhook_inbox IS 'Webhook payloads received: INSERT source and payload, the rest is filled in.';
COMMENT ON COLUMN ganje.webhook_inbox.source IS 'a carrier, or a carrier account where one carrier has several';
COMMENT ON COLUMN ganje.webhook_inbox.payload IS 'as it came: jsonb would refuse \u0000 and drop repeated keys';
COMMENT ON COLUMN ganje.webhook_inbox.state IS 'received → applied | duplicate | stale | quarantined';
COMMENT ON COLUMN ganje.webhook_inbox.reason IS 'why it is quarantined';
CREATE INDEX webhook_inbox_quarantined ON ganje.webhook_inbox (merchant_id, reason, inbox_id) WHERE state = 'quarantined';

CREATE TABLE ganje.webhook_seen (
    merchant_id text NOT NULL,
    source text NOT NULL,
    dedupe_key text NOT NULL,
    first_inbox_id text NOT NULL,
    PRIMARY KEY (merchant_id, source, dedupe_key)
);
COMMENT ON TABLE ganje.webhook_seen IS 'What tells a repeated webhook: its key, per carrier.';

-- What a source is: an account by its id, else a carrier by its name.
CREATE FUNCTION ganje.find_source(source text, OUT account jsonb, OUT account_id text, OUT carrier text)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    row ganje.carrier_account;
BEGIN
    SELECT * INTO row FROM ganje.carrier_account AS a WHERE a.account_id = source;
    IF FOUND THEN
        account := ganje.account_json(row);
        account_id := row.account_id;
        carrier := row.carrier;
    ELSE
        SELECT c.carrier, jsonb_build_object('carrier', c.carrier, 'settings', '{}'::jsonb, 'timezone', c.timezone)
          INTO carrier, account FROM ganje.carrier AS c WHERE c.carrier = source;
    END IF;
    PERFORM 1 FROM ganje.carrier AS c WHERE c.carrier = find_source.carrier AND c.receive IS NOT NULL;
    IF NOT FOUND THEN
        carrier := NULL;
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.find_source(text) IS 'The carrier that a webhook''s source names, and its account if it names one; carrier NULL where it sends no webhooks.';

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

-- What can be said of a payload before its shipment is looked for.
CREATE FUNCTION ganje.refuse_payload(entry ganje.webhook_inbox, carrier text, payload jsonb, OUT reason text, OUT detail text)
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF carrier IS NULL THEN
        reason := 'unknown_source';
        detail := 'no carrier or carrier account of this name takes webhooks';
    ELSIF ganje.is_too_large(entry.payload) THEN
        reason := 'too_large';
        detail := format('%s bytes', octet_length(entry.payload));
    ELSIF jsonb_typeof(payload) IS DISTINCT FROM 'object' THEN
        reason := 'malformed';
        detail := 'the payload is not a JSON object';
    END IF;
END
$$;
COMMENT ON FUNCTION ganje.refuse_payload(ganje.webhook_inbox, text, jsonb) IS 'Why a payload cannot be read at all, NULL where it can.';

CREATE FUNCTION ganje.apply_webhook(INOUT entry ganje.webhook_inbox)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    payload jsonb := ganje.try_jsonb(entry.payload);
    source record;
    found_account record;
    reading ganje.webhook_reading;
    shipment_id text;
BEGIN
    SELECT * INTO source FROM ganje.find_source(entry.source);
    SELECT r.reason, r.detail INTO entry.reason, entry.detail FROM ganje.refuse_payload(entry, source.carrier, payload) AS r;
    IF entry.reason IS NOT NULL THEN
        RETURN;
    END IF;
    reading := ganje.run_receive(source.carrier, source.account, payload);
    entry.external_id := reading.external_id;
    IF reading.problem IS NULL AND num_nonnulls(reading.makes, reading.marketplace_order) > 0 THEN
        entry := ganje.apply_news(entry, source.carrier, source.account_id, payload, reading);
        RETURN;
    ELSIF reading.problem IS NULL THEN
        SELECT * INTO found_account FROM ganje.account_of(reading.external_id, source.carrier, source.account_id);
        IF found_account.accounts = 1 AND source.account_id IS NULL THEN
            -- Only now it is known whose webhook this is, and so in which time zone its times are.
            reading := ganje.run_receive(source.carrier, ganje.account_json(found_account.account), payload);
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
    IF reading.patch ->> 'carrierStatus' IS NOT NULL
       AND (ganje.map_status(source.carrier, reading.patch ->> 'entity', reading.patch ->> 'carrierStatus')).carrier IS NULL THEN
        entry.reason := 'unknown_status';
        entry.detail := format('status %L is not in ganje.status_mapping', left(reading.patch ->> 'carrierStatus', 100));
        RETURN;
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
END
$$;
COMMENT ON FUNCTION ganje.apply_webhook(ganje.webhook_inbox) IS 'Reads a payload of the inbox and applies it to its shipments; answers the row with its state or the reason against it.';

CREATE FUNCTION ganje.settle_webhook(INOUT entry ganje.webhook_inbox)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    before ganje.webhook_inbox := entry;
BEGIN
    entry := ganje.apply_webhook(entry);
    IF entry.reason IS NOT NULL THEN
        entry.state := 'quarantined';
    END IF;
    entry.processed_at := clock_timestamp();
EXCEPTION
    -- What a payload says cannot raise; a conflict with other transactions, or a server in need, must.
    WHEN transaction_rollback OR insufficient_resources OR operator_intervention OR system_error THEN
        RAISE;
    WHEN OTHERS THEN
        entry := before;
        entry.state := 'quarantined';
        entry.reason := 'malformed';
        entry.detail := SQLERRM;
        entry.processed_at := clock_timestamp();
END
$$;
COMMENT ON FUNCTION ganje.settle_webhook(ganje.webhook_inbox) IS 'apply_webhook with every error that a payload can cause caught: the row is quarantined with it.';

CREATE FUNCTION ganje.inbox_apply_row() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
AS $$
BEGIN
    RETURN ganje.settle_webhook(NEW);
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
    VALUES (coalesce(receive_webhook.source, ''), coalesce(receive_webhook.payload, ''), coalesce(receive_webhook.headers, '{}'));
    RETURN '{"status": true}';
END
$$;
COMMENT ON FUNCTION ganje.receive_webhook(text, text, jsonb) IS
'Keeps a webhook''s payload and applies it; answers what to send back, {"status": true}, whatever the payload says.';

CREATE FUNCTION ganje.receive_webhook(source text, payload bytea, headers jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ganje.receive_webhook(source, convert_from(payload, 'UTF8'), headers);
END
$$;
COMMENT ON FUNCTION ganje.receive_webhook(text, bytea, jsonb) IS
'The same for raw bytes, which must be UTF-8.';

CREATE FUNCTION ganje.reprocess_webhooks(only_reason text DEFAULT NULL, only_source text DEFAULT NULL)
RETURNS TABLE (state text, entries bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
AS $$
DECLARE
    entry ganje.webhook_inbox;
    settled ganje.webhook_inbox;
    counts jsonb := '{}';
    done bigint := 0;
BEGIN
    FOR entry IN SELECT * FROM ganje.webhook_inbox AS i
                  WHERE i.state = 'quarantined' AND (only_reason IS NULL OR i.reason = only_reason)
                    AND (only_source IS NULL OR i.source = only_source)
                  ORDER BY i.received_at, i.inbox_id FOR UPDATE LOOP
        settled := ganje.settle_webhook(entry);
        -- merchant_id is part of the key and stays: it was DEFAULT where the shipment was unknown.
        UPDATE ganje.webhook_inbox AS i
           SET state = settled.state, reason = settled.reason, detail = settled.detail,
               external_id = settled.external_id, processed_at = settled.processed_at
         WHERE i.merchant_id = entry.merchant_id AND i.inbox_id = entry.inbox_id;
        counts := jsonb_set(counts, ARRAY[settled.state], to_jsonb(coalesce((counts ->> settled.state)::bigint, 0) + 1));
        done := done + 1;
        IF done % 10000 = 0 THEN
            RAISE NOTICE '% payloads read again', done;
        END IF;
    END LOOP;
    RETURN QUERY SELECT key, value::bigint FROM jsonb_each_text(counts) ORDER BY key;
END
$$;
COMMENT ON FUNCTION ganje.reprocess_webhooks(text, text) IS
'Reads quarantined payloads again, oldest first, for example once their shipments exist; answers how many ended in which state.';

SELECT pg_catalog.pg_extension_config_dump('ganje.webhook_inbox', '');
SELECT pg_catalog.pg_extension_config_dump('ganje.webhook_seen', '');
