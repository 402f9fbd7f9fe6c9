/*-------------------------------------------------------------------------
 *
 * lease.c
 *	  Takes what is due from the outbox.
 *
 * Rows are locked, authorized, and only then marked as leased: a row whose
 * account needs a login first, or whose carrier's function fails, is not
 * counted as tried.  One login at a time is sent for an account, in the place
 * of the request that found out; the account's others stay in the table until
 * its answer is in.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "common/pg_prng.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "http/retry.h"
#include "outbox/outbox.h"
#include "settings.h"

/* There is one worker per database. */
#define LEASE_OWNER 0

/* Payloads that are deleted in one transaction of the worker: it has answers to record meanwhile. */
#define TRIM_ROWS 1000

/* Full slots that are settled in one: each is locked until its end. */
#define SETTLE_ROWS 100

#define LEASE_TOKEN_BYTES 16

/* An account with something due, and how much of it is taken. */
typedef struct Share
{
	char *account_id;
	int room;
	int places;
	bool closed; /* no more of it in this turn */
} Share;

typedef struct Lease
{
	TimestampTz now;
	char token[LEASE_TOKEN_BYTES * 2 + 1];
	MemoryContext parent; /* of the flights' contexts */
	dlist_head *flights;
	int flight_count;
	Share *shares;
	int share_count;
} Lease;

/* Columns of GL_STATEMENT_PICK. */
enum
{
	PICK_MERCHANT = 1,
	PICK_REQUEST_ID,
	PICK_ACCOUNT_ID,
	PICK_ATTEMPTS,
	PICK_REQUEST,
	PICK_CARRIER,
	PICK_BASE_URL,
	PICK_ALLOW_HTTP,
	PICK_TIMEOUT,
	PICK_MAX_RESPONSE,
	PICK_MAX_CONNECTIONS,
	PICK_RETRY_BASE,
	PICK_RETRY_CAP,
	PICK_ACCOUNT,
	PICK_SECRET,
	PICK_TOKEN
};

/* A value of a row; raises where it is null. */
static Datum
value_of(HeapTuple row, TupleDesc descriptor, int column)
{
	bool isnull;
	Datum value = SPI_getbinval(row, descriptor, column, &isnull);

	if (isnull)
		elog(ERROR, "column %d of a request that is due is null", column);
	return value;
}

static int
integer_of(HeapTuple row, TupleDesc descriptor, int column)
{
	return DatumGetInt32(value_of(row, descriptor, column));
}

/* A random token, not to be guessed but above all not to be met again. */
static void
make_token(char *token)
{
	unsigned char bytes[LEASE_TOKEN_BYTES];

	if (!pg_strong_random(bytes, sizeof(bytes)))
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate a lease token"));
	hex_encode((char *) bytes, sizeof(bytes), token);
	token[LEASE_TOKEN_BYTES * 2] = '\0';
}

/* Lowers *wait_ms to the time until "due" comes. */
static void
wait_until(TimestampTz due, TimestampTz now, int64 *wait_ms)
{
	*wait_ms = Min(*wait_ms, Max((due - now) / 1000 + 1, 1));
}

/* The limits of an account, columns of GL_STATEMENT_DUE_ACCOUNTS. */
static GlAccountLimits
read_limits(HeapTuple row, TupleDesc descriptor)
{
	GlAccountLimits limits = {0};
	bool isnull;
	Datum rate = SPI_getbinval(row, descriptor, 3, &isnull);

	limits.max_connections = integer_of(row, descriptor, 2);
	limits.per_second = isnull ? 0 : DatumGetFloat8(rate);
	limits.timeout_ms = integer_of(row, descriptor, 6);
	limits.breaker.failures = integer_of(row, descriptor, 7);
	limits.breaker.pause_ms = integer_of(row, descriptor, 8);
	limits.breaker.cap_ms = integer_of(row, descriptor, 9);
	return limits;
}

