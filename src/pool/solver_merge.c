/*-------------------------------------------------------------------------
 *
 * solver_merge.c
 *	  The components' lists of pools into the list of the cart.
 *
 * Two lists are merged at a time, as the rounds of a tournament, so that a
 * cart of hundreds of components costs n log n. Of two sorted lists the pair
 * (i, j) comes after the (i + 1)(j + 1) - 1 pairs that are better in either
 * place, so only pairs with (i + 1)(j + 1) <= max_pools are looked at.
 *
 *-------------------------------------------------------------------------
 */
#include "pool/solver_internal.h"

#include <stdlib.h>
#include <string.h>

/* A group of a pool of some components. */
typedef struct GroupRef
{
	int rank;  /* of its first item */
	int index; /* in the entry */
	GlPoolComponent *component;
	GlPoolEntry *entry;
} GroupRef;

/* A pool of some components. */
typedef struct Combination
{
	int group_count;
	int64_t fee;
	GroupRef *groups; /* by rank */
} Combination;

typedef struct CombinationList
{
	int count;
	Combination *combinations; /* in order */
} CombinationList;

typedef struct Pair
{
	int group_count;
	int64_t fee;
	const Combination *left;
	const Combination *right;
} Pair;

/* Order of two pools of the same components with equally many groups; *rank: where they differ. */
static int
compare_combinations(const Combination *left, const Combination *right, int *rank)
{
	int i;

	*rank = INT32_MAX;
	if (left == right)
		return 0;
	for (i = 0; i < left->group_count && i < right->group_count; i++)
	{
		const GroupRef *a = &left->groups[i];
		const GroupRef *b = &right->groups[i];
		size_t words = (size_t) a->component->words;
		int order;

		if (a->entry == b->entry)
			continue;
		order = gl_pool_compare_groups(a->component, a->entry->groups + (size_t) a->index * words,
									   b->entry->groups + (size_t) b->index * words, 1, rank);
		if (order != 0)
			return order;
	}
	return 0;
}

/* Order of two pairs: the half that differs at the earlier item decides. */
static int
compare_pairs(const void *left, const void *right)
{
	const Pair *a = left;
	const Pair *b = right;
	int left_rank;
	int right_rank;
	int left_order;
	int right_order;

	if (a->group_count != b->group_count)
		return a->group_count < b->group_count ? -1 : 1;
	if (a->fee != b->fee)
		return a->fee < b->fee ? -1 : 1;
	left_order = compare_combinations(a->left, b->left, &left_rank);
	right_order = compare_combinations(a->right, b->right, &right_rank);
	return left_rank < right_rank ? left_order : right_order;
}

/* The groups of both, by rank. */
static bool
join_pair(GlPoolWork *work, const Pair *pair, Combination *joined)
{
	const GroupRef *left = pair->left->groups;
	const GroupRef *right = pair->right->groups;
	const GroupRef *left_end = left + pair->left->group_count;
	const GroupRef *right_end = right + pair->right->group_count;
	GroupRef *next = gl_pool_allocate(work, (size_t) pair->group_count, sizeof(GroupRef));

	if (next == NULL)
		return false;
	joined->group_count = pair->group_count;
	joined->fee = pair->fee;
	joined->groups = next;
	while (left < left_end || right < right_end)
	{
		if (right == right_end || (left < left_end && left->rank < right->rank))
			*next++ = *left++;
		else
			*next++ = *right++;
	}
	return true;
}

