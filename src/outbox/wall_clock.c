/*-------------------------------------------------------------------------
 *
 * wall_clock.c
 *	  Notices that the wall clock jumped.
 *
 * Leases and what is due are kept by the wall clock, since they must mean
 * something to the next worker and after a restart.  The monotonic clock runs
 * beside it: where the two part, it is the wall clock that was set.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "outbox/outbox.h"

int64
gl_outbox_wall_offset_ms(void)
{
	return GetCurrentTimestamp() / 1000 - gl_outbox_clock_ms();
}

void
gl_outbox_shift_times(int64 step_ms)
{
	Interval *step = palloc0(sizeof(Interval));
	Datum values[] = {IntervalPGetDatum(step), Int32GetDatum(gl_outbox_worker())};

	step->time = step_ms * 1000;
	gl_outbox_execute(GL_STATEMENT_SHIFT_TIMES, values, NULL);
	ereport(LOG, errmsg("ganje_logistics: the clock was put %s by " INT64_FORMAT " s",
						step_ms < 0 ? "back" : "ahead", (step_ms < 0 ? -step_ms : step_ms) / 1000));
}
