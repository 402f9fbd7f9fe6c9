/*-------------------------------------------------------------------------
 *
 * init.c
 *	  What the library asks of the server when it is preloaded.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#include "worker/worker.h"

static shmem_request_hook_type next_shmem_request;

static void
request_shmem(void)
{
	if (next_shmem_request != NULL)
		next_shmem_request();
	RequestAddinShmemSpace(gl_worker_shmem_size());
}

void
gl_worker_describe(BackgroundWorker *worker, const char *function)
{
	memset(worker, 0, sizeof(BackgroundWorker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker->bgw_restart_time = 1;
	strlcpy(worker->bgw_library_name, "ganje_logistics", sizeof(worker->bgw_library_name));
	strlcpy(worker->bgw_function_name, function, sizeof(worker->bgw_function_name));
}

void
gl_worker_describe_database(BackgroundWorker *worker, Oid database, int number, const char *name)
{
	gl_worker_describe(worker, "gl_worker_database_main");
	if (number == 0)
		snprintf(worker->bgw_name, sizeof(worker->bgw_name), "ganje_logistics worker for %s", name);
	else
		snprintf(worker->bgw_name, sizeof(worker->bgw_name), "ganje_logistics worker %d for %s",
				 number + 1, name);
	strlcpy(worker->bgw_type, "ganje_logistics worker", sizeof(worker->bgw_type));
	worker->bgw_main_arg = ObjectIdGetDatum(database);
	memcpy(worker->bgw_extra, &number, sizeof(number));
	worker->bgw_notify_pid = MyProcPid;
}

/*
 * Registers the launcher.  Not in pg_upgrade's servers, which must not send,
 * and not where the library is loaded by a session.
 */
void
gl_worker_init(void)
{
	BackgroundWorker launcher;

	if (!process_shared_preload_libraries_in_progress)
		return;
	next_shmem_request = shmem_request_hook;
	shmem_request_hook = request_shmem;
	if (IsBinaryUpgrade)
		return;
	gl_worker_describe(&launcher, "gl_worker_launcher_main");
	strlcpy(launcher.bgw_name, "ganje_logistics launcher", sizeof(launcher.bgw_name));
	strlcpy(launcher.bgw_type, "ganje_logistics launcher", sizeof(launcher.bgw_type));
	RegisterBackgroundWorker(&launcher);
}
