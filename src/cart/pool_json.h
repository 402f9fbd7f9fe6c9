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

/* Appends [[{"items": …, "options": …}, …], …]. */
extern void gl_pools_write(StringInfo json, const GlCheckout *checkout, const GlOfferList *offers,
						   const GlPoolAnswer *answer);

/* Appends ["2026-03-01", …] quoted date text: "YYYY-MM-DD". */
extern void gl_date_write(StringInfo json, int64 date);

#endif /* GL_POOL_JSON_H */
