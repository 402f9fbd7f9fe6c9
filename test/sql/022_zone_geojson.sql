-- Zones from GeoJSON: all features or none, and which one is bad.
\set SHOW_CONTEXT never
CREATE FUNCTION pg_temp.feature(id jsonb, properties jsonb, geometry jsonb) RETURNS jsonb LANGUAGE sql AS
$$ SELECT jsonb_strip_nulls(jsonb_build_object('type', 'Feature', 'id', id)) || jsonb_build_object('properties', properties, 'geometry', geometry) $$;
CREATE FUNCTION pg_temp.square(lat int, lng int) RETURNS jsonb LANGUAGE sql AS
$$ SELECT jsonb_build_object('type', 'Polygon', 'coordinates', format('[[[%1$s,%2$s],[%3$s,%2$s],[%3$s,%4$s],[%1$s,%4$s],[%1$s,%2$s]]]', lng, lat, lng + 1, lat + 1)::jsonb) $$;
CREATE FUNCTION pg_temp.collection(VARIADIC features jsonb[]) RETURNS jsonb LANGUAGE sql AS
$$ SELECT jsonb_build_object('type', 'FeatureCollection', 'features', to_jsonb(features)) $$;
SELECT ganje.import_zones(pg_temp.collection(
    pg_temp.feature('"Z22A"', '{"name": "A", "plate": 34, "none": null}', pg_temp.square(10, 20)),
    pg_temp.feature('7', '{"name": "Seven"}', '{"type": "MultiPolygon", "coordinates": [[[[0,0],[9,0],[9,9],[0,9],[0,0]],[[3,3],[6,3],[6,6],[3,6],[3,3]]],[[[40,40],[41,40],[41,41]]]]}'),
    pg_temp.feature(NULL, '{"name": "By property", "id": "Z22C"}', pg_temp.square(30, 30))));
SELECT zone_id, name, properties, rules #> '{0,loc,geojson,type}' AS geometry FROM ganje.zone ORDER BY zone_id COLLATE "C";
SELECT ganje.get_zone('{"zoneId": "Z22A"}');
SELECT ganje.locate_zone(10.5, 20.5) AS a, ganje.locate_zone(1, 1) AS seven, ganje.locate_zone(4, 4) AS hole, ganje.locate_zone(3, 4) AS edge_of_hole,
       ganje.locate_zone(40.2, 40.5) AS second_part, ganje.locate_zone(20.5, 10.5) AS swapped;
-- Once more: updates what it names, keeps what GeoJSON does not know, brings deleted zones back.
SELECT ganje.upsert_zone('{"zoneId": "Z22A", "fee": 5, "priority": 3}');
SELECT ganje.delete_zone('{"zoneId": "Z22A"}') -> 'deleted' AS deleted;
SELECT ganje.import_zones(pg_temp.feature('"Z22A"', '{"name": "A again", "plate": 6}', pg_temp.square(12, 20)));
SELECT ganje.get_zone('{"zoneId": "Z22A"}') - 'rules' AS zone, ganje.locate_zone(10.5, 20.5) AS before, ganje.locate_zone(12.5, 20.5) AS after;
-- Which property is the id, and which the name.
SELECT ganje.import_zones(pg_temp.feature('"other"', '{"title": "Titled", "code": 42}', pg_temp.square(50, 50)), id_property => 'code', name_property => 'title');
SELECT zone_id, name FROM ganje.zone WHERE zone_id IN ('42', 'other');
SELECT ganje.import_zones('{"type": "FeatureCollection", "features": []}');
DELETE FROM ganje.zone;

