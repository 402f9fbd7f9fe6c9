/*-------------------------------------------------------------------------
 *
 * take_hold.c
 *	  Taking the units of a hold, each by one statement on its counter, and
 *	  writing the hold.
 *
 * The counter decides: it holds the rule's capacity, brought there by a
 * trigger.  Only its first unit asks the rule, and keeps it from being
 * changed until the end of the transaction, because the trigger would not see
 * a counter that is not there yet.
 *
 * Locks.  Counters are locked in the order of their keys.  A change of a
 * capacity locks the rule and then its counters, so nobody may wait for a
 * rule while holding a counter: where a rule is locked by another and we hold
 * something, everything is given back (a subtransaction), and the next try
 * waits for that rule before anything else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "compat.h"
#include "cart/hold.h"
#include "core/insert.h"
#include "settings.h"

GL_FUNCTION(gl_take_hold);
GL_FUNCTION(gl_take_unit);

/* The columns of ganje.hold, in their order. */
typedef enum HoldColumn
{
	HOLD_MERCHANT,
	HOLD_ID,
	HOLD_STATE,
	HOLD_CART,
	HOLD_ZONE,
	HOLD_ORDER,
	HOLD_CREATED,
	HOLD_EXPIRES,
	HOLD_COLUMNS
} HoldColumn;

#define KEY_COLUMNS 6
#define TAKE_COLUMNS (KEY_COLUMNS + 1) /* and before when the unit does not expire */
#define RULE_COLUMNS 3
#define PARAMETERS_MAX (TAKE_COLUMNS + 1)

/* A statement whose plan is kept; its first parameters are a counter's key. */
typedef struct Statement
{
	const char *text;
	int parameter_count;
	Oid types[PARAMETERS_MAX];
	SPIPlanPtr plan;
} Statement;

#define KEY_TYPES TEXTOID, TEXTOID, TEXTOID, DATEOID, TIMEOID, TIMEOID
#define OF_COUNTER                                                                                 \
	"c.merchant_id = $1 AND c.store_id = $2 AND c.rule_id = $3 AND c.day = $4 "                    \
	"AND c.slot_from = $5 AND c.slot_to = $6"
#define OF_RULE                                                                                    \
	"FROM ganje.store_rule AS r WHERE r.merchant_id = $1 AND r.store_id = $2 AND r.rule_id = $3"

static Statement take_next = {
	"UPDATE ganje.slot_counter AS c SET used = c.used + 1, next_expiry = least(c.next_expiry, $7) "
	"WHERE " OF_COUNTER " AND (c.capacity IS NULL OR c.used < c.capacity)",
	TAKE_COLUMNS,
	{KEY_TYPES, TIMESTAMPTZOID},
	NULL};
static Statement find_counter = {
	"SELECT 1 FROM ganje.slot_counter AS c WHERE " OF_COUNTER, KEY_COLUMNS, {KEY_TYPES}, NULL};
static Statement reclaim = {
	"SELECT 1 WHERE ganje.reclaim_expired($1, $2, $3, $4, $5, $6)", KEY_COLUMNS, {KEY_TYPES}, NULL};
static Statement lock_rule = {
	"SELECT r.capacity " OF_RULE " FOR SHARE", RULE_COLUMNS, {KEY_TYPES}, NULL};
static Statement lock_free_rule = {
	"SELECT r.capacity " OF_RULE " FOR SHARE SKIP LOCKED", RULE_COLUMNS, {KEY_TYPES}, NULL};
static Statement find_rule = {"SELECT 1 " OF_RULE, RULE_COLUMNS, {KEY_TYPES}, NULL};
static Statement take_first = {
	"INSERT INTO ganje.slot_counter (merchant_id, store_id, rule_id, day, "
	"slot_from, slot_to, used, capacity, next_expiry) VALUES ($1, $2, $3, $4, $5, $6, 1, $8, $7) "
	"ON CONFLICT (merchant_id, store_id, rule_id, day, slot_from, slot_to) DO NOTHING",
	TAKE_COLUMNS + 1,
	{KEY_TYPES, TIMESTAMPTZOID, INT4OID},
	NULL};
static GlInsertTable hold_table = {.name = "hold",
								   .count = HOLD_COLUMNS,
								   .columns = {{"merchant_id", TEXTOID},
											   {"hold_id", TEXTOID},
											   {"state", TEXTOID},
											   {"cart_id", TEXTOID},
											   {"zone_id", TEXTOID},
											   {"order_id", TEXTOID},
											   {"created_at", TIMESTAMPTZOID},
											   {"expires_at", TIMESTAMPTZOID}}};
