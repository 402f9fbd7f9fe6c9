-- zone_overlaps(): pairs that share an area; to touch is not enough.
\set SHOW_CONTEXT never
CREATE FUNCTION pg_temp.box(id text, south float8, west float8, north float8, east float8, priority int DEFAULT 0) RETURNS void LANGUAGE sql AS $$
    INSERT INTO ganje.zone (zone_id, name, priority, created_at, rules) VALUES (id, id, priority, '2026-01-01', jsonb_build_array(jsonb_build_object('loc', jsonb_build_object('polygon',
        jsonb_build_array(jsonb_build_object('lat', south, 'lng', west), jsonb_build_object('lat', south, 'lng', east), jsonb_build_object('lat', north, 'lng', east), jsonb_build_object('lat', north, 'lng', west)))))) $$;
CREATE FUNCTION pg_temp.disc(id text, lat float8, lng float8, radius float8) RETURNS void LANGUAGE sql AS $$
    INSERT INTO ganje.zone (zone_id, name, created_at, rules) VALUES (id, id, '2026-01-02', jsonb_build_array(jsonb_build_object('loc', jsonb_build_object('circle',
        jsonb_build_object('center', jsonb_build_object('lat', lat, 'lng', lng), 'radius', radius))))) $$;
-- The pairs, and whether the sample is inside both and on the winner's side.
CREATE FUNCTION pg_temp.pairs() RETURNS TABLE (pair text, winner text, inside boolean, wins boolean) LANGUAGE sql AS $$
    SELECT zone_a || ' ' || zone_b, winner, ganje.locate_zone_ids(lat, lng) @> ARRAY[zone_a, zone_b],
           array_position(ganje.locate_zone_ids(lat, lng), winner) = least(array_position(ganje.locate_zone_ids(lat, lng), zone_a), array_position(ganje.locate_zone_ids(lat, lng), zone_b))
      FROM ganje.zone_overlaps() ORDER BY 1 $$;
SELECT * FROM ganje.zone_overlaps();

-- Polygons: B overlaps A; C has an edge of A's, D a corner, E a part of an edge; F lies within A; G is A again.
SELECT pg_temp.box('A', 0, 0, 2, 2), pg_temp.box('B', 1, 1, 3, 3, 5), pg_temp.box('C', 0, 2, 2, 4), pg_temp.box('D', -2, -2, 0, 0),
       pg_temp.box('E', 0.5, -1, 1.5, 0), pg_temp.box('F', 0.2, 0.2, 0.3, 0.3, -1), pg_temp.box('G', 0, 0, 2, 2, 1) \g /dev/null
SELECT * FROM pg_temp.pairs();
SELECT zone_a, zone_b FROM ganje.zone_overlaps('{A,C,F}');
DELETE FROM ganje.zone;
-- A hair's breadth is an overlap, none is not.
SELECT pg_temp.box('A', 0, 0, 2, 2), pg_temp.box('B', 0, 1.99999999999, 2, 4), pg_temp.box('C', -2, 0, 0, 2) \g /dev/null
SELECT * FROM pg_temp.pairs();
DELETE FROM ganje.zone;
-- In a hole there is nothing to overlap; on its island there is.
SELECT ganje.import_zones('{"type": "Feature", "id": "H", "properties": {"name": "H"}, "geometry": {"type": "MultiPolygon", "coordinates":
  [[[[0,0],[9,0],[9,9],[0,9],[0,0]],[[2,2],[2,7],[7,7],[7,2],[2,2]]],[[[4,4],[5,4],[5,5],[4,5],[4,4]]]]}}') AS imported;