/* Reads the accounts that have something due and room for it. */
static void
read_shares(Lease *lease, int places, int64 *wait_ms)
{
	Datum values[] = {TimestampTzGetDatum(lease->now),
					  Int64GetDatum((int64) GetSystemIdentifier())};
	TupleDesc descriptor;

	gl_outbox_execute(GL_STATEMENT_DUE_ACCOUNTS, values, NULL);
	descriptor = SPI_tuptable->tupdesc;
	lease->shares = palloc0(sizeof(Share) * Max(SPI_processed, 1));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple row = SPI_tuptable->vals[i];
		Share *share = &lease->shares[lease->share_count];
		GlAccountLimits limits = read_limits(row, descriptor);
		bool isnull;
		Datum next_due;

		next_due = SPI_getbinval(row, descriptor, 5, &isnull);
		if (!isnull)
			wait_until(DatumGetTimestampTz(next_due), lease->now, wait_ms);
		if (!DatumGetBool(value_of(row, descriptor, 4)))
			continue;
		share->account_id = SPI_getvalue(row, descriptor, 1);
		share->room = gl_outbox_room(share->account_id, &limits, places, wait_ms);
		if (share->room > 0)
			lease->share_count++;
	}
}

/*
 * Divides the places of a turn among the accounts: each gets an equal part of
 * them, and what some do not need goes to the others.  Answers what is left.
 */
static int
divide_places(Lease *lease, int places)
{
	int part = Max(places / Max(lease->share_count, 1), 1);

	for (int round = 0; round < 2; round++)
	{
		for (int i = 0; i < lease->share_count; i++)
		{
			Share *share = &lease->shares[i];
			int more = Min(share->room - share->places, places);

			if (round == 0)
				more = Min(more, part);
			share->places += more;
			places -= more;
		}
	}
	return places;
}

/* Locks the requests that are taken; the rows are in SPI_tuptable. */
static void
pick(Lease *lease)
{
	Datum *ids = palloc(sizeof(Datum) * lease->share_count);
	Datum *places = palloc(sizeof(Datum) * lease->share_count);
	Datum values[4];

	for (int i = 0; i < lease->share_count; i++)
	{
		ids[i] = CStringGetTextDatum(lease->shares[i].account_id);
		places[i] = Int32GetDatum(lease->shares[i].places);
	}
	values[0] =
		PointerGetDatum(construct_array(ids, lease->share_count, TEXTOID, -1, false, TYPALIGN_INT));
	values[1] = PointerGetDatum(
		construct_array(places, lease->share_count, INT4OID, sizeof(int32), true, TYPALIGN_INT));
	values[2] = TimestampTzGetDatum(lease->now);
	values[3] = Int64GetDatum((int64) GetSystemIdentifier());
	gl_outbox_execute(GL_STATEMENT_PICK, values, NULL);
}

/* A flight for a row, but for what authorize adds. */
static GlFlight *
make_flight(Lease *lease, HeapTuple row, TupleDesc descriptor)
{
	MemoryContext context =
		AllocSetContextCreate(lease->parent, "ganje flight", ALLOCSET_SMALL_SIZES);
	MemoryContext before = MemoryContextSwitchTo(context);
	GlFlight *flight = palloc0(sizeof(GlFlight));

	flight->context = context;
	flight->lease_token = pstrdup(lease->token);
	flight->merchant_id = TextDatumGetCString(value_of(row, descriptor, PICK_MERCHANT));
	flight->request_id = TextDatumGetCString(value_of(row, descriptor, PICK_REQUEST_ID));
	flight->account_id = TextDatumGetCString(value_of(row, descriptor, PICK_ACCOUNT_ID));
	flight->base_url = TextDatumGetCString(value_of(row, descriptor, PICK_BASE_URL));
	flight->allow_http = DatumGetBool(value_of(row, descriptor, PICK_ALLOW_HTTP));
	flight->attempt = integer_of(row, descriptor, PICK_ATTEMPTS) + 1;
	flight->timeout_ms = integer_of(row, descriptor, PICK_TIMEOUT);
	flight->max_response_bytes = integer_of(row, descriptor, PICK_MAX_RESPONSE);
	flight->max_connections = integer_of(row, descriptor, PICK_MAX_CONNECTIONS);
	flight->retry_base_ms = integer_of(row, descriptor, PICK_RETRY_BASE);
	flight->retry_cap_ms = integer_of(row, descriptor, PICK_RETRY_CAP);
	MemoryContextSwitchTo(before);
	return flight;
}

