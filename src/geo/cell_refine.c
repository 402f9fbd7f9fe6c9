/*-------------------------------------------------------------------------
 *
 * cell_refine.c
 *	  Makes a node ready to answer, when a question comes to it.
 *
 * A node is not ready for one of three reasons.  Shapes were added above it:
 * an inner node hands them to its children, by their bounds.  Shapes wait in
 * a leaf: where most are smaller than the cell, the cell is cut and they are
 * handed down; where not, their geometry is fetched and put in relation to
 * the cell.  A leaf has too many edges: the cell is cut.
 *
 * Whatever can fail or leave by longjmp (fetching) comes before anything is
 * changed, and a node is replaced when its successor is whole.
 *
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>
#include <string.h>

#include "geo/cell_node.h"

/*
 * A leaf is cut above this sum of its entries' costs, an edge costing 1, and
 * above this number of shapes that wait, without fetching them, until
 * nodes take a part of the budget; twice of it until they take half of that
 * part more, and so on: many zones are rather answered a little slower than
 * forgotten and fetched again.
 */
#define FINE_COST 11
#define FINE_PART 8

#define DISTANCE_COST 4
#define EVALUATED_COST 4

/* Degrees below which no cell is cut, however many edges meet in it: 2 m. */
#define SMALLEST_HEIGHT 2e-5

/* A geometry above this part of the budget is not kept. */
#define LARGEST_PART 4

/* An entry of a node on its way into the next one: where its runs are. */
typedef struct Moving
{
	uint32_t rank;
	uint32_t index;
	uint32_t first_run;
} Moving;

static bool
over_limit(const GlCellTree *tree, size_t more)
{
	return tree->node_bytes + tree->geometry_bytes + more > tree->limit;
}

static bool
alive(const GlCellTree *tree, uint32_t shape)
{
	return tree->shapes[shape].owner != GL_CELL_NOBODY;
}

static bool
may_cut(const GlCellTree *tree, const GlCell *cell)
{
	return cell->level < GL_CELL_LEVELS && cell->height > SMALLEST_HEIGHT &&
		   !(tree->tight && over_limit(tree, 0));
}

static uint64_t
leaf_cost(const GlCellTree *tree)
{
	size_t part = tree->limit / FINE_PART;
	uint64_t cost = FINE_COST;

	for (size_t used = part; used < tree->node_bytes && cost < UINT32_MAX; used += part / 2 + 1)
		cost *= 2;
	return cost;
}

/* The runs of the scratch; where there never was one, something to point to. */
static const uint32_t *
scratch_runs(const GlCellTree *tree)
{
	static const uint32_t none = 0;

	return tree->runs.words != NULL ? tree->runs.words : &none;
}

static uint32_t
edge_count(const uint32_t *runs, uint32_t count)
{
	uint32_t edges = count;

	for (uint32_t i = 0; i < count; i++)
		edges += runs[i] & GL_CELL_RUN_MORE;
	return edges;
}

/* Lies the point on any of the edges? */
static bool
on_edges(const void *polygon, const uint32_t *runs, uint32_t count, const GlPlanePoint *point)
{
	GlCellPoints points = gl_cell_points(polygon);

	for (uint32_t i = 0; i < count; i++)
	{
		uint32_t first = runs[i] >> GL_CELL_RUN_BITS;
		uint32_t last = first + (runs[i] & GL_CELL_RUN_MORE);

		for (uint32_t slot = first; slot <= last; slot++)
		{
			GlPoint from = gl_cell_point(&points, slot);
			GlPoint to = gl_cell_point(&points, slot + 1);
			GlEdge edge = {{from.lat, from.lng, 0}, {to.lat, to.lng, 0}};

			if (gl_edge_crossing(&edge, point) == GL_CROSSING_ON)
				return true;
		}
	}
	return false;
}

/*
 * Chooses the reference of the entries in the scratch: a point that lies on
 * none of their edges.  Where none of a few does, the shapes that it lies on
 * are asked as a whole.
 */
