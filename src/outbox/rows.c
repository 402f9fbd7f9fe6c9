/*-------------------------------------------------------------------------
 *
 * rows.c
 *	  Rows whose places are known, changed without a statement.
 *
 * A lease and its record touch a few rows of each request, thousands in a
 * second, and know where they lie.  A statement spends more time on its
 * parameters and on looking for the rows than on changing them.  So they are
 * changed in the way in which logical replication applies a change, which
 * sees to constraints, indexes and triggers of rows.
 *
 *-------------------------------------------------------------------------
 */
#include "outbox/rows.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

static const char *const names[GL_COLUMN_COUNT] = {
	[GL_COLUMN_MERCHANT_ID] = "merchant_id",
	[GL_COLUMN_REQUEST_ID] = "request_id",
	[GL_COLUMN_ACCOUNT_ID] = "account_id",
	[GL_COLUMN_SHIPMENT_ID] = "shipment_id",
	[GL_COLUMN_OPERATION] = "operation",
	[GL_COLUMN_CREATED_AT] = "created_at",
	[GL_COLUMN_STATE] = "state",
	[GL_COLUMN_ATTEMPTS] = "attempts",
	[GL_COLUMN_LEASE_TOKEN] = "lease_token",
	[GL_COLUMN_LEASE_OWNER] = "lease_owner",
	[GL_COLUMN_LEASE_UNTIL] = "lease_until",
	[GL_COLUMN_LAST_ERROR] = "last_error",
	[GL_COLUMN_ANSWER_LOST] = "answer_lost",
	[GL_COLUMN_LOG_SLOT] = "log_slot",
	[GL_COLUMN_RESULT] = "result",
	[GL_COLUMN_STATUS] = "status",
	[GL_COLUMN_ANSWER] = "answer",
	[GL_COLUMN_HISTORY] = "history",
	[GL_COLUMN_FINISHED_AT] = "finished_at",
};

EState *
gl_rows_begin(void)
{
	EState *estate = CreateExecutorState();

	estate->es_output_cid = GetCurrentCommandId(true);
	/* what others have committed until now is seen, as by a statement */
	PushActiveSnapshot(GetTransactionSnapshot());
	estate->es_snapshot = GetActiveSnapshot();
	AfterTriggerBeginQuery();
	return estate;
}

void
gl_rows_end(EState *estate)
{
	AfterTriggerEndQuery(estate);
	PopActiveSnapshot();
	FreeExecutorState(estate);
	CommandCounterIncrement();
}

void
gl_rows_open(GlRows *rows, const char *name)
{
	Oid relation = get_relname_relid(name, get_namespace_oid("ganje", false));

	if (!OidIsValid(relation))
		elog(ERROR, "there is no table ganje.%s", name);
	rows->relation = table_open(relation, RowExclusiveLock);
	rows->result = makeNode(ResultRelInfo);
	InitResultRelInfo(rows->result, rows->relation, 0, NULL, 0);
	ExecOpenIndices(rows->result, false);
	rows->slot = table_slot_create(rows->relation, NULL);
	for (int i = 0; i < GL_COLUMN_COUNT; i++)
		rows->places[i] = SPI_fnumber(RelationGetDescr(rows->relation), names[i]) - 1;
}

void
gl_rows_close(GlRows *rows)
{
	ExecCloseIndices(rows->result);
	ExecDropSingleTupleTableSlot(rows->slot);
	table_close(rows->relation, NoLock);
}

bool
gl_rows_fetch(GlRows *rows, ItemPointer at)
{
	if (!table_tuple_fetch_row_version(rows->relation, at, GetActiveSnapshot(), rows->slot))
		return false;
	slot_getallattrs(rows->slot);
	return true;
}

Datum
gl_rows_get(const GlRows *rows, GlColumn column, bool *isnull)
{
	*isnull = rows->slot->tts_isnull[rows->places[column]];
	return rows->slot->tts_values[rows->places[column]];
}

bool
gl_rows_holds(const GlRows *rows, GlColumn column, const char *wanted)
{
	bool isnull;
	Datum value = gl_rows_get(rows, column, &isnull);
	const text *held;

	if (isnull)
		return false;
	held = DatumGetTextPP(value);
	return VARSIZE_ANY_EXHDR(held) == strlen(wanted) &&
		   memcmp(VARDATA_ANY(held), wanted, strlen(wanted)) == 0;
}

void
gl_rows_set(const GlRows *rows, GlColumn column, Datum value)
{
	rows->slot->tts_values[rows->places[column]] = value;
	rows->slot->tts_isnull[rows->places[column]] = false;
}
