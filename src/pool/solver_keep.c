/*-------------------------------------------------------------------------
 *
 * solver_keep.c
 *	  From a cover to its pool, and the ordered list of the best pools.
 *
 *-------------------------------------------------------------------------
 */
#include "pool/solver_internal.h"

#include <string.h>

/*
 * Order of two groups that start with the same item, by their items' ranks.
 * Classes are numbered by first item, so the first class that differs has the
 * first item that differs; the side that lacks it is a prefix, and so comes
 * first, unless it goes on with a later item.
 */
static int
compare_group(const GlPoolComponent *component, const uint64_t *left, const uint64_t *right)
{
	const uint64_t *lacking;
	int order;
	int class = -1;
	int i;
	int w;

	for (w = 0; w < component->words && class < 0; w++)
	{
		if (left[w] != right[w])
			class = w * 64 + __builtin_ctzll(left[w] ^ right[w]);
	}
	if (class < 0)
		return 0;
	order = gl_pool_bit(left, class) ? -1 : 1;
	lacking = order < 0 ? right : left;
	for (i = 0; i < component->class_count; i++)
	{
		if (gl_pool_bit(lacking, i) && component->class_last[i] > component->class_first[class])
			return order;
	}
	return -order;
}

/* See solver_internal.h. Both lists are partitions of the component into count groups. */
int
gl_pool_compare_groups(const GlPoolComponent *component, const uint64_t *left,
					   const uint64_t *right, int count, int *rank)
{
	int i;

	for (i = 0; i < count; i++)
	{
		size_t at = (size_t) i * (size_t) component->words;
		int order = compare_group(component, left + at, right + at);

		if (order != 0)
		{
			if (rank != NULL)
				*rank = component->class_first[gl_pool_bit_first(left + at)];
			return order;
		}
	}
	return 0;
}

/* See solver_internal.h. */
bool
gl_pool_is_option(const GlPoolComponent *component, const uint64_t *set, const uint64_t *groups,
				  int count, int index)
{
	size_t words = (size_t) component->words;
	int i;

	if (!gl_pool_contains(set, groups + (size_t) index * words, component->words))
		return false; /* first, since most sets fail here */
	for (i = 0; i < count; i++)
	{
		if (i != index && gl_pool_contains(set, groups + (size_t) i * words, component->words))
			return false;
	}
	return true;
}

/* The least fee among the options of group number index. */
static int64_t
group_fee(const GlPoolComponent *component, const uint64_t *groups, int count, int index)
{
	const uint64_t *group = groups + (size_t) index * (size_t) component->words;
	int sw;
	int w;

	for (sw = 0; sw < component->set_words; sw++)
	{
		uint64_t holders = ~UINT64_C(0);

		for (w = 0; w < component->words; w++)
		{
			uint64_t bits = group[w];

			for (; bits != 0 && holders != 0; bits &= bits - 1)
			{
				size_t class = (size_t) (w * 64 + __builtin_ctzll(bits));

				holders &=
					component->holders_by_fee[class * (size_t) component->set_words + (size_t) sw];
			}
		}
		for (; holders != 0; holders &= holders - 1)
		{
			int set = component->fee_order[sw * 64 + __builtin_ctzll(holders)];

			if (gl_pool_is_option(component,
								  component->sets + (size_t) set * (size_t) component->words,
								  groups, count, index))
				return component->fees[set];
		}
	}
	return INT64_MAX; /* not reached: the group's own set is an option */
}

/* The groups of a cover, by first class: each set in order takes what is left of its items. */
static void
partition_cover(const GlPoolComponent *component, const int *cover, int count, uint64_t *groups)
{
	size_t words = (size_t) component->words;
	uint64_t swap;
	size_t w;
	int i;
	int j;

	for (i = 0; i < count; i++)
	{
		memcpy(groups + (size_t) i * words, component->sets + (size_t) cover[i] * words,
			   words * sizeof(uint64_t));
		for (j = 0; j < i; j++)
		{
			for (w = 0; w < words; w++)
				groups[(size_t) i * words + w] &= ~groups[(size_t) j * words + w];
		}
	}
	for (i = 1; i < count; i++)
	{
		for (j = i; j > 0 && gl_pool_bit_first(groups + (size_t) j * words) <
								 gl_pool_bit_first(groups + (size_t) (j - 1) * words);
			 j--)
		{
			for (w = 0; w < words; w++)
			{
				swap = groups[(size_t) j * words + w];
				groups[(size_t) j * words + w] = groups[(size_t) (j - 1) * words + w];
				groups[(size_t) (j - 1) * words + w] = swap;
			}
		}
	}
}

