/*-------------------------------------------------------------------------
 *
 * overlap_circle.c
 *	  A circle and another shape; see overlap.h.
 *
 * Two circles on a surface overlap where their centres are nearer than the
 * sum of their radii.  A circle and a polygon overlap where the centre is
 * inside, or an edge comes nearer than the radius: on one side of the edge
 * there, the polygon goes on.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>

#include "geo/overlap.h"

#define RADIANS (M_PI / 180)
#define PIECES 16 /* an edge is searched in so many pieces for the nearest one */
#define STEPS 60
#define STOP_CHECK_INTERVAL 256

/* A point of the great circle between two others, at a share of the arc. */
static GlPoint
between(const GlEarthPoint *a, const GlEarthPoint *b, double share)
{
	double ax = cos(a->lat * RADIANS) * cos(a->lng * RADIANS);
	double ay = cos(a->lat * RADIANS) * sin(a->lng * RADIANS);
	double az = sin(a->lat * RADIANS);
	double bx = cos(b->lat * RADIANS) * cos(b->lng * RADIANS);
	double by = cos(b->lat * RADIANS) * sin(b->lng * RADIANS);
	double bz = sin(b->lat * RADIANS);
	double arc =
		2 *
		asin(fmin(1,
				  sqrt((ax - bx) * (ax - bx) + (ay - by) * (ay - by) + (az - bz) * (az - bz)) / 2));
	double to_a = arc == 0 ? 1 : sin((1 - share) * arc) / sin(arc);
	double to_b = arc == 0 ? 0 : sin(share * arc) / sin(arc);
	double x = to_a * ax + to_b * bx;
	double y = to_a * ay + to_b * by;
	GlPoint point;

	point.lat = atan2(to_a * az + to_b * bz, hypot(x, y)) / RADIANS;
	point.lng = atan2(y, x) / RADIANS;
	return point;
}

static bool
in_circle(const GlCircle *circle, const GlPoint *point)
{
	GlEarthPoint earth = gl_earth_point(point->lat, point->lng);

	return gl_circle_contains(circle, &earth);
}

/* As promised in overlap.h. */
bool
gl_overlap_circles(const GlCircle *a, const GlCircle *b, GlPoint *inside)
{
	double apart = gl_geodesic_distance(a->centre.lat, a->centre.lng, b->centre.lat, b->centre.lng);
	double low = 0;
	double high = 1;
	double wanted;

	/* NaN: nearly antipodal. */
	if (!(apart < a->radius + b->radius))
		return false;
	/* Meters from a's centre to the middle of what they share of the line between the centres. */
	wanted = (fmax(0, apart - b->radius) + fmin(a->radius, apart)) / 2;
	for (int i = 0; i < STEPS; i++)
	{
		double share = (low + high) / 2;

		*inside = between(&a->centre, &b->centre, share);
		if (gl_geodesic_distance(a->centre.lat, a->centre.lng, inside->lat, inside->lng) < wanted)
			low = share;
		else
			high = share;
	}
	return in_circle(a, inside) && in_circle(b, inside);
}

static GlPoint
edge_point(const GlEdge *edge, double share)
{
	double from = edge->from.lng + 360.0 * edge->from.turn;
	double to = edge->to.lng + 360.0 * edge->to.turn;
	GlPoint point;

	point.lat = edge->from.lat + share * (edge->to.lat - edge->from.lat);
	point.lng = remainder(from + share * (to - from), 360);
	return point;
}

/* The squared chord: it grows with the distance and costs no iteration. */
static double
chord2(const GlCircle *circle, const GlEdge *edge, double share)
{
	GlPoint at = edge_point(edge, share);
	GlEarthPoint point = gl_earth_point(at.lat, at.lng);
	double x = point.x - circle->centre.x;
	double y = point.y - circle->centre.y;
	double z = point.z - circle->centre.z;

	return x * x + y * y + z * z;
}

