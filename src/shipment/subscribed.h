/*-------------------------------------------------------------------------
 *
 * subscribed.h
 *	  Does anybody want to be told?
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_SUBSCRIBED_H
#define GL_SUBSCRIBED_H

/* Is there a subscription, of any merchant, disabled or not? */
extern bool gl_shipment_subscribed(void);

#endif /* GL_SUBSCRIBED_H */
