/*-------------------------------------------------------------------------
 *
 * wake.c
 *	  ganje.wake_worker(): the worker looks at the outbox after the commit.
 *
 * Setting a latch costs next to nothing, where NOTIFY would take a lock that
 * all committing transactions share.  A prepared transaction is committed by
 * who knows which backend: its requests are found by polling.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"

#include "compat.h"
#include "worker/worker.h"

GL_FUNCTION(gl_worker_wake_sql);

static bool registered;
static bool wake_at_commit;

/* Wakes after the commit is visible; every other end forgets the wish. */
static void
at_end_of_transaction(XactEvent event, void *argument pg_attribute_unused())
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			if (wake_at_commit)
				gl_worker_wake(MyDatabaseId);
			wake_at_commit = false;
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			wake_at_commit = false;
			break;
		default:
			break;
	}
}

/* Remembers that the worker of this database is to be woken at commit. */
Datum
gl_worker_wake_sql(PG_FUNCTION_ARGS)
{
	if (!registered)
	{
		gl_worker_attach();
		RegisterXactCallback(at_end_of_transaction, NULL);
		registered = true;
	}
	wake_at_commit = true;
	PG_RETURN_VOID();
}
