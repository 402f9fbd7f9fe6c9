/*-------------------------------------------------------------------------
 *
 * selected.c
 *	  GET_POOLS with a selected pool: the stores that can deliver it.
 *
 * The request says what was selected in one of three ways.  One choice for the
 * whole cart: the pools of the cart are computed from the offers that match it.
 * A list with items: these are the groups.  A list without: its i-th choice is
 * for the i-th group of the pools that get_pools answers, of as many groups.
 *
 * What a choice leaves out may be anything.  Other than hold_slot, which has to
 * take one option, this answers all stores that can.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"

#include "cart/explain_words.h"
#include "cart/pool_json.h"
#include "cart/selected.h"
#include "cart/selected_match.h"
#include "cart/selected_ways.h"
#include "json/json.h"

/* What a selection is answered from. */
typedef struct Selection
{
	const GlCheckout *checkout;
	const GlChoiceList *list;
	const GlOfferList *offers; /* with those that have no open slot */
	int words;
	int pool_count;
	GlServedPool *pools;
} Selection;

void
gl_selected_check_caller(void)
{
	Oid marker =
		LookupFuncName(list_make2(makeString("ganje"), makeString("fulfilment")), 0, NULL, false);

	if (!DatumGetBool(DirectFunctionCall3(
			has_function_privilege_id_id, ObjectIdGetDatum(GetOuterUserId()),
			ObjectIdGetDatum(marker), PointerGetDatum(cstring_to_text("EXECUTE")))))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("role \"%s\" may not pass pool to get_pools",
						GetUserNameFromId(GetOuterUserId(), false)),
				 errdetail("The answer names stores: it is for roles of the level fulfilment.")));
}

/* The slot, else the day, that was chosen, else all that there is; as a message says it. */
static char *
time_words(const GlChoice *choice)
{
	if (choice->has_slot && choice->has_day)
		return gl_slot_words(choice->slot.from, choice->slot.to, choice->day);
	if (choice->has_day)
		return gl_day_words(choice->day);
	return psprintf("every slot of %s", choice->type);
}

/* Raises over a choice that cannot be had for these items. */
static void
refuse(const GlCart *cart, const GlChoice *choice, const uint64 *items, GlRefusal refusal)
{
	const char *key = choice->has_slot ? "slot" : choice->has_day ? "day" : "type";
	char *message = NULL;

	switch (refusal)
	{
		case GL_NOT_OFFERED:
			key = choice->provider != NULL ? "provider" : "type";
			message = choice->provider == NULL
						  ? psprintf("%s is not offered", choice->type)
						  : psprintf("%s is not offered for %s", choice->provider, choice->type);
			break;
		case GL_SLOT_NOT_OFFERED:
			message =
				psprintf("%s is not offered", choice->has_day ? time_words(choice) : choice->type);
			break;
		case GL_CUTOFF_PASSED:
			message = psprintf("the cut-off of %s has passed", time_words(choice));
			break;
		case GL_SLOT_FULL:
			message = psprintf("%s is full", time_words(choice));
			break;
	}
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("%s: %s", gl_json_path_key(choice->path, key), message),
					errdetail("Not to be had so: %s.", gl_items_words(cart, items)),
					errhint("explain_pools says why of each store.")));
}

/* Raises over items that no open offer delivers as chosen, with the reason that came closest. */
static void
refuse_group(const Selection *selection, const GlChoice *choice, const uint64 *items)
{
	GlRefusal refusal = GL_NOT_OFFERED;

	for (int i = 0; i < selection->offers->count; i++)
	{
		const GlOffer *offer = &selection->offers->offers[i];

		if (gl_choice_names(choice, offer) &&
			gl_items_contain(offer->items, items, selection->words) &&
			gl_choice_slot(choice, offer) == NULL)
			refusal = Max(refusal, gl_choice_refusal(selection->checkout, choice, offer));
	}
	refuse(selection->checkout->cart, choice, items, refusal);
}

/* The offers that are open; with a choice those that match it. */
static GlOfferList *
open_offers(const Selection *selection, const GlChoice *choice)
{
	GlOfferList *open = palloc0(sizeof(GlOfferList));

	open->offers =
		palloc_extended(Max(selection->offers->count, 1) * sizeof(GlOffer), MCXT_ALLOC_HUGE);
	for (int i = 0; i < selection->offers->count; i++)
	{
		const GlOffer *offer = &selection->offers->offers[i];

		if (offer->slots->count > 0 && (choice == NULL || (gl_choice_names(choice, offer) &&
														   gl_choice_slot(choice, offer) != NULL)))
			open->offers[open->count++] = *offer;
	}
	return open;
}

static GlCandidates
no_candidates(const uint64 *items, int room)
{
	GlCandidates group = {items, 0, palloc(Max(room, 1) * sizeof(GlCandidate))};

	return group;
}

/* The stores of a group as get_pools computed it, by those of its options that match. */
static GlCandidates
candidates_of(const GlOfferList *offers, const GlPoolGroup *group, const GlChoice *choice)
{
	GlCandidates served = no_candidates(group->items, group->option_count);

	for (int i = 0; i < group->option_count; i++)
	{
		const GlOffer *offer = &offers->offers[group->options[i]];

		if (gl_choice_names(choice, offer) && gl_choice_slot(choice, offer) != NULL)
			gl_candidates_add(&served, offer);
	}
	return served;
}

