/*-------------------------------------------------------------------------
 *
 * explain_slots.c
 *	  Which slots of a rule are closed or full, in words with the figures.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

#include "cart/explain_words.h"

#define EPOCH_DAYS (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)
#define FIND_USED                                                                                  \
	"SELECT u.used FROM ganje.slot_usage AS u WHERE u.merchant_id = $1 AND u.store_id = $2 "       \
	"AND u.rule_id = $3 AND u.day IS NOT DISTINCT FROM $4 AND u.slot_from = $5 AND u.slot_to = $6"

/* Of very many full slots the first few tell enough. */
#define FULL_SHOWN 3

/* What is explained, and what was found. */
typedef struct Slots
{
	const GlCheckout *checkout;
	const GlFullCounters *counters;
	const GlStore *store;
	const GlStoreRule *rule;
	int open;
	int full;
	GlOpenSlot first_full[FULL_SHOWN];
} Slots;

/* The units taken of a counter that is full; of ON_DEMAND the date is GL_ANY_DATE. */
static int
used_units(const Slots *slots, const GlOpenSlot *slot)
{
	Oid types[6] = {TEXTOID, TEXTOID, TEXTOID, DATEOID, TIMEOID, TIMEOID};
	bool any_day = slot->date == GL_ANY_DATE;
	char nulls[7] = {' ', ' ', ' ', any_day ? 'n' : ' ', ' ', ' ', '\0'};
	Datum values[6];
	int used = 0;
	bool isnull;

	values[0] = CStringGetTextDatum(slots->store->merchant_id);
	values[1] = CStringGetTextDatum(slots->store->store_id);
	values[2] = CStringGetTextDatum(slots->rule->rule_id);
	values[3] = any_day ? (Datum) 0 : DateADTGetDatum((DateADT) (slot->date - EPOCH_DAYS));
	values[4] = TimeADTGetDatum((TimeADT) slot->from * 60 * USECS_PER_SEC);
	values[5] = TimeADTGetDatum((TimeADT) slot->to * 60 * USECS_PER_SEC);
	if (SPI_execute_with_args(FIND_USED, 6, types, values, nulls, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the units of a slot");
	if (SPI_processed > 0)
		used =
			DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return used;
}

/* Counts a slot that the schedule leaves open. */
static void
count_slot(Slots *slots, const GlOpenSlot *slot)
{
	if (!gl_counter_is_full(slots->counters, slots->rule, slot->date, slot->from, slot->to))
	{
		slots->open++;
		return;
	}
	if (slots->full < FULL_SHOWN)
		slots->first_full[slots->full] = *slot;
	slots->full++;
}

static void
count_slots(Slots *slots, const GlTiming *timing)
{
	const GlHorizon *horizon = &slots->checkout->horizon;
	GlScheduleCursor cursor;
	GlOpenSlot slot = {GL_ANY_DATE, 0, GL_MINUTES_PER_DAY};

	if (timing->kind == GL_SCHEDULE_ON_DEMAND)
		count_slot(slots, &slot);
	for (int day = 0;
		 day <= horizon->days && timing->slot_count == 0 && timing->kind != GL_SCHEDULE_ON_DEMAND;
		 day++)
	{
		slot.date = horizon->today + day;
		if (gl_schedule_slot_verdict(timing, horizon, slot.date, slot.from, slot.to).reason ==
			GL_SCHEDULE_OPEN)
			count_slot(slots, &slot);
	}
	if (timing->kind == GL_SCHEDULE_ON_DEMAND || timing->slot_count == 0)
		return;
	gl_schedule_first(timing, horizon, &cursor);
	while (gl_schedule_next(&cursor, &slot))
		count_slot(slots, &slot);
}

static const char *
minutes_words(int64 minutes)
{
	return psprintf(INT64_FORMAT " minute%s", minutes, minutes == 1 ? "" : "s");
}

static char *
days_words(unsigned days)
{
	StringInfoData words;

	initStringInfo(&words);
	for (int day = 1; day <= 7; day++)
		if (days & 1u << (day - 1))
			appendStringInfo(&words, "%s%d", words.len > 0 ? ", " : "", day);
	return words.data;
}

/* Why the schedule has nothing open at all. */
static void
explain_closed(StringInfo reasons, const GlHorizon *horizon, const GlTiming *timing,
			   const GlScheduleVerdict *verdict)
{
	const char *minutes = minutes_words(verdict->minutes);
	bool on_demand = timing->kind == GL_SCHEDULE_ON_DEMAND;
	char from[6];

	gl_reason_begin(reasons);
	gl_time_of_day_format(timing->has_time ? timing->time_slot.from : 0, from);
	switch (verdict->reason)
	{
		case GL_SCHEDULE_CUTOFF_PASSED:
			appendStringInfo(
				reasons, "cut-off passed %s ago (%s)", minutes,
				gl_slot_words(verdict->slot.from, verdict->slot.to, verdict->slot.date));
			break;
		case GL_SCHEDULE_AFTER_TIME:
			appendStringInfo(reasons, "cut-off passed %s ago", minutes);
			break;
		case GL_SCHEDULE_BEFORE_TIME:
			appendStringInfo(reasons, "orders are taken from %s on, in %s", from, minutes);
			break;
		default:
			appendStringInfo(reasons, "no day from %s to %s is among days %s",
							 gl_day_words(horizon->today),
							 gl_day_words(horizon->today + (on_demand ? 0 : horizon->days)),
							 days_words(timing->days));
			break;
	}
}

/* "slot 10:00–12:00 on 2026-03-01 is full (100 of 100)" */
static void
explain_full(StringInfo reasons, const Slots *slots, bool has_slots)
{
	for (int i = 0; i < slots->full && i < FULL_SHOWN; i++)
	{
		const GlOpenSlot *slot = &slots->first_full[i];
		int capacity = slots->rule->capacity;
		int used = used_units(slots, slot);

		gl_reason_begin(reasons);
		if (slot->date == GL_ANY_DATE)
			appendStringInfo(reasons, "capacity is full (%d of %d shipments under way)", used,
							 capacity);
		else
			appendStringInfo(reasons, "%s is full (%d of %d)",
							 has_slots ? gl_slot_words(slot->from, slot->to, slot->date)
									   : gl_day_words(slot->date),
							 used, capacity);
	}
	if (slots->full > FULL_SHOWN)
		appendStringInfo(reasons, "; %d more are full", slots->full - FULL_SHOWN);
}

bool
gl_schedule_explain(StringInfo reasons, const GlCheckout *checkout, const GlFullCounters *full,
					const GlStore *store, const GlStoreRule *rule, const char *type)
{
	const GlHorizon *horizon = &checkout->horizon;
	GlTiming timing = gl_rule_timing(rule, gl_schedule_kind(type));
	GlScheduleVerdict verdict = gl_schedule_verdict(&timing, horizon);
	Slots slots = {.checkout = checkout, .counters = full, .store = store, .rule = rule};

	if (verdict.reason != GL_SCHEDULE_OPEN)
	{
		explain_closed(reasons, horizon, &timing, &verdict);
		return false;
	}
	count_slots(&slots, &timing);
	explain_full(reasons, &slots, timing.slot_count > 0);
	return slots.open > 0;
}
