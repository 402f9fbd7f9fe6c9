/*-------------------------------------------------------------------------
 *
 * rule_index.c
 *	  Finds a rule by the ids of its store and itself.
 *
 * Counters and holds name rules by their ids, and one call reads hundreds of
 * them: a look at a hash table instead of a search through stores and rules.
 * It is built once per load, and never changes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "port/pg_bitutils.h"

#include "compat.h"
#include "store/store.h"

typedef struct Place
{
	uint32 hash;
	const GlStore *store; /* NULL: free */
	const GlStoreRule *rule;
} Place;

/* Open addressing; at most half of the places are taken. */
struct GlRuleIndex
{
	const char *merchant_id; /* NULL: the merchant has no rules */
	uint64 load;
	uint32 mask;
	Place *places;
};

static uint32
hash_ids(const char *store_id, int store_size, const char *rule_id, int rule_size)
{
	return hash_combine(hash_bytes((const unsigned char *) store_id, store_size),
						hash_bytes((const unsigned char *) rule_id, rule_size));
}

static void
add_rule(GlRuleIndex *index, const GlStore *store, const GlStoreRule *rule)
{
	uint32 hash = hash_ids(store->store_id, (int) strlen(store->store_id), rule->rule_id,
						   (int) strlen(rule->rule_id));
	uint32 place = hash & index->mask;

	while (index->places[place].store != NULL)
		place = (place + 1) & index->mask;
	index->places[place].hash = hash;
	index->places[place].store = store;
	index->places[place].rule = rule;
}

const GlRuleIndex *
gl_rule_index_build(const GlStoreList *list)
{
	static uint64 loads = 0;
	GlRuleIndex *index = palloc0(sizeof(GlRuleIndex));
	uint32 count = 0;

	index->load = ++loads;
	for (int s = 0; s < list->count; s++)
		count += list->stores[s].rule_count;
	index->mask = pg_nextpower2_32(2 * Max(count, 1)) - 1;
	index->places = palloc_extended(((Size) index->mask + 1) * sizeof(Place),
									MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int s = 0; s < list->count; s++)
	{
		index->merchant_id = list->stores[s].merchant_id;
		for (int r = 0; r < list->stores[s].rule_count; r++)
			add_rule(index, &list->stores[s], &list->stores[s].rules[r]);
	}
	return index;
}

const char *
gl_rule_index_merchant(const GlRuleIndex *index)
{
	return index->merchant_id;
}

uint64
gl_rule_index_load(const GlRuleIndex *index)
{
	return index->load;
}

static bool
is_text(const text *value, const char *string)
{
	size_t size = VARSIZE_ANY_EXHDR(value);

	return strncmp(VARDATA_ANY(value), string, size) == 0 && string[size] == '\0';
}

static const GlStoreRule *
find(const GlRuleIndex *index, const text *store_id, const text *rule_id)
{
	uint32 hash = hash_ids(VARDATA_ANY(store_id), (int) VARSIZE_ANY_EXHDR(store_id),
						   VARDATA_ANY(rule_id), (int) VARSIZE_ANY_EXHDR(rule_id));

	for (uint32 place = hash & index->mask; index->places[place].store != NULL;
		 place = (place + 1) & index->mask)
	{
		const Place *found = &index->places[place];

		if (found->hash == hash && is_text(rule_id, found->rule->rule_id) &&
			is_text(store_id, found->store->store_id))
			return found->rule;
	}
	return NULL;
}

const GlStoreRule *
gl_rule_find(const GlStoreList *list, const text *merchant_id, const text *store_id,
			 const text *rule_id)
{
	for (int m = 0; m < list->merchant_count; m++)
		if (list->indexes[m]->merchant_id != NULL &&
			is_text(merchant_id, list->indexes[m]->merchant_id))
			return find(list->indexes[m], store_id, rule_id);
	return NULL;
}
