-- Zones by RBS's actions: partial upserts, soft deletion, order, time zones.
\set SHOW_CONTEXT never
SELECT ganje.list_zones();
SELECT ganje.upsert_zone('{"zoneId": "Z20A", "name": "Ankara", "fee": 7.50, "minCartTotal": 100, "timezone": 3, "priority": 2,
    "all": true, "rules": [{"addr": {"city": {"IN": ["ANKARA"]}}}]}');
SELECT ganje.get_zone('{"zoneId": "Z20A"}');
-- Keys that are not named, or null, keep their value; a fee that is null is taken away.
SELECT ganje.upsert_zone('{"zoneId": "Z20A", "name": "Ankara city"}');
SELECT ganje.get_zone('{"zoneId": "Z20A"}');
SELECT ganje.upsert_zone('{"zoneId": "Z20A", "name": null, "rules": null, "all": null, "minCartTotal": null, "timezone": null, "priority": null, "deleted": null}');
SELECT ganje.get_zone('{"zoneId": "Z20A"}');
SELECT ganje.upsert_zone('{"zoneId": "Z20A", "fee": {"amount": 9.9}, "priority": -1.0, "all": false, "minCartTotal": 0}');
SELECT ganje.get_zone('{"zoneId": "Z20A"}');
SELECT ganje.upsert_zone('{"zoneId": "Z20A", "fee": null, "rules": []}');
SELECT ganje.get_zone('{"zoneId": "Z20A"}');
-- Money is never rescaled.
SELECT ganje.upsert_zone('{"zoneId": "Z20A", "fee": 0.10, "minCartTotal": 12345678901234.123456789}');
SELECT fee, min_cart_total FROM ganje.zone WHERE zone_id = 'Z20A';
-- An id is made where none is given.
SELECT answer ->> 'zoneId' ~ '^[0-9A-HJKMNP-TV-Z]{26}$' AS is_ulid, answer - 'zoneId' AS rest
  FROM ganje.upsert_zone('{"name": "Unnamed", "rules": [{"addr": {"city": {"IN": ["nowhere"]}}}]}') AS answer;
DELETE FROM ganje.zone WHERE name = 'Unnamed';

-- Deleting is soft; a deleted zone is gone until an upsert says "deleted": false.
SELECT ganje.delete_zone('{"zoneId": "Z20A"}');
SELECT ganje.get_zone('{"zoneId": "Z20A"}');
SELECT ganje.delete_zone('{"zoneId": "Z20A"}');
SELECT ganje.list_zones();
SELECT ganje.upsert_zone('{"zoneId": "Z20A", "name": "Still deleted"}');
SELECT ganje.get_zone('{"zoneId": "Z20A"}');
SELECT ganje.upsert_zone('{"zoneId": "Z20A", "deleted": false}');
SELECT ganje.get_zone('{"zoneId": "Z20A"}');
SELECT ganje.upsert_zone('{"zoneId": "Z20A", "deleted": true}');
SELECT ganje.get_zone('{"zoneId": "Z20A"}');
SELECT ganje.get_zone('{"zoneId": "Z20NEVER"}');

-- The order of the list: priority, then the oldest, then the id byte by byte.
INSERT INTO ganje.zone (zone_id, name, priority, created_at) VALUES
    ('Z20c', 'c', 0, '2026-01-02'), ('Z20B', 'b', 0, '2026-01-02'), ('Z20D', 'd', 0, '2026-01-01'), ('Z20E', 'e', 5, '2026-02-01');
SELECT zone ->> 'zoneId' AS zone_id, zone -> 'priority' AS priority FROM jsonb_array_elements(ganje.list_zones()) AS zone;
SELECT ganje.list_zones('{"zoneId": "Z20A"}');
SELECT ganje.list_zones(NULL);
DELETE FROM ganje.zone WHERE zone_id ~ '^Z20';

