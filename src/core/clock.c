/*-------------------------------------------------------------------------
 *
 * clock.c
 *	  The one place where the extension reads the clock.
 *
 * Rules are read against the transaction's time, so that one statement sees
 * one time; capacity and leases against the wall clock, so that a long
 * transaction does not hold on to what has expired.  ganje_logistics.now
 * takes the place of both, for tests and replays.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "core/core.h"
#include "settings.h"

GL_FUNCTION(gl_clock_now);
GL_FUNCTION(gl_clock_wall);

static TimestampTz
clock_or(TimestampTz otherwise)
{
	if (gl_setting_now == NULL || gl_setting_now[0] == '\0')
		return otherwise;
	return DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in, CStringGetDatum(gl_setting_now),
												   ObjectIdGetDatum(InvalidOid),
												   Int32GetDatum(-1)));
}

TimestampTz
gl_clock_read(void)
{
	return clock_or(GetCurrentTransactionStartTimestamp());
}

TimestampTz
gl_clock_read_wall(void)
{
	return clock_or(GetCurrentTimestamp());
}

/* ganje.now() */
Datum
gl_clock_now(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(gl_clock_read());
}

/* ganje.clock() */
Datum
gl_clock_wall(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(gl_clock_read_wall());
}
