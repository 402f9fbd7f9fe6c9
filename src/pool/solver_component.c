/*-------------------------------------------------------------------------
 *
 * solver_component.c
 *	  Fills one component: its sets in order, its classes, its columns.
 *
 *-------------------------------------------------------------------------
 */
#include "pool/solver_internal.h"

#include <stdlib.h>
#include <string.h>

/* A set while the component's sets are being put in order. */
typedef struct OrderedSet
{
	const GlPoolWork *work;
	const uint64_t *items;
	int64_t fee;
	int size;   /* number of items */
	int number; /* in work->set_* */
} OrderedSet;

/* Which of two different sets has the first item that is in one only: -1 left, 1 right. */
static int
compare_items(const GlPoolWork *work, const uint64_t *left, const uint64_t *right)
{
	int best = INT32_MAX;
	int order = 0;
	int w;

	for (w = 0; w < work->words; w++)
	{
		uint64_t differ = left[w] ^ right[w];

		for (; differ != 0; differ &= differ - 1)
		{
			int bit = __builtin_ctzll(differ);
			int rank = work->item_rank[w * 64 + bit];

			if (rank < best)
			{
				best = rank;
				order = (left[w] >> bit & 1) != 0 ? -1 : 1;
			}
		}
	}
	return order;
}

/* The same for qsort. */
static int
compare_sets(const void *left, const void *right)
{
	const OrderedSet *a = left;
	const OrderedSet *b = right;

	return a == b ? 0 : compare_items(a->work, a->items, b->items);
}

/*
 * The component's sets in the order in which items go to them: larger,
 * cheaper, first items; see solver.h. by_fee: the places in sets by ascending
 * fee, which is also how the fees get into one key with the sizes. NULL: no
 * memory.
 */
static OrderedSet *
order_sets(GlPoolWork *work, const int *sets, int set_count, GlPoolKey *by_fee)
{
	size_t count = (size_t) set_count;
	OrderedSet *ordered = gl_pool_allocate(work, count, sizeof(OrderedSet));
	GlPoolKey *keys = gl_pool_allocate(work, count, sizeof(GlPoolKey));
	GlPoolKey *spare = gl_pool_allocate(work, count, sizeof(GlPoolKey));
	uint64_t fee_number = 0;
	size_t i;
	size_t first;

	if (work->status != GL_OK)
		return NULL;
	for (i = 0; i < count; i++)
	{
		by_fee[i].key = (uint64_t) work->set_fees[sets[i]];
		by_fee[i].place = (int) i;
	}
	gl_pool_keys_sort(by_fee, spare, count);
	for (i = 0; i < count; i++)
	{
		const uint64_t *items = work->set_items[sets[by_fee[i].place]];
		uint64_t size = 0;
		int w;

		for (w = 0; w < work->words; w++)
			size += (uint64_t) __builtin_popcountll(items[w]);
		fee_number += i > 0 && by_fee[i].key != by_fee[i - 1].key;
		keys[i].key = (GL_POOL_ITEMS_MAX - size) << 32 | fee_number;
		keys[i].place = by_fee[i].place;
	}
	gl_pool_keys_sort(keys, spare, count);
	for (i = 0, first = 0; i < count; i++)
	{
		int set = sets[keys[i].place];

		ordered[i].work = work;
		ordered[i].items = work->set_items[set];
		ordered[i].fee = work->set_fees[set];
		ordered[i].size = GL_POOL_ITEMS_MAX - (int) (keys[i].key >> 32);
		ordered[i].number = set;
		if (i + 1 < count && keys[i + 1].key == keys[i].key)
			continue;
		if (i > first)
			qsort(ordered + first, i - first + 1, sizeof(OrderedSet), compare_sets);
		first = i + 1;
	}
	return ordered;
}

/* A hash of a column, so that columns are compared in full only when they are likely equal. */
static uint64_t
hash_column(const uint64_t *column, int words)
{
	uint64_t hash = 0;
	int w;

	for (w = 0; w < words; w++)
	{
		hash = (hash ^ column[w]) * UINT64_C(0x9E3779B97F4A7C15);
		hash ^= hash >> 29;
	}
	return hash;
}

