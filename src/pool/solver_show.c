/*-------------------------------------------------------------------------
 *
 * solver_show.c
 *	  A component's pool for the caller: items instead of classes, and every
 *	  option of every group. Done once per entry, however many pools of the
 *	  cart it is part of, since with thousands of stores a group has thousands
 *	  of options.
 *
 * Which sets serve comes from the columns: those that contain a group are the
 * intersection of its classes' columns, and those that contain two groups
 * serve none. Offers are looked at for these sets only, and marking them in a
 * bitset puts them in order, whatever set they come from; unless they are so
 * many that one pass over all offers is faster.
 *
 *-------------------------------------------------------------------------
 */
#include "pool/solver_internal.h"

#define MANY 4 /* marking an offer costs as much as passing over so many */

/* The items of a group. */
static const uint64_t *
show_items(GlPoolWork *work, const GlPoolComponent *component, const int *classes, int class_count)
{
	size_t words = (size_t) work->words;
	uint64_t *items = gl_pool_allocate_zeroed(work, words, sizeof(uint64_t));
	int i;
	size_t w;

	for (i = 0; i < class_count && items != NULL; i++)
	{
		for (w = 0; w < words; w++)
			items[w] |= component->class_items[(size_t) classes[i] * words + w];
	}
	return items;
}

/* Marks a set's offers; returns how many. */
static int
mark_offers(GlPoolWork *work, int cart_set)
{
	int offer;

	for (offer = work->set_last_offer[cart_set]; offer >= 0; offer = work->offer_before[offer])
		gl_pool_bit_add(work->offers_shown, offer);
	return work->set_offer_count[cart_set];
}

/* The marked offers, ascending, into shown, and no longer marked. */
static bool
collect_offers(GlPoolWork *work, int count, GlPoolGroup *shown)
{
	int *options = gl_pool_allocate(work, (size_t) count, sizeof(int));
	int words = (work->problem->offer_count + 63) / 64;
	int w;

	if (options == NULL)
		return false;
	shown->options = options;
	shown->option_count = count;
	for (w = 0; w < words; w++)
	{
		uint64_t bits = work->offers_shown[w];

		work->offers_shown[w] = 0;
		for (; bits != 0; bits &= bits - 1)
			*options++ = w * 64 + __builtin_ctzll(bits);
	}
	return true;
}

/*
 * The same for many sets: one pass over all offers. Whether an offer serves is
 * as good as random there, so each is written and the place advances only for
 * those that do: a branch would be mispredicted half of the time.
 */
static bool
pick_offers(GlPoolWork *work, int count, GlPoolGroup *shown)
{
	int *options = gl_pool_allocate(work, (size_t) count + 1, sizeof(int));
	const bool *serves = work->sets_shown + 1; /* so that -1 has its place */
	int i;

	if (options == NULL)
		return false;
	shown->options = options;
	shown->option_count = count;
	for (i = 0; i < work->problem->offer_count; i++)
	{
		*options = i;
		options += serves[work->offer_set[i]];
	}
	return true;
}

/* The options of a group: the offers of its supersets that are not in other groups' too. */
static bool
show_options(GlPoolWork *work, const GlPoolComponent *component, const uint64_t *supersets,
			 const uint64_t *twice, GlPoolGroup *shown)
{
	int *sets = gl_pool_allocate(work, (size_t) component->set_count, sizeof(int));
	int set_count = 0;
	int count = 0;
	bool done;
	int sw;
	int i;

	if (sets == NULL)
		return false;
	for (sw = 0; sw < component->set_words; sw++)
	{
		uint64_t bits = supersets[sw] & ~twice[sw];

		for (; bits != 0; bits &= bits - 1)
		{
			int set = component->cart_sets[sw * 64 + __builtin_ctzll(bits)];

			sets[set_count++] = set;
			count += work->set_offer_count[set];
		}
	}
	if (count < work->problem->offer_count / MANY)
	{
		for (i = 0; i < set_count; i++)
			mark_offers(work, sets[i]);
		return collect_offers(work, count, shown);
	}
	for (i = 0; i < set_count; i++)
		work->sets_shown[sets[i] + 1] = true;
	done = pick_offers(work, count, shown);
	for (i = 0; i < set_count; i++)
		work->sets_shown[sets[i] + 1] = false;
	return done;
}

/* The groups' items, and per group the sets that contain it; twice: those that contain several. */
static bool
show_groups(GlPoolWork *work, const GlPoolComponent *component, const GlPoolEntry *entry,
			GlPoolGroup *shown, uint64_t *supersets, uint64_t *twice)
{
	size_t set_words = (size_t) component->set_words;
	uint64_t *once = gl_pool_allocate_zeroed(work, set_words, sizeof(uint64_t));
	int *classes = gl_pool_allocate(work, (size_t) component->class_count, sizeof(int));
	size_t sw;
	int i;

	if (work->status != GL_OK)
		return false;
	for (i = 0; i < entry->group_count; i++)
	{
		uint64_t *own = supersets + (size_t) i * set_words;
		int count = gl_pool_list_classes(
			component, entry->groups + (size_t) i * (size_t) component->words, classes);

		shown[i].fee = entry->group_fees[i];
		shown[i].items = show_items(work, component, classes, count);
		if (shown[i].items == NULL)
			return false;
		for (sw = 0; sw < set_words; sw++)
		{
			own[sw] = gl_pool_common(component, component->holders, (int) sw, classes, count);
			twice[sw] |= once[sw] & own[sw];
			once[sw] |= own[sw];
		}
	}
	return true;
}

/* See solver_internal.h. */
const GlPoolGroup *
gl_pool_show(GlPoolWork *work, GlPoolComponent *component, GlPoolEntry *entry)
{
	size_t set_words = (size_t) component->set_words;
	size_t groups = (size_t) entry->group_count;
	GlPoolGroup *shown;
	uint64_t *supersets;
	uint64_t *twice;
	size_t i;

	if (entry->shown != NULL)
		return entry->shown;
	if (work->offers_shown == NULL)
	{
		work->offers_shown = gl_pool_allocate_zeroed(
			work, (size_t) work->problem->offer_count / 64 + 1, sizeof(uint64_t));
		work->sets_shown =
			gl_pool_allocate_zeroed(work, (size_t) work->set_count + 1, sizeof(bool));
	}
	shown = gl_pool_allocate(work, groups, sizeof(GlPoolGroup));
	supersets = gl_pool_allocate(work, groups * set_words, sizeof(uint64_t));
	twice = gl_pool_allocate_zeroed(work, set_words, sizeof(uint64_t));
	if (work->status != GL_OK || !show_groups(work, component, entry, shown, supersets, twice))
		return NULL;
	for (i = 0; i < groups; i++)
	{
		bool done = groups == 1 ? collect_offers(work, mark_offers(work, component->whole), shown)
								: show_options(work, component, supersets + i * set_words, twice,
											   &shown[i]);

		if (!done)
			return NULL;
	}
	entry->shown = shown;
	return shown;
}
