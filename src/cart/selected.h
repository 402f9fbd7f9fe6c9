/*-------------------------------------------------------------------------
 *
 * selected.h
 *	  GET_POOLS with a selected pool: the stores that can deliver it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_SELECTED_H
#define GL_SELECTED_H

#include "lib/stringinfo.h"

#include "cart/offer.h"

/*
 * Raises (insufficient_privilege) unless the user who asks, not the owner of a
 * function on the way, has the level fulfilment.
 */
extern void gl_selected_check_caller(void);

/*
 * Appends [[{"items": …, "storeId": …}, …], …], fewest groups first, then the
 * cheapest, then by store id.  Raises (object_not_in_prerequisite_state) where
 * what is selected is not offered, full or past its cut-off.
 */
extern void gl_selected_write(StringInfo json, const GlCheckout *checkout, JsonbContainer *request);

#endif /* GL_SELECTED_H */