/*
 * The credentials that a flight went with: its token, and for a login, or
 * where there is no token, the secret.
 */
static void
keep_credential(GlFlight *flight, HeapTuple row, TupleDesc descriptor)
{
	MemoryContext before = MemoryContextSwitchTo(flight->context);
	bool no_secret;
	bool no_token;
	Datum secret = SPI_getbinval(row, descriptor, PICK_SECRET, &no_secret);
	Datum token = SPI_getbinval(row, descriptor, PICK_TOKEN, &no_token);

	if (!no_token && !flight->login)
		flight->token = TextDatumGetCString(token);
	if (!no_secret && flight->token == NULL)
		flight->secret = PointerGetDatum(DatumGetJsonbPCopy(secret));
	gl_outbox_keep_secrets(flight, no_secret ? NULL : DatumGetJsonbP(secret), flight->token);
	MemoryContextSwitchTo(before);
}

/* Parks an account whose credentials its carrier's function does not take. */
static void
park(HeapTuple row, TupleDesc descriptor, const char *reason)
{
	Datum values[3];
	char nulls[] = "   ";
	bool isnull;

	values[0] = value_of(row, descriptor, PICK_ACCOUNT_ID);
	values[1] = SPI_getbinval(row, descriptor, PICK_SECRET, &isnull);
	nulls[1] = isnull ? 'n' : ' ';
	values[2] = CStringGetTextDatum(reason);
	gl_outbox_execute(GL_STATEMENT_PARK, values, nulls);
	ereport(LOG, errmsg("ganje_logistics: carrier account \"%s\" is parked",
						TextDatumGetCString(values[0])));
}

/* Records that a request could not be authorized; it is tried again later. */
static void
record_unsent(const GlFlight *flight, const char *reason)
{
	Datum values[4];

	values[0] = CStringGetTextDatum(flight->merchant_id);
	values[1] = CStringGetTextDatum(flight->request_id);
	values[2] = Int64GetDatum(gl_retry_delay_ms(flight->attempt, flight->retry_base_ms,
												flight->retry_cap_ms,
												pg_prng_uint32(&pg_global_prng_state), NULL, 0));
	values[3] = CStringGetTextDatum(reason);
	gl_outbox_execute(GL_STATEMENT_UNSENT, values, NULL);
	gl_outbox_account_unsent(flight->account_id, reason);
}

/* The share that a row belongs to. */
static Share *
share_of(Lease *lease, const char *account_id)
{
	for (int i = 0; i < lease->share_count; i++)
	{
		if (strcmp(lease->shares[i].account_id, account_id) == 0)
			return &lease->shares[i];
	}
	elog(ERROR, "a request of account \"%s\" was not asked for", account_id);
	return NULL;
}

/* Takes one locked row, if its account is still open in this turn. */
static void
take_row(Lease *lease, HeapTuple row, TupleDesc descriptor)
{
	GlFlight *flight = make_flight(lease, row, descriptor);
	Share *share = share_of(lease, flight->account_id);
	GlAuthorized authorized;
	char *reason = NULL;

	if (share->closed)
	{
		MemoryContextDelete(flight->context);
		return;
	}
	authorized = gl_outbox_authorize(flight, value_of(row, descriptor, PICK_CARRIER),
									 value_of(row, descriptor, PICK_ACCOUNT),
									 value_of(row, descriptor, PICK_REQUEST), &reason);
	share->closed = authorized == GL_AUTHORIZED_LOGIN || authorized == GL_AUTHORIZED_REFUSED;
	if (authorized == GL_AUTHORIZED || authorized == GL_AUTHORIZED_LOGIN)
	{
		keep_credential(flight, row, descriptor);
		dlist_push_tail(lease->flights, &flight->node);
		lease->flight_count++;
		return;
	}
	if (authorized == GL_AUTHORIZED_REFUSED)
		park(row, descriptor, reason);
	else
		record_unsent(flight, reason);
	MemoryContextDelete(flight->context);
}

