/*-------------------------------------------------------------------------
 *
 * ganje.c
 *	  The library's entry point: defines the settings and, where the library
 *	  is preloaded, asks for shared memory and registers the launcher.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#include "compat.h"
#include "outbox/account.h"
#include "settings.h"
#include "shipment/track.h"
#include "worker/worker.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

static shmem_request_hook_type next_shmem_request;

static void
request_shmem(void)
{
	if (next_shmem_request != NULL)
		next_shmem_request();
	RequestAddinShmemSpace(gl_track_shmem_size());
	RequestAddinShmemSpace(gl_account_shmem_size());
}

void
_PG_init(void)
{
	gl_settings_define();
	if (process_shared_preload_libraries_in_progress)
	{
		next_shmem_request = shmem_request_hook;
		shmem_request_hook = request_shmem;
	}
	gl_worker_init();
}
