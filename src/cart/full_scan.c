/*-------------------------------------------------------------------------
 *
 * full_scan.c
 *	  Reads which counters are full: slots whose units are all taken by live
 *	  holds and confirmed orders.
 *
 * Only full counters are read, because of many thousands few are, and only
 * those of the days that are offered: what sold out last year is not looked
 * at.  There may still be hundreds, so they are fetched from their index as
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

#include "cart/full.h"
#include "core/core.h"

/* Full counters that have held units which have expired, and are full without them. */
#define READ_DOUBTFUL                                                                              \
	"SELECT c.merchant_id, c.store_id, c.rule_id, c.day, c.slot_from, c.slot_to "                  \
	"FROM ganje.slot_counter AS c "                                                                \
	"WHERE c.is_full AND c.merchant_id = $1 AND c.day = ANY ($2) AND c.next_expiry <= $3 "         \
	"AND c.used - (SELECT count(*) FROM ganje.hold_unit AS u WHERE u.store_merchant_id = "         \
	"c.merchant_id AND u.store_id = c.store_id AND u.rule_id = c.rule_id AND u.day = c.day "       \
	"AND u.slot_from = c.slot_from AND u.slot_to = c.slot_to AND u.state = 'held' "                \
	"AND u.expires_at <= $3) >= c.capacity"

/* The days between PostgreSQL's epoch and Unix's. */
#define EPOCH_DAYS (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)
#define USECS_PER_MINUTE_OF_DAY ((int64) 60 * USECS_PER_SEC)

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

/* Takes the rows of READ_DOUBTFUL as they come, without copies of them. */
typedef struct Receiver
{
	DestReceiver base;
	GlFullTable *table;
	const GlFullQuestion *question;
} Receiver;

static int
minutes_of(Datum time_of_day)
{
	return (int) (DatumGetTimeADT(time_of_day) / USECS_PER_MINUTE_OF_DAY);
}

static void
add_counter(GlFullTable *table, const GlFullQuestion *question, const Datum *key)
{
	const GlStoreRule *rule =
		gl_rule_find(question->stores, DatumGetTextPP(key[MERCHANT_ID]),
					 DatumGetTextPP(key[STORE_ID]), DatumGetTextPP(key[RULE_ID]));
	DateADT day = DatumGetDateADT(key[DAY]);

	if (rule != NULL)
		gl_full_table_add(table, rule,
						  DATE_IS_NOBEGIN(day) ? GL_ANY_DATE : (int64) day + EPOCH_DAYS,
						  minutes_of(key[SLOT_FROM]), minutes_of(key[SLOT_TO]));
}

static bool
receive(TupleTableSlot *slot, DestReceiver *destination)
{
	Receiver *receiver = (Receiver *) destination;

	slot_getallattrs(slot);
	add_counter(receiver->table, receiver->question, slot->tts_values);
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

Oid
gl_full_index(void)
{
	return get_relname_relid("slot_counter_full", get_namespace_oid("ganje", false));
}

static void
open_counters(Counters *counters)
{
	static const char *const names[KEY_COLUMNS] = {"merchant_id", "store_id",  "rule_id",
												   "day",         "slot_from", "slot_to"};
	Oid table = get_relname_relid("slot_counter", get_namespace_oid("ganje", false));

	counters->full_index = gl_full_index();
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

/* Adds what is full for sure; answers before when none of its holds expires. */
static TimestampTz
read_tuple(GlFullTable *table, const GlFullQuestion *question, const Counters *counters,
		   HeapTuple tuple)
{
	Datum values[COLUMNS_MAX];
	bool nulls[COLUMNS_MAX];
	Datum key[KEY_COLUMNS];
	TimestampTz next_expiry;

	heap_deform_tuple(tuple, RelationGetDescr(counters->table), values, nulls);
	next_expiry = DatumGetTimestampTz(values[counters->next_expiry - 1]);
	if (next_expiry <= question->right_now)
		return next_expiry;
	for (int i = 0; i < KEY_COLUMNS; i++)
		key[i] = values[counters->key[i] - 1];
	add_counter(table, question, key);
	return next_expiry;
}

static TimestampTz
scan_day(GlFullTable *table, const GlFullQuestion *question, const Counters *counters,
		 Datum merchant_id, Datum day)
{
	TimestampTz first_expiry = DT_NOEND;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&keys[0], counters->key[MERCHANT_ID], BTEqualStrategyNumber, F_TEXTEQ, merchant_id);
	keys[0].sk_collation = counters->text_collation;
	ScanKeyInit(&keys[1], counters->key[DAY], BTEqualStrategyNumber, F_DATE_EQ, day);
	scan = systable_beginscan(counters->table, counters->full_index, true, GetActiveSnapshot(), 2,
							  keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		TimestampTz expiry = read_tuple(table, question, counters, tuple);

		first_expiry = Min(first_expiry, expiry);
	}
	systable_endscan(scan);
	return first_expiry;
}

TimestampTz
gl_full_scan(GlFullTable *table, const GlFullQuestion *question)
{
	Datum merchant_id = CStringGetTextDatum(question->merchant_id);
	TimestampTz first_expiry = DT_NOEND;
	Counters counters;
	Datum *days;
	int day_count = days_of(question->horizon, &days);

	open_counters(&counters);
	for (int d = 0; d < day_count; d++)
	{
		TimestampTz expiry;

		CHECK_FOR_INTERRUPTS();
		expiry = scan_day(table, question, &counters, merchant_id, days[d]);
		first_expiry = Min(first_expiry, expiry);
	}
	table_close(counters.table, AccessShareLock);
	return first_expiry;
}

static SPIPlanPtr
prepared(void)
{
	static SPIPlanPtr plan = NULL;
	Oid types[3] = {TEXTOID, DATEARRAYOID, TIMESTAMPTZOID};

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

	gl_plan_forbid_scans();
	if (SPI_execute_plan_extended(prepared(), options) != SPI_OK_SELECT)
		elog(ERROR, "could not read the full slots");
	AtEOXact_GUC(true, settings);
}

void
gl_full_scan_doubtful(GlFullTable *table, const GlFullQuestion *question)
{
	Receiver receiver = {{receive, begin, end, end, DestTuplestore}, table, question};
	SPIExecuteOptions options = {.read_only = true, .dest = &receiver.base};
	ParamListInfo parameters = makeParamList(3);
	Datum values[3];
	Oid types[3] = {TEXTOID, DATEARRAYOID, TIMESTAMPTZOID};
	Datum *days;
	int day_count = days_of(question->horizon, &days);

	values[0] = CStringGetTextDatum(question->merchant_id);
	values[1] = PointerGetDatum(
		construct_array(days, day_count, DATEOID, sizeof(DateADT), true, TYPALIGN_INT));
	values[2] = TimestampTzGetDatum(question->right_now);
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