/* Order of an entry and a candidate of the same component. */
static int
compare_entry(const GlPoolComponent *component, const GlPoolEntry *entry, int count, int64_t fee,
			  const uint64_t *groups)
{
	if (entry->group_count != count)
		return entry->group_count < count ? -1 : 1;
	if (entry->fee != fee)
		return entry->fee < fee ? -1 : 1;
	return gl_pool_compare_groups(component, entry->groups, groups, count, NULL);
}

/* An entry to write into: the one that falls off a full list, or a new one. */
static GlPoolEntry *
make_room(GlPoolWork *work, GlPoolComponent *component, int count)
{
	GlPoolEntry *entry;
	GlPoolEntry **larger;
	int capacity;

	if (component->entry_count == work->problem->max_pools)
	{
		entry = component->entries[--component->entry_count];
		if (entry->group_count == count)
			return entry;
	}
	if (component->entry_count == component->entry_capacity)
	{
		capacity = component->entry_capacity == 0 ? 16 : component->entry_capacity * 2;
		larger = gl_pool_allocate(work, (size_t) capacity, sizeof(GlPoolEntry *));
		if (larger == NULL)
			return NULL;
		if (component->entry_count > 0)
			memcpy(larger, component->entries,
				   sizeof(GlPoolEntry *) * (size_t) component->entry_count);
		component->entries = larger;
		component->entry_capacity = capacity;
	}
	entry = gl_pool_allocate(work, 1, sizeof(GlPoolEntry));
	if (entry == NULL)
		return NULL;
	entry->groups =
		gl_pool_allocate(work, (size_t) count * (size_t) component->words, sizeof(uint64_t));
	entry->group_fees = gl_pool_allocate(work, (size_t) count, sizeof(int64_t));
	return work->status == GL_OK ? entry : NULL;
}

/* Puts a pool into its place of the list unless it is there already or too late. */
static bool
insert_pool(GlPoolWork *work, GlPoolComponent *component, int count, int64_t fee,
			const uint64_t *groups, const int64_t *fees)
{
	GlPoolEntry *entry;
	int low = 0;
	int high = component->entry_count;

	while (low < high)
	{
		int middle = (low + high) / 2;
		int order = compare_entry(component, component->entries[middle], count, fee, groups);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == work->problem->max_pools)
		return true;
	entry = make_room(work, component, count);
	if (entry == NULL)
		return false;
	entry->group_count = count;
	entry->fee = fee;
	memcpy(entry->groups, groups, sizeof(uint64_t) * (size_t) count * (size_t) component->words);
	memcpy(entry->group_fees, fees, sizeof(int64_t) * (size_t) count);
	memmove(component->entries + low + 1, component->entries + low,
			sizeof(GlPoolEntry *) * (size_t) (component->entry_count - low));
	component->entries[low] = entry;
	component->entry_count++;
	return true;
}

/* See solver_internal.h. scratch: count bitsets over classes; scratch_fees: count. */
bool
gl_pool_keep_cover(GlPoolWork *work, GlPoolComponent *component, const int *cover, int count,
				   int64_t bound, uint64_t *scratch, int64_t *scratch_fees)
{
	const GlPoolEntry *last = NULL;
	int64_t fee = 0;
	int i;

	partition_cover(component, cover, count, scratch);
	if (component->entry_count == work->problem->max_pools)
	{
		last = component->entries[component->entry_count - 1];
		if (compare_entry(component, last, count, bound, scratch) <= 0)
			return true;
	}
	for (i = 0; i < count; i++)
	{
		scratch_fees[i] = group_fee(component, scratch, count, i);
		fee += scratch_fees[i];
		if (last != NULL && last->group_count == count &&
			fee + (count - i - 1) * component->least_fee > last->fee)
			return true;
	}
	return insert_pool(work, component, count, fee, scratch, scratch_fees);
}
