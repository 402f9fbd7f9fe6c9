/*-------------------------------------------------------------------------
 *
 * overlap.c
 *	  Two polygons: the plane is cut into slabs at every latitude where an edge
 *	  begins or ends.  Within a slab each polygon is a row of trapezoids, and
 *	  two trapezoids of one slab are compared in closed form.
 *
 * The arithmetic is that of doubles: what it finds is a suggestion, which the
 * exact test of polygon.c then confirms.  Edges that two polygons share, as
 * neighbouring districts do, have the same doubles and so give no width at all.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "geo/overlap.h"

#define STOP_CHECK_INTERVAL 256
#define DEEPEST_SPLIT 24

/* An edge from its lower end to its upper. */
typedef struct Side
{
	double low_lat;
	double low_lng;
	double high_lat;
	double high_lng;
	int owner; /* 0: a, 1: b */
} Side;

/* A side where a slab cuts it. */
typedef struct Cut
{
	double low;  /* longitude at the slab's lower latitude */
	double high; /* and at its upper */
} Cut;

typedef struct Slab
{
	double low;
	double high;
} Slab;

typedef struct Sweep
{
	const GlPolygon *polygons[2];
	double shift[2]; /* degrees added to longitudes of each */
	Side *sides;
	size_t side_count;
	Side **active;
	size_t active_count;
	Cut *cuts[2];
	size_t cut_counts[2];
	GlStop *stop;
	size_t steps;
	GlPoint inside;
} Sweep;

static bool
stopped(Sweep *sweep)
{
	return ++sweep->steps % STOP_CHECK_INTERVAL == 0 && sweep->stop != NULL &&
		   sweep->stop->requested(sweep->stop->context);
}

/* As promised in overlap.h. */
bool
gl_overlap_strictly_inside(const GlPolygon *polygon, const GlPoint *point)
{
	if (!gl_polygon_covers(polygon, point->lat, point->lng))
		return false;
	for (int32_t turn = -1; turn <= 1; turn++)
	{
		GlPlanePoint at = {point->lat, point->lng, turn};

		for (uint32_t slot = 0; slot < polygon->point_count; slot++)
		{
			GlEdge edge;

			if (gl_polygon_edge(polygon, slot, &edge) &&
				gl_edge_crossing(&edge, &at) == GL_CROSSING_ON)
				return false;
		}
	}
	return true;
}

static double
side_at(const Side *side, double lat)
{
	double share;

	if (lat <= side->low_lat)
		return side->low_lng;
	if (lat >= side->high_lat)
		return side->high_lng;
	share = (lat - side->low_lat) / (side->high_lat - side->low_lat);
	return side->low_lng + share * (side->high_lng - side->low_lng);
}

static int
compare_sides(const void *left, const void *right)
{
	double a = ((const Side *) left)->low_lat;
	double b = ((const Side *) right)->low_lat;

	return a < b ? -1 : a > b;
}

static int
compare_doubles(const void *left, const void *right)
{
	double a = *(const double *) left;
	double b = *(const double *) right;

	return a < b ? -1 : a > b;
}

static int
compare_cuts(const void *left, const void *right)
{
	double a = ((const Cut *) left)->low + ((const Cut *) left)->high;
	double b = ((const Cut *) right)->low + ((const Cut *) right)->high;

	return a < b ? -1 : a > b;
}

/* The edges of one polygon that are not level and reach into the band. */
static void
collect_sides(Sweep *sweep, int owner, const Slab *band)
{
	const GlPolygon *polygon = sweep->polygons[owner];

	for (uint32_t slot = 0; slot < polygon->point_count; slot++)
	{
		GlEdge edge;
		bool rises;
		Side *side;

		if (!gl_polygon_edge(polygon, slot, &edge) || edge.from.lat == edge.to.lat)
			continue;
		rises = edge.from.lat < edge.to.lat;
		if ((rises ? edge.to.lat : edge.from.lat) <= band->low ||
			(rises ? edge.from.lat : edge.to.lat) >= band->high)
			continue;
		if (!rises)
		{
			GlPlanePoint swap = edge.from;

			edge.from = edge.to;
			edge.to = swap;
		}
		side = &sweep->sides[sweep->side_count++];
		side->owner = owner;
		side->low_lat = edge.from.lat;
		side->high_lat = edge.to.lat;
		side->low_lng = edge.from.lng + (360.0 * edge.from.turn + sweep->shift[owner]);
		side->high_lng = edge.to.lng + (360.0 * edge.to.turn + sweep->shift[owner]);
	}
}