SELECT pg_temp.box('IN', 2, 2, 3.5, 7), pg_temp.box('ISLAND', 4.5, 4.5, 6, 6), pg_temp.disc('DISC', 6, 3, 90000), pg_temp.disc('DISC2', 6, 3, 120000) \g /dev/null
SELECT * FROM pg_temp.pairs();
DELETE FROM ganje.zone;
-- A ring that crosses itself covers its two ears, not the middle of its edges' hull.
SELECT ganje.upsert_zone('{"zoneId": "BOW", "name": "BOW", "rules": [{"loc": {"polygon": [{"lat": 0, "lng": 0}, {"lat": 2, "lng": 2}, {"lat": 2, "lng": 0}, {"lat": 0, "lng": 2}]}}]}');
SELECT pg_temp.box('EAST', 0.9, 1.2, 1.1, 1.4), pg_temp.box('NORTH', 1.5, 0.9, 1.6, 1.1) \g /dev/null
SELECT * FROM pg_temp.pairs();
DELETE FROM ganje.zone;
-- Circles: 111319.49 m are a degree at the equator.
SELECT pg_temp.disc('C1', 0, 0, 60000), pg_temp.disc('C2', 0, 1, 51319.48), pg_temp.disc('C3', 0, -1, 51319.50), pg_temp.disc('C4', 0, 0, 10),
       pg_temp.box('TOUCH', 1, -1, 2, 1), pg_temp.box('CORNER', 0.3, 0.3, 3, 3) \g /dev/null
SELECT * FROM pg_temp.pairs();
DELETE FROM ganje.zone;
-- A corner that points into a circle, and a circle around a whole polygon.
SELECT pg_temp.disc('C1', 38.123708, 40.372293, 4335.5), pg_temp.box('SMALL', 38.12, 40.37, 38.121, 40.371) \g /dev/null
SELECT ganje.upsert_zone('{"zoneId": "SPIKE", "name": "SPIKE", "rules": [{"loc": {"geojson": {"type": "Polygon", "coordinates": [[[40.414082,38.05222],[40.388764,38.074845],[40.367629,38.110747],[40.337787,38.075046],[40.414082,38.05222]]]}}}]}');
SELECT * FROM pg_temp.pairs();
DELETE FROM ganje.zone;
-- Across the antimeridian, from either side.
SELECT pg_temp.box('A', -1, 179, 1, 180), pg_temp.box('B', -1, -180, 1, -179) \g /dev/null
SELECT ganje.upsert_zone('{"zoneId": "X", "name": "X", "rules": [{"loc": {"polygon": [{"lat": 0, "lng": 179.5}, {"lat": 0, "lng": -179.5}, {"lat": 2, "lng": -179.5}, {"lat": 2, "lng": 179.5}]}}]}');
SELECT pg_temp.disc('Y', 1.5, -179.9, 30000) \g /dev/null
SELECT * FROM pg_temp.pairs();
DELETE FROM ganje.zone;
-- Several rules: a pair is named once. Where all must hold, the areas' common part counts. Addresses keep nothing apart, and without an area there is no overlap.
SELECT ganje.upsert_zone('{"zoneId": "TWO", "name": "TWO", "rules": [{"loc": {"circle": {"center": {"lat": 0, "lng": 0}, "radius": 50000}}}, {"loc": {"circle": {"center": {"lat": 0, "lng": 0.5}, "radius": 50000}}}]}');
SELECT ganje.upsert_zone('{"zoneId": "ALL", "name": "ALL", "all": true, "rules": [{"addr": {"city": {"IN": ["x"]}}}, {"loc": {"circle": {"center": {"lat": 0, "lng": 0.2}, "radius": 5000}}}]}');
SELECT ganje.upsert_zone('{"zoneId": "APART", "name": "APART", "all": true, "rules": [{"loc": {"circle": {"center": {"lat": 0, "lng": 0.2}, "radius": 500}}}, {"loc": {"circle": {"center": {"lat": 9, "lng": 9}, "radius": 500}}}]}');
SELECT ganje.upsert_zone('{"zoneId": "ADDR", "name": "ADDR", "rules": [{"addr": {"city": {"IN": ["x"]}}}]}');
SELECT ganje.upsert_zone('{"zoneId": "EVERY", "name": "EVERY"}');
SELECT zone_a, zone_b, round(lat::numeric, 6) AS lat, round(lng::numeric, 6) AS lng FROM ganje.zone_overlaps();
-- Progress is told, and a deleted zone overlaps nothing.
DELETE FROM ganje.zone;
SELECT count(pg_temp.box('N' || n, n / 50, n % 50, n / 50 + 1, n % 50 + 1)) FROM generate_series(0, 1999) AS n;
SELECT count(*) FROM ganje.zone_overlaps();
SELECT count(*) FROM ganje.zone_overlaps('{N1,N2,NEVER}');
DELETE FROM ganje.zone;
