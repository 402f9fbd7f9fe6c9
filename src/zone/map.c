/*-------------------------------------------------------------------------
 *
 * map.c
 *	  zone_map(): a picture of the zones, to look at what was imported.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "compat.h"
#include "zone/map.h"

#define LEAST_WIDTH 200
#define GREATEST_WIDTH 4000

GL_FUNCTION(gl_zone_map);

/* zone_map(points, width, zone_ids) → SVG */
Datum
gl_zone_map(PG_FUNCTION_ARGS)
{
	GlMap map = {0};
	GlZoneAreas areas;
	StringInfoData out;
	int width = PG_ARGISNULL(1) ? 960 : PG_GETARG_INT32(1);

	if (width < LEAST_WIDTH || width > GREATEST_WIDTH)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("width must be between %d and %d pixels, not %d", LEAST_WIDTH,
							   GREATEST_WIDTH, width)));
	map.width = width;
	areas = gl_zone_areas(PG_ARGISNULL(2) ? NULL : PG_GETARG_ARRAYTYPE_P(2));
	gl_map_read_zones(&map, &areas);
	if (!PG_ARGISNULL(0))
	{
		Jsonb *points = PG_GETARG_JSONB_P(0);

		if (!JB_ROOT_IS_ARRAY(points) || JB_ROOT_IS_SCALAR(points))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("points must be a list"),
					 errhint("For example [{\"lat\": 41.01, \"lng\": 28.97}].")));
		gl_map_read_marks(&map, &points->root);
	}
	gl_map_project(&map);
	gl_map_place_labels(&map);
	initStringInfo(&out);
	gl_map_draw(&map, &out);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
