/*-------------------------------------------------------------------------
 *
 * map_read.c
 *	  The rings of zone_map(), in degrees, and the points to plot.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "json/json.h"
#include "zone/map.h"
#include "zone/zone.h"

#define CIRCLE_CORNERS 96
#define GREATEST_MARKS 10000

static GlMapRing *
add_ring(GlMapZone *zone, uint32 rule, uint32 room)
{
	GlMapRing *ring;

	if (zone->ring_count == zone->ring_room)
	{
		zone->ring_room = Max(zone->ring_room * 2, 4);
		zone->rings = zone->rings == NULL
						  ? palloc(zone->ring_room * sizeof(GlMapRing))
						  : repalloc_huge(zone->rings, zone->ring_room * sizeof(GlMapRing));
	}
	ring = &zone->rings[zone->ring_count++];
	memset(ring, 0, sizeof(*ring));
	ring->rule = rule;
	ring->degrees = palloc_extended(room * sizeof(GlPoint), MCXT_ALLOC_HUGE);
	ring->west = INFINITY;
	ring->east = -INFINITY;
	return ring;
}

static void
add_corner(GlMapRing *ring, double lat, double lng)
{
	ring->degrees[ring->count].lat = lat;
	ring->degrees[ring->count].lng = lng;
	ring->count++;
	ring->west = fmin(ring->west, lng);
	ring->east = fmax(ring->east, lng);
}

static void
add_polygon(GlMapZone *zone, uint32 rule, const GlPolygon *polygon)
{
	const uint32 *starts =
		(const uint32 *) ((const char *) polygon + (size_t) polygon->rings_offset);

	for (uint32 r = 0; r < polygon->ring_count; r++)
	{
		GlMapRing *ring = add_ring(zone, rule, starts[r + 1] - starts[r]);

		CHECK_FOR_INTERRUPTS();
		for (uint32 i = starts[r]; i < starts[r + 1]; i++)
		{
			GlPlanePoint point = gl_polygon_point(polygon, i);

			add_corner(ring, point.lat, point.lng + 360.0 * point.turn);
		}
	}
}

/* A rim that goes around a pole does not close: its ends are joined along the pole. */
static void
add_circle(GlMapZone *zone, uint32 rule, const GlCircle *circle)
{
	GlPoint rim[CIRCLE_CORNERS];
	GlMapRing *ring = add_ring(zone, rule, CIRCLE_CORNERS + 3);
	double lng;

	gl_circle_outline(circle, CIRCLE_CORNERS, rim);
	lng = rim[0].lng;
	for (uint32 i = 0; i <= CIRCLE_CORNERS; i++)
	{
		const GlPoint *point = &rim[i % CIRCLE_CORNERS];

		lng += remainder(point->lng - lng, 360);
		add_corner(ring, point->lat, lng);
	}
	if (fabs(lng - ring->degrees[0].lng) > 180)
	{
		double pole = circle->centre.lat > 0 ? 90 : -90;

		add_corner(ring, pole, lng);
		add_corner(ring, pole, ring->degrees[0].lng);
	}
}

void
gl_map_read_zones(GlMap *map, const GlZoneAreas *areas)
{
	map->zone_count = areas->count;
	map->zones = palloc_extended(Max(areas->count, 1) * sizeof(GlMapZone),
								 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint32 i = 0; i < areas->count; i++)
	{
		GlMapZone *zone = &map->zones[i];
		const GlRuleHeader *rule;
		uint32 shapes = 0;

		zone->area = &areas->areas[i];
		rule = gl_zone_first_rule(zone->area->image);
		for (uint32 n = 0; n < zone->area->image->rule_count; n++)
		{
			CHECK_FOR_INTERRUPTS();
			if (rule->kind == GL_RULE_POLYGON)
				add_polygon(zone, n, (const GlPolygon *) (rule + 1));
			else if (rule->kind == GL_RULE_CIRCLE)
				add_circle(zone, n, (const GlCircle *) (rule + 1));
			shapes += rule->kind != GL_RULE_ADDRESS;
			rule = gl_zone_next_rule(rule);
		}
		zone->intersection = zone->area->image->match_all != 0 && shapes > 1;
	}
}

static void
read_mark(GlMap *map, GlMapMark *mark, const JsonbValue *value, const char *path)
{
	static const char *const keys[] = {"lat", "lng", "name", NULL};
	JsonbContainer *object = gl_json_object(value, path);
	GlZoneQuestion question = {0};
	JsonbValue found;

	gl_json_only_keys(object, path, keys);
	for (int i = 0; i < 2; i++)
		if (!gl_json_find(object, keys[i], &found))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("%s is missing", gl_json_path_key(path, keys[i]))));
		else if (i == 0)
			mark->degrees.lat = gl_zone_read_degrees(&found, gl_json_path_key(path, "lat"), 90);
		else
			mark->degrees.lng = gl_zone_read_degrees(&found, gl_json_path_key(path, "lng"), 180);
	mark->name = gl_json_find(object, "name", &found)
					 ? gl_json_string(&found, gl_json_path_key(path, "name"))
					 : NULL;
	gl_zone_ask_point(&question, mark->degrees.lat, mark->degrees.lng, path);
	mark->zone = -1;
	for (uint32 i = 0; i < map->zone_count && mark->zone < 0; i++)
		if (gl_zone_image_matches(map->zones[i].area->image, &question))
			mark->zone = (int) i;
}

void
gl_map_read_marks(GlMap *map, JsonbContainer *points)
{
	JsonbIterator *iterator = JsonbIteratorInit(points);
	JsonbValue value;

	if (JsonContainerSize(points) > GREATEST_MARKS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("points has more than %d points", GREATEST_MARKS)));
	map->marks =
		palloc_extended(Max(JsonContainerSize(points), 1) * sizeof(GlMapMark), MCXT_ALLOC_HUGE);
	(void) JsonbIteratorNext(&iterator, &value, true);
	while (JsonbIteratorNext(&iterator, &value, true) == WJB_ELEM)
	{
		char *path = gl_json_path_index("points", (int) map->mark_count);

		CHECK_FOR_INTERRUPTS();
		read_mark(map, &map->marks[map->mark_count], &value, path);
		map->mark_count++;
		pfree(path);
	}
}
