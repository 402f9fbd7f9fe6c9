/*-------------------------------------------------------------------------
 *
 * breaker.c
 *	  When a carrier is left alone, and when it is tried again.
 *
 * Retries spread the load of one request; a carrier that is down has
 * thousands, each of which would hold a connection until its timeout and
 * spend its attempts on nothing.  So after some failures in a row the
 * account's requests wait, untried, and one of them is sent after a pause.
 * Its answer, of whatever kind, closes the breaker.
 *
 * Requests that were on their way when it opened do not make the pause
 * longer; one that is answered shows that the carrier is back.
 *
 *-------------------------------------------------------------------------
 */
#include "outbox/breaker.h"

#include "http/retry.h"

GlBreakerState
gl_breaker_state(const GlBreaker *breaker, const GlBreakerLimits *limits, int64_t now)
{
	if (limits->failures == 0 || breaker->openings == 0)
		return GL_BREAKER_CLOSED;
	return now < breaker->open_until ? GL_BREAKER_OPEN : GL_BREAKER_HALF_OPEN;
}

static void
lower(int64_t *wait_ms, int64_t value)
{
	if (value < *wait_ms)
		*wait_ms = value;
}

int
gl_breaker_take(GlBreaker *breaker, const GlBreakerLimits *limits, int most, int64_t now,
				int64_t probe_ms, bool *probe, int64_t *wait_ms)
{
	*probe = false;
	switch (gl_breaker_state(breaker, limits, now))
	{
		case GL_BREAKER_CLOSED:
			return most;
		case GL_BREAKER_OPEN:
			lower(wait_ms, breaker->open_until - now);
			return 0;
		case GL_BREAKER_HALF_OPEN:
			break;
	}
	if (now < breaker->probe_until)
	{
		lower(wait_ms, breaker->probe_until - now);
		return 0;
	}
	if (most <= 0)
		return 0;
	breaker->probe_until = now + probe_ms;
	*probe = true;
	return 1;
}

void
gl_breaker_skip(GlBreaker *breaker)
{
	breaker->probe_until = 0;
}

/* The carrier is left alone, the longer the more often it was in vain. */
static void
open_breaker(GlBreaker *breaker, const GlBreakerLimits *limits, int64_t now, uint32_t random)
{
	breaker->openings++;
	breaker->probe_until = 0;
	breaker->open_until = now + gl_retry_delay_ms(breaker->openings, limits->pause_ms,
												  limits->cap_ms, random, NULL, 0);
}

void
gl_breaker_note(GlBreaker *breaker, const GlBreakerLimits *limits, GlBreakerNews news, bool probe,
				int64_t now, uint32_t random)
{
	switch (news)
	{
		case GL_BREAKER_GOOD:
			*breaker = (GlBreaker){0};
			break;
		case GL_BREAKER_BAD:
			breaker->failures++;
			if (limits->failures > 0 &&
				(probe || (breaker->openings == 0 && breaker->failures >= limits->failures)))
				open_breaker(breaker, limits, now, random);
			break;
		case GL_BREAKER_NOTHING:
			if (probe)
				gl_breaker_skip(breaker);
			break;
	}
}
