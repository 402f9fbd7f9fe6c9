-- Orders: an application's own table, attached; everything that follows from
-- an INSERT is in its transaction.
\set SHOW_CONTEXT never
-- An error's message, without the ids that differ from run to run.
CREATE FUNCTION error70(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, '[0-9A-Z]{26}', 'ULID');
END
$$;
SELECT ganje.pause_sending();
SET ganje_logistics.now = '2026-03-01 06:00:00+00';
SELECT ganje.upsert_zone('{"zoneId": "70-ZONE", "name": "Order zone", "timezone": 3.5}');
SELECT ganje.upsert_store('{"storeId": "70-STORE", "merchantId": "M70", "name": "Store", "rules": [
    {"ruleId": "cargo", "types": ["CARGO"], "providers": ["GANJE"], "days": ["1","2","3","4","5","6","7"],
     "slots": [["10:00","12:00"]], "capacity": 1, "fee": 5, "category": {"values": ["dry"]}},
    {"ruleId": "moto", "types": ["ON_DEMAND"], "providers": [], "capacity": 1, "fee": 6, "category": {"values": ["cold"]}}]}');
INSERT INTO ganje.carrier_account (account_id, carrier, base_url, allow_http) VALUES ('70-GANJE', 'ganje', 'http://127.0.0.1:9', true);
SELECT ganje.upsert_shipment_provider('{"merchantId": "M70", "storeId": "70-STORE", "shipmentType": "CARGO",
    "providerId": "GANJE", "name": "Send via Ganje", "data": {"carrierAccount": "70-GANJE"}}');

CREATE SCHEMA shop70;
CREATE TABLE shop70."Order" (
    id bigint PRIMARY KEY,
    "x""); drop table students; --" text,
    hold_id text,
    address jsonb,
    "who is it" json,
    secret text
);

-- Mappings are checked against the catalog when they are given.
SELECT ganje.attach_orders('shop70."Order"', '{"orderId": "id", "holdId": "hold", "phone": "phone"}');
SELECT ganje.attach_orders('shop70."Order"', '{"orderId": "id", "holdID": "hold_id"}');
SELECT ganje.attach_orders('shop70."Order"', '{"holdId": "hold_id"}');
SELECT ganje.attach_orders('shop70."Order"', '{"orderId": 7, "holdId": "hold_id"}');
SELECT ganje.attach_orders('shop70."Order"', '{"orderId": "id"}');
SELECT ganje.attach_orders('shop70."Order"', '{"orderId": "id", "holdId": "hold_id", "phone": {"column": "x"}}');
SELECT ganje.attach_orders('shop70.nothing', '{"orderId": "id", "holdId": "hold_id"}');
CREATE VIEW shop70.view AS SELECT * FROM shop70."Order";
SELECT ganje.attach_orders('shop70.view', '{"orderId": "id", "holdId": "hold_id"}');
SELECT count(*) FROM ganje.order_attachment;

SELECT ganje.attach_orders('shop70."Order"', '{"orderId": "id", "holdId": "hold_id", "merchantId": {"const": "M70"},
    "phone": "x\"); drop table students; --", "address": "address", "data": "who is it"}');
SELECT * FROM ganje.order_attachment;

CREATE FUNCTION shop70.hold() RETURNS text LANGUAGE sql AS $$
    SELECT ganje.hold_slot('{"merchantId": "M70", "zoneId": "70-ZONE",
        "cart": {"cartId": "cart", "items": [{"itemId": "tea", "quantity": 2, "price": 12.50, "categories": ["dry"], "name": "Tea"},
                                             {"itemId": "ice", "price": 3, "categories": ["cold"]}]},
        "pool": [{"items": ["tea"], "type": "CARGO", "provider": "GANJE"}, {"items": ["ice"], "type": "ON_DEMAND"}]}') ->> 'holdId'
$$;

