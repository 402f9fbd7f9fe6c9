/*-------------------------------------------------------------------------
 *
 * selected_match.c
 *	  Whether an offer is what was chosen, and if not, why.
 *
 * hold_slot and get_pools with a selected pool judge by the same code, so that
 * what one names the other can hold.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "cart/selected_match.h"

bool
gl_items_contain(const uint64 *outer, const uint64 *inner, int words)
{
	for (int w = 0; w < words; w++)
		if (inner[w] & ~outer[w])
			return false;
	return true;
}

bool
gl_choice_names(const GlChoice *choice, const GlOffer *offer)
{
	return strcmp(offer->type, choice->type) == 0 &&
		   (choice->provider == NULL ||
			(offer->provider != NULL && strcmp(offer->provider, choice->provider) == 0));
}

bool
gl_choice_has_option(const GlChoiceList *list, int group, const GlOffer *offer, int words)
{
	const GlChoice *choice = &list->choices[group];

	if (!gl_choice_names(choice, offer) || !gl_items_contain(offer->items, choice->items, words))
		return false;
	for (int other = 0; other < list->count; other++)
		if (other != group && gl_items_contain(offer->items, list->choices[other].items, words))
			return false;
	return true;
}

static GlRefusal
refusal_of(GlScheduleVerdict verdict)
{
	switch (verdict.reason)
	{
		case GL_SCHEDULE_OPEN:
			return GL_SLOT_FULL;
		case GL_SCHEDULE_CUTOFF_PASSED:
		case GL_SCHEDULE_AFTER_TIME:
			return GL_CUTOFF_PASSED;
		default:
			return GL_SLOT_NOT_OFFERED;
	}
}

GlRefusal
gl_choice_refusal(const GlCheckout *checkout, const GlChoice *choice, const GlOffer *offer)
{
	GlTiming timing = gl_rule_timing(offer->rule, offer->slots->kind);
	const GlHorizon *horizon = &checkout->horizon;
	GlRefusal closest = GL_SLOT_NOT_OFFERED;

	if (offer->slots->counter == GL_COUNTER_DAY && choice->has_slot)
		return GL_SLOT_NOT_OFFERED;
	if (offer->slots->counter == GL_COUNTER_RULE && offer->slots->count > 0)
		return GL_SLOT_NOT_OFFERED;
	if (offer->slots->counter == GL_COUNTER_RULE || !choice->has_day)
		return refusal_of(gl_schedule_verdict(&timing, horizon));
	if (choice->has_slot || offer->slots->counter == GL_COUNTER_DAY)
		return refusal_of(gl_schedule_slot_verdict(&timing, horizon, choice->day, choice->slot.from,
												   choice->slot.to));
	for (int i = 0; i < timing.slot_count; i++)
		closest = Max(closest, refusal_of(gl_schedule_slot_verdict(&timing, horizon, choice->day,
																   timing.slots[i].from,
																   timing.slots[i].to)));
	return closest;
}

/*
 * Does an open slot answer the choice?  A promise of ON_DEMAND ages between
 * quote and order, also past midnight, so its times do not count and its day
 * may be yesterday.
 */
static bool
is_chosen(const GlOffer *offer, const GlOpenSlot *slot, const GlChoice *choice)
{
	switch (offer->slots->counter)
	{
		case GL_COUNTER_RULE:
			return (!choice->has_slot || offer->rule->has_time) &&
				   (!choice->has_day || choice->day == slot->date || choice->day == slot->date - 1);
		case GL_COUNTER_DAY:
			return !choice->has_slot && (!choice->has_day || choice->day == slot->date);
		case GL_COUNTER_SLOT:
			return (!choice->has_day || choice->day == slot->date) &&
				   (!choice->has_slot ||
					(choice->slot.from == slot->from && choice->slot.to == slot->to));
	}
	return false;
}

const GlOpenSlot *
gl_choice_slot(const GlChoice *choice, const GlOffer *offer)
{
	const GlOfferSlots *slots = offer->slots;

	for (int i = 0; i < slots->open_count; i++)
		if (!gl_slot_is_full(slots, i) && is_chosen(offer, &slots->open[i], choice))
			return &slots->open[i];
	return NULL;
}
