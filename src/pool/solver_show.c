/*-------------------------------------------------------------------------
 *
 * solver_show.c
 *	  A component's pool for the caller: items instead of classes, and every
 *	  option of every group. Done once per entry, however many pools of the
 *	  cart it is part of, since with thousands of stores a group has thousands
 *	  of options.
 *
 *-------------------------------------------------------------------------
 */
#include "pool/solver_internal.h"

#include <stdlib.h>

#define FEW_OFFERS 16 /* sorting one costs about as much as passing over so many */

/* The items of a group. */
static const uint64_t *
show_items(GlPoolWork *work, const GlPoolComponent *component, const uint64_t *group)
{
	size_t words = (size_t) work->words;
	uint64_t *items = gl_pool_allocate(work, words, sizeof(uint64_t));
	int class;
	size_t w;

	if (items == NULL)
		return NULL;
	for (class = 0; class < component->class_count; class ++)
	{
		if (!gl_pool_bit(group, class))
			continue;
		for (w = 0; w < words; w++)
			items[w] |= component->class_items[(size_t) class * words + w];
	}
	return items;
}

static int
compare_offers(const void *left, const void *right)
{
	int a = *(const int *) left;
	int b = *(const int *) right;

	return (a > b) - (a < b);
}

/*
 * The offers of the sets that serve, ascending: a few are gathered set by set
 * and sorted, many are picked from the list of all. There, whether an offer
 * serves is as good as random, so each is written and the place advances only
 * for those that do: a branch would be mispredicted half of the time. options
 * has room for one more than count.
 */
static void
collect_offers(const GlPoolComponent *component, const bool *serves, int count, int *options)
{
	int *next = options;
	int i;
	int j;

	if (count > component->offer_count / FEW_OFFERS)
	{
		for (i = 0; i < component->offer_count; i++)
		{
			*next = component->offers[i];
			next += serves[component->offer_sets[i]];
		}
		return;
	}
	for (i = 0; i <= component->set_count; i++)
	{
		if (!serves[i])
			continue;
		for (j = component->set_starts[i]; j < component->set_starts[i + 1]; j++)
			*next++ = component->offers_by_set[j];
	}
	qsort(options, (size_t) count, sizeof(int), compare_offers);
}

/* The options of group number index into shown. */
static bool
show_options(GlPoolWork *work, const GlPoolComponent *component, const GlPoolEntry *entry,
			 int index, GlPoolGroup *shown)
{
	bool *serves = gl_pool_allocate(work, (size_t) component->set_count + 1, sizeof(bool));
	int *options;
	int count = 0;
	int i;

	if (serves == NULL)
		return false;
	for (i = 0; i < component->set_count; i++)
		serves[i] =
			gl_pool_is_option(component, component->sets + (size_t) i * (size_t) component->words,
							  entry->groups, entry->group_count, index);
	serves[component->set_count] = entry->group_count == 1;
	for (i = 0; i <= component->set_count; i++)
		count += serves[i] ? component->set_starts[i + 1] - component->set_starts[i] : 0;
	options = gl_pool_allocate(work, (size_t) count + 1, sizeof(int));
	if (options == NULL)
		return false;
	collect_offers(component, serves, count, options);
	shown->options = options;
	shown->option_count = count;
	return true;
}

/* See solver_internal.h. */
const GlPoolGroup *
gl_pool_show(GlPoolWork *work, GlPoolComponent *component, GlPoolEntry *entry)
{
	GlPoolGroup *shown;
	int i;

	if (entry->shown != NULL)
		return entry->shown;
	shown = gl_pool_allocate(work, (size_t) entry->group_count, sizeof(GlPoolGroup));
	if (shown == NULL)
		return NULL;
	for (i = 0; i < entry->group_count; i++)
	{
		shown[i].fee = entry->group_fees[i];
		shown[i].items =
			show_items(work, component, entry->groups + (size_t) i * (size_t) component->words);
		if (shown[i].items == NULL || !show_options(work, component, entry, i, &shown[i]))
			return NULL;
	}
	entry->shown = shown;
	return shown;
}
