/*-------------------------------------------------------------------------
 *
 * share.c
 *	  Who may have how many of the requests that a turn leases.
 *
 * As much is leased as can be sent soon: what an account has connections for,
 * and a little more where its carrier answers fast, so that no connection
 * waits for the next turn.  An account with a long line or a slow carrier gets
 * no more than its part while others have something due; and some places are
 * kept for accounts that have few requests on their way, so that those who
 * come late find one though all the others are taken for long.
 *
 * Where several workers serve a database each has a part of an account's
 * connections, the same without asking the others: it follows from the
 * workers' numbers and the account's name.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "utils/timestamp.h"

#include "outbox/outbox.h"
#include "settings.h"

static int worker_number;

void
gl_outbox_set_worker(int number)
{
	worker_number = number;
}

int
gl_outbox_worker(void)
{
	return worker_number;
}

int
gl_outbox_part(const char *account_id, int max_connections)
{
	int workers = gl_setting_workers;
	int parts = Min(workers, max_connections);
	int part;

	if (worker_number >= workers)
		return 0;
	part = (int) ((worker_number +
				   hash_bytes((const unsigned char *) account_id, (int) strlen(account_id))) %
				  (uint32) workers);
	if (part >= parts)
		return 0;
	return max_connections / parts + (part < max_connections % parts ? 1 : 0);
}

int
gl_outbox_reserve(void)
{
	return gl_setting_max_connections / 8;
}

int
gl_outbox_few(void)
{
	return Max(gl_setting_max_connections / 50, 1);
}

/* Lowers *wait_ms to the time until "due" comes. */
static void
wait_until(TimestampTz due, TimestampTz now, int64 *wait_ms)
{
	*wait_ms = Min(*wait_ms, Max((due - now) / 1000 + 1, 1));
}

/* The limits of an account, columns of GL_STATEMENT_DUE_ACCOUNTS. */
static GlAccountLimits
read_limits(HeapTuple row, TupleDesc descriptor)
{
	GlAccountLimits limits = {0};
	bool isnull;
	Datum rate = SPI_getbinval(row, descriptor, 3, &isnull);

	limits.per_second = isnull ? 0 : DatumGetFloat8(rate);
	limits.max_connections = DatumGetInt32(SPI_getbinval(row, descriptor, 2, &isnull));
	limits.timeout_ms = DatumGetInt32(SPI_getbinval(row, descriptor, 6, &isnull));
	limits.breaker.failures = DatumGetInt32(SPI_getbinval(row, descriptor, 7, &isnull));
	limits.breaker.pause_ms = DatumGetInt32(SPI_getbinval(row, descriptor, 8, &isnull));
	limits.breaker.cap_ms = DatumGetInt32(SPI_getbinval(row, descriptor, 9, &isnull));
	return limits;
}

/* Reads a row of GL_STATEMENT_DUE_ACCOUNTS; false where the account gets nothing now. */
static bool
read_share(GlShare *share, HeapTuple row, TupleDesc descriptor, TimestampTz now, int64 *wait_ms)
{
	bool isnull;
	Datum next_due = SPI_getbinval(row, descriptor, 5, &isnull);
	GlLoad load;
	GlAccountLimits limits;
	int most;

	if (!isnull)
		wait_until(DatumGetTimestampTz(next_due), now, wait_ms);
	if (!DatumGetBool(SPI_getbinval(row, descriptor, 4, &isnull)))
		return false;
	limits = read_limits(row, descriptor);
	share->account_id = SPI_getvalue(row, descriptor, 1);
	share->max_connections = gl_outbox_part(share->account_id, limits.max_connections);
	if (share->max_connections == 0)
		return false;
	load = gl_outbox_load(share->account_id);
	most = share->max_connections + load.ahead - load.sent - load.waiting - load.failed;
	/* what is answered holds no connection, nor does what waits ahead of one */
	limits.max_connections += load.ahead + load.unrecorded;
	if (most > 0)
		share->room =
			gl_outbox_room(share->account_id, &limits, Min(most, gl_setting_batch_size), wait_ms);
	return share->room > 0;
}

/* Gives a share up to "most" places more; answers how many. */
static int
give(GlShare *share, int most)
{
	int more = Max(Min(share->room - share->places, most), 0);

	share->places += more;
	return more;
}

/*
 * Divides the places of a turn.  First those that have little on their way get
 * a few, whatever the others have taken; then each an equal part of what is
 * free; then those that move fast as much as they may have in line.  True
 * where more could have been given than one turn may lease.
 */
static bool
divide_places(GlShare *shares, int count)
{
	GlLoad all = gl_outbox_load(NULL);
	int batch = gl_setting_batch_size;
	int taken = all.sent + Max(all.waiting - all.ahead, 0);
	int kept = Min(Max(gl_setting_max_connections - taken, 0), batch);
	int given = 0;
	int open;
	int part;

	for (int i = 0; i < count; i++)
	{
		GlLoad load = gl_outbox_load(shares[i].account_id);
		int few = Min(gl_outbox_few() - load.sent - load.waiting, shares[i].room);

		given += give(&shares[i], Min(few, kept - given));
	}
	/* what is given at most once these are */
	open = Min(gl_setting_max_connections - gl_outbox_reserve() - taken, batch);
	part = Max((open - given) / count, 1);
	for (int i = 0; i < count; i++)
		given += give(&shares[i], Min(part, open - given));
	for (int i = 0; i < count; i++)
		given += give(&shares[i], open - given);
	for (int i = 0; i < count; i++)
	{
		GlLoad load = gl_outbox_load(shares[i].account_id);

		given += give(&shares[i], Min(load.ahead - load.waiting, batch - given));
	}
	return given >= batch;
}

GlShare *
gl_outbox_shares(TimestampTz now, int *count, int64 *wait_ms, bool *all_taken)
{
	Datum values[] = {TimestampTzGetDatum(now), Int64GetDatum((int64) GetSystemIdentifier())};
	TupleDesc descriptor;
	GlShare *shares;
	int due = 0;

	*count = 0;
	gl_outbox_execute(GL_STATEMENT_DUE_ACCOUNTS, values, NULL);
	descriptor = SPI_tuptable->tupdesc;
	shares = palloc0(sizeof(GlShare) * Max(SPI_processed, 1));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		if (read_share(&shares[due], SPI_tuptable->vals[i], descriptor, now, wait_ms))
			due++;
	}
	*all_taken = due > 0 && divide_places(shares, due);
	for (int i = 0; i < due; i++)
	{
		if (shares[i].places > 0)
			shares[(*count)++] = shares[i];
	}
	return shares;
}
