-- Which zones lie over each other.

CREATE FUNCTION ganje.zone_overlaps(zone_ids text[] DEFAULT NULL)
RETURNS TABLE (zone_a text, zone_b text, winner text, lat double precision, lng double precision)
LANGUAGE c STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'gl_zone_overlaps';
COMMENT ON FUNCTION ganje.zone_overlaps(text[]) IS
'Pairs of zones (of all, or of those named) whose areas share more than an edge or a point, which of the two wins there, and a point inside both. Zones without an area (by address only, or without rules) are left out; rules on an address do not keep two areas apart.';
