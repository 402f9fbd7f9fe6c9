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
 * All of a turn are locked by one statement and marked where they lie; what
 * requests of an account have in common is read once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "common/pg_prng.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "storage/itemptr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "http/retry.h"
#include "outbox/outbox.h"
#include "settings.h"

#define LEASE_TOKEN_BYTES 8

/* A request of usual size and what it is sent with fit in one piece of memory. */
#define FLIGHT_BYTES 4096

/* How soon it is looked whether another worker's login brought a token. */
#define LOGIN_LOOK_MS 100

/* What the requests of an account that are leased in this turn have in common. */
typedef struct Account
{
	GlShare *share;
	Datum carrier;
	char *base_url;
	bool allow_http;
	int timeout_ms;
	int max_response_bytes;
	int retry_base_ms;
	int retry_cap_ms;
	Jsonb *secret; /* NULL: there is none */
	char *token;   /* NULL: there is none */
	bool authorizes;
	GlHandling handling;
	Datum json;             /* as authorize gets it, but for answerLost; null where there is none */
	Datum json_by_doubt[2]; /* with answerLost false and true; 0 until it is needed */
} Account;

typedef struct Lease
{
	TimestampTz now;
	int64 clock_ms;
	char token[LEASE_TOKEN_BYTES * 2 + 1];
	MemoryContext parent; /* of the flights' contexts */
	dlist_head *flights;
	int64 *wait_ms;
	Account *accounts;
	int account_count;
	GlFlight **taken; /* the flights, and their leases' ends */
	TimestampTz *until;
	int flight_count;
} Lease;

/* A row of GL_STATEMENT_PICK, taken apart. */
enum
{
	PICK_ROW,
	PICK_MERCHANT,
	PICK_REQUEST_ID,
	PICK_ACCOUNT,
	PICK_ATTEMPTS,
	PICK_POLL,
	PICK_ANSWER_LOST,
	PICK_REQUEST_AT,
	PICK_METHOD,
	PICK_PATH,
	PICK_HEADERS,
	PICK_BODY,
	PICK_REQUEST,
	PICK_COLUMNS
};

typedef struct Picked
{
	Datum values[PICK_COLUMNS];
	bool nulls[PICK_COLUMNS];
	GlFlight *flight;
} Picked;

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

