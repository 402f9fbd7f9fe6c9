/*-------------------------------------------------------------------------
 *
 * offer_items.c
 *	  Why a store's rule carries an item of a cart, or does not: carried.c in
 *	  single steps, for those who want to know.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/numeric.h"

#include "cart/offer.h"
#include "cart/offer_items.h"

/* Any of the values, or all of them where the rule says so; no rule restricts nothing. */
bool
gl_selection_passes(const GlSelection *selection, const GlTexts *texts)
{
	int passed = 0;

	if (!selection->given)
		return true;
	for (int i = 0; i < selection->values.count; i++)
		passed += gl_texts_contain(texts, selection->values.texts[i],
								   (int) strlen(selection->values.texts[i]))
					  ? 1
					  : 0;
	return selection->all ? passed == selection->values.count : passed > 0;
}

/* A limit in the cart's unit; PG_INT64_MAX where there is none, or one beyond all that a cart can weigh. */
int64
gl_limit_scaled(const GlLimit *limit, int scale)
{
	/* 10^(GL_LIMIT_SCALE - scale) */
	static const int64 divisors[GL_LIMIT_SCALE + 1] = {
		1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
	Datum scaled;

	if (!limit->amount.given)
		return PG_INT64_MAX;
	if (limit->scaled < PG_INT64_MAX)
		return limit->scaled / divisors[scale];
	scaled = gl_cart_scaled(limit->amount.value, scale);
	return DatumGetBool(DirectFunctionCall2(numeric_gt, scaled,
											NumericGetDatum(int64_to_numeric(PG_INT64_MAX))))
			   ? PG_INT64_MAX
			   : DatumGetInt64(DirectFunctionCall1(numeric_int8, scaled));
}

/* Weight and volume that a rule can still take. */
typedef struct Room
{
	int64 weight;
	int64 volume;
} Room;

static GlItemVerdict
judge_item(const GlItem *item, const GlStore *store, const GlStoreRule *rule, bool in_stock,
		   const Room *room)
{
	if (strcmp(item->merchant_id, store->merchant_id) != 0)
		return GL_ITEM_OTHER_MERCHANT;
	if (!gl_selection_passes(&rule->category, &item->categories))
		return GL_ITEM_CATEGORY;
	if (!gl_selection_passes(&rule->tag, &item->tags))
		return GL_ITEM_TAG;
	if (!in_stock)
		return GL_ITEM_OUT_OF_STOCK;
	if (item->weight > room->weight)
		return GL_ITEM_TOO_HEAVY;
	return item->volume > room->volume ? GL_ITEM_TOO_BULKY : GL_ITEM_CARRIED;
}

/* The items in cart order that still fit: an item that does not is left out, a later one may fit. */
GlItemVerdict *
gl_offer_item_verdicts(const GlCart *cart, const GlStore *store, const GlStoreRule *rule,
					   const uint64 *stock)
{
	GlItemVerdict *verdicts = palloc(cart->item_count * sizeof(GlItemVerdict));
	Room room = {gl_limit_scaled(&rule->max_cart_weight, cart->weight_scale),
				 gl_limit_scaled(&rule->max_cart_volume, cart->volume_scale)};

	for (int i = 0; i < cart->item_count; i++)
	{
		const GlItem *item = &cart->items[i];
		bool in_stock = stock == NULL || (stock[i / 64] >> (i % 64) & 1) != 0;

		verdicts[i] = judge_item(item, store, rule, in_stock, &room);
		if (verdicts[i] != GL_ITEM_CARRIED)
			continue;
		room.weight -= item->weight;
		room.volume -= item->volume;
	}
	return verdicts;
}
