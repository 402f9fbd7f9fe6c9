/*-------------------------------------------------------------------------
 *
 * cell_pack.c
 *	  Polygons as a cell tree keeps them: packed where that loses nothing.
 *
 * A tree holds the geometry of every zone that was asked about, and most of
 * its memory would be doubles of which half the bits say nothing: maps are
 * drawn with six or seven decimals.  A double that is the nearest to a whole
 * number of 1e-7 degrees comes back as it was, so a packed polygon is the
 * same polygon.  It has no boxes over its edges: the tree is that, and where
 * all edges are asked they are compared as integers first.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "geo/cell_node.h"


/* Above this, boxes over the edges are worth their memory. */
#define MAX_PACKED_POINTS 4096

static bool
packs(double degrees)
{
	double scaled = rint(degrees * GL_CELL_PACKED_SCALE);

	return fabs(scaled) <= INT32_MAX && scaled / GL_CELL_PACKED_SCALE == degrees &&
		   !(degrees == 0 && signbit(degrees));
}

/* As promised in cell_tree.h. */
size_t
gl_cell_packed_size(const GlPolygon *polygon)
{
	const GlPoint *points = (const GlPoint *) ((const char *) polygon + polygon->points_offset);

	if (polygon->has_turns || polygon->point_count > MAX_PACKED_POINTS ||
		polygon->min_lng <= -180 || polygon->max_lng >= 180)
		return 0;
	for (uint32_t i = 0; i < polygon->point_count; i++)
		if (!packs(points[i].lat) || !packs(points[i].lng))
			return 0;
	return sizeof(GlCellPacked) + polygon->point_count * 2 * sizeof(int32_t) +
		   ((size_t) polygon->ring_count + 1) * sizeof(uint32_t);
}

/* As promised in cell_tree.h. */
void
gl_cell_pack(const GlPolygon *polygon, GlCellPacked *into)
{
	const GlPoint *points = (const GlPoint *) ((const char *) polygon + polygon->points_offset);

	into->magic = GL_CELL_PACKED_MAGIC;
	into->point_count = polygon->point_count;
	into->ring_count = polygon->ring_count;
	into->unused = 0;
	for (uint32_t i = 0; i < polygon->point_count; i++)
	{
		into->degrees[2 * i] = (int32_t) rint(points[i].lat * GL_CELL_PACKED_SCALE);
		into->degrees[2 * i + 1] = (int32_t) rint(points[i].lng * GL_CELL_PACKED_SCALE);
	}
	memcpy(&into->degrees[2 * polygon->point_count], (const char *) polygon + polygon->rings_offset,
		   ((size_t) polygon->ring_count + 1) * sizeof(uint32_t));
}

/* As promised in cell_node.h. */
size_t
gl_cell_polygon_bytes(const void *polygon)
{
	const GlCellPacked *packed = polygon;

	if (packed->magic != GL_CELL_PACKED_MAGIC)
		return ((const GlPolygon *) polygon)->size;
	return sizeof(GlCellPacked) + packed->point_count * 2 * sizeof(int32_t) +
		   ((size_t) packed->ring_count + 1) * sizeof(uint32_t);
}

/* As promised in cell_node.h. */
bool
gl_cell_polygon_covers(const void *polygon, double lat, double lng)
{
	GlCellPoints points = gl_cell_points(polygon);
	GlPlanePoint point = {lat, lng, 0};
	GlCrossing parity = GL_CROSSING_NONE;
	uint32_t ring = 0;
	int32_t below;
	int32_t above;

	if (points.packed == NULL)
		return gl_polygon_covers(polygon, lat, lng);
	if (!(lat >= -90 && lat <= 90 && lng >= -180 && lng <= 180))
		return false;
	/* A vertex beyond these lies beyond the point's latitude. */
	below = (int32_t) floor(lat * GL_CELL_PACKED_SCALE) - 1;
	above = (int32_t) ceil(lat * GL_CELL_PACKED_SCALE) + 1;
	for (uint32_t slot = 0; slot + 1 < points.count; slot++)
	{
		const int32_t *at = &points.packed[2 * slot];
		GlEdge edge;
		GlPoint from;
		GlPoint to;
		GlCrossing crossing;

		if ((at[0] > above && at[2] > above) || (at[0] < below && at[2] < below))
			continue;
		while (slot >= points.ring_starts[ring + 1])
			ring++;
		if (slot + 1 == points.ring_starts[ring + 1])
			continue;
		from = gl_cell_point(&points, slot);
		to = gl_cell_point(&points, slot + 1);
		edge.from = (GlPlanePoint){from.lat, from.lng, 0};
		edge.to = (GlPlanePoint){to.lat, to.lng, 0};
		crossing = gl_edge_crossing(&edge, &point);
		if (crossing == GL_CROSSING_ON)
			return true;
		parity ^= crossing;
	}
	return parity == GL_CROSSING_RIGHT;
}
