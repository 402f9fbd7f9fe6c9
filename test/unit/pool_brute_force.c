/*-------------------------------------------------------------------------
 *
 * pool_brute_force.c
 *	  See pool_brute_force.h.  Everything is by rank: has[r] is whether the
 *	  item of rank r is a member.
 *
 *-------------------------------------------------------------------------
 */
#include "pool_brute_force.h"

#include <stdlib.h>
#include <string.h>

typedef struct BruteSet
{
	bool has[BRUTE_ITEMS_MAX];
	int size;
	int64_t fee;
} BruteSet;

static int brute_items; /* item count of the problem at work, for qsort's sake */

/* An offer's items by rank. */
static void
read_offer(const GlPoolProblem *problem, int offer, bool *has)
{
	int i;

	memset(has, 0, sizeof(bool) * BRUTE_ITEMS_MAX);
	for (i = 0; i < problem->item_count; i++)
	{
		int rank = problem->item_rank == NULL ? i : problem->item_rank[i];

		has[rank] = (problem->offers[offer].items[i / 64] >> (i % 64) & 1) != 0;
	}
}

static bool
contains(const bool *outer, const bool *inner)
{
	int r;

	for (r = 0; r < brute_items; r++)
	{
		if (inner[r] && !outer[r])
			return false;
	}
	return true;
}

/* The distinct sets that are not empty. */
static int
collect_sets(const GlPoolProblem *problem, BruteSet *sets)
{
	int count = 0;
	int i;
	int j;

	for (i = 0; i < problem->offer_count; i++)
	{
		BruteSet set;
		int r;

		memset(&set, 0, sizeof(set));
		read_offer(problem, i, set.has);
		set.fee = problem->offers[i].fee;
		for (r = 0; r < problem->item_count; r++)
			set.size += set.has[r];
		if (set.size == 0)
			continue;
		for (j = 0; j < count; j++)
		{
			if (memcmp(sets[j].has, set.has, sizeof(set.has)) == 0)
				break;
		}
		if (j == count)
			sets[count++] = set;
		else if (set.fee < sets[j].fee)
			sets[j].fee = set.fee;
	}
	return count;
}

/* Whether an item in both goes to a rather than b. */
static bool
goes_first(const BruteSet *a, const BruteSet *b)
{
	int r;

	if (a->size != b->size)
		return a->size > b->size;
	if (a->fee != b->fee)
		return a->fee < b->fee;
	for (r = 0; r < brute_items; r++)
	{
		if (a->has[r] != b->has[r])
			return a->has[r];
	}
	return false;
}

/* Whether the chosen sets cover the cart and none can be left out. */
static bool
is_irredundant_cover(const BruteSet *sets, int set_count, const bool *chosen)
{
	int holders[BRUTE_ITEMS_MAX];
	int s;
	int r;

	memset(holders, 0, sizeof(holders));
	for (s = 0; s < set_count; s++)
	{
		for (r = 0; r < brute_items && chosen[s]; r++)
			holders[r] += sets[s].has[r];
	}
	for (r = 0; r < brute_items; r++)
	{
		if (holders[r] == 0)
			return false;
	}
	for (s = 0; s < set_count; s++)
	{
		bool needed = false;

		if (!chosen[s])
			continue;
		for (r = 0; r < brute_items; r++)
			needed |= sets[s].has[r] && holders[r] == 1;
		if (!needed)
			return false;
	}
	return true;
}

/* The partition of a cover, groups by first item. */
static void
make_partition(const BruteSet *sets, int set_count, const bool *chosen, BrutePool *pool)
{
	int group_of_set[BRUTE_OFFERS_MAX];
	int r;
	int s;

	memset(pool, 0, sizeof(*pool));
	for (s = 0; s < set_count; s++)
		group_of_set[s] = -1;
	for (r = 0; r < brute_items; r++)
	{
		int best = -1;

		for (s = 0; s < set_count; s++)
		{
			if (chosen[s] && sets[s].has[r] && (best < 0 || goes_first(&sets[s], &sets[best])))
				best = s;
		}
		if (group_of_set[best] < 0)
			group_of_set[best] = pool->group_count++;
		pool->groups[group_of_set[best]].has[r] = true;
	}
}

/* Options and fees of a pool. */
static void
price_pool(const GlPoolProblem *problem, BrutePool *pool)
{
	int g;
	int h;
	int i;

	for (g = 0; g < pool->group_count; g++)
	{
		BruteGroup *group = &pool->groups[g];

		group->fee = INT64_MAX;
		for (i = 0; i < problem->offer_count; i++)
		{
			bool has[BRUTE_ITEMS_MAX];
			bool absorbs = false;

			read_offer(problem, i, has);
			if (!contains(has, group->has))
				continue;
			for (h = 0; h < pool->group_count; h++)
				absorbs |= h != g && contains(has, pool->groups[h].has);
			if (absorbs)
				continue;
			group->options[group->option_count++] = i;
			if (problem->offers[i].fee < group->fee)
				group->fee = problem->offers[i].fee;
		}
		pool->fee += group->fee;
	}
}

