/*-------------------------------------------------------------------------
 *
 * start.c
 *	  ganje.start_worker() and ganje.worker_pid().
 *
 * Where the library is not preloaded there is no launcher, and a worker is
 * started by hand.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/wait_event.h"

#include "compat.h"
#include "settings.h"
#include "worker/worker.h"

GL_FUNCTION(gl_worker_start_sql);
GL_FUNCTION(gl_worker_pid_sql);

/* How often it is looked whether the worker has taken its place, and for how long. */
#define LOOK_MS 10
#define LOOK_TIMES 1000

/* Asks the postmaster for a worker of this database. */
static BackgroundWorkerHandle *
register_worker(int number)
{
	BackgroundWorkerHandle *handle;
	BackgroundWorker worker;
	char name[32];

	snprintf(name, sizeof(name), "database %u", MyDatabaseId);
	gl_worker_describe_database(&worker, MyDatabaseId, number, name);
	/* a launcher starts the next one itself */
	if (gl_worker_has_launcher())
		worker.bgw_restart_time = BGW_NEVER_RESTART;
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				errmsg("no background worker is left"),
				errhint("Raise max_worker_processes and restart the server."));
	return handle;
}

/*
 * Waits until a worker, this one or another that came before it, has the
 * database's place, and answers its process id.
 */
static int
wait_for_worker(BackgroundWorkerHandle *handle, int number)
{
	static uint32 wait_event = 0;

	if (wait_event == 0)
		wait_event = GL_WAIT_EVENT("GanjeWorkerStart");
	for (int i = 0; i < LOOK_TIMES; i++)
	{
		int pid = gl_worker_pid(MyDatabaseId, number);
		pid_t started;

		if (pid != 0)
			return pid;
		if (GetBackgroundWorkerPid(handle, &started) == BGWH_STOPPED)
			break;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, LOOK_MS,
						 wait_event);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("the worker did not start"), errhint("See the server's log."));
	return 0;
}

/* The process id of this database's first worker; those that are missing are started. */
Datum
gl_worker_start_sql(PG_FUNCTION_ARGS)
{
	if (RecoveryInProgress())
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("a standby sends nothing"));
	for (int number = 0; number < gl_setting_workers; number++)
	{
		if (gl_worker_pid(MyDatabaseId, number) == 0)
			(void) wait_for_worker(register_worker(number), number);
	}
	PG_RETURN_INT32(gl_worker_pid(MyDatabaseId, 0));
}

/* The process id of this database's first worker, NULL where none runs. */
Datum
gl_worker_pid_sql(PG_FUNCTION_ARGS)
{
	int pid = gl_worker_pid(MyDatabaseId, 0);

	if (pid == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(pid);
}
