/*-------------------------------------------------------------------------
 *
 * database.c
 *	  The worker of one database: lease, send, record.
 *
 * Leasing goes on while requests are in flight, and answers are written down
 * in the batches in which they come: one transaction, a turn, records what is
 * finished and leases what comes next.  While the worker waits for the network
 * no transaction, snapshot or lock is held that anybody else would want, so
 * that it never keeps vacuum or DDL waiting.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "compat.h"
#include "outbox/outbox.h"
#include "settings.h"
#include "worker/database.h"
#include "worker/worker.h"

/* Milliseconds between two looks whether somebody waits for us to leave. */
#define LEAVE_INTERVAL 250

/* Answers that are worth a turn while there is still something to send, and how long fewer wait. */
#define TURN_ANSWERS 400
#define TURN_DELAY 50

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
	worker->lease_wait_ms = gl_setting_poll_interval;
	/* polls are enqueued by the first worker alone */
	if (worker->number == 0)
		worker->lease_wait_ms =
			Max(Min(worker->lease_wait_ms, worker->poll_at - gl_outbox_clock_ms()), 1);
	gl_outbox_lease(worker->turn, &worker->fresh, &worker->lease_wait_ms, &worker->more);
}

/* What the transaction of a turn does. */
static void
turn(GlWorker *worker)
{
	if (worker->recording)
		gl_outbox_record(&worker->finished);
	if (worker->leasing)
		lease(worker);
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

/* A poll may be due that an answer or a session brought: hardly before a second. */
static void
look_for_polls(GlWorker *worker)
{
	worker->poll_at = Min(worker->poll_at, gl_outbox_clock_ms() + POLL_DELAY);
}

/* Something may be due now. */
static void
look_soon(GlWorker *worker)
{
	worker->lease_at = Min(worker->lease_at, gl_outbox_clock_ms());
	look_for_polls(worker);
}

/* What was leased waits in line from now on; or, where that was rolled back, it never was. */
static void
end_lease(GlWorker *worker, bool committed)
{
	while (!dlist_is_empty(&worker->fresh))
	{
		GlFlight *flight = dlist_container(GlFlight, node, dlist_pop_head_node(&worker->fresh));

		if (!committed)
		{
			if (flight->login)
				gl_outbox_login_end(flight->account_id);
			continue;
		}
		MemoryContextSetParent(flight->context, worker->flights);
		gl_outbox_account_enter(flight);
		gl_outbox_line_join(flight);
	}
	gl_outbox_settle_room();
	if (!committed)
	{
		MemoryContextReset(worker->turn);
		worker->lease_at = gl_outbox_clock_ms() + TROUBLE_DELAY;
	}
	else
		worker->lease_at = gl_outbox_clock_ms() + (worker->more ? 0 : worker->lease_wait_ms);
}

/* Can its record let no other request go that could not go before? */
static bool
changes_nothing(const GlFlight *flight)
{
	return flight->result.kind == GL_HTTP_ANSWERED && flight->result.status >= 200 &&
		   flight->result.status <= 299 && strcmp(flight->verdict, "delivered") == 0 &&
		   !flight->login && !flight->probe;
}

/*
 * Lets go of what is recorded; what a failed transaction forgot is kept.  True
 * where something may go now that could not when the turn leased: what is
 * delivered has made room before, the rest does so here.
 */
static bool
end_record(GlWorker *worker, bool committed)
{
	dlist_mutable_iter iterator;
	bool makes_room = false;

	worker->record_at = PG_INT64_MAX;
	worker->finished_at = 0;
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
		worker->finished_count--;
		makes_room = makes_room || !changes_nothing(flight);
		gl_outbox_line_leave(flight);
		if (flight->login)
			gl_outbox_login_end(flight->account_id);
		gl_outbox_land(flight);
	}
	return makes_room;
}

/* One transaction that records, leases or does both; where it fails its parts are tried alone. */
static void
take_turn(GlWorker *worker, bool recording, bool leasing)
{
	const char *what = "recording answers and leasing requests";
	bool committed;

	dlist_init(&worker->fresh);
	worker->more = false;
	worker->recording = recording;
	worker->leasing = leasing;
	gl_outbox_lines_turn();
	if (!recording)
		what = "leasing requests";
	else if (!leasing)
		what = "recording answers";
	committed = gl_worker_transact(worker, what, turn);
	if (!committed && recording && leasing)
	{
		end_lease(worker, false);
		worker->lease_at = 0;
		worker->apart = true;
		return;
	}
	if (leasing)
		end_lease(worker, committed);
	if (recording)
	{
		look_for_polls(worker);
		if (end_record(worker, committed) || !leasing)
			look_soon(worker);
	}
}

