/*-------------------------------------------------------------------------
 *
 * solver_component.c
 *	  Fills one component: its classes, its sets in order, their columns.
 *
 * The sets' rows over items are turned into the items' columns, equal columns
 * are merged, and what is left is turned back into rows over classes. There a
 * set's first item is its lowest bit, whatever the items' ranks, so putting
 * the sets in order needs no look at ranks.
 *
 *-------------------------------------------------------------------------
 */
#include "pool/solver_internal.h"

#include <stdlib.h>
#include <string.h>

/* The component's sets, but for the whole, as they come. */
typedef struct Unordered
{
	int *cart_sets;
	int *sizes;            /* in items */
	const uint64_t **rows; /* bitsets over items, then over classes */
	uint64_t *sets;        /* the latter */
} Unordered;

/* Counts the sets' items and takes out the set that has them all. */
static bool
list_sets(GlPoolWork *work, GlPoolComponent *component, const int *sets, int set_count,
		  Unordered *list)
{
	int i;
	int w;

	list->cart_sets = gl_pool_allocate(work, (size_t) set_count, sizeof(int));
	list->sizes = gl_pool_allocate(work, (size_t) set_count, sizeof(int));
	list->rows = gl_pool_allocate(work, (size_t) set_count, sizeof(uint64_t *));
	if (work->status != GL_OK)
		return false;
	component->whole = -1;
	for (i = 0; i < set_count; i++)
	{
		const uint64_t *items = work->set_items[sets[i]];
		int size = 0;

		for (w = 0; w < work->words; w++)
			size += __builtin_popcountll(items[w]);
		if (size == component->item_count)
		{
			component->whole = sets[i];
			continue;
		}
		list->cart_sets[component->set_count] = sets[i];
		list->sizes[component->set_count] = size;
		list->rows[component->set_count++] = items;
	}
	component->set_words = (component->set_count + 63) / 64;
	return true;
}

/* A hash per column, so that columns are compared in full only when they are likely equal. */
static void
hash_columns(const GlPoolComponent *component, const uint64_t *columns, uint64_t *hashes)
{
	int sw;
	int i;

	for (sw = 0; sw < component->set_words; sw++)
	{
		for (i = 0; i < component->item_count; i++)
		{
			hashes[i] = (hashes[i] ^ *columns++) * UINT64_C(0x9E3779B97F4A7C15);
			hashes[i] ^= hashes[i] >> 29;
		}
	}
}

/* Whether two items are in the same sets. */
static bool
same_column(const GlPoolComponent *component, const uint64_t *columns, int left, int right)
{
	int sw;

	for (sw = 0; sw < component->set_words; sw++, columns += component->item_count)
	{
		if (columns[left] != columns[right])
			return false;
	}
	return true;
}

/*
 * Merges the items with equal columns, which are by rank: those of the classes
 * move together. Items in no set but the whole share the empty column.
 */
static bool
merge_columns(GlPoolWork *work, GlPoolComponent *component, uint64_t *columns, const int *ranks)
{
	size_t items = (size_t) component->item_count;
	uint64_t *hashes = gl_pool_allocate(work, items, sizeof(uint64_t));
	int *first = gl_pool_allocate(work, items, sizeof(int)); /* per class its first item */
	uint64_t *next = columns;
	int i;
	int sw;

	component->class_first = gl_pool_allocate(work, items, sizeof(int));
	component->class_last = gl_pool_allocate(work, items, sizeof(int));
	component->class_items = gl_pool_allocate(work, items * (size_t) work->words, sizeof(uint64_t));
	if (work->status != GL_OK)
		return false;
	hash_columns(component, columns, hashes);
	for (i = 0; i < component->item_count; i++)
	{
		int class = 0;

		while (class < component->class_count &&
			   (hashes[class] != hashes[i] || !same_column(component, columns, first[class], i)))
			class ++;
		if (class == component->class_count)
		{
			first[class] = i;
			hashes[class] = hashes[i];
			component->class_first[class] = ranks[i];
			component->class_count++;
		}
		component->class_last[class] = ranks[i];
		gl_pool_bit_add(component->class_items + (size_t) class * (size_t) work->words,
						work->rank_item[ranks[i]]);
	}
	for (sw = 0; sw < component->set_words; sw++)
	{
		for (i = 0; i < component->class_count; i++)
			*next++ = columns[(size_t) sw * items + (size_t) first[i]];
	}
	return true;
}

