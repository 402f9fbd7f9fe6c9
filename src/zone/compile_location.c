/*-------------------------------------------------------------------------
 *
 * compile_location.c
 *	  Compiles {"loc": {"polygon": …} | {"circle": …} | {"geojson": …}}.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "core/core.h"
#include "json/json.h"
#include "miscadmin.h"
#include "settings.h"
#include "zone/zone.h"

static double
read_coordinate(JsonbContainer *point, const char *path, const char *key)
{
	JsonbValue value;

	if (!gl_json_find(point, key, &value))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s is missing", gl_json_path_key(path, key))));
	return gl_json_double(&value, gl_json_path_key(path, key));
}

/* {lat, lng}; the range is checked by whoever knows what the point is for. */
static GlPoint
read_point(const JsonbValue *value, const char *path)
{
	static const char *const keys[] = {"lat", "lng", NULL};
	JsonbContainer *object = gl_json_object(value, path);
	GlPoint point;

	gl_json_only_keys(object, path, keys);
	point.lat = read_coordinate(object, path, "lat");
	point.lng = read_coordinate(object, path, "lng");
	return point;
}

/* Says where a vertex is: point 7 of the list, or of which ring in GeoJSON. */
static void
raise_polygon(GlStatus status, const GlError *error, const char *path)
{
	if (status == GL_NO_MEMORY)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory while compiling %s", path)));
	CHECK_FOR_INTERRUPTS();
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s: %s", error->where >= 0 ? gl_json_path_index(path, (int) error->where) : path,
						   error->message)));
}

static void
append_polygon(StringInfo image, const GlPoint *points, const uint32 *ring_sizes, uint32 ring_count, const char *path)
{
	GlArena arena = gl_arena(CurrentMemoryContext);
	GlStop stop = gl_stop_on_interrupt();
	GlError error = {-1, ""};
	GlPolygon *polygon;
	bool crosses = false;
	GlStatus status = gl_polygon_build(points, ring_sizes, ring_count, (uint32) gl_setting_max_vertices, &arena, &stop,
									   &polygon, &error);

	if (status != GL_OK)
		raise_polygon(status, &error, path);
	gl_zone_append_rule(image, GL_RULE_POLYGON, 0, polygon, polygon->size);
	status = gl_polygon_self_intersects(polygon, &stop, &crosses, &error);
	CHECK_FOR_INTERRUPTS();
	if (status == GL_OK && crosses)
		ereport(WARNING, (errmsg("%s intersects itself", path),
						  errdetail("%s", error.message),
						  errhint("A point is inside where an odd number of edges lies on one side of it.")));
}

static void
compile_points(StringInfo image, const JsonbValue *value, const char *path)
{
	JsonbContainer *list = gl_json_array(value, path);
	int count = JsonContainerSize(list);
	uint32 ring_size = (uint32) count;
	JsonbIterator *iterator = JsonbIteratorInit(list);
	JsonbValue element;
	GlPoint *points;
	int n = 0;

	if (count > gl_setting_max_vertices)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("%s has more than %d vertices", path, gl_setting_max_vertices),
						errhint("Simplify the zone, or raise ganje_logistics.max_vertices.")));
	points = palloc_extended(Max(count, 1) * sizeof(GlPoint), MCXT_ALLOC_HUGE);
	(void) JsonbIteratorNext(&iterator, &element, true);
	while (JsonbIteratorNext(&iterator, &element, true) == WJB_ELEM)
	{
		char *element_path = gl_json_path_index(path, n);

		CHECK_FOR_INTERRUPTS();
		points[n++] = read_point(&element, element_path);
		pfree(element_path);
	}
	append_polygon(image, points, &ring_size, 1, path);
}

static void
compile_circle(StringInfo image, const JsonbValue *value, const char *path)
{
	static const char *const keys[] = {"center", "radius", NULL};
	JsonbContainer *object = gl_json_object(value, path);
	JsonbValue part;
	GlPoint centre;
	GlCircle circle;
	GlError error = {-1, ""};

	gl_json_only_keys(object, path, keys);
	if (!gl_json_find(object, "center", &part))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s is missing", gl_json_path_key(path, "center"))));
	centre = read_point(&part, gl_json_path_key(path, "center"));
	memset(&circle, 0, sizeof(circle));
	if (gl_circle_build(centre.lat, centre.lng, read_coordinate(object, path, "radius"), &circle, &error) != GL_OK)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s: %s", path, error.message)));
	gl_zone_append_rule(image, GL_RULE_CIRCLE, 0, &circle, sizeof(circle));
}

void
gl_zone_compile_location(StringInfo image, JsonbContainer *location, const char *path)
{
	static const char *const keys[] = {"polygon", "circle", "geojson", NULL};
	JsonbValue value;
	int found = 0;

	gl_json_only_keys(location, path, keys);
	for (int i = 0; keys[i] != NULL; i++)
		found += gl_json_find(location, keys[i], &value) ? 1 : 0;
	if (found != 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must have one of polygon, circle and geojson", path)));
	if (gl_json_find(location, "polygon", &value))
		compile_points(image, &value, gl_json_path_key(path, "polygon"));
	else if (gl_json_find(location, "circle", &value))
		compile_circle(image, &value, gl_json_path_key(path, "circle"));
	else
	{
		char *geometry_path = gl_json_path_key(path, "geojson");
		GlPoint *points;
		uint32 point_count;
		uint32 *ring_sizes;
		uint32 ring_count;

		(void) gl_json_find(location, "geojson", &value);
		gl_zone_read_geojson(gl_json_object(&value, geometry_path), geometry_path, &points, &point_count, &ring_sizes,
							 &ring_count);
		append_polygon(image, points, ring_sizes, ring_count, geometry_path);
	}
}