/* Where on the edge it is nearest to the centre: by thirds within the best of a few pieces. */
static double
nearest_share(const GlCircle *circle, const GlEdge *edge)
{
	double best = 0;
	double low;
	double high;

	for (int i = 1; i <= PIECES; i++)
		if (chord2(circle, edge, (double) i / PIECES) < chord2(circle, edge, best))
			best = (double) i / PIECES;
	low = fmax(0, best - 1.0 / PIECES);
	high = fmin(1, best + 1.0 / PIECES);
	for (int i = 0; i < STEPS; i++)
	{
		double third = (high - low) / 3;

		if (chord2(circle, edge, low + third) < chord2(circle, edge, high - third))
			high -= third;
		else
			low += third;
	}
	return (low + high) / 2;
}

/* Steps off a point of the edge to either side, ever smaller, until it is inside both. */
static bool
step_aside(const GlCircle *circle, const GlPolygon *polygon, const GlEdge *edge,
		   const GlPoint *start, GlPoint *inside)
{
	double lat =
		(edge->to.lng + 360.0 * edge->to.turn) - (edge->from.lng + 360.0 * edge->from.turn);
	double lng = edge->from.lat - edge->to.lat;
	double length = hypot(lat, lng);

	if (length == 0)
		return false;
	for (double step = circle->radius / 111000; step > GL_OVERLAP_THINNEST; step /= 4)
		for (int side = -1; side <= 1; side += 2)
		{
			inside->lat = start->lat + side * step * lat / length;
			inside->lng = remainder(start->lng + side * step * lng / length, 360);
			if (fabs(inside->lat) <= 90 && in_circle(circle, inside) &&
				gl_overlap_strictly_inside(polygon, inside))
				return true;
		}
	return false;
}

/*
 * The nearest point may be a corner, beside which there is no inside: from it
 * one first goes along the edge, as far as the circle reaches.
 */
static bool
step_inside(const GlCircle *circle, const GlPolygon *polygon, const GlEdge *edge, GlPoint *inside)
{
	double share = nearest_share(circle, edge);
	GlPoint start = edge_point(edge, share);

	if (!in_circle(circle, &start))
		return false;
	for (double pull = 1; pull > 1e-9; pull /= 2)
	{
		start = edge_point(edge, share + (0.5 - share) * pull);
		if (in_circle(circle, &start) && step_aside(circle, polygon, edge, &start, inside))
			return true;
	}
	return false;
}

static bool
edge_may_reach(const GlCircle *circle, const GlEdge *edge)
{
	double from = edge->from.lng + 360.0 * edge->from.turn;
	double to = edge->to.lng + 360.0 * edge->to.turn;

	if (fmax(edge->from.lat, edge->to.lat) < circle->min_lat ||
		fmin(edge->from.lat, edge->to.lat) > circle->max_lat)
		return false;
	for (int turn = -2; turn <= 2; turn++)
		if (fmax(from, to) + 360.0 * turn >= circle->min_lng &&
			fmin(from, to) + 360.0 * turn <= circle->max_lng)
			return true;
	return false;
}

/* As promised in overlap.h. */
GlStatus
gl_overlap_circle_polygon(const GlCircle *circle, const GlPolygon *polygon, GlStop *stop,
						  bool *found, GlPoint *inside)
{
	inside->lat = circle->centre.lat;
	inside->lng = circle->centre.lng;
	*found = gl_overlap_strictly_inside(polygon, inside);
	for (uint32_t slot = 0; slot < polygon->point_count && !*found; slot++)
	{
		GlEdge edge;

		if (slot % STOP_CHECK_INTERVAL == 0 && stop != NULL && stop->requested(stop->context))
			return GL_STOPPED;
		if (!gl_polygon_edge(polygon, slot, &edge) || !edge_may_reach(circle, &edge))
			continue;
		*found = step_inside(circle, polygon, &edge, inside);
	}
	return GL_OK;
}
