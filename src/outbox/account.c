/*-------------------------------------------------------------------------
 *
 * account.c
 *	  How many requests of a carrier account may go, and what they taught.
 *
 * It is decided before anything is leased, so that a slow or dead carrier
 * holds its own connections and nobody else's.  What a worker was given is
 * subtracted at once, for other workers may ask for the same account, and
 * given back where the lease found less; what it holds it gives back when it
 * ends.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "lib/ilist.h"
#include "mb/pg_wchar.h"
#include "portability/instr_time.h"
#include "storage/ipc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "http/retry.h"
#include "outbox/outbox.h"
#include "settings.h"

/* Milliseconds after which it is looked whether another worker's login is over. */
#define LOGIN_LOOK 100

/* What this worker holds of an account. */
typedef struct Holding
{
	char account_id[256]; /* hash key; longer ones with the same beginning are held together */
	int active;           /* flights */
	int reserved;         /* room for flights that nobody took yet */
	bool rated;           /* reserved was taken out of the rate too */
	bool probe;           /* what is reserved is the breaker's probe */
	bool flying_probe;    /* a flight is */
	bool logging_in;
	bool listed;
	dlist_node node; /* in unsettled */
} Holding;

static HTAB *holdings;
static dlist_head unsettled = DLIST_STATIC_INIT(unsettled);

int64
gl_outbox_clock_ms(void)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	return (int64) (INSTR_TIME_GET_MICROSEC(now) / 1000);
}

/* The process ends: what it held of the accounts is free for others. */
static void
give_back_all(int code pg_attribute_unused(), Datum argument pg_attribute_unused())
{
	HASH_SEQ_STATUS scan;
	Holding *holding;

	hash_seq_init(&scan, holdings);
	while ((holding = hash_seq_search(&scan)) != NULL)
	{
		GlAccount *account = gl_account_lock(holding->account_id, false);

		if (account == NULL)
			continue;
		account->active -= holding->active + holding->reserved;
		if (holding->logging_in)
			account->logging_in = false;
		if (holding->probe || holding->flying_probe)
			gl_breaker_skip(&account->breaker);
		gl_account_unlock(account);
	}
}

static Holding *
find_holding(const char *account_id)
{
	Holding *holding;
	char key[sizeof(holding->account_id)];
	bool found;

	if (holdings == NULL)
	{
		HASHCTL control = {0};

		control.keysize = sizeof(key);
		control.entrysize = sizeof(Holding);
		holdings = hash_create("ganje accounts", 64, &control, HASH_ELEM | HASH_STRINGS);
		before_shmem_exit(give_back_all, (Datum) 0);
	}
	strlcpy(key, account_id, sizeof(key));
	holding = hash_search(holdings, key, HASH_ENTER, &found);
	if (!found)
		memset((char *) holding + sizeof(key), 0, sizeof(Holding) - sizeof(key));
	return holding;
}

/* Room as far as logins and connections go. */
static int
room_beside(const GlAccount *account, int most, int64 *wait_ms)
{
	int64 login_wait = account->login_not_before - gl_outbox_clock_ms();

	if (account->logging_in)
	{
		*wait_ms = Min(*wait_ms, LOGIN_LOOK);
		return 0;
	}
	if (login_wait > 0)
	{
		*wait_ms = Min(*wait_ms, login_wait);
		return 0;
	}
	return Min(most, account->limits.max_connections - account->active);
}

