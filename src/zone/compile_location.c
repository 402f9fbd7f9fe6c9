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

static JsonbValue
read_key(JsonbContainer *object, const char *path, const char *key)
{
	JsonbValue value;

	if (!gl_json_find(object, key, &value))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s is missing", gl_json_path_key(path, key)),
						errhint("A point is {\"lat\": ..., \"lng\": ...}, a circle {\"center\": a "
								"point, \"radius\": meters}.")));
	return value;
}

double
gl_zone_read_degrees(const JsonbValue *value, const char *path, double limit)
{
	double degrees = gl_json_double(value, path);

	if (!(degrees >= -limit && degrees <= limit))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be between -%g and %g", path, limit, limit),
						errhint("Coordinates are degrees: a latitude from -90 to 90, a longitude "
								"from -180 to 180. GeoJSON has the longitude first.")));
	return degrees;
}

/* {lat, lng} */
static GlPoint
read_point(const JsonbValue *value, const char *path)
{
	static const char *const keys[] = {"lat", "lng", NULL};
	JsonbContainer *object = gl_json_object(value, path);
	JsonbValue lat;
	JsonbValue lng;
	GlPoint point;

	gl_json_only_keys(object, path, keys);
	lat = read_key(object, path, "lat");
	lng = read_key(object, path, "lng");
	point.lat = gl_zone_read_degrees(&lat, gl_json_path_key(path, "lat"), 90);
	point.lng = gl_zone_read_degrees(&lng, gl_json_path_key(path, "lng"), 180);
	return point;
}

/* Vertices were checked when they were read: what is left is wrong with a ring, or the whole. */
static void
raise_polygon(GlStatus status, const GlError *error, const GlZoneRings *rings, const char *path)
{
	int64 before = 0;

	if (status == GL_NO_MEMORY)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory while compiling %s", path)));
	CHECK_FOR_INTERRUPTS();
	for (uint32 i = 0; i < rings->ring_count; i++)
	{
		if (error->where == before)
			path = rings->ring_paths[i];
		before += rings->ring_sizes[i];
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s: %s", path, error->message),
			 errhint("A ring has three or more different corners. Around a pole it goes along "
					 "lat 90, or -90, from lng -180 to 180.")));
}

static void
append_polygon(StringInfo image, const GlZoneRings *rings, const char *path, const char *zone_id)
{
	GlArena arena = gl_arena(CurrentMemoryContext);
	GlStop stop = gl_stop_on_interrupt();
	GlError error = {-1, ""};
	GlPolygon *polygon;
	bool crosses = false;
	GlStatus status =
		gl_polygon_build(rings->points, rings->ring_sizes, rings->ring_count,
						 (uint32) gl_setting_max_vertices, &arena, &stop, &polygon, &error);

	if (status != GL_OK)
		raise_polygon(status, &error, rings, path);
	gl_zone_append_rule(image, GL_RULE_POLYGON, 0, polygon, polygon->size);
	status = gl_polygon_self_intersects(polygon, &stop, &crosses, &error);
	CHECK_FOR_INTERRUPTS();
	if (status == GL_OK && crosses)
		ereport(
			WARNING,
			(errmsg("%s of zone \"%s\" intersects itself", path, zone_id),
			 errdetail("%s", error.message),
			 errhint("A point is inside where an odd number of edges lies on one side of it.")));
}

static void
compile_points(StringInfo image, const JsonbValue *value, const char *path, const char *zone_id)
{
	JsonbContainer *list = gl_json_array(value, path);
	int count = JsonContainerSize(list);
	uint32 ring_size = (uint32) count;
	GlZoneRings rings = {NULL, ring_size, 1, &ring_size, &path};
	JsonbIterator *iterator = JsonbIteratorInit(list);
	JsonbValue element;
	int n = 0;

	if (count > gl_setting_max_vertices)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("%s has more than %d vertices", path, gl_setting_max_vertices),
						errhint("Simplify the zone, or raise ganje_logistics.max_vertices.")));
	rings.points = palloc_extended(Max(count, 1) * sizeof(GlPoint), MCXT_ALLOC_HUGE);
	(void) JsonbIteratorNext(&iterator, &element, true);
	while (JsonbIteratorNext(&iterator, &element, true) == WJB_ELEM)
	{
		char *element_path = gl_json_path_index(path, n);

		CHECK_FOR_INTERRUPTS();
		rings.points[n++] = read_point(&element, element_path);
		pfree(element_path);
	}
	append_polygon(image, &rings, path, zone_id);
}

static void
compile_circle(StringInfo image, const JsonbValue *value, const char *path)
{
	static const char *const keys[] = {"center", "radius", NULL};
	JsonbContainer *object = gl_json_object(value, path);
	JsonbValue center;
	JsonbValue radius;
	GlPoint point;
	GlCircle circle;
	GlError error = {-1, ""};

	gl_json_only_keys(object, path, keys);
	center = read_key(object, path, "center");
	point = read_point(&center, gl_json_path_key(path, "center"));
	radius = read_key(object, path, "radius");
	memset(&circle, 0, sizeof(circle));
	if (gl_circle_build(point.lat, point.lng,
						gl_json_double(&radius, gl_json_path_key(path, "radius")), &circle,
						&error) != GL_OK)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s: %s", gl_json_path_key(path, "radius"), error.message),
						errhint("The radius is in meters.")));
	gl_zone_append_rule(image, GL_RULE_CIRCLE, 0, &circle, sizeof(circle));
}

void
gl_zone_compile_location(StringInfo image, JsonbContainer *location, const char *path,
						 const char *zone_id)
{
	static const char *const keys[] = {"polygon", "circle", "geojson", NULL};
	JsonbValue value;
	int found = 0;

	gl_json_only_keys(location, path, keys);
	for (int i = 0; keys[i] != NULL; i++)
		found += gl_json_find(location, keys[i], &value) ? 1 : 0;
	if (found != 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must have one of polygon, circle and geojson", path),
						errhint("Several areas are several rules.")));
	if (gl_json_find(location, "polygon", &value))
		compile_points(image, &value, gl_json_path_key(path, "polygon"), zone_id);
	else if (gl_json_find(location, "circle", &value))
		compile_circle(image, &value, gl_json_path_key(path, "circle"));
	else
	{
		char *geometry_path = gl_json_path_key(path, "geojson");
		GlZoneRings rings;

		(void) gl_json_find(location, "geojson", &value);
		rings = gl_zone_read_geojson(gl_json_object(&value, geometry_path), geometry_path);
		append_polygon(image, &rings, geometry_path, zone_id);
	}
}
