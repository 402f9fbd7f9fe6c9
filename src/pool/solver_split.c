/*-------------------------------------------------------------------------
 *
 * solver_split.c
 *	  Splits the cart into components: the smallest parts that no set crosses.
 *
 * A cart of several merchants falls apart by itself, since a store sells for
 * one merchant; so does a merchant's cold chain beside the rest of it.
 *
 * Parts are joined as bitsets. Nearly every set lies within a part that is
 * known already, which takes a look at its words; an item is looked at only
 * when two parts are joined, which happens less often than there are items.
 *
 *-------------------------------------------------------------------------
 */
#include "pool/solver_internal.h"

#include <string.h>

typedef struct Parts
{
	int words;
	int *part_of;   /* per item the part it is in, a name without meaning */
	uint64_t *bits; /* per part its items */
} Parts;

/* Joins all parts that a set has items of. */
static void
join_set(Parts *parts, const uint64_t *items)
{
	int part = parts->part_of[gl_pool_bit_first(items)];
	uint64_t *joined = parts->bits + (size_t) part * (size_t) parts->words;
	int w;
	int v;

	for (w = 0; w < parts->words; w++)
	{
		while ((items[w] & ~joined[w]) != 0)
		{
			int item = w * 64 + __builtin_ctzll(items[w] & ~joined[w]);
			const uint64_t *other =
				parts->bits + (size_t) parts->part_of[item] * (size_t) parts->words;

			for (v = 0; v < parts->words; v++)
			{
				uint64_t bits = other[v];

				joined[v] |= bits;
				for (; bits != 0; bits &= bits - 1)
					parts->part_of[v * 64 + __builtin_ctzll(bits)] = part;
			}
		}
	}
}

/* Every item alone, then joined by the sets. */
static bool
join_parts(GlPoolWork *work, Parts *parts)
{
	size_t total = (size_t) work->problem->item_count;
	int i;

	parts->words = work->words;
	parts->part_of = gl_pool_allocate(work, total, sizeof(int));
	parts->bits = gl_pool_allocate_zeroed(work, total * (size_t) work->words, sizeof(uint64_t));
	if (work->status != GL_OK)
		return false;
	for (i = 0; i < work->problem->item_count; i++)
	{
		parts->part_of[i] = i;
		gl_pool_bit_add(parts->bits + (size_t) i * (size_t) work->words, i);
	}
	for (i = 0; i < work->set_count; i++)
		join_set(parts, work->set_items[i]);
	return true;
}

/*
 * Numbers the components by their first rank: per part its component. Counts
 * their items, and gives each item its place in its component, by rank.
 */
static void
number_components(GlPoolWork *work, const Parts *parts, int *component_of, int *item_counts)
{
	int total = work->problem->item_count;
	int rank;
	int i;

	for (i = 0; i < total; i++)
		component_of[i] = -1;
	for (rank = 0; rank < total; rank++)
	{
		int item = work->rank_item[rank];
		int part = parts->part_of[item];

		if (component_of[part] < 0)
			component_of[part] = work->component_count++;
		work->item_place[item] = item_counts[component_of[part]]++;
	}
}

/* Numbers below count sorted by component, into sorted; starts: component_count + 1, and one to spare. */
static void
sort_by_component(const GlPoolWork *work, const int *component, int count, int *starts, int *sorted)
{
	int i;

	for (i = 0; i < count; i++)
		starts[component[i] + 2]++;
	for (i = 2; i < work->component_count + 2; i++)
		starts[i] += starts[i - 1];
	for (i = 0; i < count; i++)
		sorted[starts[component[i] + 1]++] = i;
}

/* Sorts the sets and the ranks by component and fills the components. */
static bool
fill_components(GlPoolWork *work, const int *component_of_set, const int *component_of_rank)
{
	size_t count = (size_t) work->component_count;
	int *set_starts = gl_pool_allocate_zeroed(work, count + 2, sizeof(int));
	int *rank_starts = gl_pool_allocate_zeroed(work, count + 2, sizeof(int));
	int *sets = gl_pool_allocate(work, (size_t) work->set_count, sizeof(int));
	int *ranks = gl_pool_allocate(work, (size_t) work->problem->item_count, sizeof(int));
	int i;

	work->components = gl_pool_allocate_zeroed(work, count, sizeof(GlPoolComponent));
	if (work->status != GL_OK)
		return false;
	sort_by_component(work, component_of_set, work->set_count, set_starts, sets);
	sort_by_component(work, component_of_rank, work->problem->item_count, rank_starts, ranks);
	for (i = 0; i < work->component_count; i++)
	{
		GlPoolComponent *component = &work->components[i];

		component->item_count = rank_starts[i + 1] - rank_starts[i];
		if (!gl_pool_component_fill(work, component, sets + set_starts[i],
									set_starts[i + 1] - set_starts[i], ranks + rank_starts[i]))
			return false;
	}
	return true;
}

/* See solver_internal.h. Every item is in a set. */
bool
gl_pool_components_build(GlPoolWork *work)
{
	size_t total = (size_t) work->problem->item_count;
	int *component_of_part = gl_pool_allocate(work, total, sizeof(int));
	int *component_of_rank = gl_pool_allocate(work, total, sizeof(int));
	int *component_of_set = gl_pool_allocate(work, (size_t) work->set_count, sizeof(int));
	int *item_counts = gl_pool_allocate_zeroed(work, total, sizeof(int));
	Parts parts;
	int i;

	work->item_place = gl_pool_allocate(work, total, sizeof(int));
	if (work->status != GL_OK || !join_parts(work, &parts))
		return false;
	number_components(work, &parts, component_of_part, item_counts);
	for (i = 0; i < work->problem->item_count; i++)
		component_of_rank[i] = component_of_part[parts.part_of[work->rank_item[i]]];
	for (i = 0; i < work->set_count; i++)
		component_of_set[i] =
			component_of_part[parts.part_of[gl_pool_bit_first(work->set_items[i])]];
	return fill_components(work, component_of_set, component_of_rank);
}