int
gl_outbox_room(const char *account_id, const GlAccountLimits *limits, int most, int64 *wait_ms)
{
	Holding *holding = find_holding(account_id);
	GlAccount *account = gl_account_lock(account_id, true);
	int64 now = gl_outbox_clock_ms();
	bool probe = false;
	int room;

	account->limits = *limits;
	room = room_beside(account, most, wait_ms);
	if (room > 0)
		room =
			gl_breaker_take(&account->breaker, &limits->breaker, room, now,
							(int64) limits->timeout_ms + gl_setting_lease_margin, &probe, wait_ms);
	if (room > 0 && limits->per_second > 0)
		room = gl_bucket_take(&account->requests, limits->per_second, room, now, wait_ms);
	if (room <= 0 && probe)
	{
		gl_breaker_skip(&account->breaker);
		probe = false;
	}
	room = Max(room, 0);
	account->active += room;
	gl_account_unlock(account);

	holding->reserved += room;
	holding->probe = holding->probe || probe;
	holding->rated = limits->per_second > 0;
	if (room > 0 && !holding->listed)
	{
		dlist_push_tail(&unsettled, &holding->node);
		holding->listed = true;
	}
	return room;
}

void
gl_outbox_account_enter(GlFlight *flight)
{
	Holding *holding = find_holding(flight->account_id);

	holding->reserved--;
	holding->active++;
	flight->probe = holding->probe;
	holding->flying_probe = holding->flying_probe || holding->probe;
	holding->probe = false;
	if (flight->login)
	{
		GlAccount *account = gl_account_lock(flight->account_id, false);

		holding->logging_in = true;
		if (account != NULL)
		{
			account->logging_in = true;
			gl_account_unlock(account);
		}
	}
}

void
gl_outbox_settle_room(void)
{
	while (!dlist_is_empty(&unsettled))
	{
		Holding *holding = dlist_container(Holding, node, dlist_pop_head_node(&unsettled));
		GlAccount *account = NULL;

		holding->listed = false;
		if (holding->reserved > 0 || holding->probe)
			account = gl_account_lock(holding->account_id, false);
		if (account != NULL)
		{
			account->active -= holding->reserved;
			if (holding->rated)
				gl_bucket_return(&account->requests, holding->reserved);
			if (holding->probe)
				gl_breaker_skip(&account->breaker);
			gl_account_unlock(account);
		}
		holding->reserved = 0;
		holding->probe = false;
	}
}

/* What became of a request. */
static GlTrafficClass
class_of(const GlFlight *flight)
{
	const GlHttpResult *result = &flight->result;

	switch (result->kind)
	{
		case GL_HTTP_ANSWERED:
			break;
		case GL_HTTP_TIMEOUT:
			return GL_TRAFFIC_TIMEOUT;
		case GL_HTTP_DNS:
		case GL_HTTP_CONNECT:
		case GL_HTTP_TLS:
		case GL_HTTP_RESET:
			return GL_TRAFFIC_NETWORK;
		default:
			return GL_TRAFFIC_OTHER;
	}
	if (flight->trouble)
		return GL_TRAFFIC_OTHER;
	if (result->status >= 500)
		return GL_TRAFFIC_SERVER_ERROR;
	if (gl_retry_status(result->status))
		return GL_TRAFFIC_THROTTLED;
	if (result->status >= 300 || strcmp(flight->verdict, "failed") == 0 ||
		strcmp(flight->verdict, "unauthorized") == 0)
		return GL_TRAFFIC_REFUSED;
	return GL_TRAFFIC_DELIVERED;
}

/* What it says of the carrier. */
static GlBreakerNews
news_of(const GlFlight *flight, GlTrafficClass class)
{
	switch (class)
	{
		case GL_TRAFFIC_SERVER_ERROR:
		case GL_TRAFFIC_NETWORK:
		case GL_TRAFFIC_TIMEOUT:
			return GL_BREAKER_BAD;
		case GL_TRAFFIC_OTHER:
			if (flight->trouble)
				return GL_BREAKER_BAD;
			return flight->result.kind == GL_HTTP_TOO_LARGE ? GL_BREAKER_GOOD : GL_BREAKER_NOTHING;
		default:
			return GL_BREAKER_GOOD;
	}
}

/* Remembers the last failure, as far as it can be shown to anybody. */
static void
keep_error(GlAccount *account, const char *error)
{
	int length = pg_mbcliplen(error, (int) strlen(error), GL_ACCOUNT_ERROR_SIZE - 1);

	memcpy(account->last_error, error, length);
	account->last_error[length] = '\0';
	account->last_error_at = GetCurrentTimestamp();
}

