/*-------------------------------------------------------------------------
 *
 * poll.c
 *	  Asks for the status of shipments that are still open.
 *
 * Which are due, and the request that asks, is decided in SQL; here it is
 * seen to that an account's polls keep to their rate, and that a carrier's
 * function that fails holds up its own account only.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "outbox/outbox.h"

/* Polls of an account that are enqueued at a time. */
#define MOST_AT_ONCE 100

/* Milliseconds until polls are tried again that have no place in the outbox, or whose function failed. */
#define FULL_DELAY 1000
#define FAILURE_DELAY 60000

/* An account that is polled. */
typedef struct Polled
{
	char *account_id;
	double per_second;
	TimestampTz due;
	int places;
	int enqueued;
	TimestampTz next_due; /* DT_NOEND: none */
} Polled;

/* Milliseconds until a time, at least 1. */
static int64
milliseconds_until(TimestampTz due)
{
	TimestampTz now = GetCurrentTimestamp();

	return due <= now ? 1 : (due - now) / 1000 + 1;
}

/* The accounts that are polled; *count tells how many. */
static Polled *
read_accounts(int *count)
{
	TupleDesc descriptor;
	Polled *accounts;
	bool isnull;

	gl_outbox_execute(GL_STATEMENT_POLL_ACCOUNTS, NULL, NULL);
	descriptor = SPI_tuptable->tupdesc;
	accounts = palloc0(sizeof(Polled) * Max(SPI_processed, 1));
	*count = (int) SPI_processed;
	for (int i = 0; i < *count; i++)
	{
		HeapTuple row = SPI_tuptable->vals[i];

		accounts[i].account_id = SPI_getvalue(row, descriptor, 1);
		accounts[i].per_second = DatumGetFloat8(SPI_getbinval(row, descriptor, 2, &isnull));
		accounts[i].due = DatumGetTimestampTz(SPI_getbinval(row, descriptor, 3, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
	return accounts;
}

/* The work that may fail: users' functions build the requests. */
static void
enqueue(void *argument)
{
	Polled *polled = argument;
	Datum values[] = {CStringGetTextDatum(polled->account_id), Int32GetDatum(polled->places)};
	HeapTuple row;
	bool isnull;

	gl_outbox_execute(GL_STATEMENT_POLL, values, NULL);
	row = SPI_tuptable->vals[0];
	polled->enqueued = DatumGetInt32(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &isnull));
	polled->next_due = DatumGetTimestampTz(SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &isnull));
	if (isnull)
		polled->next_due = DT_NOEND;
	SPI_freetuptable(SPI_tuptable);
}

/* Enqueues polls of an account whose time has come. */
static void
poll_account(Polled *polled, int64 *wait_ms)
{
	int64 next_ms = PG_INT64_MAX;
	GlFailure failure;

	polled->places =
		gl_outbox_poll_places(polled->account_id, polled->per_second, MOST_AT_ONCE, &next_ms);
	if (polled->places == 0)
	{
		*wait_ms = Min(*wait_ms, next_ms);
		return;
	}
	if (!gl_outbox_try(enqueue, polled, &failure))
	{
		gl_outbox_poll_return(polled->account_id, polled->places, FAILURE_DELAY);
		ereport(LOG,
				errmsg("ganje_logistics: carrier account \"%s\" could not be polled (SQLSTATE %s)",
					   polled->account_id, unpack_sql_state(failure.sqlstate)));
		return;
	}
	gl_outbox_poll_return(polled->account_id, polled->places - polled->enqueued, 0);
	if (polled->next_due == DT_NOEND)
		return;
	if (polled->next_due > GetCurrentTimestamp())
		*wait_ms = Min(*wait_ms, milliseconds_until(polled->next_due));
	else if (polled->enqueued < polled->places)
		*wait_ms = Min(*wait_ms, FULL_DELAY);
	else
		*wait_ms = Min(*wait_ms, next_ms);
}

void
gl_outbox_poll(int64 *wait_ms)
{
	int count;
	Polled *accounts = read_accounts(&count);
	TimestampTz now = GetCurrentTimestamp();

	for (int i = 0; i < count; i++)
	{
		if (accounts[i].due > now)
			*wait_ms = Min(*wait_ms, milliseconds_until(accounts[i].due));
		else
			poll_account(&accounts[i], wait_ms);
	}
}
