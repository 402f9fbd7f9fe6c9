/*-------------------------------------------------------------------------
 *
 * insert.c
 *	  Rows put into a table of ours without a statement.
 *
 * As logical replication's worker inserts: the server's own functions check
 * the constraints, fill the indexes and queue the triggers of each row, foreign
 * keys among them.  What is saved is a plan's start and end, and that the
 * conditions of CHECK are read and planned anew from their text: that alone is
 * a sixth of what a hold takes.
 *
 * The caller has the rights of the tables' owner, whom row security does not
 * concern unless it is forced.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat.h"
#include "core/insert.h"

#define SPI_NULL 'n'

/* A condition as the catalog has it, and what is executed. */
typedef struct KeptCheck
{
	char *text;
	Expr *planned;
} KeptCheck;

typedef struct GlKeptChecks
{
	MemoryContext context;
	uint64 function_changes; /* as of when they were planned */
	int count;
	KeptCheck checks[FLEXIBLE_ARRAY_MEMBER];
} GlKeptChecks;

struct GlInsertion
{
	GlInsertTable *table;
	Relation relation; /* NULL where it is done by statements; the rest is unset then */
	EState *state;
	ResultRelInfo *target;
	TupleTableSlot *slot;
};

/* A plan may have the body of a function in it. */
static uint64 function_changes;

static void
on_function_change(Datum argument pg_attribute_unused(), int cache pg_attribute_unused(),
				   uint32 hash pg_attribute_unused())
{
	function_changes++;
}

static bool
is_as_made(Relation relation, const GlInsertTable *table)
{
	const FormData_pg_class *class = relation->rd_rel;
	const TriggerDesc *triggers = relation->trigdesc;
	TupleDesc columns = RelationGetDescr(relation);

	if (class->relkind != RELKIND_RELATION || class->relhasrules || class->relforcerowsecurity ||
		columns->natts != table->count)
		return false;
	if (triggers != NULL &&
		(triggers->trig_insert_before_statement || triggers->trig_insert_after_statement))
		return false;
	for (int i = 0; i < table->count; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);

		if (column->atttypid != table->columns[i].type || column->attgenerated != '\0' ||
			strcmp(NameStr(column->attname), table->columns[i].name) != 0)
			return false;
	}
	return true;
}

static bool
are_kept(const GlKeptChecks *kept, const TupleConstr *constraints)
{
	bool same = kept != NULL && kept->function_changes == function_changes &&
				kept->count == constraints->num_check;

	for (int i = 0; same && i < kept->count; i++)
		same = strcmp(kept->checks[i].text, constraints->check[i].ccbin) == 0;
	return same;
}

/* Into CurrentMemoryContext, which is made for them. */
static GlKeptChecks *
plan_checks(const TupleConstr *constraints)
{
	int count = constraints->num_check;
	GlKeptChecks *kept = palloc(offsetof(GlKeptChecks, checks) + count * sizeof(KeptCheck));

	kept->context = CurrentMemoryContext;
	kept->function_changes = function_changes;
	kept->count = count;
	for (int i = 0; i < count; i++)
	{
		kept->checks[i].text = pstrdup(constraints->check[i].ccbin);
		kept->checks[i].planned = expression_planner(stringToNode(kept->checks[i].text));
	}
	return kept;
}

