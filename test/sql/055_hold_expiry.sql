-- Holds that expire, capacities that change, rules that go away.
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';
SELECT ganje.upsert_zone('{"zoneId": "055", "name": "Expiry", "rules": [{"addr": {"city": {"IN": ["city 055"]}}}]}');
CREATE TABLE hold55 (name text PRIMARY KEY, hold_id text);
-- Two rules of one store: x carries item x, y carries item y.
CREATE FUNCTION pg_temp.capacity(x text, y text) RETURNS void LANGUAGE sql AS $$
    SELECT ganje.upsert_store(format('{"merchantId": "M055", "storeId": "S", "name": "S", "rules": [
        {"ruleId": "x", "types": ["SELF"], "days": ["1"], "slots": [["10:00","12:00"]], "capacity": %s, "category": {"values": ["x"]}},
        {"ruleId": "y", "types": ["SELF"], "days": ["1"], "slots": [["10:00","12:00"]], "capacity": %s, "category": {"values": ["y"]}}]}', x, y)::jsonb)
$$;
-- Holds the Monday slot of these items, a group each, at that time of the day before.
CREATE FUNCTION pg_temp.hold(name text, clock text, items text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer jsonb;
BEGIN
    PERFORM set_config('ganje_logistics.now', '2026-03-01 ' || clock || '+00', true);
    answer := ganje.hold_slot(jsonb_build_object('merchantId', 'M055', 'zoneId', '055',
        'cart', jsonb_build_object('items', (SELECT jsonb_agg(jsonb_build_object('itemId', i, 'categories', ARRAY[i])) FROM unnest(items) AS i)),
        'pool', (SELECT jsonb_agg(jsonb_build_object('items', ARRAY[i], 'type', 'SELF', 'day', '2026-03-02', 'slot', ARRAY['10:00', '12:00'])) FROM unnest(items) AS i)));
    INSERT INTO hold55 VALUES (name, answer ->> 'holdId') ON CONFLICT ON CONSTRAINT hold55_pkey DO UPDATE SET hold_id = excluded.hold_id;
    RETURN answer - 'holdId';
END
$$;
CREATE FUNCTION pg_temp.confirm(name text, clock text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    PERFORM set_config('ganje_logistics.now', '2026-03-01 ' || clock || '+00', true);
    RETURN ganje.confirm_hold((SELECT h.hold_id FROM hold55 AS h WHERE h.name = confirm.name), 'order ' || name, 'M055') - 'holdId';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, '[0-9A-Z]{26}', 'ULID') || ': ' || detail;
END
$$;
CREATE FUNCTION pg_temp.release(name text, clock text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('ganje_logistics.now', '2026-03-01 ' || clock || '+00', true);
    RETURN ganje.release_hold((SELECT h.hold_id FROM hold55 AS h WHERE h.name = release.name), 'M055') - 'holdId';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, '[0-9A-Z]{26}', 'ULID');
END
$$;
-- Is the slot offered for the item at that time, and what do counter and view say?
CREATE FUNCTION pg_temp.look(clock text, OUT x text, OUT y text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('ganje_logistics.now', '2026-03-01 ' || clock || '+00', true);
    SELECT max(l.line) FILTER (WHERE l.rule_id = 'x'), max(l.line) FILTER (WHERE l.rule_id = 'y') INTO x, y
      FROM (SELECT r AS rule_id, CASE WHEN ganje.get_pools(jsonb_build_object('merchantId', 'M055', 'zoneId', '055', 'cart', jsonb_build_object('items',
                       jsonb_build_array(jsonb_build_object('itemId', r, 'categories', ARRAY[r]))))) = '[]' THEN 'not offered' ELSE 'offered' END
                   || CASE WHEN u.rule_id IS NULL THEN ''
                           ELSE format(', capacity %s, used %s = held %s + confirmed %s', coalesce(u.capacity::text, 'any'), u.used, u.held, u.confirmed) END AS line
              FROM unnest('{x,y}'::text[]) AS r LEFT JOIN ganje.slot_usage AS u ON u.merchant_id = 'M055' AND u.rule_id = r) AS l;
END
$$;
CREATE FUNCTION pg_temp.start_anew(x text, y text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM ganje.hold WHERE merchant_id = 'M055';
    DELETE FROM ganje.slot_counter WHERE merchant_id = 'M055';
    PERFORM pg_temp.capacity(x, y);
END
$$;

-- An expired hold is free at once, to the microsecond, and whoever comes takes it.
SELECT pg_temp.start_anew('1', '1');
SELECT * FROM pg_temp.look('06:00');
SELECT pg_temp.hold('one', '06:00', '{x}');
SELECT * FROM pg_temp.look('06:04:59.999999');
SELECT pg_temp.hold('two', '06:04:59.999999', '{x}');
SELECT * FROM pg_temp.look('06:05');
SELECT pg_temp.hold('two', '06:05', '{x}');
SELECT * FROM pg_temp.look('06:05');
-- the first comes too late, and may still be released; the second is not touched by it
SELECT pg_temp.confirm('one', '06:06');
SELECT pg_temp.release('one', '06:06');
SELECT pg_temp.release('one', '06:06');
SELECT * FROM pg_temp.look('06:06');
SELECT pg_temp.confirm('two', '06:06');
SELECT * FROM pg_temp.look('06:20');

-- Confirmed late, while nobody has come: the unit is taken again, once.
SELECT pg_temp.start_anew('1', '1');
SELECT pg_temp.hold('one', '06:00', '{x}'), pg_temp.confirm('one', '06:30'), pg_temp.confirm('one', '06:40');
SELECT * FROM pg_temp.look('07:00');
-- Released late: given back once.
SELECT pg_temp.start_anew('1', '1');
SELECT pg_temp.hold('one', '06:00', '{x}'), pg_temp.release('one', '06:30');
SELECT * FROM pg_temp.look('06:30');
SELECT used FROM ganje.slot_counter WHERE merchant_id = 'M055';
SELECT pg_temp.confirm('one', '06:30');

-- Of two groups one is gone: neither is confirmed, and the other is free as before.
SELECT pg_temp.start_anew('1', '1');
SELECT pg_temp.hold('both', '06:00', '{x,y}'), pg_temp.hold('y', '06:10', '{y}');
SELECT pg_temp.confirm('both', '06:11');
SELECT * FROM pg_temp.look('06:11');
SELECT h.state, u.group_no, u.state FROM hold55 AS n JOIN ganje.hold AS h USING (hold_id) JOIN ganje.hold_unit AS u USING (hold_id) WHERE n.name = 'both' ORDER BY 2;
SELECT pg_temp.release('y', '06:11'), pg_temp.confirm('both', '06:11');
SELECT * FROM pg_temp.look('06:11');
-- Two groups wanted, one full: none is held.
SELECT pg_temp.start_anew('1', '0');
SELECT pg_temp.hold('both', '06:00', '{x,y}');
SELECT * FROM pg_temp.look('06:00');

-- hold_ttl
SELECT pg_temp.start_anew('1', '1');
SET ganje_logistics.hold_ttl = '90s';
SELECT pg_temp.hold('one', '06:00', '{x}');
SET ganje_logistics.hold_ttl = '2h';
SELECT pg_temp.hold('two', '06:01:30', '{x}');
RESET ganje_logistics.hold_ttl;

-- Many expired holds are taken back together, those still alive are not.
SELECT pg_temp.start_anew('5', '1');
SELECT pg_temp.hold('h' || n, '06:00', '{x}') FROM generate_series(1, 3) AS n;
SELECT pg_temp.hold('h' || n, '06:03', '{x}') FROM generate_series(4, 5) AS n;
SELECT pg_temp.hold('h6', '06:05', '{x}');
SELECT n.name, u.state FROM hold55 AS n JOIN ganje.hold_unit AS u USING (hold_id) WHERE n.name LIKE 'h_' ORDER BY 1;
SELECT * FROM pg_temp.look('06:05');
SELECT pg_temp.confirm('h4', '06:07'), pg_temp.confirm('h5', '06:09');
SELECT pg_temp.hold('h' || n, '06:09', '{x}') FROM generate_series(7, 9) AS n;
SELECT * FROM pg_temp.look('06:09');

-- Lowered below what is sold: bookings stay and are confirmed, no more is sold; raised, it sells again.
SELECT pg_temp.start_anew('3', '1');
SELECT pg_temp.hold('h' || n, '06:00', '{x}') FROM generate_series(1, 3) AS n;
SELECT pg_temp.confirm('h1', '06:00');
SELECT pg_temp.capacity('1', '1');
SELECT * FROM pg_temp.look('06:00');
SELECT pg_temp.confirm('h2', '06:00');
SELECT pg_temp.hold('h4', '06:00', '{x}');
SELECT pg_temp.release('h3', '06:00');
SELECT * FROM pg_temp.look('06:00');
SELECT pg_temp.hold('h4', '06:00', '{x}');
SELECT pg_temp.capacity('3', '1');
SELECT * FROM pg_temp.look('06:00');
SELECT pg_temp.hold('h4', '06:00', '{x}');
SELECT pg_temp.hold('h5', '06:00', '{x}');
-- an expired unit above the lowered capacity is not taken again
SELECT pg_temp.capacity('2', '1');
SELECT pg_temp.confirm('h4', '06:10');
-- no limit, and a limit again
SELECT pg_temp.capacity('null', '1');
SELECT pg_temp.hold('h' || n, '06:10', '{x}') FROM generate_series(5, 7) AS n;
SELECT * FROM pg_temp.look('06:10');
SELECT pg_temp.capacity('4', '1');
SELECT * FROM pg_temp.look('06:10');
SELECT pg_temp.hold('h8', '06:10', '{x}');
SELECT pg_temp.capacity('0', '1');
SELECT * FROM pg_temp.look('06:10');
SELECT pg_temp.confirm('h5', '06:10');

-- Overselling is impossible whoever writes the counter.
\set VERBOSITY terse
UPDATE ganje.slot_counter SET used = used + 1 WHERE merchant_id = 'M055';
UPDATE ganje.slot_counter SET used = -1 WHERE merchant_id = 'M055';
\set VERBOSITY default

-- A rule taken away keeps its holds; named again, it goes on counting where it was.
SELECT pg_temp.start_anew('2', '1');
SELECT pg_temp.hold('one', '06:00', '{x}'), pg_temp.hold('two', '06:00', '{x}');
SELECT ganje.upsert_store('{"merchantId": "M055", "storeId": "S", "rules": []}') ->> 'created';
SELECT * FROM pg_temp.look('06:00');
SELECT pg_temp.confirm('one', '06:01');
SELECT pg_temp.hold('three', '06:01', '{x}');
SELECT pg_temp.confirm('two', '07:00');
SELECT pg_temp.capacity('3', '1');
SELECT * FROM pg_temp.look('07:00');
-- a store deleted keeps them too
SELECT pg_temp.hold('three', '07:00', '{x}');
SELECT ganje.delete_store('{"merchantId": "M055", "storeId": "S"}') ->> 'deleted';
SELECT pg_temp.confirm('three', '07:00');

-- Undone by a savepoint as by a rollback.
SELECT pg_temp.start_anew('1', '1');
SELECT ganje.upsert_store('{"merchantId": "M055", "storeId": "S", "deleted": false}') ->> 'created';
BEGIN;
SAVEPOINT before;
SELECT pg_temp.hold('one', '06:00', '{x}');
ROLLBACK TO before;
SELECT pg_temp.hold('two', '06:00', '{x}');
COMMIT;
SELECT * FROM pg_temp.look('06:00');

DELETE FROM ganje.hold WHERE merchant_id = 'M055';
DELETE FROM ganje.slot_counter WHERE merchant_id = 'M055';
DELETE FROM ganje.zone WHERE zone_id = '055';
DELETE FROM ganje.store WHERE merchant_id = 'M055';
DROP TABLE hold55;
