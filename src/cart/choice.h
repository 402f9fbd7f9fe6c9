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

/* One group as it was chosen. */
typedef struct GlChoice
{
	char *path;    /* "pool[0]" */
	uint64 *items; /* bitset over the cart, not empty */
	char *type;
	char *provider; /* or NULL: not named */
	bool has_day;
	int64 day; /* since 1970-01-01, local */
	bool has_slot;
	GlSlot slot;
} GlChoice;

typedef struct GlChoiceList
{
	int count;
	GlChoice *choices; /* in order of the request */
} GlChoiceList;

/*
 * The groups under "pool" of a request; together they are the cart, each item
 * once.  What is wrong with them is an error (invalid_parameter_value) that
 * names the JSON path.
 */
extern GlChoiceList gl_choices_read(const GlCart *cart, JsonbContainer *request);

#endif /* GL_CHOICE_H */