/* Width that two trapezoids share at a share of the slab's height; below 0: none. */
static double
shared_width(const Cut *a, const Cut *b, double share, double *middle)
{
	double a_left = a[0].low + share * (a[0].high - a[0].low);
	double a_right = a[1].low + share * (a[1].high - a[1].low);
	double b_left = b[0].low + share * (b[0].high - b[0].low);
	double b_right = b[1].low + share * (b[1].high - b[1].low);
	double left = fmax(a_left, b_left);
	double right = fmin(a_right, b_right);

	*middle = left + (right - left) / 2;
	return right - left;
}

static bool
confirm(Sweep *sweep, double lat, double lng)
{
	GlPoint point;

	point.lat = lat;
	/* shift[0] is 0: the sample is in a's plane. */
	point.lng = remainder(lng, 360);
	if (!gl_overlap_strictly_inside(sweep->polygons[0], &point) ||
		!gl_overlap_strictly_inside(sweep->polygons[1], &point))
		return false;
	sweep->inside = point;
	return true;
}

/*
 * The shared width is the least of linear functions of the height, so it is
 * concave: it is greatest at an end of the slab or where two sides meet.  The
 * sample is taken a little towards the middle, off the slab's ends.
 */
static bool
compare_trapezoids(Sweep *sweep, const Slab *slab, const Cut *a, const Cut *b)
{
	const Cut *sides[4] = {&a[0], &a[1], &b[0], &b[1]};
	double middle;
	double best = 0.5;
	double width = shared_width(a, b, 0.5, &middle);

	for (int n = 0; n < 8; n++)
	{
		/* 0, 1, then the six pairs of sides. */
		static const int first[] = {0, 0, 0, 0, 0, 1, 1, 2};
		static const int second[] = {0, 0, 1, 2, 3, 2, 3, 3};
		double share = n;

		if (n >= 2)
		{
			double below = sides[first[n]]->low - sides[second[n]]->low;
			double above = sides[first[n]]->high - sides[second[n]]->high;

			share = below / (below - above);
		}
		if (!(share >= 0 && share <= 1) || shared_width(a, b, share, &middle) <= width)
			continue;
		width = shared_width(a, b, share, &middle);
		best = share;
	}
	if (width <= GL_OVERLAP_THINNEST)
		return false;
	for (double step = 0.5; step > 1e-6; step /= 2)
	{
		double share = best + (0.5 - best) * step;

		if (shared_width(a, b, share, &middle) > GL_OVERLAP_THINNEST &&
			confirm(sweep, slab->low + share * (slab->high - slab->low), middle))
			return true;
	}
	return false;
}

/* Both rows lie in order, so those of b that end before a's trapezoid begins are behind us for good. */
static bool
compare_rows(Sweep *sweep, const Slab *slab)
{
	size_t start = 0;

	for (size_t i = 0; i + 1 < sweep->cut_counts[0]; i += 2)
	{
		const Cut *a = &sweep->cuts[0][i];
		double left = fmin(a[0].low, a[0].high);
		double right = fmax(a[1].low, a[1].high);

		while (start + 1 < sweep->cut_counts[1] &&
			   fmax(sweep->cuts[1][start + 1].low, sweep->cuts[1][start + 1].high) <= left)
			start += 2;
		for (size_t k = start; k + 1 < sweep->cut_counts[1]; k += 2)
		{
			const Cut *b = &sweep->cuts[1][k];

			if (fmin(b[0].low, b[0].high) >= right)
				break;
			if (compare_trapezoids(sweep, slab, a, b))
				return true;
		}
	}
	return false;
}

/* Where two sides of one polygon cross within the slab; false: none do. */
static bool
find_crossing(const Sweep *sweep, const Slab *slab, double *lat)
{
	for (int owner = 0; owner < 2; owner++)
		for (size_t i = 1; i < sweep->cut_counts[owner]; i++)
		{
			const Cut *left = &sweep->cuts[owner][i - 1];
			const Cut *right = &sweep->cuts[owner][i];
			double below = right->low - left->low;
			double above = right->high - left->high;

			if (below >= -GL_OVERLAP_THINNEST && above >= -GL_OVERLAP_THINNEST)
				continue;
			*lat = slab->low + (slab->high - slab->low) * below / (below - above);
			if (*lat > slab->low && *lat < slab->high)
				return true;
		}
	return false;
}

