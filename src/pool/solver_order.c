/*-------------------------------------------------------------------------
 *
 * solver_order.c
 *	  A component's sets in the order in which items go to them: larger,
 *	  cheaper, first items (see solver.h). Only covers by three sets or more
 *	  need it, so most carts do without.
 *
 *-------------------------------------------------------------------------
 */
#include "pool/solver_internal.h"

#include <stdlib.h>
#include <string.h>

/* For qsort, pointers to rows that differ. */
static int
compare_rows(const void *left, const void *right)
{
	const uint64_t *a = *(const uint64_t *const *) left;
	const uint64_t *b = *(const uint64_t *const *) right;

	if (a == b)
		return 0;
	return gl_pool_row_is_first(a, b) ? -1 : 1;
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
order_ties(GlPoolWork *work, const GlPoolComponent *component, GlPoolKey *keys, GlPoolKey *spare,
		   int count)
{
	size_t words = (size_t) component->words;
	const uint64_t **rows;
	int first;
	int end;
	int i;

	for (i = 0; i < count; i++)
		keys[i].key = ~reverse_bits(component->sets[(size_t) keys[i].place * words]);
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
			rows[i - first] = component->sets + (size_t) keys[i].place * words;
		qsort(rows, (size_t) (end - first), sizeof(uint64_t *), compare_rows);
		for (i = first; i < end; i++)
			keys[i].place = (int) ((size_t) (rows[i - first] - component->sets) / words);
	}
	return true;
}

/* The numbers of the sets in order. NULL: no memory. */
static GlPoolKey *
list_order(GlPoolWork *work, const GlPoolComponent *component)
{
	int count = component->set_count;
	GlPoolKey *keys = gl_pool_allocate(work, (size_t) count, sizeof(GlPoolKey));
	GlPoolKey *spare = gl_pool_allocate(work, (size_t) count, sizeof(GlPoolKey));
	int first;
	int end;
	int i;

	if (work->status != GL_OK)
		return NULL;
	for (i = 0; i < count; i++)
	{
		keys[i].key = (uint64_t) (GL_POOL_ITEMS_MAX - component->sizes[i]);
		keys[i].place = i;
	}
	gl_pool_keys_sort(keys, spare, (size_t) count); /* what is by fee stays so */
	for (first = 0; first < count; first = end)
	{
		int set = keys[first].place;

		for (end = first + 1; end < count &&
							  component->sizes[keys[end].place] == component->sizes[set] &&
							  component->fees[keys[end].place] == component->fees[set];)
			end++;
		if (end - first > 1 && !order_ties(work, component, keys + first, spare, end - first))
			return NULL;
	}
	return keys;
}

/* See solver_internal.h. */
bool
gl_pool_order_sets(GlPoolWork *work, GlPoolComponent *component)
{
	size_t count = (size_t) component->set_count;
	size_t words = (size_t) component->words;
	const GlPoolKey *order;
	const uint64_t **rows;
	size_t i;

	if (component->ordered_sets != NULL)
		return true;
	order = list_order(work, component);
	rows = gl_pool_allocate(work, count, sizeof(uint64_t *));
	component->ordered_sizes = gl_pool_allocate(work, count, sizeof(int));
	component->ordered_sets = gl_pool_allocate(work, count * words, sizeof(uint64_t));
	component->ordered_holders = gl_pool_allocate_zeroed(
		work, (size_t) component->class_count * (size_t) component->set_words, sizeof(uint64_t));
	if (work->status != GL_OK)
		return false;
	for (i = 0; i < count; i++)
	{
		size_t set = (size_t) order[i].place;

		component->ordered_sizes[i] = component->sizes[set];
		memcpy(component->ordered_sets + i * words, component->sets + set * words,
			   words * sizeof(uint64_t));
		rows[i] = component->ordered_sets + i * words;
	}
	gl_pool_columns_build(rows, component->set_count, component->words, NULL,
						  component->ordered_holders, component->class_count);
	return true;
}
