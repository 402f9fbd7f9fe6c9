-- The inbox: payloads as they came, and what became of each.
SELECT clock_timestamp() AS begin75 \gset
\set SHOW_CONTEXT never
SELECT ganje.pause_sending();
INSERT INTO ganje.carrier_account (account_id, carrier, base_url) VALUES ('75-GANJE', 'ganje', 'https://ganje.example');
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, phone, account_id, external_id)
VALUES ('M75', '75-A', 'order-a', '+989121111111', '75-GANJE', 'Test1');

-- The documentation's sample, verbatim.
\getenv abs_srcdir PG_ABS_SRCDIR
\set sample_file :abs_srcdir /data/ganje_webhook.json
\set sample `cat :sample_file`
SELECT ganje.receive_webhook('ganje', :'sample');
SELECT order_id, status, normalized_status, station ->> 'nickname' AS station FROM ganje.shipment WHERE merchant_id = 'M75';
SELECT parcel_ref, carrier_status, normalized_status, checked_in_at AT TIME ZONE 'Asia/Tehran' AS checked_in, checked_out_at
  FROM ganje.shipment_parcel WHERE merchant_id = 'M75';
-- Once more: a duplicate, whoever inserts it.
SELECT ganje.receive_webhook('ganje', :'sample', '{"User-Agent": "x"}');
INSERT INTO ganje.webhook_inbox (source, payload) VALUES ('75-GANJE', :'sample');
SELECT state, count(*) FROM ganje.webhook_inbox WHERE merchant_id = 'M75' GROUP BY state ORDER BY state;
SELECT status, normalized_status, carrier_status, jump, occurred_at AT TIME ZONE 'Asia/Tehran' AS occurred
  FROM ganje.shipment_event WHERE merchant_id = 'M75' AND source = 'ganje' ORDER BY event_id;

-- A late lower status is kept and changes nothing.
CREATE FUNCTION say75(external_id text, status text, parcel text DEFAULT 'p', check_in text DEFAULT NULL, check_out text DEFAULT NULL)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    INSERT INTO ganje.webhook_inbox AS i (source, payload) VALUES ('ganje', jsonb_build_object('uuid', parcel, 'status', status,
        'shipment', jsonb_build_object('external_id', external_id), 'check_in', check_in, 'check_out', check_out)::text)
    RETURNING concat_ws(' ', i.state, i.reason) INTO result;
    RETURN result || ': ' || coalesce((SELECT s.status || ' / ' || s.normalized_status FROM ganje.shipment AS s
                                        WHERE s.external_id = say75.external_id AND s.merchant_id = 'M75'), '-');
END
$$;
SELECT say75('Test1', 'reserved', '36d3a7c7-a767-4266-8d5f-dae9e717225f');
SELECT say75('Test1', 'unoccupied', '36d3a7c7-a767-4266-8d5f-dae9e717225f', '2024-10-09 17:20:32', '2024-10-10 08:00:00');
SELECT say75('Test1', 'expired', '36d3a7c7-a767-4266-8d5f-dae9e717225f');

-- Every way through: reserved, occupied, expired, returned; and the customer who came late.
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, phone, account_id, external_id) VALUES
    ('M75', '75-B', 'order-b', '+989121111111', '75-GANJE', 'B'), ('M75', '75-C', 'order-c', '+989121111111', '75-GANJE', 'C'),
    ('M75', '75-D', 'order-d', '+989121111111', '75-GANJE', 'D');
SELECT say75('B', s) FROM unnest('{reserved,occupied,expired,returned}'::text[]) AS s;
SELECT say75('C', s) FROM unnest('{reserved,occupied,expired,unoccupied}'::text[]) AS s;
SELECT status, normalized_status, carrier_status, jump FROM ganje.shipment_event
 WHERE merchant_id = 'M75' AND shipment_id = '75-C' ORDER BY event_id;

-- Two parcels: the shipment is where the least advanced is.
SELECT say75('D', 'occupied', 'one'), say75('D', 'reserved', 'two');
SELECT say75('D', 'unoccupied', 'one');
SELECT say75('D', 'occupied', 'two');
SELECT say75('D', 'unoccupied', 'two');

