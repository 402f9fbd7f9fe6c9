/*-------------------------------------------------------------------------
 *
 * test_pool_schedule.c
 *	  Times of day, clocks across daylight-saving changes, open slots and the
 *	  reasons why others are closed.
 *
 *-------------------------------------------------------------------------
 */
#include "check.h"
#include "pool/schedule.h"

#include <string.h>

static const GlArena arena = {check_alloc, NULL};

/* A zone with one change of its offset. */
typedef struct Change
{
	int64_t at; /* UTC seconds */
	int before; /* seconds east */
	int after;
} Change;

static const Change istanbul_2015 = {1446944400, 10800,
									 7200}; /* 2015-11-08 01:00 UTC, 04:00 -> 03:00 */
static const Change tehran_2022 = {1647894600, 12600,
								   16200}; /* 2022-03-21 20:30 UTC, 00:00 -> 01:00 */
static const Change new_york_spring = {1741503600, -18000,
									   -14400}; /* 2025-03-09 07:00 UTC, 02:00 -> 03:00 */
static const Change new_york_autumn = {1762063200, -14400,
									   -18000}; /* 2025-11-02 06:00 UTC, 02:00 -> 01:00 */

static int
change_offset(void *context, int64_t utc_seconds)
{
	const Change *change = context;

	return utc_seconds < change->at ? change->before : change->after;
}

static GlClock
clock_of(const Change *change)
{
	GlClock clock = {change_offset, (void *) change, 0};

	return clock;
}

