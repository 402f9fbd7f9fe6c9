/*-------------------------------------------------------------------------
 *
 * new_rows.c
 *	  Rows of the extension's tables that are written without a plan.
 *
 * To start and end the executor for three rows of single values takes as long
 * as to write them.  They are written as those of logical replication are:
 * checks, indexes and triggers for each row are those of any INSERT.  The
 * caller has the rights of the tables' owner.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "shipment/new_rows.h"

struct GlNewRows
{
	Oid schema;
	EState *estate;
	List *tables;
};

GlNewRows *
gl_new_rows_begin(Oid schema)
{
	GlNewRows *rows = palloc(sizeof(GlNewRows));

	rows->schema = schema;
	rows->estate = CreateExecutorState();
	rows->tables = NIL;
	AfterTriggerBeginQuery();
	return rows;
}

/* The table, known to the executor state so that its triggers and the end find it. */
static ResultRelInfo *
open_table(GlNewRows *rows, const char *name)
{
	MemoryContext before = MemoryContextSwitchTo(rows->estate->es_query_cxt);
	Relation table = table_open(get_relname_relid(name, rows->schema), RowExclusiveLock);
	ResultRelInfo *target = makeNode(ResultRelInfo);

	InitResultRelInfo(target, table, 0, NULL, 0);
	ExecOpenIndices(target, false);
	rows->estate->es_opened_result_relations =
		lappend(rows->estate->es_opened_result_relations, target);
	rows->tables = lappend(rows->tables, table);
	MemoryContextSwitchTo(before);
	return target;
}

void
gl_new_rows_insert(GlNewRows *rows, const char *table, const GlNewValue *values, int count)
{
	ResultRelInfo *target = open_table(rows, table);
	TupleDesc descriptor = RelationGetDescr(target->ri_RelationDesc);
	TupleTableSlot *slot = table_slot_create(target->ri_RelationDesc, &rows->estate->es_tupleTable);

	memset(slot->tts_isnull, true, descriptor->natts * sizeof(bool));
	for (int i = 0; i < count; i++)
	{
		int number = SPI_fnumber(descriptor, values[i].column);

		if (number <= 0)
			elog(ERROR, "there is no column \"%s\"", values[i].column);
		slot->tts_values[number - 1] = values[i].value;
		slot->tts_isnull[number - 1] = values[i].isnull;
	}
	ExecStoreVirtualTuple(slot);
	ExecSimpleRelationInsert(target, rows->estate, slot);
}

void
gl_new_rows_end(GlNewRows *rows)
{
	ListCell *cell;

	AfterTriggerEndQuery(rows->estate);
	ExecResetTupleTable(rows->estate->es_tupleTable, false);
	ExecCloseResultRelations(rows->estate);
	foreach (cell, rows->tables)
		table_close((Relation) lfirst(cell), NoLock);
	FreeExecutorState(rows->estate);
	pfree(rows);
	/* As after any statement: whoever comes next sees the rows. */
	CommandCounterIncrement();
}
