/*-------------------------------------------------------------------------
 *
 * solver_search.c
 *	  The search of a component, level by level of group count, and what it
 *	  falls back to when the budget is spent.
 *
 *-------------------------------------------------------------------------
 */
#include "pool/solver_internal.h"

#include <string.h>

#define EFFORT_PER_STOP_CHECK 1000000 /* well under a millisecond's memory reads */
#define NODE_EFFORT 4000              /* of a node itself, whatever the component */

/* See solver_internal.h. */
bool
gl_pool_spend_effort(GlPoolWork *work, const GlPoolComponent *component)
{
	work->effort += NODE_EFFORT + (int64_t) component->class_count * component->set_words *
									  (component->level + 1);
	if (work->effort < EFFORT_PER_STOP_CHECK)
		return true;
	work->effort = 0;
	if (work->stop == NULL || !work->stop->requested(work->stop->context))
		return true;
	work->status = GL_STOPPED;
	return false;
}

/* See solver_internal.h. */
bool
gl_pool_spend_node(GlPoolWork *work, const GlPoolComponent *component)
{
	if (work->problem->budget > 0 && work->nodes >= work->problem->budget)
	{
		work->status = GL_LIMIT;
		return false;
	}
	work->nodes++;
	return gl_pool_spend_effort(work, component);
}

/* The pool of the one set that is the whole component. */
static bool
keep_whole(GlPoolWork *work, GlPoolComponent *component)
{
	int64_t fee = work->set_fees[component->whole];

	return gl_pool_insert(work, component, 1, fee, component->all, &fee);
}

/* See solver_internal.h. */
bool
gl_pool_search_level(GlPoolWork *work, GlPoolComponent *component)
{
	int count = component->level + 1;
	bool done = true;

	component->exhausted = count == component->class_count;
	if (count == 1)
		done = component->whole < 0 || keep_whole(work, component);
	else if (count == 2)
		done = gl_pool_search_pairs(work, component);
	else
		done = gl_pool_search_covers(work, component);
	component->level = count;
	if (component->entry_count == work->problem->max_pools)
		component->exhausted = true; /* what comes later is not asked for */
	return done;
}

/* Drops sets of a cover that the others make redundant, the smallest first; returns how many stay. */
static int
drop_redundant(const GlPoolComponent *component, int *cover, int count, uint64_t *rest)
{
	int i;
	int j;
	int w;

	for (i = count - 1; i >= 0; i--)
	{
		const uint64_t *set =
			component->ordered_sets + (size_t) cover[i] * (size_t) component->words;

		memset(rest, 0, sizeof(uint64_t) * (size_t) component->words);
		for (j = 0; j < count; j++)
		{
			for (w = 0; w < component->words && j != i; w++)
				rest[w] |=
					component
						->ordered_sets[(size_t) cover[j] * (size_t) component->words + (size_t) w];
		}
		if (!gl_pool_contains(rest, set, component->words))
			continue;
		count--;
		memmove(cover + i, cover + i + 1, sizeof(int) * (size_t) (count - i));
	}
	return count;
}

/* See solver_internal.h: the sets in order, as long as they bring something new. */
bool
gl_pool_search_any(GlPoolWork *work, GlPoolComponent *component)
{
	size_t words = (size_t) component->words;
	size_t classes = (size_t) component->class_count;
	uint64_t *covered;
	uint64_t *groups;
	int64_t *fees;
	int *cover;
	int count = 0;
	int i;
	size_t w;

	if (component->entry_count > 0)
		return true;
	if (component->whole >= 0)
		return keep_whole(work, component);
	if (!gl_pool_order_sets(work, component))
		return false;
	covered = gl_pool_allocate_zeroed(work, words, sizeof(uint64_t));
	groups = gl_pool_allocate(work, classes * words, sizeof(uint64_t));
	fees = gl_pool_allocate(work, classes, sizeof(int64_t));
	cover = gl_pool_allocate(work, classes, sizeof(int));
	if (work->status != GL_OK)
		return false;
	for (i = 0; i < component->set_count; i++)
	{
		const uint64_t *set = component->ordered_sets + (size_t) i * words;

		if (gl_pool_contains(covered, set, component->words))
			continue;
		for (w = 0; w < words; w++)
			covered[w] |= set[w];
		cover[count++] = i;
	}
	count = drop_redundant(component, cover, count, covered);
	return gl_pool_keep_cover(work, component, cover, count, 0, groups, fees);
}
