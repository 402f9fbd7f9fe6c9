/*-------------------------------------------------------------------------
 *
 * polygon.h
 *	  A compiled polygon: one contiguous block without pointers, and the
 *	  exact answer to "does it cover this point".
 *
 * The block (GlPolygon and what follows it, "size" bytes in all, aligned to
 * 8) can be stored in a bytea, copied back into aligned memory and used with
 * no parse after gl_polygon_check_image.  It is in the byte order of the
 * machine; an image of the other order fails the check by its magic.
 *
 * Layout, offsets from the start of the block:
 *	  GlPolygon
 *	  GlPoint	 points[point_count]		every ring closed: its last point is its first
 *	  uint32_t	 ring_starts[ring_count + 1]
 *	  GlPolygonBox boxes[box_count]			tree over runs of edges, see polygon.c
 *	  int8_t	 turns[point_count]			only where the flag says so
 * Edge slot i runs from point i to point i + 1; the last point of a ring
 * starts no edge (gl_polygon_edge answers false for its slot).
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_GEO_POLYGON_H
#define GL_GEO_POLYGON_H

#include "geo/edge.h"
#include "pure.h"

#define GL_POLYGON_MAGIC 0x504C4F47u /* "GOLP" as bytes, "PLOG" in the other byte order */
#define GL_POLYGON_VERSION 1
#define GL_POLYGON_MAX_LEVELS 12
#define GL_POLYGON_LEAF 16  /* edge slots under a leaf box */
#define GL_POLYGON_FANOUT 8 /* boxes under an inner box */

/*
 * What a run of edges spans, in float and rounded outward: half the memory,
 * and a box only has to be large enough.
 */
typedef struct GlPolygonBox
{
	float min_lat;
	float max_lat;
	float min_lng;
	float max_lng;
} GlPolygonBox;

typedef struct GlPolygon
{
	uint32_t magic;
	uint32_t version;
	uint64_t size;        /* of the whole block, a multiple of 8 */
	uint32_t point_count; /* with the closing points */
	uint32_t ring_count;
	uint32_t box_count;
	uint32_t level_count;
	uint32_t has_turns; /* 1: some longitude is unwrapped */
	uint32_t unused;    /* 0 */
	uint64_t points_offset;
	uint64_t rings_offset;
	uint64_t boxes_offset;
	uint64_t turns_offset;
	uint32_t
		level_starts[GL_POLYGON_MAX_LEVELS]; /* index of each level's first box, leaves first */
	/*
	 * Bounds in the unwrapped plane: lng may leave [-180, 180].  Compare with
	 * lng + 360.0 * turn, whose rounding is theirs.
	 */
	double min_lat;
	double max_lat;
	double min_lng;
	double max_lng;
} GlPolygon;

/*
 * points holds the rings one after the other, ring_sizes their lengths
 * (outer rings, holes and further parts in any order: even-odd over all).
 * A ring may be open or closed.  GL_INVALID sets where to the index of the
 * point at fault in points, or of the first point of the ring at fault.
 */
extern GlStatus gl_polygon_build(const GlPoint *points, const uint32_t *ring_sizes,
								 uint32_t ring_count, uint32_t max_vertices, GlArena *arena,
								 GlStop *stop, GlPolygon **out, GlError *error);
extern bool gl_polygon_check_image(const void *bytes, size_t size);

/* Inside or on the boundary of any ring.  False where a coordinate is NaN or out of range. */
extern bool gl_polygon_covers(const GlPolygon *polygon, double lat, double lng);

/*
 * Does a ring cross itself, or run along itself?  For a warning.  Where it
 * only touches itself in a point (vertex to vertex, or a vertex on an edge
 * without passing through) the answer is no.  GL_LIMIT: none was found within
 * GL_POLYGON_PAIR_BUDGET pairs, *answer is false.  Where *answer is true,
 * where->where is the image's index (gl_polygon_point) of a vertex that
 * starts one of the two edges, and where->message says what was found.
 */
#define GL_POLYGON_PAIR_BUDGET 20000000
extern GlStatus gl_polygon_self_intersects(const GlPolygon *polygon, GlStop *stop, bool *answer,
										   GlError *where);

/*
 * Fills in what follows from the counts: size, offsets, levels.  Shared by
 * build and check_image, so that they cannot differ.
 */
extern void gl_polygon_layout(GlPolygon *header, uint32_t point_count, uint32_t ring_count,
							  bool has_turns);

/* For indexes built on top: edge slots are 0 .. point_count - 1. */
extern bool gl_polygon_edge(const GlPolygon *polygon, uint32_t slot, GlEdge *edge);
extern GlPlanePoint gl_polygon_point(const GlPolygon *polygon, uint32_t index);

#endif /* GL_GEO_POLYGON_H */
