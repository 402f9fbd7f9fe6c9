/*-------------------------------------------------------------------------
 *
 * record_row.c
 *	  Writes down what came of one request.
 *
 * What the answer means is asked of its carrier's function.  One that raises,
 * or whose shipment is locked, spoils nobody else's: the first is a failed try
 * with the reason; the second is tried again a little later, since the carrier
 * did its part.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "http/retry.h"
#include "outbox/outbox.h"

/* How long an answer waits whose row is locked; doubled each time, so often. */
#define BUSY_DELAY_MS 250
#define BUSY_DOUBLINGS 5

/* Bytes of a function's error message that are kept. */
#define MESSAGE_BYTES 500

/* The verdicts that matter here, as the SQL functions spell them. */
static const char *const verdicts[] = {"delivered", "retry", "failed", "unauthorized",
									   "refused",   "lost",  "absent"};

/* Runs a record statement and keeps its verdict. */
static void
execute(GlFlight *flight, GlStatement statement, Datum *values, const char *nulls)
{
	char *verdict;

	gl_outbox_execute(statement, values, nulls);
	verdict = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	for (size_t i = 0; i < lengthof(verdicts); i++)
	{
		if (strcmp(verdict, verdicts[i]) == 0)
			flight->verdict = verdicts[i];
	}
	SPI_freetuptable(SPI_tuptable);
	if (flight->verdict == NULL)
		elog(ERROR, "unknown verdict \"%s\"", verdict);
}

/* The first three parameters of every record statement. */
static void
name_lease(const GlFlight *flight, Datum *values)
{
	values[0] = CStringGetTextDatum(flight->merchant_id);
	values[1] = CStringGetTextDatum(flight->request_id);
	values[2] = CStringGetTextDatum(flight->lease_token);
}

/* Is the status one that asks for another try, whatever the answer says? */
static bool
is_retryable(const GlFlight *flight)
{
	return gl_retry_status(flight->result.status);
}

/* A whole answer to a request. */
static void
record_answer(GlFlight *flight)
{
	GlHttpResult *result = &flight->result;
	text *body = gl_outbox_answer_body(result);
	Datum values[14];
	char nulls[] = "              ";

	name_lease(flight, values);
	values[3] = Int32GetDatum(result->status);
	values[4] = gl_outbox_answer_headers(result);
	values[5] = PointerGetDatum(body);
	nulls[5] = body == NULL ? 'n' : ' ';
	values[6] = (Datum) 0;
	nulls[6] = 'n';
	if (flight->token != NULL)
	{
		values[6] = CStringGetTextDatum(flight->token);
		nulls[6] = ' ';
	}
	values[7] = BoolGetDatum(is_retryable(flight));
	values[8] = Int64GetDatum(flight->delay_ms);
	values[9] = TimestampTzGetDatum(flight->started_at);
	values[10] = Int32GetDatum((int32) result->elapsed_ms);
	values[11] = PointerGetDatum(gl_outbox_redact(flight, gl_outbox_answer_excerpt(body)));
	values[12] = BoolGetDatum(flight->ask);
	values[13] = flight->secret;
	nulls[13] = flight->secret == (Datum) 0 ? 'n' : ' ';
	execute(flight, GL_STATEMENT_ANSWER, values, nulls);
}

/* A whole answer to a login. */
static void
record_login(GlFlight *flight)
{
	GlHttpResult *result = &flight->result;
	text *body = gl_outbox_answer_body(result);
	Datum values[12];
	char nulls[] = "            ";

	name_lease(flight, values);
	values[3] = flight->request;
	values[4] = Int32GetDatum(result->status);
	values[5] = gl_outbox_answer_headers(result);
	values[6] = PointerGetDatum(body);
	nulls[6] = body == NULL ? 'n' : ' ';
	values[7] = flight->secret;
	nulls[7] = flight->secret == (Datum) 0 ? 'n' : ' ';
	values[8] = BoolGetDatum(is_retryable(flight));
	values[9] = Int64GetDatum(flight->delay_ms);
	values[10] = TimestampTzGetDatum(flight->started_at);
	values[11] = Int32GetDatum((int32) result->elapsed_ms);
	execute(flight, GL_STATEMENT_LOGIN, values, nulls);
}

typedef struct Failed
{
	GlFlight *flight;
	const char *error;
	bool final;
	bool with_answer; /* keep the beginning of the answer */
} Failed;

/* Not where it said no, which is what 3xx and 4xx are. */
bool
gl_outbox_is_lost(const GlFlight *flight)
{
	int status = flight->result.status;

	return !flight->login && (flight->result.sent || status != 0) &&
		   !(status >= 300 && status <= 499);
}

