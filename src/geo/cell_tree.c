/*-------------------------------------------------------------------------
 *
 * cell_tree.c
 *	  Questions to the index over many shapes; see cell_tree.h.
 *
 * A point of a leaf is compared with the leaf's reference along the segment
 * between the two.  An edge is crossed where its ends lie on different sides
 * of the segment's line, a point on the line counting as on its right (as if
 * the line were moved to the left by less than anything), and the segment's
 * ends on different sides of the edge.  The reference lies on no edge, and a
 * point that lies on one is found out where a side is exactly 0.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "geo/cell_node.h"

/* The root's cell is no flatter than this, so that cells stay cells. */
#define FLATTEST 0.25

/* A determinant in packed units, or the sum of three, is no farther from the true one than half of this. */
#define PACKED_DOUBT 2e5

/* Shapes of a leaf that are fetched into the processor's cache before the first is asked. */
#define AHEAD 4

/* A point, and the segment from it to the reference of the leaf it is in. */
typedef struct Probe
{
	GlPlanePoint point;
	GlPlanePoint reference;
	double height;
	double width;
	/* In units of packed polygons, rounded. */
	double packed_lat;
	double packed_lng;
	double packed_height;
	double packed_width;
	bool has_earth;
	GlEarthPoint earth; /* of the point, once a circle asked */
} Probe;

/* What a question has found so far. */
typedef struct Answer
{
	bool all;
	uint32_t count; /* of tree->found */
	uint32_t owner; /* of the lowest rank */
	uint32_t rank;
} Answer;

/* As promised in cell_tree.h. */
void
gl_cell_tree_reset(GlCellTree *tree, const GlCellBounds *bounds, uint32_t shape_count)
{
	double height = fmin(bounds->max_lat, 90) - fmax(bounds->min_lat, -90);
	double width = fmin(bounds->max_lng, 180) - fmax(bounds->min_lng, -180);

	for (uint32_t i = 0; i < shape_count; i++)
		if (!tree->shapes[i].resident)
			tree->shapes[i].geometry = NULL;
	tree->node_bytes = 0;
	tree->geometry_bytes = 0;
	tree->root = 0;
	memset(tree->shortcuts, 0, sizeof(tree->shortcuts));
	tree->chunks = NULL;
	tree->chunk_count = 0;
	tree->chunk_capacity = 0;
	memset(tree->free_blocks, 0, sizeof(tree->free_blocks));
	memset(&tree->covers, 0, sizeof(GlCellScratch));
	memset(&tree->entries, 0, sizeof(GlCellScratch));
	memset(&tree->runs, 0, sizeof(GlCellScratch));
	memset(&tree->order, 0, sizeof(GlCellScratch));
	height = fmax(fmax(height, FLATTEST * width), 1e-3);
	width = fmax(fmax(width, FLATTEST * height), 1e-3);
	tree->root_height = fmin(height, 180);
	tree->root_width = fmin(width, 360);
	tree->root_lat = fmin(fmax(bounds->min_lat, -90), 90 - tree->root_height);
	tree->root_lng = fmin(fmax(bounds->min_lng, -180), 180 - tree->root_width);
	tree->rows_per_lat = (double) (1u << GL_CELL_BITS) / tree->root_height;
	tree->columns_per_lng = (double) (1u << GL_CELL_BITS) / tree->root_width;
}

/* As promised in cell_tree.h. */
bool
gl_cell_tree_has_room(const GlCellTree *tree, const GlCellBounds *bounds)
{
	return fmax(bounds->min_lat, -90) >= tree->root_lat &&
		   fmin(bounds->max_lat, 90) <= tree->root_lat + tree->root_height &&
		   fmax(bounds->min_lng, -180) >= tree->root_lng &&
		   fmin(bounds->max_lng, 180) <= tree->root_lng + tree->root_width;
}

/* As promised in cell_tree.h. */
GlStatus
gl_cell_tree_add(GlCellTree *tree, const uint32_t *numbers, uint32_t count)
{
	if (count == 0)
		return GL_OK;
	/* From here on the nodes are not ready, from the root down. */
	memset(tree->shortcuts, 0, sizeof(tree->shortcuts));
	return gl_cell_wait(tree, &tree->root, numbers, count);
}

/* The side of the segment's line on which a point lies: 1 left, -1 right, 0 on it. */
static inline int
probe_side(const Probe *probe, const GlPoint *vertex)
{
	double lng = vertex->lng - probe->point.lng;
	double lat = vertex->lat - probe->point.lat;
	double left = probe->width * lat;
	double right = probe->height * lng;
	double bound = 1e-300 + 1e-15 * (fabs(left) + fabs(right));
	GlPlanePoint exact;

	/* As in gl_edge_orientation, whose bound this is. */
	if (left - right > bound)
		return 1;
	if (right - left > bound)
		return -1;
	exact.lat = vertex->lat;
	exact.lng = vertex->lng;
	exact.turn = 0;
	return gl_edge_orientation_exact(&probe->reference, &exact, &probe->point);
}

