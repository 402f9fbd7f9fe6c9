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
	/* $1 now, $2 system identifier: accounts with requests, and when these are due */
	[GL_STATEMENT_DUE_ACCOUNTS] = {
		"SELECT a.account_id, a.max_connections, a.requests_per_second::float8, next.due_at <= $1,"
		"       (SELECT d.due_at FROM ganje.outbox_delivery AS d"
		"         WHERE d.account_id = a.account_id AND d.state <> 'dead' AND d.due_at > $1"
		"         ORDER BY d.due_at LIMIT 1),"
		"       a.timeout_ms, a.breaker_failures, a.breaker_pause_ms, a.breaker_cap_ms"
		"  FROM ganje.carrier_account AS a"
		" CROSS JOIN LATERAL (SELECT d.due_at FROM ganje.outbox_delivery AS d"
		"                      WHERE d.account_id = a.account_id AND d.state <> 'dead'"
		"                      ORDER BY d.due_at LIMIT 1) AS next"
		" WHERE a.active AND a.parked_at IS NULL AND a.paused_at IS NULL"
		"   AND EXISTS (SELECT FROM ganje.sending AS s"
		"                WHERE NOT s.paused AND s.system_identifier = $2)"
		" ORDER BY next.due_at",
		2, {TIMESTAMPTZOID, INT8OID}},

	/*
	 * $1 accounts, $2 places of each, $3 now, $4 system identifier: requests
	 * at the head of their shipment's line to that account, locked.  A dead
	 * letter holds no one up.
	 */
	[GL_STATEMENT_PICK] = {
		"SELECT d.merchant_id, d.request_id, d.account_id, d.attempts,"
		"       ROW(o.merchant_id, o.request_id, o.account_id, o.shipment_id, o.operation, o.method,"
		"           o.path, o.headers, o.body)::ganje.http_request,"
		"       a.carrier, a.base_url, a.allow_http, a.timeout_ms, a.max_response_bytes,"
		"       a.max_connections, a.retry_base_ms, a.retry_cap_ms,"
		"       ganje.account_json(a) || jsonb_build_object('secret', c.secret, 'token', c.token,"
		"                                                   'tokenExpiresAt', c.token_expires_at,"
		"                                                   'answerLost', d.answer_lost),"
		"       c.secret, c.token"
		"  FROM unnest($1, $2) AS room (account_id, places)"
		"  JOIN ganje.carrier_account AS a ON a.account_id = room.account_id"
		"  LEFT JOIN ganje.carrier_credential AS c ON c.account_id = room.account_id"
		" CROSS JOIN LATERAL"
		"       (SELECT w.merchant_id, w.request_id, w.account_id, w.attempts,"
		"               w.answer_lost OR w.state = 'leased' AS answer_lost"
		"          FROM ganje.outbox_delivery AS w"
		"         WHERE w.account_id = room.account_id AND w.state <> 'dead'"
		"           AND w.due_at <= $3 AND w.origin = $4"
		"           AND NOT EXISTS (SELECT FROM ganje.outbox_delivery AS e"
		"                            WHERE e.merchant_id = w.merchant_id"
		"                              AND e.shipment_id = w.shipment_id"
		"                              AND e.account_id = w.account_id"
		"                              AND e.turn < w.turn AND e.state <> 'dead')"
		"         ORDER BY w.due_at LIMIT room.places FOR UPDATE OF w SKIP LOCKED) AS d"
		"  JOIN ganje.outbox AS o ON o.merchant_id = d.merchant_id AND o.request_id = d.request_id",
		4, {TEXTARRAYOID, INT4ARRAYOID, TIMESTAMPTZOID, INT8OID}},

	/* $1 carrier, $2 account with secrets, $3 request */
	[GL_STATEMENT_AUTHORIZE] = {
		"SELECT ganje.run_authorize($1, $2, $3)",
		3, {TEXTOID, JSONBOID, InvalidOid}},

	/*
	 * $1 merchants, $2 requests, $3 until when, $4 lease token, $5 owner.
	 * What is leased already was sent by a worker that died, or nearly so.
	 */
	[GL_STATEMENT_LEASE] = {
		"UPDATE ganje.outbox_delivery AS d"
		"   SET state = 'leased', attempts = d.attempts + 1, lease_token = $4, lease_owner = $5,"
		"       due_at = l.due_at, answer_lost = d.answer_lost OR d.state = 'leased'"
		"  FROM unnest($1, $2, $3) AS l (merchant_id, request_id, due_at)"
		" WHERE d.merchant_id = l.merchant_id AND d.request_id = l.request_id",
		5, {TEXTARRAYOID, TEXTARRAYOID, TIMESTAMPTZARRAYOID, TEXTOID, INT4OID}},

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
		"UPDATE ganje.outbox_delivery AS d SET due_at = $1"
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
