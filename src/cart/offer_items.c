/*-------------------------------------------------------------------------
 *
 * offer_items.c
 *	  Which items of a cart a store's rule can carry.
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
static int64
scaled_limit(const GlAmount *limit, int scale)
{
	Datum largest = DirectFunctionCall1(int8_numeric, Int64GetDatum(PG_INT64_MAX));
	Datum scaled;

	if (!limit->given)
		return PG_INT64_MAX;
	scaled = gl_cart_scaled(limit->value, scale);
	return DatumGetBool(DirectFunctionCall2(numeric_gt, scaled, largest))
			   ? PG_INT64_MAX
			   : DatumGetInt64(DirectFunctionCall1(numeric_int8, scaled));
}

/* The items in cart order that still fit: an item that does not is left out, a later one may fit. */
static void
rule_items(const GlCart *cart, const GlStore *store, const GlStoreRule *rule, uint64 *items)
{
	int64 weight_left = scaled_limit(&rule->max_cart_weight, cart->weight_scale);
	int64 volume_left = scaled_limit(&rule->max_cart_volume, cart->volume_scale);

	for (int i = 0; i < cart->item_count; i++)
	{
		const GlItem *item = &cart->items[i];

		if (strcmp(item->merchant_id, store->merchant_id) != 0 ||
			!gl_selection_passes(&rule->category, &item->categories) ||
			!gl_selection_passes(&rule->tag, &item->tags) || item->weight > weight_left ||
			item->volume > volume_left)
			continue;
		weight_left -= item->weight;
		volume_left -= item->volume;
		items[i / 64] |= UINT64CONST(1) << (i % 64);
	}
}

uint64 *
gl_offer_items(const GlCart *cart, const GlStore *store, const GlStoreRule *rule)
{
	int words = GL_POOL_WORDS(cart->item_count);
	uint64 *items = palloc0(words * sizeof(uint64));

	if (!store->match_all)
	{
		rule_items(cart, store, rule, items);
		return items;
	}
	/* "all": an item is served only if every rule would serve it. */
	for (int r = 0; r < store->rule_count; r++)
	{
		uint64 *own = palloc0(words * sizeof(uint64));

		rule_items(cart, store, &store->rules[r], own);
		for (int w = 0; w < words; w++)
			items[w] = r == 0 ? own[w] : items[w] & own[w];
		pfree(own);
	}
	return items;
}
