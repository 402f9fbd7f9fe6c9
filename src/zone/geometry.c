/*-------------------------------------------------------------------------
 *
 * geometry.c
 *	  The areas of a zone's rules as geometries of GeoJSON (RFC 7946): rings
 *	  closed, outer ones counterclockwise, holes clockwise; a circle as the
 *	  Point in its middle.
 *
 * Numbers are passed on as they are, never by way of a double.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/jsonb.h"

#include "compat.h"
#include "json/json.h"
#include "zone/zone.h"

GL_FUNCTION(gl_zone_geometries);

/* A position: of GeoJSON as it is (position), or a {lat, lng} of ours. */
typedef struct Corner
{
	JsonbValue position;
	JsonbValue lat;
	JsonbValue lng;
	GlPoint point;
} Corner;

typedef struct Ring
{
	Corner *corners;
	int count;
} Ring;

static void
push_text(JsonbParseState **state, JsonbIteratorToken token, const char *text)
{
	JsonbValue value;

	value.type = jbvString;
	value.val.string.val = unconstify(char *, text);
	value.val.string.len = strlen(text);
	(void) pushJsonbValue(state, token, &value);
}

static void
push_position(JsonbParseState **state, Corner *corner)
{
	if (corner->position.type == jbvBinary)
	{
		(void) pushJsonbValue(state, WJB_ELEM, &corner->position);
		return;
	}
	(void) pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	(void) pushJsonbValue(state, WJB_ELEM, &corner->lng);
	(void) pushJsonbValue(state, WJB_ELEM, &corner->lat);
	(void) pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

static void
read_corner(Corner *corner, const JsonbValue *value, const char *path)
{
	JsonbContainer *container;
	bool whole = true;

	memset(corner, 0, sizeof(*corner));
	if (value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data))
	{
		container = gl_json_array(value, path);
		whole = JsonContainerSize(container) >= 2;
		if (whole)
		{
			corner->lng = *getIthJsonbValueFromContainer(container, 0);
			corner->lat = *getIthJsonbValueFromContainer(container, 1);
		}
		corner->position = *value;
	}
	else
	{
		container = gl_json_object(value, path);
		whole = gl_json_find(container, "lat", &corner->lat) &&
				gl_json_find(container, "lng", &corner->lng);
		corner->position.type = jbvNull;
	}
	if (!whole)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must have a latitude and a longitude", path)));
	corner->point.lat = gl_zone_read_degrees(&corner->lat, path, 90);
	corner->point.lng = gl_zone_read_degrees(&corner->lng, path, 180);
}

static bool
same_place(const Corner *a, const Corner *b)
{
	return a->point.lat == b->point.lat && a->point.lng == b->point.lng;
}

/* Above 0: counterclockwise, across the antimeridian as well. */
static double
signed_area(const Ring *ring)
{
	double area = 0;
	double lng = 0;

	for (int i = 0; i < ring->count; i++)
	{
		const GlPoint *a = &ring->corners[i].point;
		const GlPoint *b = &ring->corners[(i + 1) % ring->count].point;
		double step = remainder(b->lng - a->lng, 360);

		area += (lng * 2 + step) * (b->lat - a->lat);
		lng += step;
	}
	return area;
}

static void
push_ring(JsonbParseState **state, const JsonbValue *value, bool outer, const char *path)
{
	JsonbContainer *list = gl_json_array(value, path);
	Ring ring = {NULL, 0};
	JsonbIterator *iterator = JsonbIteratorInit(list);
	JsonbValue element;
	double area;
	bool reverse;

	ring.corners =
		palloc_extended(Max(JsonContainerSize(list), 1) * sizeof(Corner), MCXT_ALLOC_HUGE);
	(void) JsonbIteratorNext(&iterator, &element, true);
	while (JsonbIteratorNext(&iterator, &element, true) == WJB_ELEM)
	{
		CHECK_FOR_INTERRUPTS();
		read_corner(&ring.corners[ring.count++], &element, path);
	}
	area = signed_area(&ring);
	reverse = outer ? area < 0 : area > 0;
	(void) pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < ring.count; i++)
		push_position(state, &ring.corners[reverse ? ring.count - 1 - i : i]);
	if (ring.count > 0 && !same_place(&ring.corners[0], &ring.corners[ring.count - 1]))
		push_position(state, &ring.corners[reverse ? ring.count - 1 : 0]);
	(void) pushJsonbValue(state, WJB_END_ARRAY, NULL);
	pfree(ring.corners);
}