/* A try that brought no answer, or one that could not be recorded. */
static void
record_failure(void *argument)
{
	Failed *failed = argument;
	GlFlight *flight = failed->flight;
	Datum values[11];
	char nulls[] = "           ";

	name_lease(flight, values);
	values[3] = BoolGetDatum(failed->final);
	values[4] = Int64GetDatum(flight->delay_ms);
	values[5] = TimestampTzGetDatum(flight->started_at);
	values[6] = Int32GetDatum((int32) flight->result.elapsed_ms);
	values[7] = Int32GetDatum(flight->result.status);
	nulls[7] = flight->result.status == 0 ? 'n' : ' ';
	values[8] = CStringGetTextDatum(failed->error);
	values[9] = (Datum) 0;
	nulls[9] = 'n';
	if (failed->with_answer)
	{
		values[9] = PointerGetDatum(gl_outbox_kept_answer(flight));
		nulls[9] = ' ';
	}
	values[10] = BoolGetDatum(gl_outbox_is_lost(flight));
	execute(flight, GL_STATEMENT_FAILURE, values, nulls);
}

/*
 * Errors that say nothing of the answer: somebody else was at the row, or the
 * server has no room for it now (a full disk, say).
 */
static bool
is_passing(int sqlstate)
{
	return sqlstate == ERRCODE_LOCK_NOT_AVAILABLE || sqlstate == ERRCODE_T_R_DEADLOCK_DETECTED ||
		   sqlstate == ERRCODE_T_R_SERIALIZATION_FAILURE ||
		   ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_INSUFFICIENT_RESOURCES;
}

/* Why an answer could not be recorded; of a login only the code is told. */
static char *
describe_failure(const GlFlight *flight, const GlFailure *failure)
{
	int length = pg_mbcliplen(failure->message, (int) strlen(failure->message), MESSAGE_BYTES);

	if (flight->login)
		return psprintf("the login's answer could not be read (SQLSTATE %s)",
						unpack_sql_state(failure->sqlstate));
	return psprintf("the answer could not be recorded: %s: %.*s",
					unpack_sql_state(failure->sqlstate), length, failure->message);
}

/*
 * Records that recording failed.  Where even that fails the lease runs out,
 * and the request is sent again.
 */
static void
record_trouble(GlFlight *flight, const GlFailure *failure)
{
	bool with_answer = flight->result.kind == GL_HTTP_ANSWERED && !flight->login;
	Failed failed = {flight, describe_failure(flight, failure), false, with_answer};
	GlFailure second;

	if (is_passing(failure->sqlstate))
	{
		flight->record_at =
			gl_outbox_clock_ms() + (BUSY_DELAY_MS << Min(flight->busy, BUSY_DOUBLINGS));
		flight->busy++;
		return;
	}
	flight->trouble = true;
	if (gl_outbox_try(record_failure, &failed, &second))
		return;
	ereport(LOG,
			errmsg("ganje_logistics: the answer to request %s could not be recorded (SQLSTATE %s)",
				   flight->request_id, unpack_sql_state(second.sqlstate)));
	flight->verdict = "lost";
}

int64
gl_outbox_retry_delay(GlFlight *flight)
{
	const char *retry_after =
		flight->answered ? gl_http_header(&flight->result, "retry-after") : NULL;
	int attempt =
		flight->login ? gl_outbox_login_failures(flight->account_id) + 1 : flight->attempt;

	return gl_retry_delay_ms(attempt, flight->retry_base_ms, flight->retry_cap_ms,
							 pg_prng_uint32(&pg_global_prng_state), retry_after,
							 (int64) time(NULL));
}

text *
gl_outbox_kept_answer(const GlFlight *flight)
{
	return gl_outbox_redact(flight,
							gl_outbox_answer_excerpt(gl_outbox_answer_body(&flight->result)));
}

char *
gl_outbox_failure_text(const GlFlight *flight)
{
	return psprintf("%s%s: %s", flight->login ? "login: " : "",
					gl_http_kind_name(flight->result.kind), flight->result.message);
}

bool
gl_outbox_is_final(const GlFlight *flight)
{
	return flight->final || flight->result.kind == GL_HTTP_REFUSED_ADDRESS;
}

void
gl_outbox_record_within(GlFlight *flight)
{
	Failed failed = {flight, NULL, false, false};

	flight->verdict = NULL;
	flight->delay_ms = gl_outbox_retry_delay(flight);
	if (flight->result.kind == GL_HTTP_ANSWERED && flight->login)
		record_login(flight);
	else if (flight->result.kind == GL_HTTP_ANSWERED)
		record_answer(flight);
	else
	{
		failed.final = gl_outbox_is_final(flight);
		failed.error = gl_outbox_failure_text(flight);
		record_failure(&failed);
	}
}

/* As the work of gl_outbox_try. */
static void
record_within(void *flight)
{
	gl_outbox_record_within(flight);
}

void
gl_outbox_record_alone(GlFlight *flight)
{
	GlFailure failure = {0};

	if (gl_outbox_try(record_within, flight, &failure))
		return;
	flight->verdict = NULL;
	record_trouble(flight, &failure);
}