static GlInsertTable unit_table = {.name = "hold_unit",
								   .count = GL_UNIT_COLUMNS,
								   .columns = {{"merchant_id", TEXTOID},
											   {"hold_id", TEXTOID},
											   {"group_no", INT4OID},
											   {"state", TEXTOID},
											   {"store_merchant_id", TEXTOID},
											   {"store_id", TEXTOID},
											   {"rule_id", TEXTOID},
											   {"type", TEXTOID},
											   {"provider", TEXTOID},
											   {"day", DATEOID},
											   {"slot_from", TIMEOID},
											   {"slot_to", TIMEOID},
											   {"promised_from", TIMESTAMPTZOID},
											   {"promised_to", TIMESTAMPTZOID},
											   {"fee", NUMERICOID},
											   {"items", JSONBOID},
											   {"expires_at", TIMESTAMPTZOID}}};

typedef enum Outcome
{
	TAKEN,
	FULL,
	RULE_IS_BUSY
} Outcome;

/* Rows that the statement has found or written. */
static uint64
execute(Statement *statement, const Datum *values, const char *nulls)
{
	if (statement->plan == NULL)
	{
		SPIPlanPtr fresh = SPI_prepare_cursor(statement->text, statement->parameter_count,
											  statement->types, CURSOR_OPT_GENERIC_PLAN);

		if (fresh == NULL || SPI_keepplan(fresh) != 0)
			elog(ERROR, "could not prepare a statement of holds");
		statement->plan = fresh;
	}
	if (SPI_execute_plan(statement->plan, (Datum *) values, nulls, false, 0) < 0)
		elog(ERROR, "could not execute a statement of holds");
	return SPI_processed;
}

/* The key of a unit's counter, as parameters $1 to $6, and its expiry as $7. */
static void
copy_key(const GlHoldUnit *unit, Datum *key)
{
	memcpy(key, &unit->values[GL_UNIT_STORE_MERCHANT], RULE_COLUMNS * sizeof(Datum));
	memcpy(key + RULE_COLUMNS, &unit->values[GL_UNIT_DAY],
		   (KEY_COLUMNS - RULE_COLUMNS) * sizeof(Datum));
	key[KEY_COLUMNS] = unit->values[GL_UNIT_EXPIRES];
}

/*
 * The first unit of a counter.  Where it returns TAKEN and taken is false,
 * somebody else was faster: the counter is there now.
 */
static Outcome
take_first_unit(const Datum *key, bool may_wait, bool *taken)
{
	Datum values[TAKE_COLUMNS + 1];
	char nulls[TAKE_COLUMNS + 1];
	bool has_rule = execute(may_wait ? &lock_rule : &lock_free_rule, key, NULL) > 0;
	bool has_no_limit = true;

	*taken = false;
	memcpy(values, key, TAKE_COLUMNS * sizeof(Datum));
	memset(nulls, ' ', sizeof(nulls));
	if (has_rule)
		values[TAKE_COLUMNS] =
			SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &has_no_limit);
	else if (!may_wait && execute(&find_rule, key, NULL) > 0)
		return RULE_IS_BUSY;
	if (has_no_limit)
		nulls[TAKE_COLUMNS] = 'n';
	else if (DatumGetInt32(values[TAKE_COLUMNS]) == 0)
		return FULL;
	*taken = execute(&take_first, values, nulls) > 0;
	return TAKEN;
}

/* Takes one unit, of an expired hold if need be; waits for its rule only if it may. */
static Outcome
take_unit(const GlHoldUnit *unit, bool may_wait)
{
	Datum key[TAKE_COLUMNS];

	copy_key(unit, key);
	for (;;)
	{
		Outcome outcome;
		bool taken;

		if (execute(&take_next, key, NULL) > 0)
			return TAKEN;
		if (execute(&find_counter, key, NULL) > 0)
		{
			if (execute(&reclaim, key, NULL) == 0)
				return FULL;
			continue;
		}
		outcome = take_first_unit(key, may_wait, &taken);
		if (outcome != TAKEN || taken)
			return outcome;
	}
}

static int
compare_texts(Datum left, Datum right)
{
	text *a = DatumGetTextPP(left);
	text *b = DatumGetTextPP(right);
	int order =
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(VARSIZE_ANY_EXHDR(a), VARSIZE_ANY_EXHDR(b)));

	if (order != 0)
		return order;
	return (int) VARSIZE_ANY_EXHDR(a) - (int) VARSIZE_ANY_EXHDR(b);
}

static int
compare_rules(const GlHoldUnit *left, const GlHoldUnit *right)
{
	int order = 0;

	for (int i = GL_UNIT_STORE_MERCHANT; i <= GL_UNIT_RULE && order == 0; i++)
		order = compare_texts(left->values[i], right->values[i]);
	return order;
}

