/*-------------------------------------------------------------------------
 *
 * test_outbox_limits.c
 *	  The breaker, the token bucket, and the counters of carrier accounts,
 *	  on a clock that the test turns.
 *
 *-------------------------------------------------------------------------
 */
#include <string.h>

#include "check.h"
#include "outbox/breaker.h"
#include "outbox/rate.h"
#include "outbox/traffic.h"

/* The middle of the spread: pauses are what they are. */
#define EVEN 200

#define FOREVER INT64_MAX
#define PROBE_MS 5000

static const GlBreakerLimits limits = {3, 1000, 8000};

static GlBreaker
opened_at(int64_t now)
{
	GlBreaker breaker = {0};

	for (int i = 0; i < 3; i++)
		gl_breaker_note(&breaker, &limits, GL_BREAKER_BAD, false, now, EVEN);
	return breaker;
}

static int
take(GlBreaker *breaker, int64_t now, bool *probe, int64_t *wait_ms)
{
	*wait_ms = FOREVER;
	return gl_breaker_take(breaker, &limits, 10, now, PROBE_MS, probe, wait_ms);
}

static void
test_breaker_opens(void)
{
	GlBreaker breaker = {0};
	bool probe;
	int64_t wait_ms;

	CHECK(take(&breaker, 0, &probe, &wait_ms) == 10 && !probe && wait_ms == FOREVER);
	gl_breaker_note(&breaker, &limits, GL_BREAKER_BAD, false, 0, EVEN);
	gl_breaker_note(&breaker, &limits, GL_BREAKER_BAD, false, 0, EVEN);
	gl_breaker_note(&breaker, &limits, GL_BREAKER_NOTHING, false, 0, EVEN);
	CHECK(gl_breaker_state(&breaker, &limits, 0) == GL_BREAKER_CLOSED);
	/* in a row: an answer begins the count anew */
	gl_breaker_note(&breaker, &limits, GL_BREAKER_GOOD, false, 0, EVEN);
	CHECK(breaker.failures == 0);
	breaker = opened_at(50);
	CHECK(gl_breaker_state(&breaker, &limits, 50) == GL_BREAKER_OPEN);
	CHECK(take(&breaker, 100, &probe, &wait_ms) == 0 && !probe && wait_ms == 950);
	CHECK(gl_breaker_state(&breaker, &limits, 1049) == GL_BREAKER_OPEN);
	CHECK(gl_breaker_state(&breaker, &limits, 1050) == GL_BREAKER_HALF_OPEN);
}

/* One request at a time, and the pause doubles up to the cap. */
static void
test_breaker_probes(void)
{
	static const int64_t pauses[] = {2000, 4000, 8000, 8000, 8000};
	GlBreaker breaker = opened_at(0);
	int64_t now = 1000;
	int64_t wait_ms;
	bool probe;

	for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++)
	{
		CHECK(take(&breaker, now, &probe, &wait_ms) == 1 && probe);
		CHECK(take(&breaker, now + 1, &probe, &wait_ms) == 0 && !probe && wait_ms == PROBE_MS - 1);
		/* one that was on its way when it opened says nothing new */
		gl_breaker_note(&breaker, &limits, GL_BREAKER_BAD, false, now + 1, EVEN);
		CHECK(breaker.probe_until == now + PROBE_MS);
		gl_breaker_note(&breaker, &limits, GL_BREAKER_BAD, true, now + 10, EVEN);
		CHECK(breaker.open_until == now + 10 + pauses[i]);
		now = breaker.open_until;
	}
	CHECK(take(&breaker, now, &probe, &wait_ms) == 1 && probe);
	gl_breaker_note(&breaker, &limits, GL_BREAKER_GOOD, true, now, EVEN);
	CHECK(take(&breaker, now, &probe, &wait_ms) == 10 && !probe);
}

static void
test_breaker_lost_probe(void)
{
	GlBreaker breaker = opened_at(0);
	int64_t wait_ms;
	bool probe;

	CHECK(take(&breaker, 1000, &probe, &wait_ms) == 1 && probe);
	gl_breaker_skip(&breaker);
	CHECK(take(&breaker, 1000, &probe, &wait_ms) == 1 && probe);
	gl_breaker_note(&breaker, &limits, GL_BREAKER_NOTHING, true, 1000, EVEN);
	CHECK(take(&breaker, 1000, &probe, &wait_ms) == 1 && probe);
	/* nobody told what became of it */
	CHECK(take(&breaker, 1000 + PROBE_MS, &probe, &wait_ms) == 1 && probe);
}

/* An answer to a request that was on its way shows that the carrier is back. */
static void
test_breaker_straggler(void)
{
	GlBreaker breaker = opened_at(0);

	gl_breaker_note(&breaker, &limits, GL_BREAKER_GOOD, false, 10, EVEN);
	CHECK(gl_breaker_state(&breaker, &limits, 10) == GL_BREAKER_CLOSED);
}

static void
test_breaker_off(void)
{
	static const GlBreakerLimits none = {0, 1000, 8000};
	GlBreaker breaker = opened_at(0);
	int64_t wait_ms = FOREVER;
	bool probe;

	CHECK(gl_breaker_take(&breaker, &none, 7, 10, PROBE_MS, &probe, &wait_ms) == 7 && !probe);
	breaker = (GlBreaker){0};
	for (int i = 0; i < 100; i++)
		gl_breaker_note(&breaker, &none, GL_BREAKER_BAD, false, i, EVEN);
	CHECK(breaker.openings == 0);
}

