/*-------------------------------------------------------------------------
 *
 * log.c
 *	  Moves delivered requests from the outbox to the log.
 *
 * What ganje.finish_request does, for many at once and without a statement:
 * where the rows lie is known since they were leased, so they are fetched,
 * written to the log's table of the day and deleted in the way in which
 * logical replication applies a change.  A statement spends twice the time of
 * that, on its parameters and on looking for the rows.
 *
 * A row that was changed meanwhile lies elsewhere; whatever is not found, or
 * is found under another lease, is an error that undoes all of it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "datatype/timestamp.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "outbox/outbox.h"

/* As in sql/60_outbox.sql. */
#define LOG_SLOTS 32

/* The columns that are read or written, of any of the tables. */
typedef enum Column
{
	MERCHANT_ID,
	REQUEST_ID,
	ACCOUNT_ID,
	SHIPMENT_ID,
	OPERATION,
	CREATED_AT,
	ATTEMPTS,
	LAST_ERROR,
	LEASE_TOKEN,
	LOG_SLOT,
	RESULT,
	STATUS,
	ANSWER,
	HISTORY,
	FINISHED_AT,
	COLUMNS
} Column;

static const char *const names[COLUMNS] = {"merchant_id", "request_id", "account_id", "shipment_id",
										   "operation",   "created_at", "attempts",   "last_error",
										   "lease_token", "log_slot",   "result",     "status",
										   "answer",      "history",    "finished_at"};

/* A table that is read and written. */
typedef struct Table
{
	Relation relation;
	int places[COLUMNS]; /* in its slots; of those that it has */
	ResultRelInfo *result;
	TupleTableSlot *slot;
} Table;

typedef struct Move
{
	EState *estate;
	Table outbox;
	Table delivery;
	Table log;
	int log_slot;
	TimestampTz now;
} Move;

static void
open_table(Table *table, const char *name)
{
	Oid relation = get_relname_relid(name, get_namespace_oid("ganje", false));

	if (!OidIsValid(relation))
		elog(ERROR, "there is no table ganje.%s", name);
	table->relation = table_open(relation, RowExclusiveLock);
	/* such a trigger wants a statement, which each row has that is recorded by itself */
	if (table->relation->trigdesc != NULL && table->relation->trigdesc->trig_delete_before_row)
		elog(ERROR, "table ganje.%s has a trigger that changes what is deleted", name);
	table->result = makeNode(ResultRelInfo);
	InitResultRelInfo(table->result, table->relation, 0, NULL, 0);
	table->slot = table_slot_create(table->relation, NULL);
	for (int i = 0; i < COLUMNS; i++)
		table->places[i] = SPI_fnumber(RelationGetDescr(table->relation), names[i]) - 1;
}

/* The locks are kept until the transaction ends. */
static void
close_table(Table *table)
{
	ExecDropSingleTupleTableSlot(table->slot);
	table_close(table->relation, NoLock);
}

/* ganje.log_slot */
static int
log_slot_of(TimestampTz at)
{
	int64 days = at / USECS_PER_DAY + (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE);

	return (int) (days % LOG_SLOTS);
}

/* Is this column that text? */
static bool
holds(const Table *table, Column column, const char *wanted)
{
	int at = table->places[column];
	const text *value;

	if (table->slot->tts_isnull[at])
		return false;
	value = DatumGetTextPP(table->slot->tts_values[at]);
	return VARSIZE_ANY_EXHDR(value) == strlen(wanted) &&
		   memcmp(VARDATA_ANY(value), wanted, strlen(wanted)) == 0;
}

/* Fetches the row of a flight; false where it is not there any more. */
static bool
fetch(Table *table, ItemPointer at, const GlFlight *flight)
{
	if (!table_tuple_fetch_row_version(table->relation, at, GetActiveSnapshot(), table->slot))
		return false;
	slot_getallattrs(table->slot);
	return holds(table, MERCHANT_ID, flight->merchant_id) &&
		   holds(table, REQUEST_ID, flight->request_id);
}

static void
set(const Table *table, Column column, Datum value)
{
	int at = table->places[column];

	table->slot->tts_values[at] = value;
	table->slot->tts_isnull[at] = false;
}