/* When what is finished is to be recorded. */
static int64
record_time(const GlWorker *worker)
{
	/* nothing is left to be sent meanwhile, or there is enough */
	if (worker->record_at == PG_INT64_MAX || worker->finished_count >= TURN_ANSWERS ||
		gl_outbox_load(NULL).waiting == 0)
		return worker->record_at;
	return Max(worker->record_at, worker->finished_at + TURN_DELAY);
}

/* When it is to be looked for what is due; not while the old engine is emptied, nor by one that retires. */
static int64
lease_time(const GlWorker *worker)
{
	if (worker->engine_outdated || worker->number >= gl_setting_workers)
		return PG_INT64_MAX;
	return worker->lease_at;
}

/* Does what is due in the database, and sends what that has brought. */
static void
work(GlWorker *worker)
{
	int64 now = gl_outbox_clock_ms();
	bool recording = now >= record_time(worker);
	bool leasing = now >= lease_time(worker) || (recording && lease_time(worker) != PG_INT64_MAX);

	if (leasing && worker->number == 0 && now >= worker->poll_at &&
		!gl_worker_transact(worker, "enqueuing polls", poll))
		worker->poll_at = gl_outbox_clock_ms() + TROUBLE_DELAY;
	if (worker->apart)
	{
		if (recording)
			take_turn(worker, true, false);
		if (leasing)
			take_turn(worker, false, true);
		worker->apart = false;
	}
	else if (recording || leasing)
		take_turn(worker, recording, leasing);
	if (recording || leasing)
		gl_worker_send(worker);
}

/* What pg_stat_activity shows while the worker waits. */
static void
report_waiting(const GlWorker *worker)
{
	GlLoad load = gl_outbox_load(NULL);
	char what[128];

	snprintf(what, sizeof(what),
			 "waiting: %d requests at carriers, %d in line, %d answers to record", load.sent,
			 load.waiting, worker->finished_count);
	pgstat_report_activity(STATE_IDLE, what);
}

/* Waits for a latch, the network, or the time of whatever is next. */
static void
wait_for_events(GlWorker *worker)
{
	static uint32 wait_event = 0;
	int64 next = Min(Min(record_time(worker), lease_time(worker)), worker->leave_at);
	int64 wait_ms = Max(next - gl_outbox_clock_ms(), 0);

	if (wait_event == 0)
		wait_event = GL_WAIT_EVENT("GanjeWorkerMain");
	if (wait_ms > 0)
		report_waiting(worker);
	(void) WaitLatchOrSocket(MyLatch,
							 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH | WL_SOCKET_READABLE,
							 gl_http_fd(worker->http), (long) wait_ms, wait_event);
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

	if (offset < worker->wall_offset + WALL_STEP && offset > worker->wall_offset - WALL_STEP)
		return;
	if (gl_worker_transact(worker, "setting times after a jump of the clock", shift_times))
		worker->wall_offset = offset;
	look_soon(worker);
}

/* There are to be fewer workers: leaves once nothing is on its way any more. */
static void
retire(GlWorker *worker)
{
	gl_worker_drop_line(worker);
	if (dlist_is_empty(&worker->sent) && dlist_is_empty(&worker->finished))
		gl_worker_exit(GL_WORKER_LEFT);
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
	if (worker->number >= gl_setting_workers)
		retire(worker);
	if (now >= worker->leave_at)
	{
		if (!gl_worker_database_is_free(MyDatabaseId))
			gl_worker_exit(GL_WORKER_LEFT);
		worker->leave_at = now + LEAVE_INTERVAL;
	}
	if (worker->number == 0 && now >= worker->trim_at)
	{
		worker->trim_at = now + TRIM_INTERVAL;
		(void) gl_worker_transact(worker, "trimming logs", trim_log);
	}
	if (worker->number == 0 && now >= worker->settle_at)
	{
		worker->settle_at = now + SETTLE_INTERVAL;
		(void) gl_worker_transact(worker, "settling expired holds", settle_counters);
	}
}

/* The process of a worker; the argument is the database's OID, its number is in bgw_extra. */
void
gl_worker_database_main(Datum argument)
{
	GlWorker *worker;
	int number;

	memcpy(&number, MyBgworkerEntry->bgw_extra, sizeof(number));
	worker = gl_worker_begin(DatumGetObjectId(argument), number);
	while (!gl_worker_transact(worker, "taking over leases", return_leases))
	{
		worker->lease_at = gl_outbox_clock_ms() + TROUBLE_DELAY;
		wait_for_events(worker);
		keep_house(worker);
	}
	for (;;)
	{
		/* while answers come in there is no need to wait for them */
		if (!gl_worker_collect(worker))
			wait_for_events(worker);
		CHECK_FOR_INTERRUPTS();
		keep_house(worker);
		if (gl_worker_take_wake())
			look_soon(worker);
		work(worker);
	}
}
