-- locate_zone and its kin: what matches, in which order, with whose rights.
\set SHOW_CONTEXT never
INSERT INTO ganje.zone (zone_id, name, priority, fee, min_cart_total, match_all, rules) VALUES
    ('Z23IST', 'Istanbul, not the islands', 0, 5, 50, false, '[{"addr": {"city": {"IN": ["İSTANBUL"]}, "district": {"NIN": ["Adalar", "Şile"]}}}]'),
    ('Z23ALL', 'Istanbul address within a box', 10, NULL, 0, true, '[{"addr": {"city": {"IN": ["İSTANBUL"]}}},
        {"loc": {"polygon": [{"lat": 41, "lng": 29}, {"lat": 41, "lng": 30}, {"lat": 42, "lng": 30}, {"lat": 42, "lng": 29}]}}]'),
    ('Z23ANY', 'Bursa or a circle', 0, 1.10, 0, false, '[{"addr": {"city": {"IN": ["Bursa", "Yalova"]}}}, {"loc": {"circle": {"center": {"lat": 40, "lng": 29}, "radius": 10000}}}]'),
    ('Z23BOTH', 'IN and NIN of one field', 0, NULL, 0, false, '[{"addr": {"town": {"IN": ["a", "b"], "NIN": ["b"]}}}]');

-- IN and NIN; a field that is missing, null or no text matches neither.
SELECT a AS address, ganje.locate_zone_by_address(a) AS zone
  FROM jsonb_array_elements('[{"city": "istanbul", "district": "Kadıköy"}, {"city": "istanbul", "district": "ADALAR"}, {"city": "istanbul"},
    {"district": "Kadıköy"}, {"city": "istanbul", "district": null}, {"city": "istanbul", "district": 5}, {"city": "istanbul", "district": ""},
    {"city": " Bursa "}, {"city": "YALOVA", "district": "x"}, {"City": "Bursa"}, {"city": "Bursa Bursa"}, {"city": ["Bursa"]},
    {"town": "a"}, {"town": "b"}, {"town": "c"}, {}]') WITH ORDINALITY AS t(a, n) ORDER BY n;

-- Points, addresses, and both: loc rules see the point, addr rules the address.
SELECT r AS request, ganje.locate_zone(r) AS answer
  FROM jsonb_array_elements('[{"location": {"lat": 40, "lng": 29}}, {"location": {"lat": 41.5, "lng": 29.5}},
    {"location": {"lat": 41.5, "lng": 29.5}, "address": {"city": "istanbul"}},
    {"location": {"lat": 43, "lng": 29.5}, "address": {"city": "istanbul"}},
    {"location": {"lat": 43, "lng": 29.5}, "address": {"city": "istanbul", "district": "Kadıköy"}},
    {"location": {"lat": 40, "lng": 29}, "address": {"city": "Ankara"}},
    {"address": {"city": "Yalova"}, "location": null}, {"location": {"lat": 0, "lng": 0}}, {"address": {}}]') WITH ORDINALITY AS t(r, n) ORDER BY n;
SELECT * FROM ganje.locate_zones(41.5, 29.5, '{"city": "istanbul", "district": "Kadıköy"}');
SELECT * FROM ganje.locate_zones(40, 29);
SELECT * FROM ganje.locate_zones(address => '{"city": "Bursa"}');
SELECT * FROM ganje.locate_zones(0, 0);

-- No rules: the zone matches everything.
INSERT INTO ganje.zone (zone_id, name, priority) VALUES ('Z23EVERY', 'Everywhere', -1);
SELECT ganje.locate_zone(0, 0), ganje.locate_zone('{"address": {}}'), ganje.locate_zone_by_address('{"city": "Bursa"}'), ganje.locate_zone_ids(40, 29);
-- "all" of no rules too.
UPDATE ganje.zone SET match_all = true WHERE zone_id = 'Z23EVERY';
SELECT ganje.locate_zone(0, 0);
-- Deleted: gone; back again.
SELECT ganje.delete_zone('{"zoneId": "Z23EVERY"}') ->> 'deleted' AS deleted;
SELECT ganje.locate_zone(0, 0), ganje.locate_zone_ids(0, 0);
SELECT ganje.upsert_zone('{"zoneId": "Z23EVERY", "deleted": false}');
SELECT ganje.locate_zone(0, 0), ganje.locate_zone_ids(0, 0);
DELETE FROM ganje.zone;

-- The first of several: priority, then the oldest, then the id.
INSERT INTO ganje.zone (zone_id, name, priority, created_at) VALUES
    ('Z23b', 'b', 1, '2026-01-02'), ('Z23C', 'c', 1, '2026-01-02'), ('Z23D', 'd', 1, '2026-01-01'), ('Z23E', 'e', 9, '2026-05-01'), ('Z23F', 'f', -9, '2020-01-01');
