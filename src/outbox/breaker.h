/*-------------------------------------------------------------------------
 *
 * breaker.h
 *	  A circuit breaker: a carrier that keeps failing is left alone for a
 *	  while, then asked by one request.
 *
 * Pure.  Times are milliseconds of a clock that no one sets.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_OUTBOX_BREAKER_H
#define GL_OUTBOX_BREAKER_H

#include "pure.h"

typedef enum GlBreakerState
{
	GL_BREAKER_CLOSED,   /* requests go */
	GL_BREAKER_OPEN,     /* they wait */
	GL_BREAKER_HALF_OPEN /* the pause is over: one request is tried, or may be */
} GlBreakerState;

/* What a request taught about its carrier. */
typedef enum GlBreakerNews
{
	GL_BREAKER_GOOD,   /* it answers */
	GL_BREAKER_BAD,    /* network error, timeout, 5xx, or its function fails */
	GL_BREAKER_NOTHING /* the carrier was not asked */
} GlBreakerNews;

typedef struct GlBreakerLimits
{
	int failures;     /* in a row that open it; 0: it never opens */
	int64_t pause_ms; /* the first pause; each further one is twice as long */
	int64_t cap_ms;
} GlBreakerLimits;

/* All zero is closed. */
typedef struct GlBreaker
{
	int failures; /* in a row */
	int openings; /* in a row; 0: closed */
	int64_t open_until;
	int64_t probe_until; /* a request is being tried, until then at most; 0: none is */
} GlBreaker;

extern GlBreakerState gl_breaker_state(const GlBreaker *breaker, const GlBreakerLimits *limits,
									   int64_t now);

/*
 * How many of "most" requests may go; where *probe is set, one, which is to
 * be told of by gl_breaker_note as the probe within probe_ms, or given back
 * by gl_breaker_skip.  *wait_ms is lowered to the time when to ask again.
 */
extern int gl_breaker_take(GlBreaker *breaker, const GlBreakerLimits *limits, int most, int64_t now,
						   int64_t probe_ms, bool *probe, int64_t *wait_ms);

/* The probe was not sent after all. */
extern void gl_breaker_skip(GlBreaker *breaker);

/* What a request taught; random spreads the pauses. */
extern void gl_breaker_note(GlBreaker *breaker, const GlBreakerLimits *limits, GlBreakerNews news,
							bool probe, int64_t now, uint32_t random);

#endif /* GL_OUTBOX_BREAKER_H */
