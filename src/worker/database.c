/*-------------------------------------------------------------------------
 *
 * database.c
 *	  The worker of one database: lease, send, record.
 *
 * Leasing goes on while requests are in flight, and answers are written down
 * in the batches in which they come.  While the worker waits for the network
 * no transaction, snapshot or lock is held, so that it never keeps vacuum or
 * DDL waiting.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "outbox/outbox.h"
#include "settings.h"
#include "worker/database.h"
#include "worker/worker.h"

/* Milliseconds between two looks whether somebody waits for us to leave. */
#define LEAVE_INTERVAL 250

/* Milliseconds after a transaction that failed. */
#define TROUBLE_DELAY 1000

/* Milliseconds between two looks at what is too old, and while there is more of it. */
#define TRIM_INTERVAL (60 * 60 * 1000)
#define TRIM_PAUSE 1000

/* Milliseconds between two looks at full slots whose holds expired, and while there are more. */
#define SETTLE_INTERVAL (60 * 1000)
#define SETTLE_PAUSE 1000

/* Milliseconds by which the wall clock must jump to be noticed: it is trimmed all the time. */
#define WALL_STEP 2000

/* Milliseconds after which polls are looked at that an answer or a session brought. */
#define POLL_DELAY 1000

PGDLLEXPORT void gl_worker_database_main(Datum argument);

/* Enqueues polls that are due, so that the lease that follows finds them. */
static void
poll(GlWorker *worker)
{
	int64 wait_ms = gl_setting_poll_interval;

	gl_outbox_poll(&wait_ms);
	worker->poll_at = gl_outbox_clock_ms() + wait_ms;
}

static void
lease(GlWorker *worker)
{
	int places = Min(gl_setting_batch_size, gl_setting_max_connections - worker->flight_count);

	worker->lease_wait_ms =
		Max(Min(gl_setting_poll_interval, worker->poll_at - gl_outbox_clock_ms()), 1);
	gl_outbox_lease(places, worker->turn, &worker->fresh, &worker->lease_wait_ms, &worker->more);
}

static void
record(GlWorker *worker)
{
	gl_outbox_record(&worker->finished);
}

static void
return_leases(GlWorker *worker pg_attribute_unused())
{
	uint64 count = gl_outbox_return_leases();

	if (count > 0)
		ereport(LOG, errmsg("ganje_logistics: " UINT64_FORMAT
							" requests of a worker that ended are sent again",
							count));
}

static void
trim_log(GlWorker *worker)
{
	gl_outbox_trim_log();
	worker->trim_at = gl_outbox_clock_ms() + (gl_outbox_trim_inbox() ? TRIM_PAUSE : TRIM_INTERVAL);
}

static void
settle_counters(GlWorker *worker)
{
	worker->settle_at =
		gl_outbox_clock_ms() + (gl_outbox_settle_counters() ? SETTLE_PAUSE : SETTLE_INTERVAL);
}

static void
shift_times(GlWorker *worker)
{
	gl_outbox_shift_times(gl_outbox_wall_offset_ms() - worker->wall_offset);
}

/* Leases what is due and lets it go, if the lease is committed. */
static void
lease_and_send(GlWorker *worker)
{
	if (gl_outbox_clock_ms() >= worker->poll_at && !gl_worker_transact(worker, poll))
		worker->poll_at = gl_outbox_clock_ms() + TROUBLE_DELAY;
	dlist_init(&worker->fresh);
	worker->more = false;
	if (!gl_worker_transact(worker, lease))
	{
		gl_outbox_settle_room();
		MemoryContextReset(worker->turn);
		worker->lease_at = gl_outbox_clock_ms() + TROUBLE_DELAY;
		return;
	}
	worker->lease_at = gl_outbox_clock_ms() + (worker->more ? 0 : worker->lease_wait_ms);
	while (!dlist_is_empty(&worker->fresh))
	{
		GlFlight *flight = dlist_container(GlFlight, node, dlist_pop_head_node(&worker->fresh));

		MemoryContextSetParent(flight->context, worker->flights);
		gl_outbox_account_enter(flight);
		worker->flight_count++;
		if (gl_outbox_send(worker->http, flight))
			dlist_push_tail(&worker->sent, &flight->node);
		else
		{
			dlist_push_tail(&worker->finished, &flight->node);
			worker->record_at = 0;
		}
	}
	gl_outbox_settle_room();
}

