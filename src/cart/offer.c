/*-------------------------------------------------------------------------
 *
 * offer.c
 *	  From stores and rules to offers: the gates of design "Pools", one after
 *	  the other.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "cart/offer.h"
#include "cart/offer_items.h"
#include "core/core.h"
#include "json/json.h"

#define UNIX_EPOCH_US ((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

/* Building a list that doubles as it fills. */
typedef struct OfferBuilder
{
	const GlCheckout *checkout;
	GlFullCounters *full;
	GlOfferList *list;
	int room;
	bool keep_closed;
} OfferBuilder;

static bool
allows_zone(const GlTexts *zones, const char *zone_id)
{
	return zones->count == 0 || gl_texts_contain(zones, zone_id, (int) strlen(zone_id));
}

static bool
reaches(Datum value, const GlAmount *least)
{
	return !least->given || DatumGetBool(DirectFunctionCall2(numeric_ge, value, least->value));
}

/* The gates of a rule that do not depend on type, provider or item. */
static bool
rule_is_open(const GlCheckout *checkout, const GlStoreRule *rule)
{
	const GlCart *cart = checkout->cart;

	return allows_zone(&rule->zones, checkout->zone->zone_id) &&
		   reaches(cart->total, &rule->min_cart_total) &&
		   reaches(cart->units, &rule->min_order_count) &&
		   gl_selection_passes(&rule->segment, &cart->segments);
}

static GlTiming
timing_of(const GlStoreRule *rule, const char *type)
{
	GlTiming timing = {GL_SCHEDULE_RESERVED};

	if (strcmp(type, "CARGO") == 0)
		timing.kind = GL_SCHEDULE_CARGO;
	else if (strcmp(type, "SELF") == 0)
		timing.kind = GL_SCHEDULE_SELF;
	else if (strcmp(type, "ON_DEMAND") == 0)
		timing.kind = GL_SCHEDULE_ON_DEMAND;
	timing.days = rule->days;
	timing.slots = rule->slots;
	timing.slot_count = rule->slot_count;
	timing.cutoff = rule->cutoff;
	timing.has_time = rule->has_time;
	timing.time_slot = rule->time_slot;
	timing.time_in = rule->time_in;
	return timing;
}

/* ON_DEMAND: one counter whatever the day, so its promise is open or not as a whole. */
static void
fill_on_demand(const OfferBuilder *builder, GlOffer *offer)
{
	GlScheduleVerdict verdict = gl_schedule_verdict(&offer->timing, &builder->checkout->horizon);

	offer->counter = GL_COUNTER_RULE;
	if (verdict.reason != GL_SCHEDULE_OPEN ||
		gl_counter_is_full(builder->full, offer->rule, GL_ANY_DATE, 0, GL_MINUTES_PER_DAY))
		return;
	offer->slots = palloc(sizeof(GlOpenSlot));
	offer->slots[offer->slot_count++] = verdict.slot;
	offer->shows_slots = !verdict.slotless;
}

/* A rule without slots is open on each of its days, with a counter per day. */
static void
fill_days(const OfferBuilder *builder, GlOffer *offer)
{
	const GlHorizon *horizon = &builder->checkout->horizon;

	offer->counter = GL_COUNTER_DAY;
	offer->shows_slots = false;
	offer->slots = palloc((horizon->days + 1) * sizeof(GlOpenSlot));
	for (int day = 0; day <= horizon->days; day++)
	{
		GlOpenSlot slot = {horizon->today + day, 0, GL_MINUTES_PER_DAY};

		if (gl_schedule_slot_verdict(&offer->timing, horizon, slot.date, slot.from, slot.to)
					.reason == GL_SCHEDULE_OPEN &&
			!gl_counter_is_full(builder->full, offer->rule, slot.date, slot.from, slot.to))
			offer->slots[offer->slot_count++] = slot;
	}
}

static void
fill_slots(const OfferBuilder *builder, GlOffer *offer)
{
	const GlHorizon *horizon = &builder->checkout->horizon;
	GlScheduleCursor cursor;
	GlOpenSlot slot;

	offer->counter = GL_COUNTER_SLOT;
	offer->shows_slots = offer->timing.kind != GL_SCHEDULE_CARGO;
	offer->slots =
		palloc((Size) (horizon->days + 1) * offer->timing.slot_count * sizeof(GlOpenSlot));
	gl_schedule_first(&offer->timing, horizon, &cursor);
	while (gl_schedule_next(&cursor, &slot))
		if (!gl_counter_is_full(builder->full, offer->rule, slot.date, slot.from, slot.to))
			offer->slots[offer->slot_count++] = slot;
}

/* Days, slots and cut-off for one type of a rule, capacity included. */
static void
fill_schedule(const OfferBuilder *builder, GlOffer *offer)
{
	offer->timing = timing_of(offer->rule, offer->type);
	if (offer->timing.kind == GL_SCHEDULE_ON_DEMAND)
		fill_on_demand(builder, offer);
	else if (offer->timing.slot_count == 0)
		fill_days(builder, offer);
	else
		fill_slots(builder, offer);
}

/* Is any type of the rule open? What "every rule's gates must hold" asks of a schedule. */
static bool
has_open_type(const OfferBuilder *builder, const GlStore *store, const GlStoreRule *rule)
{
	const GlTexts *types = &builder->checkout->options->types;

	for (int t = 0; t < types->count; t++)
	{
		GlOffer probe = {.store = store, .rule = rule, .type = types->texts[t]};

		if (!gl_texts_contain(&rule->types, probe.type, (int) strlen(probe.type)))
			continue;
		fill_schedule(builder, &probe);
		if (probe.slot_count > 0)
			return true;
	}
	return false;
}

