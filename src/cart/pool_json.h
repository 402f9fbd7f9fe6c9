/*-------------------------------------------------------------------------
 *
 * pool_json.h
 *	  Pools written as GET_POOLS answers them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_POOL_JSON_H
#define GL_POOL_JSON_H

#include "lib/stringinfo.h"

#include "cart/offer.h"

/* [[{"items": …, "options": …}, …], …], palloc'd. */
extern Jsonb *gl_pools_write(const GlCheckout *checkout, const GlOfferList *offers,
							 const GlPoolAnswer *answer);

/* Appends the ids of a bitset's items as JSON strings, with commas between. */
extern void gl_item_ids_write(StringInfo json, const GlCart *cart, const uint64 *items);

#endif /* GL_POOL_JSON_H */