/* Adds one item to the class of its column, or makes a class of it. hashes: per class. */
static void
classify_item(GlPoolWork *work, GlPoolComponent *component, const uint64_t *column,
			  uint64_t *hashes, int rank)
{
	size_t set_words = (size_t) component->set_words;
	size_t bytes = sizeof(uint64_t) * set_words;
	uint64_t hash = hash_column(column, component->set_words);
	int class = 0;

	while (class < component->class_count &&
		   (hashes[class] != hash ||
			memcmp(component->holders + (size_t) class * set_words, column, bytes) != 0))
		class ++;
	if (class == component->class_count)
	{
		memcpy(component->holders + (size_t) class * set_words, column, bytes);
		hashes[class] = hash;
		component->class_first[class] = rank;
		component->class_count++;
	}
	component->class_last[class] = rank;
	gl_pool_bit_add(component->class_items + (size_t) class * (size_t) work->words,
					work->rank_item[rank]);
}

/*
 * Makes the classes. An item's column is the bitset of the sets that have it;
 * items in no set but the whole share the empty column.
 */
static bool
build_classes(GlPoolWork *work, GlPoolComponent *component, const OrderedSet *ordered,
			  const uint64_t *members, int item_count)
{
	size_t set_words = (size_t) component->set_words;
	int total = work->problem->item_count;
	uint64_t *columns = gl_pool_allocate(work, (size_t) item_count * set_words, sizeof(uint64_t));
	uint64_t *hashes = gl_pool_allocate(work, (size_t) item_count, sizeof(uint64_t));
	int *place = work->item_place;
	int next = 0;
	int rank;
	int i;
	int w;

	component->holders = gl_pool_allocate(work, (size_t) item_count * set_words, sizeof(uint64_t));
	component->class_first = gl_pool_allocate(work, (size_t) item_count, sizeof(int));
	component->class_last = gl_pool_allocate(work, (size_t) item_count, sizeof(int));
	component->class_items =
		gl_pool_allocate(work, (size_t) item_count * (size_t) work->words, sizeof(uint64_t));
	if (work->status != GL_OK)
		return false;
	for (i = 0; i < total; i++)
		place[i] = gl_pool_bit(members, i) ? next++ : -1;
	for (i = 0; i < component->set_count; i++)
	{
		for (w = 0; w < work->words; w++)
		{
			uint64_t bits = ordered[i].items[w];

			for (; bits != 0; bits &= bits - 1)
			{
				int item = w * 64 + __builtin_ctzll(bits);

				gl_pool_bit_add(columns + (size_t) place[item] * set_words, i);
			}
		}
	}
	for (rank = 0; rank < total; rank++)
	{
		int item = work->rank_item[rank];

		if (place[item] >= 0)
			classify_item(work, component, columns + (size_t) place[item] * set_words, hashes,
						  rank);
	}
	return true;
}

