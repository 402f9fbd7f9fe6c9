/*-------------------------------------------------------------------------
 *
 * login.c
 *	  Only one worker at a time logs in to an account.
 *
 * Within a worker account.c sees to that.  Between workers it is an advisory
 * lock of the session, which ends with the process, whatever ends it, and
 * stands in the way of nobody who does not ask for it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lock.h"

#include "outbox/outbox.h"

/* The first of the lock's two keys, that of all locks of this kind. */
#define LOGIN_LOCKS 0x67616e6a

/* As pg_try_advisory_lock(integer, integer) tags it. */
static void
tag_account(LOCKTAG *tag, const char *account_id)
{
	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, (uint32) LOGIN_LOCKS,
						 hash_bytes((const unsigned char *) account_id, (int) strlen(account_id)),
						 2);
}

bool
gl_outbox_login_begin(const char *account_id)
{
	LOCKTAG tag;

	tag_account(&tag, account_id);
	return LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
}

void
gl_outbox_login_end(const char *account_id)
{
	LOCKTAG tag;

	tag_account(&tag, account_id);
	(void) LockRelease(&tag, ExclusiveLock, true);
}
