/*-------------------------------------------------------------------------
 *
 * choice.h
 *	  The pool that a customer has chosen, as a request names it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_CHOICE_H
#define GL_CHOICE_H

#include "cart/cart.h"

/* One group as it was chosen, or the whole cart. */
typedef struct GlChoice
{
	char *path;    /* "pool[0]", "pool" */
	uint64 *items; /* bitset over the cart, not empty; NULL: not named */
	char *type;
	char *provider; /* or NULL: not named */
	bool has_day;
	int64 day; /* since 1970-01-01, local */
	bool has_slot;
	GlSlot slot;
} GlChoice;

typedef struct GlChoiceList
{
	bool whole; /* one choice for all groups, however many they are */
	bool names_items;
	int count;
	GlChoice *choices; /* in order of the request */
} GlChoiceList;

/*
 * The groups under "pool" of a request; together they are the cart, each item
 * once.  What is wrong with them is an error (invalid_parameter_value) that
 * names the JSON path.
 */
extern GlChoiceList gl_choices_read(const GlCart *cart, JsonbContainer *request);

/*
 * The same for get_pools, where "pool" may also be one choice for the whole
 * cart, and a list may leave out the items: then the i-th choice is for the
 * i-th group.
 */
extern GlChoiceList gl_selection_read(const GlCart *cart, JsonbContainer *request);

#endif /* GL_CHOICE_H */
