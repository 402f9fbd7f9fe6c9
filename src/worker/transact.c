/*-------------------------------------------------------------------------
 *
 * transact.c
 *	  The worker's connection to its database: begin, transact, leave.
 *
 * An error in one transaction (a full disk, say) is logged and the worker
 * goes on: to end the process would lose the answers that it holds, and the
 * carriers would get those requests again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "worker/database.h"

#define EXTENSION "ganje_logistics"

/*
 * Settings of the database or role that would change what the worker's SQL
 * means, and locks that it would wait for with everybody's answers in hand.
 * Plans are made when the outbox is empty, and must still be good when it is
 * full: every access is by key, in the order of an index.  A plan is made for
 * any value, since one for a certain token would show it to whoever prints plans.
 */
static const char *const fixed_settings[][2] = {
	{"search_path", "pg_catalog, pg_temp"},
	{"default_transaction_isolation", "read committed"},
	{"default_transaction_read_only", "off"},
	{"session_replication_role", "origin"},
	{"statement_timeout", "0"},
	{"lock_timeout", "5s"},
	{"plan_cache_mode", "force_generic_plan"},
	{"jit", "off"},
	{"enable_seqscan", "off"},
	{"enable_bitmapscan", "off"},
	{"enable_hashjoin", "off"},
	{"enable_mergejoin", "off"},
	{"enable_memoize", "off"},
};

void
gl_worker_exit(GlWorkerState state)
{
	gl_worker_leave(state);
	proc_exit(0);
}

/* Finds the extension and its version; the OID is invalid where there is none. */
static void
find_extension(GlWorker *worker)
{
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	worker->extension = get_extension_oid(EXTENSION, true);
	if (SPI_execute("SELECT extversion FROM pg_catalog.pg_extension WHERE extname = '" EXTENSION
					"'",
					true, 1) == SPI_OK_SELECT &&
		SPI_processed == 1)
		snprintf(worker->user_agent, sizeof(worker->user_agent), "%s/%s", EXTENSION,
				 SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1));
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
}

GlWorker *
gl_worker_begin(Oid database, int number)
{
	GlWorker *worker;

	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	if (!gl_worker_claim(MyDatabaseId, number))
		proc_exit(0);
	for (int i = 0; i < (int) lengthof(fixed_settings); i++)
		SetConfigOption(fixed_settings[i][0], fixed_settings[i][1], PGC_SUSET, PGC_S_OVERRIDE);

	worker = MemoryContextAllocZero(TopMemoryContext, sizeof(GlWorker));
	worker->number = number;
	gl_outbox_set_worker(number);
	worker->flights =
		AllocSetContextCreate(TopMemoryContext, "ganje flights", ALLOCSET_SMALL_SIZES);
	worker->turn = AllocSetContextCreate(TopMemoryContext, "ganje turn", ALLOCSET_DEFAULT_SIZES);
	dlist_init(&worker->fresh);
	dlist_init(&worker->sent);
	dlist_init(&worker->finished);
	worker->record_at = PG_INT64_MAX;
	worker->wall_offset = gl_outbox_wall_offset_ms();
	find_extension(worker);
	if (!OidIsValid(worker->extension))
		gl_worker_exit(GL_WORKER_NOT_INSTALLED);
	gl_worker_renew_engine(worker);
	return worker;
}

/*
 * Is the extension still the one that we began with?  The lock keeps it so
 * until the end of the transaction; false where DROP EXTENSION has it, which
 * may be rolled back yet.
 */
static bool
hold_extension(GlWorker *worker)
{
	LOCKTAG tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, ExtensionRelationId, worker->extension, 0);
	if (LockAcquire(&tag, AccessShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	AcceptInvalidationMessages();
	if (get_extension_oid(EXTENSION, true) != worker->extension)
		gl_worker_exit(GL_WORKER_NOT_INSTALLED);
	return true;
}

/* The part that may raise. */
static bool
transact(GlWorker *worker, void (*work)(GlWorker *worker))
{
	bool held;

	/* Else now() would be the time when the worker began. */
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	held = hold_extension(worker);
	if (held)
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		SPI_connect();
		work(worker);
		SPI_finish();
		PopActiveSnapshot();
	}
	CommitTransactionCommand();
	return held;
}

bool
gl_worker_transact(GlWorker *worker, const char *what, void (*work)(GlWorker *worker))
{
	volatile bool committed = false;

	pgstat_report_activity(STATE_RUNNING, what);
	PG_TRY();
	{
		committed = transact(worker, work);
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(TopMemoryContext);
		EmitErrorReport();
		AbortCurrentTransaction();
		FlushErrorState();
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(TopMemoryContext);
	pgstat_report_stat(true);
	return committed;
}
