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
#include "cart/stock.h"
#include "core/core.h"
#include "json/json.h"

#define UNIX_EPOCH_US ((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

/* Building a list that doubles as it fills. */
typedef struct OfferBuilder
{
	const GlCheckout *checkout;
	const GlFullCounters *full;
	GlOfferList *list;
	int room;
	bool keep_closed;
} OfferBuilder;

bool
gl_zones_allow(const GlTexts *zones, const char *zone_id)
{
	return zones->count == 0 || gl_texts_contain(zones, zone_id, (int) strlen(zone_id));
}

bool
gl_amount_reached(Datum value, const GlAmount *least)
{
	return !least->given || DatumGetBool(DirectFunctionCall2(numeric_ge, value, least->value));
}

static bool
gate_is_open(const GlCheckout *checkout, const GlStoreRule *rule)
{
	const GlCart *cart = checkout->cart;

	return gl_zones_allow(&rule->zones, checkout->zone->zone_id) &&
		   gl_amount_reached(cart->total, &rule->min_cart_total) &&
		   gl_amount_reached(cart->units, &rule->min_order_count) &&
		   gl_selection_passes(&rule->segment, &cart->segments);
}

GlScheduleKind
gl_schedule_kind(const char *type)
{
	if (strcmp(type, "CARGO") == 0)
		return GL_SCHEDULE_CARGO;
	if (strcmp(type, "SELF") == 0)
		return GL_SCHEDULE_SELF;
	return strcmp(type, "ON_DEMAND") == 0 ? GL_SCHEDULE_ON_DEMAND : GL_SCHEDULE_RESERVED;
}

GlTiming
gl_rule_timing(const GlStoreRule *rule, GlScheduleKind kind)
{
	GlTiming timing = {.kind = kind};

	timing.days = rule->days;
	timing.slots = rule->slots;
	timing.slot_count = rule->slot_count;
	timing.cutoff = rule->cutoff;
	timing.has_time = rule->has_time;
	timing.time_slot = rule->time_slot;
	timing.time_in = rule->time_in;
	return timing;
}

/* The gates of a rule that do not depend on type, provider or item. */
static bool
rule_is_open(const GlCheckout *checkout, const GlStoreRule *rule)
{
	uint64 call = checkout->cart->call;

	if (!gl_memo_holds(rule->gate, call))
		gl_memo_keep(rule->gate, call, gate_is_open(checkout, rule) ? rule->gate : NULL);
	return rule->gate->answer != NULL;
}

/* The types that are configured and that a rule has, in the order of the configuration. */
typedef struct OfferedTypes
{
	int count;
	struct
	{
		const char *type;
		GlScheduleKind kind;
	} types[FLEXIBLE_ARRAY_MEMBER];
} OfferedTypes;

static const OfferedTypes *
offered_types(const GlCheckout *checkout, const GlStoreRule *rule)
{
	const GlTexts *types = &checkout->options->types;
	OfferedTypes *offered;

	if (gl_memo_holds(rule->offered, checkout->cart->call))
		return rule->offered->answer;
	offered =
		palloc(offsetof(OfferedTypes, types) + Max(types->count, 1) * sizeof(offered->types[0]));
	offered->count = 0;
	for (int t = 0; t < types->count; t++)
	{
		if (!gl_texts_contain(&rule->types, types->texts[t], (int) strlen(types->texts[t])))
			continue;
		offered->types[offered->count].type = types->texts[t];
		offered->types[offered->count++].kind = gl_schedule_kind(types->texts[t]);
	}
	gl_memo_keep(rule->offered, checkout->cart->call, offered);
	return offered;
}

/* Is any type of the rule open? What "every rule's gates must hold" asks of a schedule. */
static bool
has_open_type(const OfferBuilder *builder, const GlStoreRule *rule)
{
	const OfferedTypes *offered = offered_types(builder->checkout, rule);

	for (int t = 0; t < offered->count; t++)
		if (gl_offer_slots(builder->checkout, builder->full, rule, offered->types[t].kind)->count >
			0)
			return true;
	return false;
}

static bool
store_is_open(const OfferBuilder *builder, const GlStore *store)
{
	if (!gl_zones_allow(&store->zones, builder->checkout->zone->zone_id))
		return false;
	for (int r = 0; store->match_all && r < store->rule_count; r++)
		if (!rule_is_open(builder->checkout, &store->rules[r]) ||
			!has_open_type(builder, &store->rules[r]))
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
	{
		offer->fee = offer->rule->fee.value;
		offer->scaled_fee = offer->rule->scaled_fee;
	}
	else if (!zone->fee_is_null)
	{
		offer->fee = zone->fee;
		offer->scaled_fee = zone->scaled_fee;
	}
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
			offer->slots->kind == GL_SCHEDULE_CARGO || (registered != NULL && registered->tied);
		append_offer(builder, offer);
	}
}

static void
append_rule(OfferBuilder *builder, const GlStore *store, const GlStoreRule *rule)
{
	const GlCheckout *checkout = builder->checkout;
	const OfferedTypes *offered;
	const uint64 *items;

	if (!rule_is_open(checkout, rule))
		return;
	items = gl_offer_items(checkout->cart, store, rule, gl_stock_read(checkout, store));
	offered = offered_types(checkout, rule);
	for (int t = 0; t < offered->count; t++)
	{
		GlOffer offer = {.store = store, .rule = rule, .type = offered->types[t].type};

		offer.slots = gl_offer_slots(checkout, builder->full, rule, offered->types[t].kind);
		if (offer.slots->count == 0 && !builder->keep_closed)
			continue;
		offer.items = items;
		set_fee(builder, &offer);
		append_providers(builder, &offer);
	}
}

GlOfferList *
gl_offers_build(const GlCheckout *checkout, bool keep_closed)
{
	OfferBuilder builder = {.checkout = checkout,
							.list = palloc0(sizeof(GlOfferList)),
							.room = 64,
							.keep_closed = keep_closed};
	GlAmount zone_minimum;

	builder.list->offers = palloc(builder.room * sizeof(GlOffer));
	if (checkout->zone == NULL)
		return builder.list;
	zone_minimum.given = true;
	zone_minimum.value = checkout->zone->min_cart_total;
	if (!gl_amount_reached(checkout->cart->total, &zone_minimum))
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
gl_checkout_read(JsonbContainer *request, int levels)
{
	GlCheckout *checkout = palloc0(sizeof(GlCheckout));
	GlArena arena = gl_arena(CurrentMemoryContext);
	GlError error = {-1, ""};
	GlTexts merchants;

	checkout->cart = gl_cart_read(request, levels);
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
	checkout->stock_source = gl_stock_source_create(checkout->options);
	return checkout;
}
