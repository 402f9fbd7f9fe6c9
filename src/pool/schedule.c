/*-------------------------------------------------------------------------
 *
 * schedule.c
 *	  Which slots of a rule are open now, and if none, why.
 *
 * Dates run from today to today + days.  A window of yesterday's date that
 * runs past midnight is therefore not offered any more for RESERVED, CARGO
 * and SELF, even while its end is still to come: what is offered carries a
 * date, and yesterday is not a date one can choose.  ON_DEMAND promises a time
 * from now on, not a date, so yesterday's window serves it until it closes,
 * if yesterday's day matches.
 *
 *-------------------------------------------------------------------------
 */
#include "pool/schedule.h"

#define YESTERDAY 0 /* indexes of GlHorizon.day */
#define TODAY 1

/* Whether the rule runs on that day of the horizon. */
static bool
day_matches(const GlTiming *timing, const GlHorizon *horizon, int day)
{
	return timing->days == 0 || (timing->days & (1u << (horizon->day[day].iso_day - 1))) != 0;
}

/* UTC seconds of a minute (0 .. 2879) counted from the local midnight of a day. */
static int64_t
instant_of(const GlHorizon *horizon, int day, int minute)
{
	int64_t date = horizon->today + day - TODAY;

	if (!horizon->day[day].changes)
		return horizon->day[day].midnight + (int64_t) minute * 60;
	return gl_clock_utc(horizon->clock, date * GL_MINUTES_PER_DAY + minute, NULL);
}

/* The minute a slot ends, counted from the midnight of the day it starts. */
static int
end_minute(const GlSlot *slot)
{
	return slot->to <= slot->from ? slot->to + GL_MINUTES_PER_DAY : slot->to;
}

/* The UTC second from which a slot of that day takes no more orders. */
static int64_t
closing_of(const GlTiming *timing, const GlHorizon *horizon, int day, const GlSlot *slot)
{
	int minute = timing->kind == GL_SCHEDULE_RESERVED ? slot->from : end_minute(slot);

	return instant_of(horizon, day, minute) - (int64_t) timing->cutoff * 60;
}

/* Whether there is no slot to choose: then the days alone decide. */
static bool
is_slotless(const GlTiming *timing)
{
	return timing->kind == GL_SCHEDULE_ON_DEMAND ? !timing->has_time : timing->slot_count == 0;
}

/* The first matching day of the horizon, or -1. */
static int
first_day(const GlTiming *timing, const GlHorizon *horizon)
{
	int last = timing->kind == GL_SCHEDULE_ON_DEMAND ? TODAY : TODAY + horizon->days;
	int day;

	for (day = TODAY; day <= last; day++)
	{
		if (day_matches(timing, horizon, day))
			return day;
	}
	return -1;
}

/* Minutes since the local epoch of a UTC second, rounded up. */
static GlMinute
minute_up(const GlHorizon *horizon, int64_t utc_seconds)
{
	int64_t local = gl_clock_local(horizon->clock, utc_seconds);
	int64_t minute = local / 60;

	return minute * 60 < local ? minute + 1 : minute;
}

/*
 * [now, now + in], both rounded up to the minute, so that the promise keeps
 * its length. The date is that of its rounded start.
 */
static GlOpenSlot
promise(const GlTiming *timing, const GlHorizon *horizon)
{
	int64_t now = horizon->now + (horizon->now_us > horizon->now * 1000000 ? 1 : 0);
	GlMinute from = minute_up(horizon, now);
	GlMinute to = minute_up(horizon, now + (int64_t) timing->time_in * 60);
	GlOpenSlot slot;

	slot.date = from / GL_MINUTES_PER_DAY;
	if (slot.date * GL_MINUTES_PER_DAY > from)
		slot.date--;
	slot.from = (int) (from - slot.date * GL_MINUTES_PER_DAY);
	slot.to = (int) ((to - slot.date * GL_MINUTES_PER_DAY) % GL_MINUTES_PER_DAY);
	if (slot.to <= 0)
		slot.to += GL_MINUTES_PER_DAY;
	return slot;
}

/*
 * An ON_DEMAND rule with a time: open while now is in today's window less the
 * cut-off, or in what is left of yesterday's window past midnight.
 */
static GlScheduleVerdict
on_demand_verdict(const GlTiming *timing, const GlHorizon *horizon)
{
	GlScheduleVerdict verdict = {GL_SCHEDULE_NO_DAY, 0, false, {0, 0, 0}};
	const GlSlot *window = &timing->time_slot;
	int day;

	for (day = window->to <= window->from ? YESTERDAY : TODAY; day <= TODAY; day++)
	{
		int64_t begin;
		int64_t closing;

		if (!day_matches(timing, horizon, day))
			continue;
		begin = instant_of(horizon, day, window->from);
		closing = closing_of(timing, horizon, day, window);
		if (horizon->now >= begin && horizon->now < closing)
		{
			verdict.reason = GL_SCHEDULE_OPEN;
			verdict.minutes = 0;
			verdict.slot = promise(timing, horizon);
			return verdict;
		}
		if (day == YESTERDAY)
			continue; /* long closed; today's window is what one waits for */
		verdict.reason = horizon->now < begin ? GL_SCHEDULE_BEFORE_TIME : GL_SCHEDULE_AFTER_TIME;
		verdict.minutes =
			horizon->now < begin ? (begin - horizon->now + 59) / 60 : (horizon->now - closing) / 60;
		verdict.slot.date = horizon->today;
		verdict.slot.from = window->from;
		verdict.slot.to = window->to;
	}
	return verdict;
}

/* Puts a slot of a day into a verdict. */
static void
name_slot(GlScheduleVerdict *verdict, const GlHorizon *horizon, int day, const GlSlot *slot)
{
	verdict->slot.date = horizon->today + day - TODAY;
	verdict->slot.from = slot->from;
	verdict->slot.to = slot->to;
}

