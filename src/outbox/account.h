/*-------------------------------------------------------------------------
 *
 * account.h
 *	  What all workers of a database know of a carrier account.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_OUTBOX_ACCOUNT_H
#define GL_OUTBOX_ACCOUNT_H

#include "postgres.h"

#include "utils/timestamp.h"

#include "outbox/breaker.h"
#include "outbox/rate.h"
#include "outbox/traffic.h"

#define GL_ACCOUNT_ERROR_SIZE 200

/* The columns of carrier_account that say how much may be sent. */
typedef struct GlAccountLimits
{
	int max_connections; /* of this worker, which may be a part of the account's */
	double per_second;   /* of all workers together; 0: no limit */
	int timeout_ms;
	GlBreakerLimits breaker;
} GlAccountLimits;

typedef struct GlAccountKey
{
	uint64 database;
	uint64 hash; /* of the account's id; 64 bits do not meet by chance */
} GlAccountKey;

/* An account in shared memory; times are those of gl_outbox_clock_ms. */
typedef struct GlAccount
{
	GlAccountKey key;
	GlAccountLimits limits; /* as they were last read */
	bool logging_in;        /* a login is on its way; the others wait for it */
	int login_failures;     /* in a row */
	int64 login_not_before;
	GlBucket requests;
	GlBucket polls;        /* by the rate of polls, which is another */
	int64 poll_not_before; /* their function failed */
	GlBreaker breaker;
	GlTraffic traffic;
	TimestampTz last_error_at; /* 0: none yet */
	char last_error[GL_ACCOUNT_ERROR_SIZE];
} GlAccount;

/* shared.c */

extern Size gl_account_shmem_size(void);

/*
 * The account of this database, locked, or NULL; where "make" is set it is
 * made on first use.  What is locked must be unlocked soon: others wait, and
 * no interrupt is served.
 */
extern GlAccount *gl_account_lock(const char *account_id, bool make);
extern void gl_account_unlock(GlAccount *account);

/* Forgets the accounts of this database that are not among "ids". */
extern void gl_account_keep_only(const char *const *ids, int count);

#endif /* GL_OUTBOX_ACCOUNT_H */
