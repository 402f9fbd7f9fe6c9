/*-------------------------------------------------------------------------
 *
 * capacity.c
 *	  Which counters are full: slots whose units are all taken by live holds
 *	  and confirmed orders.
 *
 * Only full counters are read, because of many thousands few are, and only
 * those of the days that are offered: what sold out last year is not looked
 * at.  A call reads hundreds of them, so they are fetched from their index as
 * catalogs are, without the executor, which takes twice the time.
 *
 * Holds that have expired count as free, though nobody has taken their units
 * back yet.  A counter tells before when none of its holds expires; only one
 * that is past that is asked for its expired units, in SQL.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "cart/offer.h"
#include "core/core.h"

/* Full counters that have held units which have expired, and are full without them. */
#define READ_DOUBTFUL                                                                              \
	"SELECT c.merchant_id, c.store_id, c.rule_id, c.day, c.slot_from, c.slot_to "                  \
	"FROM ganje.slot_counter AS c "                                                                \
	"WHERE c.is_full AND c.merchant_id = ANY ($1) AND c.day = ANY ($2) AND c.next_expiry <= $3 "   \
	"AND c.used - (SELECT count(*) FROM ganje.hold_unit AS u WHERE u.store_merchant_id = "         \
	"c.merchant_id AND u.store_id = c.store_id AND u.rule_id = c.rule_id AND u.day = c.day "       \
	"AND u.slot_from = c.slot_from AND u.slot_to = c.slot_to AND u.state = 'held' "                \
	"AND u.expires_at <= $3) >= c.capacity"

/* The days between PostgreSQL's epoch and Unix's. */
#define EPOCH_DAYS (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)
#define USECS_PER_MINUTE_OF_DAY ((int64) 60 * USECS_PER_SEC)

