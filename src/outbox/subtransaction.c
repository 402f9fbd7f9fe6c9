/*-------------------------------------------------------------------------
 *
 * subtransaction.c
 *	  Work that may fail alone, and not for ever.
 *
 * Users' functions run inside: what they raise undoes only their row, and
 * what does not end is ended by the server's own statement timer.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
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
		enable_timeout_after(STATEMENT_TIMEOUT, LIMIT_MS);
		work(argument);
		disable_timeout(STATEMENT_TIMEOUT, false);
		AtEOXact_GUC(false, nest_level);
		ReleaseCurrentSubTransaction();
		done = true;
	}
	PG_CATCH();
	{
		ErrorData *error;

		disable_timeout(STATEMENT_TIMEOUT, false);
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