/* Makes the classes, and the sets over them. */
static bool
build_classes(GlPoolWork *work, GlPoolComponent *component, const int *ranks, Unordered *list)
{
	uint64_t *columns = gl_pool_allocate(
		work, (size_t) component->item_count * (size_t) component->set_words, sizeof(uint64_t));
	int i;

	if (columns == NULL)
		return false;
	gl_pool_columns_build(list->rows, component->set_count, work->words, work->item_place, columns,
						  component->item_count);
	if (!merge_columns(work, component, columns, ranks))
		return false;
	component->words = GL_POOL_WORDS(component->class_count);
	component->all = gl_pool_allocate(work, (size_t) component->words, sizeof(uint64_t));
	list->sets = gl_pool_allocate(work, (size_t) component->set_count * (size_t) component->words,
								  sizeof(uint64_t));
	if (work->status != GL_OK)
		return false;
	for (i = 0; i < component->class_count; i++)
		gl_pool_bit_add(component->all, i);
	gl_pool_rows_build(columns, component->class_count, list->sets, component->set_count,
					   component->words);
	for (i = 0; i < component->set_count; i++)
		list->rows[i] = list->sets + (size_t) i * (size_t) component->words;
	return true;
}

/* For qsort, pointers to rows: first the one that has the first class that only one of them has. */
static int
compare_rows(const void *left, const void *right)
{
	const uint64_t *a = *(const uint64_t *const *) left;
	const uint64_t *b = *(const uint64_t *const *) right;
	uint64_t differ;
	int w = 0;

	if (a == b)
		return 0;
	while (a[w] == b[w])
		w++;
	differ = a[w] ^ b[w];
	return (a[w] & differ & (0 - differ)) != 0 ? -1 : 1;
}

/* A word whose bits come in the opposite order: complemented, the less the earlier are its first members. */
static uint64_t
reverse_bits(uint64_t word)
{
	word = (word >> 1 & UINT64_C(0x5555555555555555)) | (word & UINT64_C(0x5555555555555555)) << 1;
	word = (word >> 2 & UINT64_C(0x3333333333333333)) | (word & UINT64_C(0x3333333333333333)) << 2;
	word = (word >> 4 & UINT64_C(0x0F0F0F0F0F0F0F0F)) | (word & UINT64_C(0x0F0F0F0F0F0F0F0F)) << 4;
	return __builtin_bswap64(word);
}

/* Orders sets of the same size and fee by their items: by the first word, the rest of them in full. */
static bool
order_ties(GlPoolWork *work, const GlPoolComponent *component, const Unordered *list,
		   GlPoolKey *keys, GlPoolKey *spare, int count)
{
	const uint64_t **rows;
	int first;
	int end;
	int i;

	for (i = 0; i < count; i++)
		keys[i].key = ~reverse_bits(list->rows[keys[i].place][0]);
	gl_pool_keys_sort(keys, spare, (size_t) count);
	for (first = 0; first < count; first = end)
	{
		for (end = first + 1; end < count && keys[end].key == keys[first].key;)
			end++;
		if (end - first == 1)
			continue;
		rows = gl_pool_allocate(work, (size_t) (end - first), sizeof(uint64_t *));
		if (rows == NULL)
			return false;
		for (i = first; i < end; i++)
			rows[i - first] = list->rows[keys[i].place];
		qsort(rows, (size_t) (end - first), sizeof(uint64_t *), compare_rows);
		for (i = first; i < end; i++)
			keys[i].place = (int) ((rows[i - first] - list->sets) / component->words);
	}
	return true;
}

/*
 * The places of the sets in the order in which items go to them (larger,
 * cheaper, first items; see solver.h), and by_fee by ascending fee.
 */
