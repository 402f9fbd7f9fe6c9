/*-------------------------------------------------------------------------
 *
 * workspace.c
 *	  Memory for one call, kept between calls.
 *
 * A call needs a megabyte for some microseconds.  Given back to the system
 * each time, as a context that is deleted does, every page of it is cleared
 * and mapped anew by the next call, which costs more than what is computed in
 * it.  So one block per backend is kept; what a call needs beyond it goes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "cart/workspace.h"

#define KEPT_SIZE ((Size) 1024 * 1024)

static MemoryContext workspace;
static bool in_use;

static void
leave(void *argument pg_attribute_unused())
{
	in_use = false;
	MemoryContextReset(workspace);
}

MemoryContext
gl_workspace_enter(void)
{
	MemoryContextCallback *callback;

	/* A stock source of the user's may ask for pools in the midst of a call. */
	if (in_use)
		return AllocSetContextCreate(CurrentMemoryContext, "ganje_logistics nested checkout",
									 ALLOCSET_DEFAULT_SIZES);
	if (workspace == NULL)
		workspace = AllocSetContextCreate(TopMemoryContext, "ganje_logistics checkout", KEPT_SIZE,
										  ALLOCSET_DEFAULT_INITSIZE, ALLOCSET_DEFAULT_MAXSIZE);
	callback = palloc0(sizeof(MemoryContextCallback));
	callback->func = leave;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	in_use = true;
	return workspace;
}
