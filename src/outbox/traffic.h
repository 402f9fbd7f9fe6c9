/*-------------------------------------------------------------------------
 *
 * traffic.h
 *	  What became of an account's requests, and how long they took: since the
 *	  server began, and in the last hour.
 *
 * Pure.  Times are milliseconds of a clock that no one sets.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_OUTBOX_TRAFFIC_H
#define GL_OUTBOX_TRAFFIC_H

#include "pure.h"

/* What became of a request; gl_traffic_class_name has the words. */
typedef enum GlTrafficClass
{
	GL_TRAFFIC_DELIVERED,
	GL_TRAFFIC_REFUSED,      /* the carrier says no: 4xx, or in its own words */
	GL_TRAFFIC_THROTTLED,    /* 408, 425, 429: later */
	GL_TRAFFIC_SERVER_ERROR, /* 5xx */
	GL_TRAFFIC_NETWORK,      /* no connection, or one that broke */
	GL_TRAFFIC_TIMEOUT,
	GL_TRAFFIC_OTHER, /* not sent, or the carrier's SQL function raised */
	GL_TRAFFIC_CLASSES
} GlTrafficClass;

/* The last bucket is for what takes longer than the last bound. */
#define GL_LATENCY_BUCKETS 16

/* An hour in steps. */
#define GL_TRAFFIC_STEPS 12
#define GL_TRAFFIC_STEP_MS (5 * 60 * 1000)

typedef struct GlTrafficStep
{
	int64_t number; /* of the step, by the clock */
	uint32_t classes[GL_TRAFFIC_CLASSES];
	uint32_t latencies[GL_LATENCY_BUCKETS];
} GlTrafficStep;

typedef struct GlTraffic
{
	uint64_t classes[GL_TRAFFIC_CLASSES];
	uint64_t latencies[GL_LATENCY_BUCKETS];
	uint64_t elapsed_ms; /* sum of what is in latencies */
	GlTrafficStep steps[GL_TRAFFIC_STEPS];
} GlTraffic;

/* Upper bounds of the buckets but the last, in milliseconds. */
extern const double gl_latency_bounds[GL_LATENCY_BUCKETS - 1];

extern const char *gl_traffic_class_name(GlTrafficClass class);

/* Counts a request; elapsed_ms < 0: it was not answered, and has no latency. */
extern void gl_traffic_note(GlTraffic *traffic, GlTrafficClass class, int64_t elapsed_ms,
							int64_t now);

/* Adds up the last steps, the one that is going on among them. */
extern void gl_traffic_sum(const GlTraffic *traffic, int steps, int64_t now,
						   uint64_t classes[GL_TRAFFIC_CLASSES],
						   uint64_t latencies[GL_LATENCY_BUCKETS]);

/*
 * The latency that a share of the requests (0 < share <= 1) keep below, by
 * interpolation within its bucket; negative where nothing was counted.
 */
extern double gl_latency_quantile(const uint64_t latencies[GL_LATENCY_BUCKETS], double share);

#endif /* GL_OUTBOX_TRAFFIC_H */
