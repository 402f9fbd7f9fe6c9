/*-------------------------------------------------------------------------
 *
 * launcher.c
 *	  Sees to it that every database has its workers.
 *
 * It is connected to no database, so that it stands in nobody's way and can
 * not tell which databases have the extension: a worker that finds none
 * leaves at once, and is tried again when something was written there
 * (CREATE EXTENSION does) or a minute later.  The others of a database
 * (ganje_logistics.workers) are started once its first one stays; those that
 * a lower setting makes superfluous leave by themselves.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "outbox/outbox.h"
#include "settings.h"
#include "worker/worker.h"

/* Milliseconds between two looks at everything, and at what is to be retried. */
#define LOOK_INTERVAL 10000
#define NOT_INSTALLED_DELAY 60000
#define BUSY_DELAY 250
#define RESTART_DELAY 1000
#define RESTART_DELAY_MAX 60000
#define NO_PLACE_DELAY 5000

/* Milliseconds between two complaints that there is no place, of whatever database. */
#define NO_PLACE_TELL 60000

/* A worker that lived so long was no failed start. */
#define HEALTHY_LIFE 5000

/* Which worker; hash key. */
typedef struct WorkerKey
{
	Oid database;
	int number;
} WorkerKey;

typedef struct Worker
{
	WorkerKey key;
	BackgroundWorkerHandle *handle; /* NULL: none of ours runs */
	int64 started_at;               /* gl_outbox_clock_ms */
	int64 not_before;
	int failures; /* starts in a row that did not live long */
} Worker;

typedef struct Candidate
{
	Oid oid;
	char name[NAMEDATALEN];
} Candidate;

static HTAB *workers;

PGDLLEXPORT void gl_worker_launcher_main(Datum argument);

/* The databases that take connections, allocated in the current context. */
static List *
list_databases(void)
{
	MemoryContext context = CurrentMemoryContext;
	List *list = NIL;
	Relation relation;
	TableScanDesc scan;
	HeapTuple tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	relation = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(relation, 0, NULL);
	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		Form_pg_database form = (Form_pg_database) GETSTRUCT(tuple);
		MemoryContext before = MemoryContextSwitchTo(context);

		if (form->datallowconn && !form->datistemplate &&
			gl_worker_is_wanted(NameStr(form->datname)))
		{
			Candidate *candidate = palloc(sizeof(Candidate));

			candidate->oid = form->oid;
			strlcpy(candidate->name, NameStr(form->datname), NAMEDATALEN);
			list = lappend(list, candidate);
		}
		MemoryContextSwitchTo(before);
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return list;
}

/* Our worker ended: when may the next one start? */
static void
note_end(Worker *worker)
{
	int64 now = gl_outbox_clock_ms();
	bool wanted;

	pfree(worker->handle);
	worker->handle = NULL;
	switch (gl_worker_state(worker->key.database, worker->key.number, &wanted))
	{
		case GL_WORKER_NOT_INSTALLED:
			/* the others follow the first, which may find it there by now */
			worker->not_before = now + (worker->key.number == 0 ? NOT_INSTALLED_DELAY : BUSY_DELAY);
			worker->failures = 0;
			break;
		case GL_WORKER_LEFT:
			worker->not_before = now + BUSY_DELAY;
			worker->failures = 0;
			break;
		default:
			if (now - worker->started_at >= HEALTHY_LIFE)
				worker->failures = 0;
			worker->not_before =
				now + Min(RESTART_DELAY_MAX, RESTART_DELAY << Min(worker->failures, 6));
			worker->failures++;
	}
}

/* Is this worker alive, or about to be? */
static bool
has_worker(Worker *worker)
{
	pid_t pid;

	if (worker->handle != NULL && GetBackgroundWorkerPid(worker->handle, &pid) == BGWH_STOPPED)
		note_end(worker);
	return worker->handle != NULL || gl_worker_pid(worker->key.database, worker->key.number) != 0;
}

/*
 * There is no place for a worker.  It is tried again, but not each time that
 * something is written in the database, and it is not said each time.
 */