SELECT ganje.locate_zone_ids(1, 1), ganje.locate_zone(1, 1);
UPDATE ganje.zone SET priority = 0 WHERE zone_id = 'Z23E';
SELECT ganje.locate_zone_ids(1, 1);
DELETE FROM ganje.zone;

-- The boundary is inside: vertices and edges, of holes too; a ring may be open or closed.
SELECT ganje.upsert_zone('{"zoneId": "Z23TRI", "name": "Triangle", "rules": [{"loc": {"polygon": [{"lat": 0, "lng": 0}, {"lat": 0, "lng": 3}, {"lat": 3, "lng": 0}, {"lat": 0, "lng": 0}]}}]}');
SELECT p.lat, p.lng, ganje.locate_zone(p.lat, p.lng) FROM (VALUES (1, 0, 0), (2, 0, 3), (3, 3, 0), (4, 0, 1.5), (5, 1, 2), (6, 1.5, 1.5), (7, 1, 1),
    (8, 1, 2.0000000000000004), (9, 1, 1.9999999999999998), (10, -1e-300::float8, 1), (11, 1e-300, 1), (12, 3.0000000000000004, 0)) AS p(n, lat, lng) ORDER BY n;
SELECT ganje.upsert_zone('{"zoneId": "Z23TRI", "rules": [{"loc": {"geojson": {"type": "MultiPolygon", "coordinates": [
    [[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]], [[2, 2], [8, 2], [8, 8], [2, 8], [2, 2]]], [[[4, 4], [6, 4], [6, 6], [4, 6], [4, 4]]], [[[20, 20], [21, 20], [21, 21]]]]}}}]}');
SELECT p.lat, p.lng, ganje.locate_zone(p.lat, p.lng) AS zone, p.what FROM (VALUES (1, 1, 1, 'body'), (2, 3, 3, 'hole'), (3, 2, 5, 'edge of the hole'), (4, 8, 8, 'corner of the hole'),
    (5, 5, 5, 'island in the hole'), (6, 4, 4, 'corner of the island'), (7, 20, 20.5, 'edge of the third part'), (8, 15, 15, 'outside')) AS p(n, lat, lng, what) ORDER BY n;

-- Across the antimeridian, and both ways of writing it.
SELECT ganje.upsert_zone('{"zoneId": "Z23TRI", "rules": [{"loc": {"polygon": [{"lat": -20, "lng": 175}, {"lat": -20, "lng": -175}, {"lat": -10, "lng": -175}, {"lat": -10, "lng": 175}]}}]}');
SELECT p.lng, ganje.locate_zone(-15, p.lng) FROM (VALUES (174.9::float8), (175), (179), (180), (-180), (-179), (-175), (-174.9), (0)) AS p(lng);

-- A circle is strict at its radius: 111319.49079327357 m is a degree of longitude at the equator of WGS 84.
SELECT ganje.upsert_zone('{"zoneId": "Z23TRI", "rules": [{"loc": {"circle": {"center": {"lat": 0, "lng": 0}, "radius": 111319.49079327357}}}]}');
SELECT ganje.locate_zone(0, 0) AS centre, ganje.locate_zone(0, 0.99999999) AS a_millimetre_in, ganje.locate_zone(0, 1.00000001) AS a_millimetre_out,
       ganje.locate_zone(0, -0.99999999) AS west, ganje.locate_zone(0.999, 0) AS north;
-- North it is 110574.38855779878 m: a sphere would have it the same.
SELECT ganje.upsert_zone('{"zoneId": "Z23TRI", "rules": [{"loc": {"circle": {"center": {"lat": 0, "lng": 0}, "radius": 110574.38855779878}}}]}');
SELECT ganje.locate_zone(0.99999999, 0) AS a_millimetre_in, ganje.locate_zone(1.00000001, 0) AS a_millimetre_out, ganje.locate_zone(0, 0.9934) AS east_out;
-- Around a pole and across the antimeridian.
SELECT ganje.upsert_zone('{"zoneId": "Z23TRI", "rules": [{"loc": {"circle": {"center": {"lat": 89.9, "lng": 10}, "radius": 50000}}}, {"loc": {"circle": {"center": {"lat": 0, "lng": 179.9}, "radius": 50000}}}]}');
SELECT ganje.locate_zone(89.9, -170) AS over_the_pole, ganje.locate_zone(90, 77) AS pole, ganje.locate_zone(0, -179.9) AS over_the_line, ganje.locate_zone(0, -179) AS beyond;
DELETE FROM ganje.zone;

