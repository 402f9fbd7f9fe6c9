/*-------------------------------------------------------------------------
 *
 * hold_slot.c
 *	  HOLD_SLOT: takes the slots of a chosen pool for a while.
 *
 * What cannot be had (full, past its cut-off, not offered) is an answer with
 * the reason, not an error: the customer chooses again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "cart/hold.h"
#include "core/access.h"
#include "json/json.h"
#include "json/write.h"

GL_FUNCTION(gl_hold_slot);

/* Between plan and taking others may take the last unit of the cheapest store; then the next is asked. */
#define ATTEMPTS 3

/* In the order of GlRefusal. */
static const char *const refusal_names[] = {"not_offered", "slot_not_offered", "cutoff_passed",
											"slot_full"};

Datum
gl_hold_refuse(const char *reason, int group)
{
	GlJsonbWriter json;

	gl_jsonb_begin(&json);
	gl_jsonb_open_object(&json, 3);
	gl_jsonb_text(&json, "held");
	gl_jsonb_text(&json, "group");
	gl_jsonb_text(&json, "reason");
	gl_jsonb_bool(&json, false);
	gl_jsonb_numeric(&json, int64_to_numeric(group));
	gl_jsonb_text(&json, reason);
	gl_jsonb_close(&json);
	return JsonbPGetDatum(gl_jsonb_end(&json));
}

Datum
gl_hold_answer(const GlHoldTaken *taken)
{
	char expires_at[MAXDATELEN + 1];
	GlJsonbWriter json;

	if (!taken->held)
		return gl_hold_refuse(refusal_names[GL_SLOT_FULL], taken->group);
	JsonEncodeDateTime(expires_at, TimestampTzGetDatum(taken->expires_at), TIMESTAMPTZOID, NULL);
	gl_jsonb_begin(&json);
	gl_jsonb_open_object(&json, 3);
	gl_jsonb_text(&json, "held");
	gl_jsonb_text(&json, "holdId");
	gl_jsonb_text(&json, "expiresAt");
	gl_jsonb_bool(&json, true);
	gl_jsonb_text(&json, taken->hold_id);
	gl_jsonb_text(&json, expires_at);
	gl_jsonb_close(&json);
	return JsonbPGetDatum(gl_jsonb_end(&json));
}

/* Under whose merchant the hold is: as ganje.merchant_of has it, whatever the cart says. */
static const char *
merchant_of(JsonbContainer *request)
{
	JsonbValue value;
	char *merchant_id;

	if (!gl_json_find(request, "merchantId", &value))
		return "DEFAULT";
	merchant_id = gl_json_string(&value, "merchantId");
	return merchant_id[0] == '\0' ? "DEFAULT" : merchant_id;
}

/* What a statement of this transaction has taken before is seen, and what others have committed. */
static void
see_what_is(void)
{
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
}

/* Plans and takes; the answer. */
static Datum
hold(const GlCheckout *checkout, const GlChoiceList *list, const GlHoldOwner *owner)
{
	GlHoldUnit *units = palloc(list->count * sizeof(GlHoldUnit));
	GlHoldTaken taken = {0};
	GlRefusal refusal;
	int group;

	for (int attempt = 0; attempt < ATTEMPTS && !taken.held; attempt++)
	{
		bool planned;

		if (attempt > 0)
			see_what_is();
		planned = gl_hold_plan(checkout, list, units, &refusal, &group);
		if (attempt > 0)
			PopActiveSnapshot();
		if (!planned)
			return gl_hold_refuse(refusal_names[refusal], group);
		taken = gl_hold_take(owner, units, list->count);
	}
	return gl_hold_answer(&taken);
}

static Datum
hold_chosen(JsonbContainer *request)
{
	int levels = GL_ACCESS_CHECKOUT | GL_ACCESS_FULFILMENT;
	GlCheckout *checkout = gl_checkout_read(request, levels);
	GlChoiceList list = gl_choices_read(checkout->cart, request);
	GlHoldOwner owner = {merchant_of(request), checkout->cart->cart_id,
						 checkout->zone == NULL ? NULL : checkout->zone->zone_id};

	gl_access_check(owner.merchant_id, levels);
	return hold(checkout, &list, &owner);
}

/* hold_slot(request) → jsonb */
Datum
gl_hold_slot(PG_FUNCTION_ARGS)
{
	static const char *const keys[] = {"cartId",  "cart",     "merchantId", "zoneId",
									   "address", "location", "pool",       NULL};
	Jsonb *request = PG_GETARG_JSONB_P(0);
	MemoryContext caller = CurrentMemoryContext;
	GlOwnerScope scope;
	Datum answer;

	if (!JB_ROOT_IS_OBJECT(request))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the request must be an object")));
	gl_json_only_keys(&request->root, "", keys);
	scope = gl_owner_enter();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	see_what_is();
	answer = hold_chosen(&request->root);
	PopActiveSnapshot();
	answer = SPI_datumTransfer(answer, false, -1);
	MemoryContextSwitchTo(caller);
	SPI_finish();
	gl_owner_leave(scope);
	return answer;
}
