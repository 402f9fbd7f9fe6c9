/*-------------------------------------------------------------------------
 *
 * polygon.c
 *	  Questions to a compiled polygon: even-odd cover, and whether a stored
 *	  image is safe to read.
 *
 * Edges stay in ring order under a tree of boxes: GL_POLYGON_LEAF edge slots
 * to a leaf, GL_POLYGON_FANOUT boxes to an inner box.  The order that a
 * ring's edges have by nature is already local, so the tree needs no sort,
 * costs about 1.2 bytes per edge whatever the ring looks like, and has one
 * more advantage over latitude bands: a run of edges that lies wholly east of
 * the point crosses the ray an odd number of times exactly where its two ends
 * lie on different sides of the latitude, so it is answered without a look
 * inside.  Only boxes that contain the point are opened.
 *
 * Longitude is a circle: the point is asked for at its own longitude and a
 * turn to the east and the west, wherever the unwrapped bounds reach it, and
 * the parities add up.  So a hole given at -175 is a hole of a ring that was
 * unwrapped to 170 .. 190.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "geo/polygon.h"

/* The arrays of an image, and the point in question in the turn in question. */
typedef struct Query
{
	const GlPolygon *polygon;
	const GlPoint *points;
	const uint32_t *ring_starts;
	const GlPolygonBox *boxes;
	const int8_t *turns; /* NULL where every turn is 0 */
	GlPlanePoint point;
	double lng; /* point.lng + 360 * point.turn, rounded: for boxes only */
} Query;

static uint64_t
align8(uint64_t offset)
{
	return (offset + 7) & ~(uint64_t) 7;
}

/* As promised in polygon.h; magic, version and bounds are left to the caller. */
void
gl_polygon_layout(GlPolygon *header, uint32_t point_count, uint32_t ring_count, bool has_turns)
{
	uint64_t count = ((uint64_t) point_count + GL_POLYGON_LEAF - 1) / GL_POLYGON_LEAF;
	uint64_t boxes = 0;

	header->point_count = point_count;
	header->ring_count = ring_count;
	header->has_turns = has_turns;
	header->unused = 0;
	header->level_count = 0;
	memset(header->level_starts, 0, sizeof(header->level_starts));
	for (;;)
	{
		header->level_starts[header->level_count++] = (uint32_t) boxes;
		boxes += count;
		if (count <= 1)
			break;
		count = (count + GL_POLYGON_FANOUT - 1) / GL_POLYGON_FANOUT;
	}
	header->box_count = (uint32_t) boxes;
	header->points_offset = align8(sizeof(GlPolygon));
	header->rings_offset = header->points_offset + sizeof(GlPoint) * (uint64_t) point_count;
	header->boxes_offset =
		align8(header->rings_offset + sizeof(uint32_t) * ((uint64_t) ring_count + 1));
	header->turns_offset = header->boxes_offset + sizeof(GlPolygonBox) * boxes;
	header->size = align8(header->turns_offset + (has_turns ? point_count : 0));
}

/*
 * True where the size bytes at bytes (aligned to 8) are an image that every
 * function here can read without leaving it.  Offsets, counts and ring
 * starts are checked, coordinates are not: no bit pattern of theirs can do
 * harm.  Costs a look at each ring, not at each vertex.
 */
bool
gl_polygon_check_image(const void *bytes, size_t size)
{
	const GlPolygon *polygon = bytes;
	const uint32_t *starts;
	GlPolygon expected;
	uint32_t ring;

	if (bytes == NULL || (uintptr_t) bytes % 8 != 0 || size < sizeof(GlPolygon))
		return false;
	if (polygon->magic != GL_POLYGON_MAGIC || polygon->version != GL_POLYGON_VERSION ||
		polygon->size != size || polygon->point_count == 0 || polygon->ring_count == 0 ||
		polygon->has_turns > 1)
		return false;
	expected = *polygon;
	gl_polygon_layout(&expected, polygon->point_count, polygon->ring_count,
					  polygon->has_turns == 1);
	if (memcmp(&expected, polygon, offsetof(GlPolygon, min_lat)) != 0)
		return false;
	starts = (const uint32_t *) ((const char *) bytes + polygon->rings_offset);
	if (starts[0] != 0 || starts[polygon->ring_count] != polygon->point_count)
		return false;
	for (ring = 0; ring < polygon->ring_count; ring++)
		if (starts[ring] >= starts[ring + 1])
			return false;
	return true;
}