/* Something may be due now: a request at once, a poll hardly before a second. */
static void
look_soon(GlWorker *worker)
{
	int64 now = gl_outbox_clock_ms();

	worker->lease_at = Min(worker->lease_at, now);
	worker->poll_at = Min(worker->poll_at, now + POLL_DELAY);
}

/* Records what is finished; what a failed transaction forgot is kept. */
static void
record_finished(GlWorker *worker)
{
	bool committed = gl_worker_transact(worker, record);
	dlist_mutable_iter iterator;

	worker->record_at = PG_INT64_MAX;
	dlist_foreach_modify(iterator, &worker->finished)
	{
		GlFlight *flight = dlist_container(GlFlight, node, iterator.cur);

		if (!committed)
		{
			flight->verdict = NULL;
			flight->record_at = gl_outbox_clock_ms() + TROUBLE_DELAY;
		}
		if (flight->verdict == NULL)
		{
			worker->record_at = Min(worker->record_at, flight->record_at);
			continue;
		}
		dlist_delete(&flight->node);
		worker->flight_count--;
		gl_outbox_land(flight);
	}
	look_soon(worker);
}

/* Waits for a latch, the network, or the time of whatever is next. */
static void
wait_for_events(GlWorker *worker)
{
	int64 next = Min(worker->record_at, worker->leave_at);
	int64 wait_ms;

	/* nothing is leased until the old engine is empty */
	if (!worker->engine_outdated)
		next = Min(next, worker->lease_at);
	wait_ms = Max(next - gl_outbox_clock_ms(), 0);

	pgstat_report_activity(STATE_IDLE, NULL);
	(void) WaitLatchOrSocket(MyLatch,
							 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH | WL_SOCKET_READABLE,
							 gl_http_fd(worker->http), (long) wait_ms, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	/* pg_cancel_backend has nothing to cancel here */
	QueryCancelPending = false;
	CHECK_FOR_INTERRUPTS();
}

/* Puts right what a jump of the wall clock made wrong, before any time is written after it. */
static void
mind_clock(GlWorker *worker)
{
	int64 offset = gl_outbox_wall_offset_ms();

	if (Abs(offset - worker->wall_offset) < WALL_STEP)
		return;
	if (gl_worker_transact(worker, shift_times))
		worker->wall_offset = offset;
	look_soon(worker);
}

/* What is to be done from time to time; leaves where somebody waits for that. */
static void
keep_house(GlWorker *worker)
{
	int64 now = gl_outbox_clock_ms();

	mind_clock(worker);
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
		worker->engine_outdated = gl_worker_engine_differs();
	}
	if (worker->engine_outdated && dlist_is_empty(&worker->sent))
		gl_worker_renew_engine(worker);
	if (now >= worker->leave_at)
	{
		if (!gl_worker_database_is_free(MyDatabaseId))
			gl_worker_exit(GL_WORKER_LEFT);
		worker->leave_at = now + LEAVE_INTERVAL;
	}
	if (now >= worker->trim_at)
	{
		worker->trim_at = now + TRIM_INTERVAL;
		(void) gl_worker_transact(worker, trim_log);
	}
	if (now >= worker->settle_at)
	{
		worker->settle_at = now + SETTLE_INTERVAL;
		(void) gl_worker_transact(worker, settle_counters);
	}
}

/* The process of a database's worker; the argument is the database's OID. */
void
gl_worker_database_main(Datum argument)
{
	GlWorker *worker = gl_worker_begin(DatumGetObjectId(argument));

	while (!gl_worker_transact(worker, return_leases))
	{
		worker->lease_at = gl_outbox_clock_ms() + TROUBLE_DELAY;
		wait_for_events(worker);
		keep_house(worker);
	}
	for (;;)
	{
		wait_for_events(worker);
		keep_house(worker);
		gl_worker_collect(worker);
		if (gl_outbox_clock_ms() >= worker->record_at)
			record_finished(worker);
		if (gl_worker_take_wake())
			look_soon(worker);
		if (gl_outbox_clock_ms() >= worker->lease_at && !worker->engine_outdated)
			lease_and_send(worker);
	}
}
