-- The mapping language of attach_orders: expressions, conditions, changes,
-- cancellations; all of it checked when it is given.
\set SHOW_CONTEXT never
SELECT ganje.pause_sending();
SET ganje_logistics.now = '2026-03-01 06:00:00+00';
SELECT ganje.upsert_zone('{"zoneId": "71-ZONE", "name": "Zone"}');
SELECT ganje.upsert_store('{"storeId": "71-STORE", "merchantId": "M71", "name": "Store", "rules": [
    {"ruleId": "cargo", "types": ["CARGO"], "providers": ["GANJE"], "fee": 5},
    {"ruleId": "own", "types": ["SELF"], "capacity": 3}]}');
INSERT INTO ganje.carrier_account (account_id, carrier, base_url) VALUES ('71-GANJE', 'ganje', 'https://ganje.example');
SELECT ganje.upsert_shipment_provider('{"merchantId": "M71", "storeId": "71-STORE", "shipmentType": "CARGO", "providerId": "GANJE",
    "data": {"carrierAccount": "71-GANJE"}}');
CREATE SCHEMA shop71;
CREATE TABLE shop71.orders (
    gone int, id bigint PRIMARY KEY, phone text, country text, "x""); drop table shop71.orders; --" text, "O'Brien\ {""path""}" text,
    street text, door int, lat float8, weight numeric, gift boolean, placed timestamptz, born date, tags text[], state text NOT NULL DEFAULT 'new',
    carrier text, hold_id text, info jsonb, extra json, whole text GENERATED ALWAYS AS (coalesce(street, '') || ' ' || door::text) STORED);
ALTER TABLE shop71.orders DROP COLUMN gone;

-- Every mistake names its place.
CREATE FUNCTION try71(mapping jsonb, relation regclass DEFAULT 'shop71.orders') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ganje.attach_orders(relation, '{"orderId": "id", "holdId": "hold_id"}' || mapping);
    RETURN 'attached';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SELECT m AS mapping, try71(m::jsonb) FROM unnest(ARRAY[
    '{"phone": "gone"}', '{"phone": "Phone"}', '{"phone": "ctid"}', '{"phone": ["phone"]}', '{"phone": true}', '{"phone": {}}',
    '{"phone": {"column": "phone", "const": 1}}', '{"phone": {"column": 7}}', '{"phone": {"const": {"a": 1}}}', '{"phone": {"const": [1]}}',
    '{"phone": "info"}', '{"phone": "tags"}', '{"phone": {"path": "$.phone"}}', '{"phone": {"of": "info"}}', '{"phone": {"path": "$.a", "of": "phone"}}',
    '{"phone": {"path": "$.[", "of": "info"}}', '{"phone": {"path": "$.a", "of": "nowhere"}}', '{"phone": {"concat": []}}', '{"phone": {"concat": "phone"}}',
    '{"phone": {"concat": ["phone", {"const": 1, "x": 2}]}}', '{"phone": {"concat": [{"concat": ["info"]}]}}', '{"phone": {"number": "phone"}}',
    '{"address": "street"}', '{"address": {"const": "x"}}', '{"address": {"concat": ["street"]}}', '{"address": {"city": "info"}}',
    '{"address": {"geo": {"lat": "nowhere"}}}', '{"address": {"geo": {"lat": {"column": "nowhere"}}}}',
    '{"when": "state"}', '{"when": {}}', '{"when": {"equals": 1}}', '{"when": {"column": "state"}}', '{"when": {"column": "state", "in": []}}',
    '{"when": {"column": "state", "in": [["a"]]}}', '{"when": {"column": "state", "equals": null}}', '{"when": {"column": "state", "isNull": "yes"}}',
    '{"when": {"column": "nowhere", "equals": 1}}', '{"when": {"column": "info", "equals": 1}}', '{"when": {"and": []}}', '{"when": {"and": {}}}',
    '{"when": {"not": {"or": [{"column": "state", "equals": "a"}, {"column": "door", "equals": 1, "in": [1]}]}}}',
    '{"when": {"and": [], "or": []}}', '{"when": {"column": "state", "equals": "a", "sql": "true"}}',
    '{"on": "update"}', '{"on": {"insert": true}}', '{"on": {"update": "phone"}}', '{"on": {"update": ["phone"]}}', '{"on": {"update": ["orderId"]}}',
    '{"on": {"update": [7]}}', '{"on": {"cancel": true}}', '{"on": {"delete": "drop"}}', '{"on": {"delete": true}}']) AS m;
