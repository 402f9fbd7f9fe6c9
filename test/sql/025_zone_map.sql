-- zone_map(): what is in the picture, as text; that it looks right, a person has to see.
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SELECT ganje.zone_map();
SELECT ganje.upsert_zone('{"zoneId": "Z25A", "name": "A <b> & \"b\" ''c'' ]]>", "rules": [{"loc": {"geojson": {"type": "Polygon", "coordinates": [[[10, 0], [14, 0], [14, 3], [10, 3], [10, 0]], [[11, 1], [11, 2], [12, 2], [12, 1], [11, 1]]]}}}]}') \g /dev/null
SELECT ganje.upsert_zone('{"zoneId": "Z25B", "name": "B", "priority": 1, "rules": [{"loc": {"polygon": [{"lat": 0, "lng": 13}, {"lat": 0, "lng": 16}, {"lat": 3, "lng": 16}, {"lat": 3, "lng": 13}]}}]}') \g /dev/null
SELECT ganje.upsert_zone('{"zoneId": "Z25C", "name": "C", "rules": [{"addr": {"city": {"IN": ["x"]}}}]}') \g /dev/null
SELECT ganje.upsert_zone('{"zoneId": "Z25D", "name": "D", "priority": -1}') \g /dev/null
-- A hole is in the path of its zone; what wins is drawn last; names are escaped; points take the winner's colour.
SELECT ganje.zone_map('[{"lat": 1, "lng": 13.5, "name": "</svg><script>"}, {"lat": 1.5, "lng": 11.5}]', 400);
SELECT ganje.zone_map(zone_ids => '{Z25C,Z25D}');
-- Latitude's aspect: a degree of longitude at 60 degrees is half as wide as one of latitude.
DELETE FROM ganje.zone;
SELECT ganje.upsert_zone('{"zoneId": "Z25N", "name": "N", "rules": [{"loc": {"polygon": [{"lat": 59, "lng": 10}, {"lat": 59, "lng": 12}, {"lat": 61, "lng": 12}, {"lat": 61, "lng": 10}]}}]}') \g /dev/null
WITH corner AS (SELECT m[1]::float8 AS x, m[2]::float8 AS y FROM regexp_matches(substring(ganje.zone_map() FROM '<path d="([^"]*)"'), '([0-9.]+) ([0-9.]+)', 'g') AS m)
SELECT round(((max(x) - min(x)) / (max(y) - min(y)))::numeric, 2) AS width_over_height FROM corner;
-- Across the antimeridian: the parts lie side by side, the picture is not as wide as the earth.
DELETE FROM ganje.zone;
SELECT ganje.import_zones('{"type": "FeatureCollection", "features": [
  {"type": "Feature", "id": "Z25W", "properties": {"name": "W"}, "geometry": {"type": "Polygon", "coordinates": [[[178, 0], [-179, 0], [-179, 2], [178, 2], [178, 0]]]}},
  {"type": "Feature", "id": "Z25E", "properties": {"name": "E"}, "geometry": {"type": "Polygon", "coordinates": [[[-179, 0], [-177, 0], [-177, 2], [-179, 2], [-179, 0]]]}}]}') \g /dev/null
SELECT substring(ganje.zone_map(width => 500) FROM '<path d="([^"]*)"[^>]*><title>W') AS west, substring(ganje.zone_map(width => 500) FROM '<path d="([^"]*)"[^>]*><title>E') AS east;
-- Where all areas of a zone must hold, they are dashed.
SELECT ganje.upsert_zone('{"zoneId": "Z25I", "name": "I", "all": true, "rules": [{"loc": {"circle": {"center": {"lat": 1, "lng": 180}, "radius": 50000}}}, {"loc": {"circle": {"center": {"lat": 1, "lng": -179.6}, "radius": 50000}}}]}') \g /dev/null
SELECT count(*) FROM regexp_matches(ganje.zone_map(), '<path d="[^"]*" fill="[^"]*" stroke="[^"]*" stroke-dasharray="4 3" fill-opacity="0.2"><title>I \(Z25I\), where all of its areas overlap</title>', 'g');
-- Every zone has a colour of its own; thousands of corners become what can be seen.
DELETE FROM ganje.zone;
INSERT INTO ganje.zone (zone_id, name, rules) SELECT 'Z25_' || n, 'n' || n, jsonb_build_array(jsonb_build_object('loc', jsonb_build_object('circle',
    jsonb_build_object('center', jsonb_build_object('lat', n / 20, 'lng', n % 20), 'radius', 40000)))) FROM generate_series(0, 199) AS n;
-- How many there are is said beside the scale, below it where that leaves no room.
SELECT width, regexp_matches(ganje.zone_map(width => width), '<text x="([^"]*)" y="([^"]*)"[^>]*>([^<]*(?:km|zones)[^<]*)</text>', 'g') FROM unnest('{300,960}'::integer[]) AS width;
SELECT count(DISTINCT m[1]) FROM regexp_matches(ganje.zone_map(), '<path d="[^"]*" fill="([^"]*)" stroke="[^"]*"><title>', 'g') AS m;
UPDATE ganje.zone SET deleted = true WHERE zone_id <> 'Z25_1';
UPDATE ganje.zone SET rules = (SELECT jsonb_build_array(jsonb_build_object('loc', jsonb_build_object('polygon', jsonb_agg(
    jsonb_build_object('lat', sin(n * pi() / 50000), 'lng', cos(n * pi() / 50000)) ORDER BY n)))) FROM generate_series(0, 99999) AS n) WHERE zone_id = 'Z25_1';
SELECT length(ganje.zone_map()) < 50000 AS small;
-- Bad input.
SELECT ganje.zone_map(width => 10);
SELECT ganje.zone_map(width => 100000);
SELECT ganje.zone_map('{}');
SELECT ganje.zone_map('5');
SELECT ganje.zone_map('[5]');
SELECT ganje.zone_map('[{"lat": 1}]');
SELECT ganje.zone_map('[{"lat": 1, "lng": 1}, {"lat": 91, "lng": 1}]');
SELECT ganje.zone_map('[{"lat": 1, "lng": 2, "colour": "red"}]');
SELECT ganje.zone_map('[{"lat": 1, "lng": 2, "name": 5}]');
SELECT ganje.zone_map((SELECT jsonb_agg('{"lat": 1, "lng": 2}'::jsonb) FROM generate_series(1, 10001)));
SELECT ganje.zone_map(zone_ids => '{Z25_1,Z25_NEVER}');
SELECT ganje.zone_map(zone_ids => '{Z25_2}');
DELETE FROM ganje.zone;
-- A zone of a few meters fills its map, and has room for its name there.
DELETE FROM ganje.zone;
INSERT INTO ganje.zone (zone_id, name, rules) VALUES ('Z25T', 'Locker', '[{"loc": {"circle": {"center": {"lat": 65, "lng": 29}, "radius": 3}}}]');
SELECT substring(ganje.zone_map(NULL, 600), '[^>]* zones?[^<]*') AS said, ganje.zone_map(NULL, 600) ~ '>2 m<' AS scale;
DELETE FROM ganje.zone;
