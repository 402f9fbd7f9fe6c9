/*-------------------------------------------------------------------------
 *
 * explain_words.c
 *	  What stands in the way of an offer, in words with the figures: times,
 *	  gates and items.  (Slots: explain_slots.c.)
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "cart/explain_words.h"
#include "cart/offer_items.h"
#include "cart/stock.h"

char *
gl_day_words(int64 date)
{
	int year;
	int month;
	int day;

	j2date((int) (date + UNIX_EPOCH_JDATE), &year, &month, &day);
	return psprintf("%04d-%02d-%02d", year, month, day);
}

char *
gl_slot_words(int from, int to, int64 date)
{
	char from_text[6];
	char to_text[6];

	gl_time_of_day_format(from, from_text);
	gl_time_of_day_format(to, to_text);
	return psprintf("slot %s–%s on %s", from_text, to_text, gl_day_words(date));
}

char *
gl_items_words(const GlCart *cart, const uint64 *items)
{
	StringInfoData words;
	int count = 0;

	initStringInfo(&words);
	for (int i = 0; i < cart->item_count; i++)
		if (items[i / 64] >> (i % 64) & 1)
			appendStringInfo(&words, "%s%s", count++ > 0 ? ", " : "", cart->items[i].item_id);
	return psprintf("%s %s", count == 1 ? "item" : "items", words.data);
}

static char *
texts_words(const GlTexts *texts)
{
	StringInfoData words;

	initStringInfo(&words);
	for (int i = 0; i < texts->count; i++)
		appendStringInfo(&words, "%s%s", i > 0 ? ", " : "", texts->texts[i]);
	return words.data;
}

static char *
number_words(Datum number)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out, number));
}

void
gl_reason_begin(StringInfo reasons)
{
	if (reasons->len > 0)
		appendStringInfoString(reasons, "; ");
}

static void
explain_least(StringInfo reasons, const char *what, Datum value, const char *limit,
			  const GlAmount *least)
{
	if (gl_amount_reached(value, least))
		return;
	gl_reason_begin(reasons);
	appendStringInfo(reasons, "%s %s is below %s %s", what, number_words(value), limit,
					 number_words(least->value));
}

static void
explain_zone(StringInfo reasons, const char *zone_id, const GlTexts *zones, const char *whose)
{
	if (gl_zones_allow(zones, zone_id))
		return;
	gl_reason_begin(reasons);
	appendStringInfo(reasons, "zone %s is not among the %s's zones", zone_id, whose);
}

void
gl_gates_explain(StringInfo reasons, const GlCheckout *checkout, const GlStore *store,
				 const GlStoreRule *rule)
{
	const GlCart *cart = checkout->cart;
	GlAmount zone_minimum = {true, checkout->zone->min_cart_total};

	explain_zone(reasons, checkout->zone->zone_id, &store->zones, "store");
	explain_zone(reasons, checkout->zone->zone_id, &rule->zones, "rule");
	explain_least(reasons, "cart total", cart->total, "the zone's minCartTotal", &zone_minimum);
	explain_least(reasons, "cart total", cart->total, "minCartTotal", &rule->min_cart_total);
	explain_least(reasons, "number of units", cart->units, "minOrderCount", &rule->min_order_count);
	if (gl_selection_passes(&rule->segment, &cart->segments))
		return;
	gl_reason_begin(reasons);
	appendStringInfo(reasons, "customer is %s of the segments %s",
					 rule->segment.all ? "not in all" : "in none",
					 texts_words(&rule->segment.values));
}

/* The ids of the items of one verdict, and how many they are. */
static char *
items_of_verdict(const GlCart *cart, const GlItemVerdict *verdicts, GlItemVerdict verdict,
				 int *count)
{
	uint64 *items = palloc0(GL_POOL_WORDS(cart->item_count) * sizeof(uint64));

	*count = 0;
	for (int i = 0; i < cart->item_count; i++)
	{
		if (verdicts[i] != verdict)
			continue;
		items[i / 64] |= UINT64CONST(1) << (i % 64);
		(*count)++;
	}
	return gl_items_words(cart, items);
}

static void
explain_selection(StringInfo reasons, const GlCart *cart, const GlItemVerdict *verdicts,
				  GlItemVerdict verdict, const char *what, const GlSelection *selection)
{
	int count;
	char *items = items_of_verdict(cart, verdicts, verdict, &count);
	char *values = texts_words(&selection->values);

	if (count == 0)
		return;
	gl_reason_begin(reasons);
	if (count == cart->item_count)
		appendStringInfo(reasons, "no item of the cart passes %s %s%s", what,
						 selection->all ? "all of " : "", values);
	else
		appendStringInfo(reasons, "%s %s not pass %s %s%s", items, count == 1 ? "does" : "do", what,
						 selection->all ? "all of " : "", values);
}

/* "items p2, p3 are too heavy", then what the limit is. */
static void
explain_verdict(StringInfo reasons, const GlCart *cart, const GlItemVerdict *verdicts,
				GlItemVerdict verdict, const char *words, const char *limit)
{
	int count;
	char *items = items_of_verdict(cart, verdicts, verdict, &count);

	if (count == 0)
		return;
	gl_reason_begin(reasons);
	appendStringInfo(reasons, "%s %s %s%s", items, count == 1 ? "is" : "are", words, limit);
}

static char *
limit_words(const char *name, const GlAmount *limit)
{
	return limit->given ? psprintf(" (%s %s)", name, number_words(limit->value)) : pstrdup("");
}

void
gl_items_explain(StringInfo reasons, const GlCheckout *checkout, const GlStore *store,
				 const GlStoreRule *rule)
{
	const GlCart *cart = checkout->cart;
	GlItemVerdict *verdicts =
		gl_offer_item_verdicts(cart, store, rule, gl_stock_read(checkout, store));

	explain_selection(reasons, cart, verdicts, GL_ITEM_CATEGORY, "category", &rule->category);
	explain_selection(reasons, cart, verdicts, GL_ITEM_TAG, "tag", &rule->tag);
	explain_verdict(reasons, cart, verdicts, GL_ITEM_OTHER_MERCHANT, "of another merchant", "");
	explain_verdict(reasons, cart, verdicts, GL_ITEM_OUT_OF_STOCK, "out of stock", "");
	explain_verdict(reasons, cart, verdicts, GL_ITEM_TOO_HEAVY, "too heavy",
					limit_words("maxCartWeight", &rule->max_cart_weight.amount));
	explain_verdict(reasons, cart, verdicts, GL_ITEM_TOO_BULKY, "too bulky",
					limit_words("maxCartVolume", &rule->max_cart_volume.amount));
}