/* A polygon that crosses itself has the slab split at the crossing. */
static bool
compare_slab(Sweep *sweep, const Slab *slab, int depth)
{
	double lat;

	if (slab->high - slab->low <= GL_OVERLAP_THINNEST)
		return false;
	sweep->cut_counts[0] = 0;
	sweep->cut_counts[1] = 0;
	for (size_t i = 0; i < sweep->active_count; i++)
	{
		const Side *side = sweep->active[i];
		Cut *cut = &sweep->cuts[side->owner][sweep->cut_counts[side->owner]++];

		cut->low = side_at(side, slab->low);
		cut->high = side_at(side, slab->high);
	}
	if (sweep->cut_counts[0] == 0 || sweep->cut_counts[1] == 0)
		return false;
	qsort(sweep->cuts[0], sweep->cut_counts[0], sizeof(Cut), compare_cuts);
	qsort(sweep->cuts[1], sweep->cut_counts[1], sizeof(Cut), compare_cuts);
	if (depth < DEEPEST_SPLIT && find_crossing(sweep, slab, &lat))
	{
		Slab lower = {slab->low, lat};
		Slab upper = {lat, slab->high};

		return compare_slab(sweep, &lower, depth + 1) || compare_slab(sweep, &upper, depth + 1);
	}
	return compare_rows(sweep, slab);
}

static GlStatus
sweep_band(Sweep *sweep, double *levels, size_t level_count, bool *found)
{
	size_t next = 0;

	for (size_t n = 0; n + 1 < level_count && !*found; n++)
	{
		Slab slab = {levels[n], levels[n + 1]};
		size_t kept = 0;

		if (slab.low == slab.high)
			continue;
		if (stopped(sweep))
			return GL_STOPPED;
		while (next < sweep->side_count && sweep->sides[next].low_lat <= slab.low)
			sweep->active[sweep->active_count++] = &sweep->sides[next++];
		for (size_t i = 0; i < sweep->active_count; i++)
			if (sweep->active[i]->high_lat > slab.low)
				sweep->active[kept++] = sweep->active[i];
		sweep->active_count = kept;
		*found = compare_slab(sweep, &slab, 0);
	}
	return GL_OK;
}

/* The polygons with b turned around the earth so that both lie in one plane. */
static GlStatus
compare_turned(Sweep *sweep, const Slab *band, GlArena *arena, bool *found)
{
	size_t room = (size_t) sweep->polygons[0]->point_count + sweep->polygons[1]->point_count;
	double *levels = arena->alloc(arena->context, (2 * room + 2) * sizeof(double));
	size_t count = 0;

	sweep->sides = arena->alloc(arena->context, room * sizeof(Side));
	sweep->active = arena->alloc(arena->context, room * sizeof(Side *));
	sweep->cuts[0] = arena->alloc(arena->context, room * sizeof(Cut));
	sweep->cuts[1] = arena->alloc(arena->context, room * sizeof(Cut));
	if (levels == NULL || sweep->sides == NULL || sweep->active == NULL || sweep->cuts[0] == NULL ||
		sweep->cuts[1] == NULL)
		return GL_NO_MEMORY;
	sweep->side_count = 0;
	sweep->active_count = 0;
	collect_sides(sweep, 0, band);
	collect_sides(sweep, 1, band);
	qsort(sweep->sides, sweep->side_count, sizeof(Side), compare_sides);
	levels[count++] = band->low;
	levels[count++] = band->high;
	for (size_t i = 0; i < sweep->side_count; i++)
	{
		if (sweep->sides[i].low_lat > band->low)
			levels[count++] = sweep->sides[i].low_lat;
		if (sweep->sides[i].high_lat < band->high)
			levels[count++] = sweep->sides[i].high_lat;
	}
	qsort(levels, count, sizeof(double), compare_doubles);
	return sweep_band(sweep, levels, count, found);
}

/* As promised in overlap.h. */
GlStatus
gl_overlap_polygons(const GlPolygon *a, const GlPolygon *b, GlArena *arena, GlStop *stop,
					bool *found, GlPoint *inside)
{
	Slab band = {fmax(a->min_lat, b->min_lat), fmin(a->max_lat, b->max_lat)};

	*found = false;
	for (int turn = -1; turn <= 1 && !*found && band.low < band.high; turn++)
	{
		Sweep sweep;
		GlStatus status;

		memset(&sweep, 0, sizeof(sweep));
		sweep.polygons[0] = a;
		sweep.polygons[1] = b;
		sweep.shift[1] = 360.0 * turn;
		sweep.stop = stop;
		if (b->min_lng + sweep.shift[1] >= a->max_lng || b->max_lng + sweep.shift[1] <= a->min_lng)
			continue;
		status = compare_turned(&sweep, &band, arena, found);
		if (status != GL_OK)
			return status;
		*inside = sweep.inside;
	}
	return GL_OK;
}
