/*-------------------------------------------------------------------------
 *
 * solver_split.c
 *	  Splits the cart into components: the smallest parts that no set crosses.
 *
 * A cart of several merchants falls apart by itself, since a store sells for
 * one merchant; so does a merchant's cold chain beside the rest of it.
 *
 *-------------------------------------------------------------------------
 */
#include "pool/solver_internal.h"

/* The root of an item, halving the path on the way. */
static int
find_root(int *parent, int item)
{
	while (parent[item] != item)
	{
		parent[item] = parent[parent[item]];
		item = parent[item];
	}
	return item;
}

/* Joins the items of one set. */
static void
join_set(int *parent, const uint64_t *items, int words)
{
	int root = find_root(parent, gl_pool_bit_first(items));
	int w;

	for (w = 0; w < words; w++)
	{
		uint64_t bits = items[w];

		for (; bits != 0; bits &= bits - 1)
		{
			int item = w * 64 + __builtin_ctzll(bits);

			if (parent[item] != root)
				parent[find_root(parent, item)] = root;
		}
	}
}

/* Numbers the components by their first rank: per item its component. Counts their items. */
static void
number_components(GlPoolWork *work, int *parent, int *component_of, int *item_counts)
{
	int total = work->problem->item_count;
	int rank;
	int item;

	for (item = 0; item < total; item++)
		component_of[item] = -1;
	for (rank = 0; rank < total; rank++)
	{
		int root = find_root(parent, work->rank_item[rank]);

		if (component_of[root] < 0)
			component_of[root] = work->component_count++;
		item_counts[component_of[root]]++;
	}
	for (item = 0; item < total; item++)
		component_of[item] = component_of[find_root(parent, item)];
}

/* Hands every offer to its component, in order. */
static bool
deal_offers(GlPoolWork *work, const int *component_of_set)
{
	int offer_count = work->problem->offer_count;
	int i;

	for (i = 0; i < work->set_count; i++)
		work->components[component_of_set[i]].offer_count += work->set_offers[i];
	for (i = 0; i < work->component_count; i++)
	{
		GlPoolComponent *component = &work->components[i];

		component->offers = gl_pool_allocate(work, (size_t) component->offer_count, sizeof(int));
		component->offer_sets =
			gl_pool_allocate(work, (size_t) component->offer_count, sizeof(int));
		component->offer_count = 0;
	}
	if (work->status != GL_OK)
		return false;
	for (i = 0; i < offer_count; i++)
	{
		GlPoolComponent *component;

		if (work->offer_set[i] < 0)
			continue;
		component = &work->components[component_of_set[work->offer_set[i]]];
		component->offers[component->offer_count] = i;
		component->offer_sets[component->offer_count++] = work->offer_set[i];
	}
	return true;
}

/* Sorts the sets by component and fills the components. */
static bool
fill_components(GlPoolWork *work, const int *component_of_set, const int *item_counts)
{
	int *starts = gl_pool_allocate(work, (size_t) work->component_count + 2, sizeof(int));
	int *sorted = gl_pool_allocate(work, (size_t) work->set_count, sizeof(int));
	int i;

	if (work->status != GL_OK)
		return false;
	for (i = 0; i < work->set_count; i++)
		starts[component_of_set[i] + 2]++;
	for (i = 2; i < work->component_count + 2; i++)
		starts[i] += starts[i - 1];
	for (i = 0; i < work->set_count; i++)
		sorted[starts[component_of_set[i] + 1]++] = i;
	for (i = 0; i < work->component_count; i++)
	{
		if (!gl_pool_component_fill(work, &work->components[i], sorted + starts[i],
									starts[i + 1] - starts[i], item_counts[i]))
			return false;
	}
	return true;
}

/* See solver_internal.h. Every item is in a set. */
bool
gl_pool_components_build(GlPoolWork *work)
{
	size_t total = (size_t) work->problem->item_count;
	int *parent = gl_pool_allocate(work, total, sizeof(int));
	int *component_of = gl_pool_allocate(work, total, sizeof(int));
	int *item_counts = gl_pool_allocate(work, total, sizeof(int));
	int *component_of_set = gl_pool_allocate(work, (size_t) work->set_count, sizeof(int));
	int i;

	work->set_place = gl_pool_allocate(work, (size_t) work->set_count, sizeof(int));
	work->item_place = gl_pool_allocate(work, total, sizeof(int));
	if (work->status != GL_OK)
		return false;
	for (i = 0; i < work->problem->item_count; i++)
		parent[i] = i;
	for (i = 0; i < work->set_count; i++)
		join_set(parent, work->set_items[i], work->words);
	number_components(work, parent, component_of, item_counts);
	for (i = 0; i < work->set_count; i++)
		component_of_set[i] = component_of[gl_pool_bit_first(work->set_items[i])];
	work->components =
		gl_pool_allocate(work, (size_t) work->component_count, sizeof(GlPoolComponent));
	if (work->components == NULL)
		return false;
	return deal_offers(work, component_of_set) &&
		   fill_components(work, component_of_set, item_counts);
}
