/*-------------------------------------------------------------------------
 *
 * geojson.c
 *	  The rings of a GeoJSON geometry (RFC 7946, section 3.1): Polygon and
 *	  MultiPolygon, positions [longitude, latitude].
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "json/json.h"
#include "miscadmin.h"
#include "settings.h"
#include "zone/zone.h"

/* Rings being read: arrays that double as they fill, up to max_vertices. */
typedef struct Rings
{
	GlZoneRings read;
	uint32 point_room;
	uint32 ring_room;
} Rings;

static GlPoint
read_position(const JsonbValue *value, const char *path)
{
	JsonbContainer *position = gl_json_array(value, path);
	GlPoint point;

	if (JsonContainerSize(position) < 2)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must have a longitude and a latitude", path),
						errhint("A position is [longitude, latitude].")));
	point.lng = gl_zone_read_degrees(getIthJsonbValueFromContainer(position, 0),
									 gl_json_path_index(path, 0), 180);
	point.lat = gl_zone_read_degrees(getIthJsonbValueFromContainer(position, 1),
									 gl_json_path_index(path, 1), 90);
	return point;
}

static void
raise_too_many(const char *path)
{
	ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					errmsg("%s has more than %d vertices", path, gl_setting_max_vertices),
					errhint("Simplify the zone, or raise ganje_logistics.max_vertices.")));
}

static void
add_point(Rings *rings, GlPoint point, const char *path)
{
	if (rings->read.point_count >= (uint32) gl_setting_max_vertices)
		raise_too_many(path);
	if (rings->read.point_count == rings->point_room)
	{
		rings->point_room *= 2;
		rings->read.points = repalloc_huge(rings->read.points, rings->point_room * sizeof(GlPoint));
	}
	rings->read.points[rings->read.point_count++] = point;
}

/* path is kept, for what is found wrong with the ring as a whole. */
static void
read_ring(Rings *rings, const JsonbValue *value, const char *path)
{
	JsonbContainer *ring = gl_json_array(value, path);
	JsonbIterator *iterator = JsonbIteratorInit(ring);
	JsonbValue position;
	uint32 before = rings->read.point_count;
	JsonbIteratorToken token = JsonbIteratorNext(&iterator, &position, true);

	if (JsonContainerSize(ring) > (uint32) gl_setting_max_vertices)
		raise_too_many(path);
	/* An iterator, because the nth element of a jsonb list costs n steps. */
	while ((token = JsonbIteratorNext(&iterator, &position, true)) == WJB_ELEM)
	{
		char *element_path = gl_json_path_index(path, (int) (rings->read.point_count - before));

		CHECK_FOR_INTERRUPTS();
		add_point(rings, read_position(&position, element_path), path);
		pfree(element_path);
	}
	if (rings->read.ring_count == rings->ring_room)
	{
		rings->ring_room *= 2;
		rings->read.ring_sizes =
			repalloc_huge(rings->read.ring_sizes, rings->ring_room * sizeof(uint32));
		rings->read.ring_paths =
			repalloc_huge(rings->read.ring_paths, rings->ring_room * sizeof(char *));
	}
	rings->read.ring_paths[rings->read.ring_count] = path;
	rings->read.ring_sizes[rings->read.ring_count++] = rings->read.point_count - before;
}

static void
read_polygon(Rings *rings, const JsonbValue *value, const char *path)
{
	JsonbContainer *polygon = gl_json_array(value, path);
	JsonbIterator *iterator = JsonbIteratorInit(polygon);
	JsonbValue ring;
	int n = 0;
	JsonbIteratorToken token = JsonbIteratorNext(&iterator, &ring, true);

	if (JsonContainerSize(polygon) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s has no ring", path),
						errhint("A Polygon is a list of rings, the outer one first.")));
	while ((token = JsonbIteratorNext(&iterator, &ring, true)) == WJB_ELEM)
		read_ring(rings, &ring, gl_json_path_index(path, n++));
}

GlZoneRings
gl_zone_read_geojson(JsonbContainer *geometry, const char *path)
{
	Rings rings;
	JsonbValue value;
	char *type;
	char *coordinates_path = gl_json_path_key(path, "coordinates");

	memset(&rings, 0, sizeof(rings));

	rings.point_room = 64;
	rings.ring_room = 4;
	rings.read.points = palloc(rings.point_room * sizeof(GlPoint));
	rings.read.ring_sizes = palloc(rings.ring_room * sizeof(uint32));
	rings.read.ring_paths = palloc(rings.ring_room * sizeof(char *));
	if (!gl_json_find(geometry, "type", &value))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s is missing", gl_json_path_key(path, "type")),
						errhint("See RFC 7946, section 3.1.")));
	type = gl_json_string(&value, gl_json_path_key(path, "type"));
	if (!gl_json_find(geometry, "coordinates", &value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is missing", coordinates_path), errhint("See RFC 7946, section 3.1.")));
	if (strcmp(type, "Polygon") == 0)
		read_polygon(&rings, &value, coordinates_path);
	else if (strcmp(type, "MultiPolygon") == 0)
	{
		JsonbContainer *parts = gl_json_array(&value, coordinates_path);
		int count = JsonContainerSize(parts);

		if (count == 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("%s has no polygon", coordinates_path),
							errhint("A MultiPolygon is a list of the coordinates of polygons.")));
		for (int i = 0; i < count; i++)
			read_polygon(&rings, getIthJsonbValueFromContainer(parts, i),
						 gl_json_path_index(coordinates_path, i));
	}
	else
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be Polygon or MultiPolygon, not \"%s\"",
							   gl_json_path_key(path, "type"), type),
						errhint("Nothing else has an inside. A circle is {\"circle\": {\"center\": "
								"..., \"radius\": ...}}.")));
	return rings.read;
}
