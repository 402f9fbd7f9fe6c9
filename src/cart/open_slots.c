/*-------------------------------------------------------------------------
 *
 * open_slots.c
 *	  The open slots of an offer: days, slots and cut-off, and then capacity.
 *
 * What is open by the clock is worked out once per call for all rules with
 * the same schedule; only a rule with a full counter has a list of its own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "cart/offer.h"

/* What is open by the clock alone. */
typedef struct OpenSlots
{
	GlCounterKind counter;
	bool shows_slots;
	int count;
	GlOpenSlot *slots;
} OpenSlots;

/* ON_DEMAND: one counter whatever the day, so its promise is open or not as a whole. */
static void
list_on_demand(const GlTiming *timing, const GlHorizon *horizon, OpenSlots *open)
{
	GlScheduleVerdict verdict = gl_schedule_verdict(timing, horizon);

	open->counter = GL_COUNTER_RULE;
	if (verdict.reason != GL_SCHEDULE_OPEN)
		return;
	open->slots = palloc(sizeof(GlOpenSlot));
	open->slots[open->count++] = verdict.slot;
	open->shows_slots = !verdict.slotless;
}

/* A rule without slots is open on each of its days, with a counter per day. */
static void
list_days(const GlTiming *timing, const GlHorizon *horizon, OpenSlots *open)
{
	open->counter = GL_COUNTER_DAY;
	open->slots = palloc((horizon->days + 1) * sizeof(GlOpenSlot));
	for (int day = 0; day <= horizon->days; day++)
	{
		GlOpenSlot slot = {horizon->today + day, 0, GL_MINUTES_PER_DAY};

		if (gl_schedule_slot_verdict(timing, horizon, slot.date, slot.from, slot.to).reason ==
			GL_SCHEDULE_OPEN)
			open->slots[open->count++] = slot;
	}
}

static void
list_slots(const GlTiming *timing, const GlHorizon *horizon, OpenSlots *open)
{
	GlScheduleCursor cursor;
	GlOpenSlot slot;

	open->counter = GL_COUNTER_SLOT;
	open->shows_slots = timing->kind != GL_SCHEDULE_CARGO;
	open->slots = palloc((Size) (horizon->days + 1) * timing->slot_count * sizeof(GlOpenSlot));
	gl_schedule_first(timing, horizon, &cursor);
	while (gl_schedule_next(&cursor, &slot))
		open->slots[open->count++] = slot;
}

static const OpenSlots *
open_slots(const GlCheckout *checkout, const GlStoreRule *rule, const GlTiming *timing)
{
	GlMemo *memo = &rule->schedule[timing->kind];
	OpenSlots *open;

	if (gl_memo_holds(memo, checkout->cart->call))
		return memo->answer;
	open = palloc0(sizeof(OpenSlots));
	if (timing->kind == GL_SCHEDULE_ON_DEMAND)
		list_on_demand(timing, &checkout->horizon, open);
	else if (timing->slot_count == 0)
		list_days(timing, &checkout->horizon, open);
	else
		list_slots(timing, &checkout->horizon, open);
	gl_memo_keep(memo, checkout->cart->call, open);
	return open;
}

static bool
is_full(const GlFullCounters *full, const GlOffer *offer, const GlOpenSlot *slot)
{
	if (offer->counter == GL_COUNTER_RULE)
		return gl_counter_is_full(full, offer->rule, GL_ANY_DATE, 0, GL_MINUTES_PER_DAY);
	return gl_counter_is_full(full, offer->rule, slot->date, slot->from, slot->to);
}

void
gl_offer_fill_slots(const GlCheckout *checkout, const GlFullCounters *full, GlOffer *offer)
{
	const OpenSlots *open;
	GlOpenSlot *left;

	offer->timing = gl_rule_timing(offer->rule, offer->type);
	open = open_slots(checkout, offer->rule, &offer->timing);
	offer->counter = open->counter;
	offer->shows_slots = open->shows_slots;
	offer->open = open->slots;
	offer->open_count = open->count;
	offer->slots = open->slots;
	offer->slot_count = open->count;
	if (!gl_rule_has_full(full, offer->rule))
		return;
	left = palloc(Max(open->count, 1) * sizeof(GlOpenSlot));
	offer->slot_count = 0;
	for (int i = 0; i < open->count; i++)
		if (!is_full(full, offer, &open->slots[i]))
			left[offer->slot_count++] = open->slots[i];
	offer->slots = left;
	/* A closed promise shows nothing, as one that is past its time. */
	offer->shows_slots =
		offer->shows_slots && (offer->slot_count > 0 || offer->counter != GL_COUNTER_RULE);
}