/* Where both ends lie on the right of the segment's line or on it: lies the point on the edge? */
static bool
touches(const Probe *probe, const GlPoint *from, const GlPoint *to, bool along)
{
	double lat = probe->point.lat;
	double lng = probe->point.lng;

	if ((from->lat == lat && from->lng == lng) || (to->lat == lat && to->lng == lng))
		return true;
	return along && fmin(from->lat, to->lat) <= lat && fmax(from->lat, to->lat) >= lat &&
		   fmin(from->lng, to->lng) <= lng && fmax(from->lng, to->lng) >= lng;
}

/* An edge whose ends lie on different sides of the segment's line. */
static GlCrossing
straddling(const Probe *probe, const GlPoint *from, const GlPoint *to)
{
	GlPlanePoint a = {from->lat, from->lng, 0};
	GlPlanePoint b = {to->lat, to->lng, 0};
	int here = gl_edge_orientation(&a, &b, &probe->point);
	int there;

	if (here == 0)
		return GL_CROSSING_ON;
	there = gl_edge_orientation(&a, &b, &probe->reference);
	return here == there ? GL_CROSSING_NONE : GL_CROSSING_RIGHT;
}

/* Is the point inside, or on an edge, of the polygon whose edges the runs name? */
static bool
runs_contain(const Probe *probe, const GlCellPoints *points, const GlCellEntry *entry,
			 const uint32_t *runs)
{
	bool inside = entry->inside;

	for (uint32_t i = 0; i < entry->run_count; i++)
	{
		uint32_t slot = runs[i] >> GL_CELL_RUN_BITS;
		uint32_t last = slot + (runs[i] & GL_CELL_RUN_MORE);
		GlPoint from = gl_cell_point(points, slot);
		int from_side = probe_side(probe, &from);

		for (; slot <= last; slot++)
		{
			GlPoint to = gl_cell_point(points, slot + 1);
			int to_side = probe_side(probe, &to);

			if ((from_side > 0) != (to_side > 0))
			{
				GlCrossing crossing = straddling(probe, &from, &to);

				if (crossing == GL_CROSSING_ON)
					return true;
				inside ^= crossing == GL_CROSSING_RIGHT;
			}
			else if ((from_side == 0 || to_side == 0) &&
					 touches(probe, &from, &to, from_side == to_side))
				return true;
			from = to;
			from_side = to_side;
		}
	}
	return inside;
}

static inline double
lesser(double a, double b)
{
	return a < b ? a : b;
}

/*
 * As runs_contain, for a packed polygon, or false where any side is in doubt.
 * There is no branch for an edge, as the processor could guess none.  With all
 * places relative to the point, "here" is on which side of the edge the point
 * is; "there", the reference's side, is that less what the ends are apart
 * across the segment's line.
 *
 * In packed units no difference exceeds 3.6e9; each is off by less than 1e-6,
 * as a vertex, the point and the reference are by at most the rounding of a
 * number below 2^31, 2^-22 with that of dividing by 1e7.  So each product is
 * off by less than 7200 and 0.5e-15 of 1.3e19, a determinant by less than
 * 3e4, and "there", of three, by less than 1e5, half of what is asked for:
 * one bound costs nothing to compute.
 */
static inline bool
packed_runs_contain(const Probe *probe, const int32_t *degrees, const GlCellEntry *entry,
					const uint32_t *runs, bool *contain)
{
	double nearest = INFINITY;
	uint32_t inside = entry->inside;

	for (uint32_t i = 0; i < entry->run_count; i++)
	{
		const int32_t *at = degrees + 2 * (size_t) (runs[i] >> GL_CELL_RUN_BITS);
		const int32_t *last = at + 2 * (size_t) (runs[i] & GL_CELL_RUN_MORE);
		double from_lat = at[0] - probe->packed_lat;
		double from_lng = at[1] - probe->packed_lng;
		double from_side = probe->packed_width * from_lat - probe->packed_height * from_lng;

		nearest = lesser(nearest, fabs(from_side));
		for (; at <= last; at += 2)
		{
			double lat = at[2] - probe->packed_lat;
			double lng = at[3] - probe->packed_lng;
			double side = probe->packed_width * lat - probe->packed_height * lng;
			double here = lat * from_lng - lng * from_lat;
			double there = here - (side - from_side);

			nearest = lesser(nearest, lesser(fabs(side), lesser(fabs(here), fabs(there))));
			inside ^= ((side > 0) ^ (from_side > 0)) & ((here > 0) ^ (there > 0));
			from_lat = lat;
			from_lng = lng;
			from_side = side;
		}
	}
	*contain = inside != 0;
	return nearest > PACKED_DOUBT;
}

