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
#include "storage/itemptr.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "http/engine.h"
#include "outbox/account.h"

/* The requests of an account that a worker has leased; see line.c. */
typedef struct GlLine GlLine;

/* What an answer to a request of this carrier asks for besides the log. */
typedef enum GlHandling
{
	GL_HANDLING_CARRIER,   /* its apply function, polls: row by row */
	GL_HANDLING_PLAIN,     /* nothing: 2xx is delivered */
	GL_HANDLING_SUBSCRIBER /* as plain, but the subscription notes it */
} GlHandling;

typedef struct GlFlight
{
	dlist_node node;
	MemoryContext context; /* holds the flight and all it points to */
	GlLine *line;          /* from its lease until it is recorded */

	/* which request, under which lease; where its rows lay when it was leased */
	ItemPointerData delivery_at;
	ItemPointerData request_at;
	char *merchant_id;
	char *request_id;
	char *lease_token;
	char *account_id;
	char *token; /* that authorizes it, or NULL */
	bool login;  /* fetches a token instead of sending the request */
	bool ask;    /* asks whether the last try arrived, instead of sending it again */
	bool poll;   /* a poll, whose failure is no failed request */
	GlHandling handling;
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
	int64 send_before; /* not sent later: the lease would be over first; gl_outbox_clock_ms */
	TimestampTz started_at;
	GlHttpResult result; /* freed with the flight */
	bool unsent;         /* nothing was sent: its lease is given back */
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
	GL_STATEMENT_ACCOUNTS,
	GL_STATEMENT_PICK,
	GL_STATEMENT_AUTHORIZE,
	GL_STATEMENT_OTHER_TOKEN,
	GL_STATEMENT_TAKE_HISTORY,
	GL_STATEMENT_ACCEPTED,
	GL_STATEMENT_FAILED,
	GL_STATEMENT_GIVE_BACK,
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

/* Which of this database's workers this process is, from 0. */
extern void gl_outbox_set_worker(int number);
extern int gl_outbox_worker(void);

/* This worker's part of an account's connections, 0 where others have them all. */
extern int gl_outbox_part(const char *account_id, int max_connections);

/*
 * Leases what is due, as much as can be sent soon, in the transaction that is
 * open.  New flights are put into the list, their memory contexts under
 * "parent"; they may be sent once the transaction has committed.  *wait_ms is
 * lowered to the time until something else is due; *more tells that a further
 * lease may find more at once.
 */
extern void gl_outbox_lease(MemoryContext parent, dlist_head *flights, int64 *wait_ms, bool *more);

/* share.c: an account with something due, and how much of it is taken. */
typedef struct GlShare
{
	char *account_id;
	int max_connections; /* this worker's part */
	int room;
	int places;
} GlShare;

/*
 * The accounts with something due, allocated in the current context, with the
 * places that each gets in this turn; those that get none are left out.
 * *all_taken tells that there was no more to be given.
 */
extern GlShare *gl_outbox_shares(TimestampTz now, int *count, int64 *wait_ms, bool *all_taken);

/*
 * Puts the polls that are due into the outbox, in the transaction that is
 * open.  *wait_ms is lowered to the time until the next ones may be.
 */
extern void gl_outbox_poll(int64 *wait_ms);

/* Makes the leases of this worker's dead predecessor due again; answers how many. */
extern uint64 gl_outbox_return_leases(void);

/*
 * line.c: flights wait until a connection of their account is free.
 *
 * Join puts a leased flight into its account's line.  Send lets go what may,
 * into "sent", or into "finished" where nothing was sent; answered takes note
 * of a result.  Leave is to be called once for each, when it is recorded.
 */
extern void gl_outbox_line_join(GlFlight *flight);
extern void gl_outbox_lines_send(GlHttp *http, dlist_head *sent, dlist_head *finished);
extern void gl_outbox_line_answered(GlFlight *flight);
extern void gl_outbox_line_leave(GlFlight *flight);

/* Takes everything that still waits out of its line, into the list: it is not sent. */
extern void gl_outbox_lines_empty(dlist_head *finished);

/* A turn begins: lines that moved fast since the last one may be longer. */
extern void gl_outbox_lines_turn(void);

typedef struct GlLoad
{
	int sent;       /* on their way */
	int waiting;    /* in the line */
	int unrecorded; /* delivered, not recorded */
	int failed;     /* over in any other way, not recorded: each keeps its connection */
	int ahead;      /* may wait besides those on their way */
} GlLoad;

/* Of an account, or of all where account_id is NULL. */
extern GlLoad gl_outbox_load(const char *account_id);

/* Places that only accounts with few requests on their way get; and how few these are. */
extern int gl_outbox_reserve(void);
extern int gl_outbox_few(void);

/* What became of a request at its carrier's authorize function. */
typedef enum GlAuthorized
{
	GL_AUTHORIZED,         /* it can be sent */
	GL_AUTHORIZED_LOGIN,   /* what can be sent is a login */
	GL_AUTHORIZED_REFUSED, /* people must mend the credentials: *reason */
	GL_AUTHORIZED_FAILED   /* the function failed: *reason */
} GlAuthorized;

/* A request that is to be authorized, and what came of it. */
typedef struct GlAuthorization
{
	GlFlight *flight;
	Datum account; /* jsonb with the secrets */
	Datum request; /* ganje.http_request */
	GlAuthorized outcome;
	char *reason;
} GlAuthorization;

/*
 * Calls the authorize function of a carrier for requests of one account, and
 * puts what it answers into the flights.  Answers how many were asked for: the
 * first that needs a login, or finds the credentials refused, is the last.
 */
extern int gl_outbox_authorize(GlAuthorization *authorizations, int count, Datum carrier);

/*
 * Hands a flight to the engine.  Where the engine refuses it the flight's
 * result says so and false is answered: it is to be recorded.
 */
extern bool gl_outbox_send(GlHttp *http, GlFlight *flight);

/*
 * Records flights that have a result in the open transaction, in
 * subtransactions.  verdict stays NULL for those that must be tried again
 * later.
 */
extern void gl_outbox_record(dlist_head *flights);

/* record_row.c: records one flight, in a subtransaction of its own or within another one. */
extern void gl_outbox_record_alone(GlFlight *flight);
extern void gl_outbox_record_within(GlFlight *flight);

/*
 * record_batch.c: flights that one statement records; the others, and all of
 * them where it fails, are left with no verdict.
 */
extern void gl_outbox_record_batches(GlFlight **flights, int count);

/* mark.c: marks requests as leased, each until its time; they are locked. */
extern void gl_outbox_mark_leased(GlFlight **flights, const TimestampTz *until, int count);

/* log.c: moves delivered requests to the log; raises where that cannot be for all of them. */
extern void gl_outbox_log_delivered(GlFlight **flights, int count);

/* Milliseconds until another try of a flight, should there be one. */
extern int64 gl_outbox_retry_delay(GlFlight *flight);

/* May the carrier have done what a flight asks for, though we do not know it? */
extern bool gl_outbox_is_lost(const GlFlight *flight);

/* The beginning of an answer as it is kept. */
extern text *gl_outbox_kept_answer(const GlFlight *flight);

/* Why a flight without an answer failed. */
extern char *gl_outbox_failure_text(const GlFlight *flight);

/* Is this the end of all tries, though there was no answer? */
extern bool gl_outbox_is_final(const GlFlight *flight);

/*
 * login.c: only one worker at a time logs in to an account.  False where
 * another does; the right to it ends with the worker at the latest.
 */
extern bool gl_outbox_login_begin(const char *account_id);
extern void gl_outbox_login_end(const char *account_id);

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