static bool
store_is_open(const OfferBuilder *builder, const GlStore *store)
{
	if (!allows_zone(&store->zones, builder->checkout->zone->zone_id))
		return false;
	for (int r = 0; store->match_all && r < store->rule_count; r++)
		if (!rule_is_open(builder->checkout, &store->rules[r]) ||
			!has_open_type(builder, store, &store->rules[r]))
			return false;
	return true;
}

static void
append_offer(OfferBuilder *builder, const GlOffer *offer)
{
	GlOfferList *list = builder->list;

	if (list->count == builder->room)
	{
		builder->room *= 2;
		list->offers = repalloc_huge(list->offers, builder->room * sizeof(GlOffer));
	}
	list->offers[list->count++] = *offer;
}

static void
set_fee(const OfferBuilder *builder, GlOffer *offer)
{
	const GlCartZone *zone = builder->checkout->zone;

	if (offer->rule->fee.given)
		offer->fee = offer->rule->fee.value;
	else if (!zone->fee_is_null)
		offer->fee = zone->fee;
	else
		offer->fee = DirectFunctionCall1(int4_numeric, Int32GetDatum(0));
}

/* One offer per provider, or one without where the rule names none. */
static void
append_providers(OfferBuilder *builder, GlOffer *offer)
{
	const GlTexts *providers = &offer->rule->providers;

	if (providers->count == 0)
		append_offer(builder, offer);
	for (int p = 0; p < providers->count; p++)
	{
		const GlStoreProvider *registered =
			gl_store_provider(offer->store, offer->type, providers->texts[p]);

		if (registered != NULL && registered->deleted)
			continue;
		offer->provider = providers->texts[p];
		offer->shows_provider =
			offer->timing.kind == GL_SCHEDULE_CARGO || (registered != NULL && registered->tied);
		append_offer(builder, offer);
	}
}

static void
append_rule(OfferBuilder *builder, const GlStore *store, const GlStoreRule *rule)
{
	const GlTexts *types = &builder->checkout->options->types;
	uint64 *items;

	if (!rule_is_open(builder->checkout, rule))
		return;
	items = gl_offer_items(builder->checkout->cart, store, rule);
	for (int t = 0; t < types->count; t++)
	{
		GlOffer offer = {.store = store, .rule = rule, .type = types->texts[t]};

		if (!gl_texts_contain(&rule->types, offer.type, (int) strlen(offer.type)))
			continue;
		fill_schedule(builder, &offer);
		if (offer.slot_count == 0 && !builder->keep_closed)
			continue;
		offer.items = items;
		set_fee(builder, &offer);
		append_providers(builder, &offer);
	}
}

/* Fees as whole numbers of one decimal unit, so that the solver adds and compares exactly. */
static void
scale_fees(GlOfferList *list)
{
	int scale = 0;

	for (int i = 0; i < list->count; i++)
		scale =
			Max(scale, DatumGetInt32(DirectFunctionCall1(numeric_min_scale, list->offers[i].fee)));
	if (scale > 9)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("a fee has more than 9 digits behind the point")));
	for (int i = 0; i < list->count; i++)
		list->offers[i].scaled_fee = gl_cart_scale(list->offers[i].fee, scale, "a fee");
}

GlOfferList *
gl_offers_build(const GlCheckout *checkout, bool keep_closed)
{
	OfferBuilder builder = {checkout, NULL, palloc0(sizeof(GlOfferList)), 64, keep_closed};
	GlAmount zone_minimum;

	builder.list->offers = palloc(builder.room * sizeof(GlOffer));
	if (checkout->zone == NULL)
		return builder.list;
	zone_minimum.given = true;
	zone_minimum.value = checkout->zone->min_cart_total;
	if (!reaches(checkout->cart->total, &zone_minimum))
		return builder.list;
	builder.full = gl_full_counters_read(checkout);
	for (int s = 0; s < checkout->stores->count; s++)
	{
		const GlStore *store = &checkout->stores->stores[s];

		CHECK_FOR_INTERRUPTS();
		if (!store_is_open(&builder, store))
			continue;
		for (int r = 0; r < store->rule_count; r++)
			append_rule(&builder, store, &store->rules[r]);
	}
	scale_fees(builder.list);
	return builder.list;
}

/* The merchants whose items are in the cart. */
static GlTexts
cart_merchants(const GlCart *cart)
{
	GlTexts merchants = {0, palloc(cart->item_count * sizeof(char *))};

	for (int i = 0; i < cart->item_count; i++)
	{
		char *merchant_id = cart->items[i].merchant_id;

		if (!gl_texts_contain(&merchants, merchant_id, (int) strlen(merchant_id)))
			merchants.texts[merchants.count++] = merchant_id;
	}
	return merchants;
}

GlCheckout *
gl_checkout_read(JsonbContainer *request)
{
	GlCheckout *checkout = palloc0(sizeof(GlCheckout));
	GlArena arena = gl_arena(CurrentMemoryContext);
	GlError error = {-1, ""};
	GlTexts merchants;

	checkout->cart = gl_cart_read(request);
	checkout->zone = gl_cart_zone_read(request);
	checkout->options = gl_pool_options_read();
	if (checkout->zone == NULL)
		return checkout;
	if (gl_horizon_build(&checkout->zone->clock, gl_clock_read() + UNIX_EPOCH_US,
						 checkout->options->days, &arena, &checkout->horizon, &error) != GL_OK)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("days cannot be offered: %s", error.message)));
	merchants = cart_merchants(checkout->cart);
	checkout->stores = gl_stores_read(&merchants);
	return checkout;
}