static uint32_t
choose_reference(GlCellTree *tree, const GlCell *cell)
{
	GlCellEntry *entries = (GlCellEntry *) tree->entries.words;
	uint32_t count = tree->entries.count / 2;
	uint32_t chosen = 0;
	GlPlanePoint point;

	for (uint32_t n = 0; n < GL_CELL_REFERENCES; n++)
	{
		const uint32_t *runs = scratch_runs(tree);
		bool on = false;

		point = gl_cell_reference(cell, n);
		for (uint32_t i = 0; i < count && !on; i++)
		{
			on = entries[i].state == GL_CELL_EDGES &&
				 on_edges(tree->shapes[entries[i].shape].geometry, runs, entries[i].run_count,
						  &point);
			runs += entries[i].run_count;
		}
		chosen = n;
		if (!on)
			break;
	}
	point = gl_cell_reference(cell, chosen);
	for (uint32_t i = 0, run = 0; i < count; run += entries[i++].run_count)
	{
		const void *polygon = tree->shapes[entries[i].shape].geometry;

		if (entries[i].state != GL_CELL_EDGES)
			continue;
		if (on_edges(polygon, scratch_runs(tree) + run, entries[i].run_count, &point))
			entries[i].state = GL_CELL_EVALUATED;
		entries[i].inside = gl_cell_polygon_covers(polygon, point.lat, point.lng);
	}
	return chosen;
}

/* Is what the scratch holds cheap enough to answer from?  A shape that waits never is. */
static bool
scratch_ready(const GlCellTree *tree, const GlCell *cell)
{
	const GlCellEntry *entries = (const GlCellEntry *) tree->entries.words;
	const uint32_t *runs = scratch_runs(tree);
	uint64_t cost = 0;

	for (uint32_t i = 0; i < tree->entries.count / 2; i++)
	{
		if (entries[i].state == GL_CELL_WAITING)
			return false;
		if (entries[i].state == GL_CELL_DISTANCE)
			cost += DISTANCE_COST;
		else if (entries[i].state == GL_CELL_EDGES)
			cost += edge_count(runs, entries[i].run_count);
		else if (tree->shapes[entries[i].shape].geometry != NULL)
			cost += EVALUATED_COST;
		runs += entries[i].run_count;
	}
	return cost <= leaf_cost(tree) || !may_cut(tree, cell);
}

/* Two ordered lists, the scratch's first "old" covers and the rest, into one. */
static void
merge_covers(const GlCellTree *tree, uint32_t old, uint32_t *into)
{
	const uint32_t *covers = tree->covers.words;
	uint32_t a = 0;
	uint32_t b = old;

	while (a < old || b < tree->covers.count)
	{
		bool from_a =
			b == tree->covers.count || (a < old && tree->ranks[tree->shapes[covers[a]].owner] <
													   tree->ranks[tree->shapes[covers[b]].owner]);

		*into++ = from_a ? covers[a++] : covers[b++];
	}
}

/* A leaf of what the scratch holds, its first "old" covers in order and the others too. */
static GlStatus
write_leaf(GlCellTree *tree, const GlCell *cell, uint32_t old, uint32_t *handle)
{
	bool ready = scratch_ready(tree, cell);
	GlCellNode *node;
	uint32_t reference = 0;

	*handle = 0;
	if (tree->entries.count == 0 && tree->covers.count == 0)
		return GL_OK;
	if (tree->entries.count == 0 && tree->covers.count == 1)
	{
		*handle = tree->covers.words[0] | GL_CELL_WHOLE;
		return GL_OK;
	}
	if (ready)
		reference = choose_reference(tree, cell);
	*handle =
		gl_cell_alloc(tree, false, tree->covers.count, tree->entries.count / 2, tree->runs.count);
	if (*handle == 0)
		return GL_NO_MEMORY;
	node = gl_cell_node(tree, *handle);
	node->reference = reference;
	node->ready = ready;
	merge_covers(tree, old, gl_cell_covers(node));
	if (tree->entries.count > 0)
		memcpy(gl_cell_entries(node), tree->entries.words, tree->entries.count * sizeof(uint32_t));
	if (tree->runs.count > 0)
		memcpy(gl_cell_runs(node), tree->runs.words, tree->runs.count * sizeof(uint32_t));
	return GL_OK;
}

static void
empty_scratch(GlCellTree *tree)
{
	tree->covers.count = 0;
	tree->entries.count = 0;
	tree->runs.count = 0;
}

static bool
push_entry(GlCellTree *tree, const GlCellEntry *entry)
{
	uint32_t words[2];

	memcpy(words, entry, sizeof(words));
	return gl_cell_push(tree, &tree->entries, words[0]) &&
		   gl_cell_push(tree, &tree->entries, words[1]);
}