/* Takes a column over as it is. */
static void
copy(const Table *to, const Table *from, Column column)
{
	int source = from->places[column];
	int target = to->places[column];

	to->slot->tts_values[target] = from->slot->tts_values[source];
	to->slot->tts_isnull[target] = from->slot->tts_isnull[source];
}

/* The tries that a request needed before, which are forgotten elsewhere. */
static void
set_history(const Move *move, const GlFlight *flight)
{
	Datum values[] = {CStringGetTextDatum(flight->merchant_id),
					  CStringGetTextDatum(flight->request_id)};
	bool isnull;
	Datum history;

	gl_outbox_execute(GL_STATEMENT_TAKE_HISTORY, values, NULL);
	history = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull)
		set(&move->log, HISTORY, history);
}

/* Was it tried before? */
static bool
was_tried(const Table *delivery)
{
	return !delivery->slot->tts_isnull[delivery->places[LAST_ERROR]] ||
		   DatumGetInt32(delivery->slot->tts_values[delivery->places[ATTEMPTS]]) > 1;
}

/* Fills the log's slot from the rows of a flight. */
static void
fill_log(const Move *move, const GlFlight *flight)
{
	static const Column taken_over[] = {MERCHANT_ID, REQUEST_ID, ACCOUNT_ID,
										SHIPMENT_ID, OPERATION,  CREATED_AT};
	const Table *log = &move->log;

	ExecClearTuple(log->slot);
	memset(log->slot->tts_isnull, true, RelationGetDescr(log->relation)->natts);
	for (int i = 0; i < (int) lengthof(taken_over); i++)
		copy(log, &move->outbox, taken_over[i]);
	copy(log, &move->delivery, ATTEMPTS);
	set(log, LOG_SLOT, Int16GetDatum((int16) move->log_slot));
	set(log, RESULT, CStringGetTextDatum("delivered"));
	set(log, STATUS, Int32GetDatum(flight->result.status));
	set(log, ANSWER, PointerGetDatum(gl_outbox_kept_answer(flight)));
	set(log, FINISHED_AT, TimestampTzGetDatum(move->now));
	if (was_tried(&move->delivery))
		set_history(move, flight);
	ExecStoreVirtualTuple(log->slot);
}

static void
move_one(Move *move, GlFlight *flight)
{
	if (!fetch(&move->delivery, &flight->delivery_at, flight) ||
		!holds(&move->delivery, LEASE_TOKEN, flight->lease_token) ||
		!fetch(&move->outbox, &flight->request_at, flight))
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg_internal("a request has changed since it was leased"));
	fill_log(move, flight);
	ExecSimpleRelationInsert(move->log.result, move->estate, move->log.slot);
	ExecSimpleRelationDelete(move->delivery.result, move->estate, NULL, move->delivery.slot);
	ExecSimpleRelationDelete(move->outbox.result, move->estate, NULL, move->outbox.slot);
}

void
gl_outbox_log_delivered(GlFlight **flights, int count)
{
	Move move = {.now = GetCurrentTimestamp()};
	char log[NAMEDATALEN];
	MemoryContext before = CurrentMemoryContext;

	move.log_slot = log_slot_of(move.now);
	snprintf(log, sizeof(log), "outbox_log_%02d", move.log_slot);
	move.estate = CreateExecutorState();
	move.estate->es_output_cid = GetCurrentCommandId(true);
	open_table(&move.delivery, "outbox_delivery");
	open_table(&move.outbox, "outbox");
	open_table(&move.log, log);
	ExecOpenIndices(move.log.result, false);
	AfterTriggerBeginQuery();
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(GetPerTupleMemoryContext(move.estate));
		move_one(&move, flights[i]);
		MemoryContextSwitchTo(before);
		ResetPerTupleExprContext(move.estate);
	}
	AfterTriggerEndQuery(move.estate);
	ExecCloseIndices(move.log.result);
	close_table(&move.log);
	close_table(&move.outbox);
	close_table(&move.delivery);
	FreeExecutorState(move.estate);
	CommandCounterIncrement();
}
