-- What every other part stands on: ids, the clock, the check of a request.
\set SHOW_CONTEXT never
-- ULIDs increase within a backend, also within a millisecond, and no two are alike.
SELECT count(*), count(DISTINCT id), bool_and(id ~ '^[0-7][0-9A-HJKMNP-TV-Z]{25}$') AS well_formed, bool_and(id COLLATE "C" > before COLLATE "C") AS increasing
  FROM (SELECT id, lag(id) OVER (ORDER BY n) AS before FROM (SELECT n, ganje.ulid() AS id FROM generate_series(1, 5000) AS n) AS made) AS t;

-- The clock: the transaction's time, or the wall's, or what the setting says, for both.
BEGIN;
SELECT ganje.now() = now() AS transaction, ganje.clock() >= ganje.now() AS wall, pg_sleep(0.01) IS NOT NULL AS slept;
SELECT ganje.now() = now() AS transaction, ganje.clock() > ganje.now() AS wall;
COMMIT;
SET ganje_logistics.now = '2026-03-01 06:00:00+00';
SELECT ganje.now() = '2026-03-01 06:00:00+00' AS now, ganje.clock() = '2026-03-01 06:00:00+00' AS clock;
SET ganje_logistics.now = 'soon';
SET ganje_logistics.now = '';
SELECT ganje.now() = now() AS transaction;
RESET ganje_logistics.now;
-- Turning it is for superusers.
CREATE ROLE ganje_test_06;
SET ROLE ganje_test_06;
SET ganje_logistics.now = '2026-03-01 06:00:00+00';
SET ganje_logistics.max_vertices = 5;
SET ganje_logistics.nonsense = 5;
RESET ROLE;
DROP ROLE ganje_test_06;

-- The check of a request: kind by kind, good and bad.
CREATE FUNCTION pg_temp.check(object jsonb, keys text, path text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ganje.check_object(object, path, keys);
    RETURN 'good';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ': ' || SQLERRM;
END $$;
SELECT kind, value, pg_temp.check(jsonb_build_object('key', value), 'key:' || kind) AS verdict
  FROM (VALUES (1, 'id', '["x", "", 5, null]'::jsonb), (2, 'text', '["x", "", 5]'), (3, 'ids', '[[], ["x"], [""], [5], "x"]'), (4, 'fee', '[0, 1.5, -1, {"amount": 2}, {"amount": -2}, "5", 1e16]'),
    (5, 'amount', '[0, -0.1, 1e15, 1e16, "5"]'), (6, 'number', '[-1e15, 1e16, "5"]'), (7, 'count', '[0, 5.0, 5.5, -1, 2147483647, 2147483648]'), (8, 'int', '[-2147483648, -2147483649, 1.5]'),
    (9, 'bool', '[true, "true", 1]'), (10, 'object', '[{}, [], "x"]'), (11, 'array', '[[], {}, "x"]'), (12, 'scalar', '["x", 5, true, []]'), (13, 'any', '["x", [], null]')) AS k(n, kind, list),
       jsonb_array_elements(list) WITH ORDINALITY AS v(value, m) ORDER BY n, m;
SELECT length(pg_temp.check(jsonb_build_object('key', repeat('x', 255)), 'key:id')) AS good, pg_temp.check(jsonb_build_object('key', repeat('x', 256)), 'key:id') AS too_long,
       pg_temp.check(jsonb_build_object('key', repeat('x', 10001)), 'key:text') AS too_long_a_text;
SELECT object, pg_temp.check(object, 'a:id! b:count', 'outer[0]') FROM jsonb_array_elements('[{"a": "x"}, {"a": "x", "b": 1}, {"b": 1}, {"a": null}, {"a": "x", "c": 1}, {"a": "x", "A": "x"}, [], "x", null]') AS object;
SELECT pg_temp.check(NULL, 'a:id') AS request, pg_temp.check(NULL, 'a:id', 'inner') AS inner_object, pg_temp.check('{"a": 1}', '') AS no_key;

-- JSON from outside: NULL for what is none, or too much.
SELECT text, ganje.try_jsonb(text) FROM (VALUES ('{"a": 1}'), ('[1, 2'), (''), ('nope'), ('"\u0000"'), ('"\ud800"'), ('1e999999'), ('{"a": "]]]"}'), (E'{"a": "\x01"}'), ('{} {}'), ('null')) AS t(text);
SELECT ganje.try_jsonb(repeat('[', 64) || repeat(']', 64)) IS NOT NULL AS deep_enough, ganje.try_jsonb(repeat('[', 65) || repeat(']', 65)) IS NULL AS too_deep,
       ganje.try_jsonb(repeat('[', 1000000)) IS NULL AS hostile, ganje.try_jsonb('"' || repeat('[', 100) || '"') IS NOT NULL AS in_a_string,
       jsonb_array_length(ganje.try_jsonb('[' || repeat('{"a": []},', 1000) || '{}]')) AS wide, ganje.try_jsonb(NULL) IS NULL AS null_in;
SET ganje_logistics.webhook_max_bytes = 1024;
SELECT ganje.try_jsonb('"' || repeat('x', 1022) || '"') IS NOT NULL AS fits, ganje.try_jsonb('"' || repeat('x', 1023) || '"') IS NULL AS too_long;
RESET ganje_logistics.webhook_max_bytes;

SELECT ganje.json_id('"x"'), ganje.json_id('5'), ganje.json_id('5.0'), ganje.json_id('""') IS NULL AS empty, ganje.json_id('true') IS NULL AS boolean, ganje.json_id('null') IS NULL AS nothing, ganje.json_id('["x"]') IS NULL AS list, ganje.json_id(NULL) IS NULL AS null_in;
SELECT ganje.merchant_of('{"merchantId": "M"}'), ganje.merchant_of('{}'), ganje.merchant_of('{"merchantId": null}'), ganje.merchant_of(NULL);
-- Phones are one by their last ten digits, in whatever digits and with whatever prefix.
SELECT phone, ganje.phone_key(phone) FROM (VALUES ('+989121234567'), ('0912 123 45 67'), ('(0)912-123-4567'), ('۰۹۱۲۱۲۳۴۵۶۷'), ('٠٩١٢١٢٣٤٥٦٧'), ('+90 (532) 111 22 33'), ('12345'), ('none'), (NULL)) AS t(phone);
