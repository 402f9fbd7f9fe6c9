/*-------------------------------------------------------------------------
 *
 * polygon_self.c
 *	  Does a ring of a polygon intersect itself?  For a warning when a zone
 *	  is stored; cover itself needs no such promise, it counts even-odd.
 *
 * Pairs of edges are looked for by descending the polygon's box tree against
 * itself, so only neighbourhoods that overlap are compared: near linear for
 * rings as they are drawn.  A ring made to defeat boxes costs pairs, and those
 * are budgeted: a warning is not worth seconds.
 *
 * What counts: two edges whose insides cross in a point, a vertex where the
 * ring passes from one side of another edge to the other, and edges that run
 * along each other for a length (a spike runs along itself).  What does not
 * count: rings that touch at a vertex, even twice.  A ring that passes through
 * its own vertex covers the same points as one that only touches there, so
 * there is nothing to warn about.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>

#include "geo/polygon.h"

#define STOP_CHECK_INTERVAL 65536

typedef struct Search
{
	const GlPolygon *polygon;
	const GlPolygonBox *boxes;
	const uint32_t *ring_starts;
	GlStop *stop;
	uint64_t pairs;
	uint64_t next_stop_check;
	uint32_t found_slot;
	const char *found;
} Search;

/* An edge with its ring, where it starts, and the latitudes it spans. */
typedef struct RingEdge
{
	GlEdge edge;
	double min_lat;
	double max_lat;
	uint32_t slot;
	uint32_t ring;
} RingEdge;

static bool
lng_ranges_meet(const GlEdge *a, const GlEdge *b)
{
	bool a_eastward = gl_edge_compare_lng(&a->from, &a->to) < 0;
	bool b_eastward = gl_edge_compare_lng(&b->from, &b->to) < 0;
	const GlPlanePoint *a_west = a_eastward ? &a->from : &a->to;
	const GlPlanePoint *a_east = a_eastward ? &a->to : &a->from;
	const GlPlanePoint *b_west = b_eastward ? &b->from : &b->to;
	const GlPlanePoint *b_east = b_eastward ? &b->to : &b->from;

	return gl_edge_compare_lng(a_west, b_east) <= 0 && gl_edge_compare_lng(b_west, a_east) <= 0;
}

/* Order of two points along an axis: latitude, or longitude where by_lng. */
static int
axis_compare(const GlPlanePoint *a, const GlPlanePoint *b, bool by_lng)
{
	if (by_lng)
		return gl_edge_compare_lng(a, b);
	return (a->lat > b->lat) - (a->lat < b->lat);
}

/* Do two edges of one line share more than a point? */
static bool
collinear_overlap(const GlEdge *a, const GlEdge *b)
{
	bool by_lng = a->from.lat == a->to.lat;
	bool a_up = axis_compare(&a->from, &a->to, by_lng) < 0;
	bool b_up = axis_compare(&b->from, &b->to, by_lng) < 0;
	const GlPlanePoint *a_low = a_up ? &a->from : &a->to;
	const GlPlanePoint *a_high = a_up ? &a->to : &a->from;
	const GlPlanePoint *b_low = b_up ? &b->from : &b->to;
	const GlPlanePoint *b_high = b_up ? &b->to : &b->from;

	/* An edge of no length (a meridian written with both signs) overlaps nothing. */
	if (axis_compare(a_low, a_high, by_lng) == 0 || axis_compare(b_low, b_high, by_lng) == 0)
		return false;
	return axis_compare(a_low, b_high, by_lng) < 0 && axis_compare(b_low, a_high, by_lng) < 0;
}

/*
 * passing starts inside the other edge's line (from_side is 0): does the ring
 * cross the other edge there, coming from before passing to its end?
 */
static bool
passes_through(const Search *search, const RingEdge *passing, const GlEdge *other, int to_side)
{
	const GlPlanePoint *at = &passing->edge.from;
	uint32_t first = search->ring_starts[passing->ring];
	uint32_t last = search->ring_starts[passing->ring + 1] - 1;
	GlPlanePoint before =
		gl_polygon_point(search->polygon, passing->slot == first ? last - 1 : passing->slot - 1);
	bool by_lng = other->from.lat == other->to.lat;
	int from_order = axis_compare(&other->from, at, by_lng);
	int to_order = axis_compare(&other->to, at, by_lng);

	if (from_order * to_order >= 0)
		return false;
	return gl_edge_orientation(&other->from, &other->to, &before) * to_side < 0;
}

/* How two edges of one ring whose latitudes meet intersect, as a word for the message, or NULL. */
static const char *
edges_intersect(const Search *search, const RingEdge *a, const RingEdge *b)
{
	const GlEdge *edge_a = &a->edge;
	const GlEdge *edge_b = &b->edge;
	int b_from;
	int b_to;
	int a_from;
	int a_to;

	if (!lng_ranges_meet(edge_a, edge_b))
		return NULL;
	b_from = gl_edge_orientation(&edge_a->from, &edge_a->to, &edge_b->from);
	b_to = gl_edge_orientation(&edge_a->from, &edge_a->to, &edge_b->to);
	if (b_from * b_to > 0)
		return NULL;
	a_from = gl_edge_orientation(&edge_b->from, &edge_b->to, &edge_a->from);
	a_to = gl_edge_orientation(&edge_b->from, &edge_b->to, &edge_a->to);
	if (b_from * b_to < 0 && a_from * a_to < 0)
		return "crosses";
	if (b_from == 0 && b_to == 0)
		return collinear_overlap(edge_a, edge_b) ? "overlaps" : NULL;
	if (b_from == 0 && passes_through(search, b, edge_a, b_to))
		return "crosses";
	if (a_from == 0 && passes_through(search, a, edge_b, a_to))
		return "crosses";
	return NULL;
}

