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

#define SIZE_STEPS 16

/* What the candidates have in common. */
typedef struct PairSearch
{
	GlPoolWork *work;
	GlPoolComponent *component;
	uint64_t *up_to; /* per word of sets and step of size, the sets that are of this step at most */
	uint64_t *groups; /* the candidate's, by first class */
	int *classes;     /* of the rest */
} PairSearch;

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
		uint64_t common = gl_pool_common(component, component->holders, sw, classes, class_count);

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
		const uint64_t *set = component->sets + (size_t) i * (size_t) component->words;

		if (gl_pool_contains(set, group, component->words))
			return component->fees[i];
	}
	return -1;
}

/* Whether the set comes after another one in the order in which items go to them (see solver.h). */
static bool
is_later(const GlPoolComponent *component, int set, int other)
{
	size_t words = (size_t) component->words;

	if (component->sizes[set] != component->sizes[other])
		return component->sizes[set] < component->sizes[other];
	if (component->fees[set] != component->fees[other])
		return component->fees[set] > component->fees[other];
	return gl_pool_row_is_first(component->sets + (size_t) other * words,
								component->sets + (size_t) set * words);
}

/* The step, of SIZE_STEPS, that a set's size is in. */
static int
size_step(const GlPoolComponent *component, int set)
{
	return component->sizes[set] * SIZE_STEPS / component->item_count;
}

/* Fills up_to. */
static void
sort_by_step(PairSearch *search)
{
	const GlPoolComponent *component = search->component;
	int i;
	int sw;

	for (i = 0; i < component->set_count; i++)
		gl_pool_bit_add(search->up_to + i / 64 * SIZE_STEPS + size_step(component, i), i % 64);
	for (sw = 0; sw < component->set_words; sw++)
	{
		for (i = 1; i < SIZE_STEPS; i++)
			search->up_to[sw * SIZE_STEPS + i] |= search->up_to[sw * SIZE_STEPS + i - 1];
	}
}

/*
 * Whether a set that comes after another one has the classes listed, of which
 * the other one has none. Most sets that have them may be larger than the
 * other one: those are passed over by their step of size.
 */
static bool
has_later_superset(const PairSearch *search, int class_count, int other)
{
	const GlPoolComponent *component = search->component;
	const uint64_t *up_to = search->up_to + size_step(component, other);
	int sw;

	for (sw = 0; sw < component->set_words; sw++)
	{
		uint64_t common =
			gl_pool_common(component, component->holders, sw, search->classes, class_count) &
			up_to[sw * SIZE_STEPS];

		for (; common != 0; common &= common - 1)
		{
			if (is_later(component, sw * 64 + __builtin_ctzll(common), other))
				return true;
		}
	}
	return false;
}

/* The pool of a set and the rest, which is the group of this index. */
static bool
search_pair(PairSearch *search, int set, int rest)
{
	GlPoolWork *work = search->work;
	GlPoolComponent *component = search->component;
	const uint64_t *groups = search->groups;
	size_t words = (size_t) component->words;
	int64_t limit = gl_pool_fee_limit(work, component);
	int64_t fees[2];
	int count;

	/* A full list of pools at this very fee is common where all fees are equal. */
	if (gl_pool_is_late(work, component, 2, 2 * component->least_fee, groups, 2))
		return true;
	count = gl_pool_list_classes(component, groups + (size_t) rest * words, search->classes);
	fees[rest] = gl_pool_least_fee(component, search->classes, count, limit - component->least_fee);
	if (fees[rest] < 0)
		return true;
	fees[1 - rest] =
		least_fee_of_large(component, groups + (size_t) (1 - rest) * words, limit - fees[rest]);
	if (fees[1 - rest] < 0 || !has_later_superset(search, count, set))
		return true;
	return gl_pool_insert(work, component, 2, fees[0] + fees[1], groups, fees);
}

/* See solver_internal.h. */
bool
gl_pool_search_pairs(GlPoolWork *work, GlPoolComponent *component)
{
	size_t words = (size_t) component->words;
	size_t steps = (size_t) component->set_words * SIZE_STEPS;
	PairSearch search = {work, component, NULL, NULL, NULL};
	size_t w;
	int i;

	search.groups = gl_pool_allocate(work, 2 * words, sizeof(uint64_t));
	search.classes = gl_pool_allocate(work, (size_t) component->class_count, sizeof(int));
	search.up_to = gl_pool_allocate_zeroed(work, steps, sizeof(uint64_t));
	if (work->status != GL_OK)
		return false;
	sort_by_step(&search);
	for (i = 0; i < component->set_count; i++)
	{
		const uint64_t *items = component->sets + (size_t) i * words;
		int rest = (int) (items[0] & 1);

		if (2 * component->sizes[i] < component->item_count)
			continue; /* the rest is larger than any later set */
		if (!gl_pool_spend_node(work, component))
			return false;
		for (w = 0; w < words; w++)
		{
			search.groups[(size_t) (1 - rest) * words + w] = items[w];
			search.groups[(size_t) rest * words + w] = component->all[w] & ~items[w];
		}
		if (!search_pair(&search, i, rest))
			return false;
	}
	return true;
}