static void
test_rate(void)
{
	GlBucket bucket = {0};
	int64_t wait_ms = FOREVER;

	/* one second's worth at once, then one every 100 ms */
	CHECK(gl_bucket_take(&bucket, 10, 100, 1, &wait_ms) == 10);
	CHECK(wait_ms == 101);
	CHECK(gl_bucket_take(&bucket, 10, 100, 60, &wait_ms) == 0);
	CHECK(gl_bucket_take(&bucket, 10, 100, 102, &wait_ms) == 1);
	wait_ms = FOREVER;
	CHECK(gl_bucket_take(&bucket, 10, 1, 302, &wait_ms) == 1 && wait_ms == FOREVER);
	gl_bucket_return(&bucket, 2);
	CHECK(gl_bucket_take(&bucket, 10, 3, 302, &wait_ms) == 3);
	/* no more than a second's worth is saved up */
	CHECK(gl_bucket_take(&bucket, 10, 100, 1000000, &wait_ms) == 10);
	CHECK(gl_bucket_take(&bucket, 10, -5, 1000000, &wait_ms) == 0);

	/* less than one a second: one, then none for long */
	bucket = (GlBucket){0};
	wait_ms = FOREVER;
	CHECK(gl_bucket_take(&bucket, 0.25, 5, 1, &wait_ms) == 1 && wait_ms == 4001);
	CHECK(gl_bucket_take(&bucket, 0.25, 5, 3999, &wait_ms) == 0);
	CHECK(gl_bucket_take(&bucket, 0.25, 5, 4002, &wait_ms) == 1);
}

static void
test_traffic(void)
{
	static GlTraffic traffic;
	uint64_t classes[GL_TRAFFIC_CLASSES];
	uint64_t latencies[GL_LATENCY_BUCKETS];
	int64_t now = INT64_C(1000) * GL_TRAFFIC_STEP_MS;

	gl_traffic_note(&traffic, GL_TRAFFIC_DELIVERED, 1, now);
	gl_traffic_note(&traffic, GL_TRAFFIC_DELIVERED, 70000, now + GL_TRAFFIC_STEP_MS);
	gl_traffic_note(&traffic, GL_TRAFFIC_NETWORK, -1, now + GL_TRAFFIC_STEP_MS);
	gl_traffic_sum(&traffic, 1, now + GL_TRAFFIC_STEP_MS, classes, latencies);
	CHECK(classes[GL_TRAFFIC_DELIVERED] == 1 && classes[GL_TRAFFIC_NETWORK] == 1);
	CHECK(latencies[0] == 0 && latencies[GL_LATENCY_BUCKETS - 1] == 1);
	gl_traffic_sum(&traffic, GL_TRAFFIC_STEPS, now + GL_TRAFFIC_STEP_MS, classes, latencies);
	CHECK(classes[GL_TRAFFIC_DELIVERED] == 2 && latencies[0] == 1);
	/* an hour later it is over, and its place is used again */
	gl_traffic_sum(&traffic, GL_TRAFFIC_STEPS, now + GL_TRAFFIC_STEPS * GL_TRAFFIC_STEP_MS, classes,
				   latencies);
	CHECK(classes[GL_TRAFFIC_DELIVERED] == 1 && latencies[0] == 0);
	gl_traffic_note(&traffic, GL_TRAFFIC_REFUSED, 3, now + GL_TRAFFIC_STEPS * GL_TRAFFIC_STEP_MS);
	gl_traffic_sum(&traffic, GL_TRAFFIC_STEPS, now + GL_TRAFFIC_STEPS * GL_TRAFFIC_STEP_MS, classes,
				   latencies);
	CHECK(classes[GL_TRAFFIC_DELIVERED] == 1 && classes[GL_TRAFFIC_REFUSED] == 1);
	CHECK(traffic.classes[GL_TRAFFIC_DELIVERED] == 2 && traffic.elapsed_ms == 70004);
}

static void
test_quantiles(void)
{
	uint64_t latencies[GL_LATENCY_BUCKETS] = {0};

	CHECK(gl_latency_quantile(latencies, 0.5) < 0);
	latencies[2] = 100; /* 2 to 5 ms */
	CHECK(gl_latency_quantile(latencies, 0.5) == 3.5);
	CHECK(gl_latency_quantile(latencies, 1.0) == 5);
	latencies[GL_LATENCY_BUCKETS - 1] = 100;
	CHECK(gl_latency_quantile(latencies, 0.99) == 60000);
	CHECK(gl_latency_quantile(latencies, 0.5) == 5);
}

/* Bounds are inclusive, as OpenMetrics has it. */
static void
test_bounds(void)
{
	for (int i = 0; i < GL_LATENCY_BUCKETS - 1; i++)
	{
		GlTraffic traffic;

		memset(&traffic, 0, sizeof(traffic));
		gl_traffic_note(&traffic, GL_TRAFFIC_DELIVERED, (int64_t) gl_latency_bounds[i], 1);
		gl_traffic_note(&traffic, GL_TRAFFIC_DELIVERED, (int64_t) gl_latency_bounds[i] + 1, 1);
		CHECK(traffic.latencies[i] == 1 && traffic.latencies[i + 1] == 1);
	}
}

int
main(void)
{
	test_breaker_opens();
	test_breaker_probes();
	test_breaker_lost_probe();
	test_breaker_straggler();
	test_breaker_off();
	test_rate();
	test_traffic();
	test_quantiles();
	test_bounds();
	return check_report("outbox_limits");
}
