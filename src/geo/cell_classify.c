/*-------------------------------------------------------------------------
 *
 * cell_classify.c
 *	  What a shape is to a cell: away from it, all over it, or with edges in
 *	  it.
 *
 * Everything here may err on the side of "meets": an edge too many is asked
 * in vain, and its answer is exact.  So plain doubles will do, with a margin
 * around the cell that is far above their rounding.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>

#include "geo/cell_node.h"

#define RADIANS (M_PI / 180)

/* No degree of a meridian, nor of a parallel by the cosine of its latitude, is longer: a^2 / b, in meters. */
#define METERS_PER_DEGREE 111695.0

/* Lies the polygon across the antimeridian, or with an edge on it?  Then it is seen from both sides. */
static bool
polygon_wraps(const GlPolygon *polygon)
{
	if (gl_cell_points(polygon).packed != NULL)
		return false;
	return polygon->min_lng <= -180 || polygon->max_lng >= 180;
}

static float
rounded_down(double value)
{
	return nextafterf((float) value, -INFINITY);
}

static float
rounded_up(double value)
{
	return nextafterf((float) value, INFINITY);
}

/* As promised in cell_tree.h. */
GlCellBounds
gl_cell_bounds(GlCellKind kind, const void *geometry)
{
	const GlCircle *circle = geometry;
	const GlPolygon *polygon = geometry;
	bool is_circle = kind == GL_CELL_CIRCLE;
	double west = is_circle ? circle->min_lng : polygon->min_lng;
	double east = is_circle ? circle->max_lng : polygon->max_lng;
	GlCellBounds bounds;

	bounds.min_lat = rounded_down(is_circle ? circle->min_lat : polygon->min_lat);
	bounds.max_lat = rounded_up(is_circle ? circle->max_lat : polygon->max_lat);
	if (!(west > -180 && east < 180))
	{
		west = -180;
		east = 180;
	}
	bounds.min_lng = rounded_down(west);
	bounds.max_lng = rounded_up(east);
	return bounds;
}

/* Whether the edge may have a point in the cell: not apart along either axis, nor across the edge. */
bool
gl_cell_edge_meets(const GlPoint *from, const GlPoint *to, const GlCell *cell)
{
	double half_height = cell->height / 2 + GL_CELL_MARGIN;
	double half_width = cell->width / 2 + GL_CELL_MARGIN;
	double from_lat = from->lat - (cell->lat + cell->height / 2);
	double to_lat = to->lat - (cell->lat + cell->height / 2);
	double from_lng = from->lng - (cell->lng + cell->width / 2);
	double to_lng = to->lng - (cell->lng + cell->width / 2);
	double height = to_lat - from_lat;
	double width = to_lng - from_lng;

	if ((from_lat > half_height && to_lat > half_height) ||
		(from_lat < -half_height && to_lat < -half_height) ||
		(from_lng > half_width && to_lng > half_width) ||
		(from_lng < -half_width && to_lng < -half_width))
		return false;
	return fabs(width * from_lat - height * from_lng) <=
		   (fabs(width) * half_height + fabs(height) * half_width) * (1 + 1e-9);
}

/*
 * Chords obey the triangle's inequality: no point of the cell is farther from
 * its middle than half its height and half its greatest width along arcs.
 */
GlCellRelation
gl_cell_circle_relation(const GlCircle *circle, const GlCell *cell)
{
	double lat = cell->lat + cell->height / 2;
	double nearest = fmax(fabs(lat) - cell->height / 2 - GL_CELL_MARGIN, 0);
	double reach = (cell->height / 2 + GL_CELL_MARGIN) * METERS_PER_DEGREE +
				   (cell->width / 2 + GL_CELL_MARGIN) * METERS_PER_DEGREE * cos(nearest * RADIANS) +
				   0.01;
	GlEarthPoint middle = gl_earth_point(lat, cell->lng + cell->width / 2);
	double x = middle.x - circle->centre.x;
	double y = middle.y - circle->centre.y;
	double z = middle.z - circle->centre.z;
	double chord = sqrt(x * x + y * y + z * z);

	if (chord + reach < sqrt(circle->inside_below))
		return GL_CELL_COVERS;
	if (chord - reach > sqrt(circle->outside_above))
		return GL_CELL_OUTSIDE;
	return GL_CELL_MEETS;
}

static bool
box_meets(const GlPolygonBox *box, double turn, const GlCell *cell)
{
	return box->min_lat <= cell->lat + cell->height + GL_CELL_MARGIN &&
		   box->max_lat >= cell->lat - GL_CELL_MARGIN &&
		   box->min_lng <= cell->lng + cell->width + turn + GL_CELL_MARGIN &&
		   box->max_lng >= cell->lng + turn - GL_CELL_MARGIN;
}

/* Appends an edge slot to the runs from "start" on. */
static bool
append_slot(GlCellTree *tree, uint32_t start, uint32_t slot)
{
	GlCellScratch *runs = &tree->runs;

	if (runs->count > start)
	{
		uint32_t *last = &runs->words[runs->count - 1];
		uint32_t more = *last & GL_CELL_RUN_MORE;

		if (more < GL_CELL_RUN_MORE && (*last >> GL_CELL_RUN_BITS) + more + 1 == slot)
		{
			*last += 1;
			return true;
		}
	}
	return gl_cell_push(tree, runs, slot << GL_CELL_RUN_BITS);
}

