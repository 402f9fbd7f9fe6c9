-- Zones as a picture.

CREATE FUNCTION ganje.zone_map(points jsonb DEFAULT NULL, width integer DEFAULT 960, zone_ids text[] DEFAULT NULL) RETURNS text
LANGUAGE c STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'gl_zone_map';
COMMENT ON FUNCTION ganje.zone_map(jsonb, integer, text[]) IS
'The zones (all, or those named) as an SVG picture, north up, the zone that wins on top; points [{lat, lng, name}] are drawn in the colour of the first of them that matches, hollow where none does.';
