/*-------------------------------------------------------------------------
 *
 * subtransaction.c
 *	  Work that may fail alone, and not for ever.
 *
 * Users' functions run inside: what they raise undoes only their row, and
 * what does not end is ended by the server's own statement timer.  One that
 * does not take that for an answer (it can catch the error) ends with the
 * process, since nothing else would be sent any more.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timeout.h"

#include "outbox/outbox.h"

/*
 * Longest time for the functions of one request, and for a lock within.  It
 * is time in which no other request is sent or recorded, and several may use
 * it up in a row: it must be far less than what a lease outlasts its request.
 */
#define LIMIT_MS 2000
#define LOCK_LIMIT "50ms"

/* What is left of a function's time when it was told to end. */
#define LAST_LIMIT_MS (2 * LIMIT_MS)

static TimeoutId last_limit = MAX_TIMEOUTS;
static volatile sig_atomic_t overdue;

/* In a signal handler: ends the process as if it had been told to. */
static void
end_process(void)
{
	overdue = true;
	kill(MyProcPid, SIGTERM);
}

static void
say_why(int code pg_attribute_unused(), Datum argument pg_attribute_unused())
{
	if (overdue)
		ereport(LOG,
				errmsg("ganje_logistics: a carrier's function did not end when it was canceled"));
}

static void
start_timers(void)
{
	EnableTimeoutParams timers[2] = {{0}};

	if (last_limit == MAX_TIMEOUTS)
	{
		last_limit = RegisterTimeout(USER_TIMEOUT, end_process);
		before_shmem_exit(say_why, (Datum) 0);
	}
	timers[0].id = STATEMENT_TIMEOUT;
	timers[0].delay_ms = LIMIT_MS;
	timers[1].id = last_limit;
	timers[1].delay_ms = LAST_LIMIT_MS;
	timers[0].type = timers[1].type = TMPARAM_AFTER;
	enable_timeouts(timers, 2);
}

static void
stop_timers(void)
{
	DisableTimeoutParams timers[2] = {{STATEMENT_TIMEOUT, false}, {last_limit, false}};

	disable_timeouts(timers, 2);
}

bool
gl_outbox_try(void (*work)(void *argument), void *argument, GlFailure *failure)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool done = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		int nest_level = NewGUCNestLevel();

		(void) set_config_option("lock_timeout", LOCK_LIMIT, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
		start_timers();
		work(argument);
		stop_timers();
		AtEOXact_GUC(false, nest_level);
		ReleaseCurrentSubTransaction();
		done = true;
	}
	PG_CATCH();
	{
		ErrorData *error;

		stop_timers();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		failure->sqlstate = error->sqlerrcode;
		failure->message = pstrdup(error->message != NULL ? error->message : "no message");
		FreeErrorData(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	QueryCancelPending = false;
	return done;
}