/* Marks the flights' rows as leased. */
static void
mark_leased(Lease *lease)
{
	Datum *merchants = palloc(sizeof(Datum) * lease->flight_count);
	Datum *requests = palloc(sizeof(Datum) * lease->flight_count);
	Datum *until = palloc(sizeof(Datum) * lease->flight_count);
	Datum values[5];
	dlist_iter iterator;
	int n = 0;

	dlist_foreach (iterator, lease->flights)
	{
		GlFlight *flight = dlist_container(GlFlight, node, iterator.cur);

		merchants[n] = CStringGetTextDatum(flight->merchant_id);
		requests[n] = CStringGetTextDatum(flight->request_id);
		until[n++] = TimestampTzGetDatum(TimestampTzPlusMilliseconds(
			lease->now, (int64) flight->timeout_ms + gl_setting_lease_margin));
	}
	values[0] = PointerGetDatum(construct_array(merchants, n, TEXTOID, -1, false, TYPALIGN_INT));
	values[1] = PointerGetDatum(construct_array(requests, n, TEXTOID, -1, false, TYPALIGN_INT));
	values[2] = PointerGetDatum(construct_array(until, n, TIMESTAMPTZOID, sizeof(TimestampTz),
												FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[3] = CStringGetTextDatum(lease->token);
	values[4] = Int32GetDatum(LEASE_OWNER);
	gl_outbox_execute(GL_STATEMENT_LEASE, values, NULL);
	if (SPI_processed != (uint64) n)
		elog(ERROR, "leased " UINT64_FORMAT " requests instead of %d", SPI_processed, n);
}

void
gl_outbox_lease(int places, MemoryContext parent, dlist_head *flights, int64 *wait_ms, bool *more)
{
	Lease lease = {0};
	SPITupleTable *rows;
	uint64 count;
	int left;

	*more = false;
	lease.now = GetCurrentTimestamp();
	lease.parent = parent;
	lease.flights = flights;
	read_shares(&lease, places, wait_ms);
	if (lease.share_count == 0 || places <= 0)
		return;
	left = divide_places(&lease, places);
	make_token(lease.token);
	pick(&lease);
	rows = SPI_tuptable;
	count = SPI_processed;
	for (uint64 i = 0; i < count; i++)
		take_row(&lease, rows->vals[i], rows->tupdesc);
	if (lease.flight_count > 0)
		mark_leased(&lease);
	*more = left == 0 && count == (uint64) places;
}

uint64
gl_outbox_return_leases(void)
{
	Datum values[] = {TimestampTzGetDatum(GetCurrentTimestamp()), Int32GetDatum(LEASE_OWNER)};

	uint64 count;

	gl_outbox_execute(GL_STATEMENT_RETURN_LEASES, values, NULL);
	count = SPI_processed;
	gl_outbox_execute(GL_STATEMENT_MIND_UNFINISHED, &values[1], NULL);
	return count;
}

void
gl_outbox_trim_log(void)
{
	Datum values[] = {Int32GetDatum(gl_setting_log_days)};

	gl_outbox_execute(GL_STATEMENT_TRIM_LOG, values, NULL);
}

bool
gl_outbox_trim_inbox(void)
{
	Datum values[] = {Int32GetDatum(gl_setting_inbox_days), Int32GetDatum(TRIM_ROWS)};
	bool isnull;

	gl_outbox_execute(GL_STATEMENT_TRIM_INBOX, values, NULL);
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)) >=
		   TRIM_ROWS;
}

bool
gl_outbox_settle_counters(void)
{
	Datum values[] = {Int32GetDatum(SETTLE_ROWS)};
	bool isnull;

	gl_outbox_execute(GL_STATEMENT_SETTLE_COUNTERS, values, NULL);
	return DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull)) >=
		   SETTLE_ROWS;
}