static bool
edges_contain(const Probe *probe, const GlCellShape *shape, const GlCellEntry *entry,
			  const uint32_t *runs)
{
	GlCellPoints points;
	bool inside;

	/* At the reference there is no line, and on no edge. */
	if (probe->width == 0 && probe->height == 0)
		return entry->inside;
	/* Without a look at its head, which is seldom in the cache. */
	if (shape->packed &&
		packed_runs_contain(probe, ((const GlCellPacked *) shape->geometry)->degrees, entry, runs,
							&inside))
		return inside;
	points = gl_cell_points(shape->geometry);
	return runs_contain(probe, &points, entry, runs);
}

static GlStatus
entry_contains(GlCellTree *tree, Probe *probe, const GlCellEntry *entry, const uint32_t *runs,
			   bool *inside)
{
	const GlCellShape *shape = &tree->shapes[entry->shape];

	if (entry->state == GL_CELL_EDGES)
		*inside = edges_contain(probe, shape, entry, runs);
	else if (entry->state == GL_CELL_DISTANCE)
	{
		if (!probe->has_earth)
			probe->earth = gl_earth_point(probe->point.lat, probe->point.lng);
		probe->has_earth = true;
		*inside = gl_circle_contains(shape->geometry, &probe->earth);
	}
	else if (shape->geometry != NULL)
		*inside = gl_cell_polygon_covers(shape->geometry, probe->point.lat, probe->point.lng);
	else
		return tree->source.evaluate(tree->source.context, entry->shape, probe->point.lat,
									 probe->point.lng, inside);
	return GL_OK;
}

static void
take(GlCellTree *tree, const Probe *probe, uint32_t number, Answer *answer)
{
	const GlCellShape *shape = &tree->shapes[number];

	if (shape->owner == GL_CELL_NOBODY ||
		(shape->confirm && !tree->source.confirm(tree->source.context, shape->owner,
												 probe->point.lat, probe->point.lng)))
		return;
	if (answer->all)
		tree->found[answer->count++] = shape->owner;
	else if (tree->ranks[shape->owner] < answer->rank)
	{
		answer->owner = shape->owner;
		answer->rank = tree->ranks[shape->owner];
	}
}

/* Can the shape, or what follows it in the order of ranks, no longer change the answer? */
static inline bool
too_late(const GlCellTree *tree, uint32_t number, const Answer *answer)
{
	uint32_t owner = tree->shapes[number].owner;

	return !answer->all && answer->owner != GL_CELL_NOBODY && owner != GL_CELL_NOBODY &&
		   tree->ranks[owner] >= answer->rank;
}

static inline void
ask_covers(GlCellTree *tree, GlCellNode *node, const Probe *probe, Answer *answer)
{
	const uint32_t *covers = gl_cell_covers(node);
	uint32_t count = node->cover_count;

	for (uint32_t i = 0; i < count && !too_late(tree, covers[i], answer); i++)
		take(tree, probe, covers[i], answer);
}

static inline GlStatus
ask_leaf(GlCellTree *tree, GlCellNode *node, const GlCell *cell, Probe *probe, Answer *answer)
{
	const GlCellEntry *entries = gl_cell_entries(node);
	const uint32_t *runs = gl_cell_runs(node);
	uint32_t count = node->entry_count;

	for (uint32_t i = 0; i < count && i < AHEAD; i++)
		__builtin_prefetch(&tree->shapes[entries[i].shape].owner);
	ask_covers(tree, node, probe, answer);
	probe->reference = gl_cell_reference(cell, node->reference);
	probe->height = probe->reference.lat - probe->point.lat;
	probe->width = probe->reference.lng - probe->point.lng;
	probe->packed_lat = probe->point.lat * GL_CELL_PACKED_SCALE;
	probe->packed_lng = probe->point.lng * GL_CELL_PACKED_SCALE;
	probe->packed_height = probe->reference.lat * GL_CELL_PACKED_SCALE - probe->packed_lat;
	probe->packed_width = probe->reference.lng * GL_CELL_PACKED_SCALE - probe->packed_lng;
	for (uint32_t i = 0; i < count; runs += entries[i++].run_count)
	{
		bool inside;
		GlStatus status;

		if (tree->shapes[entries[i].shape].owner == GL_CELL_NOBODY)
			continue;
		if (too_late(tree, entries[i].shape, answer))
			break;
		status = entry_contains(tree, probe, &entries[i], runs, &inside);
		if (status != GL_OK)
			return status;
		/* Whether it is inside can hardly be guessed: no branch where none is needed. */
		if (answer->all && !tree->shapes[entries[i].shape].confirm)
		{
			tree->found[answer->count] = tree->shapes[entries[i].shape].owner;
			answer->count += inside;
		}
		else if (inside)
			take(tree, probe, entries[i].shape, answer);
	}
	return GL_OK;
}

