/*-------------------------------------------------------------------------
 *
 * offer.h
 *	  Offers: what a store's rule has to offer for a cart, by type and provider.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_OFFER_H
#define GL_OFFER_H

#include "cart/cart.h"
#include "store/store.h"

/*
 * How an offer's slots stand to the rule's counters: ON_DEMAND has one counter
 * whatever the day, a rule without slots one per day.
 */
typedef enum GlCounterKind
{
	GL_COUNTER_SLOT,
	GL_COUNTER_DAY,
	GL_COUNTER_RULE
} GlCounterKind;

/*
 * When a rule delivers; one for all rules with the same schedule, but for
 * those of whose slots some are full.
 */
typedef struct GlOfferSlots
{
	GlScheduleKind kind;
	GlCounterKind counter;
	bool shows_slots;
	int count; /* open and with capacity left; of a rule without slots, its days */
	int open_count;
	const GlOpenSlot
		*open;          /* by the clock alone, in order of time; rules with one schedule share it */
	const uint64 *full; /* bitset over open: no capacity left; NULL: all have */
} GlOfferSlots;

typedef struct GlOffer
{
	const GlStore *store;
	const GlStoreRule *rule;
	const char *type;
	const char *provider; /* or NULL */
	bool shows_provider;
	const GlOfferSlots *slots;
	const uint64 *items; /* bitset over the cart */
	Datum fee;           /* numeric, as it was given */
	int64 scaled_fee;    /* × 10^GL_FEE_SCALE */
} GlOffer;

typedef struct GlOfferList
{
	int count;
	GlOffer *offers; /* by merchant, store, rule, type, provider */
} GlOfferList;

typedef struct GlStockSource GlStockSource;

/* Everything that a request is answered from. */
typedef struct GlCheckout
{
	GlCart *cart;
	GlCartZone *zone; /* NULL: the address is in no zone */
	GlPoolOptions *options;
	GlHorizon horizon;
	GlStoreList *stores;
	GlStockSource *stock_source; /* NULL: everything is in stock */
} GlCheckout;

/* An empty list restricts nothing. */
extern bool gl_zones_allow(const GlTexts *zones, const char *zone_id);

extern bool gl_amount_reached(Datum value, const GlAmount *least);

/* How a shipment type is scheduled. */
extern GlScheduleKind gl_schedule_kind(const char *type);

/* When a rule can be had as a shipment type of this kind. */
extern GlTiming gl_rule_timing(const GlStoreRule *rule, GlScheduleKind kind);

/*
 * The pools of a cart from some offers; a spent budget is a warning, because
 * what was found is good.
 */
extern GlPoolAnswer gl_pools_solve(const GlCheckout *checkout, const GlOfferList *offers);

/* Reads cart, zone, options and stores of a request. SPI is connected. */
extern GlCheckout *gl_checkout_read(JsonbContainer *request, int levels);

/*
 * The offers whose gates are open, with the items that each could carry; with
 * keep_closed also those that have no open slot, so that a refusal can say
 * why.  SPI is connected.
 */
extern GlOfferList *gl_offers_build(const GlCheckout *checkout, bool keep_closed);

/* A counter that has no unit left. */
typedef struct GlFullCounter
{
	struct GlFullCounter *next;
	int64 date; /* GL_ANY_DATE: of ON_DEMAND */
	int from;
	int to;
} GlFullCounter;

/* The full counters of the checkout's rules. SPI is connected. */
typedef struct GlFullCounters GlFullCounters;
extern GlFullCounters *gl_full_counters_read(const GlCheckout *checkout);

/* Those of one rule. A rule whose capacity is 0 needs none to be full. */
extern const GlFullCounter *gl_rule_full(const GlFullCounters *full, const GlStoreRule *rule);
extern bool gl_counter_is_full(const GlFullCounters *full, const GlStoreRule *rule, int64 date,
							   int from, int to);

/* Days, slots and cut-off of a rule as a shipment type, capacity included. */
extern const GlOfferSlots *gl_offer_slots(const GlCheckout *checkout, const GlFullCounters *full,
										  const GlStoreRule *rule, GlScheduleKind kind);

static inline bool
gl_slot_is_full(const GlOfferSlots *slots, int place)
{
	return slots->full != NULL && (slots->full[place / 64] >> (place % 64) & 1) != 0;
}

/* The date that stands for "any day" in a counter: PostgreSQL's -infinity. */
#define GL_ANY_DATE INT64_MIN

#endif /* GL_OFFER_H */
