/*-------------------------------------------------------------------------
 *
 * solver_sets.c
 *	  Merges the offers' equal item sets.
 *
 * Thousands of stores sell the same assortment under a few dozen limits, so
 * this is where a large cart becomes a small problem; and with 40,000 offers
 * it is where the time goes. The hash table starts small and grows with the
 * distinct sets, so that it stays in the first-level cache.
 *
 *-------------------------------------------------------------------------
 */
#include "pool/solver_internal.h"

#define FIRST_TABLE_SIZE 256

typedef struct SetTable
{
	int *slots;       /* set number + 1, or 0 */
	uint64_t *hashes; /* per set */
	size_t mask;      /* the number of slots less one */
	int shift;        /* from a hash to its slot: only its highest bits depend on all items */
	int capacity;     /* of the arrays over sets */
} SetTable;

/* A multiplicative hash over the words, 0 for none; quality matters little, equality is always checked. */
static uint64_t
hash_items(const uint64_t *items, int words)
{
	uint64_t hash = 0;
	int w;

	for (w = 0; w < words; w++)
	{
		hash = (hash ^ items[w]) * UINT64_C(0x9E3779B97F4A7C15);
		hash ^= hash >> 29;
	}
	return hash;
}

/* Makes the table four times as large (or the first one). */
static bool
table_grow(GlPoolWork *work, SetTable *table)
{
	size_t size = table->slots == NULL ? FIRST_TABLE_SIZE : (table->mask + 1) * 4;
	int capacity = (int) (size / 2);
	const uint64_t **items = gl_pool_allocate(work, (size_t) capacity, sizeof(*items));
	int64_t *fees = gl_pool_allocate(work, (size_t) capacity, sizeof(*fees));
	int *offers = gl_pool_allocate(work, (size_t) capacity, sizeof(*offers));
	int *counts = gl_pool_allocate(work, (size_t) capacity, sizeof(*counts));
	uint64_t *hashes = gl_pool_allocate(work, (size_t) capacity, sizeof(*hashes));
	int *slots = gl_pool_allocate_zeroed(work, size, sizeof(*slots));
	int shift = 64 - __builtin_ctzll(size);
	int i;

	if (work->status != GL_OK)
		return false;
	for (i = 0; i < work->set_count; i++)
	{
		size_t slot = table->hashes[i] >> shift;

		items[i] = work->set_items[i];
		fees[i] = work->set_fees[i];
		offers[i] = work->set_last_offer[i];
		counts[i] = work->set_offer_count[i];
		hashes[i] = table->hashes[i];
		while (slots[slot] != 0)
			slot = (slot + 1) & (size - 1);
		slots[slot] = i + 1;
	}
	work->set_items = items;
	work->set_fees = fees;
	work->set_last_offer = offers;
	work->set_offer_count = counts;
	table->hashes = hashes;
	table->slots = slots;
	table->mask = size - 1;
	table->shift = shift;
	table->capacity = capacity;
	return true;
}

/* Whether two sets are equal; inline, since a call costs more than the few words. */
static inline bool
same_items(const uint64_t *left, const uint64_t *right, int words)
{
	uint64_t differ = 0;
	int w;

	for (w = 0; w < words; w++)
		differ |= left[w] ^ right[w];
	return differ == 0;
}

/* The number of the set of this hash, new or known; -1 when there is no memory. */
static int
table_find(GlPoolWork *work, SetTable *table, const uint64_t *items, uint64_t hash)
{
	size_t slot = hash >> table->shift;

	for (; table->slots[slot] != 0; slot = (slot + 1) & table->mask)
	{
		int set = table->slots[slot] - 1;

		if (table->hashes[set] == hash && same_items(work->set_items[set], items, work->words))
			return set;
	}
	if (work->set_count == table->capacity)
	{
		if (!table_grow(work, table))
			return -1;
		for (slot = hash >> table->shift; table->slots[slot] != 0;)
			slot = (slot + 1) & table->mask;
	}
	table->slots[slot] = work->set_count + 1;
	table->hashes[work->set_count] = hash;
	work->set_items[work->set_count] = items;
	work->set_fees[work->set_count] = INT64_MAX;
	work->set_last_offer[work->set_count] = -1;
	work->set_offer_count[work->set_count] = 0;
	return work->set_count++;
}

/* Whether no item is in the set. */
static bool
is_empty(const uint64_t *items, int words)
{
	uint64_t any = 0;
	int w;

	for (w = 0; w < words; w++)
		any |= items[w];
	return any == 0;
}

/* See solver_internal.h. */
bool
gl_pool_sets_build(GlPoolWork *work)
{
	const GlPoolProblem *problem = work->problem;
	SetTable table = {NULL, NULL, 0, 0, 0};
	const uint64_t *items = NULL;
	int set = -1;
	int i;

	work->offer_before = gl_pool_allocate(work, (size_t) problem->offer_count, sizeof(int));
	work->offer_set = gl_pool_allocate(work, (size_t) problem->offer_count, sizeof(int));
	if (work->status != GL_OK || !table_grow(work, &table))
		return false;
	for (i = 0; i < problem->offer_count; i++)
	{
		const GlPoolOffer *offer = &problem->offers[i];

		if (offer->items != items)
		{
			uint64_t hash = hash_items(offer->items, work->words);

			items = offer->items;
			if (hash == 0 && is_empty(items, work->words))
				set = -1;
			else if ((set = table_find(work, &table, items, hash)) < 0)
				return false;
		}
		work->offer_set[i] = set;
		if (set < 0)
			continue;
		work->offer_before[i] = work->set_last_offer[set];
		work->set_last_offer[set] = i;
		work->set_offer_count[set]++;
		if (offer->fee < work->set_fees[set])
			work->set_fees[set] = offer->fee;
	}
	return true;
}
