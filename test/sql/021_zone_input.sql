-- Bad input to upsert_zone: an error that names the JSON path, and nothing stored.
\set SHOW_CONTEXT never
SELECT ganje.upsert_zone('{"zoneId": "Z21", "name": "Good", "rules": [{"addr": {"city": {"IN": ["good"]}}}]}');

-- rule by rule: SQLSTATE, message, hint
CREATE FUNCTION pg_temp.refused(rules jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text; message text; hint text;
BEGIN
    PERFORM ganje.upsert_zone(jsonb_build_object('zoneId', 'Z21', 'rules', rules));
    RETURN 'ACCEPTED';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN state || ': ' || message || CASE WHEN hint <> '' THEN ' (' || hint || ')' ELSE '' END;
END $$;
CREATE FUNCTION pg_temp.loc(location jsonb) RETURNS text LANGUAGE sql AS
$$ SELECT pg_temp.refused(jsonb_build_array('{"addr": {"city": {"IN": ["x"]}}}'::jsonb, jsonb_build_object('loc', location))) $$;
\pset format unaligned
\pset tuples_only on
\echo -- what a rule is
SELECT pg_temp.refused(r) FROM jsonb_array_elements('["x", {}, [{}], ["x"], [null], [5], [[]], [{"addr": {"city": {"IN": ["x"]}}, "loc": {"circle": {"center": {"lat": 1, "lng": 1}, "radius": 1}}}],
  [{"address": {"city": {"IN": ["x"]}}}], [{"addr": null}], [{"addr": []}], [{"loc": []}], [{"loc": {}}], [{"loc": "here"}]]') WITH ORDINALITY AS t(r, n) ORDER BY n;
\echo -- conditions on the address
SELECT pg_temp.refused(jsonb_build_array(jsonb_build_object('addr', r))) FROM jsonb_array_elements('[{}, {"city": {}}, {"city": {"NOTIN": ["x"]}}, {"city": {"in": ["x"]}},
  {"city": {"IN": []}}, {"city": {"NIN": []}}, {"city": {"IN": "x"}}, {"city": {"IN": ["x", 5]}}, {"city": {"IN": ["x"], "NIN": ["y", null]}},
  {"city": {"IN": [["x"]]}}, {"city": ["x"]}, {"city": "x"}, {"city": null}, {"city": {"IN": null}}, {"city": {"IN": ["x"]}, "district": {"NOT": ["y"]}}]') WITH ORDINALITY AS t(r, n) ORDER BY n;
\echo -- one of polygon, circle and geojson
SELECT pg_temp.loc(r) FROM jsonb_array_elements('[{}, {"polygon": null}, {"polgon": []},
  {"polygon": [{"lat": 0, "lng": 0}, {"lat": 0, "lng": 1}, {"lat": 1, "lng": 1}], "circle": {"center": {"lat": 1, "lng": 1}, "radius": 5}}]') WITH ORDINALITY AS t(r, n) ORDER BY n;
\echo -- polygons
SELECT pg_temp.loc(jsonb_build_object('polygon', r)) FROM jsonb_array_elements('[[], {}, "x", [{"lat": 0, "lng": 0}], [{"lat": 0, "lng": 0}, {"lat": 1, "lng": 1}],
  [{"lat": 0, "lng": 0}, {"lat": 1, "lng": 1}, {"lat": 0, "lng": 0}], [{"lat": 0, "lng": 0}, {"lat": 1, "lng": 1}, {"lat": 1.0, "lng": 1}, {"lat": 0, "lng": 0}],
  [{"lat": 0, "lng": 0}, {"lat": 0, "lng": 1}, {"lat": 91, "lng": 1}], [{"lat": 0, "lng": 0}, {"lat": 0, "lng": 1}, {"lat": -90.0000001, "lng": 1}],
  [{"lat": 0, "lng": 0}, {"lat": 0, "lng": 181}, {"lat": 1, "lng": 1}], [{"lat": 0, "lng": 0}, {"lat": 1, "lng": 1}, {"lat": 1, "lng": -180.5}],
  [{"lat": 120.5, "lng": 41}, {"lat": 121, "lng": 41}, {"lat": 121, "lng": 42}],
  [{"lat": 0, "lng": 0}, {"lat": "1", "lng": 1}, {"lat": 1, "lng": 1}], [{"lat": 0, "lng": 0}, {"lat": null, "lng": 1}, {"lat": 1, "lng": 1}],
  [{"lat": 0, "lng": 0}, {"lat": 1e400, "lng": 1}, {"lat": 1, "lng": 1}], [{"lat": 0, "lng": 0}, {"lat": 1}, {"lat": 1, "lng": 1}],
  [{"lat": 0, "lng": 0}, {"lat": 1, "lon": 1}, {"lat": 1, "lng": 1}], [[0, 0], [0, 1], [1, 1]], [{"lat": 0, "lng": 0}, 5, {"lat": 1, "lng": 1}],
  [{"lat": 10, "lng": 0}, {"lat": 10, "lng": 100}, {"lat": 10, "lng": -160}, {"lat": 10, "lng": -60}]]') WITH ORDINALITY AS t(r, n) ORDER BY n;
\echo -- circles
SELECT pg_temp.loc(jsonb_build_object('circle', r)) FROM jsonb_array_elements('[{}, [], {"center": {"lat": 1, "lng": 1}}, {"radius": 5},
  {"center": {"lat": 1, "lng": 1}, "radius": 0}, {"center": {"lat": 1, "lng": 1}, "radius": -5}, {"center": {"lat": 1, "lng": 1}, "radius": 1000000.1},
  {"center": {"lat": 1, "lng": 1}, "radius": "5"}, {"center": {"lat": 1, "lng": 1}, "radius": 1e400}, {"center": {"lat": 91, "lng": 1}, "radius": 5}, {"center": {"lat": 1, "lng": -181}, "radius": 5},
  {"center": [1, 1], "radius": 5}, {"center": {"lat": 1}, "radius": 5}, {"center": {"lat": 1, "lng": 1}, "radius": 5, "unit": "km"}]') WITH ORDINALITY AS t(r, n) ORDER BY n;
\echo -- geometries of GeoJSON
SELECT pg_temp.loc(jsonb_build_object('geojson', r)) FROM jsonb_array_elements('["x", [], {}, {"type": "Polygon"}, {"coordinates": []}, {"type": "Point", "coordinates": [1, 2]}, {"type": "polygon", "coordinates": []}, {"type": 5, "coordinates": []},
  {"type": "Polygon", "coordinates": []}, {"type": "Polygon", "coordinates": [[]]}, {"type": "Polygon", "coordinates": [[0, 0], [0, 1], [1, 1]]},
  {"type": "Polygon", "coordinates": [[[0, 0], [0, 1]]]}, {"type": "Polygon", "coordinates": [[[[0, 0], [0, 1], [1, 1]]]]}, {"type": "Polygon", "coordinates": [[[0, 0], [0], [1, 1]]]},
  {"type": "Polygon", "coordinates": [[[0, 0], [0, "1"], [1, 1]]]}, {"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [0, 91]]]}, {"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [181, 1]]]},
  {"type": "Polygon", "coordinates": [[[0, 0], [0, 9], [9, 9], [0, 0]], [[1, 2], [1, 2], [2, 3], [1, 2]]]},
  {"type": "MultiPolygon", "coordinates": []}, {"type": "MultiPolygon", "coordinates": [[[0, 0], [0, 1], [1, 1]]]}, {"type": "MultiPolygon", "coordinates": [[]]},
  {"type": "MultiPolygon", "coordinates": [[[[0, 0], [0, 1], [1, 1]]], [[[5, 5], [5, 6], [6, 6]], [[5, 5], [5, 5]]]]},
  {"type": "MultiPolygon", "coordinates": [[[[0, 0], [0, 1], [1, 1]]], [[[5, 5], [5, 6], [6, 100]]]]}]') WITH ORDINALITY AS t(r, n) ORDER BY n;