/* No slot is open: the cut-off that passed last, or that no day matches. */
static GlScheduleVerdict
closed_verdict(const GlTiming *timing, const GlHorizon *horizon)
{
	GlScheduleVerdict verdict = {GL_SCHEDULE_NO_DAY, 0, false, {0, 0, 0}};
	int64_t last = INT64_MIN;
	int day;
	int i;

	for (day = TODAY; day <= TODAY + horizon->days; day++)
	{
		if (!day_matches(timing, horizon, day))
			continue;
		for (i = 0; i < timing->slot_count; i++)
		{
			int64_t closing = closing_of(timing, horizon, day, &timing->slots[i]);

			if (closing < last)
				continue;
			last = closing;
			verdict.reason = GL_SCHEDULE_CUTOFF_PASSED;
			verdict.minutes = (horizon->now - closing) / 60;
			name_slot(&verdict, horizon, day, &timing->slots[i]);
		}
	}
	return verdict;
}

/* Whether the rule is open at all; see schedule.h. */
GlScheduleVerdict
gl_schedule_verdict(const GlTiming *timing, const GlHorizon *horizon)
{
	GlScheduleVerdict verdict = {GL_SCHEDULE_NO_DAY, 0, false, {0, 0, 0}};
	GlScheduleCursor cursor;

	if (is_slotless(timing))
	{
		int day = first_day(timing, horizon);

		if (day < 0)
			return verdict;
		verdict.reason = GL_SCHEDULE_OPEN;
		verdict.slotless = true;
		verdict.slot.date = horizon->today + day - TODAY;
		return verdict;
	}
	if (timing->kind == GL_SCHEDULE_ON_DEMAND)
		return on_demand_verdict(timing, horizon);
	gl_schedule_first(timing, horizon, &cursor);
	if (!gl_schedule_next(&cursor, &verdict.slot))
		return closed_verdict(timing, horizon);
	verdict.reason = GL_SCHEDULE_OPEN;
	return verdict;
}

/* Whether one selected slot is open; see schedule.h. */
GlScheduleVerdict
gl_schedule_slot_verdict(const GlTiming *timing, const GlHorizon *horizon, int64_t date, int from,
						 int to)
{
	GlScheduleVerdict verdict = {GL_SCHEDULE_OPEN, 0, false, {date, from, to}};
	int day;
	int i;

	if (timing->kind == GL_SCHEDULE_ON_DEMAND)
		return gl_schedule_verdict(timing, horizon);
	if (date < horizon->today || date > horizon->today + horizon->days)
	{
		verdict.reason = GL_SCHEDULE_OUTSIDE_HORIZON;
		return verdict;
	}
	day = (int) (date - horizon->today) + TODAY;
	if (!day_matches(timing, horizon, day))
	{
		verdict.reason = GL_SCHEDULE_NO_DAY;
		return verdict;
	}
	verdict.slotless = is_slotless(timing);
	if (verdict.slotless)
		return verdict;
	verdict.reason = GL_SCHEDULE_NO_SUCH_SLOT;
	for (i = 0; i < timing->slot_count; i++)
	{
		int64_t closing;

		if (timing->slots[i].from != from || timing->slots[i].to != to)
			continue;
		closing = closing_of(timing, horizon, day, &timing->slots[i]);
		verdict.reason = horizon->now < closing ? GL_SCHEDULE_OPEN : GL_SCHEDULE_CUTOFF_PASSED;
		verdict.minutes = horizon->now < closing ? 0 : (horizon->now - closing) / 60;
		break;
	}
	return verdict;
}

/* Places a cursor before the first open slot. */
void
gl_schedule_first(const GlTiming *timing, const GlHorizon *horizon, GlScheduleCursor *cursor)
{
	cursor->timing = timing;
	cursor->horizon = horizon;
	cursor->day = TODAY;
	cursor->slot = 0;
}

/* The next open slot; false when there is none left. */
bool
gl_schedule_next(GlScheduleCursor *cursor, GlOpenSlot *slot)
{
	const GlTiming *timing = cursor->timing;
	const GlHorizon *horizon = cursor->horizon;
	int last = TODAY + horizon->days;

	if (timing->kind == GL_SCHEDULE_ON_DEMAND)
	{
		GlScheduleVerdict verdict;

		if (cursor->day > TODAY || !timing->has_time)
			return false;
		cursor->day = last + 1;
		verdict = on_demand_verdict(timing, horizon);
		*slot = verdict.slot;
		return verdict.reason == GL_SCHEDULE_OPEN;
	}
	for (; cursor->day <= last; cursor->day++, cursor->slot = 0)
	{
		if (!day_matches(timing, horizon, cursor->day))
			continue;
		while (cursor->slot < timing->slot_count)
		{
			const GlSlot *candidate = &timing->slots[cursor->slot++];

			if (horizon->now >= closing_of(timing, horizon, cursor->day, candidate))
				continue;
			slot->date = horizon->today + cursor->day - TODAY;
			slot->from = candidate->from;
			slot->to = candidate->to;
			return true;
		}
	}
	return false;
}

/* All open slots, in order; see schedule.h. */
GlStatus
gl_schedule_list(const GlTiming *timing, const GlHorizon *horizon, GlOpenSlot *slots, int capacity,
				 int *count)
{
	GlScheduleCursor cursor;
	GlOpenSlot slot;

	*count = 0;
	gl_schedule_first(timing, horizon, &cursor);
	while (gl_schedule_next(&cursor, &slot))
	{
		if (*count == capacity)
			return GL_LIMIT;
		slots[(*count)++] = slot;
	}
	return GL_OK;
}
