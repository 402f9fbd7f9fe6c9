/*-------------------------------------------------------------------------
 *
 * solver.c
 *	  The exact ranked list of pools: checks the problem, deepens the search of
 *	  the components, merges.
 *
 * Deepening is by excess: the number of groups beyond the fewest possible. A
 * component is searched for one more group only when the pools with less
 * excess, over all components together, do not fill the list. So a cart that
 * falls into five parts is not searched five levels deep in each.
 *
 *-------------------------------------------------------------------------
 */
#include "pool/solver_internal.h"

#include <stdio.h>
#include <string.h>

/* See solver_internal.h. */
void *
gl_pool_allocate(GlPoolWork *work, size_t count, size_t size)
{
	void *memory = NULL;

	if (count == 0)
		count = 1;
	if (count <= SIZE_MAX / size)
		memory = work->arena->alloc(work->arena->context, count * size);
	if (memory == NULL)
	{
		work->status = GL_NO_MEMORY;
		return NULL;
	}
	return memory;
}

/* See solver_internal.h. */
void *
gl_pool_allocate_zeroed(GlPoolWork *work, size_t count, size_t size)
{
	void *memory = gl_pool_allocate(work, count, size);

	return memory == NULL ? NULL : memset(memory, 0, count * size);
}

/* Fills error, answers GL_INVALID. */
static GlStatus
invalid(GlError *error, int64_t where, const char *message)
{
	error->where = where;
	snprintf(error->message, sizeof(error->message), "%s", message);
	return GL_INVALID;
}

/* Whether the numbers of the problem are within their ranges. */
static GlStatus
check_problem(const GlPoolProblem *problem, GlError *error)
{
	int tail = problem->item_count % 64;
	int words = GL_POOL_WORDS(problem->item_count);
	int64_t fee_limit;
	int i;

	if (problem->item_count < 0 || problem->item_count > GL_POOL_ITEMS_MAX)
		return invalid(error, -1, "a cart has at most 4096 items");
	if (problem->max_pools < 1)
		return invalid(error, -1, "the number of pools asked for is at least 1");
	fee_limit = INT64_MAX / (problem->item_count + 1);
	for (i = 0; i < problem->offer_count; i++)
	{
		const GlPoolOffer *offer = &problem->offers[i];

		if (offer->fee < 0 || offer->fee > fee_limit)
			return invalid(error, i, "a fee is negative or too large to be summed");
		if (tail != 0 && offer->items[words - 1] >> tail != 0)
			return invalid(error, i, "an offer has an item that is not in the cart");
	}
	return GL_OK;
}

/* Fills both directions of the rank; GL_INVALID when it is no permutation. */
static GlStatus
build_ranks(GlPoolWork *work, GlError *error)
{
	const GlPoolProblem *problem = work->problem;
	size_t count = (size_t) problem->item_count;
	int *item_rank = gl_pool_allocate(work, count, sizeof(int));
	int i;

	work->rank_item = gl_pool_allocate(work, count, sizeof(int));
	if (work->status != GL_OK)
		return work->status;
	work->item_rank = item_rank;
	for (i = 0; i < problem->item_count; i++)
		work->rank_item[i] = -1;
	for (i = 0; i < problem->item_count; i++)
	{
		int rank = problem->item_rank == NULL ? i : problem->item_rank[i];

		if (rank < 0 || rank >= problem->item_count || work->rank_item[rank] >= 0)
			return invalid(error, i, "the ranks of the items are not a permutation");
		item_rank[i] = rank;
		work->rank_item[rank] = i;
	}
	return GL_OK;
}

/* The first item, by rank, that no set has, or -1. */
static int
find_uncovered(GlPoolWork *work)
{
	uint64_t *covered = gl_pool_allocate_zeroed(work, (size_t) work->words, sizeof(uint64_t));
	int i;
	int w;

	if (covered == NULL)
		return -1;
	for (i = 0; i < work->set_count; i++)
	{
		for (w = 0; w < work->words; w++)
			covered[w] |= work->set_items[i][w];
	}
	for (i = 0; i < work->problem->item_count; i++)
	{
		if (!gl_pool_bit(covered, work->rank_item[i]))
			return work->rank_item[i];
	}
	return -1;
}

