/*-------------------------------------------------------------------------
 *
 * hold.h
 *	  A hold: its units as they were planned, and taking them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_HOLD_H
#define GL_HOLD_H

#include "datatype/timestamp.h"

#include "cart/choice.h"
#include "cart/offer.h"
#include "cart/selected_match.h"
#include "core/core.h"

/* The columns of ganje.hold_unit, in their order. */
typedef enum GlUnitColumn
{
	GL_UNIT_MERCHANT,
	GL_UNIT_HOLD,
	GL_UNIT_GROUP,
	GL_UNIT_STATE,
	GL_UNIT_STORE_MERCHANT,
	GL_UNIT_STORE,
	GL_UNIT_RULE,
	GL_UNIT_TYPE,
	GL_UNIT_PROVIDER,
	GL_UNIT_DAY,
	GL_UNIT_SLOT_FROM,
	GL_UNIT_SLOT_TO,
	GL_UNIT_PROMISED_FROM,
	GL_UNIT_PROMISED_TO,
	GL_UNIT_FEE,
	GL_UNIT_ITEMS,
	GL_UNIT_EXPIRES,
	GL_UNIT_COLUMNS
} GlUnitColumn;

/* A row of ganje.hold_unit, as SPI takes parameters. */
typedef struct GlHoldUnit
{
	Datum values[GL_UNIT_COLUMNS];
	char nulls[GL_UNIT_COLUMNS]; /* ' ', or 'n' */
} GlHoldUnit;

/*
 * The unit of each group of a chosen pool: the cheapest store that offers its
 * option, and the counter.  False where one cannot be had: which, and why.
 */
extern bool gl_hold_plan(const GlCheckout *checkout, const GlChoiceList *list, GlHoldUnit *units,
						 GlRefusal *refusal, int *group);

/* What a hold is for; a NULL is not known. */
typedef struct GlHoldOwner
{
	const char *merchant_id;
	const char *cart_id;
	const char *zone_id;
} GlHoldOwner;

/* A hold that was taken, or the group whose slot is full. */
typedef struct GlHoldTaken
{
	bool held;
	int group;
	char hold_id[GL_ULID_LENGTH + 1];
	TimestampTz expires_at;
} GlHoldTaken;

/*
 * Takes the units in the order of their counters' keys, or none of them, and
 * writes the hold.  SPI is connected, the caller is in a GlOwnerScope.
 */
extern GlHoldTaken gl_hold_take(const GlHoldOwner *owner, GlHoldUnit *units, int count);

/* What hold_slot answers, as jsonb. */
extern Datum gl_hold_answer(const GlHoldTaken *taken);
extern Datum gl_hold_refuse(const char *reason, int group);

#endif /* GL_HOLD_H */
