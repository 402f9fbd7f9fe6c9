-- get_pools with a selected pool: the stores that can deliver it.
\set SHOW_CONTEXT never
SET ganje_logistics.now = '2026-03-02 06:00:00+00';
SELECT ganje.upsert_zone('{"zoneId": "058", "name": "Selected", "timezone": 3, "rules": [{"addr": {"city": {"IN": ["city 058"]}}}]}') ->> 'zoneId';
CREATE FUNCTION pg_temp.store(store text, rules text) RETURNS void LANGUAGE sql AS $$
    SELECT ganje.upsert_store(jsonb_build_object('merchantId', 'M058', 'storeId', store, 'name', store, 'rules', rules::jsonb))
$$;
-- One line per way: items@store.
CREATE FUNCTION pg_temp.ask(pool text, items text DEFAULT '["a", "b", "c"]') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    RETURN (SELECT coalesce(string_agg(w.line, E'\n' ORDER BY w.n), 'none')
              FROM (SELECT w.n, string_agg((SELECT string_agg(i, '') FROM jsonb_array_elements_text(g.value -> 'items') AS i) || '@' || (g.value ->> 'storeId'), ' ' ORDER BY g.n) AS line
                      FROM jsonb_array_elements(ganje.get_pools(jsonb_build_object('merchantId', 'M058', 'zoneId', '058', 'pool', pool::jsonb,
                               'cart', jsonb_build_object('items', (SELECT jsonb_agg(jsonb_build_object('itemId', i, 'categories', ARRAY[i])) FROM jsonb_array_elements_text(items::jsonb) AS i))))) WITH ORDINALITY AS w(value, n),
                           jsonb_array_elements(w.value) WITH ORDINALITY AS g(value, n)
                     GROUP BY w.n) AS w);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || SQLERRM || coalesce(' / ' || nullif(detail, ''), '');
END
$$;

SELECT pg_temp.store('ALL', '[{"ruleId": "r", "types": ["CARGO"], "providers": ["ARAS", "YURTICI"], "fee": 20},
    {"ruleId": "slots", "types": ["RESERVED"], "days": ["1", "2"], "slots": [["08:00", "09:00"], ["10:00", "12:00"], ["12:00", "14:00"]], "capacity": 1, "fee": 5}]');
SELECT pg_temp.store('AB', '[{"ruleId": "r", "types": ["CARGO"], "providers": ["ARAS"], "fee": 3, "category": {"values": ["a", "b"]}}, {"ruleId": "s", "types": ["SELF"], "category": {"values": ["a", "b"]}}]');
SELECT pg_temp.store('AB2', '[{"ruleId": "r", "types": ["CARGO"], "providers": ["YURTICI"], "fee": 2, "category": {"values": ["a", "b"]}}]');
SELECT pg_temp.store('C', '[{"ruleId": "r", "types": ["CARGO"], "providers": ["ARAS"], "fee": 3, "category": {"values": ["c"]}}, {"ruleId": "dear", "types": ["CARGO"], "providers": ["YURTICI"], "fee": 9, "category": {"values": ["c"]}}]');
SELECT pg_temp.store('C2', '[{"ruleId": "r", "types": ["CARGO"], "providers": ["ARAS"], "fee": 3, "category": {"values": ["c"]}}, {"ruleId": "now", "types": ["ON_DEMAND"], "days": ["1"], "time": {"slot": ["08:00", "20:00"], "in": 45}, "category": {"values": ["c"]}}]');
SELECT ganje.get_pools('{"merchantId": "M058", "zoneId": "058", "pool": {"type": "CARGO", "provider": "ARAS"},
    "cart": {"items": [{"itemId": "a", "categories": ["a"]}, {"itemId": "b", "categories": ["b"]}, {"itemId": "c", "categories": ["c"]}]}}');

-- One choice for the whole cart: fewest groups, then the cheapest, then store ids; alternatives beside each other.
SELECT pool, pg_temp.ask(pool) FROM unnest(ARRAY['{"type": "CARGO"}', '{"type": "CARGO", "provider": "ARAS"}', '{"type": "CARGO", "provider": "YURTICI"}',
    '{"type": "RESERVED", "day": "2026-03-02", "slot": ["10:00", "12:00"]}', '{"type": "RESERVED", "day": "2026-03-03"}', '{"type": "RESERVED"}']) AS pool;
