/*-------------------------------------------------------------------------
 *
 * geojson_text.c
 *	  Refuses the text of a GeoJSON that is too large, too deep or has too many
 *	  vertices, before it is parsed.
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

/* check_geojson(text): raises, or nothing */
Datum
gl_zone_check_geojson(PG_FUNCTION_ARGS)
{
	Size size = toast_raw_datum_size(PG_GETARG_DATUM(0)) - VARHDRSZ;
	GlError error = {-1, ""};
	text *value;

	if (size > (Size) gl_setting_import_max_bytes)
		ereport(
			ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("the GeoJSON has %zu bytes, more than ganje_logistics.import_max_bytes allows",
					size),
			 errhint("Import it in parts, or raise the setting.")));
	value = PG_GETARG_TEXT_PP(0);
	if (gl_geojson_scan(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), gl_setting_json_max_depth,
						(uint32) gl_setting_max_vertices, &error) != GL_OK)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the GeoJSON %s, at byte %lld", error.message, (long long) error.where),
				 errhint("See ganje_logistics.max_vertices and ganje_logistics.json_max_depth.")));
	PG_RETURN_VOID();
}
