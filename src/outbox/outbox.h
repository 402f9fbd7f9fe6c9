/*-------------------------------------------------------------------------
 *
 * outbox.h
 *	  Requests on their way: leased from the outbox, sent, recorded.
 *
 * The order of things is lease and commit, send with no transaction open,
 * record.  A flight is a request between its lease and its record; it lives
 * in a memory context of its own, so that it outlasts both transactions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_OUTBOX_H
#define GL_OUTBOX_H

#include "postgres.h"

#include "lib/ilist.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "http/engine.h"
#include "outbox/account.h"

typedef struct GlFlight
{
	dlist_node node;
	MemoryContext context; /* holds the flight and all it points to */

	/* which request, under which lease */
	char *merchant_id;
	char *request_id;
	char *lease_token;
	char *account_id;
	char *token;   /* that authorizes it, or NULL */
	bool login;    /* fetches a token instead of sending the request */
	bool ask;      /* asks whether the last try arrived, instead of sending it again */
	Datum secret;  /* jsonb that it went with where there is no token, or 0 */
	List *secrets; /* texts that must not be kept of its answer */
	Datum request; /* ganje.http_request as authorized */
	int attempt;
	int retry_base_ms;
	int retry_cap_ms;

	/* what is sent */
	char *method;
	char *base_url;
	char *path;
	bool allow_http;
	Jsonb *headers; /* or NULL */
	char *body;     /* UTF-8, or NULL */
	int timeout_ms;
	int max_response_bytes;
	int max_connections;

	/* what came of it */
	TimestampTz started_at;
	GlHttpResult result; /* freed with the flight */
	bool answered;       /* result is the engine's, to be given back to it */
	bool final;          /* nothing was sent, and never will be */
	int busy;            /* times that its row was locked */
	int64 record_at;     /* record not before; gl_outbox_clock_ms */
	const char *verdict; /* of recording it; NULL until it is recorded */
	int64 delay_ms;      /* until the next try, where there is one */
	bool probe;          /* the one by which a carrier that failed is tried */
	bool trouble;        /* the carrier answered, but what it says could not be recorded */
} GlFlight;

/* The SQL of this module; see statement.c. */
typedef enum GlStatement
{
	GL_STATEMENT_DUE_ACCOUNTS,
	GL_STATEMENT_PICK,
	GL_STATEMENT_AUTHORIZE,
	GL_STATEMENT_LEASE,
	GL_STATEMENT_PARK,
	GL_STATEMENT_UNSENT,
	GL_STATEMENT_ANSWER,
	GL_STATEMENT_FAILURE,
	GL_STATEMENT_LOGIN,
	GL_STATEMENT_RETURN_LEASES,
	GL_STATEMENT_SETTLE_COUNTERS,
	GL_STATEMENT_SHIFT_TIMES,
	GL_STATEMENT_MIND_UNFINISHED,
	GL_STATEMENT_TRIM_INBOX,
	GL_STATEMENT_TRIM_LOG,
	GL_STATEMENT_POLL_ACCOUNTS,
	GL_STATEMENT_POLL,
	GL_STATEMENT_COUNT
} GlStatement;

/*
 * Runs one of them with its parameters (nulls as SPI takes them, or NULL).
 * The caller is connected to SPI; the result is in SPI_tuptable.
 */
extern void gl_outbox_execute(GlStatement statement, Datum *values, const char *nulls);

/* Milliseconds of a clock that no one sets. */
extern int64 gl_outbox_clock_ms(void);

/*
 * Leases what is due, at most "places" requests, in the transaction that is
 * open.  New flights are put into the list, their memory contexts under
 * "parent"; they may be sent once the transaction has committed.  *wait_ms is
 * lowered to the time until something else is due; *more tells that a further
 * lease may find more at once.
 */
extern void gl_outbox_lease(int places, MemoryContext parent, dlist_head *flights, int64 *wait_ms,
							bool *more);

/*
 * Puts the polls that are due into the outbox, in the transaction that is
 * open.  *wait_ms is lowered to the time until the next ones may be.
 */
