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
