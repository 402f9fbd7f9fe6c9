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
	uint64_t later;
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
	later = ~UINT64_C(1) << (class & 63);
	for (w = class >> 6; w < component->words; w++, later = ~UINT64_C(0))
	{
		if ((lacking[w] & later) != 0)
			return order;
	}
	for (i = 0; i < class; i++)
	{
		if (component->class_last[i] > component->class_first[class] && gl_pool_bit(lacking, i))
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

/* Whether a set could serve group number "index" of a pool without absorbing another one. */
static bool
is_option(const GlPoolComponent *component, const uint64_t *set, const uint64_t *groups, int count,
		  int index)
{
	size_t words = (size_t) component->words;
	int i;

	for (i = 0; i < count; i++)
	{
		if (i != index && gl_pool_contains(set, groups + (size_t) i * words, component->words))
			return false;
	}
	return true;
}

/* The least fee among the options of group number index; -1: it is more than limit. */
static int64_t
group_fee(const GlPoolComponent *component, const uint64_t *groups, int count, int index,
		  int64_t limit)
{
	const uint64_t *group = groups + (size_t) index * (size_t) component->words;
	int sw;
	int w;

	for (sw = 0; sw < component->set_words && component->fees[sw * 64] <= limit; sw++)
	{
		const uint64_t *columns =
			component->holders + (size_t) sw * (size_t) component->class_count;
		uint64_t holders = ~UINT64_C(0);

		for (w = 0; w < component->words; w++)
		{
			uint64_t bits = group[w];

			for (; bits != 0 && holders != 0; bits &= bits - 1)
				holders &= columns[w * 64 + __builtin_ctzll(bits)];
		}
		for (; holders != 0; holders &= holders - 1)
		{
			int number = sw * 64 + __builtin_ctzll(holders);
			const uint64_t *set = component->sets + (size_t) number * (size_t) component->words;

			if (is_option(component, set, groups, count, index))
				return component->fees[number] <= limit ? component->fees[number] : -1;
		}
	}
	return -1;
}

/* The dearest class of a group: no set with all of them is cheaper. */
static int64_t
dearest_class(const GlPoolComponent *component, const uint64_t *group)
{
	int64_t dearest = 0;
	int w;

	for (w = 0; w < component->words; w++)
	{
		uint64_t bits = group[w];

		for (; bits != 0; bits &= bits - 1)
		{
			int64_t fee = component->class_fee[w * 64 + __builtin_ctzll(bits)];

			dearest = fee > dearest ? fee : dearest;
		}
	}
	return dearest;
}

/* The groups of a cover, in its order: each set takes what is left of its items. */
static void
partition_cover(const GlPoolComponent *component, const int *cover, int count, uint64_t *groups)
{
	size_t words = (size_t) component->words;
	size_t w;
	int i;
	int j;

	for (i = 0; i < count; i++)
	{
		uint64_t *group = groups + (size_t) i * words;

		for (w = 0; w < words; w++)
			group[w] = component->ordered_sets[(size_t) cover[i] * words + w];
		for (j = 0; j < i; j++)
		{
			for (w = 0; w < words; w++)
				group[w] &= ~groups[(size_t) j * words + w];
		}
	}
}

/* Puts the groups, and what is known of their fees, in order of their first classes. */
static void
sort_groups(const GlPoolComponent *component, int count, uint64_t *groups, int64_t *fees)
{
	size_t words = (size_t) component->words;
	size_t w;
	int i;
	int j;

	for (i = 1; i < count; i++)
	{
		for (j = i; j > 0; j--)
		{
			uint64_t *group = groups + (size_t) j * words;
			uint64_t *before = group - words;
			int64_t fee = fees[j];

			if (gl_pool_bit_first(before) < gl_pool_bit_first(group))
				break;
			for (w = 0; w < words; w++)
			{
				uint64_t swap = group[w];

				group[w] = before[w];
				before[w] = swap;
			}
			fees[j] = fees[j - 1];
			fees[j - 1] = fee;
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
	entry = gl_pool_allocate_zeroed(work, 1, sizeof(GlPoolEntry));
	if (entry == NULL)
		return NULL;
	entry->groups =
		gl_pool_allocate(work, (size_t) count * (size_t) component->words, sizeof(uint64_t));
	entry->group_fees = gl_pool_allocate(work, (size_t) count, sizeof(int64_t));
	return work->status == GL_OK ? entry : NULL;
}

/* See solver_internal.h. */
bool
gl_pool_is_late(const GlPoolWork *work, const GlPoolComponent *component, int count, int64_t fee,
				const uint64_t *groups, int known)
{
	const GlPoolEntry *last;
	int order;

	if (component->entry_count < work->problem->max_pools)
		return false;
	last = component->entries[component->entry_count - 1];
	if (last->group_count != count || last->fee != fee)
		return last->group_count < count || (last->group_count == count && last->fee < fee);
	order = gl_pool_compare_groups(component, last->groups, groups, known, NULL);
	return order < 0 || (order == 0 && known == count);
}

/* See solver_internal.h. */
bool
gl_pool_insert(GlPoolWork *work, GlPoolComponent *component, int count, int64_t fee,
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

/* See solver_internal.h. */
bool
gl_pool_keep_cover(GlPoolWork *work, GlPoolComponent *component, const int *cover, int count,
				   int64_t first_fee, uint64_t *scratch, int64_t *scratch_fees)
{
	int64_t limit = gl_pool_fee_limit(work, component);
	int64_t fee = first_fee;
	int i;

	partition_cover(component, cover, count, scratch);
	scratch_fees[0] = first_fee;
	for (i = 1; i < count; i++)
	{
		scratch_fees[i] =
			dearest_class(component, scratch + (size_t) i * (size_t) component->words);
		fee += scratch_fees[i];
	}
	if (fee > limit)
		return true;
	if (fee == limit)
	{
		sort_groups(component, count, scratch, scratch_fees);
		if (gl_pool_is_late(work, component, count, fee, scratch, count))
			return true;
	}
	for (i = count - 1; i >= 0; i--) /* the smallest first, the known one last */
	{
		int64_t bound = scratch_fees[i];

		scratch_fees[i] = group_fee(component, scratch, count, i, limit - (fee - bound));
		if (scratch_fees[i] < 0)
			return true;
		fee += scratch_fees[i] - bound;
	}
	sort_groups(component, count, scratch, scratch_fees);
	return gl_pool_insert(work, component, count, fee, scratch, scratch_fees);
}