-- Quarantined, never raised.
SELECT say75('nobody', 'occupied');
SELECT say75('B', 'teleported');
SELECT say75('B', 'occupied', 'p', 'yesterday');
SELECT say75('B', 'occupied', 'p', '2024-13-45 00:00:00');
SELECT say75('B', 'occupied', 'p', '2024-10-09 17:20:32+03:30');
CREATE TEMP TABLE hostile75 (name text, payload text);
INSERT INTO hostile75 VALUES
    ('empty', ''), ('not json', 'hello'), ('truncated', '{"uuid": "x", "status": "occ'), ('a list', '[1, 2]'), ('a number', '7'),
    ('null', 'null'), ('no status', '{"uuid": "x"}'), ('status not a text', '{"uuid": "x", "status": 7, "external_id": "B"}'),
    ('no external id', '{"uuid": "x", "status": "occupied"}'), ('external id not a text', '{"uuid": "x", "status": "occupied", "external_id": {"a": 1}}'),
    ('external id a number', '{"uuid": "x", "status": "occupied", "external_id": 4711}'),
    ('NUL escape', '{"uuid": "\u0000", "status": "occupied", "external_id": "B"}'),
    ('unpaired surrogate', '{"uuid": "\ud800", "status": "occupied", "external_id": "B"}'),
    ('repeated keys', '{"uuid": "r", "status": "teleported", "status": "returned", "external_id": "B"}'),
    ('deep', repeat('[', 100000) || repeat(']', 100000)), ('deep object', '{"a":' || repeat('[', 65) || repeat(']', 65) || '}'),
    ('large', '{"uuid": "' || repeat('x', 1048576) || '"}'), ('number out of range', '{"uuid": "x", "status": 1e999999}'),
    ('a station of wrong kind', '{"uuid": "q", "status": "returned", "external_id": "B", "station": "nowhere"}');
INSERT INTO ganje.webhook_inbox (merchant_id, source, payload) SELECT 'M75', 'ganje', payload FROM hostile75;
SELECT h.name, i.state, i.reason, i.detail, i.payload = h.payload AS kept, i.original_bytes, octet_length(i.payload) AS bytes
  FROM hostile75 AS h JOIN ganje.webhook_inbox AS i ON i.merchant_id = 'M75' AND (md5(i.payload) = md5(h.payload) OR i.original_bytes = octet_length(h.payload))
 ORDER BY h.name COLLATE "C";
SELECT ganje.receive_webhook('75-nobody', '{}'), ganje.receive_webhook('hesapkurye', '{}'), ganje.receive_webhook(NULL, NULL);
SELECT source, state, reason FROM ganje.webhook_inbox WHERE source IN ('75-nobody', 'hesapkurye', '') ORDER BY source;
-- NULL, in a plain INSERT, is as good as nothing.
INSERT INTO ganje.webhook_inbox (source, payload, headers) VALUES (NULL, NULL, NULL) RETURNING source, payload, headers, state, reason;
-- What only looks valid: ids too long for a key, times and numbers that are none, kinds that do not fit.
SELECT say75('B', 'occupied', repeat('x', 300));
SELECT say75(repeat('B', 300), 'occupied');
SELECT say75('B', repeat('occupied', 100));
INSERT INTO ganje.webhook_inbox (source, payload) VALUES ('ganje', '{"uuid": "i", "status": "returned", "external_id": "B", "check_in": 1e300}'),
    ('ganje', '{"uuid": "i", "status": "returned", "external_id": "B", "check_in": {"a": 1}}'),
    ('ganje', '{"uuid": "i", "status": "returned", "external_id": 1e5000}') RETURNING state, reason, detail, length(external_id);

-- Raw bytes: those that are UTF-8 are the text; others are kept so that they can be had back.
SELECT ganje.receive_webhook('ganje', convert_to('{"uuid": "bytes", "status": "reserved", "external_id": "C", "name": "تهران"}', 'UTF8'));
SELECT state, reason, payload::jsonb ->> 'name' AS name FROM ganje.webhook_inbox WHERE payload LIKE '%"bytes"%';
SELECT ganje.receive_webhook('ganje', '\x7b2275223a225cff00'::bytea, '{"Cookie": "c"}'), ganje.receive_webhook('ganje', NULL::bytea);
SELECT state, reason, detail, payload, decode(payload, 'escape'), headers FROM ganje.webhook_inbox WHERE detail LIKE '%UTF-8%';
SELECT ganje.receive_webhook('ganje', convert_to('{"name": "' || repeat('ن', 600000) || '"}', 'UTF8')),
       ganje.receive_webhook('ganje', decode(repeat('ff', 1048577), 'hex'));
