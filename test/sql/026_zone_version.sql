-- What another version of the library compiled is refused and not misread, and compiled anew by what the hint says.
INSERT INTO ganje.zone (zone_id, name, rules) VALUES
    ('Z26C', 'Circle', '[{"loc": {"circle": {"center": {"lat": 41, "lng": 29}, "radius": 1000}}}]'),
    ('Z26P', 'Polygon', '[{"loc": {"polygon": [{"lat": 40, "lng": 30}, {"lat": 40, "lng": 31}, {"lat": 41, "lng": 30}]}}]'),
    ('Z26A', 'Address', '[{"addr": {"city": {"IN": ["Bursa"]}}}]');
CREATE FUNCTION answers26() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', ganje.locate_zone(41, 29), ganje.locate_zone(40.2, 30.2), ganje.locate_zone('{"address": {"city": "bursa"}}'::jsonb)) $$;
SELECT answers26();
CREATE TABLE stored26 AS SELECT zone_id, compiled, facts FROM ganje.zone;
SELECT bool_and(get_byte(compiled, 4) = 2 AND get_byte(facts, 4) = 2) AS this_version FROM stored26;
-- As the layout before left them: a circle's centre came before its thresholds.
ALTER TABLE ganje.zone DISABLE TRIGGER zone_compile;
UPDATE ganje.zone SET facts = set_byte(facts, 4, 1) WHERE zone_id = 'Z26C';
SELECT ganje.locate_zone(41, 29);
UPDATE ganje.zone SET facts = set_byte(facts, 4, 2), compiled = set_byte(compiled, 4, 1);
SELECT ganje.locate_zone('{"address": {"city": "bursa"}}'::jsonb);
SELECT * FROM ganje.zone_overlaps();
ALTER TABLE ganje.zone ENABLE ALWAYS TRIGGER zone_compile;
UPDATE ganje.zone SET rules = rules;
SELECT answers26();
SELECT bool_and(z.compiled = s.compiled AND z.facts = s.facts) AS anew FROM ganje.zone AS z JOIN stored26 AS s USING (zone_id);
DROP TABLE stored26;
DROP FUNCTION answers26();
DELETE FROM ganje.zone;