/* By the key of the counter, texts by their bytes. */
static int
compare_units(const void *left, const void *right)
{
	const GlHoldUnit *a = left;
	const GlHoldUnit *b = right;
	int order = compare_rules(a, b);

	if (order == 0)
		order =
			(DatumGetDateADT(a->values[GL_UNIT_DAY]) > DatumGetDateADT(b->values[GL_UNIT_DAY])) -
			(DatumGetDateADT(a->values[GL_UNIT_DAY]) < DatumGetDateADT(b->values[GL_UNIT_DAY]));
	for (int i = GL_UNIT_SLOT_FROM; i <= GL_UNIT_SLOT_TO && order == 0; i++)
		order = (DatumGetTimeADT(a->values[i]) > DatumGetTimeADT(b->values[i])) -
				(DatumGetTimeADT(a->values[i]) < DatumGetTimeADT(b->values[i]));
	return order;
}

/*
 * Takes units until one cannot be had.  The rule of "first" is waited for
 * before anything is locked, or, where it is NULL, that of the first unit if
 * need be; any other rule is not waited for.  *failed is the unit that was not
 * taken.
 */
static Outcome
take_in_order(const GlHoldUnit *units, int count, const GlHoldUnit *first,
			  const GlHoldUnit **failed)
{
	Outcome outcome = TAKEN;
	Datum key[TAKE_COLUMNS];

	if (first != NULL)
	{
		copy_key(first, key);
		(void) execute(&lock_rule, key, NULL);
	}
	for (int i = 0; i < count && outcome == TAKEN; i++)
	{
		bool may_wait = first == NULL ? i == 0 : compare_rules(&units[i], first) == 0;

		*failed = &units[i];
		outcome = take_unit(&units[i], may_wait);
	}
	return outcome;
}

static void
end_subtransaction(bool commit, MemoryContext context, ResourceOwner owner)
{
	if (commit)
		ReleaseCurrentSubTransaction();
	else
		RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
}

/*
 * All units or none: where one cannot be had, those of the others go back, and
 * their locks with them, so that another try may lock counters in order again.
 * An error leaves no subtransaction behind for the caller's handler to trip over.
 */
static Outcome
take_all_or_none(const GlHoldUnit *units, int count, const GlHoldUnit *first,
				 const GlHoldUnit **failed)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile Outcome outcome = TAKEN;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		outcome = take_in_order(units, count, first, failed);
		end_subtransaction(outcome == TAKEN, context, owner);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		end_subtransaction(false, context, owner);
		ReThrowError(error);
	}
	PG_END_TRY();
	return outcome;
}

/* False where a slot is full: *failed is its unit. One unit has nothing to give back. */
static bool
take_units(GlHoldUnit *units, int count, const GlHoldUnit **failed)
{
	const GlHoldUnit *first = NULL;
	Outcome outcome;

	if (count == 1)
		return take_in_order(units, count, NULL, failed) == TAKEN;
	qsort(units, count, sizeof(GlHoldUnit), compare_units);
	for (;;)
	{
		outcome = take_all_or_none(units, count, first, failed);
		if (outcome != RULE_IS_BUSY)
			return outcome == TAKEN;
		first = *failed;
	}
}

static void
write_units(const GlHoldUnit *units, int count)
{
	GlInsertion *insertion = gl_insert_begin(&unit_table);

	for (int i = 0; i < count; i++)
		gl_insert_row(insertion, units[i].values, units[i].nulls);
	gl_insert_end(insertion);
}

static void
write_rows(const GlHoldOwner *owner, GlHoldUnit *units, int count, GlHoldTaken *taken)
{
	const char *texts[] = {owner->merchant_id, taken->hold_id, "held",
						   owner->cart_id,     owner->zone_id, NULL};
	TimestampTz now = gl_clock_read_wall();
	Datum values[HOLD_COLUMNS];
	char nulls[HOLD_COLUMNS];

	gl_ulid_write(taken->hold_id);
	/* The time to live begins now; the counters were told an earlier end, before we waited for them. */
	taken->expires_at = Max(taken->expires_at, now + gl_setting_hold_ttl * USECS_PER_SEC);
	memset(nulls, ' ', sizeof(nulls));
	for (int i = 0; i < (int) lengthof(texts); i++)
	{
		nulls[i] = texts[i] == NULL ? 'n' : ' ';
		values[i] = texts[i] == NULL ? (Datum) 0 : CStringGetTextDatum(texts[i]);
	}
	values[HOLD_CREATED] = TimestampTzGetDatum(now);
	values[HOLD_EXPIRES] = TimestampTzGetDatum(taken->expires_at);
	for (int i = 0; i < count; i++)
	{
		GlHoldUnit *unit = &units[i];

		unit->values[GL_UNIT_MERCHANT] = values[HOLD_MERCHANT];
		unit->values[GL_UNIT_HOLD] = values[HOLD_ID];
		unit->values[GL_UNIT_STATE] = values[HOLD_STATE];
		unit->values[GL_UNIT_EXPIRES] = values[HOLD_EXPIRES];
		unit->nulls[GL_UNIT_MERCHANT] = unit->nulls[GL_UNIT_HOLD] = ' ';
		unit->nulls[GL_UNIT_STATE] = unit->nulls[GL_UNIT_EXPIRES] = ' ';
	}
	gl_insert_one(&hold_table, values, nulls);
	write_units(units, count);
}

