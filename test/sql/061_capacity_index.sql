-- The counter alone says whether it is full: a rule's capacity is brought to
-- its counters when it is changed, and get_pools reads full counters only.
SET ganje_logistics.now = '2026-03-02 06:00:00+00';
SELECT ganje.upsert_zone('{"zoneId": "061", "name": "061", "fee": 1}') ->> 'zoneId';
CREATE FUNCTION pg_temp.capacity(capacity text) RETURNS text LANGUAGE sql AS $$
    SELECT ganje.upsert_store(format('{"merchantId": "M061", "storeId": "S", "name": "S", "rules": [{"ruleId": "r", "types": ["RESERVED"],
        "days": ["2"], "slots": [["10:00", "12:00"], ["12:00", "14:00"]], "capacity": %s}]}', capacity)::jsonb) ->> 'storeId'
$$;
CREATE FUNCTION pg_temp.request() RETURNS jsonb LANGUAGE sql AS $$
    SELECT '{"merchantId": "M061", "zoneId": "061", "cart": {"items": [{"itemId": "a"}]}}'::jsonb
$$;
CREATE FUNCTION pg_temp.hold() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(h ->> 'reason', 'held') FROM ganje.hold_slot(pg_temp.request() ||
        '{"pool": [{"items": ["a"], "type": "RESERVED", "day": "2026-03-03", "slot": ["10:00", "12:00"]}]}') AS h
$$;
-- What get_pools shows beside what the counter says and what a hold says.
CREATE FUNCTION pg_temp.look(OUT shown jsonb, OUT used int, OUT capacity int, OUT kept int, OUT is_full boolean) LANGUAGE sql AS $$
    SELECT ganje.get_pools(pg_temp.request()) #> '{0,0,options,0,slots,2026-03-03}', c.used, c.capacity, c.kept, c.is_full
      FROM ganje.slot_counter AS c WHERE c.merchant_id = 'M061' AND c.slot_from = '10:00'
$$;
CREATE FUNCTION pg_temp.release() RETURNS text LANGUAGE sql AS $$
    SELECT ganje.release_hold((SELECT h.hold_id FROM ganje.hold AS h WHERE h.merchant_id = 'M061' AND h.state = 'held' ORDER BY h.hold_id LIMIT 1), 'M061') ->> 'released'
$$;

SELECT pg_temp.capacity('3');
SELECT pg_temp.hold(), pg_temp.hold();
SELECT * FROM pg_temp.look();
-- Lowered to what is sold, and below it: full; what is sold stays.
SELECT pg_temp.capacity('2');
SELECT * FROM pg_temp.look();
SELECT pg_temp.hold();
SELECT pg_temp.capacity('1');
SELECT * FROM pg_temp.look();
SELECT pg_temp.hold();
-- One given back is not for sale yet; the second is.
SELECT pg_temp.release();
SELECT * FROM pg_temp.look();
SELECT pg_temp.hold();
SELECT pg_temp.release();
SELECT * FROM pg_temp.look();
SELECT pg_temp.hold(), pg_temp.hold();
-- Raised, without a limit, none at all.
SELECT pg_temp.capacity('2');
SELECT * FROM pg_temp.look();
SELECT pg_temp.hold(), pg_temp.hold();
SELECT pg_temp.capacity('null');
SELECT * FROM pg_temp.look();
SELECT pg_temp.hold();
SELECT pg_temp.capacity('0');
SELECT * FROM pg_temp.look();
SELECT pg_temp.hold();
-- Expired holds count as free, as long as they leave room below the capacity.
SELECT pg_temp.capacity('3');
SELECT * FROM pg_temp.look();
SET ganje_logistics.now = '2026-03-02 06:10:00+00';
SELECT * FROM pg_temp.look();
SELECT pg_temp.hold();
SELECT * FROM pg_temp.look();
-- A rule that is deleted for good and comes back meets its counters.
SELECT pg_temp.capacity('1');
DELETE FROM ganje.store WHERE merchant_id = 'M061';
SELECT pg_temp.capacity('2');
SELECT * FROM pg_temp.look();
-- What-if: capacity in a transaction that is undone.
BEGIN;
UPDATE ganje.store_rule SET capacity = 1 WHERE merchant_id = 'M061';
SELECT * FROM pg_temp.look();
ROLLBACK;
SELECT * FROM pg_temp.look();
-- The stores of a merchant are kept in a context that can be seen.
SELECT name, ident FROM pg_backend_memory_contexts WHERE name LIKE 'ganje_logistics merchant' AND ident = 'M061';

DELETE FROM ganje.hold WHERE merchant_id = 'M061';
DELETE FROM ganje.slot_counter WHERE merchant_id = 'M061';
DELETE FROM ganje.store WHERE merchant_id = 'M061';
DELETE FROM ganje.zone WHERE zone_id = '061';
