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

/* A bitset over the cart's items. */
extern uint64 *gl_offer_items(const GlCart *cart, const GlStore *store, const GlStoreRule *rule);

extern bool gl_selection_passes(const GlSelection *selection, const GlTexts *texts);

#endif /* GL_OFFER_ITEMS_H */
