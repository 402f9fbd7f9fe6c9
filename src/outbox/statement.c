/*-------------------------------------------------------------------------
 *
 * statement.c
 *	  The SQL that the outbox runs, prepared once per worker.
 *
 * All plans are generic: a custom plan has its parameters written into it,
 * and some of them are secrets that debug_print_plan would put into the log.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/syscache.h"

#include "outbox/outbox.h"

#define MAX_PARAMETERS 14

typedef struct Statement
{
	const char *sql;
	int count;
	Oid types[MAX_PARAMETERS];
} Statement;

/* SQL is laid out as SQL. */
/* clang-format off */
static const Statement statements[GL_STATEMENT_COUNT] = {
	/*
	 * $1 now, $2 system identifier: accounts with requests, whether one is
	 * due, and when the next is.  What is leased is where it was in the line.
	 */
	[GL_STATEMENT_DUE_ACCOUNTS] = {
		"SELECT a.account_id, a.max_connections, a.requests_per_second::float8, next.due_at <= $1,"
		"       CASE WHEN next.due_at <= $1"
		"            THEN (SELECT d.due_at FROM ganje.outbox_delivery AS d"
		"                   WHERE d.account_id = a.account_id AND d.due_at > $1 AND d.due_at < 'infinity'"
		"                   ORDER BY d.due_at LIMIT 1)"
		"            ELSE next.due_at END,"
		"       a.timeout_ms, a.breaker_failures, a.breaker_pause_ms, a.breaker_cap_ms"
		"  FROM ganje.carrier_account AS a"
		" CROSS JOIN LATERAL (SELECT d.due_at FROM ganje.outbox_delivery AS d"
		"                      WHERE d.account_id = a.account_id AND d.due_at < 'infinity'"
		"                        AND (d.state = 'pending' OR coalesce(d.lease_until, d.due_at) <= $1)"
		"                      ORDER BY d.due_at LIMIT 1) AS next"
		" WHERE a.active AND a.parked_at IS NULL AND a.paused_at IS NULL"
		"   AND a.origin = $2"
		"   AND EXISTS (SELECT FROM ganje.sending AS s"
		"                WHERE NOT s.paused AND s.system_identifier = $2)"
		" ORDER BY next.due_at",
		2, {TIMESTAMPTZOID, INT8OID}},

	/* $1 accounts: what all requests of each have in common, in the same order */
	[GL_STATEMENT_ACCOUNTS] = {
		"SELECT a.account_id, a.carrier, a.base_url, a.allow_http, a.timeout_ms, a.max_response_bytes,"
		"       a.retry_base_ms, a.retry_cap_ms, c.secret, c.token, k.authorize IS NOT NULL,"
		"       CASE WHEN k.carrier = 'webhook' AND k.builtin THEN 2"
		"            WHEN k.apply IS NULL AND k.poll_operation IS NULL THEN 1 ELSE 0 END,"
		"       CASE WHEN k.authorize IS NOT NULL"
		"            THEN ganje.account_json(a) || jsonb_build_object('secret', c.secret, 'token', c.token,"
		"                                                             'tokenExpiresAt', c.token_expires_at) END"
		"  FROM unnest($1) WITH ORDINALITY AS l (account_id, place)"
		"  JOIN ganje.carrier_account AS a ON a.account_id = l.account_id"
		"  JOIN ganje.carrier AS k ON k.carrier = a.carrier"
		"  LEFT JOIN ganje.carrier_credential AS c ON c.account_id = a.account_id"
		" ORDER BY l.place",
		1, {TEXTARRAYOID}},

	/*
	 * $1 accounts, $2 places of each, $3 which of them authorize, $4 now, $5
	 * system identifier: requests at the head of their shipment's line to that
	 * account, locked.  A dead letter holds no one up, unless it is being sent.
	 */
	[GL_STATEMENT_PICK] = {
		"SELECT d.ctid, d.merchant_id, d.request_id, room.place::integer, d.attempts, d.poll,"
		"       d.answer_lost, o.ctid, o.method, o.path, o.headers, o.body,"
		"       CASE WHEN room.authorizes"
		"            THEN ROW(o.merchant_id, o.request_id, o.account_id, o.shipment_id, o.operation, o.method,"
		"                     o.path, o.headers, o.body)::ganje.http_request END"
		"  FROM unnest($1, $2, $3) WITH ORDINALITY AS room (account_id, places, authorizes, place)"
		" CROSS JOIN LATERAL"
		"       (SELECT w.ctid, w.merchant_id, w.request_id, w.attempts, w.poll,"
		"               w.answer_lost OR w.state = 'leased' AS answer_lost"
		"          FROM ganje.outbox_delivery AS w"
		"         WHERE w.account_id = room.account_id AND w.due_at <= $4 AND w.origin = $5"
		"           AND (w.state = 'pending' OR w.state = 'leased' AND coalesce(w.lease_until, w.due_at) <= $4)"
		"           AND (w.shipment_id IS NULL"
		"                OR NOT EXISTS (SELECT FROM ganje.outbox_delivery AS e"
		"                                WHERE e.merchant_id = w.merchant_id"
		"                                  AND e.shipment_id = w.shipment_id"
		"                                  AND e.account_id = w.account_id"
		"                                  AND (e.turn < w.turn AND e.state <> 'dead'"
		"                                       OR e.turn > w.turn AND e.lease_until > $4)))"
		"         ORDER BY w.due_at LIMIT room.places FOR UPDATE OF w SKIP LOCKED) AS d"
		"  JOIN ganje.outbox AS o ON o.merchant_id = d.merchant_id AND o.request_id = d.request_id",
		5, {TEXTARRAYOID, INT4ARRAYOID, BOOLARRAYOID, TIMESTAMPTZOID, INT8OID}},

	/* $1 carrier, $2 account with secrets, $3 request */
	[GL_STATEMENT_AUTHORIZE] = {
		"SELECT ganje.run_authorize($1, $2, $3)",
		3, {TEXTOID, JSONBOID, InvalidOid}},

	/* $1 merchant, $2 request: its tries, which are forgotten here */
	[GL_STATEMENT_TAKE_HISTORY] = {
		"WITH forgotten AS (DELETE FROM ganje.outbox_attempt AS t WHERE t.merchant_id = $1 AND t.request_id = $2)"
		" SELECT ganje.attempt_history($1, $2)",
		2, {TEXTOID, TEXTOID}},

	/* $1 accounts: what ganje.subscriber_accepted does, for many */
	[GL_STATEMENT_ACCEPTED] = {
		"UPDATE ganje.subscription AS s SET failing_since = NULL"
		"  FROM (SELECT DISTINCT a.account_id FROM unnest($1) AS a (account_id)) AS a"
		" WHERE s.account_id = a.account_id AND s.failing_since IS NOT NULL",
		1, {TEXTARRAYOID}},

	/*
	 * $1-$3 merchants, requests, leases, $4 final, $5 delays, $6 starts, $7
	 * elapsed, $8 statuses, $9 errors, $10 excerpts, $11 lost: what
	 * ganje.fail_delivery does, for many of ordinary carriers.
	 */
	[GL_STATEMENT_FAILED] = {
		"WITH failed AS (SELECT f.*, n.number, d.attempts, clock_timestamp() AS now,"
		"                       f.final OR d.attempts >= a.max_attempts AS dead"
		"                  FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
		"                       AS f (merchant_id, request_id, lease, final, delay_ms, started_at, elapsed_ms, status,"
		"                             error, answer, lost)"
		"                  JOIN ganje.outbox_delivery AS d ON d.merchant_id = f.merchant_id"
		"                       AND d.request_id = f.request_id AND d.lease_token = f.lease"
		"                  JOIN ganje.carrier_account AS a ON a.account_id = d.account_id"
		"                 CROSS JOIN LATERAL"
		"                       (SELECT greatest(coalesce(max(t.attempt), 0) + 1, d.attempts) AS number"
		"                          FROM ganje.outbox_attempt AS t"
		"                         WHERE t.merchant_id = d.merchant_id AND t.request_id = d.request_id) AS n),"
		" kept AS (INSERT INTO ganje.outbox_attempt (merchant_id, request_id, attempt, started_at, elapsed_ms,"
		"                                            status, error, answer)"
		"          SELECT merchant_id, request_id, number, started_at, elapsed_ms, status, error, answer FROM failed)"
		" UPDATE ganje.outbox_delivery AS d"
		"    SET state = CASE WHEN f.dead THEN 'dead' ELSE 'pending' END,"
		"        due_at = CASE WHEN f.dead THEN 'infinity' ELSE f.now + f.delay_ms * interval '1 millisecond' END,"
		"        lease_token = NULL, lease_owner = NULL, lease_until = NULL, last_status = f.status,"
		"        last_error = f.error, answer_lost = d.answer_lost OR f.lost"
		"   FROM failed AS f"
		"  WHERE d.merchant_id = f.merchant_id AND d.request_id = f.request_id AND d.lease_token = f.lease",
		11, {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, BOOLARRAYOID, INT8ARRAYOID, TIMESTAMPTZARRAYOID,
			 INT4ARRAYOID, INT4ARRAYOID, TEXTARRAYOID, TEXTARRAYOID, BOOLARRAYOID}},

	/* $1-$3 merchants, requests, leases of what was never sent: what ganje.give_back does, for many */
	[GL_STATEMENT_GIVE_BACK] = {
		"UPDATE ganje.outbox_delivery AS d"
		"   SET state = 'pending', attempts = greatest(d.attempts - 1, 0), lease_token = NULL,"
		"       lease_owner = NULL, lease_until = NULL"
		"  FROM unnest($1, $2, $3) AS g (merchant_id, request_id, lease)"
		" WHERE d.merchant_id = g.merchant_id AND d.request_id = g.request_id AND d.lease_token = g.lease",
		3, {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID}},

	/* $1 account, $2 token */
	[GL_STATEMENT_OTHER_TOKEN] = {
		"SELECT FROM ganje.carrier_credential AS c WHERE c.account_id = $1 AND c.token IS DISTINCT FROM $2",
		2, {TEXTOID, TEXTOID}},

	/* $1 account, $2 secret, $3 reason */
	[GL_STATEMENT_PARK] = {
		"SELECT ganje.park_refused($1, $2, $3)",
		3, {TEXTOID, JSONBOID, TEXTOID}},

	/* $1 merchant, $2 request, $3 delay in ms, $4 error */
	[GL_STATEMENT_UNSENT] = {
		"SELECT ganje.record_unsent($1, $2, $3, $4)",
		4, {TEXTOID, TEXTOID, INT8OID, TEXTOID}},

	/* $1-$3 merchant, request, lease, $4-$6 answer, $7 token, $8 retryable, $9 delay, $10 start,
	 * $11 elapsed, $12 excerpt, $13 asked, $14 secret */
	[GL_STATEMENT_ANSWER] = {
		"SELECT ganje.record_answer($1, $2, $3, ROW($4, $5, $6)::ganje.http_response,"
		"                           $7, $8, $9, $10, $11, $12, $13, $14)",
		14, {TEXTOID, TEXTOID, TEXTOID, INT4OID, JSONBOID, TEXTOID, TEXTOID, BOOLOID, INT8OID,
			 TIMESTAMPTZOID, INT4OID, TEXTOID, BOOLOID, JSONBOID}},

	/* $1-$3 merchant, request, lease, $4 final, $5 delay, $6 start, $7 elapsed, $8 status,
	 * $9 error, $10 excerpt, $11 lost */
	[GL_STATEMENT_FAILURE] = {
		"SELECT ganje.record_failure($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
		11, {TEXTOID, TEXTOID, TEXTOID, BOOLOID, INT8OID, TIMESTAMPTZOID, INT4OID, INT4OID, TEXTOID,
			 TEXTOID, BOOLOID}},

	/* $1-$3 merchant, request, lease, $4 request sent, $5-$7 answer, $8 secret, $9 retryable,
	 * $10 delay, $11 start, $12 elapsed */
	[GL_STATEMENT_LOGIN] = {
		"SELECT ganje.record_login($1, $2, $3, $4, ROW($5, $6, $7)::ganje.http_response,"
		"                          $8, $9, $10, $11, $12)",
		12, {TEXTOID, TEXTOID, TEXTOID, InvalidOid, INT4OID, JSONBOID, TEXTOID, JSONBOID, BOOLOID,
			 INT8OID, TIMESTAMPTZOID, INT4OID}},

	/* $1 now, $2 owner */
	[GL_STATEMENT_RETURN_LEASES] = {
		"UPDATE ganje.outbox_delivery AS d SET lease_until = $1"
		" WHERE d.state = 'leased' AND d.lease_owner = $2",
		2, {TIMESTAMPTZOID, INT4OID}},

	[GL_STATEMENT_SETTLE_COUNTERS] = {"SELECT ganje.settle_counters($1)", 1, {INT4OID}},

	/* $1 step, $2 owner */
	[GL_STATEMENT_SHIFT_TIMES] = {"SELECT ganje.shift_times($1, $2)", 2, {INTERVALOID, INT4OID}},

	/* $1 owner */
	[GL_STATEMENT_MIND_UNFINISHED] = {"SELECT ganje.mind_unfinished($1)", 1, {INT4OID}},

	/* $1 days, $2 rows at most */
	[GL_STATEMENT_TRIM_INBOX] = {"SELECT ganje.trim_inbox($1, $2)", 2, {INT4OID, INT4OID}},

	/* $1 days */
	[GL_STATEMENT_TRIM_LOG] = {"SELECT ganje.trim_log($1)", 1, {INT4OID}},

	[GL_STATEMENT_POLL_ACCOUNTS] = {
		"SELECT p.account_id, p.per_second, p.due_at FROM ganje.poll_accounts() AS p", 0, {0}},

	/* $1 account, $2 places */
	[GL_STATEMENT_POLL] = {
		"SELECT p.enqueued, p.next_due FROM ganje.enqueue_due_polls($1, $2) AS p",
		2, {TEXTOID, INT4OID}},
};
/* clang-format on */

static SPIPlanPtr plans[GL_STATEMENT_COUNT];

/* The OID of ganje.http_request. */
static Oid
request_type(void)
{
	Oid namespace = get_namespace_oid("ganje", false);

	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("http_request"),
						   ObjectIdGetDatum(namespace));
}

/* InvalidOid stands for ganje.http_request, whose OID no compiler knows. */
static SPIPlanPtr
prepare(const Statement *statement)
{
	Oid types[MAX_PARAMETERS];
	SPIPlanPtr plan;

	for (int i = 0; i < statement->count; i++)
	{
		types[i] = statement->types[i];
		if (types[i] == InvalidOid)
			types[i] = request_type();
	}
	plan = SPI_prepare_cursor(statement->sql, statement->count, types, CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare: %s", SPI_result_code_string(SPI_result));
	return plan;
}

void
gl_outbox_execute(GlStatement statement, Datum *values, const char *nulls)
{
	int code;

	if (plans[statement] == NULL)
		plans[statement] = prepare(&statements[statement]);
	code = SPI_execute_plan(plans[statement], values, nulls, false, 0);
	if (code < 0)
		elog(ERROR, "could not execute: %s", SPI_result_code_string(code));
}