/* The pools of as many groups as there are choices, where each choice finds a store. */
static void
serve_pools(Selection *selection, const GlOfferList *offers, const GlPoolAnswer *answer)
{
	const GlChoiceList *list = selection->list;

	selection->pools = palloc(Max(answer->pool_count, 1) * sizeof(GlServedPool));
	for (int p = 0; p < answer->pool_count; p++)
	{
		const GlPool *pool = &answer->pools[p];
		GlServedPool served = {pool->group_count, palloc(pool->group_count * sizeof(GlCandidates))};
		bool complete = list->whole || pool->group_count == list->count;

		for (int g = 0; g < pool->group_count && complete; g++)
		{
			served.groups[g] =
				candidates_of(offers, &pool->groups[g], &list->choices[list->whole ? 0 : g]);
			complete = served.groups[g].count > 0;
		}
		if (complete)
			selection->pools[selection->pool_count++] = served;
	}
}

/* One choice for the whole cart: raises where an item is not delivered so. */
static void
select_whole(Selection *selection)
{
	const GlChoice *choice = &selection->list->choices[0];
	GlOfferList *matching = open_offers(selection, choice);
	GlPoolAnswer answer = gl_pools_solve(selection->checkout, matching);

	if (answer.pool_count == 0 && answer.uncovered_item >= 0)
	{
		uint64 *item = palloc0(selection->words * sizeof(uint64));

		item[answer.uncovered_item / 64] |= UINT64CONST(1) << (answer.uncovered_item % 64);
		refuse_group(selection, choice, item);
	}
	serve_pools(selection, matching, &answer);
}

/* The groups are those of the request. */
static void
select_items(Selection *selection)
{
	const GlChoiceList *list = selection->list;

	selection->pools = palloc(sizeof(GlServedPool));
	selection->pools->group_count = list->count;
	selection->pools->groups = palloc(list->count * sizeof(GlCandidates));
	selection->pool_count = 1;
	for (int g = 0; g < list->count; g++)
	{
		const GlChoice *choice = &list->choices[g];
		GlCandidates *group = &selection->pools->groups[g];

		*group = no_candidates(choice->items, selection->offers->count);
		for (int i = 0; i < selection->offers->count; i++)
		{
			const GlOffer *offer = &selection->offers->offers[i];

			if (gl_choice_has_option(list, g, offer, selection->words) &&
				gl_choice_slot(choice, offer) != NULL)
				gl_candidates_add(group, offer);
		}
		if (group->count == 0)
			refuse_group(selection, choice, choice->items);
	}
}

/*
 * No pool of as many groups is as chosen: the first choice that a pool does
 * not fulfil tells why.  Asked of the pools from all offers, because a full
 * slot may be what a pool is missing for.
 */
static void
refuse_list(const Selection *selection)
{
	const GlChoiceList *list = selection->list;
	GlPoolAnswer answer = gl_pools_solve(selection->checkout, selection->offers);

	for (int p = 0; p < answer.pool_count; p++)
	{
		const GlPool *pool = &answer.pools[p];

		for (int g = 0; g < pool->group_count && pool->group_count == list->count; g++)
			if (candidates_of(selection->offers, &pool->groups[g], &list->choices[g]).count == 0)
				refuse_group(selection, &list->choices[g], pool->groups[g].items);
	}
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("pool: the cart has no pool of %d groups", list->count),
					errhint("Name the items of each group, or one choice for the whole cart.")));
}

/* The i-th choice is for the i-th group. */
static void
select_list(Selection *selection)
{
	GlOfferList *open = open_offers(selection, NULL);
	GlPoolAnswer answer = gl_pools_solve(selection->checkout, open);

	serve_pools(selection, open, &answer);
	if (selection->pool_count == 0)
		refuse_list(selection);
}

static void
write_way(StringInfo json, const GlCart *cart, const GlWay *way)
{
	for (int g = 0; g < way->pool->group_count; g++)
	{
		const GlCandidates *group = &way->pool->groups[g];

		appendStringInfoString(json, g > 0 ? ",{\"items\":[" : "{\"items\":[");
		gl_item_ids_write(json, cart, group->items);
		appendStringInfoString(json, "],\"storeId\":");
		escape_json(json, group->candidates[way->chosen[g]].store->store_id);
		appendStringInfoChar(json, '}');
	}
}

void
gl_selected_write(StringInfo json, const GlCheckout *checkout, JsonbContainer *request)
{
	GlChoiceList list = gl_selection_read(checkout->cart, request);
	Selection selection = {.checkout = checkout,
						   .list = &list,
						   .offers = gl_offers_build(checkout, true),
						   .words = GL_POOL_WORDS(checkout->cart->item_count)};
	GlWayList ways;

	if (list.whole)
		select_whole(&selection);
	else if (list.names_items)
		select_items(&selection);
	else
		select_list(&selection);
	ways = gl_ways_rank(selection.pools, selection.pool_count, checkout->options->max_pools);
	appendStringInfoChar(json, '[');
	for (int w = 0; w < ways.count; w++)
	{
		appendStringInfoString(json, w > 0 ? ",[" : "[");
		write_way(json, checkout->cart, &ways.ways[w]);
		appendStringInfoChar(json, ']');
	}
	appendStringInfoChar(json, ']');
}