/* An entry of the parent as the child's cell sees it, into the scratch. */
static GlStatus
inherit(GlCellTree *tree, const GlCellEntry *parent, const uint32_t *runs, const GlCell *cell)
{
	const GlCellShape *shape = &tree->shapes[parent->shape];
	GlPlanePoint middle = gl_cell_reference(cell, 0);
	GlCellRelation relation = GL_CELL_MEETS;
	GlCellEntry entry = *parent;
	GlStatus status = GL_OK;
	uint32_t kept = 0;

	if (!gl_cell_bounds_meet(&shape->bounds, cell))
		return GL_OK;
	if (parent->state == GL_CELL_EDGES)
	{
		if (!gl_cell_filter_runs(tree, shape->geometry, runs, parent->run_count, cell, &kept))
			return GL_NO_MEMORY;
		entry.run_count = kept;
		if (kept == 0)
			relation = gl_cell_polygon_covers(shape->geometry, middle.lat, middle.lng)
						   ? GL_CELL_COVERS
						   : GL_CELL_OUTSIDE;
	}
	else if (parent->state != GL_CELL_WAITING && shape->geometry != NULL)
		status = gl_cell_classify(tree, parent->shape, cell, &relation, &entry);
	if (status != GL_OK)
		return status;
	if (relation == GL_CELL_COVERS)
		return gl_cell_push(tree, &tree->covers, parent->shape) ? GL_OK : GL_NO_MEMORY;
	if (relation == GL_CELL_MEETS && !push_entry(tree, &entry))
		return GL_NO_MEMORY;
	return GL_OK;
}

static GlStatus
make_child(GlCellTree *tree, GlCellNode *parent, const GlCell *cell, uint32_t *handle)
{
	const GlCellEntry *entries = gl_cell_entries(parent);
	const uint32_t *runs = gl_cell_runs(parent);

	if (tree->source.stop.requested != NULL &&
		tree->source.stop.requested(tree->source.stop.context))
		return GL_STOPPED;
	if (!tree->tight && over_limit(tree, 0))
		return GL_LIMIT;
	empty_scratch(tree);
	for (uint32_t i = 0; i < parent->entry_count; i++)
	{
		GlStatus status = GL_OK;

		if (alive(tree, entries[i].shape))
			status = inherit(tree, &entries[i], runs, cell);
		if (status != GL_OK)
			return status;
		runs += entries[i].run_count;
	}
	return write_leaf(tree, cell, 0, handle);
}

/* Cuts the leaf at the link into an inner node with 16 children. */
static GlStatus
cut(GlCellTree *tree, uint32_t *link, const GlCell *cell)
{
	GlCellNode *leaf = gl_cell_node(tree, *link);
	uint32_t children[GL_CELL_CHILDREN];
	GlStatus status = GL_OK;
	uint32_t handle = 0;
	int made = 0;
	GlCellNode *node;

	while (status == GL_OK && made < GL_CELL_CHILDREN)
	{
		GlCell below = gl_cell_child(tree, cell, made);

		status = make_child(tree, leaf, &below, &children[made]);
		if (status == GL_OK)
			made++;
	}
	if (status == GL_OK)
	{
		handle = gl_cell_alloc(tree, true, leaf->cover_count, 0, 0);
		if (handle == 0)
			status = GL_NO_MEMORY;
	}
	if (status != GL_OK)
	{
		while (made > 0)
			gl_cell_free(tree, children[--made]);
		return status;
	}
	node = gl_cell_node(tree, handle);
	node->ready = 1;
	memcpy(gl_cell_children(node), children, sizeof(children));
	memcpy(gl_cell_covers(node), gl_cell_covers(leaf), leaf->cover_count * sizeof(uint32_t));
	gl_cell_free(tree, *link);
	*link = handle;
	return GL_OK;
}

/* Fetches the geometry of the shapes that wait in a leaf, as far as it is to be kept. */
static GlStatus
fetch(GlCellTree *tree, GlCellNode *leaf)
{
	const GlCellEntry *entries = gl_cell_entries(leaf);

	for (uint32_t i = 0; i < leaf->entry_count; i++)
	{
		GlCellShape *shape = &tree->shapes[entries[i].shape];
		GlStatus status;

		if (entries[i].state != GL_CELL_WAITING || !alive(tree, entries[i].shape) ||
			shape->geometry != NULL || shape->bytes > tree->limit / LARGEST_PART)
			continue;
		if (tree->source.stop.requested != NULL &&
			tree->source.stop.requested(tree->source.stop.context))
			return GL_STOPPED;
		if (over_limit(tree, shape->bytes))
		{
			if (tree->tight)
				continue;
			return GL_LIMIT;
		}
		status = tree->source.load(tree->source.context, entries[i].shape, &shape->geometry);
		if (status != GL_OK)
			return status;
		shape->packed =
			shape->kind == GL_CELL_POLYGON && gl_cell_points(shape->geometry).packed != NULL;
		tree->geometry_bytes += shape->kind == GL_CELL_CIRCLE
									? sizeof(GlCircle)
									: gl_cell_polygon_bytes(shape->geometry);
	}
	return GL_OK;
}

