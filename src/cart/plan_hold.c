/*-------------------------------------------------------------------------
 *
 * plan_hold.c
 *	  The plan of a hold: for each group of a chosen pool the cheapest store
 *	  that offers its option, and the counter whose unit is to be taken.
 *
 * What cannot be had (full, past its cut-off, not offered) is an answer with
 * the reason, not an error: the customer chooses again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "cart/choice.h"
#include "cart/offer.h"
#include "cart/pool_json.h"
#include "cart/selected_match.h"
#include "core/core.h"
#include "json/json.h"

GL_FUNCTION(gl_plan_hold);

#define UNIX_EPOCH_US ((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

/* In the order of GlRefusal. */
static const char *const refusal_names[] = {"not_offered", "slot_not_offered", "cutoff_passed",
											"slot_full"};

/* The best offer for a choice so far, or why there is none. */
typedef struct Found
{
	const GlOffer *offer;
	GlOpenSlot slot;
	GlRefusal refusal;
} Found;

/* Cheapest first, then by the store's and the rule's id. */
static bool
is_better(const GlOffer *offer, const GlOffer *than)
{
	int order;

	if (than == NULL || offer->scaled_fee != than->scaled_fee)
		return than == NULL || offer->scaled_fee < than->scaled_fee;
	order = strcmp(offer->store->store_id, than->store->store_id);
	return order != 0 ? order < 0 : strcmp(offer->rule->rule_id, than->rule->rule_id) < 0;
}

/* Is the customer shown slots of this offer to choose from? */
static bool
has_choice_of_slots(const GlOffer *offer)
{
	if (offer->timing.kind == GL_SCHEDULE_ON_DEMAND)
		return offer->timing.has_time;
	return offer->timing.kind != GL_SCHEDULE_CARGO && offer->counter == GL_COUNTER_SLOT;
}

/*
 * What a choice leaves out is meant: without a provider the option that shows
 * none, without a slot the one that has none.  Only where there is no such
 * option is it left to us; else the customer would get another option than the
 * one that was chosen, at another fee.
 */
typedef struct Meaning
{
	bool hides_provider;
	bool has_no_slot;
} Meaning;

static Meaning
meaning_of(const GlOfferList *offers, const GlChoiceList *list, int group, int words)
{
	const GlChoice *choice = &list->choices[group];
	Meaning meaning = {false, false};

	for (int i = 0; i < offers->count; i++)
	{
		const GlOffer *offer = &offers->offers[i];

		if (!gl_choice_has_option(list, group, offer, words))
			continue;
		meaning.hides_provider |= choice->provider == NULL && !offer->shows_provider;
		meaning.has_no_slot |= !choice->has_slot && !has_choice_of_slots(offer);
	}
	return meaning;
}

static bool
is_meant(const GlOffer *offer, const Meaning *meaning)
{
	return !(meaning->hides_provider && offer->shows_provider) &&
		   !(meaning->has_no_slot && has_choice_of_slots(offer));
}

static Found
find_offer(const GlCheckout *checkout, const GlOfferList *offers, const GlChoiceList *list,
		   int group)
{
	const GlChoice *choice = &list->choices[group];
	int words = GL_POOL_WORDS(checkout->cart->item_count);
	Meaning meaning = meaning_of(offers, list, group, words);
	Found found = {NULL, {0}, GL_NOT_OFFERED};

	for (int i = 0; i < offers->count; i++)
	{
		const GlOffer *offer = &offers->offers[i];
		const GlOpenSlot *slot;

		if (!gl_choice_has_option(list, group, offer, words) || !is_meant(offer, &meaning))
			continue;
		if (!choice->has_slot && has_choice_of_slots(offer) && offer->counter == GL_COUNTER_SLOT)
			ereport(
				ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is missing", gl_json_path_key(choice->path, "slot")),
				 errhint("%s is delivered in a slot: choose one of those that get_pools answers.",
						 choice->type)));
		slot = gl_choice_slot(choice, offer);
		if (slot == NULL)
			found.refusal = Max(found.refusal, gl_choice_refusal(checkout, choice, offer));
		else if (is_better(offer, found.offer))
		{
			found.offer = offer;
			found.slot = *slot;
		}
	}
	return found;
}

static void
write_text(StringInfo json, const char *key, const char *value)
{
	appendStringInfo(json, ",\"%s\":", key);
	if (value == NULL)
		appendStringInfoString(json, "null");
	else
		escape_json(json, value);
}

/* The instants that a slot lasts from and to. */
static void
write_promise(StringInfo json, const GlCheckout *checkout, const GlOpenSlot *slot)
{
	int end = slot->to + (slot->to <= slot->from ? GL_MINUTES_PER_DAY : 0);
	const GlClock *clock = checkout->horizon.clock;
	int64 from = gl_clock_utc(clock, slot->date * GL_MINUTES_PER_DAY + slot->from, NULL);
	int64 to = gl_clock_utc(clock, slot->date * GL_MINUTES_PER_DAY + end, NULL);

	write_text(json, "promised_from", timestamptz_to_str(from * USECS_PER_SEC - UNIX_EPOCH_US));
	write_text(json, "promised_to", timestamptz_to_str(to * USECS_PER_SEC - UNIX_EPOCH_US));
}

