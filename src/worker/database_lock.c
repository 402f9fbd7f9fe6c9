/*-------------------------------------------------------------------------
 *
 * database_lock.c
 *	  Is somebody waiting for us to leave a database?
 *
 * DROP DATABASE and its like lock the database object and then wait a few
 * seconds for others to disconnect, without telling them.  Whoever cannot
 * have the lock that connecting takes is in the way.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_database.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

#include "settings.h"
#include "worker/worker.h"

bool
gl_worker_database_is_free(Oid database)
{
	LOCKTAG tag;

	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, database, 0);
	/* of the session, since no transaction may be open */
	if (LockAcquire(&tag, RowExclusiveLock, true, true) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	LockRelease(&tag, RowExclusiveLock, true);
	return true;
}

bool
gl_worker_is_wanted(const char *database)
{
	char *list = pstrdup(gl_setting_databases);
	List *names = NIL;
	ListCell *cell;
	bool wanted = false;

	if (!SplitIdentifierString(list, ',', &names))
		ereport(LOG, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("ganje_logistics.databases is not a list of names"));
	else if (names == NIL)
		wanted = true;
	foreach (cell, names)
		wanted = wanted || strcmp(lfirst(cell), database) == 0;
	list_free(names);
	pfree(list);
	return wanted;
}
