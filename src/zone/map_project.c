/*-------------------------------------------------------------------------
 *
 * map_project.c
 *	  From degrees to pixels: where the map is cut, its scale, and rings
 *	  simplified to what a pixel can show.
 *
 * Longitude is shortened by the cosine of the middle latitude, so that a
 * square kilometre in the middle of the map is a square.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "zone/map.h"

#define LEAST_SPAN 0.0002 /* degrees, 20 m: a single point still has surroundings */
#define LEAST_ASPECT 0.05 /* the cosine at 87 degrees */
#define VISIBLE 0.6       /* pixels that a corner must lie apart */
#define TALLEST 1.4       /* height over width */

typedef struct Longitudes
{
	double west;
	double east;
} Longitudes;

static int
compare_longitudes(const void *left, const void *right)
{
	double a = ((const Longitudes *) left)->west;
	double b = ((const Longitudes *) right)->west;

	return a < b ? -1 : a > b;
}

static Longitudes
interval_of(double west, double east)
{
	Longitudes interval;

	/* The west end into [-180, 180). */
	interval.west = west - 360 * floor((west + 180) / 360);
	interval.east = interval.west + (east - west);
	return interval;
}

static uint32
collect_intervals(const GlMap *map, Longitudes **intervals)
{
	uint32 count = map->mark_count;
	uint32 n = 0;

	for (uint32 z = 0; z < map->zone_count; z++)
		count += map->zones[z].ring_count;
	*intervals = palloc_extended(Max(count, 1) * sizeof(Longitudes), MCXT_ALLOC_HUGE);
	for (uint32 z = 0; z < map->zone_count; z++)
		for (uint32 r = 0; r < map->zones[z].ring_count; r++)
			(*intervals)[n++] =
				interval_of(map->zones[z].rings[r].west, map->zones[z].rings[r].east);
	for (uint32 m = 0; m < map->mark_count; m++)
		(*intervals)[n++] = interval_of(map->marks[m].degrees.lng, map->marks[m].degrees.lng);
	return n;
}

/*
 * The map is cut where nothing is: in the middle of the widest gap there is
 * around the earth.  So what lies on both sides of the antimeridian stays
 * together.  Answers the longitudes east of that gap.
 */
static Longitudes
find_extent(const GlMap *map)
{
	Longitudes *intervals;
	uint32 count = collect_intervals(map, &intervals);
	Longitudes extent;
	double reached;
	double widest;

	qsort(intervals, count, sizeof(Longitudes), compare_longitudes);
	reached = intervals[0].east;
	for (uint32 i = 1; i < count; i++)
		reached = fmax(reached, intervals[i].east);
	extent.west = intervals[0].west;
	extent.east = reached;
	widest = extent.west + 360 - reached;
	/* Beyond 180 an interval goes on from -180. */
	reached = fmax(intervals[0].east, reached - 360);
	for (uint32 i = 1; i < count; i++)
	{
		if (intervals[i].west - reached > widest)
		{
			widest = intervals[i].west - reached;
			extent.west = intervals[i].west;
			extent.east = reached + 360;
		}
		reached = fmax(reached, intervals[i].east);
	}
	pfree(intervals);
	if (widest < 0)
	{
		extent.west = -180;
		extent.east = 180;
	}
	return extent;
}

static double
turned(double lng, double west)
{
	/* The slack is for what was rounded when west was put into [-180, 180). */
	return 360 * ceil((west - lng) / 360 - 1e-9);
}

static GlMapPixel
pixel_of(const GlMap *map, double lat, double lng)
{
	GlMapPixel pixel;

	pixel.x = (float) (map->left + (lng - map->west) * map->aspect * map->scale);
	pixel.y = (float) (GL_MAP_MARGIN + (map->north - lat) * map->scale);
	return pixel;
}