static void
query_open(Query *query, const GlPolygon *polygon)
{
	const char *base = (const char *) polygon;

	query->polygon = polygon;
	query->points = (const GlPoint *) (base + polygon->points_offset);
	query->ring_starts = (const uint32_t *) (base + polygon->rings_offset);
	query->boxes = (const GlPolygonBox *) (base + polygon->boxes_offset);
	query->turns = polygon->has_turns ? (const int8_t *) (base + polygon->turns_offset) : NULL;
}

/* The ring that point index belongs to. */
static uint32_t
ring_of_point(const Query *query, uint32_t index)
{
	uint32_t low = 0;
	uint32_t high = query->polygon->ring_count;

	while (high - low > 1)
	{
		uint32_t middle = low + (high - low) / 2;

		if (query->ring_starts[middle] <= index)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static GlPlanePoint
plane_point(const Query *query, uint32_t index)
{
	GlPlanePoint point;

	point.lat = query->points[index].lat;
	point.lng = query->points[index].lng;
	point.turn = query->turns != NULL ? query->turns[index] : 0;
	return point;
}

/* Point index (below point_count) in the unwrapped plane. */
GlPlanePoint
gl_polygon_point(const GlPolygon *polygon, uint32_t index)
{
	Query query;

	query_open(&query, polygon);
	return plane_point(&query, index);
}

/* The edge of a slot below point_count; false where a ring's last point stands there. */
bool
gl_polygon_edge(const GlPolygon *polygon, uint32_t slot, GlEdge *edge)
{
	Query query;

	query_open(&query, polygon);
	if (query.ring_starts[ring_of_point(&query, slot) + 1] == slot + 1)
		return false;
	edge->from = plane_point(&query, slot);
	edge->to = plane_point(&query, slot + 1);
	return true;
}

static bool
point_above(const Query *query, uint32_t index)
{
	return query->points[index].lat > query->point.lat;
}

/*
 * The crossings of edge slots first .. end - 1, all of them wholly east of
 * the point: odd or even.  Rings that begin and end within the run are closed
 * and cross an even number of times; what counts is how the run enters from
 * its first ring and leaves into its last.
 */
static GlCrossing
run_crossing(const Query *query, uint32_t first, uint32_t end)
{
	bool odd = point_above(query, first) != point_above(query, end);
	uint32_t first_ring;
	uint32_t end_ring;

	if (query->polygon->ring_count > 1)
	{
		first_ring = ring_of_point(query, first);
		end_ring = ring_of_point(query, end);
		if (first_ring != end_ring)
			odd ^= point_above(query, query->ring_starts[first_ring]) !=
				   point_above(query, query->ring_starts[end_ring]);
	}
	return odd ? GL_CROSSING_RIGHT : GL_CROSSING_NONE;
}

/* The crossings of edge slots first .. end - 1 of one ring, edge by edge. */
static GlCrossing
edges_crossing(const Query *query, uint32_t first, uint32_t end)
{
	GlCrossing parity = GL_CROSSING_NONE;
	bool flat = query->turns == NULL && query->point.turn == 0;
	double lat = query->point.lat;
	double lng = query->point.lng;
	uint32_t slot;

	for (slot = first; slot < end; slot++)
	{
		double from_lat = query->points[slot].lat;
		double to_lat = query->points[slot + 1].lat;
		GlCrossing crossing;
		GlEdge edge;

		if ((from_lat > lat && to_lat > lat) || (from_lat < lat && to_lat < lat))
			continue;
		/* Most of what gl_edge_crossing would say, without the call. */
		if (flat && query->points[slot].lng > lng && query->points[slot + 1].lng > lng)
		{
			parity ^= (from_lat > lat) != (to_lat > lat);
			continue;
		}
		if (flat && query->points[slot].lng < lng && query->points[slot + 1].lng < lng)
			continue;
		edge.from = plane_point(query, slot);
		edge.to = plane_point(query, slot + 1);
		crossing = gl_edge_crossing(&edge, &query->point);
		if (crossing == GL_CROSSING_ON)
			return GL_CROSSING_ON;
		parity ^= crossing;
	}
	return parity;
}

/* As edges_crossing, for slots that may belong to several rings. */
static GlCrossing
leaf_crossing(const Query *query, uint32_t first, uint32_t end)
{
	GlCrossing parity = GL_CROSSING_NONE;
	uint32_t ring = ring_of_point(query, first);

	while (first < end)
	{
		uint32_t last_point = query->ring_starts[ring + 1] - 1;
		GlCrossing crossing = edges_crossing(query, first, end < last_point ? end : last_point);

		if (crossing == GL_CROSSING_ON)
			return GL_CROSSING_ON;
		parity ^= crossing;
		first = last_point + 1;
		ring++;
	}
	return parity;
}

/* The crossings of all edges under box index of a level.  Recursion is as deep as the tree. */
static GlCrossing
box_crossing(const Query *query, uint32_t level, uint32_t index)
{
	const GlPolygon *polygon = query->polygon;
	const GlPolygonBox *box = &query->boxes[polygon->level_starts[level] + index];
	GlCrossing parity = GL_CROSSING_NONE;
	uint64_t first = index;
	uint64_t end = (uint64_t) index + 1;
	uint32_t below;

	if (query->point.lat < box->min_lat || query->point.lat > box->max_lat ||
		query->lng > box->max_lng)
		return GL_CROSSING_NONE;
	if (level == 0 || query->lng < box->min_lng)
	{
		for (below = 0; below < level; below++)
		{
			first *= GL_POLYGON_FANOUT;
			end *= GL_POLYGON_FANOUT;
		}
		first *= GL_POLYGON_LEAF;
		end *= GL_POLYGON_LEAF;
		if (end > polygon->point_count - 1)
			end = polygon->point_count - 1;
		if (query->lng < box->min_lng)
			return run_crossing(query, (uint32_t) first, (uint32_t) end);
		return leaf_crossing(query, (uint32_t) first, (uint32_t) end);
	}
	below = polygon->level_starts[level] - polygon->level_starts[level - 1];
	first *= GL_POLYGON_FANOUT;
	end *= GL_POLYGON_FANOUT;
	for (; first < end && first < below; first++)
	{
		GlCrossing crossing = box_crossing(query, level - 1, (uint32_t) first);

		if (crossing == GL_CROSSING_ON)
			return GL_CROSSING_ON;
		parity ^= crossing;
	}
	return parity;
}

/* As promised in polygon.h. */
bool
gl_polygon_covers(const GlPolygon *polygon, double lat, double lng)
{
	GlCrossing parity = GL_CROSSING_NONE;
	Query query;
	int32_t turn;

	/* Written so that NaN fails it. */
	if (!(lat >= polygon->min_lat && lat <= polygon->max_lat && lng >= -180 && lng <= 180))
		return false;
	query_open(&query, polygon);
	query.point.lat = lat;
	query.point.lng = lng;
	for (turn = -1; turn <= 1; turn++)
	{
		GlCrossing crossing;

		query.lng = lng + 360.0 * turn;
		if (query.lng < polygon->min_lng || query.lng > polygon->max_lng)
			continue;
		query.point.turn = turn;
		crossing = box_crossing(&query, polygon->level_count - 1, 0);
		if (crossing == GL_CROSSING_ON)
			return true;
		parity ^= crossing;
	}
	return parity == GL_CROSSING_RIGHT;
}
