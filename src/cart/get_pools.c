/*-------------------------------------------------------------------------
 *
 * get_pools.c
 *	  GET_POOLS: the ways to deliver a cart, best first.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/jsonb.h"

#include "compat.h"
#include "cart/offer.h"
#include "cart/pool_json.h"
#include "cart/selected.h"
#include "cart/workspace.h"
#include "core/access.h"
#include "core/core.h"
#include "json/json.h"
#include "settings.h"

GL_FUNCTION(gl_get_pools);

static void
check_request(JsonbContainer *request)
{
	static const char *const keys[] = {"cartId",  "cart",     "merchantId", "zoneId",
									   "address", "location", "pool",       NULL};

	gl_json_only_keys(request, "", keys);
}

GlPoolAnswer
gl_pools_solve(const GlCheckout *checkout, const GlOfferList *offers)
{
	GlPoolProblem problem = {0};
	GlPoolOffer *solver_offers =
		palloc_extended(Max(offers->count, 1) * sizeof(GlPoolOffer), MCXT_ALLOC_HUGE);
	GlArena arena = gl_arena(CurrentMemoryContext);
	GlStop stop = gl_stop_on_interrupt();
	GlPoolAnswer answer = {0};
	GlError error = {-1, ""};

	for (int i = 0; i < offers->count; i++)
	{
		solver_offers[i].items = offers->offers[i].items;
		solver_offers[i].fee = offers->offers[i].scaled_fee;
	}
	problem.item_count = checkout->cart->item_count;
	problem.item_rank = checkout->cart->item_rank;
	problem.offers = solver_offers;
	problem.offer_count = offers->count;
	problem.max_pools = checkout->options->max_pools;
	problem.budget = gl_setting_pool_budget;
	switch (gl_pool_solve(&problem, &arena, &stop, &answer, &error))
	{
		case GL_OK:
			break;
		case GL_LIMIT:
			ereport(WARNING,
					(errmsg("the search for pools was ended by ganje_logistics.pool_budget"),
					 errdetail("The pools answered are right, but better ones may be missing.")));
			break;
		case GL_STOPPED:
			CHECK_FOR_INTERRUPTS();
			answer.pool_count = 0;
			break;
		case GL_NO_MEMORY:
			ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY),
							errmsg("out of memory while computing pools")));
			break;
		case GL_INVALID:
			ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
							errmsg("pools cannot be computed: %s", error.message)));
	}
	return answer;
}

/* The answer, in memory of result. */
static Datum
write_pools(const GlCheckout *checkout, MemoryContext result)
{
	GlOfferList *offers = gl_offers_build(checkout, false);
	GlPoolAnswer answer = gl_pools_solve(checkout, offers);
	Jsonb *pools = gl_pools_write(checkout, offers, &answer);

	MemoryContextSwitchTo(result);
	return datumCopy(JsonbPGetDatum(pools), false, -1);
}

static Datum
write_selected(const GlCheckout *checkout, JsonbContainer *request, MemoryContext result)
{
	StringInfoData json;

	initStringInfo(&json);
	gl_selected_write(&json, checkout, request);
	MemoryContextSwitchTo(result);
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

/* get_pools(request) → jsonb */
Datum
gl_get_pools(PG_FUNCTION_ARGS)
{
	Jsonb *request = PG_GETARG_JSONB_P(0);
	MemoryContext caller = CurrentMemoryContext;
	GlOwnerScope scope;
	GlCheckout *checkout;
	JsonbValue pool;
	bool selected;
	Datum result;

	if (!JB_ROOT_IS_OBJECT(request))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the request must be an object")));
	check_request(&request->root);
	scope = gl_owner_enter();
	selected = gl_json_find(&request->root, "pool", &pool);
	if (selected)
		gl_selected_check_caller();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	MemoryContextSwitchTo(gl_workspace_enter());
	checkout =
		gl_checkout_read(&request->root, selected ? GL_ACCESS_FULFILMENT
												  : GL_ACCESS_CHECKOUT | GL_ACCESS_FULFILMENT);
	result =
		selected ? write_selected(checkout, &request->root, caller) : write_pools(checkout, caller);
	SPI_finish();
	gl_owner_leave(scope);
	return result;
}
