/*-------------------------------------------------------------------------
 *
 * record_batch.c
 *	  Writes down with one statement what came of many requests.
 *
 * What is delivered and means nothing to its carrier's functions moves to the
 * log; what failed, whatever its carrier says, waits for its next try; what
 * was not sent after all is given back.  A statement that does not find every
 * lease, or waits for somebody's lock, is undone: row by row it shows whose
 * fault it was.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "http/retry.h"
#include "outbox/outbox.h"

/* Of any of the statements. */
#define MOST_PARAMETERS 11

/* Flights that are recorded by one statement, and its parameters. */
typedef struct Batch
{
	void (*work)(void *batch); /* that may fail */
	GlFlight **flights;
	int count;
	const char *verdict; /* of all of them; NULL: each has its own */
	GlStatement statement;
	int parameters;
	Oid types[MOST_PARAMETERS];
	Datum *values[MOST_PARAMETERS]; /* a column of flights each */
	bool *nulls[MOST_PARAMETERS];
} Batch;

/* Sets a parameter of the flight that comes next. */
static void
put(Batch *batch, int parameter, Oid type, Datum value)
{
	batch->types[parameter] = type;
	batch->values[parameter][batch->count] = value;
	batch->parameters = Max(batch->parameters, parameter + 1);
}

static void
put_text(Batch *batch, int parameter, const char *value)
{
	put(batch, parameter, TEXTOID, CStringGetTextDatum(value));
}

static void
put_null(Batch *batch, int parameter, Oid type)
{
	put(batch, parameter, type, (Datum) 0);
	batch->nulls[parameter][batch->count] = true;
}

/* The first three parameters of every statement: the flight and its lease. */
static void
put_lease(Batch *batch, GlFlight *flight)
{
	put_text(batch, 0, flight->merchant_id);
	put_text(batch, 1, flight->request_id);
	put_text(batch, 2, flight->lease_token);
	batch->flights[batch->count] = flight;
}

/* A column as an array of SQL. */
static Datum
make_array(const Batch *batch, int parameter)
{
	Oid type = batch->types[parameter];
	int dimensions[] = {batch->count};
	int lower_bounds[] = {1};
	int16 length;
	bool by_value;
	char alignment;

	get_typlenbyvalalign(type, &length, &by_value, &alignment);
	return PointerGetDatum(construct_md_array(batch->values[parameter], batch->nulls[parameter], 1,
											  dimensions, lower_bounds, type, length, by_value,
											  alignment));
}

/* Moves them to the log, which takes no statement. */
static void
log_delivered(void *argument)
{
	Batch *batch = argument;

	gl_outbox_log_delivered(batch->flights, batch->count);
}

/* Runs their statement. */
static void
execute(void *argument)
{
	Batch *batch = argument;
	Datum values[MOST_PARAMETERS];

	for (int i = 0; i < batch->parameters; i++)
		values[i] = make_array(batch, i);
	gl_outbox_execute(batch->statement, values, NULL);
	/* only row by row it shows which leases are over; who gives his back need not know */
	if (batch->statement != GL_STATEMENT_GIVE_BACK && SPI_processed != (uint64) batch->count)
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg_internal("recorded " UINT64_FORMAT " of %d requests", SPI_processed,
								batch->count));
}

static void
begin_batch(Batch *batch, GlStatement statement, const char *verdict, int most)
{
	memset(batch, 0, sizeof(*batch));
	batch->work = execute;
	batch->flights = palloc(sizeof(GlFlight *) * most);
	batch->statement = statement;
	batch->verdict = verdict;
	for (int i = 0; i < MOST_PARAMETERS; i++)
	{
		batch->values[i] = palloc(sizeof(Datum) * most);
		batch->nulls[i] = palloc0(sizeof(bool) * most);
	}
}

/* Records a batch; where it cannot be, its flights have no verdict. */
static bool
end_batch(Batch *batch)
{
	GlFailure failure;

	if (batch->count == 0 || !gl_outbox_try(batch->work, batch, &failure))
		return false;
	for (int i = 0; i < batch->count; i++)
	{
		GlFlight *flight = batch->flights[i];

		if (batch->verdict != NULL)
			flight->verdict = batch->verdict;
		else
			flight->verdict = gl_outbox_is_final(flight) ? "failed" : "retry";
	}
	return true;
}