/* The best max_pools pools of two lists, into *left. */
static bool
merge_lists(GlPoolWork *work, CombinationList *left, const CombinationList *right)
{
	int64_t limit = work->problem->max_pools;
	size_t pair_count = 0;
	Pair *pairs;
	Combination *joined;
	int i;
	int j;

	for (i = 0; i < left->count; i++)
	{
		for (j = 0; j < right->count && (int64_t) (i + 1) * (j + 1) <= limit; j++)
			pair_count++;
	}
	pairs = gl_pool_allocate(work, pair_count, sizeof(Pair));
	if (pairs == NULL)
		return false;
	pair_count = 0;
	for (i = 0; i < left->count; i++)
	{
		for (j = 0; j < right->count && (int64_t) (i + 1) * (j + 1) <= limit; j++)
		{
			Pair *pair = &pairs[pair_count++];

			pair->left = &left->combinations[i];
			pair->right = &right->combinations[j];
			pair->group_count = pair->left->group_count + pair->right->group_count;
			pair->fee = pair->left->fee + pair->right->fee;
		}
	}
	qsort(pairs, pair_count, sizeof(Pair), compare_pairs);
	left->count = (int) (pair_count < (size_t) limit ? pair_count : (size_t) limit);
	joined = gl_pool_allocate(work, (size_t) left->count, sizeof(Combination));
	if (joined == NULL)
		return false;
	for (i = 0; i < left->count; i++)
	{
		if (!join_pair(work, &pairs[i], &joined[i]))
			return false;
	}
	left->combinations = joined;
	return true;
}

/* The pools of one component as a list to merge. */
static bool
list_component(GlPoolWork *work, GlPoolComponent *component, CombinationList *list)
{
	int i;
	int j;

	list->count = component->entry_count;
	list->combinations = gl_pool_allocate(work, (size_t) list->count, sizeof(Combination));
	if (list->combinations == NULL)
		return false;
	for (i = 0; i < list->count; i++)
	{
		GlPoolEntry *entry = component->entries[i];
		Combination *combination = &list->combinations[i];

		combination->group_count = entry->group_count;
		combination->fee = entry->fee;
		combination->groups = gl_pool_allocate(work, (size_t) entry->group_count, sizeof(GroupRef));
		if (combination->groups == NULL)
			return false;
		for (j = 0; j < entry->group_count; j++)
		{
			const uint64_t *group = entry->groups + (size_t) j * (size_t) component->words;

			combination->groups[j].rank = component->class_first[gl_pool_bit_first(group)];
			combination->groups[j].index = j;
			combination->groups[j].component = component;
			combination->groups[j].entry = entry;
		}
	}
	return true;
}

/* Writes the final list for the caller. */
static bool
write_answer(GlPoolWork *work, const CombinationList *list, GlPoolAnswer *answer)
{
	int i;
	int j;

	answer->pools = gl_pool_allocate(work, (size_t) list->count, sizeof(GlPool));
	if (answer->pools == NULL)
		return false;
	for (i = 0; i < list->count; i++)
	{
		const Combination *combination = &list->combinations[i];
		GlPool *pool = &answer->pools[i];

		pool->group_count = combination->group_count;
		pool->fee = combination->fee;
		pool->groups = gl_pool_allocate(work, (size_t) pool->group_count, sizeof(GlPoolGroup));
		if (pool->groups == NULL)
			return false;
		for (j = 0; j < pool->group_count; j++)
		{
			const GroupRef *ref = &combination->groups[j];
			const GlPoolGroup *shown = gl_pool_show(work, ref->component, ref->entry);

			if (shown == NULL)
				return false;
			pool->groups[j] = shown[ref->index];
		}
	}
	answer->pool_count = list->count;
	return true;
}

/* See solver_internal.h. */
bool
gl_pool_merge(GlPoolWork *work, GlPoolAnswer *answer)
{
	CombinationList *lists =
		gl_pool_allocate(work, (size_t) work->component_count, sizeof(CombinationList));
	int step;
	int i;

	if (lists == NULL)
		return false;
	for (i = 0; i < work->component_count; i++)
	{
		if (!list_component(work, &work->components[i], &lists[i]))
			return false;
	}
	for (step = 1; step < work->component_count; step *= 2)
	{
		for (i = 0; i + step < work->component_count; i += 2 * step)
		{
			if (!merge_lists(work, &lists[i], &lists[i + step]))
				return false;
		}
	}
	return write_answer(work, &lists[0], answer);
}
