/*-------------------------------------------------------------------------
 *
 * cell_node.h
 *	  What the files of the cell tree share: nodes, cells, and the steps of
 *	  cutting them.
 *
 * A node is a block of 32-bit words: the header, 16 children where it has
 * any, the shapes that cover the cell, the entries, the runs of the entries
 * one after the other.  Lists of numbers are in the order of their owners'
 * ranks in a node that is ready.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_GEO_CELL_NODE_H
#define GL_GEO_CELL_NODE_H

#include <string.h>

#include "geo/cell_tree.h"

#define GL_CELL_CHILDREN 16
#define GL_CELL_LEVELS 13 /* below the root */
#define GL_CELL_BITS 26   /* two for each level */
#define GL_CELL_WHOLE                                                                              \
	0x80000000u /* a handle with this bit is no node: the shape of the rest covers the cell */
#define GL_CELL_REFERENCES 8

/*
 * Degrees by which a cell is taken larger than it is, far above the rounding
 * of its corners and of finding a point's cell.
 */
#define GL_CELL_MARGIN 1e-9

/* A handle is the number of a chunk, and a place in it in units. */
#define GL_CELL_UNIT 8
#define GL_CELL_CHUNK_BITS 13
#define GL_CELL_CHUNK_UNITS (1u << GL_CELL_CHUNK_BITS)

/* A run: the first edge slot, and in the low bits how many more follow it. */
#define GL_CELL_RUN_BITS 8
#define GL_CELL_RUN_MORE 255u
#define GL_CELL_MAX_SLOTS (1u << 24)

#define GL_CELL_MAX_COUNT ((1u << 24) - 1)

typedef struct GlCellNode
{
	uint64_t cover_count : 24;
	uint64_t entry_count : 24;
	uint64_t reference : 3;
	uint64_t ready : 1; /* 0: to be refined before it answers */
	uint64_t inner : 1;
} GlCellNode;

typedef enum GlCellState
{
	GL_CELL_WAITING,  /* only the bounds were looked at */
	GL_CELL_EDGES,    /* a polygon: runs, and where the reference is */
	GL_CELL_DISTANCE, /* a circle */
	GL_CELL_EVALUATED /* to be asked of the whole shape */
} GlCellState;

typedef struct GlCellEntry
{
	uint32_t shape;
	uint32_t state : 2;
	uint32_t inside : 1; /* the reference */
	uint32_t run_count : 29;
} GlCellEntry;

/* Where a node's cell is: degrees, without the margin; row and column among the cells of its level. */
typedef struct GlCell
{
	double lat;
	double lng;
	double height;
	double width;
	uint32_t row;
	uint32_t column;
	int level;
} GlCell;

static inline GlCellNode *
gl_cell_node(const GlCellTree *tree, uint32_t handle)
{
	return (GlCellNode *) (tree->chunks[handle >> GL_CELL_CHUNK_BITS] +
						   (size_t) (handle & (GL_CELL_CHUNK_UNITS - 1)) * GL_CELL_UNIT);
}

static inline uint32_t *
gl_cell_children(GlCellNode *node)
{
	return (uint32_t *) (node + 1);
}

static inline uint32_t *
gl_cell_covers(GlCellNode *node)
{
	return (uint32_t *) (node + 1) + (node->inner ? GL_CELL_CHILDREN : 0);
}

static inline GlCellEntry *
gl_cell_entries(GlCellNode *node)
{
	return (GlCellEntry *) (gl_cell_covers(node) + node->cover_count);
}

static inline uint32_t *
gl_cell_runs(GlCellNode *node)
{
	return (uint32_t *) (gl_cell_entries(node) + node->entry_count);
}

static inline uint32_t
gl_cell_run_count(GlCellNode *node)
{
	const GlCellEntry *entries = gl_cell_entries(node);
	uint32_t count = 0;

	for (uint32_t i = 0; i < node->entry_count; i++)
		count += entries[i].run_count;
	return count;
}

/* One way to compute a cell, so that its reference is the same point in every question. */
static inline GlCell
gl_cell_at(const GlCellTree *tree, int level, uint32_t row, uint32_t column)
{
	/* A power of two, put together rather than divided by: the very same product. */
	uint64_t bits = (uint64_t) (1023 - 2 * level) << 52;
	double part;
	GlCell cell;

	memcpy(&part, &bits, sizeof(part));
	cell.level = level;
	cell.row = row;
	cell.column = column;
	cell.height = tree->root_height * part;
	cell.width = tree->root_width * part;
	cell.lat = tree->root_lat + cell.height * row;
	cell.lng = tree->root_lng + cell.width * column;
	return cell;
}

