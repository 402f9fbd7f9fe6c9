/*-------------------------------------------------------------------------
 *
 * explain.c
 *	  explain_pools: what each store's rules offer for a cart, and what stands
 *	  in their way.
 *
 * Whether something is offered is not decided here but looked up among the
 * offers that get_pools computes with; only the words are made here.  So the
 * two cannot disagree.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "compat.h"
#include "cart/explain_words.h"
#include "core/access.h"
#include "core/core.h"
#include "json/json.h"

GL_FUNCTION(gl_explain_pools);

/* Columns of the answer. */
enum
{
	MERCHANT_ID,
	STORE_ID,
	RULE_ID,
	TYPE,
	PROVIDER,
	VERDICT,
	REASON,
	COLUMNS
};

typedef struct Explainer
{
	const GlCheckout *checkout;
	const GlOfferList *offers;
	int first; /* of the offers: those of the rule at hand, and the first behind them */
	int end;
	const GlFullCounters *full;
	ReturnSetInfo *result;
	MemoryContext row_context;
} Explainer;

/* One row of the answer, as far as it is known. */
typedef struct Row
{
	const GlStore *store;
	const GlStoreRule *rule;
	const char *type;
	const char *provider;
} Row;

static void
put_row(const Explainer *explainer, const Row *row, bool offered, const char *reason)
{
	const char *texts[COLUMNS] = {0};
	Datum values[COLUMNS] = {0};
	bool nulls[COLUMNS];

	if (row->store != NULL)
	{
		texts[MERCHANT_ID] = row->store->merchant_id;
		texts[STORE_ID] = row->store->store_id;
		texts[RULE_ID] = row->rule->rule_id;
	}
	texts[TYPE] = row->type;
	texts[PROVIDER] = row->provider;
	texts[VERDICT] = offered ? "offered" : "closed";
	texts[REASON] = reason;
	for (int i = 0; i < COLUMNS; i++)
	{
		nulls[i] = texts[i] == NULL;
		if (!nulls[i])
			values[i] = CStringGetTextDatum(texts[i]);
	}
	tuplestore_putvalues(explainer->result->setResult, explainer->result->setDesc, values, nulls);
}

static bool
is_empty(const GlCart *cart, const uint64 *items)
{
	for (int w = 0; w < GL_POOL_WORDS(cart->item_count); w++)
		if (items[w] != 0)
			return false;
	return true;
}

/* The offer of a row, if get_pools has one that carries anything. */
static const GlOffer *
find_offer(const Explainer *explainer, const Row *row)
{
	for (int i = explainer->first; i < explainer->end; i++)
	{
		const GlOffer *offer = &explainer->offers->offers[i];

		if (strcmp(offer->type, row->type) == 0 &&
			(offer->provider == NULL) == (row->provider == NULL) &&
			(row->provider == NULL || strcmp(offer->provider, row->provider) == 0) &&
			!is_empty(explainer->checkout->cart, offer->items))
			return offer;
	}
	return NULL;
}

/* May any type of a rule be had now? */
static bool
has_open_type(const Explainer *explainer, const GlStore *store, const GlStoreRule *rule)
{
	const GlTexts *types = &explainer->checkout->options->types;
	StringInfoData ignored;

	initStringInfo(&ignored);
	for (int t = 0; t < types->count; t++)
		if (gl_texts_contain(&rule->types, types->texts[t], (int) strlen(types->texts[t])) &&
			gl_schedule_explain(&ignored, explainer->checkout, explainer->full, store, rule,
								types->texts[t]))
			return true;
	return false;
}

/* Of a store with "all": which other rules keep this one from being offered, or from an item. */
static void
explain_other_rules(const Explainer *explainer, const Row *row, StringInfo reasons)
{
	const GlStore *store = row->store;

	for (int r = 0; store->match_all && r < store->rule_count; r++)
	{
		const GlStoreRule *other = &store->rules[r];
		StringInfoData closed;
		StringInfoData items;

		if (other == row->rule)
			continue;
		initStringInfo(&closed);
		initStringInfo(&items);
		gl_gates_explain(&closed, explainer->checkout, store, other);
		gl_items_explain(&items, explainer->checkout, store, other);
		if (closed.len > 0 || !has_open_type(explainer, store, other))
		{
			gl_reason_begin(reasons);
			appendStringInfo(reasons, "the store wants all its rules open, and rule %s is closed",
							 other->rule_id);
		}
		if (items.len > 0)
		{
			gl_reason_begin(reasons);
			appendStringInfo(reasons, "the store wants all its rules to pass, and by rule %s %s",
							 other->rule_id, items.data);
		}
	}
}

/* "items p1, p2, fee 6.99, 3 slots", before what limits the offer. */
static char *
offer_words(const GlCart *cart, const GlOffer *offer)
{
	StringInfoData words;

	initStringInfo(&words);
	appendStringInfo(&words, "%s, fee %s", gl_items_words(cart, offer->items),
					 DatumGetCString(DirectFunctionCall1(numeric_out, offer->fee)));
	if (offer->slots->shows_slots)
		appendStringInfo(&words, ", %d slot%s", offer->slots->count,
						 offer->slots->count == 1 ? "" : "s");
	return words.data;
}