GlHoldTaken
gl_hold_take(const GlHoldOwner *owner, GlHoldUnit *units, int count)
{
	GlHoldTaken taken = {0};
	const GlHoldUnit *failed = NULL;

	/* Plans are kept, perhaps made while there are few counters: they are to be the keys' all the same. */
	gl_plan_forbid_scans();
	taken.expires_at = gl_clock_read_wall() + gl_setting_hold_ttl * USECS_PER_SEC;
	for (int i = 0; i < count; i++)
		units[i].values[GL_UNIT_EXPIRES] = TimestampTzGetDatum(taken.expires_at);
	taken.held = take_units(units, count, &failed);
	if (taken.held)
		write_rows(owner, units, count, &taken);
	else
		taken.group = DatumGetInt32(failed->values[GL_UNIT_GROUP]);
	return taken;
}

/* A row of ganje.hold_unit; its texts stay where they are. */
static void
read_unit(HeapTupleHeader row, GlHoldUnit *unit)
{
	TupleDesc columns =
		lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(row), HeapTupleHeaderGetTypMod(row));
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(row), .t_data = row};
	Datum *values = palloc(columns->natts * sizeof(Datum));
	bool *nulls = palloc(columns->natts * sizeof(bool));

	if (columns->natts < GL_UNIT_COLUMNS)
		elog(ERROR, "a unit has %d columns", columns->natts);
	heap_deform_tuple(&tuple, columns, values, nulls);
	for (int i = 0; i < GL_UNIT_COLUMNS; i++)
	{
		unit->values[i] = values[i];
		unit->nulls[i] = nulls[i] ? 'n' : ' ';
	}
	for (int i = GL_UNIT_STORE_MERCHANT; i <= GL_UNIT_SLOT_TO; i++)
	{
		if (nulls[i] && i != GL_UNIT_TYPE && i != GL_UNIT_PROVIDER)
			elog(ERROR, "a unit without the key of its counter");
	}
	ReleaseTupleDesc(columns);
}

/* take_hold(merchant, cart, zone, units) → jsonb */
Datum
gl_take_hold(PG_FUNCTION_ARGS)
{
	ArrayType *array;
	MemoryContext caller = CurrentMemoryContext;
	char *texts[3];
	GlHoldOwner owner;
	GlHoldUnit *units;
	GlHoldTaken taken;
	GlOwnerScope scope;
	Datum *rows;
	int count;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(3))
		elog(ERROR, "a hold needs a merchant and units");
	array = PG_GETARG_ARRAYTYPE_P(3);
	for (int i = 0; i < 3; i++)
		texts[i] = PG_ARGISNULL(i) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(i));
	owner = (GlHoldOwner){texts[0], texts[1], texts[2]};
	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_DOUBLE, &rows, NULL, &count);
	units = palloc(Max(count, 1) * sizeof(GlHoldUnit));
	for (int i = 0; i < count; i++)
		read_unit(DatumGetHeapTupleHeader(rows[i]), &units[i]);
	scope = gl_owner_enter();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	taken = gl_hold_take(&owner, units, count);
	SPI_finish();
	gl_owner_leave(scope);
	MemoryContextSwitchTo(caller);
	PG_RETURN_DATUM(gl_hold_answer(&taken));
}

/* take_unit(unit) → boolean */
Datum
gl_take_unit(PG_FUNCTION_ARGS)
{
	GlHoldUnit unit;
	GlOwnerScope scope;
	bool taken;

	read_unit(PG_GETARG_HEAPTUPLEHEADER(0), &unit);
	unit.values[GL_UNIT_EXPIRES] = TimestampTzGetDatum(DT_NOEND);
	scope = gl_owner_enter();
	gl_plan_forbid_scans();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	taken = take_unit(&unit, true) == TAKEN;
	SPI_finish();
	gl_owner_leave(scope);
	PG_RETURN_BOOL(taken);
}
