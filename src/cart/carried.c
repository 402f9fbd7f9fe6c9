/*-------------------------------------------------------------------------
 *
 * carried.c
 *	  Which items of a cart a rule lets through and has room for.
 *
 * Worked out once per call for all rules that ask the same, and in bits: the
 * items of each category and tag are found once, however many rules name it.
 * What is in stock differs from store to store: then each rule is worked out
 * by itself.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "port/pg_bitutils.h"

#include "cart/offer.h"
#include "cart/offer_items.h"

typedef GlTexts (*TextsOf)(const GlItem *item);

static GlTexts
categories_of(const GlItem *item)
{
	return item->categories;
}

static GlTexts
tags_of(const GlItem *item)
{
	return item->tags;
}

static void
add_item(uint64 *items, int item)
{
	items[item / 64] |= UINT64CONST(1) << (item % 64);
}

static uint64 *
no_items(const GlCart *cart)
{
	return palloc0(GL_POOL_WORDS(cart->item_count) * sizeof(uint64));
}

/* The items of the store's merchant. */
static const uint64 *
own_items(const GlCart *cart, const GlStore *store)
{
	uint64 *items;

	if (gl_memo_holds(store->own_items, cart->call))
		return store->own_items->answer;
	items = no_items(cart);
	for (int i = 0; i < cart->item_count; i++)
		if (strcmp(cart->items[i].merchant_id, store->merchant_id) == 0)
			add_item(items, i);
	gl_memo_keep(store->own_items, cart->call, items);
	return items;
}

/* The items that have the selection's value of this index. */
static const uint64 *
items_with(const GlCart *cart, const GlSelection *selection, int index, TextsOf texts_of)
{
	GlMemo *memo = selection->memos[index];
	const char *value;
	int length;
	uint64 *items;

	if (gl_memo_holds(memo, cart->call))
		return memo->answer;
	value = selection->values.texts[index];
	length = (int) strlen(value);
	items = no_items(cart);
	for (int i = 0; i < cart->item_count; i++)
	{
		GlTexts texts = texts_of(&cart->items[i]);

		if (gl_texts_contain(&texts, value, length))
			add_item(items, i);
	}
	gl_memo_keep(memo, cart->call, items);
	return items;
}

/* Leaves those of the items that pass: any of the values, or all of them where the rule says so. */
static void
select_items(const GlCart *cart, const GlSelection *selection, TextsOf texts_of, uint64 *items)
{
	uint64 any[GL_POOL_WORDS(GL_POOL_ITEMS_MAX)];
	int words = GL_POOL_WORDS(cart->item_count);

	if (!selection->given)
		return;
	memset(any, 0, words * sizeof(uint64));
	for (int v = 0; v < selection->values.count; v++)
	{
		const uint64 *with = items_with(cart, selection, v, texts_of);

		for (int w = 0; w < words; w++)
			if (selection->all)
				items[w] &= with[w];
			else
				any[w] |= with[w];
	}
	for (int w = 0; w < words && !selection->all; w++)
		items[w] &= any[w];
}

/* The items in cart order that still fit: an item that does not is left out, a later one may fit. */
static void
fit_items(const GlCart *cart, const GlStoreRule *rule, uint64 *items)
{
	int64 weight_left = gl_limit_scaled(&rule->max_cart_weight, cart->weight_scale);
	int64 volume_left = gl_limit_scaled(&rule->max_cart_volume, cart->volume_scale);

	if (cart->weight <= weight_left && cart->volume <= volume_left)
		return;
	for (int w = 0; w < GL_POOL_WORDS(cart->item_count); w++)
		for (uint64 left = items[w]; left != 0; left &= left - 1)
		{
			int bit = pg_rightmost_one_pos64(left);
			const GlItem *item = &cart->items[w * 64 + bit];

			if (item->weight > weight_left || item->volume > volume_left)
			{
				items[w] &= ~(UINT64CONST(1) << bit);
				continue;
			}
			weight_left -= item->weight;
			volume_left -= item->volume;
		}
}

/* The items that a rule carries, into items. */
static void
carry(const GlCart *cart, const GlStore *store, const GlStoreRule *rule, const uint64 *stock,
	  uint64 *items)
{
	int words = GL_POOL_WORDS(cart->item_count);

	memcpy(items, own_items(cart, store), words * sizeof(uint64));
	select_items(cart, &rule->category, categories_of, items);
	select_items(cart, &rule->tag, tags_of, items);
	for (int w = 0; w < words && stock != NULL; w++)
		items[w] &= stock[w];
	if (rule->max_cart_weight.amount.given || rule->max_cart_volume.amount.given)
		fit_items(cart, rule, items);
}

static const uint64 *
rule_items(const GlCart *cart, const GlStore *store, const GlStoreRule *rule, const uint64 *stock)
{
	uint64 *items;

	if (stock == NULL && gl_memo_holds(rule->carried, cart->call))
		return rule->carried->answer;
	items = palloc(GL_POOL_WORDS(cart->item_count) * sizeof(uint64));
	carry(cart, store, rule, stock, items);
	if (stock == NULL)
		gl_memo_keep(rule->carried, cart->call, items);
	return items;
}

const uint64 *
gl_offer_items(const GlCart *cart, const GlStore *store, const GlStoreRule *rule,
			   const uint64 *stock)
{
	int words = GL_POOL_WORDS(cart->item_count);
	uint64 *items;

	if (!store->match_all)
		return rule_items(cart, store, rule, stock);
	/* "all": an item is served only if every rule would serve it. */
	items = palloc(words * sizeof(uint64));
	memset(items, 0xff, words * sizeof(uint64));
	for (int r = 0; r < store->rule_count; r++)
	{
		const uint64 *own = rule_items(cart, store, &store->rules[r], stock);

		for (int w = 0; w < words; w++)
			items[w] &= own[w];
	}
	return items;
}