/* A column that may be null, as text. */
static char *
text_of(HeapTuple row, TupleDesc descriptor, int column)
{
	bool isnull;
	Datum value = SPI_getbinval(row, descriptor, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/* Reads a row of GL_STATEMENT_ACCOUNTS. */
static void
read_account(Account *account, HeapTuple row, TupleDesc descriptor)
{
	bool isnull;
	Datum secret = SPI_getbinval(row, descriptor, 9, &isnull);

	account->secret = isnull ? NULL : DatumGetJsonbP(secret);
	account->carrier = SPI_getbinval(row, descriptor, 2, &isnull);
	account->base_url = text_of(row, descriptor, 3);
	account->allow_http = DatumGetBool(SPI_getbinval(row, descriptor, 4, &isnull));
	account->timeout_ms = DatumGetInt32(SPI_getbinval(row, descriptor, 5, &isnull));
	account->max_response_bytes = DatumGetInt32(SPI_getbinval(row, descriptor, 6, &isnull));
	account->retry_base_ms = DatumGetInt32(SPI_getbinval(row, descriptor, 7, &isnull));
	account->retry_cap_ms = DatumGetInt32(SPI_getbinval(row, descriptor, 8, &isnull));
	account->token = text_of(row, descriptor, 10);
	account->authorizes = DatumGetBool(SPI_getbinval(row, descriptor, 11, &isnull));
	account->handling = (GlHandling) DatumGetInt32(SPI_getbinval(row, descriptor, 12, &isnull));
	account->json = SPI_getbinval(row, descriptor, 13, &isnull);
}

/* Reads the accounts of the shares; one that is gone meanwhile is left out. */
static void
read_accounts(Lease *lease, GlShare *shares, int count)
{
	Datum *ids = palloc(sizeof(Datum) * count);
	Datum values[1];
	int share = 0;

	for (int i = 0; i < count; i++)
		ids[i] = CStringGetTextDatum(shares[i].account_id);
	values[0] = PointerGetDatum(construct_array(ids, count, TEXTOID, -1, false, TYPALIGN_INT));
	gl_outbox_execute(GL_STATEMENT_ACCOUNTS, values, NULL);
	lease->accounts = palloc0(sizeof(Account) * count);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Account *account = &lease->accounts[lease->account_count++];
		char *id = text_of(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);

		while (strcmp(shares[share].account_id, id) != 0)
			share++;
		account->share = &shares[share];
		read_account(account, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
	}
}

/* Locks the requests that are taken; the rows are in SPI_tuptable. */
static void
pick(Lease *lease)
{
	int count = lease->account_count;
	Datum *ids = palloc(sizeof(Datum) * count);
	Datum *places = palloc(sizeof(Datum) * count);
	Datum *authorizes = palloc(sizeof(Datum) * count);
	Datum values[5];

	for (int i = 0; i < count; i++)
	{
		ids[i] = CStringGetTextDatum(lease->accounts[i].share->account_id);
		places[i] = Int32GetDatum(lease->accounts[i].share->places);
		authorizes[i] = BoolGetDatum(lease->accounts[i].authorizes);
	}
	values[0] = PointerGetDatum(construct_array(ids, count, TEXTOID, -1, false, TYPALIGN_INT));
	values[1] =
		PointerGetDatum(construct_array(places, count, INT4OID, sizeof(int32), true, TYPALIGN_INT));
	values[2] =
		PointerGetDatum(construct_array(authorizes, count, BOOLOID, 1, true, TYPALIGN_CHAR));
	values[3] = TimestampTzGetDatum(lease->now);
	values[4] = Int64GetDatum((int64) GetSystemIdentifier());
	gl_outbox_execute(GL_STATEMENT_PICK, values, NULL);
}

/* A text in the encoding of the wire, in the current context. */
static char *
wire_text(Datum value)
{
	char *server = TextDatumGetCString(value);

	return pg_server_to_any(server, (int) strlen(server), PG_UTF8);
}

/* A flight for a row, as far as it needs no authorization. */
static GlFlight *
make_flight(Lease *lease, const Account *account, const Picked *row)
{
	MemoryContext context =
		AllocSetContextCreate(lease->parent, "ganje flight", 0, FLIGHT_BYTES, FLIGHT_BYTES);
	MemoryContext before = MemoryContextSwitchTo(context);
	GlFlight *flight = palloc0(sizeof(GlFlight));

	flight->context = context;
	flight->lease_token = pstrdup(lease->token);
	flight->merchant_id = TextDatumGetCString(row->values[PICK_MERCHANT]);
	flight->request_id = TextDatumGetCString(row->values[PICK_REQUEST_ID]);
	flight->account_id = pstrdup(account->share->account_id);
	flight->base_url = pstrdup(account->base_url);
	flight->allow_http = account->allow_http;
	flight->attempt = DatumGetInt32(row->values[PICK_ATTEMPTS]) + 1;
	flight->timeout_ms = account->timeout_ms;
	flight->max_response_bytes = account->max_response_bytes;
	flight->max_connections = account->share->max_connections;
	flight->retry_base_ms = account->retry_base_ms;
	flight->retry_cap_ms = account->retry_cap_ms;
	flight->poll = DatumGetBool(row->values[PICK_POLL]);
	flight->handling = account->handling;
	flight->send_before = lease->clock_ms + gl_setting_lease_margin / 2;
	if (!account->authorizes)
	{
		flight->method = TextDatumGetCString(row->values[PICK_METHOD]);
		flight->path = TextDatumGetCString(row->values[PICK_PATH]);
		flight->headers = DatumGetJsonbPCopy(row->values[PICK_HEADERS]);
		if (!row->nulls[PICK_BODY])
			flight->body = wire_text(row->values[PICK_BODY]);
	}
	MemoryContextSwitchTo(before);
	return flight;
}

/*
 * The credentials that a flight went with: its token, and for a login, or
 * where there is no token, the secret.
 */
static void
keep_credential(GlFlight *flight, const Account *account)
{
	MemoryContext before = MemoryContextSwitchTo(flight->context);

	if (account->token != NULL && !flight->login)
		flight->token = pstrdup(account->token);
	if (account->secret != NULL && flight->token == NULL)
		flight->secret = PointerGetDatum(DatumGetJsonbPCopy(JsonbPGetDatum(account->secret)));
	gl_outbox_keep_secrets(flight, account->secret, flight->token);
	MemoryContextSwitchTo(before);
}

/* Parks an account whose credentials its carrier's function does not take. */
static void
park(const Account *account, const char *reason)
{
	Datum values[3];
	char nulls[] = "   ";

	values[0] = CStringGetTextDatum(account->share->account_id);
	values[1] = JsonbPGetDatum(account->secret);
	nulls[1] = account->secret == NULL ? 'n' : ' ';
	values[2] = CStringGetTextDatum(reason);
	gl_outbox_execute(GL_STATEMENT_PARK, values, nulls);
	ereport(LOG, errmsg("ganje_logistics: carrier account \"%s\" is parked",
						account->share->account_id));
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

/* A row becomes a flight of this turn. */
static void
take(Lease *lease, const Account *account, const Picked *row)
{
	GlFlight *flight = row->flight;

	keep_credential(flight, account);
	flight->request_at = *(ItemPointer) DatumGetPointer(row->values[PICK_REQUEST_AT]);
	flight->delivery_at = *(ItemPointer) DatumGetPointer(row->values[PICK_ROW]);
	lease->taken[lease->flight_count] = flight;
	lease->until[lease->flight_count++] = TimestampTzPlusMilliseconds(
		lease->now, (int64) flight->timeout_ms + gl_setting_lease_margin);
	dlist_push_tail(lease->flights, &flight->node);
}

/* The account as authorize gets it. */
static Datum
account_json(Account *account, bool answer_lost)
{
	Datum *json = &account->json_by_doubt[answer_lost ? 1 : 0];

	if (*json == (Datum) 0)
	{
		char *doubt = answer_lost ? "{\"answerLost\": true}" : "{\"answerLost\": false}";

		*json = DirectFunctionCall2(jsonb_concat, account->json,
									DirectFunctionCall1(jsonb_in, CStringGetDatum(doubt)));
	}
	return *json;
}

/*
 * Gets the right to log in.  Another worker may have done so since the account
 * was read: then there is a token by now.
 */
static bool
begin_login(const Account *account)
{
	const char *account_id = account->share->account_id;
	Datum values[2];
	char nulls[] = "  ";

	if (!gl_outbox_login_begin(account_id))
		return false;
	values[0] = CStringGetTextDatum(account_id);
	values[1] = (Datum) 0;
	nulls[1] = 'n';
	if (account->token != NULL)
	{
		values[1] = CStringGetTextDatum(account->token);
		nulls[1] = ' ';
	}
	gl_outbox_execute(GL_STATEMENT_OTHER_TOKEN, values, nulls);
	if (SPI_processed == 0)
		return true;
	gl_outbox_login_end(account_id);
	return false;
}

/* Takes one row as its carrier's function has it. */
static void
take_authorized(Lease *lease, Account *account, Picked *row, const GlAuthorization *authorization)
{
	GlFlight *flight = row->flight;

	switch (authorization->outcome)
	{
		case GL_AUTHORIZED:
			take(lease, account, row);
			return;
		case GL_AUTHORIZED_LOGIN:
			if (begin_login(account))
			{
				take(lease, account, row);
				return;
			}
			*lease->wait_ms = Min(*lease->wait_ms, LOGIN_LOOK_MS);
			break;
		case GL_AUTHORIZED_REFUSED:
			park(account, authorization->reason);
			break;
		case GL_AUTHORIZED_FAILED:
			record_unsent(flight, authorization->reason);
			break;
	}
	MemoryContextDelete(flight->context);
}

/* Takes the rows of an account whose carrier has an authorize function. */
static void
take_after_authorize(Lease *lease, Account *account, Picked *rows, int count)
{
	GlAuthorization *authorizations = palloc0(sizeof(GlAuthorization) * count);
	int asked;

	for (int i = 0; i < count; i++)
	{
		authorizations[i].flight = rows[i].flight;
		authorizations[i].account =
			account_json(account, DatumGetBool(rows[i].values[PICK_ANSWER_LOST]));
		authorizations[i].request = rows[i].values[PICK_REQUEST];
	}
	asked = gl_outbox_authorize(authorizations, count, account->carrier);
	for (int i = 0; i < count; i++)
	{
		if (i >= asked)
			MemoryContextDelete(rows[i].flight->context);
		else
			take_authorized(lease, account, &rows[i], &authorizations[i]);
	}
}

/* Takes the rows that were picked, account by account. */
static void
take_rows(Lease *lease)
{
	SPITupleTable *table = SPI_tuptable;
	int count = (int) SPI_processed;
	Picked *rows = palloc(sizeof(Picked) * count);
	int first = 0;

	lease->taken = palloc(sizeof(GlFlight *) * count);
	lease->until = palloc(sizeof(TimestampTz) * count);
	for (int i = 0; i < count; i++)
		heap_deform_tuple(table->vals[i], table->tupdesc, rows[i].values, rows[i].nulls);
	while (first < count)
	{
		int number = DatumGetInt32(rows[first].values[PICK_ACCOUNT]);
		Account *account = &lease->accounts[number - 1];
		int end = first;

		for (; end < count && DatumGetInt32(rows[end].values[PICK_ACCOUNT]) == number; end++)
			rows[end].flight = make_flight(lease, account, &rows[end]);
		if (account->authorizes)
			take_after_authorize(lease, account, &rows[first], end - first);
		else
		{
			for (int i = first; i < end; i++)
				take(lease, account, &rows[i]);
		}
		first = end;
	}
}

void
gl_outbox_lease(MemoryContext parent, dlist_head *flights, int64 *wait_ms, bool *more)
{
	Lease lease = {0};
	GlShare *shares;
	bool all_taken;
	int count;

	*more = false;
	lease.now = GetCurrentTimestamp();
	lease.clock_ms = gl_outbox_clock_ms();
	lease.parent = parent;
	lease.flights = flights;
	lease.wait_ms = wait_ms;
	shares = gl_outbox_shares(lease.now, &count, wait_ms, &all_taken);
	if (count == 0)
		return;
	make_token(lease.token);
	read_accounts(&lease, shares, count);
	if (lease.account_count == 0)
		return;
	pick(&lease);
	*more = all_taken && SPI_processed >= (uint64) gl_setting_batch_size;
	if (SPI_processed > 0)
		take_rows(&lease);
	if (lease.flight_count > 0)
		gl_outbox_mark_leased(lease.taken, lease.until, lease.flight_count);
}

uint64
gl_outbox_return_leases(void)
{
	Datum values[] = {TimestampTzGetDatum(GetCurrentTimestamp()),
					  Int32GetDatum(gl_outbox_worker())};
	uint64 count;

	gl_outbox_execute(GL_STATEMENT_RETURN_LEASES, values, NULL);
	count = SPI_processed;
	gl_outbox_execute(GL_STATEMENT_MIND_UNFINISHED, &values[1], NULL);
	return count;
}