static void
note(GlAccount *account, const GlFlight *flight, int64 now)
{
	GlTrafficClass class = class_of(flight);
	const GlHttpResult *result = &flight->result;
	bool timed = result->kind == GL_HTTP_ANSWERED || result->kind == GL_HTTP_TIMEOUT;
	char error[GL_ACCOUNT_ERROR_SIZE];

	gl_traffic_note(&account->traffic, class, timed ? result->elapsed_ms : -1, now);
	gl_breaker_note(&account->breaker, &account->limits.breaker, news_of(flight, class),
					flight->probe, now, pg_prng_uint32(&pg_global_prng_state));
	if (class == GL_TRAFFIC_DELIVERED)
		return;
	if (flight->trouble)
		strlcpy(error, "the answer could not be recorded", sizeof(error));
	else if (result->kind == GL_HTTP_ANSWERED)
		snprintf(error, sizeof(error), "the carrier answered %d", result->status);
	else
		snprintf(error, sizeof(error), "%s: %s", gl_http_kind_name(result->kind), result->message);
	keep_error(account, error);
}

void
gl_outbox_land(GlFlight *flight)
{
	Holding *holding = find_holding(flight->account_id);
	GlAccount *account = gl_account_lock(flight->account_id, false);
	int64 now = gl_outbox_clock_ms();

	holding->active--;
	if (flight->login)
		holding->logging_in = false;
	if (flight->probe)
		holding->flying_probe = false;
	if (account != NULL)
	{
		account->active--;
		if (flight->login)
		{
			bool again = strcmp(flight->verdict, "retry") == 0;

			account->logging_in = false;
			account->login_failures = again ? account->login_failures + 1 : 0;
			if (again)
				account->login_not_before = now + flight->delay_ms;
		}
		if (!flight->unsent)
			note(account, flight, now);
		else if (flight->probe)
			gl_breaker_skip(&account->breaker);
		gl_account_unlock(account);
	}
	if (flight->answered)
		gl_http_result_free(&flight->result);
	MemoryContextDelete(flight->context);
}

void
gl_outbox_account_unsent(const char *account_id, const char *reason)
{
	Holding *holding = find_holding(account_id);
	GlAccount *account = gl_account_lock(account_id, false);
	int64 now = gl_outbox_clock_ms();

	if (account == NULL)
		return;
	gl_traffic_note(&account->traffic, GL_TRAFFIC_OTHER, -1, now);
	gl_breaker_note(&account->breaker, &account->limits.breaker, GL_BREAKER_BAD, holding->probe,
					now, pg_prng_uint32(&pg_global_prng_state));
	keep_error(account, reason);
	gl_account_unlock(account);
	holding->probe = false;
}

int
gl_outbox_login_failures(const char *account_id)
{
	GlAccount *account = gl_account_lock(account_id, false);
	int failures = 0;

	if (account != NULL)
	{
		failures = account->login_failures;
		gl_account_unlock(account);
	}
	return failures;
}

int
gl_outbox_poll_places(const char *account_id, double per_second, int most, int64 *wait_ms)
{
	GlAccount *account = gl_account_lock(account_id, true);
	int64 now = gl_outbox_clock_ms();
	int places = 0;

	if (account->poll_not_before > now)
		*wait_ms = Min(*wait_ms, account->poll_not_before - now);
	else
		places = gl_bucket_take(&account->polls, per_second, most, now, wait_ms);
	gl_account_unlock(account);
	return places;
}

void
gl_outbox_poll_return(const char *account_id, int count, int64 delay_ms)
{
	GlAccount *account = gl_account_lock(account_id, false);

	if (account == NULL)
		return;
	gl_bucket_return(&account->polls, count);
	if (delay_ms > 0)
		account->poll_not_before = gl_outbox_clock_ms() + delay_ms;
	gl_account_unlock(account);
}