SELECT state, reason, detail, original_bytes, octet_length(payload) AS bytes, left(payload, 12) AS beginning
  FROM ganje.webhook_inbox WHERE original_bytes > 1048576 AND merchant_id = 'DEFAULT' ORDER BY original_bytes;

-- Reprocess: once the shipment is there its payload is applied; the rest stays.
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, phone, account_id, external_id)
VALUES ('M75', '75-N', 'order-n', '+989121111111', '75-GANJE', 'nobody');
SELECT * FROM ganje.reprocess_webhooks('unknown_shipment', 'ganje');
SELECT status, normalized_status FROM ganje.shipment WHERE shipment_id = '75-N';
SELECT * FROM ganje.reprocess_webhooks('unknown_shipment', 'ganje');

-- A mapping of one's own makes an unknown status known, and goes before a built-in one.
INSERT INTO ganje.status_mapping (carrier, entity, carrier_status, normalized_status, shipment_status, rank)
VALUES ('ganje', 'occupancy', 'teleported', 'delivered', 'DELIVERED', 60);
SELECT * FROM ganje.reprocess_webhooks('unknown_status');
SELECT status, normalized_status FROM ganje.shipment WHERE shipment_id = '75-B';
DELETE FROM ganje.status_mapping WHERE NOT builtin;

-- A cancellation of what is on its way contradicts what the carrier said; one of what is reserved does not.
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, phone, account_id, external_id) VALUES
    ('M75', '75-E', 'order-e', '+989121111111', '75-GANJE', 'E'), ('M75', '75-F', 'order-f', '+989121111111', '75-GANJE', 'F');
SELECT say75('E', s) FROM unnest('{reserved,canceled,reserved}'::text[]) AS s;
SELECT say75('F', s) FROM unnest('{occupied,canceled}'::text[]) AS s;
SELECT state, reason, detail FROM ganje.webhook_inbox WHERE external_id = 'F' AND state <> 'applied';
SELECT * FROM ganje.reprocess_webhooks('illegal_transition');

-- A few at a time: every call begins with what was tried longest ago.
SELECT count(*) FROM ganje.webhook_inbox WHERE state = 'quarantined' AND reason = 'malformed' AND received_at >= :'begin75';
SELECT clock_timestamp() AS start \gset
SELECT * FROM ganje.reprocess_webhooks('malformed', max_entries => 5);
SELECT * FROM ganje.reprocess_webhooks('malformed', max_entries => 5);
SELECT count(*) FROM ganje.webhook_inbox WHERE state = 'quarantined' AND reason = 'malformed' AND processed_at >= :'start';
SELECT * FROM ganje.reprocess_webhooks(max_entries => 0);

-- A trigger of the app's own that raises: quarantined, in a transaction of many too.
CREATE FUNCTION raise75() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the app says no'; END $$;
CREATE TRIGGER raise75 BEFORE UPDATE ON ganje.shipment FOR EACH ROW WHEN (OLD.external_id = 'F') EXECUTE FUNCTION raise75();
SELECT count(*), count(*) FILTER (WHERE said = 'quarantined illegal_transition: IN_TRANSIT / ready_for_pickup') AS quarantined
  FROM (SELECT say75('F', 'occupied', 'f' || n) AS said FROM generate_series(1, 100) AS n) AS t;
DROP TRIGGER raise75 ON ganje.shipment;
DROP FUNCTION raise75;
SELECT detail, count(*) FROM ganje.webhook_inbox WHERE reason = 'illegal_transition' GROUP BY detail ORDER BY detail COLLATE "C";
SELECT * FROM ganje.reprocess_webhooks('illegal_transition');

-- A shipment has so many parcels and no more.
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, phone, account_id, external_id)
VALUES ('M75', '75-G', 'order-g', '+989121111111', '75-GANJE', 'G');
INSERT INTO ganje.shipment_parcel (merchant_id, shipment_id, parcel_ref, carrier_status, normalized_status, rank, updated_at)
SELECT 'M75', '75-G', 'g' || n, 'occupied', 'ready_for_pickup', 20, now() FROM generate_series(1, 1000) AS n;
SELECT say75('G', 'unoccupied', 'g7'), say75('G', 'occupied', 'one more');