\echo -- the other keys
\pset format aligned
\pset tuples_only off
SELECT ganje.upsert_zone('{"zoneId": "Z21NEW"}');
SELECT ganje.upsert_zone('{"zoneId": "Z21", "name": ""}');
SELECT ganje.upsert_zone('{"zoneId": "Z21", "name": 5}');
SELECT ganje.upsert_zone('{"zoneId": "", "name": "x"}');
SELECT ganje.upsert_zone('{"zoneId": 5, "name": "x"}');
SELECT ganje.upsert_zone('{"zoneId": "Z21", "fee": -1}');
SELECT ganje.upsert_zone('{"zoneId": "Z21", "fee": "7"}');
SELECT ganje.upsert_zone('{"zoneId": "Z21", "fee": {"amount": -1}}');
SELECT ganje.upsert_zone('{"zoneId": "Z21", "fee": {"amount": null}}');
SELECT ganje.upsert_zone('{"zoneId": "Z21", "fee": {"value": 1}}');
SELECT ganje.upsert_zone('{"zoneId": "Z21", "fee": [1]}');
SELECT ganje.upsert_zone('{"zoneId": "Z21", "fee": 1e16}');
SELECT ganje.upsert_zone('{"zoneId": "Z21", "minCartTotal": -0.01}');
SELECT ganje.upsert_zone('{"zoneId": "Z21", "minCartTotal": true}');
SELECT ganje.upsert_zone('{"zoneId": "Z21", "priority": 1.5}');
SELECT ganje.upsert_zone('{"zoneId": "Z21", "priority": 3000000000}');
SELECT ganje.upsert_zone('{"zoneId": "Z21", "priority": -3000000000}');
SELECT ganje.upsert_zone('{"zoneId": "Z21", "all": "true"}');
SELECT ganje.upsert_zone('{"zoneId": "Z21", "deleted": 0}');
SELECT ganje.upsert_zone('{"zoneId": "Z21", "properties": []}');
SELECT ganje.upsert_zone('{"zoneId": "Z21", "rule": []}');
SELECT ganje.upsert_zone('{"zoneId": "Z21", "timezone": "Europe/Nowhere"}');
SELECT ganje.upsert_zone('[]');
SELECT ganje.upsert_zone('"Z21"');
SELECT ganje.upsert_zone(NULL);
SELECT ganje.upsert_zone('{"zoneId": "Z21", "name": "NaN is not JSON", "rules": [{"loc": {"polygon": [{"lat": NaN, "lng": 0}]}}]}');

