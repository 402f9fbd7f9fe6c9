/*-------------------------------------------------------------------------
 *
 * solver_pairs.c
 *	  The pools of two groups.
 *
 * This level decides nearly every real cart, and it is much simpler than the
 * others: of a cover by two sets the first in order keeps all its items, so
 * the pool is that set and the rest of the component. There are as many
 * candidates as sets, not as pairs of sets; the second set has only to exist.
 * Absorption needs no look either: a set that has one group and also the
 * other is the whole component, which is not among the sets.
 *
 *-------------------------------------------------------------------------
 */
#include "pool/solver_internal.h"

#include <string.h>

/*
 * The least member of the intersection of the columns of a group's classes,
 * from number "from" on, or -1: the first set, in the columns' numbering, that
 * contains the group.
 */
static int
first_superset(const GlPoolComponent *component, const uint64_t *columns, const int *classes,
			   int class_count, int from)
{
	size_t set_words = (size_t) component->set_words;
	size_t sw = (size_t) from / 64;
	uint64_t mask = ~UINT64_C(0) << (from % 64);

	for (; sw < set_words; sw++, mask = ~UINT64_C(0))
	{
		uint64_t common = mask;
		int i;

		for (i = 0; i < class_count && common != 0; i++)
			common &= columns[(size_t) classes[i] * set_words + sw];
		if (common != 0)
			return (int) sw * 64 + __builtin_ctzll(common);
	}
	return -1;
}

/* The classes of a set, or (inverted) those it lacks; returns how many. */
static int
list_classes(const GlPoolComponent *component, const uint64_t *set, bool inverted, int *classes)
{
	int count = 0;
	int w;

	for (w = 0; w < component->words; w++)
	{
		uint64_t bits = inverted ? component->all[w] & ~set[w] : set[w];

		for (; bits != 0; bits &= bits - 1)
			classes[count++] = w * 64 + __builtin_ctzll(bits);
	}
	return count;
}

/* The fee of the cheapest set that contains these classes; -1: there is none. */
static int64_t
least_fee(const GlPoolComponent *component, const int *classes, int class_count)
{
	int number = first_superset(component, component->holders_by_fee, classes, class_count, 0);

	return number < 0 ? -1 : component->fees[component->fee_order[number]];
}

/* See solver_internal.h. */
bool
gl_pool_floors_build(GlPoolWork *work, GlPoolComponent *component)
{
	int *classes = gl_pool_allocate(work, (size_t) component->class_count, sizeof(int));
	int i;

	component->set_floor = gl_pool_allocate(work, (size_t) component->set_count, sizeof(int64_t));
	if (work->status != GL_OK)
		return false;
	for (i = 0; i < component->set_count; i++)
	{
		const uint64_t *set = component->sets + (size_t) i * (size_t) component->words;
		int count = list_classes(component, set, false, classes);

		component->set_floor[i] = least_fee(component, classes, count);
	}
	return true;
}

/* See solver_internal.h. */
bool
gl_pool_search_pairs(GlPoolWork *work, GlPoolComponent *component)
{
	size_t words = (size_t) component->words;
	uint64_t *scratch = gl_pool_allocate(work, 2 * words, sizeof(uint64_t));
	int *classes = gl_pool_allocate(work, (size_t) component->class_count, sizeof(int));
	int64_t fees[2];
	int cover[2];

	if (work->status != GL_OK)
		return false;
	for (cover[0] = 0; cover[0] < component->set_count; cover[0]++)
	{
		const uint64_t *set = component->sets + (size_t) cover[0] * words;
		int count = list_classes(component, set, true, classes);
		int64_t bound;

		if (!gl_pool_spend_node(work))
			return false;
		cover[1] = first_superset(component, component->holders, classes, count, cover[0] + 1);
		if (cover[1] < 0)
			continue;
		bound = least_fee(component, classes, count);
		if (gl_pool_is_too_dear(work, component, bound + component->least_fee))
			continue;
		count = list_classes(component, set, false, classes);
		bound += least_fee(component, classes, count);
		if (gl_pool_is_too_dear(work, component, bound))
			continue;
		if (!gl_pool_keep_cover(work, component, cover, 2, bound, scratch, fees))
			return false;
	}
	return true;
}
