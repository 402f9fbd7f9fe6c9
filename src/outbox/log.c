/*-------------------------------------------------------------------------
 *
 * log.c
 *	  Moves delivered requests from the outbox to the log.
 *
 * What ganje.finish_request does, for many at once: their rows are fetched
 * from where they lay when they were leased, written to the log's table of the
 * day, and deleted.  A row that was changed meanwhile lies elsewhere; whatever
 * is not found, or is found under another lease, is an error that undoes all
 * of it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "datatype/timestamp.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "outbox/outbox.h"
#include "outbox/rows.h"

/* As in sql/60_outbox.sql. */
#define LOG_SLOTS 32

typedef struct Move
{
	EState *estate;
	GlRows outbox;
	GlRows delivery;
	GlRows log;
	int log_slot;
	TimestampTz now;
} Move;

/* ganje.log_slot */
static int
log_slot_of(TimestampTz at)
{
	int64 days = at / USECS_PER_DAY + (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE);

	return (int) (days % LOG_SLOTS);
}

/* Fetches the row of a flight; false where it is not there any more. */
static bool
fetch(GlRows *rows, ItemPointer at, const GlFlight *flight)
{
	return gl_rows_fetch(rows, at) &&
		   gl_rows_holds(rows, GL_COLUMN_MERCHANT_ID, flight->merchant_id) &&
		   gl_rows_holds(rows, GL_COLUMN_REQUEST_ID, flight->request_id);
}

/* Takes a column over as it is. */
static void
copy(const GlRows *to, const GlRows *from, GlColumn column)
{
	bool isnull;
	Datum value = gl_rows_get(from, column, &isnull);

	if (!isnull)
		gl_rows_set(to, column, value);
}

/* Was it tried before? */
static bool
was_tried(const GlRows *delivery)
{
	bool isnull;
	int attempts = DatumGetInt32(gl_rows_get(delivery, GL_COLUMN_ATTEMPTS, &isnull));

	(void) gl_rows_get(delivery, GL_COLUMN_LAST_ERROR, &isnull);
	return attempts > 1 || !isnull;
}

/* The tries that a request needed before, which are forgotten elsewhere. */
static void
set_history(const GlRows *log, const GlFlight *flight)
{
	Datum values[] = {CStringGetTextDatum(flight->merchant_id),
					  CStringGetTextDatum(flight->request_id)};
	bool isnull;
	Datum history;

	gl_outbox_execute(GL_STATEMENT_TAKE_HISTORY, values, NULL);
	history = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull)
		gl_rows_set(log, GL_COLUMN_HISTORY, history);
}

/* Fills the log's slot from the rows of a flight. */
static void
fill_log(const Move *move, const GlFlight *flight)
{
	static const GlColumn taken_over[] = {GL_COLUMN_MERCHANT_ID, GL_COLUMN_REQUEST_ID,
										  GL_COLUMN_ACCOUNT_ID,  GL_COLUMN_SHIPMENT_ID,
										  GL_COLUMN_OPERATION,   GL_COLUMN_CREATED_AT};
	const GlRows *log = &move->log;

	ExecClearTuple(log->slot);
	memset(log->slot->tts_isnull, true, RelationGetDescr(log->relation)->natts);
	for (int i = 0; i < (int) lengthof(taken_over); i++)
		copy(log, &move->outbox, taken_over[i]);
	copy(log, &move->delivery, GL_COLUMN_ATTEMPTS);
	gl_rows_set(log, GL_COLUMN_LOG_SLOT, Int16GetDatum((int16) move->log_slot));
	gl_rows_set(log, GL_COLUMN_RESULT, CStringGetTextDatum("delivered"));
	gl_rows_set(log, GL_COLUMN_STATUS, Int32GetDatum(flight->result.status));
	gl_rows_set(log, GL_COLUMN_ANSWER, PointerGetDatum(gl_outbox_kept_answer(flight)));
	gl_rows_set(log, GL_COLUMN_FINISHED_AT, TimestampTzGetDatum(move->now));
	if (was_tried(&move->delivery))
		set_history(log, flight);
	ExecStoreVirtualTuple(log->slot);
}

/* A trigger before a DELETE may have to look for a newer row, for which a statement has a plan. */
static void
check_triggers(const GlRows *rows)
{
	const TriggerDesc *triggers = rows->relation->trigdesc;

	if (triggers != NULL && triggers->trig_delete_before_row)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg_internal("table %s has a trigger before its rows are deleted",
								RelationGetRelationName(rows->relation)));
}

static void
move_one(Move *move, GlFlight *flight)
{
	if (!fetch(&move->delivery, &flight->delivery_at, flight) ||
		!gl_rows_holds(&move->delivery, GL_COLUMN_LEASE_TOKEN, flight->lease_token) ||
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
	Move move = {.now = GetCurrentTimestamp(), .estate = gl_rows_begin()};
	MemoryContext before = CurrentMemoryContext;
	char log[NAMEDATALEN];

	move.log_slot = log_slot_of(move.now);
	snprintf(log, sizeof(log), "outbox_log_%02d", move.log_slot);
	gl_rows_open(&move.delivery, "outbox_delivery");
	gl_rows_open(&move.outbox, "outbox");
	gl_rows_open(&move.log, log);
	check_triggers(&move.delivery);
	check_triggers(&move.outbox);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(GetPerTupleMemoryContext(move.estate));
		move_one(&move, flights[i]);
		MemoryContextSwitchTo(before);
		ResetPerTupleExprContext(move.estate);
	}
	gl_rows_close(&move.log);
	gl_rows_close(&move.outbox);
	gl_rows_close(&move.delivery);
	gl_rows_end(move.estate);
}