/* Does its answer ask for nothing but a place in the log? */
static bool
is_delivered(const GlFlight *flight)
{
	return flight->result.kind == GL_HTTP_ANSWERED && flight->handling != GL_HANDLING_CARRIER &&
		   flight->result.status >= 200 && flight->result.status <= 299 && !flight->login &&
		   !flight->ask && !flight->poll;
}

/* Has it failed in a way that only the outbox needs to know of? */
static bool
is_failed(const GlFlight *flight)
{
	return (flight->result.kind != GL_HTTP_ANSWERED || gl_retry_status(flight->result.status)) &&
		   flight->handling != GL_HANDLING_SUBSCRIBER && !flight->login && !flight->poll;
}

static void
add_failed(Batch *batch, GlFlight *flight)
{
	bool answered = flight->result.kind == GL_HTTP_ANSWERED;

	flight->delay_ms = gl_outbox_retry_delay(flight);
	put_lease(batch, flight);
	put(batch, 3, BOOLOID, BoolGetDatum(!answered && gl_outbox_is_final(flight)));
	put(batch, 4, INT8OID, Int64GetDatum(flight->delay_ms));
	put(batch, 5, TIMESTAMPTZOID, TimestampTzGetDatum(flight->started_at));
	put(batch, 6, INT4OID, Int32GetDatum((int32) flight->result.elapsed_ms));
	if (flight->result.status == 0)
		put_null(batch, 7, INT4OID);
	else
		put(batch, 7, INT4OID, Int32GetDatum(flight->result.status));
	if (answered)
	{
		put_text(batch, 8, psprintf("the carrier answered %d", flight->result.status));
		put(batch, 9, TEXTOID, PointerGetDatum(gl_outbox_kept_answer(flight)));
	}
	else
	{
		put_text(batch, 8, gl_outbox_failure_text(flight));
		put_null(batch, 9, TEXTOID);
	}
	put(batch, 10, BOOLOID, BoolGetDatum(gl_outbox_is_lost(flight)));
	batch->count++;
}

/* Tells the subscriptions of delivered notifications. */
static void
note_accepted(void *argument)
{
	Batch *batch = argument;
	Datum values[1];

	values[0] = make_array(batch, 0);
	gl_outbox_execute(GL_STATEMENT_ACCEPTED, values, NULL);
}

/* One that is locked by somebody learns of the next delivery. */
static void
tell_subscriptions(const Batch *delivered)
{
	Batch batch;
	GlFailure failure;

	begin_batch(&batch, GL_STATEMENT_ACCEPTED, NULL, delivered->count);
	for (int i = 0; i < delivered->count; i++)
	{
		if (delivered->flights[i]->handling != GL_HANDLING_SUBSCRIBER)
			continue;
		put_text(&batch, 0, delivered->flights[i]->account_id);
		batch.count++;
	}
	if (batch.count > 0)
		(void) gl_outbox_try(note_accepted, &batch, &failure);
}

void
gl_outbox_record_batches(GlFlight **flights, int count)
{
	Batch delivered = {.work = log_delivered, .verdict = "delivered"};
	Batch failed;
	Batch given_back;

	if (count == 0)
		return;
	delivered.flights = palloc(sizeof(GlFlight *) * count);
	begin_batch(&failed, GL_STATEMENT_FAILED, NULL, count);
	begin_batch(&given_back, GL_STATEMENT_GIVE_BACK, "unsent", count);
	for (int i = 0; i < count; i++)
	{
		GlFlight *flight = flights[i];

		if (flight->unsent)
		{
			put_lease(&given_back, flight);
			given_back.count++;
		}
		else if (flight->busy == 0 && is_delivered(flight))
			delivered.flights[delivered.count++] = flight;
		else if (flight->busy == 0 && is_failed(flight))
			add_failed(&failed, flight);
	}
	if (end_batch(&delivered))
		tell_subscriptions(&delivered);
	(void) end_batch(&failed);
	if (!end_batch(&given_back))
	{
		/* their leases run out */
		for (int i = 0; i < given_back.count; i++)
			given_back.flights[i]->verdict = "lost";
	}
}
