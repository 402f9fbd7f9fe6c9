/*-------------------------------------------------------------------------
 *
 * overlap.c
 *	  zone_overlaps(): pairs of zones that share an area, and which one wins.
 *
 * Rules on an address are taken to hold: they do not keep two areas apart.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "compat.h"
#include "core/core.h"
#include "geo/overlap.h"
#include "zone/area.h"

#define NOTICE_EVERY 1000

GL_FUNCTION(gl_zone_overlaps);

/* A zone's shape of one rule, with its bounds. */
typedef struct Shape
{
	const GlZoneArea *area;
	uint32 order; /* of its zone: the lower wins */
	const GlPolygon *polygon;
	const GlCircle *circle;
	double min_lat;
	double max_lat;
	double min_lng;
	double max_lng;
} Shape;

typedef struct Shapes
{
	uint32 count;
	Shape *shapes; /* by min_lat */
} Shapes;

static int
compare_shapes(const void *left, const void *right)
{
	double a = ((const Shape *) left)->min_lat;
	double b = ((const Shape *) right)->min_lat;

	return a < b ? -1 : a > b;
}

static bool
read_shape(Shape *shape, const GlRuleHeader *rule)
{
	if (rule->kind == GL_RULE_POLYGON)
	{
		const GlPolygon *polygon = (const GlPolygon *) (rule + 1);

		shape->polygon = polygon;
		shape->min_lat = polygon->min_lat;
		shape->max_lat = polygon->max_lat;
		shape->min_lng = polygon->min_lng;
		shape->max_lng = polygon->max_lng;
	}
	else if (rule->kind == GL_RULE_CIRCLE)
	{
		const GlCircle *circle = (const GlCircle *) (rule + 1);

		shape->circle = circle;
		shape->min_lat = circle->min_lat;
		shape->max_lat = circle->max_lat;
		shape->min_lng = circle->min_lng;
		shape->max_lng = circle->max_lng;
	}
	return rule->kind != GL_RULE_ADDRESS;
}

static Shapes
read_shapes(const GlZoneAreas *areas)
{
	Shapes result = {0, NULL};
	size_t room = 0;

	for (uint32 i = 0; i < areas->count; i++)
		room += areas->areas[i].image->rule_count;
	result.shapes =
		palloc_extended(Max(room, 1) * sizeof(Shape), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint32 i = 0; i < areas->count; i++)
	{
		const GlRuleHeader *rule = gl_zone_first_rule(areas->areas[i].image);

		for (uint32 n = 0; n < areas->areas[i].image->rule_count; n++)
		{
			Shape *shape = &result.shapes[result.count];

			shape->area = &areas->areas[i];
			shape->order = i;
			if (read_shape(shape, rule))
				result.count++;
			rule = gl_zone_next_rule(rule);
		}
	}
	qsort(result.shapes, result.count, sizeof(Shape), compare_shapes);
	return result;
}

static bool
longitudes_meet(const Shape *a, const Shape *b)
{
	for (int turn = -2; turn <= 2; turn++)
		if (b->min_lng + 360.0 * turn < a->max_lng && b->max_lng + 360.0 * turn > a->min_lng)
			return true;
	return false;
}

/* Where all of a zone's rules must hold, the point has to be in all of its shapes. */
static bool
point_counts(const GlZoneArea *area, const GlPoint *point)
{
	const GlRuleHeader *rule = gl_zone_first_rule(area->image);
	GlEarthPoint earth = gl_earth_point(point->lat, point->lng);

	if (area->image->match_all == 0)
		return true;
	for (uint32 n = 0; n < area->image->rule_count; n++)
	{
		if (rule->kind == GL_RULE_POLYGON &&
			!gl_polygon_covers((const GlPolygon *) (rule + 1), point->lat, point->lng))
			return false;
		if (rule->kind == GL_RULE_CIRCLE &&
			!gl_circle_contains((const GlCircle *) (rule + 1), &earth))
			return false;
		rule = gl_zone_next_rule(rule);
	}
	return true;
}

static bool
shapes_overlap(const Shape *a, const Shape *b, GlPoint *inside)
{
	GlArena arena = gl_arena(CurrentMemoryContext);
	GlStop stop = gl_stop_on_interrupt();
	GlStatus status = GL_OK;
	bool found;

	if (a->circle != NULL && b->circle != NULL)
		found = gl_overlap_circles(a->circle, b->circle, inside);
	else if (a->circle != NULL)
		status = gl_overlap_circle_polygon(a->circle, b->polygon, &stop, &found, inside);
	else if (b->circle != NULL)
		status = gl_overlap_circle_polygon(b->circle, a->polygon, &stop, &found, inside);
	else
		status = gl_overlap_polygons(a->polygon, b->polygon, &arena, &stop, &found, inside);
	CHECK_FOR_INTERRUPTS();
	if (status != GL_OK)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY),
						errmsg("out of memory while comparing zones \"%s\" and \"%s\"",
							   a->area->zone_id, b->area->zone_id)));
	return found && point_counts(a->area, inside) && point_counts(b->area, inside);
}

