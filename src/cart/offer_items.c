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
int64
gl_limit_scaled(const GlAmount *limit, int scale)
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

static void
rule_items(const GlCart *cart, const GlStore *store, const GlStoreRule *rule, const uint64 *stock,
		   uint64 *items)
{
	GlItemVerdict *verdicts = gl_offer_item_verdicts(cart, store, rule, stock);

	for (int i = 0; i < cart->item_count; i++)
		if (verdicts[i] == GL_ITEM_CARRIED)
			items[i / 64] |= UINT64CONST(1) << (i % 64);
	pfree(verdicts);
}

const uint64 *
gl_offer_items(const GlCart *cart, const GlStore *store, const GlStoreRule *rule,
			   const uint64 *stock)
{
	int words = GL_POOL_WORDS(cart->item_count);
	uint64 *items;

	if (!store->match_all && stock == NULL)
		return gl_items_carried(cart, store, rule);
	items = palloc0(words * sizeof(uint64));
	if (!store->match_all)
	{
		rule_items(cart, store, rule, stock, items);
		return items;
	}
	/* "all": an item is served only if every rule would serve it. */
	for (int r = 0; r < store->rule_count; r++)
	{
		uint64 *own = palloc0(words * sizeof(uint64));

		rule_items(cart, store, &store->rules[r], stock, own);
		for (int w = 0; w < words; w++)
			items[w] = r == 0 ? own[w] : items[w] & own[w];
		pfree(own);
	}
	return items;
}
