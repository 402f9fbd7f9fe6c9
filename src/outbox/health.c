/*-------------------------------------------------------------------------
 *
 * health.c
 *	  What the workers know of carrier accounts, for people to look at.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "compat.h"
#include "outbox/account.h"
#include "outbox/outbox.h"

GL_FUNCTION(gl_account_traffic);
GL_FUNCTION(gl_account_close_breaker);
GL_FUNCTION(gl_account_keep);
GL_FUNCTION(gl_traffic_class_names);
GL_FUNCTION(gl_latency_bounds_sql);

/* Columns of ganje.account_traffic(). */
enum
{
	BREAKER,
	BREAKER_UNTIL,
	FAILURES,
	TOTAL,
	HOUR,
	PER_MINUTE,
	LATENCIES,
	LATENCY_SECONDS,
	P50,
	P95,
	P99,
	LAST_ERROR,
	LAST_ERROR_AT,
	COLUMNS
};

/* Steps that "recent" is: the one that is going on, and the one before. */
#define RECENT_STEPS 2

static Datum
make_array(const uint64 *values, int count)
{
	Datum *elements = palloc(sizeof(Datum) * count);

	for (int i = 0; i < count; i++)
		elements[i] = Int64GetDatum((int64) values[i]);
	return PointerGetDatum(
		construct_array(elements, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static void
put_breaker(const GlAccount *account, int64 now, Datum *values, bool *nulls)
{
	static const char *const words[] = {"closed", "open", "half-open"};
	GlBreakerState state = gl_breaker_state(&account->breaker, &account->limits.breaker, now);

	values[BREAKER] = CStringGetTextDatum(words[state]);
	nulls[BREAKER_UNTIL] = state != GL_BREAKER_OPEN;
	values[BREAKER_UNTIL] = TimestampTzGetDatum(
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(), account->breaker.open_until - now));
	values[FAILURES] = Int32GetDatum(account->breaker.failures);
}

static void
put_traffic(const GlAccount *account, int64 now, Datum *values, bool *nulls)
{
	static const double shares[] = {0.5, 0.95, 0.99};
	uint64 classes[GL_TRAFFIC_CLASSES];
	uint64 latencies[GL_LATENCY_BUCKETS];
	uint64 recent = 0;
	int64 recent_ms = (RECENT_STEPS - 1) * GL_TRAFFIC_STEP_MS + Max(now % GL_TRAFFIC_STEP_MS, 1);

	values[TOTAL] = make_array(account->traffic.classes, GL_TRAFFIC_CLASSES);
	values[LATENCIES] = make_array(account->traffic.latencies, GL_LATENCY_BUCKETS);
	values[LATENCY_SECONDS] = Float8GetDatum((double) account->traffic.elapsed_ms / 1000);
	gl_traffic_sum(&account->traffic, RECENT_STEPS, now, classes, latencies);
	for (int i = 0; i < GL_TRAFFIC_CLASSES; i++)
		recent += classes[i];
	values[PER_MINUTE] = Float8GetDatum((double) recent * 60000 / (double) recent_ms);
	gl_traffic_sum(&account->traffic, GL_TRAFFIC_STEPS, now, classes, latencies);
	values[HOUR] = make_array(classes, GL_TRAFFIC_CLASSES);
	for (int i = 0; i < (int) lengthof(shares); i++)
	{
		double quantile = gl_latency_quantile(latencies, shares[i]);

		values[P50 + i] = Float8GetDatum(quantile);
		nulls[P50 + i] = quantile < 0;
	}
}

/*
 * What is known of an account; for one that sent nothing since the server
 * began, a row of zeros.
 */
Datum
gl_account_traffic(PG_FUNCTION_ARGS)
{
	GlAccount *copy = palloc0(sizeof(GlAccount));
	GlAccount *account = gl_account_lock(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	int64 now = gl_outbox_clock_ms();
	Datum values[COLUMNS] = {0};
	bool nulls[COLUMNS] = {false};
	TupleDesc descriptor;

	if (account != NULL)
	{
		memcpy(copy, account, sizeof(GlAccount));
		gl_account_unlock(account);
	}
	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	put_breaker(copy, now, values, nulls);
	put_traffic(copy, now, values, nulls);
	nulls[LAST_ERROR] = nulls[LAST_ERROR_AT] = copy->last_error_at == 0;
	values[LAST_ERROR] = CStringGetTextDatum(copy->last_error);
	values[LAST_ERROR_AT] = TimestampTzGetDatum(copy->last_error_at);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}

/* The account is tried at once; true where its breaker was not closed. */
Datum
gl_account_close_breaker(PG_FUNCTION_ARGS)
{
	GlAccount *account = gl_account_lock(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	bool closed = false;

	if (account != NULL)
	{
		closed = account->breaker.openings > 0;
		account->breaker = (GlBreaker){0};
		gl_account_unlock(account);
	}
	PG_RETURN_BOOL(closed);
}

/* Forgets what is known of accounts that are not in the list. */
Datum
gl_account_keep(PG_FUNCTION_ARGS)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(0);
	Datum *elements;
	const char **ids;
	int count;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &count);
	ids = palloc(sizeof(char *) * Max(count, 1));
	for (int i = 0; i < count; i++)
		ids[i] = TextDatumGetCString(elements[i]);
	gl_account_keep_only(ids, count);
	PG_RETURN_VOID();
}

/* The words for what became of requests, in the order of the counters. */
Datum
gl_traffic_class_names(PG_FUNCTION_ARGS)
{
	Datum names[GL_TRAFFIC_CLASSES];

	for (int i = 0; i < GL_TRAFFIC_CLASSES; i++)
		names[i] = CStringGetTextDatum(gl_traffic_class_name(i));
	PG_RETURN_ARRAYTYPE_P(
		construct_array(names, GL_TRAFFIC_CLASSES, TEXTOID, -1, false, TYPALIGN_INT));
}

/* The bounds of the latencies' buckets but the last, in milliseconds. */
Datum
gl_latency_bounds_sql(PG_FUNCTION_ARGS)
{
	Datum bounds[GL_LATENCY_BUCKETS - 1];

	for (int i = 0; i < GL_LATENCY_BUCKETS - 1; i++)
		bounds[i] = Float8GetDatum(gl_latency_bounds[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(bounds, GL_LATENCY_BUCKETS - 1, FLOAT8OID, sizeof(float8),
										  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
