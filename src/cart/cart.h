/*-------------------------------------------------------------------------
 *
 * cart.h
 *	  A cart as pools are computed from it, and the request that names it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_CART_H
#define GL_CART_H

#include "utils/jsonb.h"

#include "core/texts.h"
#include "pool/schedule.h"
#include "pool/solver.h"

typedef struct GlItem
{
	char *item_id;
	char *merchant_id; /* whose stores ship it */
	char *name;        /* or NULL */
	Datum quantity;    /* numeric, of units */
	Datum price;       /* numeric, of one unit */
	int64 weight;      /* of the line, in the cart's weight unit */
	int64 volume;      /* of the line, in the cart's volume unit */
	GlTexts categories;
	GlTexts tags;
} GlItem;

/*
 * Weights and volumes are kept as whole numbers of a decimal unit that all
 * lines of the cart are multiples of (10 to the minus scale), so that sums
 * and comparisons are exact.
 */
typedef struct GlCart
{
	uint64 call;       /* number of the call, for what is remembered during it (GlMemo) */
	char *merchant_id; /* of the items that name none */
	char *cart_id;     /* or NULL: inline without an id */
	int item_count;
	GlItem *items;
	int *item_rank;   /* place of each item in the order of their ids */
	GlTexts segments; /* of the customer */
	Datum total;      /* numeric */
	Datum units;      /* numeric */
	int weight_scale;
	int volume_scale;
	int64 weight; /* of all lines; so many of so much at most do fit */
	int64 volume;
} GlCart;

/* The zone that a cart is delivered in, and its clock. */
typedef struct GlCartZone
{
	char *zone_id;
	Datum fee; /* numeric */
	bool fee_is_null;
	int64 scaled_fee;     /* fee × 10^GL_FEE_SCALE */
	Datum min_cart_total; /* numeric */
	GlClock clock;
} GlCartZone;

/* What options say of pools, and whom to ask what is in stock. */
typedef struct GlPoolOptions
{
	int days;
	int max_pools;
	GlTexts types;
	char *stock_source; /* signature of the function, or NULL */
	char *stock_role;   /* as which it runs */
} GlPoolOptions;

/*
 * The cart of a request, inline or by cartId; raises where there is none, or
 * the caller may not act for its merchant, and those of its items, at one of
 * the levels (core/access.h).  SPI is connected.
 */
extern GlCart *gl_cart_read(JsonbContainer *request, int levels);

/* The zone of a request: by zoneId, or located by address and location. SPI is connected. */
extern GlCartZone *gl_cart_zone_read(JsonbContainer *request);

extern GlPoolOptions *gl_pool_options_read(void);

/* value × 10^scale, rounded down, as a numeric. */
extern Datum gl_cart_scaled(Datum value, int scale);

/* The same as a whole number of at most 10^15; raises where it does not fit. */
extern int64 gl_cart_scale(Datum value, int scale, const char *what);

#endif /* GL_CART_H */