-- Bad questions.
SELECT ganje.locate_zone(91, 0);
SELECT ganje.locate_zone(0, -180.1);
SELECT ganje.locate_zone('NaN', 0);
SELECT ganje.locate_zone(0, 'Infinity');
SELECT ganje.locate_zone_ids(0, 200);
SELECT * FROM ganje.locate_zones(100, 0);
SELECT * FROM ganje.locate_zones(lat => 1);
SELECT * FROM ganje.locate_zones();
SELECT * FROM ganje.locate_zones(address => '["x"]');
SELECT ganje.locate_zone('{}');
SELECT ganje.locate_zone('[]');
SELECT ganje.locate_zone('{"location": {"lat": 91, "lng": 0}}');
SELECT ganje.locate_zone('{"location": {"lat": 1, "lng": 1000}}');
SELECT ganje.locate_zone('{"location": {"lat": 1}}');
SELECT ganje.locate_zone('{"location": {"lat": "1", "lng": 2}}');
SELECT ganje.locate_zone('{"location": {"lat": 1, "lng": 2, "alt": 3}}');
SELECT ganje.locate_zone('{"location": [1, 2]}');
SELECT ganje.locate_zone('{"address": "x"}');
SELECT ganje.locate_zone('{"adress": {"city": "x"}}');
SELECT ganje.locate_zone_by_address('"x"');
SELECT ganje.locate_zone_by_address(jsonb_object_agg('field' || n, 'x')) IS NULL AS thousand FROM generate_series(1, 1000) AS n;
SELECT ganje.locate_zone_by_address(jsonb_object_agg('field' || n, 'x')) FROM generate_series(1, 1001) AS n;
SELECT ganje.locate_zone(NULL::jsonb) IS NULL AS json, ganje.locate_zone(NULL, 1) IS NULL AS point, ganje.locate_zone_by_address(NULL) IS NULL AS address, ganje.locate_zone_ids(1, NULL) IS NULL AS ids;

-- A literal finds its function.
SELECT ganje.locate_zone('{"address": {}}'), ganje.locate_zone(1, 2), ganje.locate_zone('1', '2'), ganje.locate_zone(1.5, 2);

-- In bulk, in parallel workers: the answers are the same, and a worker really ran.
SELECT ganje.import_zones(jsonb_build_object('type', 'FeatureCollection', 'features', jsonb_agg(jsonb_build_object('type', 'Feature', 'id', 'Z23P' || n,
    'properties', jsonb_build_object('name', 'P' || n), 'geometry', jsonb_build_object('type', 'Polygon', 'coordinates', format('[[[%s,0],[%s,0],[%s,1],[%s,1]]]', n, n + 1, n + 1, n)::jsonb)))))
  FROM generate_series(0, 49) AS n;
CREATE TABLE point23 (lat double precision, lng double precision);
INSERT INTO point23 SELECT 0.5, n * 0.01 + 0.005 FROM generate_series(0, 4999) AS n;
ANALYZE point23;
SELECT md5(string_agg(ganje.locate_zone(lat, lng), ',' ORDER BY lng)) AS serial FROM point23 \gset
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM point23 WHERE ganje.locate_zone(lat, lng) = 'Z23P7';
SELECT count(*) FROM point23 WHERE ganje.locate_zone(lat, lng) = 'Z23P7';
SELECT md5(string_agg(zone, ',' ORDER BY lng)) = :'serial' AS same FROM (SELECT ganje.locate_zone(lat, lng) AS zone, lng FROM point23 OFFSET 0) AS t;
SELECT count(*) FROM point23 WHERE ganje.locate_zone_ids(lat, lng) @> '{Z23P7}';
SELECT count(*) FROM point23 WHERE ganje.locate_zone(jsonb_build_object('location', jsonb_build_object('lat', lat, 'lng', lng))) ->> 'zoneId' = 'Z23P7';
SELECT count(*) FROM point23, LATERAL ganje.locate_zones(lat, lng) AS z WHERE z.zone_id = 'Z23P7';
-- The statement's own transaction's changes are seen in a worker as well.
BEGIN;
UPDATE ganje.zone SET deleted = true WHERE zone_id = 'Z23P7';
SELECT count(*) FROM point23 WHERE ganje.locate_zone(lat, lng) = 'Z23P7';
ROLLBACK;
SELECT count(*) FROM point23 WHERE ganje.locate_zone(lat, lng) = 'Z23P7';
-- Zones are read once by a process and statement, not once a row; and another table's change costs nothing.
CREATE FUNCTION pg_temp.reads() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT pg_stat_force_next_flush();
    SELECT pg_stat_clear_snapshot();
    SELECT seq_scan + idx_scan FROM pg_stat_user_tables WHERE relid = 'ganje.zone'::regclass $$;
