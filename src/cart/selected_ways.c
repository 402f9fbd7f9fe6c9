/*-------------------------------------------------------------------------
 *
 * selected_ways.c
 *	  The combinations of stores that deliver a pool, cheapest first.
 *
 * There may be more combinations than anyone can count, and few are wanted.
 * They grow group by group, and after each group only the first max are kept.
 * None that is wanted is lost: where max combinations of the first groups come
 * before this one, they still do when the same store is added to each.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "cart/selected_ways.h"

void
gl_candidates_add(GlCandidates *group, const GlOffer *offer)
{
	/* Offers come store by store. */
	if (group->count > 0 && group->candidates[group->count - 1].store == offer->store)
	{
		GlCandidate *last = &group->candidates[group->count - 1];

		last->fee = Min(last->fee, offer->scaled_fee);
		return;
	}
	group->candidates[group->count].store = offer->store;
	group->candidates[group->count].fee = offer->scaled_fee;
	group->count++;
}

static int
compare_stores(const GlStore *a, const GlStore *b)
{
	int order = strcmp(a->store_id, b->store_id);

	return order != 0 ? order : strcmp(a->merchant_id, b->merchant_id);
}

static int
compare_candidates(const void *left, const void *right)
{
	const GlCandidate *a = left;
	const GlCandidate *b = right;

	if (a->fee != b->fee)
		return a->fee < b->fee ? -1 : 1;
	return compare_stores(a->store, b->store);
}

/* group_count: how many of their groups have a store yet. */
static int
compare_ways(const void *left, const void *right, void *group_count)
{
	const GlWay *a = left;
	const GlWay *b = right;
	int order = 0;

	if (a->pool->group_count != b->pool->group_count)
		return a->pool->group_count - b->pool->group_count;
	if (a->fee != b->fee)
		return a->fee < b->fee ? -1 : 1;
	if (a->pool != b->pool)
		return a->pool < b->pool ? -1 : 1;
	for (int g = 0; g < Min(*(const int *) group_count, a->pool->group_count) && order == 0; g++)
		order = compare_stores(a->pool->groups[g].candidates[a->chosen[g]].store,
							   b->pool->groups[g].candidates[b->chosen[g]].store);
	return order;
}

/* Each way with each of the next group's first max stores, and of these the first max. */
static GlWayList
extend(const GlWayList *list, int group, int max)
{
	const GlServedPool *pool = list->ways[0].pool;
	const GlCandidates *next = &pool->groups[group];
	int choices = Min(next->count, max);
	int groups = group + 1;
	GlWayList extended = {
		0, palloc_extended((Size) list->count * choices * sizeof(GlWay), MCXT_ALLOC_HUGE)};

	for (int w = 0; w < list->count; w++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int c = 0; c < choices; c++)
		{
			GlWay *way = &extended.ways[extended.count++];

			way->pool = pool;
			way->fee = list->ways[w].fee + next->candidates[c].fee;
			way->chosen = palloc(pool->group_count * sizeof(int));
			memcpy(way->chosen, list->ways[w].chosen, group * sizeof(int));
			way->chosen[group] = c;
		}
	}
	qsort_arg(extended.ways, extended.count, sizeof(GlWay), compare_ways, &groups);
	for (int w = max; w < extended.count; w++)
		pfree(extended.ways[w].chosen);
	extended.count = Min(extended.count, max);
	return extended;
}

/* The first max ways of one pool. */
static GlWayList
ways_of(const GlServedPool *pool, int max)
{
	GlWay empty = {pool, 0, palloc(Max(pool->group_count, 1) * sizeof(int))};
	GlWayList list = {1, palloc(sizeof(GlWay))};

	list.ways[0] = empty;
	for (int g = 0; g < pool->group_count; g++)
	{
		qsort(pool->groups[g].candidates, pool->groups[g].count, sizeof(GlCandidate),
			  compare_candidates);
		list = extend(&list, g, max);
	}
	return list;
}

GlWayList
gl_ways_rank(GlServedPool *pools, int pool_count, int max)
{
	GlWayList all = {
		0, palloc_extended(Max((Size) pool_count * max, 1) * sizeof(GlWay), MCXT_ALLOC_HUGE)};
	int groups = PG_INT32_MAX;

	for (int p = 0; p < pool_count; p++)
	{
		GlWayList own = ways_of(&pools[p], max);

		memcpy(&all.ways[all.count], own.ways, own.count * sizeof(GlWay));
		all.count += own.count;
	}
	qsort_arg(all.ways, all.count, sizeof(GlWay), compare_ways, &groups);
	all.count = Min(all.count, max);
	return all;
}