SELECT count(*) FROM ganje.order_attachment WHERE relation = 'shop71.orders'::regclass;
SELECT ganje.attach_orders('shop71.orders', NULL);
SELECT ganje.attach_orders('shop71.orders', '[]');
SELECT ganje.attach_orders('shop71.orders', '{"orderId": "id", "holdId": "hold_id"}', '');
SELECT ganje.attach_orders('shop71.orders', '{"orderId": "id", "holdId": "hold_id"}', repeat('x', 41));

-- Expressions.
SELECT ganje.attach_orders('shop71.orders', '{"orderId": {"concat": [{"const": "A-"}, "id"]}, "storeId": {"const": "71-STORE"}, "merchantId": {"const": "M71"},
    "type": {"const": "CARGO"}, "provider": {"const": "OWN"},
    "phone": {"concat": ["country", "phone"]}, "recipient": "x\"); drop table shop71.orders; --", "note": {"path": "$.notes[*] ? (@.to == \"courier\").text", "of": "info"},
    "externalId": {"column": "O''Brien\\ {\"path\"}"},
    "address": {"street": "whole", "door": "door", "geo": {"lat": "lat", "none": {"none": {"path": "$.none", "of": "info"}}}, "country": {"const": "IR"}, "left out": null},
    "data": {"weight": "weight", "gift": "gift", "placed": "placed", "born": "born", "info": {"path": "$.n", "of": "extra"}}}');
SET TimeZone = 'UTC';
SET DateStyle = 'German';
INSERT INTO shop71.orders (id, phone, country, "x""); drop table shop71.orders; --", "O'Brien\ {""path""}", street, door, lat, weight, gift, placed, born, info, extra)
VALUES (1, '9121234567', '+98', 'Ayşe', 'ext 1', 'Valiasr', 12, 35.7, 'NaN', true, '2026-03-01 10:00+03:30', '2000-12-31',
        '{"notes": [{"to": "shop", "text": "no"}, {"to": "courier", "text": "ring twice"}]}', '{"n": 1.50}'),
       (2, NULL, NULL, NULL, NULL, NULL, NULL, 'Infinity', 0.10, NULL, NULL, NULL, '{"notes": 7}', NULL);
RESET DateStyle;
SELECT order_id, phone, recipient, note, external_id, address, data FROM ganje.shipment WHERE merchant_id = 'M71' ORDER BY order_id;
-- JSON that turns out to be of another kind.
INSERT INTO shop71.orders (id, info) VALUES (3, '{"notes": [{"to": "courier", "text": {"a": 1}}]}');

-- Several attachments of one table, by a condition; with holds and without.
SELECT ganje.detach_orders('shop71.orders');
SELECT ganje.attach_orders('shop71.orders', '{"orderId": "id", "merchantId": {"const": "M71"}, "storeId": {"const": "71-STORE"}, "type": {"const": "CARGO"},
    "provider": {"const": "GANJE"}, "phone": "phone", "address": {"street": "street"}, "note": {"path": "$.note", "of": "info"},
    "when": {"and": [{"column": "carrier", "equals": "locker"}, {"not": {"column": "state", "in": ["draft", "new"]}}]},
    "on": {"update": ["phone", "address"], "cancel": {"column": "state", "equals": "cancelled"}}}', 'locker');
SELECT ganje.attach_orders('shop71.orders', '{"orderId": "id", "merchantId": {"const": "M71"}, "holdId": "hold_id", "storeId": {"const": "71-STORE"},
    "type": {"const": "SELF"}, "recipient": "street", "note": {"path": "$.note", "of": "info"}, "data": "extra",
    "when": {"or": [{"column": "carrier", "isNull": true}, {"path": "$.self", "of": "info", "equals": true}, {"column": "door", "in": [7, "8"]}]},
    "on": {"update": ["note", "data"], "cancel": {"column": "state", "equals": "cancelled"}, "delete": "cancel"}}', E'own "x"\'; drop schema ganje');