-- Rolled back: no shipment, no request, no used slot but the hold's own.
SELECT shop70.hold() AS hold \gset
SELECT rule_id, used, held, confirmed FROM ganje.slot_usage WHERE merchant_id = 'M70' ORDER BY rule_id;
BEGIN;
INSERT INTO shop70."Order" VALUES (1, '0912 345 67 89', :'hold', '{"city": "تهران"}', '{"gift": true}', 's');
SELECT type, status, normalized_status, account_id, external_id, phone, address, data, day, slot_from, slot_to, fee
  FROM ganje.shipment WHERE merchant_id = 'M70' ORDER BY group_no;
SELECT rule_id, used, held, confirmed FROM ganje.slot_usage WHERE merchant_id = 'M70' ORDER BY rule_id;
ROLLBACK;
SELECT (SELECT count(*) FROM ganje.shipment WHERE merchant_id = 'M70') AS shipments,
       (SELECT count(*) FROM ganje.outbox WHERE merchant_id = 'M70') AS requests,
       (SELECT count(*) FROM ganje.shipment_event WHERE merchant_id = 'M70') AS events;
SELECT rule_id, used, held, confirmed FROM ganje.slot_usage WHERE merchant_id = 'M70' ORDER BY rule_id;

-- Committed: both shipments with their items and journey, one request, no secret in it.
INSERT INTO shop70."Order" VALUES (1, '0912 345 67 89', :'hold', '{"city": "تهران"}', '{"gift": true}', 's');
SELECT s.type, i.item_id, i.quantity, i.price, i.name FROM ganje.shipment AS s JOIN ganje.shipment_item AS i USING (merchant_id, shipment_id)
 WHERE merchant_id = 'M70' ORDER BY s.group_no, i.position;
SELECT s.type, e.status, e.normalized_status, e.source FROM ganje.shipment AS s JOIN ganje.shipment_event AS e USING (merchant_id, shipment_id)
 WHERE merchant_id = 'M70' ORDER BY s.group_no;
SELECT o.account_id, o.operation, o.method, o.path, o.headers, o.body, d.state, d.attempts, d.turn
  FROM ganje.outbox AS o JOIN ganje.outbox_delivery AS d USING (merchant_id, request_id) WHERE merchant_id = 'M70';
SELECT rule_id, used, held, confirmed FROM ganje.slot_usage WHERE merchant_id = 'M70' ORDER BY rule_id;

-- A hold serves one order, once.
SELECT error70(format($$INSERT INTO shop70."Order" VALUES (2, '09123456789', %L)$$, :'hold'));
DELETE FROM shop70."Order";
SELECT error70(format($$INSERT INTO shop70."Order" VALUES (1, '09123456789', %L)$$, :'hold'));
-- Unknown hold, no hold, no order id.
INSERT INTO shop70."Order" VALUES (3, '09123456789', 'no-such-hold');
INSERT INTO shop70."Order" VALUES (3, '09123456789', NULL);
ALTER TABLE shop70."Order" RENAME COLUMN hold_id TO hold;
INSERT INTO shop70."Order" VALUES (3, '09123456789', 'x');
ALTER TABLE shop70."Order" RENAME COLUMN hold TO hold_id;
SELECT count(*) FROM shop70."Order";

-- Cancelling gives the unit back; here the carrier says so.
SELECT ganje.receive_webhook('ganje', '{"uuid": "u70", "status": "canceled", "shipment": {"external_id": "1"}}');
SELECT type, status, normalized_status FROM ganje.shipment WHERE merchant_id = 'M70' ORDER BY group_no;
SELECT rule_id, used, held, confirmed FROM ganje.slot_usage WHERE merchant_id = 'M70' ORDER BY rule_id;