-- maxPools cuts the list, not the order.
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"maxPools": 2}}') #> '{data,maxPools}';
SELECT pg_temp.ask('{"type": "CARGO"}');
DELETE FROM ganje.option;

-- One choice per group, whose items are named, in any order.
SELECT pool, pg_temp.ask(pool) FROM unnest(ARRAY[
    '[{"items": ["a", "b"], "type": "CARGO"}, {"items": ["c"], "type": "CARGO"}]',
    '[{"items": ["c"], "type": "CARGO", "provider": "YURTICI"}, {"items": ["b", "a"], "type": "CARGO", "provider": "ARAS"}]',
    '[{"items": ["a", "b"], "type": "SELF"}, {"items": ["c"], "type": "ON_DEMAND"}]',
    '[{"items": ["a", "b", "c"], "type": "RESERVED", "day": "2026-03-02", "slot": ["12:00", "14:00"]}]',
    '[{"items": ["a"], "type": "CARGO"}, {"items": ["b", "c"], "type": "CARGO"}]']) AS pool;
-- Without items the i-th choice is for the i-th group of as many.
SELECT pool, pg_temp.ask(pool) FROM unnest(ARRAY['[{"type": "CARGO"}]', '[{"type": "CARGO"}, {"type": "CARGO", "provider": "ARAS"}]', '[{"type": "SELF"}, {"type": "CARGO"}]',
    '[{"type": "CARGO"}, {"type": "SELF"}]', '[{"type": "CARGO"}, {"type": "CARGO"}, {"type": "CARGO"}]']) AS pool;

-- Capacity and cut-off are checked again: what is full, past or never was offered is said by path and reason.
SELECT ganje.hold_slot('{"merchantId": "M058", "zoneId": "058", "cart": {"items": [{"itemId": "a"}]}, "pool": [{"items": ["a"], "type": "RESERVED", "day": "2026-03-02", "slot": ["10:00", "12:00"]}]}') ->> 'held';
SELECT pool, pg_temp.ask(pool) FROM unnest(ARRAY[
    '{"type": "RESERVED", "day": "2026-03-02", "slot": ["10:00", "12:00"]}',
    '[{"type": "RESERVED", "day": "2026-03-02", "slot": ["10:00", "12:00"]}]',
    '[{"items": ["a", "b", "c"], "type": "RESERVED", "day": "2026-03-02", "slot": ["10:00", "12:00"]}]',
    '{"type": "RESERVED", "day": "2026-03-02", "slot": ["08:00", "09:00"]}',
    '{"type": "RESERVED", "day": "2026-03-02", "slot": ["10:00", "12:30"]}',
    '{"type": "RESERVED", "day": "2026-03-04"}',
    '{"type": "RESERVED", "day": "2026-05-04", "slot": ["10:00", "12:00"]}',
    '{"type": "DRONE"}', '{"type": "CARGO", "provider": "PTT"}', '{"type": "SELF"}', '{"type": "ON_DEMAND"}',
    '[{"items": ["a", "b"], "type": "CARGO"}, {"items": ["c"], "type": "CARGO", "provider": "PTT"}]']) AS pool;
SET ganje_logistics.now = '2026-03-03 11:30:00+00';
SELECT pool, pg_temp.ask(pool) FROM unnest(ARRAY['{"type": "RESERVED"}', '{"type": "RESERVED", "day": "2026-03-03"}', '[{"items": ["a", "b"], "type": "SELF"}, {"items": ["c"], "type": "ON_DEMAND"}]']) AS pool;
SET ganje_logistics.now = '2026-03-02 06:00:00+00';
SELECT pg_temp.store('CAP', '[{"ruleId": "zero", "types": ["COURIER"], "capacity": 0}, {"ruleId": "zero2", "types": ["SELF"], "capacity": 0}]');
SELECT pg_temp.ask('{"type": "SELF"}'), pg_temp.ask('{"type": "SELF", "day": "2026-03-02"}');

