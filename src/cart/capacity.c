/*-------------------------------------------------------------------------
 *
 * capacity.c
 *	  Which counters are full: slots whose units are all taken by live holds
 *	  and confirmed orders.
 *
 * Only full counters are read, because of many thousands few are.  Holds that
 * have expired count as free, though nobody has taken their units back yet.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/hsearch.h"
#include "utils/timestamp.h"

#include "cart/offer.h"

#define READ_FULL                                                                                  \
	"SELECT c.merchant_id, c.store_id, c.rule_id, c.day, c.slot_from, c.slot_to "                  \
	"FROM ganje.slot_counter AS c JOIN ganje.store_rule AS r "                                     \
	"ON r.merchant_id = c.merchant_id AND r.store_id = c.store_id AND r.rule_id = c.rule_id "      \
	"WHERE c.merchant_id = ANY ($1) AND (c.day >= $2 OR c.day = '-infinity') AND c.used >= "       \
	"r.capacity "                                                                                  \
	"AND c.used - (SELECT count(*) FROM ganje.hold_unit AS u WHERE u.store_merchant_id = "         \
	"c.merchant_id "                                                                               \
	"AND u.store_id = c.store_id AND u.rule_id = c.rule_id AND u.day = c.day AND u.slot_from = "   \
	"c.slot_from "                                                                                 \
	"AND u.slot_to = c.slot_to AND u.state = 'held' AND u.expires_at <= ganje.clock()) >= "        \
	"r.capacity"

/* The days between PostgreSQL's epoch and Unix's. */
#define EPOCH_DAYS (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)
#define USECS_PER_MINUTE_OF_DAY ((int64) 60 * USECS_PER_SEC)

typedef struct CounterKey
{
	const GlStoreRule *rule;
	int64 date;
	int32 from;
	int32 to;
} CounterKey;

struct GlFullCounters
{
	HTAB *keys;
};

static int
minutes_of(Datum time_of_day)
{
	return (int) (DatumGetTimeADT(time_of_day) / USECS_PER_MINUTE_OF_DAY);
}

/* Stores are sorted by merchant and id. */
static const GlStore *
find_store(const GlStoreList *list, const char *merchant_id, const char *store_id)
{
	int low = 0;
	int high = list->count - 1;

	while (low <= high)
	{
		int middle = (low + high) / 2;
		int order = strcmp(list->stores[middle].merchant_id, merchant_id);

		if (order == 0)
			order = strcmp(list->stores[middle].store_id, store_id);
		if (order == 0)
			return &list->stores[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return NULL;
}

static const GlStoreRule *
find_rule(const GlStore *store, const char *rule_id)
{
	for (int i = 0; store != NULL && i < store->rule_count; i++)
		if (strcmp(store->rules[i].rule_id, rule_id) == 0)
			return &store->rules[i];
	return NULL;
}

static void
remember(GlFullCounters *full, const GlStoreList *stores, HeapTuple row, TupleDesc descriptor)
{
	CounterKey key = {0};
	bool isnull;
	DateADT day = DatumGetDateADT(SPI_getbinval(row, descriptor, 4, &isnull));
	const GlStore *store =
		find_store(stores, TextDatumGetCString(SPI_getbinval(row, descriptor, 1, &isnull)),
				   TextDatumGetCString(SPI_getbinval(row, descriptor, 2, &isnull)));

	key.rule = find_rule(store, TextDatumGetCString(SPI_getbinval(row, descriptor, 3, &isnull)));
	if (key.rule == NULL)
		return;
	key.date = DATE_IS_NOBEGIN(day) ? GL_ANY_DATE : (int64) day + EPOCH_DAYS;
	key.from = minutes_of(SPI_getbinval(row, descriptor, 5, &isnull));
	key.to = minutes_of(SPI_getbinval(row, descriptor, 6, &isnull));
	(void) hash_search(full->keys, &key, HASH_ENTER, NULL);
}

GlFullCounters *
gl_full_counters_read(const GlCheckout *checkout)
{
	GlFullCounters *full = palloc(sizeof(GlFullCounters));
	HASHCTL control = {0};
	Oid types[2] = {TEXTARRAYOID, DATEOID};
	Datum values[2];
	ArrayBuildState *merchants = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	const GlStoreList *stores = checkout->stores;

	for (int i = 0; i < stores->count; i++)
		if (i == 0 || strcmp(stores->stores[i].merchant_id, stores->stores[i - 1].merchant_id) != 0)
			merchants =
				accumArrayResult(merchants, CStringGetTextDatum(stores->stores[i].merchant_id),
								 false, TEXTOID, CurrentMemoryContext);
	values[0] = makeArrayResult(merchants, CurrentMemoryContext);
	values[1] = DateADTGetDatum((DateADT) (checkout->horizon.today - EPOCH_DAYS));
	control.keysize = sizeof(CounterKey);
	control.entrysize = sizeof(CounterKey);
	control.hcxt = CurrentMemoryContext;
	full->keys = hash_create("full counters", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	if (SPI_execute_with_args(READ_FULL, 2, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the full slots");
	for (uint64 i = 0; i < SPI_processed; i++)
		remember(full, stores, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
	return full;
}

bool
gl_counter_is_full(const GlFullCounters *full, const GlStoreRule *rule, int64 date, int from,
				   int to)
{
	CounterKey key = {0};

	if (!rule->has_capacity)
		return false;
	if (rule->capacity == 0)
		return true;
	key.rule = rule;
	key.date = date;
	key.from = from;
	key.to = to;
	return hash_search(full->keys, &key, HASH_FIND, NULL) != NULL;
}
