/*-------------------------------------------------------------------------
 *
 * schedule.h
 *	  When a store rule can be had: days, slots, cut-off, the ON_DEMAND
 *	  promise, the horizon, and the zone's clock.
 *
 * Slots are written in local time but compared in UTC: "open while now <
 * start - cutoff" must mean real minutes, also in the night when the clocks
 * change.  So each slot end is first turned into the UTC instant of its local
 * time.  A local time that the change skips moves forward by the gap, one
 * that happens twice is the first of the two.
 *
 * A GlHorizon is built once per call (one zone, one "now") and shared by all
 * rules: it holds the UTC instant of every local midnight, so that the slots
 * of a day without a clock change cost one addition each.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_POOL_SCHEDULE_H
#define GL_POOL_SCHEDULE_H

#include "pure.h"

#define GL_MINUTES_PER_DAY 1440
#define GL_SCHEDULE_DAYS_MAX 366 /* longest horizon, in days after today */

typedef int64_t GlMinute; /* minutes since 1970-01-01 00:00 local time */

/* [from, to] in minutes of the day; to <= from ends on the next day. */
typedef struct GlSlot
{
	int from; /* 0 .. 1439 */
	int to;   /* 0 .. 1440 */
} GlSlot;

/*
 * A zone's clock.  offset_at answers with the seconds that local time is east
 * of UTC at that instant.  NULL: the fixed offset_seconds (numeric zones).
 */
typedef struct GlClock
{
	int (*offset_at)(void *context, int64_t utc_seconds);
	void *context;
	int offset_seconds;
} GlClock;

/* SHIPMENT_TYPES is an option: a type of the user's own behaves like RESERVED. */
typedef enum GlScheduleKind
{
	GL_SCHEDULE_RESERVED = 0, /* closes at start - cutoff */
	GL_SCHEDULE_CARGO,        /* closes at end - cutoff; windows are not shown */
	GL_SCHEDULE_SELF,         /* closes at end - cutoff */
	GL_SCHEDULE_ON_DEMAND     /* promises [now, now + in] */
} GlScheduleKind;

/* The timing of one store rule for one shipment type. */
typedef struct GlTiming
{
	GlScheduleKind kind;
	unsigned days;       /* bit d - 1 for ISO day d (1 Monday); 0: every day */
	const GlSlot *slots; /* sorted (gl_slots_sort); unused by ON_DEMAND */
	int slot_count;
	int cutoff;    /* minutes, >= 0 */
	bool has_time; /* ON_DEMAND only: time {slot, in} is given */
	GlSlot time_slot;
	int time_in; /* minutes, 1 .. 1440 */
} GlTiming;

/* One local day of a horizon. */
typedef struct GlHorizonDay
{
	int64_t midnight; /* UTC seconds of its local 00:00 */
	int iso_day;      /* 1 Monday .. 7 Sunday */
	bool changes;     /* the offset changes in it or in the day after */
} GlHorizonDay;

typedef struct GlHorizon
{
	const GlClock *clock;
	int64_t now_us;    /* UTC microseconds since 1970 */
	int64_t now;       /* the same in seconds, rounded down */
	int64_t today;     /* local date, days since 1970-01-01 */
	int days;          /* last offered date is today + days */
	GlHorizonDay *day; /* day[0] is yesterday, day[1] today, ... */
} GlHorizon;

/* One open slot of one date. */
typedef struct GlOpenSlot
{
	int64_t date; /* days since 1970-01-01, local */
	int from;     /* minutes of that day, as in the rule */
	int to;       /* as in the rule; <= from: past midnight */
} GlOpenSlot;

typedef enum GlScheduleReason
{
	GL_SCHEDULE_OPEN = 0,
	GL_SCHEDULE_NO_DAY,         /* no day of the horizon (ON_DEMAND: not today) is in days */
	GL_SCHEDULE_CUTOFF_PASSED,  /* minutes: since the (last) cut-off passed */
	GL_SCHEDULE_BEFORE_TIME,    /* ON_DEMAND: minutes until its window begins (rounded up) */
	GL_SCHEDULE_AFTER_TIME,     /* ON_DEMAND: minutes since it took its last order */
	GL_SCHEDULE_NO_SUCH_SLOT,   /* the rule has no such slot */
	GL_SCHEDULE_OUTSIDE_HORIZON /* date before today or after today + days */
} GlScheduleReason;