static int
compare_ranks(const void *a, const void *b)
{
	const Moving *left = a;
	const Moving *right = b;

	if (left->rank != right->rank)
		return left->rank < right->rank ? -1 : 1;
	return (left->index > right->index) - (left->index < right->index);
}

/* The live entries of a leaf in the order of their ranks, at the end of the scratch of runs. */
static GlStatus
sort_entries(GlCellTree *tree, GlCellNode *leaf, uint32_t *count)
{
	const GlCellEntry *entries = gl_cell_entries(leaf);
	uint32_t run = 0;

	*count = 0;
	tree->order.count = 0;
	for (uint32_t i = 0; i < leaf->entry_count; run += entries[i++].run_count)
	{
		if (!alive(tree, entries[i].shape))
			continue;
		if (!gl_cell_push(tree, &tree->order, tree->ranks[tree->shapes[entries[i].shape].owner]) ||
			!gl_cell_push(tree, &tree->order, i) || !gl_cell_push(tree, &tree->order, run))
			return GL_NO_MEMORY;
		(*count)++;
	}
	if (*count > 1)
		qsort(tree->order.words, *count, sizeof(Moving), compare_ranks);
	return GL_OK;
}

/* One entry of a leaf whose shapes were fetched, into the scratch. */
static GlStatus
settle_entry(GlCellTree *tree, const GlCellEntry *old, const uint32_t *runs, const GlCell *cell)
{
	GlCellRelation relation = GL_CELL_MEETS;
	GlCellEntry entry = *old;
	GlStatus status = GL_OK;

	if (old->state == GL_CELL_WAITING && tree->shapes[old->shape].geometry == NULL)
		entry.state = GL_CELL_EVALUATED;
	else if (old->state == GL_CELL_WAITING)
		status = gl_cell_classify(tree, old->shape, cell, &relation, &entry);
	else
		for (uint32_t i = 0; i < old->run_count; i++)
			if (!gl_cell_push(tree, &tree->runs, runs[i]))
				return GL_NO_MEMORY;
	if (status != GL_OK || relation == GL_CELL_OUTSIDE)
		return status;
	if (relation == GL_CELL_COVERS)
		return gl_cell_push(tree, &tree->covers, old->shape) ? GL_OK : GL_NO_MEMORY;
	return push_entry(tree, &entry) ? GL_OK : GL_NO_MEMORY;
}

/* Puts the shapes that wait in the leaf at the link in relation to its cell. */
static GlStatus
settle(GlCellTree *tree, uint32_t *link, const GlCell *cell)
{
	GlCellNode *leaf = gl_cell_node(tree, *link);
	GlStatus status = fetch(tree, leaf);
	const Moving *order;
	uint32_t count;
	uint32_t old;
	uint32_t handle;

	if (status == GL_OK)
		status = sort_entries(tree, leaf, &count);
	if (status != GL_OK)
		return status;
	empty_scratch(tree);
	for (uint32_t i = 0; i < leaf->cover_count; i++)
		if (alive(tree, gl_cell_covers(leaf)[i]) &&
			!gl_cell_push(tree, &tree->covers, gl_cell_covers(leaf)[i]))
			return GL_NO_MEMORY;
	old = tree->covers.count;
	order = (const Moving *) tree->order.words;
	for (uint32_t i = 0; i < count && status == GL_OK; i++)
		status = settle_entry(tree, &gl_cell_entries(leaf)[order[i].index],
							  gl_cell_runs(leaf) + order[i].first_run, cell);
	if (status == GL_OK)
		status = write_leaf(tree, cell, old, &handle);
	if (status != GL_OK)
		return status;
	gl_cell_free(tree, *link);
	*link = handle;
	return GL_OK;
}

