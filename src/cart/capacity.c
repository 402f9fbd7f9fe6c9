/*-------------------------------------------------------------------------
 *
 * capacity.c
 *	  Which counters are full: slots whose units are all taken by live holds
 *	  and confirmed orders.
 *
 * Only full counters are read, because of many thousands few are, and only
 * those of the days that are offered: what sold out last year is not looked
 * at.  Holds that have expired count as free, though nobody has taken their
 * units back yet.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "cart/offer.h"
#include "core/core.h"

/* Merchants, days, and the time at which a hold has expired. */
#define READ_FULL                                                                                  \
	"SELECT c.merchant_id, c.store_id, c.rule_id, c.day, c.slot_from, c.slot_to "                  \
	"FROM ganje.slot_counter AS c "                                                                \
	"WHERE c.is_full AND c.merchant_id = ANY ($1) AND c.day = ANY ($2) "                           \
	"AND c.used - (SELECT count(*) FROM ganje.hold_unit AS u WHERE u.store_merchant_id = "         \
	"c.merchant_id AND u.store_id = c.store_id AND u.rule_id = c.rule_id AND u.day = c.day "       \
	"AND u.slot_from = c.slot_from AND u.slot_to = c.slot_to AND u.state = 'held' "                \
	"AND u.expires_at <= $3) >= c.capacity"

/* The days between PostgreSQL's epoch and Unix's. */
#define EPOCH_DAYS (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)
#define USECS_PER_MINUTE_OF_DAY ((int64) 60 * USECS_PER_SEC)

typedef struct FullCounter
{
	struct FullCounter *next;
	int64 date;
	int from;
	int to;
} FullCounter;

/* The full counters of one rule. */
typedef struct RuleEntry
{
	const GlStoreRule *rule;
	FullCounter *counters;
	char status; /* simplehash's */
} RuleEntry;

#define SH_PREFIX rules
#define SH_ELEMENT_TYPE RuleEntry
#define SH_KEY_TYPE const GlStoreRule *
#define SH_KEY rule
#define SH_HASH_KEY(table, key) murmurhash32((uint32) (((uintptr_t) (key)) >> 4))
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

struct GlFullCounters
{
	rules_hash *rules;
};

/* Takes the rows of READ_FULL as they come, without copies of them. */
typedef struct Receiver
{
	DestReceiver base;
	MemoryContext context;
	GlFullCounters *full;
	const GlStoreList *stores;
} Receiver;

static int
minutes_of(Datum time_of_day)
{
	return (int) (DatumGetTimeADT(time_of_day) / USECS_PER_MINUTE_OF_DAY);
}

/* As strcmp, of a text and a string. */
static int
compare_text(const text *left, const char *right)
{
	size_t left_size = VARSIZE_ANY_EXHDR(left);
	size_t right_size = strlen(right);
	int order = memcmp(VARDATA_ANY(left), right, Min(left_size, right_size));

	if (order != 0 || left_size == right_size)
		return order;
	return left_size < right_size ? -1 : 1;
}

