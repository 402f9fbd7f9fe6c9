-- Rows that are written without a statement: those of a hold, and the first
-- ones of a shipment. They are what a statement would have written, and a
-- table that somebody has changed gets what is due to it.
\set SHOW_CONTEXT never
SELECT ganje.pause_sending();
CREATE SCHEMA r70;
-- A request without headers gets those of the table.
CREATE FUNCTION r70.build(shipment ganje.shipment, operation text) RETURNS ganje.http_request LANGUAGE plpgsql AS $$
DECLARE
    request ganje.http_request;
BEGIN
    request.method := 'POST';
    request.path := '/' || shipment.external_id;
    RETURN request;
END
$$;
SELECT ganje.register_carrier('r70', 'r70.build');
INSERT INTO ganje.carrier_account (account_id, carrier, base_url) VALUES ('r70', 'r70', 'https://r70.example');
SELECT ganje.upsert_zone('{"zoneId": "r70", "name": "Rows", "timezone": 3, "rules": [{"addr": {"city": {"IN": ["city r70"]}}}]}');
SELECT ganje.upsert_store('{"merchantId": "r70", "storeId": "s", "name": "s", "rules": [{"ruleId": "r", "types": ["CARGO"], "fee": 1}]}');
CREATE FUNCTION r70.hold() RETURNS text LANGUAGE sql AS $$
    SELECT ganje.hold_slot('{"merchantId": "r70", "zoneId": "r70", "cart": {"cartId": "c", "items": [{"itemId": "i"}]},
                             "pool": [{"items": ["i"], "type": "CARGO"}]}') ->> 'held'
$$;
CREATE TABLE r70.orders (id text, phone text);
SELECT ganje.attach_orders('r70.orders', '{"orderId": "id", "phone": "phone", "merchantId": {"const": "r70"},
    "storeId": {"const": "s"}, "type": {"const": "CARGO"}, "provider": {"const": "R70"}}');
SELECT ganje.upsert_shipment_provider('{"merchantId": "r70", "storeId": "s", "shipmentType": "CARGO", "providerId": "R70",
    "name": "Rows", "data": {"carrierAccount": "r70"}}') IS NOT NULL AS provided;

-- What an order writes in place of a default is the default.
BEGIN;
INSERT INTO r70.orders VALUES ('1', '09123456789');
SELECT account_id FROM ganje.shipment WHERE merchant_id = 'r70';
INSERT INTO ganje.shipment_event (merchant_id, shipment_id, status, normalized_status, source, occurred_at)
SELECT merchant_id, shipment_id, status, normalized_status, source, occurred_at FROM ganje.shipment_event WHERE merchant_id = 'r70';
INSERT INTO ganje.outbox (merchant_id, account_id, shipment_id, operation, method, path)
SELECT merchant_id, account_id, shipment_id, operation, method, path FROM ganje.outbox WHERE merchant_id = 'r70';
INSERT INTO ganje.outbox_delivery (merchant_id, request_id, account_id, shipment_id, due_at, origin)
SELECT merchant_id, 'by statement', account_id, shipment_id, now(), ganje.system_identifier() FROM ganje.outbox_delivery WHERE merchant_id = 'r70';
CREATE VIEW r70.written AS
SELECT 'shipment_event' AS name, event_id AS id, to_jsonb(e) - 'event_id' AS others FROM ganje.shipment_event AS e WHERE merchant_id = 'r70'
UNION ALL SELECT 'outbox', request_id, to_jsonb(o) - 'request_id' FROM ganje.outbox AS o WHERE merchant_id = 'r70'
UNION ALL SELECT 'outbox_delivery', request_id, to_jsonb(d) - 'request_id' FROM ganje.outbox_delivery AS d WHERE merchant_id = 'r70';
SELECT name, count(*) AS rows, count(DISTINCT others) AS kinds, count(DISTINCT id) AS ids,
       count(*) FILTER (WHERE id ~ '^[0-7][0-9A-HJKMNP-TV-Z]{25}$') AS ulids
  FROM r70.written GROUP BY 1 ORDER BY 1;
-- No column of these tables has a default but those that are written above.
SELECT c.relname, string_agg(a.attname, ', ' ORDER BY a.attnum) AS defaults
  FROM pg_attrdef AS d JOIN pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum JOIN pg_class AS c ON c.oid = d.adrelid
 WHERE d.adrelid IN ('ganje.shipment_event'::regclass, 'ganje.outbox'::regclass, 'ganje.outbox_delivery'::regclass,
                     'ganje.hold'::regclass, 'ganje.hold_unit'::regclass)
 GROUP BY 1 ORDER BY 1;