-- What is asked wrongly.
SELECT pool, pg_temp.ask(pool) FROM unnest(ARRAY['[]', '"CARGO"', '{}', '{"type": 1}', '{"type": "CARGO", "items": ["a"]}', '{"type": "RESERVED", "slot": ["10:00", "12:00"]}',
    '{"type": "RESERVED", "day": "2026-02-30"}', '{"type": "RESERVED", "day": "2026-03-02", "slot": ["25:00", "26:00"]}', '[{"type": "CARGO"}, {"type": "CARGO", "items": ["a"]}]',
    '[{"type": "CARGO", "items": ["a"]}]', '[{"type": "CARGO"}, {"type": "CARGO"}, {"type": "CARGO"}, {"type": "CARGO"}]', '[1]']) AS pool;

-- The order of ways, checked against all combinations: 4 groups, 5 stores each.
DELETE FROM ganje.hold WHERE merchant_id = 'M058';
CREATE TEMP TABLE fee AS SELECT g AS item, 'X' || g || s AS store, (hashint4(g * 10 + s) & 3) AS fee FROM generate_series(1, 4) AS g, generate_series(1, 5) AS s;
SELECT count(*) FROM (SELECT pg_temp.store(store, format('[{"ruleId": "r", "types": ["BIKE"], "fee": %s, "category": {"values": ["%s"]}}]', fee, item)) FROM fee OFFSET 0) AS stored;
SELECT ganje.upsert_option('{"optionId": "SHIPMENT", "data": {"maxPools": 60}}') #> '{data,maxPools}', ganje.upsert_option('{"optionId": "SHIPMENT_TYPES", "data": ["BIKE"]}') -> 'data';
WITH want AS (
    SELECT concat_ws(' ', '1@' || a.store, '2@' || b.store, '3@' || c.store, '4@' || d.store) AS line,
           row_number() OVER (ORDER BY a.fee + b.fee + c.fee + d.fee, a.store COLLATE "C", b.store COLLATE "C", c.store COLLATE "C", d.store COLLATE "C") AS n
      FROM fee AS a, fee AS b, fee AS c, fee AS d WHERE a.item = 1 AND b.item = 2 AND c.item = 3 AND d.item = 4)
SELECT count(*), string_agg(want.line, E'\n' ORDER BY n) = pg_temp.ask('{"type": "BIKE"}', '["1", "2", "3", "4"]') AS equal FROM want WHERE n <= 60;
DELETE FROM ganje.option;

-- Only the level fulfilment may pass pool; the user who asks counts, not the owner of a function on the way.
CREATE ROLE checkout058;
GRANT USAGE ON SCHEMA ganje TO checkout058;
GRANT EXECUTE ON FUNCTION ganje.get_pools(jsonb) TO checkout058;
CREATE FUNCTION public.ask058(pool text) RETURNS jsonb LANGUAGE sql SECURITY DEFINER AS $$
    SELECT ganje.get_pools(jsonb_build_object('merchantId', 'M058', 'zoneId', '058', 'cart', '{"items": [{"itemId": "a", "categories": ["a"]}]}'::jsonb) || pool::jsonb)
$$;
SET ROLE checkout058;
SELECT jsonb_array_length(ganje.get_pools('{"merchantId": "M058", "zoneId": "058", "cart": {"items": [{"itemId": "a", "categories": ["a"]}]}}'));
SELECT ganje.get_pools('{"merchantId": "M058", "zoneId": "058", "pool": {"type": "SELF"}, "cart": {"items": [{"itemId": "a", "categories": ["a"]}]}}');
SELECT public.ask058('{"pool": {"type": "SELF"}}');
RESET ROLE;
GRANT EXECUTE ON FUNCTION ganje.fulfilment() TO checkout058;
SET ROLE checkout058;
SELECT ganje.get_pools('{"merchantId": "M058", "zoneId": "058", "pool": {"type": "SELF"}, "cart": {"items": [{"itemId": "a", "categories": ["a"]}]}}');
RESET ROLE;
REVOKE ALL ON FUNCTION ganje.get_pools(jsonb), ganje.fulfilment() FROM checkout058;
REVOKE USAGE ON SCHEMA ganje FROM checkout058;
DROP FUNCTION public.ask058(text);
DROP ROLE checkout058;

DELETE FROM ganje.zone WHERE zone_id = '058';
DELETE FROM ganje.hold WHERE merchant_id = 'M058';
DELETE FROM ganje.slot_counter WHERE merchant_id = 'M058';
DELETE FROM ganje.store WHERE merchant_id = 'M058';