-- One bad feature: nothing is stored.
CREATE FUNCTION pg_temp.refused(feature jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text; message text; hint text;
BEGIN
    PERFORM ganje.import_zones(pg_temp.collection(pg_temp.feature('"Z22GOOD"', '{"name": "good"}', pg_temp.square(1, 1)), feature));
    RETURN 'ACCEPTED';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN state || ': ' || message || ' (' || hint || ')';
END $$;
\pset format unaligned
\pset tuples_only on
SELECT pg_temp.refused(f) FROM (VALUES
    (1, '5'::jsonb), (2, 'null'), (3, '[]'), (4, '{}'), (5, '{"type": "Polygon", "coordinates": []}'),
    (6, pg_temp.feature('"Z22B"', '{"name": "b"}', NULL)),
    (7, pg_temp.feature('"Z22B"', '{"name": "b"}', '{"type": "Point", "coordinates": [1, 2]}')),
    (8, pg_temp.feature('"Z22B"', '{"name": "b"}', '{"type": "GeometryCollection", "geometries": []}')),
    (9, pg_temp.feature('"Z22B"', '{"name": "b"}', '{"type": "Polygon", "coordinates": [[1, 2], [3, 4], [5, 6]]}')),
    (10, pg_temp.feature('"Z22B"', '{"name": "b"}', '{"type": "Polygon", "coordinates": [[[1, 2], [3, 4], [5, 96]]]}')),
    (11, pg_temp.feature('"Z22B"', '{"name": "b"}', '{"type": "Polygon", "coordinates": [[[1, 2], [3, 4], [5, 1e400]]]}')),
    (12, pg_temp.feature('"Z22B"', '{"name": "b"}', '{"type": "Polygon", "coordinates": [[[1, 2], [3, 4]]]}')),
    (13, pg_temp.feature(NULL, '{"name": "b"}', pg_temp.square(1, 1))),
    (14, pg_temp.feature('true', '{"name": "b"}', pg_temp.square(1, 1))),
    (15, pg_temp.feature('"Z22B"', '{}', pg_temp.square(1, 1))),
    (16, pg_temp.feature('"Z22B"', NULL, pg_temp.square(1, 1))),
    (17, pg_temp.feature('"Z22B"', '{"name": {"en": "b"}}', pg_temp.square(1, 1))),
    (18, pg_temp.feature('"Z22GOOD"', '{"name": "twice"}', pg_temp.square(1, 1))),
    (19, pg_temp.feature(to_jsonb(repeat('x', 300)), '{"name": "b"}', pg_temp.square(1, 1)))) AS t(n, f) ORDER BY n;
\pset format aligned
\pset tuples_only off
SELECT count(*) AS stored FROM ganje.zone;
SET ganje_logistics.max_vertices = 4;
SELECT ganje.import_zones(pg_temp.collection(pg_temp.feature('"Z22B"', '{"name": "b"}', pg_temp.square(1, 1))));
RESET ganje_logistics.max_vertices;
SELECT ganje.import_zones(pg_temp.feature('"Z22B"', '{"name": "b"}', '{"type": "Polygon", "coordinates": [[[1, 2], [3, 4], [5, 96]]]}'));
SELECT ganje.import_zones('{"type": "FeatureCollection"}');
SELECT ganje.import_zones('{"type": "FeatureCollection", "features": {}}');
SELECT ganje.import_zones('{"type": "Topology"}');
SELECT ganje.import_zones('[]');
SELECT ganje.import_zones(NULL);
SELECT count(*) AS stored FROM ganje.zone;
-- A warning says which zone.
SELECT ganje.import_zones(pg_temp.collection(pg_temp.feature('"Z22OK"', '{"name": "ok"}', pg_temp.square(1, 1)),
    pg_temp.feature('"Z22BOW"', '{"name": "bow"}', '{"type": "Polygon", "coordinates": [[[0,0],[2,2],[2,0],[0,2],[0,0]]]}')));
DELETE FROM ganje.zone;

-- Out, and back: the same zones, in the same order, whatever they are made of.
INSERT INTO ganje.zone (zone_id, name, rules, match_all, fee, min_cart_total, timezone, priority, properties, created_at) VALUES
    ('Z22F', 'F', '[{"addr": {"city": {"IN": ["x"]}}}, {"loc": {"circle": {"center": {"lat": 1, "lng": 2}, "radius": 5.50}}}, {"loc": {"polygon": [{"lat": 0, "lng": 0}, {"lat": 1, "lng": 1}, {"lat": 1, "lng": 0}]}}]',
     true, 7.50, 100.00, '+3.5', 2, '{}', '2020-01-02 00:00:00.123456+00'),
    ('Z22G', 'G', '[{"addr": {"city": {"NIN": ["y"]}}}]', false, NULL, 0, 'Asia/Tehran', 0, NULL, '2020-01-03'),
    ('Z22H', 'H', '[]', false, 0, 0, '0', 0, '{"name": "other", "a": [1, null]}', '2020-01-01'),
    ('Z22I', 'I', '[{"loc": {"geojson": {"type": "Polygon", "bbox": [1], "coordinates": [[[0,0,5],[0,10.50,5],[10,10,5],[10,0,5]],[[1,1],[2,1],[2,2],[1,2],[1,1]]]}}}]', false, 0, 0, '0', 0, '{"name": "I"}', '2020-01-04'),
    ('Z22J', 'J', '[{"loc": {"polygon": [{"lat": -20, "lng": 175}, {"lat": -10, "lng": 175}, {"lat": -10, "lng": -175}, {"lat": -20, "lng": -175}]}}]', false, NULL, 0, '0', 0, '{"name": "J"}', '2020-01-05'),
    ('Z22K', 'K', '[{"loc": {"geojson": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}}}]', false, NULL, 0, '0', 0, '{"name": "K"}', '2020-01-06');
\pset format unaligned
SELECT feature FROM jsonb_array_elements(ganje.zones_geojson() -> 'features') AS feature;
CREATE TABLE zone22 AS SELECT z.*, ganje.zones_geojson() AS geojson FROM ganje.zone AS z;
DELETE FROM ganje.zone;
SELECT ganje.import_zones(geojson) FROM zone22 LIMIT 1;
SELECT count(*) AS zones, count(*) FILTER (WHERE (z.name, z.rules::text, z.match_all, z.fee::text, z.min_cart_total::text, z.timezone, z.priority, z.created_at)
       IS NOT DISTINCT FROM (b.name, b.rules::text, b.match_all, b.fee::text, b.min_cart_total::text, b.timezone, b.priority, b.created_at)
       AND z.properties IS NOT DISTINCT FROM b.properties AND z.compiled = b.compiled) AS same
  FROM ganje.zone AS z FULL JOIN zone22 AS b USING (zone_id);
SELECT bool_and(geojson = ganje.zones_geojson()) AS same FROM zone22;
-- A drawing that was changed counts, shape by shape.
SELECT ganje.import_zones(jsonb_set(ganje.zones_geojson('{Z22F}'), '{features,0,geometry,geometries,0,coordinates}', '[3, 4]'));
SELECT ganje.import_zones(jsonb_set(ganje.zones_geojson('{Z22J}'), '{features,0,geometry,coordinates,0,0}', '[174, -20]'));
SELECT zone_id, fee, rules FROM ganje.zone WHERE zone_id IN ('Z22F', 'Z22J') ORDER BY zone_id;
-- A circle of somebody else's.
SELECT ganje.import_zones('{"type": "Feature", "id": "Z22L", "properties": {"name": "L", "radius": 2500}, "geometry": {"type": "Point", "coordinates": [29, 41]}}');
SELECT ganje.locate_zone_ids(41.01, 29.01) @> '{Z22L}' AS inside, rules FROM ganje.zone WHERE zone_id = 'Z22L';
-- Bad input.
CREATE FUNCTION pg_temp.zone_refused(feature jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ganje.import_zones(jsonb_build_object('type', 'FeatureCollection', 'features', jsonb_build_array(feature)));
    RETURN 'ACCEPTED';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ': ' || SQLERRM;
END $$;
SELECT pg_temp.zone_refused(f || '{"type": "Feature", "id": "Z22M"}') FROM jsonb_array_elements('[
    {"zone": 5, "geometry": null}, {"zone": {}, "geometry": null}, {"zone": {"name": "M", "price": 5, "rules": []}, "geometry": null},
    {"zone": {"name": "M"}, "geometry": null}, {"zone": {"name": "M", "rules": {}}, "geometry": null}, {"zone": {"name": "M", "rules": [5]}, "geometry": null},
    {"zone": {"name": "M", "rules": []}, "geometry": {"type": "Point", "coordinates": [1, 2]}},
    {"zone": {"name": "M", "rules": [{"loc": {"circle": {"center": {"lat": 1, "lng": 2}, "radius": 5}}}]}, "geometry": {"type": "Point", "coordinates": [1, 200]}},
    {"zone": {"name": "M", "rules": [{"loc": {"circle": {"center": {"lat": 1, "lng": 2}, "radius": 5}}}]}, "geometry": {"type": "Point", "coordinates": []}},
    {"zone": {"name": "M", "rules": [{"loc": {"circle": {"center": {"lat": 1, "lng": 2}, "radius": 5}}}]}, "geometry": {"type": "GeometryCollection", "geometries": 5}},
    {"zone": {"name": "M", "rules": [{"loc": {}}]}, "geometry": null}, {"zone": {"name": "M", "rules": [], "fee": -1}, "geometry": null},
    {"zone": {"name": "M", "rules": [], "createdAt": "yesteryear"}, "geometry": null},
    {"properties": {"name": "M", "radius": "5"}, "geometry": {"type": "Point", "coordinates": [1, 2]}},
    {"properties": {"name": "M", "radius": 0}, "geometry": {"type": "Point", "coordinates": [1, 2]}},
    {"properties": {"name": "M", "radius": 5}, "geometry": {"type": "Point", "coordinates": [1]}},
    {"properties": {"name": "M", "radius": 5}, "geometry": {"type": "Point"}}]') WITH ORDINALITY AS t(f, n) ORDER BY n;
\pset format aligned
SELECT ganje.zones_geojson('{Z22K,Z22NEVER}');
-- What is too large is refused by its size.
SET ganje_logistics.import_max_bytes = 1024;
SELECT ganje.import_zones(geojson) FROM zone22 LIMIT 1;
RESET ganje_logistics.import_max_bytes;
-- A text is refused before it is parsed, by its bytes, its depth, the length of a list.
SET ganje_logistics.import_max_bytes = 1024;
SELECT ganje.import_zones(repeat('x', 1025));
RESET ganje_logistics.import_max_bytes;
SELECT ganje.import_zones(repeat('[', 100));
SELECT ganje.import_zones('{"type": "Feature", "id": "Z22N", "properties": {"name": "n"}, "geometry": {"type": "Polygon", "coordinates": [[' || repeat('[1,2],', 9999999) || '[1,2]]]}}');
SELECT ganje.import_zones('{"type": "Feature", ');
SELECT ganje.import_zones(geojson::text) FROM zone22 LIMIT 1;
SET ganje_logistics.zone_max_bytes = 1024;
SELECT ganje.upsert_zone(jsonb_build_object('zoneId', 'Z22N', 'name', 'N', 'rules', jsonb_build_array(jsonb_build_object('addr', jsonb_build_object('city', jsonb_build_object('IN', jsonb_agg('city ' || n)))))))
  FROM generate_series(1, 200) AS n;
RESET ganje_logistics.zone_max_bytes;
SELECT ganje.upsert_zone(jsonb_build_object('zoneId', 'Z22N', 'name', 'N', 'rules', jsonb_build_array(jsonb_build_object('loc', jsonb_build_object('geojson', jsonb_build_object('type', 'Polygon', 'coordinates',
    jsonb_build_array((SELECT jsonb_agg('[1, 2]'::jsonb) FROM generate_series(1, 100001)))))))));
DROP TABLE zone22;
DELETE FROM ganje.zone;