/* The text of a condition says all of it, so what was made of the same text is the same. */
static const GlKeptChecks *
find_checks(GlInsertTable *table, const TupleConstr *constraints)
{
	static bool registered = false;
	MemoryContext context;
	MemoryContext caller;
	GlKeptChecks *fresh;

	if (!registered)
	{
		CacheRegisterSyscacheCallback(PROCOID, on_function_change, (Datum) 0);
		registered = true;
	}
	if (are_kept(table->kept, constraints))
		return table->kept;
	context =
		AllocSetContextCreate(CurrentMemoryContext, "ganje_logistics checks", ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(context);
	fresh = plan_checks(constraints);
	MemoryContextSwitchTo(caller);
	/* A trigger may have brought us here from amid an insertion that uses the old ones. */
	if (table->kept != NULL)
		MemoryContextSetParent(table->kept->context, TopTransactionContext);
	MemoryContextSetParent(context, CacheMemoryContext);
	table->kept = fresh;
	return fresh;
}

/* What the executor would do at the first row, but from what is kept. */
static void
prepare_checks(GlInsertion *insertion, GlInsertTable *table)
{
	const TupleConstr *constraints = RelationGetDescr(insertion->relation)->constr;
	const GlKeptChecks *kept;
	ExprState **checks;

	if (constraints == NULL || constraints->num_check == 0)
		return;
	kept = find_checks(table, constraints);
	checks = palloc(kept->count * sizeof(ExprState *));
	for (int i = 0; i < kept->count; i++)
		checks[i] = GL_CHECK_IS_ENFORCED(&constraints->check[i])
						? ExecInitExpr(kept->checks[i].planned, NULL)
						: NULL;
	insertion->target->GL_CHECK_EXPRESSIONS = checks;
}

static void
prepare_statement(GlInsertTable *table)
{
	Oid types[GL_INSERT_COLUMNS];
	StringInfoData names;
	StringInfoData parameters;
	SPIPlanPtr plan;

	initStringInfo(&names);
	initStringInfo(&parameters);
	for (int i = 0; i < table->count; i++)
	{
		const char *comma = i == 0 ? "" : ", ";

		types[i] = table->columns[i].type;
		appendStringInfo(&names, "%s%s", comma, table->columns[i].name);
		appendStringInfo(&parameters, "%s$%d", comma, i + 1);
	}
	plan = SPI_prepare_cursor(
		psprintf("INSERT INTO ganje.%s (%s) VALUES (%s)", table->name, names.data, parameters.data),
		table->count, types, CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare: %s", SPI_result_code_string(SPI_result));
	table->statement = plan;
}

static void
insert_by_statement(GlInsertTable *table, const Datum *values, const char *nulls)
{
	int code;

	if (table->statement == NULL)
		prepare_statement(table);
	code = SPI_execute_plan(table->statement, unconstify(Datum *, values), nulls, false, 0);
	if (code < 0)
		elog(ERROR, "could not execute: %s", SPI_result_code_string(code));
}

GlInsertion *
gl_insert_begin(GlInsertTable *table)
{
	Relation relation =
		table_openrv(makeRangeVar("ganje", unconstify(char *, table->name), -1), RowExclusiveLock);
	GlInsertion *insertion = palloc0(sizeof(GlInsertion));
	MemoryContext caller;

	insertion->table = table;
	if (!is_as_made(relation, table))
	{
		table_close(relation, NoLock);
		return insertion;
	}
	insertion->relation = relation;
	insertion->state = CreateExecutorState();
	caller = MemoryContextSwitchTo(insertion->state->es_query_cxt);
	insertion->target = makeNode(ResultRelInfo);
	InitResultRelInfo(insertion->target, relation, 0, NULL, 0);
	insertion->state->es_opened_result_relations =
		lappend(insertion->state->es_opened_result_relations, insertion->target);
	insertion->state->es_output_cid = GetCurrentCommandId(true);
	insertion->slot =
		ExecInitExtraTupleSlot(insertion->state, RelationGetDescr(relation), &TTSOpsVirtual);
	prepare_checks(insertion, table);
	ExecOpenIndices(insertion->target, false);
	MemoryContextSwitchTo(caller);
	AfterTriggerBeginQuery();
	return insertion;
}

void
gl_insert_row(GlInsertion *insertion, const Datum *values, const char *nulls)
{
	TupleTableSlot *slot = insertion->slot;

	if (insertion->relation == NULL)
	{
		insert_by_statement(insertion->table, values, nulls);
		return;
	}
	ResetPerTupleExprContext(insertion->state);
	ExecClearTuple(slot);
	for (int i = 0; i < slot->tts_tupleDescriptor->natts; i++)
	{
		slot->tts_values[i] = values[i];
		slot->tts_isnull[i] = nulls[i] == SPI_NULL;
	}
	ExecStoreVirtualTuple(slot);
	ExecSimpleRelationInsert(insertion->target, insertion->state, slot);
}

void
gl_insert_end(GlInsertion *insertion)
{
	if (insertion->relation != NULL)
	{
		AfterTriggerEndQuery(insertion->state);
		ExecResetTupleTable(insertion->state->es_tupleTable, false);
		ExecCloseResultRelations(insertion->state);
		FreeExecutorState(insertion->state);
		table_close(insertion->relation, NoLock);
		CommandCounterIncrement();
	}
	pfree(insertion);
}

void
gl_insert_one(GlInsertTable *table, const Datum *values, const char *nulls)
{
	GlInsertion *insertion = gl_insert_begin(table);

	gl_insert_row(insertion, values, nulls);
	gl_insert_end(insertion);
}