/* Stores are sorted by merchant and id. */
static const GlStore *
find_store(const GlStoreList *list, const text *merchant_id, const text *store_id)
{
	int low = 0;
	int high = list->count - 1;

	while (low <= high)
	{
		int middle = (low + high) / 2;
		int order = compare_text(merchant_id, list->stores[middle].merchant_id);

		if (order == 0)
			order = compare_text(store_id, list->stores[middle].store_id);
		if (order == 0)
			return &list->stores[middle];
		if (order > 0)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return NULL;
}

static const GlStoreRule *
find_rule(const GlStore *store, const text *rule_id)
{
	for (int i = 0; store != NULL && i < store->rule_count; i++)
		if (compare_text(rule_id, store->rules[i].rule_id) == 0)
			return &store->rules[i];
	return NULL;
}

static bool
receive(TupleTableSlot *slot, DestReceiver *destination)
{
	Receiver *receiver = (Receiver *) destination;
	const GlStoreRule *rule;
	const GlStore *store;
	FullCounter *counter;
	RuleEntry *entry;
	bool found;
	DateADT day;

	slot_getallattrs(slot);
	store = find_store(receiver->stores, DatumGetTextPP(slot->tts_values[0]),
					   DatumGetTextPP(slot->tts_values[1]));
	rule = find_rule(store, DatumGetTextPP(slot->tts_values[2]));
	if (rule == NULL)
		return true;
	day = DatumGetDateADT(slot->tts_values[3]);
	counter = MemoryContextAlloc(receiver->context, sizeof(FullCounter));
	counter->date = DATE_IS_NOBEGIN(day) ? GL_ANY_DATE : (int64) day + EPOCH_DAYS;
	counter->from = minutes_of(slot->tts_values[4]);
	counter->to = minutes_of(slot->tts_values[5]);
	entry = rules_insert(receiver->full->rules, rule, &found);
	counter->next = found ? entry->counters : NULL;
	entry->counters = counter;
	return true;
}

static void
begin(DestReceiver *destination pg_attribute_unused(), int operation pg_attribute_unused(),
	  TupleDesc descriptor pg_attribute_unused())
{
}

static void
end(DestReceiver *destination pg_attribute_unused())
{
}

/* Each merchant that has stores, once. */
static Datum
merchants_of(const GlStoreList *stores)
{
	ArrayBuildState *merchants = initArrayResult(TEXTOID, CurrentMemoryContext, false);

	for (int i = 0; i < stores->count; i++)
		if (i == 0 || strcmp(stores->stores[i].merchant_id, stores->stores[i - 1].merchant_id) != 0)
			merchants =
				accumArrayResult(merchants, CStringGetTextDatum(stores->stores[i].merchant_id),
								 false, TEXTOID, CurrentMemoryContext);
	return makeArrayResult(merchants, CurrentMemoryContext);
}

/* Yesterday, whose slots may run past midnight, to the last day offered; and the day of ON_DEMAND. */
static Datum
days_of(const GlHorizon *horizon)
{
	int count = horizon->days + 3;
	Datum *days = palloc(count * sizeof(Datum));
	DateADT any_day;

	DATE_NOBEGIN(any_day);
	days[0] = DateADTGetDatum(any_day);
	for (int i = 1; i < count; i++)
		days[i] = DateADTGetDatum((DateADT) (horizon->today - EPOCH_DAYS) + i - 2);
	return PointerGetDatum(
		construct_array(days, count, DATEOID, sizeof(DateADT), true, TYPALIGN_INT));
}

static SPIPlanPtr
prepared(void)
{
	static SPIPlanPtr plan = NULL;
	Oid types[3] = {TEXTARRAYOID, DATEARRAYOID, TIMESTAMPTZOID};

	if (plan == NULL)
	{
		SPIPlanPtr fresh = SPI_prepare_cursor(READ_FULL, 3, types, CURSOR_OPT_GENERIC_PLAN);

		if (fresh == NULL || SPI_keepplan(fresh) != 0)
			elog(ERROR, "could not prepare reading the full slots");
		plan = fresh;
	}
	return plan;
}

/* The plan is made once, perhaps while there are few counters: it is to be the index's all the same. */
static void
execute(SPIExecuteOptions *options)
{
	int settings = NewGUCNestLevel();

	(void) set_config_option("enable_seqscan", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	if (SPI_execute_plan_extended(prepared(), options) != SPI_OK_SELECT)
		elog(ERROR, "could not read the full slots");
	AtEOXact_GUC(true, settings);
}

GlFullCounters *
gl_full_counters_read(const GlCheckout *checkout)
{
	GlFullCounters *full = palloc(sizeof(GlFullCounters));
	Receiver receiver = {
		.base = {receive, begin, end, end, DestTuplestore},
		.context = CurrentMemoryContext,
		.full = full,
		.stores = checkout->stores,
	};
	SPIExecuteOptions options = {.read_only = true, .dest = &receiver.base};
	ParamListInfo parameters = makeParamList(3);
	Datum values[3];
	Oid types[3] = {TEXTARRAYOID, DATEARRAYOID, TIMESTAMPTZOID};

	full->rules = rules_create(CurrentMemoryContext, 64, NULL);
	values[0] = merchants_of(checkout->stores);
	values[1] = days_of(&checkout->horizon);
	values[2] = TimestampTzGetDatum(gl_clock_read_wall());
	for (int i = 0; i < 3; i++)
	{
		parameters->params[i].value = values[i];
		parameters->params[i].isnull = false;
		parameters->params[i].pflags = PARAM_FLAG_CONST;
		parameters->params[i].ptype = types[i];
	}
	options.params = parameters;
	execute(&options);
	return full;
}

bool
gl_rule_has_full(const GlFullCounters *full, const GlStoreRule *rule)
{
	return rule->has_capacity && (rule->capacity == 0 || rules_lookup(full->rules, rule) != NULL);
}

bool
gl_counter_is_full(const GlFullCounters *full, const GlStoreRule *rule, int64 date, int from,
				   int to)
{
	RuleEntry *entry;

	if (!rule->has_capacity)
		return false;
	if (rule->capacity == 0)
		return true;
	entry = rules_lookup(full->rules, rule);
	for (FullCounter *counter = entry == NULL ? NULL : entry->counters; counter != NULL;
		 counter = counter->next)
		if (counter->date == date && counter->from == from && counter->to == to)
			return true;
	return false;
}
