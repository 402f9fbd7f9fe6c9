/*-------------------------------------------------------------------------
 *
 * geojson_text.c
 *	  Refuses the text of a GeoJSON, or of a zone, that is too large, too deep
 *	  or has too many vertices, before it is parsed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "fmgr.h"

#include "compat.h"
#include "settings.h"
#include "zone/geojson_scan.h"

GL_FUNCTION(gl_zone_check_geojson);
GL_FUNCTION(gl_zone_check_text);

/* Size is asked of the value as it lies there, which may be compressed. */
static void
check_text(Datum datum, const char *what, const char *setting, int max_bytes, const char *remedy)
{
	Size size = toast_raw_datum_size(datum) - VARHDRSZ;
	GlError error = {-1, ""};
	text *value;

	if (size > (Size) max_bytes)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("%s has %zu bytes, more than ganje_logistics.%s allows", what, size,
							   setting),
						errhint("%s, or raise the setting.", remedy)));
	value = DatumGetTextPP(datum);
	if (gl_geojson_scan(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), gl_setting_json_max_depth,
						(uint32) gl_setting_max_vertices, &error) != GL_OK)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s %s, at byte %lld", what, error.message, (long long) error.where),
				 errhint("See ganje_logistics.max_vertices and ganje_logistics.json_max_depth.")));
}

/* check_geojson(text): raises, or nothing */
Datum
gl_zone_check_geojson(PG_FUNCTION_ARGS)
{
	check_text(PG_GETARG_DATUM(0), "the GeoJSON", "import_max_bytes", gl_setting_import_max_bytes,
			   "Import it in parts");
	PG_RETURN_VOID();
}

/* check_zone(text): raises, or nothing */
Datum
gl_zone_check_text(PG_FUNCTION_ARGS)
{
	check_text(PG_GETARG_DATUM(0), "the zone", "zone_max_bytes", gl_setting_zone_max_bytes,
			   "Simplify the zone");
	PG_RETURN_VOID();
}
