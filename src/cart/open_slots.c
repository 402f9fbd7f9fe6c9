/*-------------------------------------------------------------------------
 *
 * open_slots.c
 *	  The open slots of an offer: days, slots and cut-off, and then capacity.
 *
 * What is open by the clock is worked out once per call for all rules with
 * the same schedule; a rule with full counters only adds which of those slots
 * are full.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "cart/offer.h"

/* ON_DEMAND: one counter whatever the day, so its promise is open or not as a whole. */
static void
list_on_demand(const GlTiming *timing, const GlHorizon *horizon, GlOfferSlots *slots)
{
	GlScheduleVerdict verdict = gl_schedule_verdict(timing, horizon);
	GlOpenSlot *open;

	slots->counter = GL_COUNTER_RULE;
	if (verdict.reason != GL_SCHEDULE_OPEN)
		return;
	open = palloc(sizeof(GlOpenSlot));
	open[slots->open_count++] = verdict.slot;
	slots->open = open;
	slots->shows_slots = !verdict.slotless;
}

/* A rule without slots is open on each of its days, with a counter per day. */
static void
list_days(const GlTiming *timing, const GlHorizon *horizon, GlOfferSlots *slots)
{
	GlOpenSlot *open = palloc((horizon->days + 1) * sizeof(GlOpenSlot));

	slots->counter = GL_COUNTER_DAY;
	slots->open = open;
	for (int day = 0; day <= horizon->days; day++)
	{
		GlOpenSlot slot = {horizon->today + day, 0, GL_MINUTES_PER_DAY};

		if (gl_schedule_slot_verdict(timing, horizon, slot.date, slot.from, slot.to).reason ==
			GL_SCHEDULE_OPEN)
			open[slots->open_count++] = slot;
	}
}

static void
list_slots(const GlTiming *timing, const GlHorizon *horizon, GlOfferSlots *slots)
{
	GlScheduleCursor cursor;
	GlOpenSlot slot;
	GlOpenSlot *open = palloc((Size) (horizon->days + 2) * timing->slot_count * sizeof(GlOpenSlot));

	slots->counter = GL_COUNTER_SLOT;
	slots->shows_slots = timing->kind != GL_SCHEDULE_CARGO;
	slots->open = open;
	gl_schedule_first(timing, horizon, &cursor);
	while (gl_schedule_next(&cursor, &slot))
		open[slots->open_count++] = slot;
}

/* What is open by the clock alone. */
static const GlOfferSlots *
open_slots(const GlCheckout *checkout, const GlStoreRule *rule, GlScheduleKind kind)
{
	GlMemo *memo = &rule->schedule[kind];
	GlOfferSlots *slots;
	GlTiming timing;

	if (gl_memo_holds(memo, checkout->cart->call))
		return memo->answer;
	slots = palloc0(sizeof(GlOfferSlots));
	slots->kind = kind;
	timing = gl_rule_timing(rule, kind);
	if (kind == GL_SCHEDULE_ON_DEMAND)
		list_on_demand(&timing, &checkout->horizon, slots);
	else if (timing.slot_count == 0)
		list_days(&timing, &checkout->horizon, slots);
	else
		list_slots(&timing, &checkout->horizon, slots);
	slots->count = slots->open_count;
	gl_memo_keep(memo, checkout->cart->call, slots);
	return slots;
}

/* In the order of time of gl_schedule_next. */
static int
compare_slot(const GlOpenSlot *slot, const GlFullCounter *counter)
{
	int slot_end = slot->to + (slot->to <= slot->from ? GL_MINUTES_PER_DAY : 0);
	int counter_end = counter->to + (counter->to <= counter->from ? GL_MINUTES_PER_DAY : 0);

	if (slot->date != counter->date)
		return slot->date < counter->date ? -1 : 1;
	return slot->from != counter->from ? slot->from - counter->from : slot_end - counter_end;
}

/* The place of a counter's slot among the open ones, or -1. */
static int
find_place(const GlOfferSlots *slots, const GlFullCounter *counter)
{
	int low = 0;
	int high = slots->open_count - 1;

	/* What ON_DEMAND promises changes with the minute; its counter is the rule's. */
	if (slots->counter == GL_COUNTER_RULE)
		return counter->date == GL_ANY_DATE && counter->from == 0 &&
					   counter->to == GL_MINUTES_PER_DAY
				   ? high
				   : -1;
	while (low <= high)
	{
		int middle = (low + high) / 2;
		int order = compare_slot(&slots->open[middle], counter);

		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return -1;
}

/* The same slots, but for those that are full. */
static const GlOfferSlots *
slots_left(const GlOfferSlots *open, const GlStoreRule *rule, const GlFullCounter *counter)
{
	int words = Max(1, (open->open_count + 63) / 64);
	GlOfferSlots *slots = palloc(sizeof(GlOfferSlots));
	uint64 *full = palloc0(words * sizeof(uint64));

	*slots = *open;
	slots->full = full;
	if (rule->capacity == 0)
	{
		memset(full, 0xff, words * sizeof(uint64));
		slots->count = 0;
	}
	for (; counter != NULL && slots->count > 0; counter = counter->next)
	{
		int place = find_place(open, counter);

		if (place < 0)
			continue;
		full[place / 64] |= UINT64CONST(1) << (place % 64);
		slots->count--;
	}
	/* A closed promise shows nothing, as one that is past its time. */
	slots->shows_slots =
		slots->shows_slots && (slots->count > 0 || slots->counter != GL_COUNTER_RULE);
	return slots;
}

const GlOfferSlots *
gl_offer_slots(const GlCheckout *checkout, const GlFullCounters *full, const GlStoreRule *rule,
			   GlScheduleKind kind)
{
	const GlOfferSlots *open = open_slots(checkout, rule, kind);
	const GlFullCounter *counter;

	if (!rule->has_capacity)
		return open;
	counter = gl_rule_full(full, rule);
	return counter == NULL && rule->capacity > 0 ? open : slots_left(open, rule, counter);
}