typedef struct GlScheduleVerdict
{
	GlScheduleReason reason;
	int64_t minutes; /* see the reason (rounded down where not said); else 0 */
	bool slotless;   /* open, and there is no slot to choose */
	GlOpenSlot slot; /* the slot spoken of (first open, or last closed) */
} GlScheduleVerdict;

typedef struct GlScheduleCursor
{
	const GlTiming *timing;
	const GlHorizon *horizon;
	int day;  /* next day, an index of horizon->day */
	int slot; /* next slot of that day */
} GlScheduleCursor;

/*
 * "HH:MM" into minutes of the day, 00:00 .. 24:00, both parts two digits.
 * GL_INVALID with the reason in error (its "where" is -1).
 */
extern GlStatus gl_time_of_day_parse(const char *text, size_t length, int *minutes, GlError *error);

/* Writes "HH:MM" and a terminating zero into text; 1440 gives "24:00". */
extern void gl_time_of_day_format(int minutes, char text[6]);

/* Both ends of a slot: as above, and 24:00 is no start. error->where: 0 start, 1 end. */
extern GlStatus gl_slot_parse(const char *from, size_t from_length, const char *to,
							  size_t to_length, GlSlot *slot, GlError *error);

/* Sorts by (from, end) and drops equal ones; returns how many are left. */
extern int gl_slots_sort(GlSlot *slots, int count);

/* A clock at a fixed number of hours east of UTC: -16 .. 16, to the second; else GL_INVALID. */
extern GlStatus gl_clock_fixed(double hours, GlClock *clock, GlError *error);

/* Local seconds since 1970-01-01 00:00 local time at a UTC instant. */
extern int64_t gl_clock_local(const GlClock *clock, int64_t utc_seconds);

/*
 * UTC seconds of a local minute. Skipped by a change: moved forward by the
 * gap, *exists (may be NULL) false. Ambiguous: the first. Right for clocks
 * whose changes are two days or more apart (all of tzdata in use).
 */
extern int64_t gl_clock_utc(const GlClock *clock, GlMinute local, bool *exists);

/*
 * The days yesterday .. today + days (0 .. GL_SCHEDULE_DAYS_MAX, else
 * GL_INVALID). clock must outlive the horizon.
 */
extern GlStatus gl_horizon_build(const GlClock *clock, int64_t now_us, int days,
								 const GlArena *arena, GlHorizon *horizon, GlError *error);

/*
 * Whether the rule is open at all (capacity aside), and if not, why. For an
 * open one: the first open slot, or slotless.
 */
extern GlScheduleVerdict gl_schedule_verdict(const GlTiming *timing, const GlHorizon *horizon);

/*
 * The same for one slot a user selected. ON_DEMAND takes any from and to (a
 * promise ages between the quote and the order) and looks at now alone; a
 * slotless timing looks at the date alone.
 */
extern GlScheduleVerdict gl_schedule_slot_verdict(const GlTiming *timing, const GlHorizon *horizon,
												  int64_t date, int from, int to);

/* Goes over the open slots in order of date and start; none for a slotless timing. */
extern void gl_schedule_first(const GlTiming *timing, const GlHorizon *horizon,
							  GlScheduleCursor *cursor);
extern bool gl_schedule_next(GlScheduleCursor *cursor, GlOpenSlot *slot);

/* All of them into slots; *count of them. GL_LIMIT when there are more than capacity. */
extern GlStatus gl_schedule_list(const GlTiming *timing, const GlHorizon *horizon,
								 GlOpenSlot *slots, int capacity, int *count);

#endif /* GL_POOL_SCHEDULE_H */
