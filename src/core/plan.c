/*-------------------------------------------------------------------------
 *
 * plan.c
 *	  Plans that go by key, whatever the size of a table was when they were made.
 *
 * A plan that has to scan all the same is given a cost so high that it would
 * be compiled (JIT) at every execution, which takes a hundred times as long
 * as the scan.  So whoever forbids the one forbids the other.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/guc.h"

#include "core/core.h"
#include "core/plan.h"

void
gl_plan_forbid_scans(void)
{
	static const char *const forbidden[] = {"enable_seqscan", "jit"};

	for (int i = 0; i < (int) lengthof(forbidden); i++)
		(void) set_config_option(forbidden[i], "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
								 true, 0, false);
}

static uint64
execute(GlKeptPlan *kept, Datum *values, const char *nulls, bool read_only)
{
	int code;

	if (kept->plan == NULL)
	{
		SPIPlanPtr plan =
			SPI_prepare_cursor(kept->sql, kept->count, kept->types, CURSOR_OPT_GENERIC_PLAN);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare: %s", SPI_result_code_string(SPI_result));
		kept->plan = plan;
	}
	code = SPI_execute_plan(kept->plan, values, nulls, read_only, 0);
	if (code < 0)
		elog(ERROR, "could not execute: %s", SPI_result_code_string(code));
	return SPI_processed;
}

uint64
gl_plan_execute(GlKeptPlan *kept, Datum *values, const char *nulls)
{
	return execute(kept, values, nulls, false);
}

uint64
gl_plan_read(GlKeptPlan *kept, Datum *values, const char *nulls)
{
	return execute(kept, values, nulls, true);
}
