/*-------------------------------------------------------------------------
 *
 * solver_pairs.c
 *	  The pools of two groups.
 *
 * This level decides nearly every real cart, and it is much simpler than the
 * others: of a cover by two sets the first in order keeps all its items, so
 * the pool is that set and the rest of the component. There are as many
 * candidates as sets, not as pairs of sets, and only those with half of the
 * items or more; the second set has only to exist. Absorption needs no look
 * either: a set that has one group and also the other is the whole component,
 * which is not among the sets.
 *
 * Candidates are tried by ascending fee, so that the list fills with good
 * pools and a look for a cheaper option ends after the few cheapest sets.
 *
 *-------------------------------------------------------------------------
 */
#include "pool/solver_internal.h"

#include <string.h>

/* See solver_internal.h. */
int
gl_pool_list_classes(const GlPoolComponent *component, const uint64_t *set, int *classes)
{
	int count = 0;
	int w;

	for (w = 0; w < component->words; w++)
	{
		uint64_t bits = set[w];

		for (; bits != 0; bits &= bits - 1)
			classes[count++] = w * 64 + __builtin_ctzll(bits);
	}
	return count;
}

/* See solver_internal.h. */
int
gl_pool_find_superset(const GlPoolComponent *component, const uint64_t *columns, const int *classes,
					  int class_count, int from)
{
	uint64_t mask = ~UINT64_C(0) << (from % 64);
	int sw;

	for (sw = from / 64; sw < component->set_words; sw++, mask = ~UINT64_C(0))
	{
		uint64_t common = gl_pool_common(component, columns, sw, classes, class_count) & mask;

		if (common != 0)
			return sw * 64 + __builtin_ctzll(common);
	}
	return -1;
}

/* See solver_internal.h. */
int64_t
gl_pool_least_fee(const GlPoolComponent *component, const int *classes, int class_count,
				  int64_t limit)
{
	int sw;

	for (sw = 0; sw < component->set_words && component->fees[sw * 64] <= limit; sw++)
	{
		uint64_t common =
			gl_pool_common(component, component->holders_by_fee, sw, classes, class_count);

		if (common != 0)
		{
			int64_t fee = component->fees[sw * 64 + __builtin_ctzll(common)];

			return fee <= limit ? fee : -1;
		}
	}
	return -1;
}

/*
 * The least fee of a set that contains these classes; -1: it is more than
 * limit. For many classes and a close limit, where a look at the few cheapest
 * sets costs less than the columns of the classes.
 */
static int64_t
least_fee_of_large(const GlPoolComponent *component, const uint64_t *group, int64_t limit)
{
	int i;

	for (i = 0; i < component->set_count && component->fees[i] <= limit; i++)
	{
		const uint64_t *set =
			component->sets + (size_t) component->fee_order[i] * (size_t) component->words;

		if (gl_pool_contains(set, group, component->words))
			return component->fees[i];
	}
	return -1;
}

/*
 * The pool of a set and the rest. groups: both, by first class; rest: the
 * index of the rest's group; classes: scratch.
 */
static bool
search_pair(GlPoolWork *work, GlPoolComponent *component, int set, const uint64_t *groups, int rest,
			int *classes)
{
	size_t words = (size_t) component->words;
	int64_t limit = gl_pool_fee_limit(work, component);
	int64_t fees[2];
	int count;

	/* A full list of pools at this very fee is common where all fees are equal. */
	if (gl_pool_is_late(work, component, 2, 2 * component->least_fee, groups, 2))
		return true;
	count = gl_pool_list_classes(component, groups + (size_t) rest * words, classes);
	fees[rest] = gl_pool_least_fee(component, classes, count, limit - component->least_fee);
	if (fees[rest] < 0)
		return true;
	fees[1 - rest] =
		least_fee_of_large(component, groups + (size_t) (1 - rest) * words, limit - fees[rest]);
	if (fees[1 - rest] < 0 ||
		gl_pool_find_superset(component, component->holders, classes, count, set + 1) < 0)
		return true;
	return gl_pool_insert(work, component, 2, fees[0] + fees[1], groups, fees);
}

/* See solver_internal.h. */
bool
gl_pool_search_pairs(GlPoolWork *work, GlPoolComponent *component)
{
	size_t words = (size_t) component->words;
	uint64_t *groups = gl_pool_allocate(work, 2 * words, sizeof(uint64_t));
	int *classes = gl_pool_allocate(work, (size_t) component->class_count, sizeof(int));
	size_t w;
	int i;

	if (work->status != GL_OK)
		return false;
	for (i = 0; i < component->set_count; i++)
	{
		int set = component->fee_order[i];
		const uint64_t *items = component->sets + (size_t) set * words;
		int rest = (int) (items[0] & 1);

		if (2 * component->sizes[set] < component->item_count)
			continue; /* the rest is larger than any later set */
		if (!gl_pool_spend_node(work))
			return false;
		for (w = 0; w < words; w++)
		{
			groups[(size_t) (1 - rest) * words + w] = items[w];
			groups[(size_t) rest * words + w] = component->all[w] & ~items[w];
		}
		if (!search_pair(work, component, set, groups, rest, classes))
			return false;
	}
	return true;
}