-- Time zones: hours, also with a fraction, or an IANA name.
CREATE FUNCTION pg_temp.timezone(value jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ganje.upsert_zone(jsonb_build_object('zoneId', 'Z20T', 'name', 'T', 'timezone', value));
    RETURN coalesce(ganje.get_zone('{"zoneId": "Z20T"}') -> 'timezone', '"left out"');
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN to_jsonb(SQLERRM);
END $$;
SELECT t.value, pg_temp.timezone(t.value) AS kept FROM jsonb_array_elements('[0, 3, 3.5, -4.5, "3", "+3.5", "-16", 16, 5.75,
    "Europe/Istanbul", "Asia/Tehran", "UTC", "GMT", "Etc/GMT+3",
    16.1, -17, 1e9, "", " ", " 3", "0x3", "1e1", "nan", "inf", ".", "+", "3h", "Europe/Istambul", "Europe/Istambul3", "FOO3", "<+03>-3", "../../etc/passwd",
    true, [3], {"hours": 3}]') WITH ORDINALITY AS t(value, n) ORDER BY n;
DELETE FROM ganje.zone WHERE zone_id = 'Z20T';

-- The table is checked like the upsert.
\set VERBOSITY terse
INSERT INTO ganje.zone (zone_id, name, rules) VALUES ('Z20P', 'Plain', '[{"loc": {"circle": {"center": {"lat": 1, "lng": 2}, "radius": 0}}}]');
INSERT INTO ganje.zone (zone_id, name, timezone) VALUES ('Z20P', 'Plain', 'Mars/Olympus');
INSERT INTO ganje.zone (zone_id, name, fee) VALUES ('Z20P', 'Plain', -1);
INSERT INTO ganje.zone (zone_id, name, fee) VALUES ('Z20P', 'Plain', 'NaN');
INSERT INTO ganje.zone (zone_id, name, min_cart_total) VALUES ('Z20P', 'Plain', 'Infinity');
INSERT INTO ganje.zone (zone_id, name) VALUES ('', 'Plain');
INSERT INTO ganje.zone (zone_id, name) VALUES ('Z20P', '');
INSERT INTO ganje.zone (zone_id, name, rules) VALUES ('Z20P', 'Plain', NULL);
INSERT INTO ganje.zone (zone_id, name, rules) VALUES ('Z20P', 'Plain', '{}');
INSERT INTO ganje.zone (zone_id, name, properties) VALUES ('Z20P', 'Plain', '[]');
-- The compiled form is the trigger's, whatever is written into it.
INSERT INTO ganje.zone (zone_id, name, compiled) VALUES ('Z20P', 'Plain', 'garbage');
UPDATE ganje.zone SET compiled = 'garbage', rules = '[{"addr": {"city": {"IN": ["x"]}}}]' WHERE zone_id = 'Z20P';
UPDATE ganje.zone SET rules = '[{"addr": {}}]' WHERE zone_id = 'Z20P';
SELECT ganje.locate_zone_by_address('{"city": "X"}'), ganje.locate_zone_by_address('{"city": "y"}');
UPDATE ganje.zone SET match_all = true, rules = '[{"addr": {"city": {"IN": ["x"]}}}, {"addr": {"street": {"IN": ["s"]}}}]' WHERE zone_id = 'Z20P';
SELECT ganje.locate_zone_by_address('{"city": "X"}'), ganje.locate_zone_by_address('{"city": "x", "street": "S"}');
UPDATE ganje.zone SET match_all = false WHERE zone_id = 'Z20P';
SELECT ganje.locate_zone_by_address('{"city": "X"}');
-- The change is seen by the application's own triggers too, whatever their names.
CREATE FUNCTION pg_temp.tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', ganje.locate_zone_ids(1, 1); RETURN NULL; END $$;
CREATE TRIGGER a_tell AFTER INSERT OR UPDATE OR DELETE ON ganje.zone FOR EACH ROW EXECUTE FUNCTION pg_temp.tell();
INSERT INTO ganje.zone (zone_id, name) VALUES ('Z20Q', 'Q'), ('Z20R', 'R');
SELECT ganje.locate_zone_ids(1, 1);
UPDATE ganje.zone SET deleted = true WHERE zone_id = 'Z20R';
SELECT ganje.locate_zone_ids(1, 1);
DELETE FROM ganje.zone WHERE zone_id = 'Z20Q';
DROP TRIGGER a_tell ON ganje.zone;
DELETE FROM ganje.zone;