/* Numbers the sets by fee, and turns the columns into sets over classes and columns by fee. */
static bool
build_sets(GlPoolWork *work, GlPoolComponent *component, const OrderedSet *ordered, const int *sets,
		   const GlPoolKey *by_fee)
{
	int *number = gl_pool_allocate(work, (size_t) component->set_count, sizeof(int));
	size_t set_words = (size_t) component->set_words;
	size_t class_count = (size_t) component->class_count;
	int next = 0;
	int i;
	int class;
	int sw;

	component->sets = gl_pool_allocate(
		work, (size_t) component->set_count * (size_t) component->words, sizeof(uint64_t));
	component->fees = gl_pool_allocate(work, (size_t) component->set_count, sizeof(int64_t));
	component->fee_order = gl_pool_allocate(work, (size_t) component->set_count, sizeof(int));
	component->class_fee = gl_pool_allocate(work, class_count, sizeof(int64_t));
	component->holders_by_fee = gl_pool_allocate(work, class_count * set_words, sizeof(uint64_t));
	if (work->status != GL_OK)
		return false;
	for (i = 0; i < component->set_count; i++)
		component->fees[i] = ordered[i].fee;
	for (i = 0; next < component->set_count; i++)
	{
		int set = work->set_place[sets[by_fee[i].place]];

		if (set == component->set_count)
			continue; /* the whole */
		component->fee_order[next] = set;
		number[set] = next++;
	}
	component->least_fee = component->set_count > 0 ? component->fees[component->fee_order[0]] : 0;
	for (class = 0; class < component->class_count; class ++)
	{
		uint64_t *column = component->holders_by_fee + (size_t) class * set_words;

		component->class_fee[class] = INT64_MAX;
		for (sw = 0; sw < component->set_words; sw++)
		{
			uint64_t bits = component->holders[(size_t) class * set_words + (size_t) sw];

			for (; bits != 0; bits &= bits - 1)
			{
				int set = sw * 64 + __builtin_ctzll(bits);

				gl_pool_bit_add(column, number[set]);
				gl_pool_bit_add(component->sets + (size_t) set * (size_t) component->words, class);
				if (component->fees[set] < component->class_fee[class])
					component->class_fee[class] = component->fees[set];
			}
		}
	}
	return true;
}

/*
 * Its offers, each with the number of its set here (they come with that of
 * the cart), and sorted by set.
 */
static bool
build_offers(GlPoolWork *work, GlPoolComponent *component, const OrderedSet *ordered, int set_count)
{
	int *number = work->set_place;
	int shift = component->has_whole ? 1 : 0;
	int *next;
	int i;

	component->set_starts = gl_pool_allocate(work, (size_t) component->set_count + 2, sizeof(int));
	component->offers_by_set = gl_pool_allocate(work, (size_t) component->offer_count, sizeof(int));
	next = gl_pool_allocate(work, (size_t) component->set_count + 1, sizeof(int));
	if (work->status != GL_OK)
		return false;
	for (i = 0; i < set_count; i++)
	{
		int set = i < shift ? component->set_count : i - shift;

		number[ordered[i].number] = set;
		component->set_starts[set + 1] = work->set_offers[ordered[i].number];
	}
	for (i = 0; i <= component->set_count; i++)
	{
		next[i] = component->set_starts[i];
		component->set_starts[i + 1] += component->set_starts[i];
	}
	for (i = 0; i < component->offer_count; i++)
	{
		int set = number[component->offer_sets[i]];

		component->offer_sets[i] = set;
		component->offers_by_set[next[set]++] = component->offers[i];
	}
	return true;
}

/* See solver_internal.h. */
bool
gl_pool_component_fill(GlPoolWork *work, GlPoolComponent *component, const int *sets, int set_count,
					   int item_count)
{
	GlPoolKey *by_fee = gl_pool_allocate(work, (size_t) set_count, sizeof(GlPoolKey));
	uint64_t *members = gl_pool_allocate(work, (size_t) work->words, sizeof(uint64_t));
	OrderedSet *ordered;
	int i;
	int w;

	if (work->status != GL_OK)
		return false;
	ordered = order_sets(work, sets, set_count, by_fee);
	if (ordered == NULL)
		return false;
	for (i = 0; i < set_count; i++)
	{
		for (w = 0; w < work->words; w++)
			members[w] |= ordered[i].items[w];
	}
	component->has_whole = ordered[0].size == item_count;
	component->whole_fee = ordered[0].fee;
	component->set_count = set_count - (component->has_whole ? 1 : 0);
	component->set_words = (component->set_count + 63) / 64;
	if (!build_offers(work, component, ordered, set_count))
		return false;
	if (component->has_whole)
		ordered++;
	if (!build_classes(work, component, ordered, members, item_count))
		return false;
	component->words = GL_POOL_WORDS(component->class_count);
	component->all = gl_pool_allocate(work, (size_t) component->words, sizeof(uint64_t));
	if (component->all == NULL)
		return false;
	for (i = 0; i < component->class_count; i++)
		gl_pool_bit_add(component->all, i);
	return build_sets(work, component, ordered, sets, by_fee);
}
