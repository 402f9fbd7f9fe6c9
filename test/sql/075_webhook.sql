-- The inbox: payloads as they came, and what became of each.
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
SELECT h.name, i.state, i.reason, i.detail, i.payload = h.payload AS kept
  FROM hostile75 AS h JOIN ganje.webhook_inbox AS i ON md5(i.payload) = md5(h.payload) AND i.merchant_id = 'M75' ORDER BY h.name COLLATE "C";
SELECT ganje.receive_webhook('75-nobody', '{}'), ganje.receive_webhook('hesapkurye', '{}'), ganje.receive_webhook(NULL, NULL);
SELECT source, state, reason FROM ganje.webhook_inbox WHERE source IN ('75-nobody', 'hesapkurye', '') ORDER BY source;
SELECT ganje.receive_webhook('ganje', '\xff'::bytea);

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
ROLLBACK;

DROP FUNCTION say75;
SELECT ganje.resume_sending();