/* The counter: ON_DEMAND has one whatever the day, a rule without slots one per day. */
static void
write_counter(StringInfo json, const GlOffer *offer, const GlOpenSlot *slot)
{
	char from[6] = "00:00";
	char to[6] = "24:00";

	appendStringInfoString(json, ",\"day\":");
	if (offer->counter == GL_COUNTER_RULE)
		appendStringInfoString(json, "\"-infinity\"");
	else
		gl_date_write(json, slot->date);
	if (offer->counter == GL_COUNTER_SLOT)
	{
		gl_time_of_day_format(slot->from, from);
		gl_time_of_day_format(slot->to, to);
	}
	write_text(json, "slot_from", from);
	write_text(json, "slot_to", to);
}

static void
write_group_items(StringInfo json, const GlCart *cart, const uint64 *items)
{
	bool first = true;

	appendStringInfoString(json, ",\"items\":[");
	for (int i = 0; i < cart->item_count; i++)
	{
		const GlItem *item = &cart->items[i];

		if ((items[i / 64] >> (i % 64) & 1) == 0)
			continue;
		appendStringInfoString(json, first ? "{\"itemId\":" : ",{\"itemId\":");
		escape_json(json, item->item_id);
		appendStringInfo(json, ",\"quantity\":%s",
						 DatumGetCString(DirectFunctionCall1(numeric_out, item->quantity)));
		appendStringInfo(json, ",\"price\":%s",
						 DatumGetCString(DirectFunctionCall1(numeric_out, item->price)));
		write_text(json, "name", item->name);
		appendStringInfoChar(json, '}');
		first = false;
	}
	appendStringInfoChar(json, ']');
}

static void
write_unit(StringInfo json, const GlCheckout *checkout, int group, const GlChoice *choice,
		   const Found *found)
{
	const GlOffer *offer = found->offer;

	appendStringInfo(json, "%s{\"group_no\":%d", group > 0 ? "," : "", group);
	write_text(json, "store_merchant_id", offer->store->merchant_id);
	write_text(json, "store_id", offer->store->store_id);
	write_text(json, "rule_id", offer->rule->rule_id);
	write_text(json, "type", offer->type);
	write_text(json, "provider", offer->provider);
	write_counter(json, offer, &found->slot);
	if (offer->counter == GL_COUNTER_SLOT || offer->shows_slots)
		write_promise(json, checkout, &found->slot);
	appendStringInfo(json, ",\"fee\":%s",
					 DatumGetCString(DirectFunctionCall1(numeric_out, offer->fee)));
	write_group_items(json, checkout->cart, choice->items);
	appendStringInfoChar(json, '}');
}

/* {"plan": […], "cartId", "zoneId"}, or {"reason", "group"}. */
static void
write_plan(StringInfo json, const GlCheckout *checkout, const GlOfferList *offers,
		   const GlChoiceList *list)
{
	appendStringInfoString(json, "{\"plan\":[");
	for (int i = 0; i < list->count; i++)
	{
		Found found = find_offer(checkout, offers, list, i);

		if (found.offer == NULL)
		{
			resetStringInfo(json);
			appendStringInfo(json, "{\"reason\":\"%s\",\"group\":%d}", refusal_names[found.refusal],
							 i);
			return;
		}
		write_unit(json, checkout, i, &list->choices[i], &found);
	}
	appendStringInfoChar(json, ']');
	write_text(json, "cartId", checkout->cart->cart_id);
	write_text(json, "zoneId", checkout->zone == NULL ? NULL : checkout->zone->zone_id);
	appendStringInfoChar(json, '}');
}

/* plan_hold(request) → jsonb */
Datum
gl_plan_hold(PG_FUNCTION_ARGS)
{
	static const char *const keys[] = {"cartId",  "cart",     "merchantId", "zoneId",
									   "address", "location", "pool",       NULL};
	Jsonb *request = PG_GETARG_JSONB_P(0);
	MemoryContext caller = CurrentMemoryContext;
	GlOwnerScope scope;
	GlCheckout *checkout;
	GlChoiceList list;
	StringInfoData json;
	Datum result;

	if (!JB_ROOT_IS_OBJECT(request))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the request must be an object")));
	gl_json_only_keys(&request->root, "", keys);
	scope = gl_owner_enter();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	checkout = gl_checkout_read(&request->root);
	list = gl_choices_read(checkout->cart, &request->root);
	initStringInfo(&json);
	write_plan(&json, checkout, gl_offers_build(checkout, true), &list);
	MemoryContextSwitchTo(caller);
	result = DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
	SPI_finish();
	gl_owner_leave(scope);
	return result;
}
