/*-------------------------------------------------------------------------
 *
 * cell_tree.h
 *	  An index over many shapes (polygons, circles): which of them contain a
 *	  point?  One cell and a few edges per question, and the very answers of
 *	  gl_polygon_covers and gl_circle_contains.
 *
 * The plane of latitude and longitude is cut into cells, 4 x 4 to a parent.
 * A node lists the shapes that cover its cell whole; a leaf lists, for each
 * shape whose boundary meets the cell, the edges that do, and whether one
 * inner point of the cell (the reference) is inside: a point of the cell is
 * on the same side unless the segment between the two crosses an odd number
 * of those edges, which exact orientations decide.
 *
 * The tree is cut on the paths that questions take and nowhere else.  A shape
 * that is added waits at the root, known by its bounds, and moves down when
 * somebody asks there; its geometry is fetched when a cell has to be told
 * from its inside.  A shape that is removed is only marked.  So the cost of
 * adding, removing and starting does not depend on how many shapes there are
 * or how many vertices they have.
 *
 * Memory comes from the caller's arena and is bounded: where refining would
 * pass the limit the answer is GL_LIMIT, upon which the caller drops the
 * arena, calls gl_cell_tree_reset and asks again.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_GEO_CELL_TREE_H
#define GL_GEO_CELL_TREE_H

#include "geo/circle.h"
#include "geo/polygon.h"

#define GL_CELL_NOBODY UINT32_MAX

typedef enum GlCellKind
{
	GL_CELL_POLYGON,
	GL_CELL_CIRCLE
} GlCellKind;

/* Degrees, rounded outward; without those that cross the antimeridian. */
typedef struct GlCellBounds
{
	float min_lat;
	float max_lat;
	float min_lng;
	float max_lng;
} GlCellBounds;

typedef struct GlCellShape
{
	GlCellBounds bounds;
	uint32_t owner;       /* whom answers name; GL_CELL_NOBODY: removed */
	uint32_t bytes;       /* of the GlPolygon or GlCircle, for the budget */
	const void *geometry; /* GlPolygon, GlCellPacked or GlCircle; NULL until it is fetched */
	uint8_t kind;
	uint8_t resident; /* 1: the geometry is not the tree's to fetch and to forget */
	uint8_t confirm;  /* 1: a match counts only if GlCellSource.confirm says so */
	uint8_t packed;   /* 1: the geometry is a GlCellPacked; the tree's to set */
} GlCellShape;

/*
 * A polygon as a tree may keep it instead of a GlPolygon: coordinates that
 * are whole numbers of 1e-7 degrees, as nearly all are, as such.  Half the
 * memory; dividing by 1e7 gives back the very double.
 */
typedef struct GlCellPacked
{
	uint32_t magic;
	uint32_t point_count;
	uint32_t ring_count;
	uint32_t unused;
	int32_t degrees[]; /* lat, lng of each point, then as uint32_t ring_starts[ring_count + 1] */
} GlCellPacked;

/* Bytes of the packed polygon, 0 where it cannot be packed. */
extern size_t gl_cell_packed_size(const GlPolygon *polygon);
extern void gl_cell_pack(const GlPolygon *polygon, GlCellPacked *into);

/* What the tree asks of its caller.  load and evaluate may also leave by longjmp. */
typedef struct GlCellSource
{
	/* The geometry of a shape, in memory that lives until the arena is dropped. */
	GlStatus (*load)(void *context, uint32_t shape, const void **geometry);
	/* Is the point inside?  For geometry that is too large to keep. */
	GlStatus (*evaluate)(void *context, uint32_t shape, double lat, double lng, bool *inside);
	bool (*confirm)(void *context, uint32_t owner, double lat, double lng);
	GlStop stop;
	void *context;
} GlCellSource;

typedef struct GlCellScratch
{
	uint32_t *words;
	uint32_t count;
	uint32_t capacity;
} GlCellScratch;

#define GL_CELL_SIZES 512 /* sizes of blocks that are kept in lists */

/* Below the root, the level whose nodes are found at once: 64 x 64. */
#define GL_CELL_SHORTCUT_LEVEL 3
#define GL_CELL_SHORTCUTS (1u << (4 * GL_CELL_SHORTCUT_LEVEL))

typedef struct GlCellTree
{
	GlArena arena;
	GlCellSource source;
	GlCellShape *shapes;   /* the caller's */
	const uint32_t *ranks; /* of owners, the caller's: the lowest comes first */
	uint32_t *found;       /* the caller's, room for every shape: owners, as often as they match */
	size_t limit;          /* bytes of nodes and of fetched geometry */
	size_t node_bytes;
	size_t geometry_bytes;
	bool tight; /* what does not fit is evaluated and not kept, instead of GL_LIMIT */

	/* The root's cell: degrees, and cells of the finest level per degree. */
	double root_lat;
	double root_lng;
	double root_height;
	double root_width;
	double rows_per_lat;
	double columns_per_lng;
	uint32_t root;
	/* Inner nodes that are ready, below nothing but such nodes that nobody covers; 0: not known. */
	uint32_t shortcuts[GL_CELL_SHORTCUTS];

	/* Blocks of memory; see cell_memory.c. */
	char **chunks;
	uint32_t chunk_count;
	uint32_t chunk_capacity;
	uint32_t chunk_used; /* units of the last small chunk */
	uint32_t small_chunk;
	uint32_t free_blocks[GL_CELL_SIZES];
	GlCellScratch covers;
	GlCellScratch entries;
	GlCellScratch runs;
	GlCellScratch order;
} GlCellTree;

/* The bounds that a shape of this geometry has in the tree. */
extern GlCellBounds gl_cell_bounds(GlCellKind kind, const void *geometry);

/*
 * Begins anew with an empty root over the given bounds.  The arena must be
 * empty; geometry that was fetched is forgotten.
 */
extern void gl_cell_tree_reset(GlCellTree *tree, const GlCellBounds *bounds, uint32_t shape_count);

/* May a shape of these bounds be added, or must the tree be reset over wider ones? */
extern bool gl_cell_tree_has_room(const GlCellTree *tree, const GlCellBounds *bounds);

/* Adds shapes of these numbers; they wait at the root. */
extern GlStatus gl_cell_tree_add(GlCellTree *tree, const uint32_t *numbers, uint32_t count);

/* The owner of the lowest rank that has the point inside, or GL_CELL_NOBODY. */
extern GlStatus gl_cell_tree_first(GlCellTree *tree, double lat, double lng, uint32_t *owner);

/* All owners that have the point inside, into tree->found, in no order. */
extern GlStatus gl_cell_tree_all(GlCellTree *tree, double lat, double lng, uint32_t *count);

#endif /* GL_GEO_CELL_TREE_H */