/* Of the runs of a polygon's edges those that meet the cell, appended to the scratch. */
bool
gl_cell_filter_runs(GlCellTree *tree, const void *polygon, const uint32_t *runs, uint32_t count,
					const GlCell *cell, uint32_t *kept)
{
	GlCellPoints points = gl_cell_points(polygon);
	uint32_t start = tree->runs.count;

	for (uint32_t i = 0; i < count; i++)
	{
		uint32_t first = runs[i] >> GL_CELL_RUN_BITS;
		uint32_t last = first + (runs[i] & GL_CELL_RUN_MORE);
		GlPoint from = gl_cell_point(&points, first);

		for (uint32_t slot = first; slot <= last; slot++)
		{
			GlPoint to = gl_cell_point(&points, slot + 1);

			if (gl_cell_edge_meets(&from, &to, cell) && !append_slot(tree, start, slot))
				return false;
			from = to;
		}
	}
	*kept = tree->runs.count - start;
	return true;
}

/* All edges of a polygon that meet the cell, appended to the scratch; boxes are over plain ones. */
static GlStatus
collect_runs(GlCellTree *tree, const void *polygon, const GlCell *cell, uint32_t *kept)
{
	const GlPolygon *plain = polygon;
	GlCellPoints points = gl_cell_points(polygon);
	const GlPolygonBox *boxes =
		points.packed != NULL
			? NULL
			: (const GlPolygonBox *) ((const char *) polygon + plain->boxes_offset);
	uint32_t start = tree->runs.count;
	uint32_t ring = 0;

	for (uint32_t first = 0; first < points.count - 1; first += GL_POLYGON_LEAF)
	{
		uint32_t end = first + GL_POLYGON_LEAF;

		if (first % 65536 == 0 && tree->source.stop.requested != NULL &&
			tree->source.stop.requested(tree->source.stop.context))
			return GL_STOPPED;
		if (boxes != NULL && !box_meets(&boxes[first / GL_POLYGON_LEAF], 0, cell))
			continue;
		if (end > points.count - 1)
			end = points.count - 1;
		for (uint32_t slot = first; slot < end; slot++)
		{
			GlPoint from = gl_cell_point(&points, slot);
			GlPoint to = gl_cell_point(&points, slot + 1);

			while (slot >= points.ring_starts[ring + 1])
				ring++;
			if (slot + 1 < points.ring_starts[ring + 1] && gl_cell_edge_meets(&from, &to, cell) &&
				!append_slot(tree, start, slot))
				return GL_NO_MEMORY;
		}
	}
	*kept = tree->runs.count - start;
	return GL_OK;
}

/* Does any run of edges come near the cell, in whichever turn? */
static bool
wrapped_meets(const GlPolygon *polygon, const GlCell *cell)
{
	const GlPolygonBox *boxes =
		(const GlPolygonBox *) ((const char *) polygon + polygon->boxes_offset);
	uint32_t count = (polygon->point_count + GL_POLYGON_LEAF - 1) / GL_POLYGON_LEAF;

	for (uint32_t i = 0; i < count; i++)
		for (int turn = -1; turn <= 1; turn++)
			if (box_meets(&boxes[i], 360.0 * turn, cell))
				return true;
	return false;
}

/*
 * Puts a shape whose geometry is there in relation to the cell.  Where it
 * meets it, "entry" says how to ask it, with its runs in the scratch.
 */
GlStatus
gl_cell_classify(GlCellTree *tree, uint32_t shape, const GlCell *cell, GlCellRelation *relation,
				 GlCellEntry *entry)
{
	const GlPolygon *polygon = tree->shapes[shape].geometry;
	GlPlanePoint middle = gl_cell_reference(cell, 0);
	uint32_t kept = 0;

	entry->shape = shape;
	entry->inside = 0;
	entry->run_count = 0;
	if (tree->shapes[shape].kind == GL_CELL_CIRCLE)
	{
		entry->state = GL_CELL_DISTANCE;
		*relation = gl_cell_circle_relation(tree->shapes[shape].geometry, cell);
		return GL_OK;
	}
	*relation = GL_CELL_MEETS;
	if (polygon_wraps(polygon) || gl_cell_points(polygon).count >= GL_CELL_MAX_SLOTS)
	{
		entry->state = GL_CELL_EVALUATED;
		if (wrapped_meets(polygon, cell))
			return GL_OK;
	}
	else
	{
		GlStatus status = collect_runs(tree, polygon, cell, &kept);

		entry->state = GL_CELL_EDGES;
		entry->run_count = kept;
		if (status != GL_OK || kept > 0)
			return status;
	}
	/* No edge in the cell: all of it is where its middle is. */
	*relation =
		gl_cell_polygon_covers(polygon, middle.lat, middle.lng) ? GL_CELL_COVERS : GL_CELL_OUTSIDE;
	return GL_OK;
}