SELECT relation, name, columns, enabled FROM ganje.order_attachment WHERE relation = 'shop71.orders'::regclass ORDER BY name;
INSERT INTO shop71.orders (id, carrier, state, door, info, phone) VALUES
    (10, 'locker', 'paid', NULL, NULL, '+989121234567'), (11, 'locker', 'draft', NULL, NULL, '+989121234567'), (12, NULL, 'paid', NULL, NULL, NULL),
    (13, 'other', 'paid', 7, NULL, NULL), (14, 'other', 'paid', 8, NULL, NULL), (15, 'other', 'paid', 9, NULL, NULL),
    (16, 'other', 'paid', NULL, '{"self": true}', NULL), (17, 'other', 'paid', NULL, '{"self": "true"}', NULL), (18, 'other', 'paid', NULL, '{"self": 1}', NULL),
    (19, 'locker', 'cancelled', NULL, NULL, NULL);
CREATE VIEW shop71.shown AS
    SELECT order_id::int AS id, type, status, normalized_status, phone, address, recipient, note, data,
           (SELECT string_agg(o.operation, ',' ORDER BY d.turn) FROM ganje.outbox AS o JOIN ganje.outbox_delivery AS d USING (merchant_id, request_id)
             WHERE o.shipment_id = s.shipment_id) AS told
      FROM ganje.shipment AS s WHERE merchant_id = 'M71' AND order_id ~ '^\d+$';
SELECT id, type, status, told FROM shop71.shown ORDER BY id;

-- A row that comes to be an order by an UPDATE; once, whatever it does afterwards.
UPDATE shop71.orders SET state = 'paid' WHERE id = 11;
UPDATE shop71.orders SET state = 'draft' WHERE id = 11;
UPDATE shop71.orders SET state = 'paid' WHERE id = 11;
SELECT id, type, status, told FROM shop71.shown WHERE id = 11;
-- Changes that are listed reach the shipment, others do not; what the carrier does not hear of makes no request.
UPDATE shop71.orders SET street = 'Azadi', info = '{"note": "not listed"}' WHERE id = 10;
SELECT id, phone, address, note, told FROM shop71.shown WHERE id = 10;
-- While the first request is not sent it takes the change; afterwards the carrier, which has no such operation, would not know.
UPDATE shop71.orders SET phone = '+989127654321' WHERE id = 10;
SELECT id, phone, told, (SELECT body::jsonb ->> 'phone_number' FROM ganje.outbox WHERE body::jsonb ->> 'external_id' = '10') AS asked FROM shop71.shown WHERE id = 10;
UPDATE ganje.outbox_delivery SET attempts = 1 WHERE merchant_id = 'M71';
UPDATE shop71.orders SET phone = '+989120000000' WHERE id = 10;
UPDATE shop71.orders SET phone = '+989127654321', street = 'Enghelab' WHERE id = 10;
UPDATE shop71.orders SET id = 1000 WHERE id = 10;
SELECT id, phone, address, told FROM shop71.shown WHERE id = 10;
-- data: keys of the row come and go, others stay.
UPDATE ganje.shipment SET data = '{"app": 1, "gift": "old"}' WHERE order_id = '12' AND merchant_id = 'M71';
UPDATE shop71.orders SET extra = '{"gift": true, "wrap": "red"}' WHERE id = 12;
UPDATE shop71.orders SET extra = '{"gift": true}', info = '{"note": "heard"}' WHERE id = 12;
SELECT id, note, data FROM shop71.shown WHERE id = 12;
UPDATE shop71.orders SET extra = '"text"' WHERE id = 12;

-- Cancelled by a column, by DELETE; twice is once; what is on its way is not.
UPDATE shop71.orders SET state = 'cancelled' WHERE id = 12;
UPDATE shop71.orders SET state = 'cancelled', extra = '{"more": 1}' WHERE id = 12;
DELETE FROM shop71.orders WHERE id IN (12, 13, 15);
UPDATE ganje.shipment SET status = 'IN_TRANSIT' WHERE order_id = '14' AND merchant_id = 'M71';
CREATE FUNCTION error71(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, '[0-9A-Z]{26}', 'ULID');
END
$$;
SELECT error71('DELETE FROM shop71.orders WHERE id = 14');
UPDATE ganje.shipment SET status = 'PENDING', cannot_cancel = true WHERE order_id = '14' AND merchant_id = 'M71';
SELECT error71('DELETE FROM shop71.orders WHERE id = 14');
UPDATE ganje.shipment SET cannot_cancel = false, normalized_status = 'delivered' WHERE order_id = '14' AND merchant_id = 'M71';
DELETE FROM shop71.orders WHERE id = 14;
SELECT id, status, normalized_status FROM shop71.shown WHERE id IN (12, 13, 14) ORDER BY id;
SELECT s.order_id, e.status, e.source FROM ganje.shipment_event AS e JOIN ganje.shipment AS s USING (merchant_id, shipment_id)
 WHERE s.merchant_id = 'M71' AND order_id = '12' ORDER BY e.event_id;