/* Days since 1970-01-01 of a date (Hinnant's civil calendar). */
static int64_t
date_of(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = y / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* UTC seconds of a UTC date and time. */
static int64_t
utc(int year, int month, int day, int hour, int minute)
{
	return date_of(year, month, day) * 86400 + hour * 3600 + minute * 60;
}

static GlStatus
parse(const char *text, int *minutes)
{
	GlError error;

	return gl_time_of_day_parse(text, strlen(text), minutes, &error);
}

static void
test_time_of_day(void)
{
	static const char *const bad[] = {"",      "9:00", "09:0",  "24:01",  "25:00", "10:60",
									  "10.00", "1000", "-1:00", "10:00 ", "1O:00", "099:0"};
	int minutes = -1;
	GlSlot slot;
	GlError error;
	GlSlot slots[] = {{720, 840}, {600, 720}, {720, 840}, {1320, 120}, {1320, 1440}};
	char text[6];
	size_t i;

	CHECK(parse("00:00", &minutes) == GL_OK && minutes == 0);
	CHECK(parse("18:30", &minutes) == GL_OK && minutes == 1110);
	CHECK(parse("23:59", &minutes) == GL_OK && minutes == 1439);
	CHECK(parse("24:00", &minutes) == GL_OK && minutes == 1440);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(parse(bad[i], &minutes) == GL_INVALID);
	CHECK(gl_slot_parse("22:00", 5, "24:00", 5, &slot, &error) == GL_OK && slot.to == 1440);
	CHECK(gl_slot_parse("22:00", 5, "02:00", 5, &slot, &error) == GL_OK && slot.to == 120);
	CHECK(gl_slot_parse("24:00", 5, "02:00", 5, &slot, &error) == GL_INVALID && error.where == 0);
	CHECK(gl_slot_parse("25:00", 5, "26:00", 5, &slot, &error) == GL_INVALID && error.where == 0);
	CHECK(gl_slot_parse("10:00", 5, "26:00", 5, &slot, &error) == GL_INVALID && error.where == 1);
	gl_time_of_day_format(1110, text);
	CHECK(strcmp(text, "18:30") == 0);
	gl_time_of_day_format(1440, text);
	CHECK(strcmp(text, "24:00") == 0);
	CHECK(gl_slots_sort(slots, 5) == 4);
	CHECK(slots[0].from == 600 && slots[1].from == 720 && slots[2].to == 1440 &&
		  slots[3].to == 120);
	CHECK(gl_slots_sort(slots, 0) == 0);
}

/* utc_from_local at a local time; its existence is checked too. */
static int64_t
local_to_utc(const Change *change, int64_t date, int minute, bool should_exist)
{
	GlClock clock = clock_of(change);
	bool exists;
	int64_t found = gl_clock_utc(&clock, date * GL_MINUTES_PER_DAY + minute, &exists);

	CHECK(exists == should_exist);
	return found;
}

static void
test_clock(void)
{
	GlClock clock;
	GlError error;
	int64_t day;

	CHECK(gl_clock_fixed(3.5, &clock, &error) == GL_OK && clock.offset_seconds == 12600);
	CHECK(gl_clock_utc(&clock, 0, NULL) == -12600 && gl_clock_local(&clock, 0) == 12600);
	CHECK(gl_clock_fixed(-9.5, &clock, &error) == GL_OK && clock.offset_seconds == -34200);
	CHECK(gl_clock_fixed(16.5, &clock, &error) == GL_INVALID);
	CHECK(gl_clock_fixed(0.0 / 0.0, &clock, &error) == GL_INVALID);
	day = date_of(2015, 11, 8);
	CHECK(local_to_utc(&istanbul_2015, day, 179, true) == utc(2015, 11, 7, 23, 59));
	CHECK(local_to_utc(&istanbul_2015, day, 180, true) ==
		  utc(2015, 11, 8, 0, 0)); /* the first 03:00 */
	CHECK(local_to_utc(&istanbul_2015, day, 239, true) == utc(2015, 11, 8, 0, 59));
	CHECK(local_to_utc(&istanbul_2015, day, 240, true) == utc(2015, 11, 8, 2, 0));
	day = date_of(2022, 3, 22);
	CHECK(local_to_utc(&tehran_2022, day, -1, true) == utc(2022, 3, 21, 20, 29));
	CHECK(local_to_utc(&tehran_2022, day, 0, false) == utc(2022, 3, 21, 20, 30));
	CHECK(local_to_utc(&tehran_2022, day, 30, false) == utc(2022, 3, 21, 21, 0));
	CHECK(local_to_utc(&tehran_2022, day, 60, true) == utc(2022, 3, 21, 20, 30));
	CHECK(local_to_utc(&tehran_2022, day, 600, true) == utc(2022, 3, 22, 5, 30));
	day = date_of(2025, 3, 9);
	CHECK(local_to_utc(&new_york_spring, day, 119, true) == utc(2025, 3, 9, 6, 59));
	CHECK(local_to_utc(&new_york_spring, day, 150, false) == utc(2025, 3, 9, 7, 30));
	CHECK(local_to_utc(&new_york_spring, day, 180, true) == utc(2025, 3, 9, 7, 0));
	day = date_of(2025, 11, 2);
	CHECK(local_to_utc(&new_york_autumn, day, 90, true) == utc(2025, 11, 2, 5, 30));
	CHECK(local_to_utc(&new_york_autumn, day, 120, true) == utc(2025, 11, 2, 7, 0));
}

/* A horizon at a UTC second. */
static GlHorizon
horizon_at(const GlClock *clock, int64_t now, int days)
{
	GlHorizon horizon;
	GlError error;

	if (gl_horizon_build(clock, now * 1000000, days, &arena, &horizon, &error) != GL_OK)
		abort();
	return horizon;
}

/* Whether the one slot [from, to] of a date is open at a UTC second. */
static bool
is_open(const Change *change, GlScheduleKind kind, int64_t date, int from, int to, int cutoff,
		int64_t now)
{
	GlClock clock = clock_of(change);
	GlHorizon horizon = horizon_at(&clock, now, 3);
	GlSlot slot = {from, to};
	GlTiming timing = {kind, 0, &slot, 1, cutoff, false, {0, 0}, 0};

	return gl_schedule_slot_verdict(&timing, &horizon, date, from, to).reason == GL_SCHEDULE_OPEN;
}

/* Checks the very second at which a slot closes. */
static void
check_closing(const Change *change, GlScheduleKind kind, int64_t date, int from, int to, int cutoff,
			  int64_t closing)
{
	CHECK(is_open(change, kind, date, from, to, cutoff, closing - 1));
	CHECK(!is_open(change, kind, date, from, to, cutoff, closing));
}

/* Slots across the nights in which the clocks change: the cut-off counts real minutes. */
static void
test_changes(void)
{
	int64_t day = date_of(2015, 11, 8);

	/* Istanbul: 10:00 is 8 hours after the second 03:00, so 7 h before it is the second 03:00. */
	check_closing(&istanbul_2015, GL_SCHEDULE_RESERVED, day, 600, 720, 420, utc(2015, 11, 8, 1, 0));
	check_closing(&istanbul_2015, GL_SCHEDULE_RESERVED, day, 180, 300, 0, utc(2015, 11, 8, 0, 0));
	check_closing(&istanbul_2015, GL_SCHEDULE_SELF, day - 1, 1320, 300, 420,
				  utc(2015, 11, 7, 20, 0));
	day = date_of(2022, 3, 22);
	check_closing(&tehran_2022, GL_SCHEDULE_RESERVED, day, 0, 120, 30, utc(2022, 3, 21, 20, 0));
	check_closing(&tehran_2022, GL_SCHEDULE_RESERVED, day, 30, 120, 0, utc(2022, 3, 21, 21, 0));
	check_closing(&tehran_2022, GL_SCHEDULE_RESERVED, day, 120, 240, 120, utc(2022, 3, 21, 19, 30));
	check_closing(&tehran_2022, GL_SCHEDULE_CARGO, day, 600, 720, 0, utc(2022, 3, 22, 7, 30));
	check_closing(&tehran_2022, GL_SCHEDULE_SELF, day - 1, 1320, 120, 90, utc(2022, 3, 21, 20, 0));
	check_closing(&tehran_2022, GL_SCHEDULE_RESERVED, day + 1, 0, 120, 0, utc(2022, 3, 22, 19, 30));
	day = date_of(2025, 3, 9);
	check_closing(&new_york_spring, GL_SCHEDULE_RESERVED, day, 240, 300, 120,
				  utc(2025, 3, 9, 6, 0));
	check_closing(&new_york_spring, GL_SCHEDULE_RESERVED, day, 150, 300, 0, utc(2025, 3, 9, 7, 30));
	check_closing(&new_york_spring, GL_SCHEDULE_SELF, day, 60, 240, 0, utc(2025, 3, 9, 8, 0));
	day = date_of(2025, 11, 2);
	check_closing(&new_york_autumn, GL_SCHEDULE_RESERVED, day, 90, 240, 0, utc(2025, 11, 2, 5, 30));
	check_closing(&new_york_autumn, GL_SCHEDULE_RESERVED, day, 240, 300, 120,
				  utc(2025, 11, 2, 7, 0));
	check_closing(&new_york_autumn, GL_SCHEDULE_SELF, day, 30, 120, 0, utc(2025, 11, 2, 7, 0));
	check_closing(&new_york_autumn, GL_SCHEDULE_RESERVED, day + 1, 0, 60, 0,
				  utc(2025, 11, 3, 5, 0));
}

/* The open slots of the seed's rules, cut-offs, days, horizon. */
static void
test_slots(void)
{
	GlClock clock = {NULL, NULL, 10800};
	GlSlot slots[] = {{600, 720}, {720, 840}, {1320, 120}};
	GlTiming timing = {GL_SCHEDULE_RESERVED, 0, slots, 3, 60, false, {0, 0}, 0};
	int64_t friday = date_of(2020, 12, 18);
	GlHorizon horizon = horizon_at(&clock, utc(2020, 12, 18, 6, 0), 3); /* 09:00 local */
	GlScheduleVerdict verdict;
	GlOpenSlot open[16];
	int count;

	CHECK(horizon.today == friday && horizon.day[1].iso_day == 5);
	CHECK(gl_schedule_list(&timing, &horizon, open, 16, &count) == GL_OK && count == 11);
	CHECK(open[0].date == friday && open[0].from == 720 && open[10].date == friday + 3);
	CHECK(open[10].from == 1320 && open[10].to == 120);
	CHECK(gl_schedule_list(&timing, &horizon, open, 10, &count) == GL_LIMIT && count == 10);
	horizon = horizon_at(&clock, utc(2020, 12, 18, 6, 0) - 1, 3);
	CHECK(gl_schedule_list(&timing, &horizon, open, 16, &count) == GL_OK && count == 12);
	timing.kind = GL_SCHEDULE_SELF;
	horizon =
		horizon_at(&clock, utc(2020, 12, 18, 8, 0), 0); /* 11:00: 10-12 takes orders until now */
	CHECK(gl_schedule_list(&timing, &horizon, open, 16, &count) == GL_OK && count == 2);
	timing.kind = GL_SCHEDULE_CARGO;
	timing.days = 1u << 5; /* Saturday */
	verdict = gl_schedule_verdict(&timing, &horizon);
	CHECK(verdict.reason == GL_SCHEDULE_NO_DAY);
	horizon = horizon_at(&clock, utc(2020, 12, 18, 8, 0), 1);
	verdict = gl_schedule_verdict(&timing, &horizon);
	CHECK(verdict.reason == GL_SCHEDULE_OPEN && !verdict.slotless);
	CHECK(verdict.slot.date == friday + 1 && verdict.slot.from == 600);
	/* Saturday 01:30: Friday's 22:00-02:00 is of yesterday's date, not offered. */
	timing.days = 1u << 4;
	horizon = horizon_at(&clock, utc(2020, 12, 18, 21, 30), 3);
	CHECK(gl_schedule_verdict(&timing, &horizon).reason == GL_SCHEDULE_NO_DAY);
	verdict = gl_schedule_slot_verdict(&timing, &horizon, friday, 1320, 120);
	CHECK(verdict.reason == GL_SCHEDULE_OUTSIDE_HORIZON);
	timing.slot_count = 0;
	CHECK(gl_schedule_verdict(&timing, &horizon).reason == GL_SCHEDULE_NO_DAY);
	timing.days |= 1u << 6;
	verdict = gl_schedule_verdict(&timing, &horizon);
	CHECK(verdict.reason == GL_SCHEDULE_OPEN && verdict.slotless &&
		  verdict.slot.date == friday + 2);
	CHECK(gl_schedule_list(&timing, &horizon, open, 16, &count) == GL_OK && count == 0);
	check_free_all();
}

/* Why slots are closed, with the figures. */
static void
test_reasons(void)
{
	GlClock clock = {NULL, NULL, -34200}; /* -9.5 hours */
	GlSlot slots[] = {{600, 720}, {720, 840}};
	GlTiming timing = {GL_SCHEDULE_RESERVED, 1u << 0, slots, 2, 30, false, {0, 0}, 0};
	int64_t monday = date_of(2026, 3, 2);
	GlHorizon horizon = horizon_at(&clock, utc(2026, 3, 2, 21, 14), 6); /* 11:44 local */
	GlScheduleVerdict verdict = gl_schedule_verdict(&timing, &horizon);

	CHECK(horizon.today == monday);
	CHECK(verdict.reason == GL_SCHEDULE_CUTOFF_PASSED && verdict.minutes == 14);
	CHECK(verdict.slot.date == monday && verdict.slot.from == 720);
	verdict = gl_schedule_slot_verdict(&timing, &horizon, monday, 600, 720);
	CHECK(verdict.reason == GL_SCHEDULE_CUTOFF_PASSED && verdict.minutes == 134);
	CHECK(gl_schedule_slot_verdict(&timing, &horizon, monday, 600, 721).reason ==
		  GL_SCHEDULE_NO_SUCH_SLOT);
	CHECK(gl_schedule_slot_verdict(&timing, &horizon, monday + 1, 600, 720).reason ==
		  GL_SCHEDULE_NO_DAY);
	CHECK(gl_schedule_slot_verdict(&timing, &horizon, monday + 7, 600, 720).reason ==
		  GL_SCHEDULE_OUTSIDE_HORIZON);
	CHECK(gl_schedule_slot_verdict(&timing, &horizon, monday - 1, 600, 720).reason ==
		  GL_SCHEDULE_OUTSIDE_HORIZON);
	horizon = horizon_at(&clock, utc(2026, 3, 2, 21, 14), 7);
	verdict = gl_schedule_slot_verdict(&timing, &horizon, monday + 7, 600, 720);
	CHECK(verdict.reason == GL_SCHEDULE_OPEN);
	timing.slot_count = 0;
	verdict = gl_schedule_slot_verdict(&timing, &horizon, monday, 0, 0);
	CHECK(verdict.reason == GL_SCHEDULE_OPEN && verdict.slotless);
	check_free_all();
}

/* ON_DEMAND: the window, the promise, past midnight, without time. */
static void
test_on_demand(void)
{
	GlClock clock = {NULL, NULL, 10800};
	GlTiming timing = {GL_SCHEDULE_ON_DEMAND, 0, NULL, 0, 30, true, {600, 1200}, 90};
	int64_t friday = date_of(2020, 12, 18);
	GlHorizon horizon = horizon_at(&clock, utc(2020, 12, 18, 15, 30), 3); /* 18:30 local */
	GlScheduleVerdict verdict = gl_schedule_verdict(&timing, &horizon);
	GlOpenSlot open[2];
	GlError error;
	int count;

	CHECK(verdict.reason == GL_SCHEDULE_OPEN && !verdict.slotless);
	CHECK(verdict.slot.date == friday && verdict.slot.from == 1110 && verdict.slot.to == 1200);
	CHECK(gl_schedule_list(&timing, &horizon, open, 2, &count) == GL_OK && count == 1);
	CHECK(open[0].from == 1110 && open[0].to == 1200);
	CHECK(gl_horizon_build(&clock, utc(2020, 12, 18, 15, 29) * 1000000 + 1, 3, &arena, &horizon,
						   &error) == GL_OK);
	CHECK(gl_schedule_verdict(&timing, &horizon).slot.from == 1110);
	horizon = horizon_at(&clock, utc(2020, 12, 18, 7, 0) - 1, 3);
	verdict = gl_schedule_verdict(&timing, &horizon);
	CHECK(verdict.reason == GL_SCHEDULE_BEFORE_TIME && verdict.minutes == 1);
	horizon = horizon_at(&clock, utc(2020, 12, 18, 16, 30) - 1, 3);
	CHECK(gl_schedule_slot_verdict(&timing, &horizon, 0, 0, 0).reason == GL_SCHEDULE_OPEN);
	horizon = horizon_at(&clock, utc(2020, 12, 18, 16, 44), 3);
	verdict = gl_schedule_verdict(&timing, &horizon);
	CHECK(verdict.reason == GL_SCHEDULE_AFTER_TIME && verdict.minutes == 14);
	timing.days = 1u << 5;
	CHECK(gl_schedule_verdict(&timing, &horizon).reason == GL_SCHEDULE_NO_DAY);
	/* 22:00 - 02:00 of Friday, at Saturday 00:45 and, past the cut-off, 01:30. */
	timing.days = 1u << 4;
	timing.time_slot.from = 1320;
	timing.time_slot.to = 120;
	horizon = horizon_at(&clock, utc(2020, 12, 18, 21, 45), 3);
	verdict = gl_schedule_verdict(&timing, &horizon);
	CHECK(verdict.reason == GL_SCHEDULE_OPEN && verdict.slot.date == friday + 1);
	CHECK(verdict.slot.from == 45 && verdict.slot.to == 135);
	horizon = horizon_at(&clock, utc(2020, 12, 18, 22, 30), 3);
	CHECK(gl_schedule_verdict(&timing, &horizon).reason == GL_SCHEDULE_NO_DAY);
	/* 23:00 + 90 minutes is past midnight; 22:30 + 90 is 24:00; 23:59:30 is tomorrow's 00:00. */
	horizon = horizon_at(&clock, utc(2020, 12, 18, 20, 0), 3);
	CHECK(gl_schedule_verdict(&timing, &horizon).slot.to == 30);
	horizon = horizon_at(&clock, utc(2020, 12, 18, 19, 30), 3);
	CHECK(gl_schedule_verdict(&timing, &horizon).slot.to == 1440);
	horizon = horizon_at(&clock, utc(2020, 12, 18, 20, 59) + 30, 3);
	verdict = gl_schedule_verdict(&timing, &horizon);
	CHECK(verdict.slot.date == friday + 1 && verdict.slot.from == 0 && verdict.slot.to == 90);
	timing.has_time = false;
	verdict = gl_schedule_verdict(&timing, &horizon);
	CHECK(verdict.reason == GL_SCHEDULE_OPEN && verdict.slotless);
	CHECK(gl_schedule_list(&timing, &horizon, open, 2, &count) == GL_OK && count == 0);
	timing.days = 1u << 5;
	CHECK(gl_schedule_verdict(&timing, &horizon).reason == GL_SCHEDULE_NO_DAY);
	check_free_all();
}

/* A promise across the spring change keeps its real length. */
static void
test_promise_across_change(void)
{
	GlClock clock = clock_of(&new_york_spring);
	GlTiming timing = {GL_SCHEDULE_ON_DEMAND, 0, NULL, 0, 0, true, {0, 1440}, 90};
	GlHorizon horizon = horizon_at(&clock, utc(2025, 3, 9, 6, 30), 0); /* 01:30 EST */
	GlScheduleVerdict verdict = gl_schedule_verdict(&timing, &horizon);

	CHECK(verdict.slot.from == 90 && verdict.slot.to == 240); /* 04:00 EDT */
	check_free_all();
}

/* The shortcut for days without a change gives what the clock itself gives. */
static void
test_horizon_against_clock(void)
{
	static const Change *const changes[] = {&istanbul_2015, &tehran_2022, &new_york_spring,
											&new_york_autumn};
	size_t i;
	int hour;
	int minute;

	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
	{
		GlClock clock = clock_of(changes[i]);

		for (hour = -96; hour <= 48; hour += 5)
		{
			GlHorizon horizon = horizon_at(&clock, changes[i]->at + hour * 3600, 3);
			long different = 0;
			int day;

			for (day = 0; day <= 4; day++)
			{
				int64_t date = horizon.today - 1 + day;

				for (minute = 0; minute < 2880 && !horizon.day[day].changes; minute += 15)
					different += horizon.day[day].midnight + minute * 60 !=
								 gl_clock_utc(&clock, date * GL_MINUTES_PER_DAY + minute, NULL);
			}
			CHECK(different == 0);
		}
	}
	check_free_all();
}

static void
test_horizon_limits(void)
{
	GlClock clock = {NULL, NULL, 0};
	GlHorizon horizon;
	GlError error;

	CHECK(gl_horizon_build(&clock, 0, -1, &arena, &horizon, &error) == GL_INVALID);
	CHECK(gl_horizon_build(&clock, 0, GL_SCHEDULE_DAYS_MAX + 1, &arena, &horizon, &error) ==
		  GL_INVALID);
	CHECK(gl_horizon_build(&clock, -1, 0, &arena, &horizon, &error) == GL_OK);
	CHECK(horizon.today == -1 && horizon.now == -1 && horizon.day[1].iso_day == 3);
	check_free_all();
}

int
main(void)
{
	test_time_of_day();
	test_clock();
	test_changes();
	test_slots();
	test_reasons();
	test_on_demand();
	test_promise_across_change();
	test_horizon_against_clock();
	test_horizon_limits();
	return check_report("test_pool_schedule");
}
