/*-------------------------------------------------------------------------
 *
 * offer_items.h
 *	  Which items of a cart a store's rule can carry.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_OFFER_ITEMS_H
#define GL_OFFER_ITEMS_H

#include "cart/cart.h"
#include "store/store.h"

/* Why a rule does not carry an item. */
typedef enum GlItemVerdict
{
	GL_ITEM_CARRIED,
	GL_ITEM_OTHER_MERCHANT,
	GL_ITEM_CATEGORY,
	GL_ITEM_TAG,
	GL_ITEM_OUT_OF_STOCK,
	GL_ITEM_TOO_HEAVY, /* with the carried ones before it */
	GL_ITEM_TOO_BULKY
} GlItemVerdict;

/*
 * A bitset over the cart's items.  stock is what the store has of them, NULL:
 * all.
 */
extern const uint64 *gl_offer_items(const GlCart *cart, const GlStore *store,
									const GlStoreRule *rule, const uint64 *stock);

/* A limit in the cart's unit; PG_INT64_MAX where there is none, or one beyond all that a cart can weigh. */
extern int64 gl_limit_scaled(const GlLimit *limit, int scale);

/* The verdict of one rule, whatever the store's other rules say, on each item of the cart. */
extern GlItemVerdict *gl_offer_item_verdicts(const GlCart *cart, const GlStore *store,
											 const GlStoreRule *rule, const uint64 *stock);

extern bool gl_selection_passes(const GlSelection *selection, const GlTexts *texts);

#endif /* GL_OFFER_ITEMS_H */
