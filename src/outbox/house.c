/*-------------------------------------------------------------------------
 *
 * house.c
 *	  What a worker tidies up from time to time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"

#include "outbox/outbox.h"
#include "settings.h"

/* Payloads that are deleted in one transaction of the worker: it has answers to record meanwhile. */
#define TRIM_ROWS 1000

/* Full slots that are settled in one: each is locked until its end. */
#define SETTLE_ROWS 100

void
gl_outbox_trim_log(void)
{
	Datum values[] = {Int32GetDatum(gl_setting_log_days)};

	gl_outbox_execute(GL_STATEMENT_TRIM_LOG, values, NULL);
}

bool
gl_outbox_trim_inbox(void)
{
	Datum values[] = {Int32GetDatum(gl_setting_inbox_days), Int32GetDatum(TRIM_ROWS)};
	bool isnull;

	gl_outbox_execute(GL_STATEMENT_TRIM_INBOX, values, NULL);
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)) >=
		   TRIM_ROWS;
}

bool
gl_outbox_settle_counters(void)
{
	Datum values[] = {Int32GetDatum(SETTLE_ROWS)};
	bool isnull;

	gl_outbox_execute(GL_STATEMENT_SETTLE_COUNTERS, values, NULL);
	return DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)) >=
		   SETTLE_ROWS;
}
