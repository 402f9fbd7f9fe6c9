/*-------------------------------------------------------------------------
 *
 * edge.c
 *	  A point against one edge: comparisons first, a floating-point filter
 *	  second, exact integers last (see edge.h for the rules).
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>

#include "geo/edge.h"

/*
 * -1, 0, 1 as a lies to the west of b, on its meridian, to the east of it in
 * the unwrapped plane.  Exact without arithmetic: with |lng| <= 180, a whole
 * turn more puts a point east of or level with any other.
 */
int
gl_edge_compare_lng(const GlPlanePoint *a, const GlPlanePoint *b)
{
	int64_t turns = (int64_t) a->turn - b->turn;

	if (turns == 0)
		return (a->lng > b->lng) - (a->lng < b->lng);
	if (turns == 1)
		return a->lng == -180 && b->lng == 180 ? 0 : 1;
	if (turns == -1)
		return a->lng == 180 && b->lng == -180 ? 0 : -1;
	return turns > 0 ? 1 : -1;
}

/*
 * As gl_edge_orientation_exact, fast where floating point can tell.
 *
 * The error of the determinant is at most (3 + 16e)e (e = 2^-53) times the
 * sum of its two absolute products, which is Shewchuk's bound for orient2d
 * (1997, "ccwerrboundA") and is rounded up here to 1e-15, so that neither
 * fused multiply-add nor another rounding mode can break it.  1e-300 covers
 * underflow.  Where turns differ, a difference of longitudes is rounded once
 * more, in absolute terms by at most 4e * 1800 with turns at most 4 apart.
 */
int
gl_edge_orientation(const GlPlanePoint *a, const GlPlanePoint *b, const GlPlanePoint *c)
{
	double ax = a->lng - c->lng;
	double ay = a->lat - c->lat;
	double bx = b->lng - c->lng;
	double by = b->lat - c->lat;
	double left;
	double right;
	double bound;

	if ((a->turn | b->turn | c->turn) == 0)
		bound = 1e-300;
	else
	{
		int64_t a_turns = (int64_t) a->turn - c->turn;
		int64_t b_turns = (int64_t) b->turn - c->turn;

		if (a_turns < -4 || a_turns > 4 || b_turns < -4 || b_turns > 4)
			return gl_edge_orientation_exact(a, b, c);
		ax += 360.0 * a_turns;
		bx += 360.0 * b_turns;
		bound = 1e-300 + 1e-12 * (fabs(ay) + fabs(by));
	}
	left = ax * by;
	right = ay * bx;
	bound += 1e-15 * (fabs(left) + fabs(right));
	if (left - right > bound)
		return 1;
	if (right - left > bound)
		return -1;
	return gl_edge_orientation_exact(a, b, c);
}

/*
 * What the ray from point towards growing longitude does at the edge.  The
 * ray crosses where exactly one end lies strictly above the point's latitude,
 * so a vertex on the ray counts once, and a horizontal edge never.  Only a
 * point within the edge's own box needs its orientation.
 */
GlCrossing
gl_edge_crossing(const GlEdge *edge, const GlPlanePoint *point)
{
	const GlPlanePoint *from = &edge->from;
	const GlPlanePoint *to = &edge->to;
	bool from_above = from->lat > point->lat;
	bool to_above = to->lat > point->lat;
	int from_east;
	int to_east;
	int side;

	if ((from_above && to_above) || (from->lat < point->lat && to->lat < point->lat))
		return GL_CROSSING_NONE;
	from_east = gl_edge_compare_lng(from, point);
	to_east = gl_edge_compare_lng(to, point);
	if (from_east < 0 && to_east < 0)
		return GL_CROSSING_NONE;
	if (from_east > 0 && to_east > 0)
		return from_above != to_above ? GL_CROSSING_RIGHT : GL_CROSSING_NONE;
	/* Parallel to an axis, and the point between its ends on both axes. */
	if (from->lat == to->lat || (from_east == 0 && to_east == 0))
		return GL_CROSSING_ON;
	side = gl_edge_orientation(from, to, point);
	if (side == 0)
		return GL_CROSSING_ON;
	if (from_above == to_above)
		return GL_CROSSING_NONE;
	return (side > 0) == to_above ? GL_CROSSING_RIGHT : GL_CROSSING_NONE;
}