-- A phone that Ganje does not take: the order fails as a whole, and the number is not in the message.
SELECT ganje.ganje_phone(p) FROM unnest('{+989121234567,09121234567,989121234567,00989121234567,۰۹۱۲۱۲۳۴۵۶۷,+98 (912) 123-45.67,+905551234567,123,+9891212345678,""}'::text[]) AS p;
UPDATE ganje.store_rule SET capacity = 5 WHERE merchant_id = 'M70';
SELECT shop70.hold() AS hold \gset
INSERT INTO shop70."Order" VALUES (4, '555-1234', :'hold');
INSERT INTO shop70."Order" VALUES (4, NULL, :'hold');
SELECT count(*) FROM ganje.shipment WHERE merchant_id = 'M70' AND order_id = '4';

-- Two groups of one order at one locker service: one request, one link.
SELECT ganje.upsert_store('{"storeId": "70-STORE", "merchantId": "M70", "rules": [
    {"ruleId": "cargo", "types": ["CARGO"], "providers": ["GANJE"], "fee": 5, "category": {"values": ["dry"]}},
    {"ruleId": "cargo2", "types": ["CARGO"], "providers": ["GANJE"], "fee": 5, "category": {"values": ["cold"]}}]}');
SELECT ganje.hold_slot('{"merchantId": "M70", "zoneId": "70-ZONE",
    "cart": {"items": [{"itemId": "tea", "categories": ["dry"]}, {"itemId": "ice", "categories": ["cold"]}]},
    "pool": [{"items": ["tea"], "type": "CARGO"}, {"items": ["ice"], "type": "CARGO"}]}') ->> 'holdId' AS hold \gset
INSERT INTO shop70."Order" VALUES (5, '+989123456789', :'hold');
SELECT count(*) AS shipments, (SELECT count(*) FROM ganje.outbox AS o WHERE o.body LIKE '%"5"%' AND o.merchant_id = 'M70') AS requests
  FROM ganje.shipment WHERE merchant_id = 'M70' AND order_id = '5';

-- Without a hold: the mapping names the store.
CREATE TABLE shop70.simple (id text, phone text) PARTITION BY LIST (id);
CREATE TABLE shop70.simple_part PARTITION OF shop70.simple DEFAULT;
SELECT ganje.attach_orders('shop70.simple', '{"orderId": "id", "phone": "phone", "merchantId": {"const": "M70"},
    "storeId": {"const": "70-STORE"}, "type": {"const": "CARGO"}, "provider": {"const": "GANJE"}}');
INSERT INTO shop70.simple VALUES ('S-1', '+989123456789');
SELECT order_id, store_id, type, provider, account_id, external_id FROM ganje.shipment WHERE order_id = 'S-1';
INSERT INTO shop70.simple VALUES (NULL, '+989123456789');
SELECT ganje.detach_orders('shop70.simple');
SELECT ganje.detach_orders('shop70.simple');
INSERT INTO shop70.simple VALUES ('S-2', '+989123456789');
SELECT count(*) FROM ganje.shipment WHERE order_id = 'S-2';
SELECT relation FROM ganje.order_attachment;

-- The shop's own role needs no right on the tables of the extension.
CREATE ROLE shop70_app;
GRANT USAGE ON SCHEMA shop70 TO shop70_app;
GRANT INSERT ON ALL TABLES IN SCHEMA shop70 TO shop70_app;
SELECT ganje.hold_slot('{"merchantId": "M70", "zoneId": "70-ZONE", "cart": {"items": [{"itemId": "tea", "categories": ["dry"]}]},
    "pool": [{"items": ["tea"], "type": "CARGO"}]}') ->> 'holdId' AS hold \gset
SET ROLE shop70_app;
INSERT INTO shop70."Order" VALUES (6, '+989123456789', :'hold');
SELECT count(*) FROM ganje.shipment;
RESET ROLE;
SELECT count(*) FROM ganje.shipment WHERE merchant_id = 'M70' AND order_id = '6';

DROP SCHEMA shop70 CASCADE;
DROP ROLE shop70_app;
DROP FUNCTION error70;
SELECT ganje.resume_sending();
