-- Zones that are many times what a backend may keep of them: are the answers right, and is memory bounded?
SELECT format('jagged: %s points, %s matches, %s answers other than PostGIS''s', count(*), sum(cardinality(ours)), count(*) FILTER (WHERE ours IS DISTINCT FROM theirs))
  FROM (SELECT ganje.locate_zone_ids(lat, lng) AS ours,
               ARRAY(SELECT zone_id FROM bench.polygon AS s WHERE ST_Covers(s.geom, p.geom) ORDER BY zone_id) AS theirs
          FROM (SELECT * FROM bench.peer_point LIMIT 2000) AS p) AS a;
SELECT format('jagged: memory of the backend''s zones %s, zone_cache_size %s', pg_size_pretty(ganje.zone_cache_size()), current_setting('ganje_logistics.zone_cache_size'));
SET ganje_logistics.zone_cache_size = '512MB';
-- A statement of its own: of a subquery whose answer is not used nothing is asked.
SELECT count(ganje.locate_zone(lat, lng)) AS found FROM (SELECT * FROM bench.point LIMIT 2000) AS p \gset
SELECT format('jagged: with zone_cache_size 512MB, the points again: %s found, memory %s', :found, pg_size_pretty(ganje.zone_cache_size()));
