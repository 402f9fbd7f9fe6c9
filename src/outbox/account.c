/*-------------------------------------------------------------------------
 *
 * account.c
 *	  What a worker remembers of carrier accounts from turn to turn.
 *
 * How many more requests an account may have on its way is decided before
 * anything is leased, so that a slow or dead carrier holds its own
 * connections and nobody else's.  All of this is lost with the worker, and
 * nothing is wrong then: limits begin afresh and a login is asked for again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "portability/instr_time.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "outbox/outbox.h"

static HTAB *accounts;

int64
gl_outbox_clock_ms(void)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	return (int64) (INSTR_TIME_GET_MICROSEC(now) / 1000);
}

/*
 * The state of an account, made on first use.  Ids longer than the key share
 * the state of their beginning: their limits then count together, which is
 * safe.
 */
GlAccountState *
gl_outbox_account(const char *account_id)
{
	GlAccountState *account;
	char key[sizeof(account->account_id)];
	bool found;

	if (accounts == NULL)
	{
		HASHCTL control = {0};

		control.keysize = sizeof(key);
		control.entrysize = sizeof(GlAccountState);
		accounts = hash_create("ganje accounts", 64, &control, HASH_ELEM | HASH_STRINGS);
	}
	strlcpy(key, account_id, sizeof(key));
	account = hash_search(accounts, key, HASH_ENTER, &found);
	if (!found)
	{
		memset((char *) account + sizeof(key), 0, sizeof(GlAccountState) - sizeof(key));
	}
	return account;
}

int
gl_outbox_bucket(GlBucket *bucket, double per_second, int64 *wait_ms)
{
	int64 now = gl_outbox_clock_ms();
	double size = Max(per_second, 1.0);

	if (bucket->at == 0)
		bucket->allowance = size;
	else
		bucket->allowance += per_second * (now - bucket->at) / 1000.0;
	bucket->allowance = Min(bucket->allowance, size);
	bucket->at = now;
	if (bucket->allowance < 1)
		*wait_ms = Min(*wait_ms, (int64) ((1 - bucket->allowance) * 1000 / per_second) + 1);
	return (int) Min(bucket->allowance, 10000.0);
}

/*
 * How many more requests of the account may be leased now; per_second 0 is no
 * limit.  *wait_ms is lowered to the time when that may change by itself.
 */
int
gl_outbox_room(GlAccountState *account, int max_connections, double per_second, int64 *wait_ms)
{
	int room = max_connections - account->active;
	int64 login_wait = account->login_not_before - gl_outbox_clock_ms();

	if (account->logging_in)
		return 0;
	if (login_wait > 0)
	{
		*wait_ms = Min(*wait_ms, login_wait);
		return 0;
	}
	account->per_second = per_second;
	if (per_second > 0)
		room = Min(room, gl_outbox_bucket(&account->requests, per_second, wait_ms));
	return Max(room, 0);
}

/* Counts a flight that is leased for certain. */
void
gl_outbox_account_enter(GlFlight *flight)
{
	GlAccountState *account = gl_outbox_account(flight->account_id);

	account->active++;
	if (flight->login)
		account->logging_in = true;
	if (account->per_second > 0)
		account->requests.allowance -= 1;
}

void
gl_outbox_land(GlFlight *flight)
{
	GlAccountState *account = gl_outbox_account(flight->account_id);

	account->active--;
	if (flight->login)
	{
		account->logging_in = false;
		if (flight->verdict != NULL && strcmp(flight->verdict, "retry") == 0)
		{
			account->login_failures++;
			account->login_not_before = gl_outbox_clock_ms() + flight->delay_ms;
		}
		else
			account->login_failures = 0;
	}
	if (flight->answered)
		gl_http_result_free(&flight->result);
	MemoryContextDelete(flight->context);
}