static bool
order_sets(GlPoolWork *work, const GlPoolComponent *component, const Unordered *list,
		   GlPoolKey *keys, GlPoolKey *by_fee)
{
	int count = component->set_count;
	GlPoolKey *spare = gl_pool_allocate(work, (size_t) count, sizeof(GlPoolKey));
	int first;
	int end;
	int i;

	if (spare == NULL)
		return false;
	for (i = 0; i < count; i++)
	{
		by_fee[i].key = (uint64_t) work->set_fees[list->cart_sets[i]];
		by_fee[i].place = i;
	}
	gl_pool_keys_sort(by_fee, spare, (size_t) count);
	for (i = 0; i < count; i++)
	{
		keys[i].place = by_fee[i].place;
		keys[i].key = (uint64_t) (GL_POOL_ITEMS_MAX - list->sizes[keys[i].place]);
	}
	gl_pool_keys_sort(keys, spare, (size_t) count);
	for (first = 0; first < count; first = end)
	{
		int set = keys[first].place;
		int64_t fee = work->set_fees[list->cart_sets[set]];

		for (end = first + 1; end < count && list->sizes[keys[end].place] == list->sizes[set] &&
							  work->set_fees[list->cart_sets[keys[end].place]] == fee;)
			end++;
		if (end - first > 1 && !order_ties(work, component, list, keys + first, spare, end - first))
			return false;
	}
	return true;
}

/* Everything that is numbered by fee, and the columns. rows: scratch. */
static bool
build_columns(GlPoolWork *work, GlPoolComponent *component, const GlPoolKey *by_fee,
			  const int *number, const uint64_t **rows)
{
	size_t classes = (size_t) component->class_count;
	size_t set_words = (size_t) component->set_words;
	int i;

	component->fee_order = gl_pool_allocate(work, (size_t) component->set_count, sizeof(int));
	component->fees = gl_pool_allocate(work, (size_t) component->set_count, sizeof(int64_t));
	component->class_fee = gl_pool_allocate(work, classes, sizeof(int64_t));
	component->holders = gl_pool_allocate(work, classes * set_words, sizeof(uint64_t));
	component->holders_by_fee = gl_pool_allocate(work, classes * set_words, sizeof(uint64_t));
	if (work->status != GL_OK)
		return false;
	for (i = 0; i < component->set_count; i++)
		rows[i] = component->sets + (size_t) i * (size_t) component->words;
	gl_pool_columns_build(rows, component->set_count, component->words, NULL, component->holders,
						  component->class_count);
	for (i = 0; i < component->set_count; i++)
	{
		component->fee_order[i] = number[by_fee[i].place];
		component->fees[i] = (int64_t) by_fee[i].key;
		rows[i] = component->sets + (size_t) component->fee_order[i] * (size_t) component->words;
	}
	gl_pool_columns_build(rows, component->set_count, component->words, NULL,
						  component->holders_by_fee, component->class_count);
	component->least_fee = component->set_count > 0 ? component->fees[0] : 0;
	for (i = 0; i < component->class_count; i++)
	{
		int found = gl_pool_find_superset(component, component->holders_by_fee, &i, 1, 0);

		component->class_fee[i] = found < 0 ? INT64_MAX : component->fees[found];
	}
	return true;
}

/* See solver_internal.h. */
bool
gl_pool_component_fill(GlPoolWork *work, GlPoolComponent *component, const int *sets, int set_count,
					   const int *ranks)
{
	GlPoolKey *keys = gl_pool_allocate(work, (size_t) set_count, sizeof(GlPoolKey));
	GlPoolKey *by_fee = gl_pool_allocate(work, (size_t) set_count, sizeof(GlPoolKey));
	int *number = gl_pool_allocate(work, (size_t) set_count, sizeof(int));
	Unordered list;
	size_t words;
	int i;

	if (work->status != GL_OK || !list_sets(work, component, sets, set_count, &list) ||
		!build_classes(work, component, ranks, &list) ||
		!order_sets(work, component, &list, keys, by_fee))
		return false;
	words = (size_t) component->words;
	component->sets =
		gl_pool_allocate(work, (size_t) component->set_count * words, sizeof(uint64_t));
	component->sizes = gl_pool_allocate(work, (size_t) component->set_count, sizeof(int));
	component->cart_sets = gl_pool_allocate(work, (size_t) component->set_count, sizeof(int));
	if (work->status != GL_OK)
		return false;
	for (i = 0; i < component->set_count; i++)
	{
		int place = keys[i].place;

		memcpy(component->sets + (size_t) i * words, list.rows[place], words * sizeof(uint64_t));
		component->sizes[i] = list.sizes[place];
		component->cart_sets[i] = list.cart_sets[place];
		number[place] = i;
	}
	return build_columns(work, component, by_fee, number, list.rows);
}