static void
push_polygon(JsonbParseState **state, const JsonbValue *value, const char *path)
{
	JsonbIterator *iterator = JsonbIteratorInit(gl_json_array(value, path));
	JsonbValue ring;
	int n = 0;

	(void) pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	(void) JsonbIteratorNext(&iterator, &ring, true);
	while (JsonbIteratorNext(&iterator, &ring, true) == WJB_ELEM)
	{
		push_ring(state, &ring, n == 0, gl_json_path_index(path, n));
		n++;
	}
	(void) pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

static void
push_geojson(JsonbParseState **state, JsonbContainer *geometry, const char *path)
{
	char *coordinates_path = gl_json_path_key(path, "coordinates");
	JsonbValue type;
	JsonbValue coordinates;
	JsonbValue part;
	JsonbIterator *iterator;
	bool found = gl_json_find(geometry, "type", &type);
	char *name;

	if (!found || !gl_json_find(geometry, "coordinates", &coordinates))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must have type and coordinates", path)));
	name = gl_json_string(&type, gl_json_path_key(path, "type"));
	push_text(state, WJB_VALUE, name);
	push_text(state, WJB_KEY, "coordinates");
	if (strcmp(name, "MultiPolygon") != 0)
	{
		push_polygon(state, &coordinates, coordinates_path);
		return;
	}
	iterator = JsonbIteratorInit(gl_json_array(&coordinates, coordinates_path));
	(void) pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	(void) JsonbIteratorNext(&iterator, &part, true);
	while (JsonbIteratorNext(&iterator, &part, true) == WJB_ELEM)
		push_polygon(state, &part, coordinates_path);
	(void) pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

static void
push_location(JsonbParseState **state, JsonbContainer *location, const char *path)
{
	JsonbValue value;
	JsonbValue center;
	Corner corner;

	(void) pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	push_text(state, WJB_KEY, "type");
	if (gl_json_find(location, "geojson", &value))
		push_geojson(state, gl_json_object(&value, gl_json_path_key(path, "geojson")),
					 gl_json_path_key(path, "geojson"));
	else if (gl_json_find(location, "polygon", &value))
	{
		push_text(state, WJB_VALUE, "Polygon");
		push_text(state, WJB_KEY, "coordinates");
		(void) pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
		push_ring(state, &value, true, gl_json_path_key(path, "polygon"));
		(void) pushJsonbValue(state, WJB_END_ARRAY, NULL);
	}
	else if (gl_json_find(location, "circle", &value) &&
			 gl_json_find(gl_json_object(&value, path), "center", &center))
	{
		push_text(state, WJB_VALUE, "Point");
		push_text(state, WJB_KEY, "coordinates");
		read_corner(&corner, &center, gl_json_path_key(path, "circle.center"));
		push_position(state, &corner);
	}
	else
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must have one of polygon, circle and geojson", path)));
	(void) pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

/* zone_geometries(rules) → a list with a geometry for each rule on location, in their order */
Datum
gl_zone_geometries(PG_FUNCTION_ARGS)
{
	Jsonb *rules = PG_GETARG_JSONB_P(0);
	JsonbIterator *iterator;
	JsonbParseState *state = NULL;
	JsonbValue rule;
	JsonbValue location;
	int n = 0;

	if (!JB_ROOT_IS_ARRAY(rules) || JB_ROOT_IS_SCALAR(rules))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("rules must be a list")));
	iterator = JsonbIteratorInit(&rules->root);
	(void) pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	(void) JsonbIteratorNext(&iterator, &rule, true);
	while (JsonbIteratorNext(&iterator, &rule, true) == WJB_ELEM)
	{
		char *path = gl_json_path_index("rules", n++);

		if (gl_json_find(gl_json_object(&rule, path), "loc", &location))
			push_location(&state, gl_json_object(&location, gl_json_path_key(path, "loc")),
						  gl_json_path_key(path, "loc"));
	}
	PG_RETURN_JSONB_P(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL)));
}
