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

#include "port/pg_bitutils.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "cart/hold.h"
#include "json/json.h"
#include "json/write.h"

#define UNIX_EPOCH_US ((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

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
	if (offer->slots->kind == GL_SCHEDULE_ON_DEMAND)
		return offer->rule->has_time;
	return offer->slots->kind != GL_SCHEDULE_CARGO && offer->slots->counter == GL_COUNTER_SLOT;
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
		if (!choice->has_slot && has_choice_of_slots(offer) &&
			offer->slots->counter == GL_COUNTER_SLOT)
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
set_text(GlHoldUnit *unit, GlUnitColumn column, const char *value)
{
	unit->nulls[column] = value == NULL ? 'n' : ' ';
	if (value != NULL)
		unit->values[column] = CStringGetTextDatum(value);
}

/* A column that is neither text nor NULL. */
static void
set_value(GlHoldUnit *unit, GlUnitColumn column, Datum value)
{
	unit->nulls[column] = ' ';
	unit->values[column] = value;
}

/* The instants that a slot lasts from and to. */
static void
set_promise(GlHoldUnit *unit, const GlCheckout *checkout, const GlOpenSlot *slot)
{
	int end = slot->to + (slot->to <= slot->from ? GL_MINUTES_PER_DAY : 0);
	const GlClock *clock = checkout->horizon.clock;
	int64 from = gl_clock_utc(clock, slot->date * GL_MINUTES_PER_DAY + slot->from, NULL);
	int64 to = gl_clock_utc(clock, slot->date * GL_MINUTES_PER_DAY + end, NULL);

	set_value(unit, GL_UNIT_PROMISED_FROM,
			  TimestampTzGetDatum(from * USECS_PER_SEC - UNIX_EPOCH_US));
	set_value(unit, GL_UNIT_PROMISED_TO, TimestampTzGetDatum(to * USECS_PER_SEC - UNIX_EPOCH_US));
}

/* The counter: ON_DEMAND has one whatever the day, a rule without slots one per day. */
static void
set_counter(GlHoldUnit *unit, const GlOffer *offer, const GlOpenSlot *slot)
{
	bool by_slot = offer->slots->counter == GL_COUNTER_SLOT;
	TimeADT from = by_slot ? slot->from : 0;
	TimeADT to = by_slot ? slot->to : GL_MINUTES_PER_DAY;
	DateADT day = (DateADT) (slot->date - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE));

	if (offer->slots->counter == GL_COUNTER_RULE)
		DATE_NOBEGIN(day);
	set_text(unit, GL_UNIT_STORE_MERCHANT, offer->store->merchant_id);
	set_text(unit, GL_UNIT_STORE, offer->store->store_id);
	set_text(unit, GL_UNIT_RULE, offer->rule->rule_id);
	set_value(unit, GL_UNIT_DAY, DateADTGetDatum(day));
	set_value(unit, GL_UNIT_SLOT_FROM, TimeADTGetDatum(from * USECS_PER_MINUTE));
	set_value(unit, GL_UNIT_SLOT_TO, TimeADTGetDatum(to * USECS_PER_MINUTE));
}

static void
write_item(GlJsonbWriter *json, const GlItem *item)
{
	gl_jsonb_open_object(json, 4);
	gl_jsonb_text(json, "name");
	gl_jsonb_text(json, "price");
	gl_jsonb_text(json, "itemId");
	gl_jsonb_text(json, "quantity");
	gl_jsonb_text(json, item->name);
	gl_jsonb_numeric(json, DatumGetNumeric(item->price));
	gl_jsonb_text(json, item->item_id);
	gl_jsonb_numeric(json, DatumGetNumeric(item->quantity));
	gl_jsonb_close(json);
}

/* [{itemId, quantity, price, name}, …] as jsonb. */
static Datum
group_items(const GlCart *cart, const uint64 *items)
{
	GlJsonbWriter json;

	gl_jsonb_begin(&json);
	gl_jsonb_open_array(&json, (int) pg_popcount((const char *) items,
												 GL_POOL_WORDS(cart->item_count) * sizeof(uint64)));
	for (int i = 0; i < cart->item_count; i++)
		if (items[i / 64] >> (i % 64) & 1)
			write_item(&json, &cart->items[i]);
	gl_jsonb_close(&json);
	return JsonbPGetDatum(gl_jsonb_end(&json));
}

static void
fill_unit(GlHoldUnit *unit, const GlCheckout *checkout, int group, const GlChoice *choice,
		  const Found *found)
{
	const GlOffer *offer = found->offer;

	memset(unit->nulls, 'n', sizeof(unit->nulls));
	set_value(unit, GL_UNIT_GROUP, Int32GetDatum(group));
	set_counter(unit, offer, &found->slot);
	set_text(unit, GL_UNIT_TYPE, offer->type);
	set_text(unit, GL_UNIT_PROVIDER, offer->provider);
	if (offer->slots->counter == GL_COUNTER_SLOT || offer->slots->shows_slots)
		set_promise(unit, checkout, &found->slot);
	set_value(unit, GL_UNIT_FEE, offer->fee);
	set_value(unit, GL_UNIT_ITEMS, group_items(checkout->cart, choice->items));
}

bool
gl_hold_plan(const GlCheckout *checkout, const GlChoiceList *list, GlHoldUnit *units,
			 GlRefusal *refusal, int *group)
{
	GlOfferList *offers = gl_offers_build(checkout, true);

	for (int i = 0; i < list->count; i++)
	{
		Found found = find_offer(checkout, offers, list, i);

		if (found.offer == NULL)
		{
			*refusal = found.refusal;
			*group = i;
			return false;
		}
		fill_unit(&units[i], checkout, i, &list->choices[i], &found);
	}
	return true;
}
