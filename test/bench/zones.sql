-- What bench_zones needs in the database: the zones as PostGIS has them, points, and timers.
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE SCHEMA bench;
CREATE TABLE bench.zone (zone_id text, name text, rules jsonb, kind text, wkt text, lat float8, lng float8, radius float8);
CREATE TABLE bench.read_point (lat float8, lng float8);
CREATE TABLE bench.time (measure text, who text, us float8);

-- Zones and points that were copied in become those of both sides.
CREATE PROCEDURE bench.fill() LANGUAGE plpgsql AS $$
BEGIN
    SET client_min_messages = error;
    TRUNCATE bench.time;
    DROP TABLE IF EXISTS bench.polygon, bench.circle, bench.point, bench.peer_point;
    DELETE FROM ganje.zone;
    INSERT INTO ganje.zone (zone_id, name, rules) SELECT zone_id, name, rules FROM bench.zone;
    CREATE TABLE bench.polygon AS SELECT zone_id, CASE WHEN ST_IsValid(g) THEN g ELSE ST_MakeValid(g) END AS geom
      FROM bench.zone, ST_GeomFromText(wkt, 4326) AS g WHERE kind = 'polygon';
    CREATE TABLE bench.circle AS SELECT zone_id, radius, geog, ST_Envelope(ST_Buffer(geog, radius * 1.01)::geometry) AS box
      FROM (SELECT *, ST_SetSRID(ST_MakePoint(lng, lat), 4326)::geography AS geog FROM bench.zone WHERE kind = 'circle') AS c;
    CREATE TABLE bench.point AS SELECT lat, lng FROM bench.read_point;
    CREATE TABLE bench.peer_point AS SELECT lat, lng, ST_SetSRID(ST_MakePoint(lng, lat), 4326) AS geom,
        ST_SetSRID(ST_MakePoint(lng, lat), 4326)::geography AS geog FROM bench.read_point;
    CREATE INDEX ON bench.polygon USING gist (geom);
    CREATE INDEX ON bench.circle USING gist (box);
    CREATE INDEX ON bench.peer_point USING gist (geom);
    CREATE INDEX ON bench.peer_point USING gist (geog);
END
$$;

CREATE PROCEDURE bench.timed(the_measure text, the_who text, per bigint, statement text) LANGUAGE plpgsql AS $$
DECLARE
    start timestamptz := clock_timestamp();
    ignored bigint;
BEGIN
    EXECUTE statement INTO ignored;
    INSERT INTO bench.time VALUES (the_measure, the_who, 1e6 * extract(epoch FROM clock_timestamp() - start) / per);
END
$$;

-- Both sides in turn. PostGIS is asked about some of the points, as a round of it would take minutes.
CREATE PROCEDURE bench.run(rounds int, peer_points bigint) LANGUAGE plpgsql AS $$
DECLARE
    points bigint := (SELECT count(*) FROM bench.point);
    polygons text := 'SELECT zone_id FROM bench.polygon AS s WHERE ST_Covers(s.geom, p.geom)';
    circles text := 'SELECT zone_id FROM bench.circle AS c WHERE c.box && p.geom AND ST_Distance(c.geog, p.geog) < c.radius';
    all_zones text := polygons || CASE WHEN EXISTS (SELECT FROM bench.circle) THEN ' UNION ALL ' || circles ELSE '' END;
    driven text := 'SELECT s.zone_id FROM bench.polygon AS s JOIN bench.peer_point AS p ON ST_Covers(s.geom, p.geom)';
    some_points text := format('(SELECT * FROM bench.peer_point LIMIT %s) AS p', peer_points);
BEGIN
    SET jit = off;
    IF EXISTS (SELECT FROM bench.circle) THEN
        driven := driven || ' UNION ALL SELECT c.zone_id FROM bench.circle AS c JOIN bench.peer_point AS p
            ON ST_DWithin(p.geog, c.geog, c.radius) AND ST_Distance(p.geog, c.geog) < c.radius';
    END IF;
    peer_points := least(peer_points, points);
    PERFORM ganje.locate_zone(lat, lng) FROM bench.point LIMIT 1;
    FOR n IN 1..rounds LOOP
        CALL bench.timed('first match', 'ours', points, 'SELECT count(ganje.locate_zone(lat, lng)) FROM bench.point');
        CALL bench.timed('first match', 'PostGIS', peer_points,
            format('SELECT count((SELECT zone_id FROM (%s) AS z ORDER BY zone_id LIMIT 1)) FROM %s', all_zones, some_points));
        CALL bench.timed('all matches', 'ours', points, 'SELECT sum(cardinality(ganje.locate_zone_ids(lat, lng))) FROM bench.point');
        CALL bench.timed('all matches', 'PostGIS', peer_points,
            format('SELECT sum(cardinality(ARRAY(%s))) FROM %s', all_zones, some_points));
        CALL bench.timed('whole table', 'ours', points, 'SELECT sum(cardinality(ganje.locate_zone_ids(lat, lng))) FROM bench.point');
        CALL bench.timed('whole table', 'PostGIS', points,
            format('SELECT count(*) FROM (%s) AS z', driven));
        COMMIT;
    END LOOP;
END
$$;

CREATE VIEW bench.result AS
SELECT measure, percentile_cont(0.5) WITHIN GROUP (ORDER BY us) FILTER (WHERE who = 'ours') AS ours,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY us) FILTER (WHERE who <> 'ours') AS peer
  FROM bench.time GROUP BY measure;

-- Milliseconds of one call, by the server's clock.
CREATE FUNCTION bench.call_ms() RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
    start timestamptz := clock_timestamp();
BEGIN
    PERFORM ganje.locate_zone(39.9, 32.8);
    RETURN 1e3 * extract(epoch FROM clock_timestamp() - start);
END
$$;

CREATE FUNCTION bench.cache_bytes() RETURNS bigint LANGUAGE sql AS $$
    WITH RECURSIVE context AS (
        SELECT name, level, total_bytes, parent FROM pg_backend_memory_contexts WHERE name LIKE 'ganje_logistics zone%'
        UNION ALL
        SELECT m.name, m.level, m.total_bytes, m.parent FROM pg_backend_memory_contexts AS m JOIN context AS c ON m.parent = c.name AND m.level = c.level + 1)
    SELECT sum(total_bytes)::bigint FROM context $$;
