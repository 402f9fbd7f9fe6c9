-- The index of zones under a budget that is too small for them, and after edits: the same answers.
CREATE FUNCTION jagged25(n integer, corners integer) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_array(jsonb_build_object('loc', jsonb_build_object('polygon', jsonb_agg(jsonb_build_object(
        'lat', round((40 + n % 7 * 0.01 + r * sind(a))::numeric, 6), 'lng', round((30 + n % 11 * 0.01 + r * cosd(a))::numeric, 6)) ORDER BY i))))
      FROM generate_series(0, corners - 1) AS i, LATERAL (SELECT i * 360.0 / corners AS a, 0.05 + 0.05 * ((i * 7919 + n * 104729) % 1000) / 1000 AS r) AS t $$;
INSERT INTO ganje.zone (zone_id, name, rules, priority, created_at)
    SELECT 'Z25' || n, 'jagged', jagged25(n, 400), n % 3, '2026-01-01'::timestamptz + n * interval '1 s' FROM generate_series(100, 219) AS n;
CREATE TABLE point25 AS SELECT 39.85 + n % 61 * 0.006 AS lat, 29.85 + n % 67 * 0.006 AS lng FROM generate_series(0, 409) AS n;
CREATE FUNCTION pg_temp.answers() RETURNS text LANGUAGE sql AS $$
    SELECT md5(string_agg(array_to_string(ganje.locate_zone_ids(lat, lng), ',') || coalesce(ganje.locate_zone(lat, lng), '-'), ';' ORDER BY lat, lng)) FROM point25 $$;
SELECT pg_temp.answers() AS ample \gset
SELECT count(*) AS matches, count(DISTINCT ganje.locate_zone(lat, lng)) AS first_zones FROM point25, LATERAL unnest(ganje.locate_zone_ids(lat, lng));
SET ganje_logistics.zone_cache_size = '256kB';
SELECT pg_temp.answers() = :'ample' AS same, ganje.zone_cache_size() < 3000000 AS bounded;
-- Too small for any one polygon to be kept beside the others.
UPDATE ganje.zone SET rules = jagged25(150, 9000) WHERE zone_id = 'Z25150';
SELECT pg_temp.answers() AS changed \gset
SELECT :'changed' <> :'ample' AS differs;
RESET ganje_logistics.zone_cache_size;
SELECT pg_temp.answers() = :'changed' AS same;
-- Edits, one after the other, and what they leave in a backend that knew the zones before and in one that did not.
UPDATE ganje.zone SET rules = jagged25(substr(zone_id, 4)::integer + 1, 30), priority = 1 WHERE zone_id < 'Z25140';
DELETE FROM ganje.zone WHERE zone_id BETWEEN 'Z25140' AND 'Z25145';
UPDATE ganje.zone SET deleted = true WHERE zone_id BETWEEN 'Z25146' AND 'Z25149';
SELECT pg_temp.answers() AS edited \gset
BEGIN;
UPDATE ganje.zone SET deleted = false;
SELECT pg_temp.answers() <> :'edited' AS differs;
ROLLBACK;
SELECT pg_temp.answers() = :'edited' AS same;
-- Every row moves to another place, and known places now hold other rows.
VACUUM FULL ganje.zone;
SELECT pg_temp.answers() = :'edited' AS same;
CLUSTER ganje.zone USING zone_pkey;
ALTER TABLE ganje.zone SET WITHOUT CLUSTER;
SELECT pg_temp.answers() = :'edited' AS same;
-- A file that is emptied in place within one transaction.
BEGIN;
TRUNCATE ganje.zone CASCADE;
INSERT INTO ganje.zone (zone_id, name) VALUES ('A', 'A');
SELECT ganje.locate_zone(1, 1);
TRUNCATE ganje.zone CASCADE;
INSERT INTO ganje.zone (zone_id, name) VALUES ('B', 'B');
SELECT ganje.locate_zone(1, 1);
ROLLBACK;
SELECT pg_temp.answers() = :'edited' AS same;
\c
SELECT md5(string_agg(array_to_string(ganje.locate_zone_ids(lat, lng), ',') || coalesce(ganje.locate_zone(lat, lng), '-'), ';' ORDER BY lat, lng)) = :'edited' AS same FROM point25;
DELETE FROM ganje.zone;
DROP TABLE point25;
-- Hostile: overlapping stars whose every corner is far from the next, many times the budget. The answers are those of
-- asking every zone by itself (PostgreSQL's own polygons, in millionths of a degree, as they take 1e-6 for nothing), and
-- memory stays within the budget, entries aside.
SET ganje_logistics.zone_cache_size = '512kB';
INSERT INTO ganje.zone (zone_id, name, rules, created_at)
    SELECT 'J25' || n, 'jagged', jagged25(n, 2000), '2026-01-01'::timestamptz + n * interval '1 s' FROM generate_series(100, 159) AS n;
CREATE TABLE star25 AS
    SELECT zone_id, polygon('(' || string_agg(format('(%s,%s)', 1e6 * (p ->> 'lat')::numeric, 1e6 * (p ->> 'lng')::numeric), ',' ORDER BY n) || ')') AS ring
      FROM ganje.zone, jsonb_array_elements(rules #> '{0,loc,polygon}') WITH ORDINALITY AS t(p, n) GROUP BY zone_id;
SELECT count(*), sum(npoints(ring)) AS corners FROM star25;
SELECT count(*) AS points, sum(cardinality(found)) AS matches, count(*) FILTER (WHERE found IS DISTINCT FROM expected) AS wrong
  FROM (SELECT ganje.locate_zone_ids(lat, lng) AS found,
               ARRAY(SELECT zone_id FROM star25 WHERE ring @> point(round(1e6 * lat), round(1e6 * lng)) ORDER BY zone_id) AS expected
          FROM (SELECT 39.9 + n % 13 * 0.0171 AS lat, 29.9 + n % 17 * 0.0173 AS lng FROM generate_series(0, 29) AS n) AS p) AS a;
SELECT ganje.zone_cache_size() < 800000 AS bounded;
SET ganje_logistics.zone_cache_size = '64MB';
SELECT count(ganje.locate_zone(39.9 + n % 13 * 0.0171, 29.9 + n % 17 * 0.0173)) FROM generate_series(0, 39) AS n;
SELECT ganje.zone_cache_size() > 1000000 AS more_is_used;
RESET ganje_logistics.zone_cache_size;
DROP TABLE star25;
DROP FUNCTION jagged25(integer, integer);
DELETE FROM ganje.zone;
