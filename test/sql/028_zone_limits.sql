-- What is too large is refused before it is parsed, in little time and memory; answers have a limit.
\set SHOW_CONTEXT never
-- The error of a statement, $1 of which is the text, and whether this process grew by no more than four copies of that:
-- parsed it would take a hundred.
CREATE FUNCTION pg_temp.refused(statement text, value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    peak CONSTANT text := 'regexp_replace(pg_read_file(''/proc/self/status''), ''.*VmPeak:\s*(\d+) kB.*'', ''\1'')::bigint';
    before bigint;
    after bigint;
    message text;
    hint text;
BEGIN
    EXECUTE 'SELECT ' || peak INTO before;
    BEGIN
        EXECUTE statement USING value;
        RETURN 'ACCEPTED';
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
        EXECUTE 'SELECT ' || peak INTO after;
        RETURN format('%s: %s (%s) %s', SQLSTATE, message, hint,
                      CASE WHEN after - before <= 20000 + 4 * octet_length(value) / 1024 THEN 'little memory' ELSE format('%s MB', (after - before) / 1000) END);
    END;
END $$;
\pset format unaligned
\pset tuples_only on
-- Many times what a statement takes that does not parse.
SET statement_timeout = '60s';
\echo -- a polygon of ten million corners, 60 MB
SELECT pg_temp.refused('SELECT ganje.upsert_zone($1)', '{"zoneId": "Z28", "name": "n", "rules": [{"loc": {"geojson": {"type": "Polygon", "coordinates": [[' || repeat('[1,2],', 10000000));
SET ganje_logistics.zone_max_bytes = '512MB';
SELECT pg_temp.refused('SELECT ganje.upsert_zone($1)', '{"zoneId": "Z28", "name": "n", "rules": [{"loc": {"geojson": {"type": "Polygon", "coordinates": [[' || repeat('[1,2],', 10000000));
RESET ganje_logistics.zone_max_bytes;
\echo -- a rule of 50 MB
SELECT pg_temp.refused('SELECT ganje.upsert_zone($1)', '{"zoneId": "Z28", "name": "n", "rules": [{"addr": {"city": {"IN": ["' || repeat('x', 52428800) || '"]}}}]}');
\echo -- nested deeply, or over and over
SELECT pg_temp.refused('SELECT ganje.upsert_zone($1)', '{"zoneId": "Z28", "name": "n", "rules": ' || repeat('[', 30000000));
SELECT pg_temp.refused('SELECT ganje.import_zones($1)', repeat('{"a":', 10000000));
\echo -- as jsonb that lies in a table it is not even decompressed
CREATE TABLE big28 (rules jsonb);
INSERT INTO big28 SELECT jsonb_build_array(jsonb_build_object('addr', jsonb_build_object('city', jsonb_build_object('IN', jsonb_build_array(repeat('x', 52428800))))));
\c
\set SHOW_CONTEXT never
CREATE FUNCTION pg_temp.grown(OUT message text, OUT little boolean) LANGUAGE plpgsql AS $$
DECLARE
    peak CONSTANT text := 'regexp_replace(pg_read_file(''/proc/self/status''), ''.*VmPeak:\s*(\d+) kB.*'', ''\1'')::bigint';
    before bigint;
    after bigint;
BEGIN
    EXECUTE 'SELECT ' || peak INTO before;
    BEGIN
        INSERT INTO ganje.zone (zone_id, name, rules) SELECT 'Z28', 'n', rules FROM big28;
    EXCEPTION WHEN OTHERS THEN
        message := SQLSTATE || ': ' || SQLERRM;
    END;
    EXECUTE 'SELECT ' || peak INTO after;
    little := after - before < 40000;
END $$;
SELECT * FROM pg_temp.grown();
SELECT ganje.upsert_zone(jsonb_build_object('zoneId', 'Z28', 'name', 'n', 'rules', rules)) FROM big28;
DROP TABLE big28;
SELECT count(*) FROM ganje.zone WHERE zone_id = 'Z28';
-- As text as well as jsonb: the same zone, the same errors.
SELECT ganje.upsert_zone('{"zoneId": "Z28", "name": "n", "rules": [{"loc": {"polygon": [{"lat": 0, "lng": 0}, {"lat": 0, "lng": 3}, {"lat": 3, "lng": 3}]}}]}'::text);
SELECT ganje.upsert_zone('{"zoneId": "Z28", "rules": [{"loc": {"polygon": [{"lat": 0, "lng": 0}, {"lat": 0, "lng": 3}]}}]}'::text);
SELECT ganje.upsert_zone('{"zoneId": "Z28", "rules": [}'::text);
SELECT ganje.upsert_zone(NULL::text);
-- Zones of one answer.
INSERT INTO ganje.zone (zone_id, name, created_at) SELECT 'Z28' || n, 'everywhere', '2026-01-01' FROM generate_series(101, 109) AS n;
SET ganje_logistics.max_matches = 10;
SELECT cardinality(ganje.locate_zone_ids(1, 2)), (SELECT count(*) FROM ganje.locate_zones(1, 2)), ganje.locate_zone(1, 2);
SET ganje_logistics.max_matches = 9;
SELECT ganje.locate_zone_ids(1, 2);
SELECT zone_id FROM ganje.locate_zones(1, 2, '{"city": "x"}');
SELECT cardinality(ganje.locate_zone_ids(9, 9)), ganje.locate_zone(1, 2);
SET ganje_logistics.max_matches = 0;
RESET ganje_logistics.max_matches;
SELECT cardinality(ganje.locate_zone_ids(1, 2));
-- What the zones take of this backend is seen in status(), whose index is bounded.
SELECT item, value = pg_size_pretty(ganje.zone_cache_size()) || ', its index up to 16MB' AS said, ganje.zone_cache_size() BETWEEN 1 AND 1000000 AS small
  FROM ganje.status() WHERE item ~ 'cache';
DELETE FROM ganje.zone;