/* Lexicographic order of the groups' sequences of ranks; the shorter prefix first. */
static int
compare_sequences(const bool *left, const bool *right)
{
	int a = 0;
	int b = 0;

	for (;;)
	{
		while (a < brute_items && !left[a])
			a++;
		while (b < brute_items && !right[b])
			b++;
		if (a == brute_items || b == brute_items)
			return (a != brute_items) - (b != brute_items);
		if (a != b)
			return a < b ? -1 : 1;
		a++;
		b++;
	}
}

static int
compare_pools(const void *left, const void *right)
{
	const BrutePool *a = left;
	const BrutePool *b = right;
	int g;

	if (a->group_count != b->group_count)
		return a->group_count < b->group_count ? -1 : 1;
	if (a->fee != b->fee)
		return a->fee < b->fee ? -1 : 1;
	for (g = 0; g < a->group_count; g++)
	{
		int order = compare_sequences(a->groups[g].has, b->groups[g].has);

		if (order != 0)
			return order;
	}
	return 0;
}

typedef struct BruteList
{
	BrutePool *pools;
	int count;
	int capacity;
} BruteList;

/* Adds the pool of the chosen sets, if they are a cover that makes a new one. */
static void
add_pool(const GlPoolProblem *problem, const BruteSet *sets, int set_count, const bool *chosen,
		 BruteList *list)
{
	BrutePool pool;
	int i;

	if (!is_irredundant_cover(sets, set_count, chosen))
		return;
	make_partition(sets, set_count, chosen, &pool);
	price_pool(problem, &pool);
	for (i = 0; i < list->count; i++)
	{
		if (compare_pools(&list->pools[i], &pool) == 0)
			return;
	}
	if (list->count == list->capacity)
	{
		list->capacity = list->capacity == 0 ? 16 : list->capacity * 2;
		list->pools = realloc(list->pools, sizeof(BrutePool) * (size_t) list->capacity);
		if (list->pools == NULL)
			abort();
	}
	list->pools[list->count++] = pool;
}

/* Adds the pools of the sets chosen and at most left more, from number "from" on. */
static void
choose_sets(const GlPoolProblem *problem, const BruteSet *sets, int set_count, bool *chosen,
			int from, int left, BruteList *list)
{
	int s;

	add_pool(problem, sets, set_count, chosen, list);
	for (s = from; s < set_count && left > 0; s++)
	{
		chosen[s] = true;
		choose_sets(problem, sets, set_count, chosen, s + 1, left - 1, list);
		chosen[s] = false;
	}
}

BrutePool *
brute_solve(const GlPoolProblem *problem, int most, int *count)
{
	static BruteSet sets[BRUTE_OFFERS_MAX];
	bool chosen[BRUTE_OFFERS_MAX] = {false};
	BruteList list = {NULL, 0, 0};
	int set_count;

	*count = 0;
	brute_items = problem->item_count;
	if (brute_items == 0)
		return NULL;
	set_count = collect_sets(problem, sets);
	choose_sets(problem, sets, set_count, chosen, 0, most, &list);
	if (list.count > 0)
		qsort(list.pools, (size_t) list.count, sizeof(BrutePool), compare_pools);
	*count = list.count;
	return list.pools;
}

/* Tries every block for item number "item": each open one and a new one. */
static int
try_blocks(const BruteSet *sets, int set_count, int item, bool (*blocks)[BRUTE_ITEMS_MAX],
		   int block_count)
{
	int best = -1;
	int b;
	int s;

	if (item == brute_items)
		return block_count;
	for (b = 0; b <= block_count; b++)
	{
		bool servable = false;

		if (b == block_count)
			memset(blocks[b], 0, sizeof(blocks[b]));
		blocks[b][item] = true;
		for (s = 0; s < set_count; s++)
			servable |= contains(sets[s].has, blocks[b]);
		if (servable)
		{
			int found = try_blocks(sets, set_count, item + 1, blocks,
								   b == block_count ? block_count + 1 : block_count);

			if (found >= 0 && (best < 0 || found < best))
				best = found;
		}
		blocks[b][item] = false;
	}
	return best;
}

int
brute_fewest_blocks(const GlPoolProblem *problem)
{
	BruteSet sets[BRUTE_OFFERS_MAX];
	bool blocks[11][BRUTE_ITEMS_MAX];
	int set_count;

	brute_items = problem->item_count;
	set_count = collect_sets(problem, sets);
	return try_blocks(sets, set_count, 0, blocks, 0);
}
