/*-------------------------------------------------------------------------
 *
 * stock.h
 *	  What of a cart a store has in stock.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_STOCK_H
#define GL_STOCK_H

#include "cart/offer.h"

/* The source that the options name; NULL where there is none. */
extern GlStockSource *gl_stock_source_create(const GlPoolOptions *options);

/*
 * A bitset over the cart's items: those of the store's merchant that the store
 * has enough of, asked once per store of a checkout.  NULL where there is no
 * source: everything is in stock.  Raises what the source raises, and where it
 * cannot be called.
 */
extern const uint64 *gl_stock_read(const GlCheckout *checkout, const GlStore *store);

#endif /* GL_STOCK_H */
