/*-------------------------------------------------------------------------
 *
 * mark.c
 *	  Marks requests as leased.
 *
 * They are locked: nobody else changes them, so that not even a trigger has to
 * look for a newer row.  What is leased already was sent by a worker that died,
 * or nearly so: the carrier may have got it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "outbox/outbox.h"
#include "outbox/rows.h"

/* Marks the row of a flight, which lies elsewhere from then on. */
static void
mark(GlRows *delivery, TupleTableSlot *slot, EState *estate, GlFlight *flight, Datum until)
{
	GlRows marked = *delivery;

	if (!gl_rows_fetch(delivery, &flight->delivery_at))
		elog(ERROR, "a request that was locked is gone");
	marked.slot = ExecCopySlot(slot, delivery->slot);
	slot_getallattrs(slot);
	if (gl_rows_holds(&marked, GL_COLUMN_STATE, "leased"))
		gl_rows_set(&marked, GL_COLUMN_ANSWER_LOST, BoolGetDatum(true));
	gl_rows_set(&marked, GL_COLUMN_STATE, CStringGetTextDatum("leased"));
	gl_rows_set(&marked, GL_COLUMN_ATTEMPTS, Int32GetDatum(flight->attempt));
	gl_rows_set(&marked, GL_COLUMN_LEASE_TOKEN, CStringGetTextDatum(flight->lease_token));
	gl_rows_set(&marked, GL_COLUMN_LEASE_OWNER, Int32GetDatum(gl_outbox_worker()));
	gl_rows_set(&marked, GL_COLUMN_LEASE_UNTIL, until);
	ExecSimpleRelationUpdate(delivery->result, estate, NULL, delivery->slot, slot);
	flight->delivery_at = slot->tts_tid;
}

void
gl_outbox_mark_leased(GlFlight **flights, const TimestampTz *until, int count)
{
	EState *estate = gl_rows_begin();
	MemoryContext before = CurrentMemoryContext;
	TupleTableSlot *slot;
	GlRows delivery;

	gl_rows_open(&delivery, "outbox_delivery");
	slot = MakeSingleTupleTableSlot(RelationGetDescr(delivery.relation), &TTSOpsVirtual);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));
		mark(&delivery, slot, estate, flights[i], TimestampTzGetDatum(until[i]));
		MemoryContextSwitchTo(before);
		ResetPerTupleExprContext(estate);
	}
	ExecDropSingleTupleTableSlot(slot);
	gl_rows_close(&delivery);
	gl_rows_end(estate);
}