static void
explain_provider(const Explainer *explainer, const Row *row, const char *rule_reasons)
{
	const GlOffer *offer = find_offer(explainer, row);
	const GlStoreProvider *registered =
		row->provider == NULL ? NULL : gl_store_provider(row->store, row->type, row->provider);
	StringInfoData reasons;

	initStringInfo(&reasons);
	if (offer != NULL)
		appendStringInfoString(&reasons, offer_words(explainer->checkout->cart, offer));
	if (registered != NULL && registered->deleted)
	{
		gl_reason_begin(&reasons);
		appendStringInfo(&reasons, "provider %s is deleted", row->provider);
	}
	if (rule_reasons[0] != '\0')
	{
		gl_reason_begin(&reasons);
		appendStringInfoString(&reasons, rule_reasons);
	}
	put_row(explainer, row, offer != NULL, reasons.data);
}

/* The rows of one type of a rule: one per provider, or one where it names none. */
static void
explain_type(const Explainer *explainer, Row *row)
{
	const GlCheckout *checkout = explainer->checkout;
	const GlTexts *providers = &row->rule->providers;
	StringInfoData reasons;

	initStringInfo(&reasons);
	if (!gl_texts_contain(&checkout->options->types, row->type, (int) strlen(row->type)))
		appendStringInfo(&reasons, "shipment type %s is not among SHIPMENT_TYPES", row->type);
	gl_gates_explain(&reasons, checkout, row->store, row->rule);
	gl_items_explain(&reasons, checkout, row->store, row->rule);
	(void) gl_schedule_explain(&reasons, checkout, explainer->full, row->store, row->rule,
							   row->type);
	explain_other_rules(explainer, row, &reasons);
	row->provider = NULL;
	if (providers->count == 0)
		explain_provider(explainer, row, reasons.data);
	for (int p = 0; p < providers->count; p++)
	{
		row->provider = providers->texts[p];
		explain_provider(explainer, row, reasons.data);
	}
}

/* Rules are explained in the order of the offers, which thus are gone over once. */
static void
explain_rule(Explainer *explainer, const GlStore *store, const GlStoreRule *rule)
{
	MemoryContext caller = MemoryContextSwitchTo(explainer->row_context);

	explainer->first = explainer->end;
	while (explainer->end < explainer->offers->count &&
		   explainer->offers->offers[explainer->end].rule == rule)
		explainer->end++;
	for (int t = 0; t < rule->types.count; t++)
	{
		Row row = {store, rule, rule->types.texts[t], NULL};

		CHECK_FOR_INTERRUPTS();
		explain_type(explainer, &row);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextReset(explainer->row_context);
}

/* The items that no offer carries: for want of them the cart has no pool. */
static void
explain_uncovered(const Explainer *explainer)
{
	const GlCart *cart = explainer->checkout->cart;
	uint64 *uncovered = palloc0(GL_POOL_WORDS(cart->item_count) * sizeof(uint64));
	const Row nothing = {NULL, NULL, NULL, NULL};

	for (int i = 0; i < cart->item_count; i++)
		uncovered[i / 64] |= UINT64CONST(1) << (i % 64);
	for (int o = 0; o < explainer->offers->count; o++)
		for (int w = 0; w < GL_POOL_WORDS(cart->item_count); w++)
			uncovered[w] &= ~explainer->offers->offers[o].items[w];
	if (!is_empty(cart, uncovered))
		put_row(explainer, &nothing, false,
				psprintf("nobody offers %s of the cart", gl_items_words(cart, uncovered)));
}

static void
explain(Explainer *explainer)
{
	const GlCheckout *checkout = explainer->checkout;
	const Row nothing = {NULL, NULL, NULL, NULL};

	if (checkout->zone == NULL)
	{
		put_row(explainer, &nothing, false, "address and location are in no zone");
		return;
	}
	explainer->offers = gl_offers_build(checkout, false);
	explainer->full = gl_full_counters_read(checkout);
	explainer->row_context =
		AllocSetContextCreate(CurrentMemoryContext, "explain_pools row", ALLOCSET_DEFAULT_SIZES);
	for (int s = 0; s < checkout->stores->count; s++)
	{
		const GlStore *store = &checkout->stores->stores[s];

		for (int r = 0; r < store->rule_count; r++)
			explain_rule(explainer, store, &store->rules[r]);
	}
	explain_uncovered(explainer);
}

/* explain_pools(request) → setof (merchant_id, store_id, rule_id, type, provider, verdict, reason) */
Datum
gl_explain_pools(PG_FUNCTION_ARGS)
{
	static const char *const keys[] = {"cartId",  "cart",     "merchantId", "zoneId",
									   "address", "location", NULL};
	Jsonb *request = PG_GETARG_JSONB_P(0);
	Explainer explainer = {0};
	GlOwnerScope scope;

	if (!JB_ROOT_IS_OBJECT(request))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the request must be an object")));
	gl_json_only_keys(&request->root, "", keys);
	InitMaterializedSRF(fcinfo, 0);
	explainer.result = (ReturnSetInfo *) fcinfo->resultinfo;
	scope = gl_owner_enter();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	explainer.checkout =
		gl_checkout_read(&request->root, GL_ACCESS_FULFILMENT | GL_ACCESS_OPERATOR);
	explain(&explainer);
	SPI_finish();
	gl_owner_leave(scope);
	return (Datum) 0;
}