-- Signed: Standard Webhooks, the old secret beside the new one, five minutes either way.
INSERT INTO ganje.carrier_account (account_id, carrier, base_url) VALUES ('75-SIGNED', 'ganje', 'https://signed.example'),
    ('75-TOKEN', 'ganje', 'https://token.example');
SELECT ganje.set_credential('75-SIGNED', '{"webhookSecret": ["whsec_bmV3IGtleQ==", "whsec_b2xkIGtleQ=="]}');
SELECT ganje.set_credential('75-TOKEN', '{"webhookToken": "open sesame"}');
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, phone, account_id, external_id) VALUES
    ('M75', '75-S', 'order-s', '+989121111111', '75-SIGNED', 'S'), ('M75', '75-K', 'order-k', '+989121111111', '75-TOKEN', 'K');
CREATE FUNCTION signed75(source text, secret text, status text, age interval DEFAULT '0', altered text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    body text := jsonb_build_object('uuid', 's', 'status', status, 'external_id', 'S');
    at bigint := extract(epoch FROM now() - age)::bigint;
    result text;
BEGIN
    INSERT INTO ganje.webhook_inbox AS i (source, payload, headers)
    VALUES (signed75.source, body || altered, CASE WHEN secret IS NULL THEN '{}' ELSE jsonb_build_object('Webhook-Id', 'msg_1', 'WEBHOOK-TIMESTAMP', at::text,
            'webhook-signature', 'v1,AAAA ' || ganje.sign_webhook(secret, 'msg_1', at, convert_to(body, 'UTF8'))) END)
    RETURNING concat_ws(' ', i.state, i.reason, i.detail) INTO result;
    RETURN result || ': ' || (SELECT s.normalized_status FROM ganje.shipment AS s WHERE s.shipment_id = '75-S');
END
$$;
SELECT signed75('75-SIGNED', NULL, 'reserved'), signed75('ganje', NULL, 'reserved');
SELECT signed75('75-SIGNED', 'whsec_d3Jvbmcga2V5', 'reserved'), signed75('ganje', 'whsec_d3Jvbmcga2V5', 'reserved');
SELECT signed75('75-SIGNED', 'whsec_bmV3IGtleQ==', 'reserved', altered => ' ');
SELECT signed75('75-SIGNED', 'whsec_bmV3IGtleQ==', 'reserved', age => '301 s'), signed75('75-SIGNED', 'whsec_bmV3IGtleQ==', 'reserved', age => '-301 s');
SELECT signed75('75-SIGNED', 'whsec_bmV3IGtleQ==', 'reserved', age => '299 s'), signed75('ganje', 'whsec_b2xkIGtleQ==', 'occupied', age => '-299 s');
-- The same message once more changes nothing; and a payload refused by mistake is read again when the secret is mended.
SELECT signed75('75-SIGNED', 'whsec_bmV3IGtleQ==', 'occupied');
SELECT ganje.set_credential('75-SIGNED', '{"webhookSecret": "not a secret"}');
SELECT signed75('75-SIGNED', 'whsec_d3Jvbmcga2V5', 'unoccupied');
SELECT ganje.set_credential('75-SIGNED', '{"webhookSecret": "whsec_d3Jvbmcga2V5"}');
SELECT * FROM ganje.reprocess_webhooks('bad_signature', '75-SIGNED');
SELECT normalized_status FROM ganje.shipment WHERE shipment_id = '75-S';

-- A token in a header: kept as a hash, compared as a hash.
INSERT INTO ganje.webhook_inbox (source, payload, headers)
SELECT '75-TOKEN', '{"uuid": "k", "status": "occupied", "external_id": "K"}', h::jsonb
  FROM unnest('{"{}","{\"X-Webhook-Token\": \"wrong\"}","{\"x-webhook-token\": null}","[]","{\"authorization\": \"open sesame\"}","{\"X-Webhook-Token\": \"open sesame\"}"}'::text[]) AS h
RETURNING state, reason, detail, headers;
UPDATE ganje.carrier_account SET settings = '{"webhookTokenHeader": "Authorization"}' WHERE account_id = '75-TOKEN';
SELECT ganje.set_credential('75-TOKEN', '{"webhookToken": ["next", "open sesame"]}');
INSERT INTO ganje.webhook_inbox (source, payload, headers) VALUES
    ('ganje', '{"uuid": "k", "status": "unoccupied", "external_id": "K"}', '{"Authorization": "Bearer open sesame", "Host": "shop"}')
RETURNING state, reason, detail, headers;
SELECT count(*) FROM ganje.webhook_inbox AS i WHERE i::text LIKE '%sesame%';

-- Retention: what is settled goes after its days, what is quarantined stays, and keys of repeats stay a year.
BEGIN;
DELETE FROM ganje.webhook_inbox WHERE source <> 'ganje';
UPDATE ganje.webhook_inbox SET received_at = received_at - interval '40 days';
UPDATE ganje.webhook_seen SET seen_at = seen_at - interval '40 days';
SELECT count(*) > 0 AS some FROM ganje.webhook_inbox WHERE state IN ('applied', 'duplicate', 'stale');
SELECT ganje.trim_inbox(41), ganje.trim_inbox(30, 2), ganje.trim_inbox(30) > 2 AS rest, ganje.trim_inbox(30);
SELECT state, count(*) > 0 AS some FROM ganje.webhook_inbox GROUP BY state;
SELECT count(*) > 0 AS some FROM ganje.webhook_seen;
UPDATE ganje.webhook_seen SET seen_at = seen_at - interval '1 year';
SELECT ganje.trim_inbox(30) > 0 AS keys;
SELECT count(*) FROM ganje.webhook_seen;
ROLLBACK;

-- Two accounts, one external id: the carrier's name alone does not say whose.
INSERT INTO ganje.carrier_account (account_id, carrier, base_url) VALUES ('75-OTHER', 'ganje', 'https://other.example');
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, phone, account_id, external_id)
VALUES ('M75', '75-X', 'order-x', '+989121111111', '75-GANJE', 'X'), ('M75b', '75-Y', 'order-x', '+989121111111', '75-OTHER', 'X');
INSERT INTO ganje.webhook_inbox (source, payload) VALUES ('ganje', '{"uuid": "x", "status": "occupied", "external_id": "X"}')
RETURNING state, reason, detail;
INSERT INTO ganje.webhook_inbox (source, payload) VALUES ('75-OTHER', '{"uuid": "x", "status": "occupied", "external_id": "X"}')
RETURNING state, reason, merchant_id;
SELECT shipment_id, normalized_status FROM ganje.shipment WHERE external_id = 'X' ORDER BY shipment_id;