/* The node at the link, if any, with more shapes that wait. */
GlStatus
gl_cell_wait(GlCellTree *tree, uint32_t *link, const uint32_t *shapes, uint32_t count)
{
	bool whole = (*link & GL_CELL_WHOLE) != 0;
	GlCellNode *old = *link == 0 || whole ? NULL : gl_cell_node(tree, *link);
	uint32_t covers = old != NULL ? old->cover_count : whole;
	uint32_t kept = old != NULL ? old->entry_count : 0;
	uint32_t runs = old != NULL ? gl_cell_run_count(old) : 0;
	bool inner = old != NULL && old->inner;
	uint32_t handle;
	GlCellNode *node;

	handle = gl_cell_alloc(tree, inner, covers, kept + count, runs);
	if (handle == 0)
		return GL_NO_MEMORY;
	node = gl_cell_node(tree, handle);
	if (inner)
		memcpy(gl_cell_children(node), gl_cell_children(old), GL_CELL_CHILDREN * sizeof(uint32_t));
	if (whole)
		gl_cell_covers(node)[0] = *link & ~GL_CELL_WHOLE;
	if (old != NULL)
	{
		memcpy(gl_cell_covers(node), gl_cell_covers(old), covers * sizeof(uint32_t));
		memcpy(gl_cell_entries(node), gl_cell_entries(old), kept * sizeof(GlCellEntry));
		memcpy(gl_cell_runs(node), gl_cell_runs(old), runs * sizeof(uint32_t));
	}
	for (uint32_t i = 0; i < count; i++)
	{
		GlCellEntry entry = {shapes[i], GL_CELL_WAITING, 0, 0};

		gl_cell_entries(node)[kept + i] = entry;
	}
	gl_cell_free(tree, *link);
	*link = handle;
	return GL_OK;
}

/* Hands the shapes that wait in an inner node to its children. */
static GlStatus
hand_down(GlCellTree *tree, uint32_t *link, const GlCell *cell)
{
	GlCellNode *node = gl_cell_node(tree, *link);

	if (!tree->tight && over_limit(tree, 0))
		return GL_LIMIT;
	for (int child = 0; child < GL_CELL_CHILDREN; child++)
	{
		GlCell below = gl_cell_child(tree, cell, child);
		GlStatus status = GL_OK;

		tree->order.count = 0;
		for (uint32_t i = 0; i < node->entry_count; i++)
		{
			uint32_t shape = gl_cell_entries(node)[i].shape;

			if (alive(tree, shape) && gl_cell_bounds_meet(&tree->shapes[shape].bounds, &below) &&
				!gl_cell_push(tree, &tree->order, shape))
				return GL_NO_MEMORY;
		}
		if (tree->order.count > 0)
			status = gl_cell_wait(tree, &gl_cell_children(node)[child], tree->order.words,
								  tree->order.count);
		if (status != GL_OK)
			return status;
	}
	node->entry_count = 0;
	node->ready = 1;
	return GL_OK;
}

/* Would fetching be in vain, as most of what waits in the leaf is not all over the cell? */
static bool
better_cut(const GlCellTree *tree, GlCellNode *leaf, const GlCell *cell, uint32_t *waiting)
{
	const GlCellEntry *entries = gl_cell_entries(leaf);
	uint32_t spanning = 0;

	*waiting = 0;
	for (uint32_t i = 0; i < leaf->entry_count; i++)
	{
		const GlCellBounds *bounds = &tree->shapes[entries[i].shape].bounds;

		if (entries[i].state != GL_CELL_WAITING)
			continue;
		(*waiting)++;
		if (bounds->min_lat <= cell->lat && bounds->max_lat >= cell->lat + cell->height &&
			bounds->min_lng <= cell->lng && bounds->max_lng >= cell->lng + cell->width)
			spanning++;
	}
	return *waiting > leaf_cost(tree) && spanning <= *waiting / 2 && may_cut(tree, cell);
}

/* As promised in cell_node.h. */
GlStatus
gl_cell_refine(GlCellTree *tree, uint32_t *link, const GlCell *cell)
{
	GlCellNode *node = gl_cell_node(tree, *link);
	uint32_t waiting;
	GlStatus status;

	if (node->inner)
		return hand_down(tree, link, cell);
	if (better_cut(tree, node, cell, &waiting) || (waiting == 0 && may_cut(tree, cell)))
		return cut(tree, link, cell);
	status = settle(tree, link, cell);
	if (status != GL_OK || *link == 0 || (*link & GL_CELL_WHOLE) != 0)
		return status;
	return gl_cell_node(tree, *link)->ready ? GL_OK : cut(tree, link, cell);
}