static inline GlCell
gl_cell_child(const GlCellTree *tree, const GlCell *cell, int child)
{
	return gl_cell_at(tree, cell->level + 1, cell->row << 2 | child >> 2,
					  cell->column << 2 | (child & 3));
}

/* The n-th point that a node may refer its edges to: near the middle of the cell. */
static inline GlPlanePoint
gl_cell_reference(const GlCell *cell, uint32_t n)
{
	GlPlanePoint point;

	point.lat = cell->lat + cell->height * (0.5 + 0.0371 * n);
	point.lng = cell->lng + cell->width * (0.5 - 0.0297 * n);
	point.turn = 0;
	return point;
}

static inline bool
gl_cell_bounds_meet(const GlCellBounds *bounds, const GlCell *cell)
{
	return bounds->min_lat <= cell->lat + cell->height + GL_CELL_MARGIN &&
		   bounds->max_lat >= cell->lat - GL_CELL_MARGIN &&
		   bounds->min_lng <= cell->lng + cell->width + GL_CELL_MARGIN &&
		   bounds->max_lng >= cell->lng - GL_CELL_MARGIN;
}

/* The points of a polygon, packed or not. */
typedef struct GlCellPoints
{
	const GlPoint *points;
	const int32_t *packed; /* NULL: not packed */
	const uint32_t *ring_starts;
	uint32_t count;
} GlCellPoints;

#define GL_CELL_PACKED_MAGIC 0x4B434150u
#define GL_CELL_PACKED_SCALE 1e7

static inline GlCellPoints
gl_cell_points(const void *polygon)
{
	const GlCellPacked *packed = polygon;
	const GlPolygon *plain = polygon;
	GlCellPoints points = {NULL, NULL, NULL, 0};

	if (packed->magic == GL_CELL_PACKED_MAGIC)
	{
		points.packed = packed->degrees;
		points.count = packed->point_count;
		points.ring_starts =
			(const uint32_t *) (packed->degrees + 2 * (size_t) packed->point_count);
		return points;
	}
	points.points = (const GlPoint *) ((const char *) polygon + plain->points_offset);
	points.count = plain->point_count;
	points.ring_starts = (const uint32_t *) ((const char *) polygon + plain->rings_offset);
	return points;
}

static inline GlPoint
gl_cell_point(const GlCellPoints *points, uint32_t index)
{
	GlPoint point;

	if (points->packed == NULL)
		return points->points[index];
	point.lat = points->packed[2 * (size_t) index] / GL_CELL_PACKED_SCALE;
	point.lng = points->packed[2 * (size_t) index + 1] / GL_CELL_PACKED_SCALE;
	return point;
}

/* cell_pack.c: as gl_polygon_covers. */
extern bool gl_cell_polygon_covers(const void *polygon, double lat, double lng);

/* Bytes that a polygon takes as it is kept. */
extern size_t gl_cell_polygon_bytes(const void *polygon);

/* cell_memory.c */
extern uint32_t gl_cell_alloc(GlCellTree *tree, bool inner, uint32_t covers, uint32_t entries,
							  uint32_t runs);
extern void gl_cell_free(GlCellTree *tree, uint32_t handle);
extern bool gl_cell_push(GlCellTree *tree, GlCellScratch *scratch, uint32_t word);

/* cell_classify.c: what a shape is to a cell. */
typedef enum GlCellRelation
{
	GL_CELL_OUTSIDE,
	GL_CELL_COVERS,
	GL_CELL_MEETS
} GlCellRelation;

extern bool gl_cell_edge_meets(const GlPoint *from, const GlPoint *to, const GlCell *cell);
extern GlCellRelation gl_cell_circle_relation(const GlCircle *circle, const GlCell *cell);
extern GlStatus gl_cell_classify(GlCellTree *tree, uint32_t shape, const GlCell *cell,
								 GlCellRelation *relation, GlCellEntry *entry);
extern bool gl_cell_filter_runs(GlCellTree *tree, const void *polygon, const uint32_t *runs,
								uint32_t count, const GlCell *cell, uint32_t *kept);

/* cell_refine.c: adds shapes to the node at the link; makes the node there ready to answer. */
extern GlStatus gl_cell_wait(GlCellTree *tree, uint32_t *link, const uint32_t *shapes,
							 uint32_t count);
extern GlStatus gl_cell_refine(GlCellTree *tree, uint32_t *link, const GlCell *cell);

#endif /* GL_GEO_CELL_NODE_H */