static void
put_pair(ReturnSetInfo *result, const Shape *a, const Shape *b, const GlPoint *inside)
{
	const Shape *winner = a->order < b->order ? a : b;
	bool swap = strcmp(a->area->zone_id, b->area->zone_id) > 0;
	Datum values[5];
	bool nulls[5] = {false};

	values[0] = CStringGetTextDatum((swap ? b : a)->area->zone_id);
	values[1] = CStringGetTextDatum((swap ? a : b)->area->zone_id);
	values[2] = CStringGetTextDatum(winner->area->zone_id);
	values[3] = Float8GetDatum(inside->lat);
	values[4] = Float8GetDatum(inside->lng);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * One zone's shapes against those of the zones that come later in match order.
 * met has a bit per zone, for pairs of zones with several rules.
 */
static void
compare_zone(ReturnSetInfo *result, const Shapes *shapes, const Shape *const *own, uint32 own_count,
			 double tallest, uint8 *met, MemoryContext scratch)
{
	for (uint32 o = 0; o < own_count; o++)
	{
		const Shape *a = own[o];
		uint32 low = 0;
		uint32 high = shapes->count;

		/* The first shape that may reach up to a. */
		while (low < high)
		{
			uint32 middle = low + (high - low) / 2;

			if (shapes->shapes[middle].min_lat < a->min_lat - tallest)
				low = middle + 1;
			else
				high = middle;
		}
		for (; low < shapes->count && shapes->shapes[low].min_lat < a->max_lat; low++)
		{
			const Shape *b = &shapes->shapes[low];
			uint8 bit = (uint8) (1u << (b->order % 8));
			MemoryContext caller;
			GlPoint inside;

			if (b->order <= a->order || b->max_lat <= a->min_lat || !longitudes_meet(a, b) ||
				(met[b->order / 8] & bit) != 0)
				continue;
			caller = MemoryContextSwitchTo(scratch);
			if (shapes_overlap(a, b, &inside))
			{
				met[b->order / 8] |= bit;
				put_pair(result, a, b, &inside);
			}
			MemoryContextSwitchTo(caller);
			MemoryContextReset(scratch);
		}
	}
}

static int
compare_owners(const void *left, const void *right)
{
	uint32 a = (*(const Shape *const *) left)->order;
	uint32 b = (*(const Shape *const *) right)->order;

	return a < b ? -1 : a > b;
}

/* zone_overlaps(zone_ids) → zone_a, zone_b, winner, lat, lng */
Datum
gl_zone_overlaps(PG_FUNCTION_ARGS)
{
	MemoryContext scratch =
		AllocSetContextCreate(CurrentMemoryContext, "zone_overlaps", ALLOCSET_DEFAULT_SIZES);
	GlZoneAreas areas;
	Shapes shapes;
	const Shape **owners;
	uint8 *met;
	double tallest = 0;
	uint32 zones = 0;
	size_t met_size;

	InitMaterializedSRF(fcinfo, 0);
	areas = gl_zone_areas(PG_ARGISNULL(0) ? NULL : PG_GETARG_ARRAYTYPE_P(0));
	shapes = read_shapes(&areas);
	met_size = areas.count / 8 + 1;
	met = palloc(met_size);
	owners = palloc_extended(Max(shapes.count, 1) * sizeof(*owners), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < shapes.count; i++)
	{
		owners[i] = &shapes.shapes[i];
		tallest = fmax(tallest, owners[i]->max_lat - owners[i]->min_lat);
	}
	qsort(owners, shapes.count, sizeof(*owners), compare_owners);
	for (uint32 i = 0; i < shapes.count;)
	{
		uint32 end = i;

		while (end < shapes.count && owners[end]->order == owners[i]->order)
			end++;
		memset(met, 0, met_size);
		compare_zone((ReturnSetInfo *) fcinfo->resultinfo, &shapes, &owners[i], end - i, tallest,
					 met, scratch);
		i = end;
		if (++zones % NOTICE_EVERY == 0)
			ereport(NOTICE, (errmsg("%u of %u zones compared", zones, areas.count)));
	}
	MemoryContextDelete(scratch);
	return (Datum) 0;
}