-- The slot is free again.
SELECT ganje.hold_slot('{"merchantId": "M71", "zoneId": "71-ZONE", "cart": {"items": [{"itemId": "a"}]}, "pool": [{"items": ["a"], "type": "SELF"}]}') ->> 'holdId' AS hold \gset
INSERT INTO shop71.orders (id, hold_id) VALUES (20, :'hold');
SELECT used, confirmed FROM ganje.slot_usage WHERE merchant_id = 'M71';
DELETE FROM shop71.orders WHERE id = 20;
SELECT used, confirmed FROM ganje.slot_usage WHERE merchant_id = 'M71';

-- A renamed column goes on; one that is mapped cannot be dropped unnoticed, nor get another type.
ALTER TABLE shop71.orders RENAME COLUMN phone TO telephone;
ALTER TABLE shop71.orders RENAME COLUMN street TO phone;
INSERT INTO shop71.orders (id, carrier, state, telephone, phone) VALUES (30, 'locker', 'paid', '+989121111111', 'Valiasr');
SELECT id, phone, address FROM shop71.shown WHERE id = 30;
SELECT columns ->> 'phone' AS phone, columns ->> 'street' AS street FROM ganje.order_attachment WHERE name = 'locker';
ALTER TABLE shop71.orders DROP COLUMN telephone;
ALTER TABLE shop71.orders ALTER COLUMN telephone TYPE jsonb USING to_jsonb(telephone);
SELECT ganje.detach_orders('shop71.orders', 'locker'), ganje.detach_orders('shop71.orders', 'no such');
SELECT name FROM ganje.order_attachment WHERE relation = 'shop71.orders'::regclass;

-- Partitions whose columns lie elsewhere; rows that move are neither new nor gone.
CREATE TABLE shop71.parted (id bigint, phone text, state text) PARTITION BY LIST (state);
CREATE TABLE shop71.parted_open (junk int, state text, id bigint, phone text);
ALTER TABLE shop71.parted_open DROP COLUMN junk;
ALTER TABLE shop71.parted ATTACH PARTITION shop71.parted_open FOR VALUES IN ('open');
CREATE TABLE shop71.parted_rest PARTITION OF shop71.parted DEFAULT;
SELECT try71('{"on": {"delete": "cancel"}, "holdId": "phone"}', 'shop71.parted');
SELECT ganje.attach_orders('shop71.parted', '{"orderId": "id", "merchantId": {"const": "M71"}, "storeId": {"const": "71-STORE"}, "type": {"const": "SELF"},
    "phone": "phone", "on": {"update": ["phone"], "cancel": {"column": "state", "equals": "cancelled"}}}');
SELECT relation, name FROM ganje.order_attachment WHERE relation::text LIKE 'shop71.parted%';
INSERT INTO shop71.parted VALUES (40, 'a', 'open'), (41, 'b', 'packed'), (42, 'c', 'cancelled'), (43, 'd', 'open');
UPDATE shop71.parted SET state = 'packed', phone = 'aa' WHERE id = 40;
UPDATE shop71.parted SET phone = 'aaa' WHERE id = 40;
UPDATE shop71.parted SET state = 'cancelled' WHERE id IN (41, 43);
SELECT id, phone, status FROM shop71.shown WHERE id BETWEEN 40 AND 49 ORDER BY id;

-- The view and the trigger survive what a dump writes.
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'shop71.parted'::regclass;

SET client_min_messages = warning;
DROP SCHEMA shop71 CASCADE;
DROP FUNCTION error71;
SELECT ganje.resume_sending();