static void
note_no_place(Worker *worker, const char *name)
{
	static int64 told_at = 0;
	int64 now = gl_outbox_clock_ms();

	worker->handle = NULL;
	worker->failures = 1;
	worker->not_before = now + NO_PLACE_DELAY;
	if (told_at != 0 && now - told_at < NO_PLACE_TELL)
		return;
	told_at = now;
	ereport(LOG, errcode(ERRCODE_INSUFFICIENT_RESOURCES),
			errmsg("ganje_logistics: no background worker is left for database \"%s\"", name),
			errhint("Raise max_worker_processes, or narrow ganje_logistics.databases."));
}

/* Starts a worker of a database. */
static void
start_worker(Worker *worker, const char *name)
{
	MemoryContext before = MemoryContextSwitchTo(TopMemoryContext);
	BackgroundWorker process;

	gl_worker_describe_database(&process, worker->key.database, worker->key.number, name);
	process.bgw_restart_time = BGW_NEVER_RESTART;
	worker->started_at = gl_outbox_clock_ms();
	if (!RegisterDynamicBackgroundWorker(&process, &worker->handle))
		note_no_place(worker, name);
	MemoryContextSwitchTo(before);
}

/* Looks after one worker; answers how many ms later it wants it again. */
static int64
look_after_worker(const Candidate *candidate, int number)
{
	WorkerKey key = {candidate->oid, number};
	int64 now = gl_outbox_clock_ms();
	Worker *worker;
	bool found;
	bool wanted;

	worker = hash_search(workers, &key, HASH_ENTER, &found);
	if (!found)
		memset((char *) worker + sizeof(key), 0, sizeof(Worker) - sizeof(key));
	if (has_worker(worker))
		return LOOK_INTERVAL;

	(void) gl_worker_state(key.database, key.number, &wanted);
	if (wanted && worker->failures == 0)
		worker->not_before = Min(worker->not_before, worker->started_at + BUSY_DELAY);
	if (now < worker->not_before)
		return worker->not_before - now;
	if (!gl_worker_database_is_free(candidate->oid))
		return BUSY_DELAY;
	start_worker(worker, candidate->name);
	return LOOK_INTERVAL;
}

/* Looks after one database; answers how many ms later it wants it again. */
static int64
look_after(const Candidate *candidate)
{
	int64 wait_ms = look_after_worker(candidate, 0);

	for (int number = 1; number < gl_setting_workers; number++)
	{
		int64 next_ms;

		/* whether there is anything to do the first finds out */
		if (gl_worker_pid(candidate->oid, 0) == 0)
			break;
		next_ms = look_after_worker(candidate, number);
		wait_ms = Min(wait_ms, next_ms);
	}
	return wait_ms;
}

/* Looks after all databases; answers how many ms later to look again. */
static int64
look_after_all(void)
{
	int64 wait_ms = LOOK_INTERVAL;
	List *list = list_databases();
	ListCell *cell;

	foreach (cell, list)
	{
		int64 next_ms = look_after(lfirst(cell));

		wait_ms = Min(wait_ms, next_ms);
	}
	return Max(wait_ms, 1);
}

static void
prepare(void)
{
	HASHCTL control = {0};

	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	gl_worker_claim_launcher();
	control.keysize = sizeof(WorkerKey);
	control.entrysize = sizeof(Worker);
	workers = hash_create("ganje workers", 32, &control, HASH_ELEM | HASH_BLOBS);
}

/* The launcher's process. */
void
gl_worker_launcher_main(Datum argument pg_attribute_unused())
{
	uint32 wait_event = GL_WAIT_EVENT("GanjeLauncherMain");
	MemoryContext turn;

	prepare();
	turn = AllocSetContextCreate(TopMemoryContext, "ganje launcher turn", ALLOCSET_DEFAULT_SIZES);
	for (;;)
	{
		int64 wait_ms;

		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		MemoryContextSwitchTo(turn);
		wait_ms = look_after_all();
		MemoryContextReset(turn);

		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, (long) wait_ms,
						 wait_event);
		ResetLatch(MyLatch);
	}
}