/* The edges of a leaf's slots; answers how many. */
static uint32_t
leaf_edges(const Search *search, uint32_t leaf, RingEdge edges[GL_POLYGON_LEAF])
{
	uint32_t slot = leaf * GL_POLYGON_LEAF;
	uint32_t end = slot + GL_POLYGON_LEAF;
	uint32_t count = 0;
	uint32_t low = 0;
	uint32_t high = search->polygon->ring_count;

	while (high - low > 1)
	{
		uint32_t middle = low + (high - low) / 2;

		if (search->ring_starts[middle] <= slot)
			low = middle;
		else
			high = middle;
	}
	if (end > search->polygon->point_count)
		end = search->polygon->point_count;
	for (; slot < end; slot++)
	{
		if (search->ring_starts[low + 1] == slot + 1)
		{
			low++;
			continue;
		}
		edges[count].edge.from = gl_polygon_point(search->polygon, slot);
		edges[count].edge.to = gl_polygon_point(search->polygon, slot + 1);
		edges[count].min_lat = fmin(edges[count].edge.from.lat, edges[count].edge.to.lat);
		edges[count].max_lat = fmax(edges[count].edge.from.lat, edges[count].edge.to.lat);
		edges[count].slot = slot;
		edges[count].ring = low;
		count++;
	}
	return count;
}

/* Compares the edges of two leaves, or of one with itself. */
static void
leaves_compare(Search *search, uint32_t leaf_a, uint32_t leaf_b)
{
	RingEdge edges_a[GL_POLYGON_LEAF];
	RingEdge edges_b[GL_POLYGON_LEAF];
	uint32_t count_a = leaf_edges(search, leaf_a, edges_a);
	uint32_t count_b = leaf_edges(search, leaf_b, edges_b);
	uint32_t i;
	uint32_t j;

	search->pairs += (uint64_t) count_a * count_b;
	for (i = 0; i < count_a; i++)
		for (j = leaf_a == leaf_b ? i + 1 : 0; j < count_b; j++)
		{
			if (edges_a[i].max_lat < edges_b[j].min_lat ||
				edges_b[j].max_lat < edges_a[i].min_lat || edges_a[i].ring != edges_b[j].ring)
				continue;
			search->found = edges_intersect(search, &edges_a[i], &edges_b[j]);
			if (search->found != NULL)
			{
				search->found_slot = edges_a[i].slot;
				return;
			}
		}
}

/* GL_OK while the search may go on. */
static GlStatus
search_check(Search *search)
{
	if (search->pairs > GL_POLYGON_PAIR_BUDGET)
		return GL_LIMIT;
	if (search->pairs < search->next_stop_check)
		return GL_OK;
	search->next_stop_check = search->pairs + STOP_CHECK_INTERVAL;
	if (search->stop != NULL && search->stop->requested(search->stop->context))
		return GL_STOPPED;
	return GL_OK;
}

/* Searches all pairs under two boxes of a level (a <= b).  Recursion is as deep as the tree. */
static GlStatus
boxes_search(Search *search, uint32_t level, uint32_t a, uint32_t b)
{
	const GlPolygon *polygon = search->polygon;
	const GlPolygonBox *box_a = &search->boxes[polygon->level_starts[level] + a];
	const GlPolygonBox *box_b = &search->boxes[polygon->level_starts[level] + b];
	GlStatus status = search_check(search);
	uint32_t below;
	uint32_t i;
	uint32_t j;

	search->pairs++;
	if (status != GL_OK || box_a->max_lat < box_b->min_lat || box_b->max_lat < box_a->min_lat ||
		box_a->max_lng < box_b->min_lng || box_b->max_lng < box_a->min_lng)
		return status;
	if (level == 0)
	{
		leaves_compare(search, a, b);
		return GL_OK;
	}
	below = polygon->level_starts[level] - polygon->level_starts[level - 1];
	for (i = a * GL_POLYGON_FANOUT; i < (a + 1) * GL_POLYGON_FANOUT && i < below; i++)
		for (j = a == b ? i : b * GL_POLYGON_FANOUT; j < (b + 1) * GL_POLYGON_FANOUT && j < below;
			 j++)
		{
			status = boxes_search(search, level - 1, i, j);
			if (status != GL_OK || search->found != NULL)
				return status;
		}
	return GL_OK;
}

/* As promised in polygon.h. */
GlStatus
gl_polygon_self_intersects(const GlPolygon *polygon, GlStop *stop, bool *answer, GlError *where)
{
	const char *base = (const char *) polygon;
	Search search;
	GlStatus status;

	search.polygon = polygon;
	search.boxes = (const GlPolygonBox *) (base + polygon->boxes_offset);
	search.ring_starts = (const uint32_t *) (base + polygon->rings_offset);
	search.stop = stop;
	search.pairs = 0;
	search.next_stop_check = 0;
	search.found_slot = 0;
	search.found = NULL;
	*answer = false;
	where->where = -1;
	where->message[0] = '\0';
	status = boxes_search(&search, polygon->level_count - 1, 0, 0);
	if (status == GL_OK && search.found != NULL)
	{
		GlPlanePoint point = gl_polygon_point(polygon, search.found_slot);

		*answer = true;
		where->where = search.found_slot;
		snprintf(where->message, sizeof(where->message),
				 "the ring %s itself on the edge that starts at lat %.15g, lng %.15g", search.found,
				 point.lat, point.lng);
	}
	return status;
}