ROLLBACK;

-- Triggers by statement, and a column more, which has its default.
CREATE FUNCTION r70.tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE '% % on %', TG_WHEN, TG_LEVEL, TG_TABLE_NAME;
    RETURN NULL;
END
$$;
BEGIN;
CREATE TRIGGER tell BEFORE INSERT ON ganje.shipment_event FOR EACH STATEMENT EXECUTE FUNCTION r70.tell();
CREATE TRIGGER tell AFTER INSERT ON ganje.outbox FOR EACH STATEMENT EXECUTE FUNCTION r70.tell();
CREATE TRIGGER tell AFTER INSERT ON ganje.outbox_delivery FOR EACH ROW EXECUTE FUNCTION r70.tell();
CREATE TRIGGER tell AFTER INSERT ON ganje.hold FOR EACH STATEMENT EXECUTE FUNCTION r70.tell();
ALTER TABLE ganje.hold_unit ADD COLUMN note text;
ALTER TABLE ganje.hold_unit ALTER COLUMN note SET DEFAULT 'as always';
INSERT INTO r70.orders VALUES ('2', '09123456789');
SELECT r70.hold() AS held;
SELECT o.path IS NOT NULL AS requested, d.state, e.source
  FROM ganje.outbox AS o JOIN ganje.outbox_delivery AS d USING (merchant_id, request_id)
  JOIN ganje.shipment_event AS e ON (e.merchant_id, e.shipment_id) = (o.merchant_id, o.shipment_id) WHERE o.merchant_id = 'r70';
SELECT h.state, h.cart_id, u.note, u.rule_id FROM ganje.hold AS h JOIN ganje.hold_unit AS u USING (merchant_id, hold_id) WHERE h.merchant_id = 'r70';
ROLLBACK;
-- One that has another's name.
BEGIN;
ALTER TABLE ganje.hold RENAME COLUMN cart_id TO other;
ALTER TABLE ganje.hold RENAME COLUMN zone_id TO cart_id;
ALTER TABLE ganje.hold RENAME COLUMN other TO zone_id;
SELECT r70.hold() AS held;
SELECT cart_id, zone_id FROM ganje.hold WHERE merchant_id = 'r70';
ROLLBACK;

-- Conditions are kept by a session, but not longer than they hold.
CREATE FUNCTION r70.may(zone text) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN zone IS NOT NULL;
CREATE FUNCTION r70.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN check_violation THEN
    RETURN SQLERRM;
END
$$;
BEGIN;
SELECT r70.attempt('SELECT r70.hold()');
ALTER TABLE ganje.hold ADD CONSTRAINT zone_may CHECK (r70.may(zone_id));
SELECT r70.attempt('SELECT r70.hold()');
CREATE OR REPLACE FUNCTION r70.may(zone text) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN zone <> 'r70';
SELECT r70.attempt('SELECT r70.hold()');
ALTER TABLE ganje.hold DROP CONSTRAINT zone_may;
SELECT r70.attempt('SELECT r70.hold()');
ALTER TABLE ganje.outbox ADD CONSTRAINT path_may CHECK (path <> '/4') NOT VALID;
SELECT r70.attempt($$INSERT INTO r70.orders VALUES ('3', '09123456789')$$);
SELECT r70.attempt($$INSERT INTO r70.orders VALUES ('4', '09123456789')$$);
ALTER TABLE ganje.outbox DROP CONSTRAINT path_may, ADD CONSTRAINT path_may CHECK (path <> '/5') NOT VALID;
SELECT r70.attempt($$INSERT INTO r70.orders VALUES ('4', '09123456789')$$);
SELECT r70.attempt($$INSERT INTO r70.orders VALUES ('5', '09123456789')$$);
ROLLBACK;
SELECT r70.attempt('SELECT r70.hold()');

DELETE FROM ganje.hold WHERE merchant_id = 'r70';
DELETE FROM ganje.slot_counter WHERE merchant_id = 'r70';
DELETE FROM ganje.store WHERE merchant_id = 'r70';
DELETE FROM ganje.zone WHERE zone_id = 'r70';
SELECT ganje.detach_orders('r70.orders');
DELETE FROM ganje.carrier_account WHERE account_id = 'r70';
SELECT ganje.unregister_carrier('r70');
DROP SCHEMA r70 CASCADE;
SELECT ganje.resume_sending();