-- Times are in the account's zone, whether the source names it or not.
UPDATE ganje.carrier_account SET timezone = 'UTC' WHERE account_id = '75-GANJE';
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, phone, account_id, external_id)
VALUES ('M75', '75-T', 'order-t', '+989121111111', '75-GANJE', 'T');
SELECT say75('T', 'occupied', 'p', '2024-10-09 17:20:32');
SELECT checked_in_at AT TIME ZONE 'UTC' AS checked_in FROM ganje.shipment_parcel WHERE shipment_id = '75-T';

-- Many in one transaction.
BEGIN;
INSERT INTO ganje.shipment (merchant_id, shipment_id, order_id, phone, account_id, external_id)
SELECT 'M75', '75-many-' || n, 'many-' || n, '+989121111111', '75-GANJE', 'many-' || n FROM generate_series(1, 200) AS n;
SELECT count(*) FROM (SELECT say75('many-' || n, s, 'p' || n) FROM generate_series(1, 200) AS n, unnest('{reserved,occupied}'::text[]) AS s) AS t;
SELECT normalized_status, count(*) FROM ganje.shipment WHERE shipment_id LIKE '75-many-%' GROUP BY 1;
-- They take no transaction ids of their own but for the first, so that others need not look them up.
SELECT count(*) AS steps, count(DISTINCT xmin::text) BETWEEN 2 AND 33 AS few FROM ganje.shipment_event
 WHERE shipment_id LIKE '75-many-%' AND source = 'ganje';
ROLLBACK;

DROP FUNCTION say75, signed75;
SELECT ganje.resume_sending();