/* A ring too small to be seen becomes a dot. */
static void
make_dot(GlMapRing *ring)
{
	GlMapPixel at = ring->pixels[0];

	ring->pixels = repalloc_huge(ring->pixels, 4 * sizeof(GlMapPixel));
	for (int i = 0; i < 4; i++)
	{
		ring->pixels[i].x = at.x + (i == 1 || i == 2 ? 1.0f : -1.0f);
		ring->pixels[i].y = at.y + (i >= 2 ? 1.0f : -1.0f);
	}
	ring->pixel_count = 4;
}

static void
project_ring(const GlMap *map, GlMapZone *zone, GlMapRing *ring)
{
	double turn = turned(ring->west, map->cut);
	double size = 0;

	CHECK_FOR_INTERRUPTS();
	ring->pixels = palloc_extended(Max(ring->count, 1) * sizeof(GlMapPixel), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < ring->count; i++)
	{
		GlMapPixel pixel = pixel_of(map, ring->degrees[i].lat, ring->degrees[i].lng + turn);
		const GlMapPixel *last =
			ring->pixel_count == 0 ? NULL : &ring->pixels[ring->pixel_count - 1];

		if (last == NULL || fabsf(pixel.x - last->x) > VISIBLE ||
			fabsf(pixel.y - last->y) > VISIBLE)
			ring->pixels[ring->pixel_count++] = pixel;
	}
	for (uint32 i = 0; i < ring->pixel_count; i++)
	{
		const GlMapPixel *a = &ring->pixels[i];
		const GlMapPixel *b = &ring->pixels[(i + 1) % ring->pixel_count];

		size += ((double) a->x * b->y - (double) b->x * a->y) / 2;
	}
	if (ring->pixel_count < 3)
		make_dot(ring);
	zone->size = fmax(zone->size, fabs(size));
}

static void
set_scale(GlMap *map, const Longitudes *extent, double south)
{
	double inner = map->width - 2 * GL_MAP_MARGIN;
	double wide = fmax(extent->east - extent->west, LEAST_SPAN);
	double high = fmax(map->north - south, LEAST_SPAN);

	/* Points and rings at the very edge get a little room. */
	map->west -= 0.02 * wide + (wide - (extent->east - extent->west)) / 2;
	map->north += 0.02 * high + (high - (map->north - south)) / 2;
	map->aspect = fmax(cos((map->north - high / 2) * M_PI / 180), LEAST_ASPECT);
	wide *= 1.04;
	high *= 1.04;
	map->scale = fmin(inner / (wide * map->aspect), inner * TALLEST / high);
	map->left = GL_MAP_MARGIN + (inner - wide * map->aspect * map->scale) / 2;
	map->height = high * map->scale + 2 * GL_MAP_MARGIN;
}

void
gl_map_project(GlMap *map)
{
	Longitudes extent;
	double south = INFINITY;

	map->north = -INFINITY;
	for (uint32 z = 0; z < map->zone_count; z++)
		for (uint32 r = 0; r < map->zones[z].ring_count; r++)
			for (uint32 i = 0; i < map->zones[z].rings[r].count; i++)
			{
				south = fmin(south, map->zones[z].rings[r].degrees[i].lat);
				map->north = fmax(map->north, map->zones[z].rings[r].degrees[i].lat);
			}
	for (uint32 m = 0; m < map->mark_count; m++)
	{
		south = fmin(south, map->marks[m].degrees.lat);
		map->north = fmax(map->north, map->marks[m].degrees.lat);
	}
	if (!(map->north >= south))
		return;
	extent = find_extent(map);
	map->cut = extent.west;
	map->west = extent.west;
	set_scale(map, &extent, south);
	for (uint32 z = 0; z < map->zone_count; z++)
		for (uint32 r = 0; r < map->zones[z].ring_count; r++)
			project_ring(map, &map->zones[z], &map->zones[z].rings[r]);
	for (uint32 m = 0; m < map->mark_count; m++)
	{
		double lng = map->marks[m].degrees.lng;

		map->marks[m].pixel = pixel_of(map, map->marks[m].degrees.lat, lng + turned(lng, map->cut));
	}
}
