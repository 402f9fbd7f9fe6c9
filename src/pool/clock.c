/*-------------------------------------------------------------------------
 *
 * clock.c
 *	  A zone's clock, and the days of a horizon on it.
 *
 * The caller gives one function, the offset at a UTC instant, since that is
 * what a time zone library can tell without doubt.  The way back, from local
 * time, is derived here, so that skipped and ambiguous times are decided in
 * one place.
 *
 *-------------------------------------------------------------------------
 */
#include "pool/schedule.h"

#include <math.h>
#include <stdio.h>

#define SECONDS_PER_DAY 86400
#define MICROSECONDS 1000000

/* The quotient rounded towards minus infinity, for times before 1970. */
static int64_t
floor_divide(int64_t dividend, int64_t divisor)
{
	int64_t quotient = dividend / divisor;

	return quotient * divisor > dividend ? quotient - 1 : quotient;
}

/* Seconds east of UTC at an instant. */
static int
clock_offset(const GlClock *clock, int64_t utc_seconds)
{
	if (clock->offset_at == NULL)
		return clock->offset_seconds;
	return clock->offset_at(clock->context, utc_seconds);
}

/* A fixed number of hours; no place on earth is further than 14 hours from UTC. */
GlStatus
gl_clock_fixed(double hours, GlClock *clock, GlError *error)
{
	if (!(hours >= -16 && hours <= 16))
	{
		error->where = -1;
		snprintf(error->message, sizeof(error->message),
				 "a time zone lies between -16 and 16 hours from UTC");
		return GL_INVALID;
	}
	clock->offset_at = NULL;
	clock->context = NULL;
	clock->offset_seconds = (int) lround(hours * 3600);
	return GL_OK;
}

/* Local seconds at a UTC instant. */
int64_t
gl_clock_local(const GlClock *clock, int64_t utc_seconds)
{
	return utc_seconds + clock_offset(clock, utc_seconds);
}

/*
 * UTC seconds of a local minute. The offsets a day before and a day after
 * bracket the change, if there is one: the earlier offset is right before the
 * change, gives the first of two ambiguous instants, and moves a skipped time
 * forward by the gap; only where it is refuted is the later offset taken.
 */
int64_t
gl_clock_utc(const GlClock *clock, GlMinute local, bool *exists)
{
	int64_t seconds = local * 60;
	int before = clock_offset(clock, seconds - SECONDS_PER_DAY);
	int after = clock_offset(clock, seconds + SECONDS_PER_DAY);
	int64_t early = seconds - before;
	int64_t late = seconds - after;

	if (exists != NULL)
		*exists = true;
	if (before == after || gl_clock_local(clock, early) == seconds)
		return early;
	if (gl_clock_local(clock, late) == seconds)
		return late;
	if (exists != NULL)
		*exists = false;
	return early;
}

/*
 * The days of a horizon; see schedule.h. A day "changes" when adding minutes
 * to its midnight would not do for one of its slots, which may end late on
 * the day after: so its midnight is compared with that of two days later. (A
 * midnight that is skipped differs too: it is taken at the earlier offset.)
 */
GlStatus
gl_horizon_build(const GlClock *clock, int64_t now_us, int days, const GlArena *arena,
				 GlHorizon *horizon, GlError *error)
{
	int count = days + 4; /* yesterday, today, days, and two beyond to compare with */
	int i;

	if (days < 0 || days > GL_SCHEDULE_DAYS_MAX)
	{
		error->where = -1;
		snprintf(error->message, sizeof(error->message), "days lies between 0 and %d",
				 GL_SCHEDULE_DAYS_MAX);
		return GL_INVALID;
	}
	horizon->clock = clock;
	horizon->now_us = now_us;
	horizon->now = floor_divide(now_us, MICROSECONDS);
	horizon->today = floor_divide(gl_clock_local(clock, horizon->now), SECONDS_PER_DAY);
	horizon->days = days;
	horizon->day = arena->alloc(arena->context, sizeof(GlHorizonDay) * (size_t) count);
	if (horizon->day == NULL)
		return GL_NO_MEMORY;
	for (i = 0; i < count; i++)
	{
		int64_t date = horizon->today - 1 + i;
		int64_t weekday = date + 3 - 7 * floor_divide(date + 3, 7); /* 1970-01-01: Thursday */

		horizon->day[i].midnight = gl_clock_utc(clock, date * GL_MINUTES_PER_DAY, NULL);
		horizon->day[i].iso_day = (int) weekday + 1;
		horizon->day[i].changes = false;
	}
	for (i = 0; i < count - 2; i++)
	{
		if (horizon->day[i + 2].midnight - horizon->day[i].midnight != 2 * SECONDS_PER_DAY)
			horizon->day[i].changes = true;
	}
	return GL_OK;
}
