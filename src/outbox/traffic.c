/*-------------------------------------------------------------------------
 *
 * traffic.c
 *	  Counters and a histogram per account.
 *
 * Nothing is written per request but a few counters in memory: rates and
 * latencies are for looking at, and the log has what must be kept.
 *
 *-------------------------------------------------------------------------
 */
#include "outbox/traffic.h"

#include <string.h>

const double gl_latency_bounds[GL_LATENCY_BUCKETS - 1] = {
	1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000};

const char *
gl_traffic_class_name(GlTrafficClass class)
{
	static const char *const names[GL_TRAFFIC_CLASSES] = {
		"delivered", "refused", "throttled", "server_error", "network", "timeout", "other"};

	return names[class];
}

/* The step of a time, emptied where it was last used an hour ago or more. */
static GlTrafficStep *
step_of(GlTraffic *traffic, int64_t now)
{
	int64_t number = now / GL_TRAFFIC_STEP_MS;
	GlTrafficStep *step = &traffic->steps[number % GL_TRAFFIC_STEPS];

	if (step->number != number)
	{
		memset(step, 0, sizeof(GlTrafficStep));
		step->number = number;
	}
	return step;
}

static int
bucket_of(int64_t elapsed_ms)
{
	int bucket = 0;

	while (bucket < GL_LATENCY_BUCKETS - 1 && (double) elapsed_ms > gl_latency_bounds[bucket])
		bucket++;
	return bucket;
}

void
gl_traffic_note(GlTraffic *traffic, GlTrafficClass class, int64_t elapsed_ms, int64_t now)
{
	GlTrafficStep *step = step_of(traffic, now);

	traffic->classes[class]++;
	step->classes[class]++;
	if (elapsed_ms >= 0)
	{
		int bucket = bucket_of(elapsed_ms);

		traffic->latencies[bucket]++;
		step->latencies[bucket]++;
		traffic->elapsed_ms += (uint64_t) elapsed_ms;
	}
}

void
gl_traffic_sum(const GlTraffic *traffic, int steps, int64_t now,
			   uint64_t classes[GL_TRAFFIC_CLASSES], uint64_t latencies[GL_LATENCY_BUCKETS])
{
	int64_t last = now / GL_TRAFFIC_STEP_MS;

	memset(classes, 0, sizeof(uint64_t) * GL_TRAFFIC_CLASSES);
	memset(latencies, 0, sizeof(uint64_t) * GL_LATENCY_BUCKETS);
	for (int i = 0; i < GL_TRAFFIC_STEPS; i++)
	{
		const GlTrafficStep *step = &traffic->steps[i];

		if (step->number > last - steps && step->number <= last)
		{
			for (int c = 0; c < GL_TRAFFIC_CLASSES; c++)
				classes[c] += step->classes[c];
			for (int b = 0; b < GL_LATENCY_BUCKETS; b++)
				latencies[b] += step->latencies[b];
		}
	}
}

double
gl_latency_quantile(const uint64_t latencies[GL_LATENCY_BUCKETS], double share)
{
	uint64_t total = 0;
	uint64_t below = 0;
	int bucket = 0;
	double low;
	double high;

	for (int b = 0; b < GL_LATENCY_BUCKETS; b++)
		total += latencies[b];
	if (total == 0)
		return -1;
	while (bucket < GL_LATENCY_BUCKETS - 1 &&
		   (double) (below + latencies[bucket]) < share * (double) total)
		below += latencies[bucket++];
	/* Of what is beyond the last bound no more is known. */
	if (bucket == GL_LATENCY_BUCKETS - 1)
		return gl_latency_bounds[bucket - 1];
	low = bucket > 0 ? gl_latency_bounds[bucket - 1] : 0;
	high = gl_latency_bounds[bucket];
	return low +
		   (high - low) * (share * (double) total - (double) below) / (double) latencies[bucket];
}