/*
 * Whether the pools with at most this excess, which the components' lists
 * hold, are max_pools or more. counts: scratch, two rows of excess + 1.
 */
static bool
is_list_full(const GlPoolWork *work, int excess, int64_t *counts)
{
	int64_t limit = work->problem->max_pools;
	int64_t *row = counts;
	int64_t *next = counts + excess + 1;
	int64_t *swap;
	int64_t total = 0;
	int i;
	int j;
	int e;

	memset(row, 0, sizeof(int64_t) * (size_t) (excess + 1));
	row[0] = 1;
	for (i = 0; i < work->component_count; i++)
	{
		const GlPoolComponent *component = &work->components[i];

		memset(next, 0, sizeof(int64_t) * (size_t) (excess + 1));
		for (j = 0; j < component->entry_count; j++)
		{
			int own = component->entries[j]->group_count - component->entries[0]->group_count;

			for (e = own; e <= excess; e++)
				next[e] = next[e] + row[e - own] < limit ? next[e] + row[e - own] : limit;
		}
		swap = row;
		row = next;
		next = swap;
	}
	for (e = 0; e <= excess; e++)
		total += row[e];
	return total >= limit;
}

/* Searches every component to its fewest groups plus excess. *exhausted: no deeper pools exist. */
static bool
deepen(GlPoolWork *work, int excess, bool *exhausted)
{
	int i;

	*exhausted = true;
	for (i = 0; i < work->component_count; i++)
	{
		GlPoolComponent *component = &work->components[i];

		while (!component->exhausted &&
			   (component->entry_count == 0 ||
				component->level < component->entries[0]->group_count + excess))
		{
			if (!gl_pool_search_level(work, component))
				return false;
		}
		*exhausted &= component->exhausted;
	}
	return true;
}

/* Fills the components' lists as far as the answer needs them. */
static bool
search_components(GlPoolWork *work)
{
	int64_t *counts =
		gl_pool_allocate(work, (size_t) work->problem->item_count * 2 + 2, sizeof(int64_t));
	bool exhausted = false;
	int excess;

	if (counts == NULL)
		return false;
	for (excess = 0; !exhausted; excess++)
	{
		if (!deepen(work, excess, &exhausted))
			return false;
		if (is_list_full(work, excess, counts))
			break;
	}
	return true;
}

/*
 * Searches and merges. A spent budget is forgotten before the merge, so that
 * every component has a pool to show; the answer is GL_LIMIT then.
 */
static GlStatus
search_and_merge(GlPoolWork *work, GlPoolAnswer *answer)
{
	GlStatus found = GL_OK;
	int i;

	if (!search_components(work))
	{
		if (work->status != GL_LIMIT)
			return work->status;
		found = GL_LIMIT;
		work->status = GL_OK;
		for (i = 0; i < work->component_count; i++)
		{
			if (!gl_pool_search_any(work, &work->components[i]))
				return work->status;
		}
	}
	return gl_pool_merge(work, answer) ? found : work->status;
}

/* See solver.h. */
GlStatus
gl_pool_solve(const GlPoolProblem *problem, const GlArena *arena, const GlStop *stop,
			  GlPoolAnswer *answer, GlError *error)
{
	GlPoolWork work;
	GlStatus status;

	memset(answer, 0, sizeof(*answer));
	answer->uncovered_item = -1;
	status = check_problem(problem, error);
	if (status != GL_OK || problem->item_count == 0)
		return status;
	memset(&work, 0, sizeof(work));
	work.problem = problem;
	work.arena = arena;
	work.stop = stop;
	work.words = GL_POOL_WORDS(problem->item_count);
	status = build_ranks(&work, error);
	if (status != GL_OK)
		return status;
	if (!gl_pool_sets_build(&work))
		return work.status;
	answer->uncovered_item = find_uncovered(&work);
	if (work.status != GL_OK || answer->uncovered_item >= 0)
		return work.status;
	if (!gl_pool_components_build(&work))
		return work.status;
	status = search_and_merge(&work, answer);
	answer->nodes = work.nodes;
	if (status != GL_OK && status != GL_LIMIT)
	{
		answer->pools = NULL;
		answer->pool_count = 0;
	}
	return status;
}