-- After all that the zone is as it was, and the only one.
SELECT ganje.list_zones();

-- A ring that crosses itself is taken, with a warning; a hole that touches in a point is none.
SELECT ganje.upsert_zone('{"zoneId": "Z21BOW", "name": "Bow tie", "rules": [{"addr": {"city": {"IN": ["x"]}}}, {"loc": {"polygon": [{"lat": 0, "lng": 0}, {"lat": 2, "lng": 2}, {"lat": 2, "lng": 0}, {"lat": 0, "lng": 2}]}}]}');
SELECT ganje.locate_zone(1, 0.5), ganje.locate_zone(0.5, 1), ganje.locate_zone(1.5, 1), ganje.locate_zone(1, 1);
SELECT ganje.upsert_zone('{"zoneId": "Z21BOW", "name": "Touching", "rules": [{"loc": {"geojson": {"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]], [[0, 0], [2, 1], [1, 2], [0, 0]]]}}}]}');

-- More vertices than allowed are refused by number alone.
SET ganje_logistics.max_vertices = 4;
SELECT ganje.upsert_zone('{"zoneId": "Z21V", "name": "V", "rules": [{"loc": {"polygon": [{"lat": 0, "lng": 0}, {"lat": 0, "lng": 1}, {"lat": 1, "lng": 1}, {"lat": 1, "lng": 0}]}}]}');
SELECT ganje.upsert_zone('{"zoneId": "Z21V", "rules": [{"loc": {"polygon": [{"lat": 0, "lng": 0}, {"lat": 0, "lng": 1}, {"lat": 1, "lng": 1}, {"lat": 1, "lng": 0}, {"lat": 0, "lng": 0}]}}]}'::jsonb);
SELECT ganje.upsert_zone('{"zoneId": "Z21V", "rules": [{"loc": {"geojson": {"type": "Polygon", "coordinates": [[[0, 0], [9, 0], [9, 9]], [[1, 1], [2, 1], [2, 2]]]}}}]}');
RESET ganje_logistics.max_vertices;
DELETE FROM ganje.zone;
-- Fees must add up exactly.
SELECT ganje.upsert_zone('{"zoneId": "Z21", "name": "x", "fee": 0.1234567}');
SELECT ganje.upsert_zone('{"zoneId": "Z21", "name": "x", "fee": {"amount": 0.1234567}}');
\set VERBOSITY terse
INSERT INTO ganje.zone (zone_id, name, fee) VALUES ('Z21', 'x', 0.1234567);