static inline uint32_t
shortcut_index(uint32_t row, uint32_t column)
{
	const int below = GL_CELL_BITS - 2 * GL_CELL_SHORTCUT_LEVEL;

	return row >> below << (2 * GL_CELL_SHORTCUT_LEVEL) | column >> below;
}

/*
 * An inner node is only ever replaced when shapes are added, which forgets
 * the shortcuts: the one of a question's cell is as good as the way down.
 */
static GlStatus
ask(GlCellTree *tree, Probe *probe, Answer *answer)
{
	double up = (probe->point.lat - tree->root_lat) * tree->rows_per_lat;
	double right = (probe->point.lng - tree->root_lng) * tree->columns_per_lng;
	const uint32_t last = (1u << GL_CELL_BITS) - 1;
	uint32_t *link = &tree->root;
	uint32_t *shortcut;
	bool bare = true; /* does nobody cover the nodes passed? */
	int below = GL_CELL_BITS;
	uint32_t row;
	uint32_t column;

	/* A point outside the root by less than its rounding is in no shape, or in a cell's margin. */
	if (!(up >= -1 && up <= last + 2.0 && right >= -1 && right <= last + 2.0))
		return GL_OK;
	row = up <= 0 ? 0 : up >= last ? last : (uint32_t) up;
	column = right <= 0 ? 0 : right >= last ? last : (uint32_t) right;
	shortcut = &tree->shortcuts[shortcut_index(row, column)];
	if (*shortcut != 0)
	{
		link = shortcut;
		below = GL_CELL_BITS - 2 * GL_CELL_SHORTCUT_LEVEL;
	}
	for (;;)
	{
		uint32_t handle = *link;
		GlCellNode *node;

		if (handle == 0)
			return GL_OK;
		if ((handle & GL_CELL_WHOLE) != 0)
		{
			take(tree, probe, handle & ~GL_CELL_WHOLE, answer);
			return GL_OK;
		}
		node = gl_cell_node(tree, handle);
		if (!node->ready || (!node->inner && node->entry_count > 0))
		{
			GlCell cell =
				gl_cell_at(tree, (GL_CELL_BITS - below) / 2, row >> below, column >> below);
			GlStatus status;

			if (node->ready)
				return ask_leaf(tree, node, &cell, probe, answer);
			status = gl_cell_refine(tree, link, &cell);
			if (status != GL_OK)
				return status;
			continue;
		}
		if (!node->inner)
		{
			ask_covers(tree, node, probe, answer);
			return GL_OK;
		}
		if (below == GL_CELL_BITS - 2 * GL_CELL_SHORTCUT_LEVEL && bare)
			*shortcut = handle;
		if (node->cover_count > 0)
		{
			ask_covers(tree, node, probe, answer);
			bare = false;
		}
		below -= 2;
		link = &gl_cell_children(node)[(row >> below & 3) << 2 | (column >> below & 3)];
	}
}

static GlStatus
ask_point(GlCellTree *tree, double lat, double lng, Answer *answer)
{
	Probe probe;

	/* The rest is set where it is needed: this is asked a million times in a row. */
	probe.point.lat = lat;
	probe.point.lng = lng;
	probe.point.turn = 0;
	probe.has_earth = false;
	return ask(tree, &probe, answer);
}

/* As promised in cell_tree.h. */
GlStatus
gl_cell_tree_first(GlCellTree *tree, double lat, double lng, uint32_t *owner)
{
	Answer answer = {false, 0, GL_CELL_NOBODY, UINT32_MAX};
	GlStatus status = ask_point(tree, lat, lng, &answer);

	*owner = answer.owner;
	return status;
}

/* As promised in cell_tree.h. */
GlStatus
gl_cell_tree_all(GlCellTree *tree, double lat, double lng, uint32_t *count)
{
	Answer answer = {true, 0, GL_CELL_NOBODY, UINT32_MAX};
	GlStatus status = ask_point(tree, lat, lng, &answer);

	*count = answer.count;
	return status;
}