SELECT pg_temp.reads() IS NULL AS none;
SELECT pg_temp.reads() AS before \gset
SELECT count(*) FROM point23 WHERE ganje.locate_zone(lat, lng) = 'Z23P7';
SELECT pg_temp.reads() AS after \gset
SELECT :after - :before <= 3 AS few_reads;
SET max_parallel_workers_per_gather = 0;
SELECT count(*) FROM point23 WHERE ganje.locate_zone(lat, lng) = 'Z23P7';
SELECT pg_temp.reads() IS NULL AS none;
SELECT pg_temp.reads() AS before \gset
CREATE TEMP TABLE another23 (x int);
ANALYZE point23;
SELECT count(*) FROM point23 WHERE ganje.locate_zone(lat, lng) = 'Z23P7';
SELECT pg_temp.reads() IS NULL AS none;
SELECT pg_temp.reads() AS after \gset
SELECT :after - :before AS reads;
SET max_parallel_workers_per_gather = 2;
-- A whole statement in a worker; what the leader knows afterwards is not what it knew before.
SELECT name AS forcing FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query') \gset
SET :forcing = on;
SELECT ganje.locate_zone(0.5, 7.5), ganje.locate_zone_by_address('{"city": "x"}'), ganje.fold_text('İX');
UPDATE ganje.zone SET name = 'P7', deleted = true WHERE zone_id = 'Z23P7';
SELECT ganje.locate_zone(0.5, 7.5);
RESET :forcing;
SELECT ganje.locate_zone(0.5, 7.5);
UPDATE ganje.zone SET deleted = false WHERE zone_id = 'Z23P7';
SELECT ganje.locate_zone(0.5, 7.5);
RESET ALL;
DROP TABLE point23, another23;

-- Without a grant nothing can be called; with one, the tables are read with the owner's rights.
CREATE ROLE ganje_test_23;
SET ROLE ganje_test_23;
SELECT ganje.locate_zone(0.5, 7.5);
RESET ROLE;
GRANT USAGE ON SCHEMA ganje TO ganje_test_23;
SET ROLE ganje_test_23;
SELECT ganje.locate_zone(0.5, 7.5);
SELECT ganje.upsert_zone('{"name": "x"}');
SELECT count(*) FROM ganje.zone;
RESET ROLE;
GRANT EXECUTE ON FUNCTION ganje.locate_zone(double precision, double precision), ganje.locate_zone(jsonb), ganje.locate_zone_by_address(jsonb),
    ganje.locate_zone_ids(double precision, double precision), ganje.locate_zones(double precision, double precision, jsonb), ganje.get_zone(jsonb) TO ganje_test_23;
-- A change first, so that the cache is filled as that role.
UPDATE ganje.zone SET fee = 3 WHERE zone_id = 'Z23P7';
SET ROLE ganje_test_23;
-- Nor can that role slip in a table or an operator of its own.
CREATE TEMP TABLE zone (zone_id text);
SET search_path = pg_temp, public, pg_catalog;
SELECT ganje.locate_zone(0.5, 7.5), ganje.locate_zone('{"location": {"lat": 0.5, "lng": 7.5}}'), ganje.locate_zone_by_address('{}'), ganje.locate_zone_ids(0.5, 7);
SELECT zone_id, fee, current_user FROM ganje.locate_zones(0.5, 7.5);
SELECT ganje.get_zone('{"zoneId": "Z23P7"}') -> 'fee' AS fee;
SELECT count(*) FROM ganje.zone;
SELECT ganje.list_zones();
RESET ROLE;
RESET search_path;
CREATE SCHEMA evil23 AUTHORIZATION ganje_test_23;
GRANT EXECUTE ON FUNCTION ganje.get_pools(jsonb) TO ganje_test_23;
SET ROLE ganje_test_23;
CREATE FUNCTION evil23.evil(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'evil runs as %', current_user; END $$;
CREATE OPERATOR evil23.= (FUNCTION = evil23.evil, LEFTARG = text, RIGHTARG = text);
SET search_path = evil23, pg_catalog;
SELECT 'a'::text = 'a'::text;
SELECT ganje.get_pools('{"zoneId": "Z23P7", "cart": {"items": [{"itemId": "a", "qty": 1, "price": 5}]}}');
SHOW search_path;
SELECT ganje.get_pools('{"zoneId": "Z23NEVER", "cart": {"items": [{"itemId": "a", "qty": 1, "price": 5}]}}');
SHOW search_path;
RESET ROLE;
RESET search_path;
DROP SCHEMA evil23 CASCADE;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ganje FROM ganje_test_23;
REVOKE ALL ON SCHEMA ganje FROM ganje_test_23;
DROP TABLE pg_temp.zone;
DROP ROLE ganje_test_23;
DELETE FROM ganje.zone;