extern void gl_outbox_poll(int64 *wait_ms);

/* Makes the leases of a predecessor that died due again; answers how many. */
extern uint64 gl_outbox_return_leases(void);

/* What became of a request at its carrier's authorize function. */
typedef enum GlAuthorized
{
	GL_AUTHORIZED,         /* it can be sent */
	GL_AUTHORIZED_LOGIN,   /* what can be sent is a login */
	GL_AUTHORIZED_REFUSED, /* people must mend the credentials: *reason */
	GL_AUTHORIZED_FAILED   /* the function failed: *reason */
} GlAuthorized;

/*
 * Calls the authorize function of a carrier, in a subtransaction, and puts
 * what it answers into the flight.  The account's jsonb has the secrets.
 */
extern GlAuthorized gl_outbox_authorize(GlFlight *flight, Datum carrier, Datum account,
										Datum request, char **reason);

/*
 * Hands a flight to the engine.  Where the engine refuses it the flight's
 * result says so and false is answered: it is to be recorded.
 */
extern bool gl_outbox_send(GlHttp *http, GlFlight *flight);

/*
 * Records flights that have a result, each in a subtransaction of the open
 * transaction.  verdict stays NULL for those that must be tried again later.
 */
extern void gl_outbox_record(dlist_head *flights);

/* After the commit: what the flight taught about its account; frees it. */
extern void gl_outbox_land(GlFlight *flight);

/* Empties old parts of the log. */
extern void gl_outbox_trim_log(void);

/* Deletes some of the old payloads of the inbox; true where there may be more. */
extern bool gl_outbox_trim_inbox(void);

/* Takes expired units of full slots back; true where there may be more. */
extern bool gl_outbox_settle_counters(void);

/* wall_clock.c: by how much the wall clock is ahead of gl_outbox_clock_ms */
extern int64 gl_outbox_wall_offset_ms(void);

/* Moves leases and what is due later by what the wall clock jumped. */
extern void gl_outbox_shift_times(int64 step_ms);

/*
 * account.c: how many requests of an account may be leased now, at most
 * "most"; these are kept for this worker until gl_outbox_settle_room.
 * *wait_ms is lowered to the time when there may be more.
 */
extern int gl_outbox_room(const char *account_id, const GlAccountLimits *limits, int most,
						  int64 *wait_ms);

/* Counts a flight that is leased for certain. */
extern void gl_outbox_account_enter(GlFlight *flight);

/* Gives back the room that no flight took; to be called after every lease, also one that failed. */
extern void gl_outbox_settle_room(void);

/* A request that could not be authorized, and why. */
extern void gl_outbox_account_unsent(const char *account_id, const char *reason);

/* Logins of an account that failed in a row. */
extern int gl_outbox_login_failures(const char *account_id);

/*
 * How many polls an account may enqueue now, at most "most"; what it does not
 * is given back.  Where it cannot at all, its polls wait for delay_ms.
 */
extern int gl_outbox_poll_places(const char *account_id, double per_second, int most,
								 int64 *wait_ms);
extern void gl_outbox_poll_return(const char *account_id, int count, int64 delay_ms);

/* answer.c: the parts of an answer as SQL values, in the current context */
extern Datum gl_outbox_answer_headers(const GlHttpResult *result);
extern text *gl_outbox_answer_body(const GlHttpResult *result);
extern text *gl_outbox_answer_excerpt(text *body);

/* redact.c: remembers an account's secrets, and takes them out of an answer */
extern void gl_outbox_keep_secrets(GlFlight *flight, Jsonb *secret, const char *token);
extern text *gl_outbox_redact(const GlFlight *flight, text *answer);

/* subtransaction.c */
typedef struct GlFailure
{
	int sqlstate;
	char *message; /* in the caller's memory context */
} GlFailure;

/*
 * Calls work(argument) in a subtransaction with a time limit; true where it
 * came to its end.  Otherwise it is as if it had not been called, and
 * *failure tells why.
 */
extern bool gl_outbox_try(void (*work)(void *argument), void *argument, GlFailure *failure);

#endif /* GL_OUTBOX_H */
