/*-------------------------------------------------------------------------
 *
 * solver_component.c
 *	  Fills one component: its sets by fee, its classes, their columns.
 *
 * The sets' rows over items are turned into the items' columns, equal columns
 * are merged, and what is left is turned back into rows over classes. There a
 * set's first item is its lowest bit, whatever the items' ranks, so whoever
 * compares sets needs no look at ranks.
 *
 *-------------------------------------------------------------------------
 */
#include "pool/solver_internal.h"

/* Numbers the sets by fee, counts their items and takes out the set that has them all. */
static bool
number_sets(GlPoolWork *work, GlPoolComponent *component, const int *sets, int set_count,
			const uint64_t **rows)
{
	GlPoolKey *keys = gl_pool_allocate(work, (size_t) set_count, sizeof(GlPoolKey));
	GlPoolKey *spare = gl_pool_allocate(work, (size_t) set_count, sizeof(GlPoolKey));
	int number = 0;
	int i;
	int w;

	component->fees = gl_pool_allocate(work, (size_t) set_count, sizeof(int64_t));
	component->sizes = gl_pool_allocate(work, (size_t) set_count, sizeof(int));
	component->cart_sets = gl_pool_allocate(work, (size_t) set_count, sizeof(int));
	if (work->status != GL_OK)
		return false;
	for (i = 0; i < set_count; i++)
	{
		keys[i].key = (uint64_t) work->set_fees[sets[i]];
		keys[i].place = sets[i];
	}
	gl_pool_keys_sort(keys, spare, (size_t) set_count);
	component->whole = -1;
	for (i = 0; i < set_count; i++)
	{
		const uint64_t *items = work->set_items[keys[i].place];
		int size = 0;

		for (w = 0; w < work->words; w++)
			size += gl_pool_bit_count(items[w]);
		if (size == component->item_count)
		{
			component->whole = keys[i].place;
			continue;
		}
		component->fees[number] = (int64_t) keys[i].key;
		component->sizes[number] = size;
		component->cart_sets[number] = keys[i].place;
		rows[number++] = items;
	}
	component->set_count = number;
	component->set_words = (number + 63) / 64;
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
	uint64_t *hashes = gl_pool_allocate_zeroed(work, items, sizeof(uint64_t));
	int *first = gl_pool_allocate(work, items, sizeof(int)); /* per class its first item */
	uint64_t *next = columns;
	int i;
	int sw;

	component->class_first = gl_pool_allocate(work, items, sizeof(int));
	component->class_last = gl_pool_allocate(work, items, sizeof(int));
	component->class_items =
		gl_pool_allocate_zeroed(work, items * (size_t) work->words, sizeof(uint64_t));
	if (work->status != GL_OK)
		return false;
	hash_columns(component, columns, hashes);
	for (i = 0; i < component->item_count; i++)
	{
		int class = 0;

		if (!gl_pool_spend_effort(work, component))
			return false;
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

/* Makes the classes, and the sets over them. rows: the sets over items. */
static bool
build_classes(GlPoolWork *work, GlPoolComponent *component, const int *ranks,
			  const uint64_t *const *rows)
{
	int i;

	component->holders = gl_pool_allocate_zeroed(
		work, (size_t) component->item_count * (size_t) component->set_words, sizeof(uint64_t));
	if (work->status != GL_OK)
		return false;
	gl_pool_columns_build(rows, component->set_count, work->words, work->item_place,
						  component->holders, component->item_count);
	if (!merge_columns(work, component, component->holders, ranks))
		return false;
	component->words = GL_POOL_WORDS(component->class_count);
	component->all = gl_pool_allocate_zeroed(work, (size_t) component->words, sizeof(uint64_t));
	component->sets = gl_pool_allocate(
		work, (size_t) component->set_count * (size_t) component->words, sizeof(uint64_t));
	if (work->status != GL_OK)
		return false;
	for (i = 0; i < component->class_count; i++)
		gl_pool_bit_add(component->all, i);
	gl_pool_rows_build(component->holders, component->class_count, component->sets,
					   component->set_count, component->words);
	return true;
}

/* See solver_internal.h. */
bool
gl_pool_component_fill(GlPoolWork *work, GlPoolComponent *component, const int *sets, int set_count,
					   const int *ranks)
{
	const uint64_t **rows = gl_pool_allocate(work, (size_t) set_count, sizeof(uint64_t *));
	int i;

	if (rows == NULL || !number_sets(work, component, sets, set_count, rows) ||
		!build_classes(work, component, ranks, rows))
		return false;
	component->class_fee = gl_pool_allocate(work, (size_t) component->class_count, sizeof(int64_t));
	if (component->class_fee == NULL)
		return false;
	component->least_fee = component->set_count > 0 ? component->fees[0] : 0;
	for (i = 0; i < component->class_count; i++)
	{
		int found = gl_pool_find_superset(component, component->holders, &i, 1, 0);

		component->class_fee[i] = found < 0 ? INT64_MAX : component->fees[found];
	}
	return true;
}
