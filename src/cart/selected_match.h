/*-------------------------------------------------------------------------
 *
 * selected_match.h
 *	  Whether an offer is what was chosen, and if not, why.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_SELECTED_MATCH_H
#define GL_SELECTED_MATCH_H

#include "cart/choice.h"
#include "cart/offer.h"

/* Why a choice cannot be had; of several offers the one that came closest tells. */
typedef enum GlRefusal
{
	GL_NOT_OFFERED,
	GL_SLOT_NOT_OFFERED,
	GL_CUTOFF_PASSED,
	GL_SLOT_FULL
} GlRefusal;

extern bool gl_items_contain(const uint64 *outer, const uint64 *inner, int words);

/* Is the offer of the chosen type, and of the provider where one is named? */
extern bool gl_choice_names(const GlChoice *choice, const GlOffer *offer);

/*
 * Is the offer one of the group's options, as get_pools defines them?  One that
 * could have absorbed another group of the pool is not: it was not shown, and
 * its fee is not the one that the customer saw.
 */
extern bool gl_choice_has_option(const GlChoiceList *list, int group, const GlOffer *offer,
								 int words);

/* The first slot of an offer that the choice means; NULL where it has none. */
extern const GlOpenSlot *gl_choice_slot(const GlChoice *choice, const GlOffer *offer);

/* Why a chosen slot is not among those that are open and have capacity left. */
extern GlRefusal gl_choice_refusal(const GlCheckout *checkout, const GlChoice *choice,
								   const GlOffer *offer);

#endif /* GL_SELECTED_MATCH_H */
