-- Holds: what is taken, what is refused and why, all groups or none.
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';
SET ganje_logistics.now = '2026-03-02 06:00:00+00';
SELECT ganje.upsert_zone('{"zoneId": "054", "name": "Holds", "timezone": 3, "rules": [{"addr": {"city": {"IN": ["city 054"]}}}]}');
CREATE FUNCTION pg_temp.store(merchant text, store text, rules text) RETURNS void LANGUAGE sql AS $$
    SELECT ganje.upsert_store(jsonb_build_object('merchantId', merchant, 'storeId', store, 'name', store, 'rules', rules::jsonb))
$$;
-- A hold of these items and this pool; its id, which differs from run to run, is kept in a table.
CREATE TABLE hold54 (name text PRIMARY KEY, hold_id text);
CREATE FUNCTION pg_temp.hold(merchant text, items text, pool text, name text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer jsonb;
BEGIN
    answer := ganje.hold_slot(jsonb_build_object('merchantId', merchant, 'zoneId', '054', 'pool', pool::jsonb,
                                                 'cart', jsonb_build_object('items', items::jsonb)));
    IF name IS NOT NULL THEN
        INSERT INTO hold54 VALUES (name, answer ->> 'holdId') ON CONFLICT ON CONSTRAINT hold54_pkey DO UPDATE SET hold_id = excluded.hold_id;
    END IF;
    RETURN answer - 'holdId';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
CREATE FUNCTION pg_temp.confirm(name text, order_id text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN ganje.confirm_hold((SELECT h.hold_id FROM hold54 AS h WHERE h.name = confirm.name), order_id, (SELECT h.merchant_id FROM ganje.hold AS h JOIN hold54 AS n USING (hold_id) WHERE n.name = confirm.name)) - 'holdId';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, '[0-9A-Z]{26}', 'ULID');
END
$$;
CREATE FUNCTION pg_temp.release(name text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN ganje.release_hold((SELECT h.hold_id FROM hold54 AS h WHERE h.name = release.name), (SELECT h.merchant_id FROM ganje.hold AS h JOIN hold54 AS n USING (hold_id) WHERE n.name = release.name)) - 'holdId';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, '[0-9A-Z]{26}', 'ULID');
END
$$;
CREATE VIEW usage54 AS SELECT merchant_id, store_id, rule_id, day, slot_from, slot_to, capacity, used, held, confirmed
  FROM ganje.slot_usage WHERE merchant_id LIKE 'M054%' ORDER BY 1, 2, 3, 4 NULLS FIRST, 5, 6;

SELECT pg_temp.store('M054', 'S1', '[{"ruleId": "slots", "types": ["RESERVED"], "days": ["1","2"], "slots": [["10:00","12:00"],["12:00","14:00"],["22:00","02:00"],["20:00","24:00"]], "capacity": 2, "fee": 6, "cutoff": 60}]');
\set a '[{"itemId": "a", "quantity": 2, "price": 12.5, "name": "A \\"quoted\\" name"}]'

-- Taken, counted, and full; what is full is no longer offered, alone of its day.
SELECT pg_temp.hold('M054', :'a', '[{"items": ["a"], "type": "RESERVED", "day": "2026-03-02", "slot": ["12:00","14:00"]}]', 'first');
SELECT pg_temp.hold('M054', :'a', '[{"items": ["a"], "type": "RESERVED", "day": "2026-03-02", "slot": ["12:00","14:00"]}]', 'second');
SELECT pg_temp.hold('M054', :'a', '[{"items": ["a"], "type": "RESERVED", "day": "2026-03-02", "slot": ["12:00","14:00"]}]');
SELECT pg_temp.hold('M054', :'a', '[{"items": ["a"], "type": "RESERVED", "day": "2026-03-03", "slot": ["22:00","02:00"]}]', 'night');
SELECT pg_temp.hold('M054', :'a', '[{"items": ["a"], "type": "RESERVED", "day": "2026-03-03", "slot": ["20:00","24:00"]}]', 'evening');
SELECT * FROM usage54;
SELECT n.name, u.state, u.store_id, u.rule_id, u.type, u.provider, u.day, u.slot_from, u.slot_to, u.promised_from, u.promised_to, u.fee, u.items, u.expires_at
  FROM ganje.hold_unit AS u JOIN hold54 AS n USING (hold_id) ORDER BY n.name;
SELECT ganje.get_pools('{"merchantId": "M054", "zoneId": "054", "cart": {"items": [{"itemId": "a"}]}}') #> '{0,0,options,0,slots,2026-03-02}';

-- Refusals, each with its reason.
SELECT pool, pg_temp.hold('M054', :'a', format('[{"items": ["a"], %s}]', pool))
  FROM unnest(ARRAY['"type": "RESERVED", "day": "2026-03-02", "slot": ["10:00","12:00"]',
                    '"type": "RESERVED", "day": "2026-03-02", "slot": ["11:00","12:00"]',
                    '"type": "RESERVED", "day": "2026-03-04", "slot": ["10:00","12:00"]',
                    '"type": "RESERVED", "day": "2026-03-01", "slot": ["10:00","12:00"]',
                    '"type": "RESERVED", "day": "2026-03-09", "slot": ["10:00","12:00"]',
                    '"type": "RESERVED", "provider": "X", "day": "2026-03-03", "slot": ["10:00","12:00"]',
                    '"type": "CARGO"', '"type": "NONE"']) AS pool;
SELECT pg_temp.hold('M054', '[{"itemId": "a", "merchantId": "M054none"}]', '[{"items": ["a"], "type": "CARGO"}]');

-- Wrong requests, each by its path.
\set ab '[{"itemId": "a"}, {"itemId": "b"}]'
SELECT pool, pg_temp.hold('M054', :'ab', pool)
  FROM unnest(ARRAY['{}', '[]', '[7]', '[{"type": "CARGO"}]', '[{"items": [], "type": "CARGO"}]', '[{"items": ["a"], "type": "CARGO"}]',
                    '[{"items": ["a", "b", "c"], "type": "CARGO"}]', '[{"items": ["a", "a", "b"], "type": "CARGO"}]',
                    '[{"items": ["a", "b"], "type": "CARGO"}, {"items": ["b"], "type": "CARGO"}]', '[{"items": ["a"]}, {"items": ["b"], "type": "CARGO"}]',
                    '[{"items": ["a", 7], "type": "CARGO"}]', '[{"items": ["a", "b"], "type": 7}]',
                    '[{"items": ["a", "b"], "type": "RESERVED"}]', '[{"items": ["a", "b"], "type": "RESERVED", "day": "2026-03-03"}]',
                    '[{"items": ["a", "b"], "type": "RESERVED", "slot": ["10:00","12:00"]}]',
                    '[{"items": ["a", "b"], "type": "RESERVED", "day": "2026-3-3", "slot": ["10:00","12:00"]}]',
                    '[{"items": ["a", "b"], "type": "RESERVED", "day": "2026-02-30", "slot": ["10:00","12:00"]}]',
                    '[{"items": ["a", "b"], "type": "RESERVED", "day": "2026- 3- 3", "slot": ["10:00","12:00"]}]',
                    '[{"items": ["a", "b"], "type": "RESERVED", "day": "2026-03-03", "slot": ["25:00","26:00"]}]',
                    '[{"items": ["a", "b"], "type": "RESERVED", "day": "2026-03-03", "slot": ["10:00","12"]}]',
                    '[{"items": ["a", "b"], "type": "RESERVED", "day": "2026-03-03", "slot": ["24:00","02:00"]}]',
                    '[{"items": ["a", "b"], "type": "RESERVED", "day": "2026-03-03", "slot": ["10:00"]}]',
                    '[{"items": ["a", "b"], "type": "RESERVED", "day": "2026-03-03", "slot": "10:00"}]',
                    '[{"items": ["a", "b"], "type": "CARGO", "storeId": "S1"}]',
                    '[{"items": ["a"], "type": "X"}, {"items": ["b"], "type": "X"}, {"items": ["b"], "type": "X"}]']) AS pool;
CREATE FUNCTION pg_temp.refusal(request text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN ganje.hold_slot(request::jsonb);
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SELECT request, pg_temp.refusal(request)
  FROM unnest(ARRAY['[]', '{}', '{"cartId": "NONE", "zoneId": "054", "pool": []}', '{"cart": {"items": [{"itemId": "a"}]}, "pool": []}',
                    '{"cart": {"items": [{"itemId": "a"}]}, "zoneId": "NONE", "pool": []}', '{"cart": {"items": [{"itemId": "a"}]}, "zoneId": "054"}',
                    '{"cart": {"items": [{"itemId": "a"}]}, "zoneId": "054", "pools": []}',
                    '{"cart": {"items": [{"itemId": "a"}]}, "address": {"city": "nowhere"}, "pool": [{"items": ["a"], "type": "CARGO"}]}']) AS request;

-- Confirm and release: again changes nothing, another order is refused, and so is the other of the two.
SELECT pg_temp.confirm('first', 'O1');
SELECT pg_temp.confirm('first', 'O1');
SELECT pg_temp.confirm('first', 'O2');
SELECT pg_temp.confirm('first', NULL);
SELECT pg_temp.release('first');
SELECT pg_temp.release('second');
SELECT pg_temp.release('second');
SELECT pg_temp.confirm('second', 'O3');
SELECT pg_temp.confirm('nothing', 'O3');
SELECT pg_temp.release('nothing');
SELECT used, held, confirmed FROM usage54 WHERE slot_from = '12:00';
SELECT n.name, h.state, h.order_id, u.state FROM hold54 AS n JOIN ganje.hold AS h USING (hold_id) JOIN ganje.hold_unit AS u USING (hold_id) ORDER BY 1;

-- A unit given back can be taken.
SELECT pg_temp.hold('M054', :'a', '[{"items": ["a"], "type": "RESERVED", "day": "2026-03-02", "slot": ["12:00","14:00"]}]', 'third');

-- Rolled back, as if it had never been.
BEGIN;
SELECT pg_temp.hold('M054', :'a', '[{"items": ["a"], "type": "RESERVED", "day": "2026-03-03", "slot": ["12:00","14:00"]}]');
ROLLBACK;
SELECT count(*) FROM usage54 WHERE day = '2026-03-03' AND slot_from = '12:00';

-- Every kind of counter: CARGO takes the first open window that is not full, a
-- rule without slots counts by day, ON_DEMAND whatever the day, none without capacity.
SELECT pg_temp.store('M054b', 'S1', '[{"ruleId": "cargo", "types": ["CARGO"], "providers": ["ARAS"], "days": ["1","2"], "slots": [["07:00","08:00"],["10:00","12:00"],["12:00","14:00"]], "capacity": 1, "fee": 9},
    {"ruleId": "daily", "types": ["SELF"], "days": ["2"], "capacity": 1, "fee": 1},
    {"ruleId": "moto", "types": ["ON_DEMAND"], "providers": ["MOTO"], "capacity": 1, "time": {"slot": ["09:00", "10:00"], "in": 30}},
    {"ruleId": "free", "types": ["RESERVED"], "fee": 2}]');
\set a '[{"itemId": "a"}]'
SELECT pg_temp.hold('M054b', :'a', '[{"items": ["a"], "type": "CARGO", "provider": "ARAS"}]');
SELECT pg_temp.hold('M054b', :'a', '[{"items": ["a"], "type": "CARGO"}]');
SELECT pg_temp.hold('M054b', :'a', '[{"items": ["a"], "type": "CARGO", "day": "2026-03-02"}]');
SELECT pg_temp.hold('M054b', :'a', '[{"items": ["a"], "type": "CARGO", "day": "2026-03-03", "slot": ["12:00","14:00"]}]');
SELECT pg_temp.hold('M054b', :'a', '[{"items": ["a"], "type": "SELF"}]');
SELECT pg_temp.hold('M054b', :'a', '[{"items": ["a"], "type": "SELF"}]');
SELECT pg_temp.hold('M054b', :'a', '[{"items": ["a"], "type": "SELF", "day": "2026-03-04"}]');
SELECT pg_temp.hold('M054b', :'a', '[{"items": ["a"], "type": "SELF", "day": "2026-03-03", "slot": ["10:00","12:00"]}]');
SELECT pg_temp.hold('M054b', :'a', '[{"items": ["a"], "type": "ON_DEMAND", "day": "2026-03-02", "slot": ["08:55","09:25"]}]', 'moto');
SELECT pg_temp.hold('M054b', :'a', '[{"items": ["a"], "type": "ON_DEMAND"}]');
SELECT pg_temp.release('moto');
SELECT pg_temp.hold('M054b', :'a', '[{"items": ["a"], "type": "ON_DEMAND", "day": "2026-03-05"}]');
SELECT pg_temp.hold('M054b', :'a', '[{"items": ["a"], "type": "RESERVED"}]') FROM generate_series(1, 3);
SELECT * FROM usage54 WHERE merchant_id = 'M054b';
SELECT ganje.get_pools('{"merchantId": "M054b", "zoneId": "054", "cart": {"items": [{"itemId": "a"}]}}');
SET ganje_logistics.now = '2026-03-02 07:00:00+00';
SELECT pg_temp.hold('M054b', :'a', '[{"items": ["a"], "type": "ON_DEMAND"}]');
SET ganje_logistics.now = '2026-03-02 06:00:00+00';

-- The cheapest store first, then by store and rule; the next one when it is full.
SELECT pg_temp.store('M054c', 'S2', '[{"ruleId": "r", "types": ["RESERVED"], "days": ["2"], "slots": [["10:00","12:00"]], "capacity": 1, "fee": 5}]');
SELECT pg_temp.store('M054c', 'S1', '[{"ruleId": "r2", "types": ["RESERVED"], "days": ["2"], "slots": [["10:00","12:00"]], "capacity": 1, "fee": 5}, {"ruleId": "r1", "types": ["RESERVED"], "days": ["2"], "slots": [["10:00","12:00"]], "capacity": 1, "fee": 5.0}]');
SELECT pg_temp.store('M054c', 'S0', '[{"ruleId": "r", "types": ["RESERVED"], "days": ["2"], "slots": [["10:00","12:00"]], "capacity": 0, "fee": 1}]');
SELECT pg_temp.store('M054c', 'S3', '[{"ruleId": "r", "types": ["RESERVED"], "days": ["2"], "slots": [["10:00","12:00"]], "capacity": 1, "fee": 4.99}]');
SELECT n, pg_temp.hold('M054c', :'a', '[{"items": ["a"], "type": "RESERVED", "day": "2026-03-03", "slot": ["10:00","12:00"]}]', 'c' || n) FROM generate_series(1, 5) AS n;
SELECT n.name, u.store_id, u.rule_id, u.fee FROM hold54 AS n JOIN ganje.hold_unit AS u USING (hold_id) WHERE n.name LIKE 'c_' ORDER BY 1;

-- Hidden and shown providers are two options: without a provider the hidden one is meant, at its fee.
INSERT INTO ganje.carrier_account (account_id, carrier, base_url, allow_http) VALUES ('054', 'ganje', 'http://127.0.0.1:9', true);
SELECT pg_temp.store('M054d', 'S1', '[{"ruleId": "own", "types": ["SELF"], "providers": ["MOTO"], "fee": 5}, {"ruleId": "tied", "types": ["SELF"], "providers": ["TIED"], "fee": 3}]');
SELECT ganje.upsert_shipment_provider('{"merchantId": "M054d", "storeId": "S1", "shipmentType": "SELF", "providerId": "TIED", "data": {"carrierAccount": "054"}}') ->> 'created';
SELECT pg_temp.hold('M054d', :'a', '[{"items": ["a"], "type": "SELF"}]', 'hidden'), pg_temp.hold('M054d', :'a', '[{"items": ["a"], "type": "SELF", "provider": "TIED"}]', 'tied'), pg_temp.hold('M054d', :'a', '[{"items": ["a"], "type": "SELF", "provider": "MOTO"}]', 'named');
SELECT n.name, u.rule_id, u.provider, u.fee FROM hold54 AS n JOIN ganje.hold_unit AS u USING (hold_id) WHERE n.name IN ('hidden', 'tied', 'named') ORDER BY 1;

-- Two groups, two merchants: all or nothing; an offer that could carry both groups is no option of either.
SELECT pg_temp.store('M054e', 'S1', '[{"ruleId": "r", "types": ["CARGO"], "capacity": 3, "fee": 1, "category": {"values": ["x"]}}, {"ruleId": "both", "types": ["CARGO"], "fee": 0.5}]');
SELECT pg_temp.store('M054e', 'S2', '[{"ruleId": "r", "types": ["CARGO"], "capacity": 1, "fee": 2, "category": {"values": ["y"]}}]');
SELECT pg_temp.store('M054f', 'S1', '[{"ruleId": "r", "types": ["CARGO"], "capacity": 2, "fee": 3}]');
\set xyz '[{"itemId": "x", "categories": ["x"]}, {"itemId": "y", "categories": ["y"]}, {"itemId": "z", "merchantId": "M054f"}]'
SELECT pg_temp.hold('M054e', :'xyz', '[{"items": ["z"], "type": "CARGO"}, {"items": ["y"], "type": "CARGO"}, {"items": ["x"], "type": "CARGO"}]', 'three');
SELECT u.group_no, u.store_merchant_id, u.store_id, u.rule_id, u.fee, u.items FROM hold54 AS n JOIN ganje.hold_unit AS u USING (hold_id) WHERE n.name = 'three' ORDER BY 1;
SELECT pg_temp.hold('M054e', :'xyz', '[{"items": ["z"], "type": "CARGO"}, {"items": ["y"], "type": "CARGO"}, {"items": ["x"], "type": "CARGO"}]');
SELECT pg_temp.hold('M054e', :'xyz', '[{"items": ["z"], "type": "CARGO"}, {"items": ["x", "y"], "type": "CARGO"}]');
SELECT * FROM usage54 WHERE merchant_id IN ('M054e', 'M054f');
-- a full group discovered only while taking gives the others back
SELECT ganje.take_hold('M054e', NULL, '054', (SELECT array_agg(u ORDER BY u.group_no) FROM hold54 AS n JOIN ganje.hold_unit AS u USING (hold_id) WHERE n.name = 'three'));
SELECT * FROM usage54 WHERE merchant_id IN ('M054e', 'M054f');
SELECT pg_temp.release('three');
SELECT sum(used) FROM usage54 WHERE merchant_id = 'M054f' OR (merchant_id, rule_id) = ('M054e', 'r');

-- A cart of the tables is held by its id.
INSERT INTO ganje.cart (merchant_id, cart_id) VALUES ('M054d', '054');
INSERT INTO ganje.cart_item (merchant_id, cart_id, item_id) VALUES ('M054d', '054', 'a');
SELECT ganje.hold_slot('{"merchantId": "M054d", "cartId": "054", "zoneId": "054", "pool": [{"items": ["a"], "type": "SELF"}]}') ->> 'held';
SELECT cart_id, zone_id, state, expires_at FROM ganje.hold WHERE merchant_id = 'M054d' AND cart_id IS NOT NULL;

-- What somebody has added to the tables of holds counts for what hold_slot writes.
BEGIN;
CREATE TABLE seen54 (what text);
CREATE FUNCTION see54() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.seen54 VALUES (concat_ws(' ', TG_TABLE_NAME, TG_WHEN, TG_LEVEL, to_jsonb(NEW) ->> 'state'));
    RETURN NEW;
END
$$;
CREATE FUNCTION allows54(fee numeric) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT fee < 2';
SELECT pg_temp.store('M054g', 'S1', '[{"ruleId": "r", "types": ["CARGO"], "fee": 3}]');
-- a condition, and another body of its function
ALTER TABLE ganje.hold_unit ADD CONSTRAINT cheap54 CHECK (public.allows54(fee)) NOT VALID;
SELECT pg_temp.hold('M054g', :'a', '[{"items": ["a"], "type": "CARGO"}]');
CREATE OR REPLACE FUNCTION allows54(fee numeric) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT fee < 4';
SELECT pg_temp.hold('M054g', :'a', '[{"items": ["a"], "type": "CARGO"}]');
CREATE OR REPLACE FUNCTION allows54(fee numeric) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT fee < 1';
SELECT pg_temp.hold('M054g', :'a', '[{"items": ["a"], "type": "CARGO"}]');
ALTER TABLE ganje.hold_unit DROP CONSTRAINT cheap54;
SELECT pg_temp.hold('M054g', :'a', '[{"items": ["a"], "type": "CARGO"}]');
-- an index
CREATE UNIQUE INDEX one54 ON ganje.hold_unit (store_merchant_id) WHERE store_merchant_id = 'M054h';
SELECT pg_temp.store('M054h', 'S1', '[{"ruleId": "r", "types": ["CARGO"]}]');
SELECT n, pg_temp.hold('M054h', :'a', '[{"items": ["a"], "type": "CARGO"}]') FROM generate_series(1, 2) AS n;
-- triggers of rows
CREATE TRIGGER before54 BEFORE INSERT ON ganje.hold FOR EACH ROW EXECUTE FUNCTION see54();
CREATE TRIGGER after54 AFTER INSERT ON ganje.hold_unit FOR EACH ROW EXECUTE FUNCTION see54();
SELECT pg_temp.hold('M054g', :'a', '[{"items": ["a"], "type": "CARGO"}]');
SELECT * FROM seen54;
-- triggers of statements, a column with a default, a rule
CREATE TRIGGER statement54 AFTER INSERT ON ganje.hold FOR EACH STATEMENT EXECUTE FUNCTION see54();
CREATE TRIGGER statement54 BEFORE INSERT ON ganje.hold_unit FOR EACH STATEMENT EXECUTE FUNCTION see54();
TRUNCATE seen54;
SELECT pg_temp.hold('M054g', :'a', '[{"items": ["a"], "type": "CARGO"}]');
SELECT * FROM seen54;
DROP TRIGGER statement54 ON ganje.hold;
DROP TRIGGER statement54 ON ganje.hold_unit;
ALTER TABLE ganje.hold ADD COLUMN note54 text DEFAULT 'by default';
CREATE RULE rule54 AS ON INSERT TO ganje.hold_unit DO ALSO INSERT INTO seen54 VALUES ('rule ' || NEW.fee);
TRUNCATE seen54;
SELECT pg_temp.hold('M054g', :'a', '[{"items": ["a"], "type": "CARGO"}]', 'changed');
SELECT note54 FROM ganje.hold JOIN hold54 USING (hold_id) WHERE name = 'changed';
SELECT * FROM seen54;
ROLLBACK;

DELETE FROM ganje.hold WHERE merchant_id LIKE 'M054%';
DELETE FROM ganje.slot_counter WHERE merchant_id LIKE 'M054%';
DELETE FROM ganje.zone WHERE zone_id = '054';
DELETE FROM ganje.store WHERE merchant_id LIKE 'M054%';
DELETE FROM ganje.cart WHERE merchant_id LIKE 'M054%';
DELETE FROM ganje.carrier_account WHERE account_id = '054';
DROP VIEW usage54;
DROP TABLE hold54;