/* The full counters of one rule. */
typedef struct RuleEntry
{
	const GlStoreRule *rule;
	GlFullCounter *counters;
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

/* The key of a counter, in the order of READ_DOUBTFUL. */
enum
{
	MERCHANT_ID,
	STORE_ID,
	RULE_ID,
	DAY,
	SLOT_FROM,
	SLOT_TO,
	KEY_COLUMNS
};

/* Reads counters into a table of full ones. */
typedef struct Reader
{
	MemoryContext context;
	GlFullCounters *full;
	const GlCheckout *checkout;
	TimestampTz right_now;
	bool has_doubtful;
} Reader;

/* Takes the rows of READ_DOUBTFUL as they come, without copies of them. */
typedef struct Receiver
{
	DestReceiver base;
	Reader *reader;
} Receiver;

static int
minutes_of(Datum time_of_day)
{
	return (int) (DatumGetTimeADT(time_of_day) / USECS_PER_MINUTE_OF_DAY);
}

static void
add_counter(Reader *reader, const Datum *key)
{
	const GlStoreRule *rule =
		gl_rule_find(reader->checkout->stores, DatumGetTextPP(key[MERCHANT_ID]),
					 DatumGetTextPP(key[STORE_ID]), DatumGetTextPP(key[RULE_ID]));
	DateADT day = DatumGetDateADT(key[DAY]);
	GlFullCounter *counter;
	RuleEntry *entry;
	bool found;

	if (rule == NULL)
		return;
	counter = MemoryContextAlloc(reader->context, sizeof(GlFullCounter));
	counter->date = DATE_IS_NOBEGIN(day) ? GL_ANY_DATE : (int64) day + EPOCH_DAYS;
	counter->from = minutes_of(key[SLOT_FROM]);
	counter->to = minutes_of(key[SLOT_TO]);
	entry = rules_insert(reader->full->rules, rule, &found);
	counter->next = found ? entry->counters : NULL;
	entry->counters = counter;
}

static bool
receive(TupleTableSlot *slot, DestReceiver *destination)
{
	slot_getallattrs(slot);
	add_counter(((Receiver *) destination)->reader, slot->tts_values);
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
static ArrayType *
merchants_of(const GlStoreList *stores)
{
	ArrayBuildState *merchants = initArrayResult(TEXTOID, CurrentMemoryContext, false);

	for (int i = 0; i < stores->count; i++)
		if (i == 0 || strcmp(stores->stores[i].merchant_id, stores->stores[i - 1].merchant_id) != 0)
			merchants =
				accumArrayResult(merchants, CStringGetTextDatum(stores->stores[i].merchant_id),
								 false, TEXTOID, CurrentMemoryContext);
	return DatumGetArrayTypeP(makeArrayResult(merchants, CurrentMemoryContext));
}

/* Yesterday, whose slots may run past midnight, to the last day offered; and the day of ON_DEMAND. */
static int
days_of(const GlHorizon *horizon, Datum **days)
{
	int count = horizon->days + 3;
	DateADT any_day;

	*days = palloc(count * sizeof(Datum));
	DATE_NOBEGIN(any_day);
	(*days)[0] = DateADTGetDatum(any_day);
	for (int i = 1; i < count; i++)
		(*days)[i] = DateADTGetDatum((DateADT) (horizon->today - EPOCH_DAYS) + i - 2);
	return count;
}

/* Of the table of counters; an extension's update may add some. */
#define COLUMNS_MAX 32

/* The table of counters while it is read. */
typedef struct Counters
{
	Relation table;
	Oid full_index;
	AttrNumber key[KEY_COLUMNS];
	AttrNumber next_expiry;
	Oid text_collation;
} Counters;

static void
open_counters(Counters *counters)
{
	static const char *const names[KEY_COLUMNS] = {"merchant_id", "store_id",  "rule_id",
												   "day",         "slot_from", "slot_to"};
	Oid schema = get_namespace_oid("ganje", false);
	Oid table = get_relname_relid("slot_counter", schema);

	counters->full_index = get_relname_relid("slot_counter_full", schema);
	if (!OidIsValid(table) || !OidIsValid(counters->full_index))
		elog(ERROR, "the counters of capacity are not there");
	counters->table = table_open(table, AccessShareLock);
	if (RelationGetNumberOfAttributes(counters->table) > COLUMNS_MAX)
		elog(ERROR, "the table of counters has too many columns");
	for (int i = 0; i < KEY_COLUMNS; i++)
		counters->key[i] = get_attnum(table, names[i]);
	counters->next_expiry = get_attnum(table, "next_expiry");
	counters->text_collation =
		TupleDescAttr(RelationGetDescr(counters->table), counters->key[MERCHANT_ID] - 1)
			->attcollation;
}

static void
read_tuple(Reader *reader, const Counters *counters, HeapTuple tuple)
{
	Datum values[COLUMNS_MAX];
	bool nulls[COLUMNS_MAX];
	Datum key[KEY_COLUMNS];
	int expiry = counters->next_expiry - 1;

	heap_deform_tuple(tuple, RelationGetDescr(counters->table), values, nulls);
	if (DatumGetTimestampTz(values[expiry]) <= reader->right_now)
	{
		reader->has_doubtful = true;
		return;
	}
	for (int i = 0; i < KEY_COLUMNS; i++)
		key[i] = values[counters->key[i] - 1];
	add_counter(reader, key);
}

/* The full counters of one merchant's day. */
static void
scan_day(Reader *reader, const Counters *counters, Datum merchant_id, Datum day)
{
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&keys[0], counters->key[MERCHANT_ID], BTEqualStrategyNumber, F_TEXTEQ, merchant_id);
	keys[0].sk_collation = counters->text_collation;
	ScanKeyInit(&keys[1], counters->key[DAY], BTEqualStrategyNumber, F_DATE_EQ, day);
	scan = systable_beginscan(counters->table, counters->full_index, true, GetActiveSnapshot(), 2,
							  keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		read_tuple(reader, counters, tuple);
	systable_endscan(scan);
}

static void
scan_counters(Reader *reader, ArrayType *merchants, const Datum *days, int day_count)
{
	Counters counters;
	Datum *merchant_ids;
	bool *nulls;
	int merchant_count;

	deconstruct_array(merchants, TEXTOID, -1, false, TYPALIGN_INT, &merchant_ids, &nulls,
					  &merchant_count);
	open_counters(&counters);
	for (int m = 0; m < merchant_count; m++)
		for (int d = 0; d < day_count; d++)
		{
			CHECK_FOR_INTERRUPTS();
			scan_day(reader, &counters, merchant_ids[m], days[d]);
		}
	table_close(counters.table, AccessShareLock);
}

static SPIPlanPtr
prepared(void)
{
	static SPIPlanPtr plan = NULL;
	Oid types[3] = {TEXTARRAYOID, DATEARRAYOID, TIMESTAMPTZOID};

	if (plan == NULL)
	{
		SPIPlanPtr fresh = SPI_prepare_cursor(READ_DOUBTFUL, 3, types, CURSOR_OPT_GENERIC_PLAN);

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

static void
read_doubtful(Reader *reader, ArrayType *merchants, Datum *days, int day_count)
{
	Receiver receiver = {{receive, begin, end, end, DestTuplestore}, reader};
	SPIExecuteOptions options = {.read_only = true, .dest = &receiver.base};
	ParamListInfo parameters = makeParamList(3);
	Datum values[3];
	Oid types[3] = {TEXTARRAYOID, DATEARRAYOID, TIMESTAMPTZOID};

	values[0] = PointerGetDatum(merchants);
	values[1] = PointerGetDatum(
		construct_array(days, day_count, DATEOID, sizeof(DateADT), true, TYPALIGN_INT));
	values[2] = TimestampTzGetDatum(reader->right_now);
	for (int i = 0; i < 3; i++)
	{
		parameters->params[i].value = values[i];
		parameters->params[i].isnull = false;
		parameters->params[i].pflags = PARAM_FLAG_CONST;
		parameters->params[i].ptype = types[i];
	}
	options.params = parameters;
	execute(&options);
}

GlFullCounters *
gl_full_counters_read(const GlCheckout *checkout)
{
	GlFullCounters *full = palloc(sizeof(GlFullCounters));
	Reader reader = {CurrentMemoryContext, full, checkout, gl_clock_read_wall(), false};
	ArrayType *merchants = merchants_of(checkout->stores);
	Datum *days;
	int day_count = days_of(&checkout->horizon, &days);

	full->rules = rules_create(CurrentMemoryContext, 256, NULL);
	scan_counters(&reader, merchants, days, day_count);
	if (reader.has_doubtful)
		read_doubtful(&reader, merchants, days, day_count);
	return full;
}

const GlFullCounter *
gl_rule_full(const GlFullCounters *full, const GlStoreRule *rule)
{
	RuleEntry *entry = rules_lookup(full->rules, rule);

	return entry == NULL ? NULL : entry->counters;
}

bool
gl_counter_is_full(const GlFullCounters *full, const GlStoreRule *rule, int64 date, int from,
				   int to)
{
	if (!rule->has_capacity)
		return false;
	if (rule->capacity == 0)
		return true;
	for (const GlFullCounter *counter = gl_rule_full(full, rule); counter != NULL;
		 counter = counter->next)
		if (counter->date == date && counter->from == from && counter->to == to)
			return true;
	return false;
}
