/*-------------------------------------------------------------------------
 *
 * place_order.h
 *	  Placing an order, for the trigger of the app's own table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_PLACE_ORDER_H
#define GL_PLACE_ORDER_H

#include "utils/jsonb.h"

/*
 * Confirms an order's hold, makes its shipments and answers how many; raises
 * where it cannot.  The order is as ganje.place_order takes it; the caller has
 * the extension's rights, its search_path and no plans that scan.
 */
extern int gl_order_place(Jsonb *order);

#endif /* GL_PLACE_ORDER_H */
