/*-------------------------------------------------------------------------
 *
 * plan_hold.c
 *	  The plan of a hold: for each group of a chosen pool the cheapest store
 *	  that offers its option, and the counter whose unit is to be taken.
 *
 * What the request says wrongly (an item that is not in the cart, a type that
 * is missing) is an error; what is right but cannot be had (full, past its
 * cut-off, not offered) is an answer with the reason.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "cart/offer.h"
#include "cart/pool_json.h"
#include "core/core.h"
#include "json/json.h"

GL_FUNCTION(gl_plan_hold);

#define UNIX_EPOCH_US ((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

/* One group as it was chosen. */
typedef struct Choice
{
	char *path;
	uint64 *items;
	char *type;
	char *provider; /* or NULL: any */
	bool has_day;
	int64 day;
	bool has_slot;
	GlSlot slot;
} Choice;

/* The best offer for a choice so far, or why there is none. */
typedef struct Found
{
	const GlOffer *offer;
	GlOpenSlot slot;
	const char *reason;
} Found;

static int
item_index(const GlCart *cart, const char *item_id, const char *path)
{
	for (int i = 0; i < cart->item_count; i++)
		if (strcmp(cart->items[i].item_id, item_id) == 0)
			return i;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s: the cart has no item \"%s\"", path, item_id)));
}

/* The chosen items; taken says which are in a group already. */
static void
read_items(Choice *choice, const GlCart *cart, JsonbContainer *object, uint64 *taken)
{
	char *path = gl_json_path_key(choice->path, "items");
	JsonbValue value;
	JsonbContainer *list;

	choice->items = palloc0(GL_POOL_WORDS(cart->item_count) * sizeof(uint64));
	if (!gl_json_find(object, "items", &value))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s is missing", path)));
	list = gl_json_array(&value, path);
	if (JsonContainerSize(list) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s is empty", path)));
	for (int i = 0; i < (int) JsonContainerSize(list); i++)
	{
		char *element_path = gl_json_path_index(path, i);
		char *item_id = gl_json_string(getIthJsonbValueFromContainer(list, i), element_path);
		int item = item_index(cart, item_id, element_path);
		uint64 bit = UINT64CONST(1) << (item % 64);

		if (taken[item / 64] & bit)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("%s: item \"%s\" is in the pool twice", element_path, item_id)));
		taken[item / 64] |= bit;
		choice->items[item / 64] |= bit;
	}
}

static void
read_day(Choice *choice, const JsonbValue *value, const char *path)
{
	char *text = gl_json_string(value, path);
	int year;
	int month;
	int day;
	char rest;

	if (sscanf(text, "%4d-%2d-%2d%c", &year, &month, &day, &rest) != 3 || strlen(text) != 10 || month < 1 || month > 12 ||
		day < 1 || day > 31 || year < 1970)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be a date such as \"2026-03-01\"", path)));
	choice->has_day = true;
	choice->day = date2j(year, month, day) - UNIX_EPOCH_JDATE;
}

static void
read_slot(Choice *choice, const JsonbValue *value, const char *path)
{
	JsonbContainer *pair = gl_json_array(value, path);
	GlError error = {-1, ""};
	char *from;
	char *to;

	if (JsonContainerSize(pair) != 2)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be a pair of times of day", path)));
	from = gl_json_string(getIthJsonbValueFromContainer(pair, 0), gl_json_path_index(path, 0));
	to = gl_json_string(getIthJsonbValueFromContainer(pair, 1), gl_json_path_index(path, 1));
	if (gl_slot_parse(from, strlen(from), to, strlen(to), &choice->slot, &error) != GL_OK)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s: %s", error.where >= 0 ? gl_json_path_index(path, (int) error.where) : path, error.message)));
	choice->has_slot = true;
}

static void
read_choice(Choice *choice, const GlCart *cart, const JsonbValue *element, uint64 *taken)
{
	static const char *const keys[] = {"items", "type", "provider", "day", "slot", NULL};
	JsonbContainer *object = gl_json_object(element, choice->path);
	JsonbValue value;

	gl_json_only_keys(object, choice->path, keys);
	read_items(choice, cart, object, taken);
	if (!gl_json_find(object, "type", &value))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s is missing", gl_json_path_key(choice->path, "type"))));
	choice->type = gl_json_string(&value, gl_json_path_key(choice->path, "type"));
	if (gl_json_find(object, "provider", &value))
		choice->provider = gl_json_string(&value, gl_json_path_key(choice->path, "provider"));
	if (gl_json_find(object, "day", &value))
		read_day(choice, &value, gl_json_path_key(choice->path, "day"));
	if (gl_json_find(object, "slot", &value))
		read_slot(choice, &value, gl_json_path_key(choice->path, "slot"));
	if (choice->has_slot && !choice->has_day && strcmp(choice->type, "ON_DEMAND") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s is missing", gl_json_path_key(choice->path, "day")),
						errhint("A slot is chosen for a day.")));
}

/* The groups chosen; together they must be the cart. */
static Choice *
read_choices(const GlCart *cart, JsonbContainer *request, int *count)
{
	uint64 *taken = palloc0(GL_POOL_WORDS(cart->item_count) * sizeof(uint64));
	JsonbValue value;
	JsonbContainer *list;
	Choice *choices;

	if (!gl_json_find(request, "pool", &value))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("pool is missing"),
						errhint("For example \"pool\": [{\"items\": [\"p1\"], \"type\": \"CARGO\", \"provider\": \"ARAS_KARGO\"}].")));
	list = gl_json_array(&value, "pool");
	*count = JsonContainerSize(list);
	if (*count > cart->item_count)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("pool has more groups than the cart has items")));
	choices = palloc0(Max(*count, 1) * sizeof(Choice));
	for (int i = 0; i < *count; i++)
	{
		choices[i].path = gl_json_path_index("pool", i);
		read_choice(&choices[i], cart, getIthJsonbValueFromContainer(list, i), taken);
	}
	for (int i = 0; i < cart->item_count; i++)
		if ((taken[i / 64] >> (i % 64) & 1) == 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("pool does not deliver item \"%s\" of the cart", cart->items[i].item_id)));
	return choices;
}

static bool
covers(const GlOffer *offer, const Choice *choice, const GlCart *cart)
{
	for (int w = 0; w < GL_POOL_WORDS(cart->item_count); w++)
		if (choice->items[w] & ~offer->items[w])
			return false;
	return strcmp(offer->type, choice->type) == 0 &&
		   (choice->provider == NULL || (offer->provider != NULL && strcmp(offer->provider, choice->provider) == 0));
}

/* Why a chosen slot is not among those that are open and have capacity left. */
static const char *
refusal(const GlCheckout *checkout, const GlOffer *offer, const Choice *choice)
{
	GlScheduleVerdict verdict;

	if (offer->counter == GL_COUNTER_RULE || !choice->has_day)
		verdict = gl_schedule_verdict(&offer->timing, &checkout->horizon);
	else
		verdict = gl_schedule_slot_verdict(&offer->timing, &checkout->horizon, choice->day, choice->slot.from, choice->slot.to);
	if (verdict.reason == GL_SCHEDULE_OPEN)
		return "slot_full";
	return verdict.reason == GL_SCHEDULE_CUTOFF_PASSED ? "cutoff_passed" : "slot_not_offered";
}

/* The slot of an offer that the choice means; NULL where it has none. */
static const GlOpenSlot *
chosen_slot(const GlOffer *offer, const Choice *choice)
{
	for (int i = 0; i < offer->slot_count; i++)
	{
		const GlOpenSlot *slot = &offer->slots[i];

		if (offer->counter == GL_COUNTER_RULE)
			return slot;
		if (choice->has_day && slot->date != choice->day)
			continue;
		if (choice->has_slot && offer->counter == GL_COUNTER_SLOT &&
			(slot->from != choice->slot.from || slot->to != choice->slot.to))
			continue;
		return slot;
	}
	return NULL;
}

/* Cheapest first, then by the store's and the rule's id. */
static bool
is_better(const GlOffer *offer, const GlOffer *than)
{
	int order;

	if (than == NULL || offer->scaled_fee != than->scaled_fee)
		return than == NULL || offer->scaled_fee < than->scaled_fee;
	order = strcmp(offer->store->store_id, than->store->store_id);
	return order != 0 ? order < 0 : strcmp(offer->rule->rule_id, than->rule->rule_id) < 0;
}

static Found
find_offer(const GlCheckout *checkout, const GlOfferList *offers, const Choice *choice)
{
	Found found = {NULL, {0}, "not_offered"};

	for (int i = 0; i < offers->count; i++)
	{
		const GlOffer *offer = &offers->offers[i];
		const GlOpenSlot *slot;

		if (!covers(offer, choice, checkout->cart))
			continue;
		if (offer->counter == GL_COUNTER_SLOT && offer->timing.kind != GL_SCHEDULE_CARGO && !choice->has_slot)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("%s is missing", gl_json_path_key(choice->path, "slot")),
							errhint("%s is delivered in a slot: choose one of those that get_pools answers.", choice->type)));
		slot = chosen_slot(offer, choice);
		if (slot == NULL)
		{
			if (found.offer == NULL)
				found.reason = refusal(checkout, offer, choice);
		}
		else if (is_better(offer, found.offer))
		{
			found.offer = offer;
			found.slot = *slot;
		}
	}
	return found;
}

static void
write_text(StringInfo json, const char *key, const char *value)
{
	appendStringInfo(json, ",\"%s\":", key);
	if (value == NULL)
		appendStringInfoString(json, "null");
	else
		escape_json(json, value);
}

/* The instants that a slot lasts from and to. */
static void
write_promise(StringInfo json, const GlCheckout *checkout, const GlOpenSlot *slot)
{
	int end = slot->to + (slot->to <= slot->from ? GL_MINUTES_PER_DAY : 0);
	const GlClock *clock = checkout->horizon.clock;
	int64 from = gl_clock_utc(clock, slot->date * GL_MINUTES_PER_DAY + slot->from, NULL);
	int64 to = gl_clock_utc(clock, slot->date * GL_MINUTES_PER_DAY + end, NULL);

	write_text(json, "promised_from", timestamptz_to_str(from * USECS_PER_SEC - UNIX_EPOCH_US));
	write_text(json, "promised_to", timestamptz_to_str(to * USECS_PER_SEC - UNIX_EPOCH_US));
}

/* The counter: ON_DEMAND has one whatever the day, a rule without slots one per day. */
static void
write_counter(StringInfo json, const GlOffer *offer, const GlOpenSlot *slot)
{
	char from[6] = "00:00";
	char to[6] = "24:00";

	appendStringInfoString(json, ",\"day\":");
	if (offer->counter == GL_COUNTER_RULE)
		appendStringInfoString(json, "\"-infinity\"");
	else
		gl_date_write(json, slot->date);
	if (offer->counter == GL_COUNTER_SLOT)
	{
		gl_time_of_day_format(slot->from, from);
		gl_time_of_day_format(slot->to, to);
	}
	write_text(json, "slot_from", from);
	write_text(json, "slot_to", to);
}

static void
write_group_items(StringInfo json, const GlCart *cart, const uint64 *items)
{
	bool first = true;

	appendStringInfoString(json, ",\"items\":[");
	for (int i = 0; i < cart->item_count; i++)
	{
		const GlItem *item = &cart->items[i];

		if ((items[i / 64] >> (i % 64) & 1) == 0)
			continue;
		appendStringInfoString(json, first ? "{\"itemId\":" : ",{\"itemId\":");
		escape_json(json, item->item_id);
		appendStringInfo(json, ",\"quantity\":%s", DatumGetCString(DirectFunctionCall1(numeric_out, item->quantity)));
		appendStringInfo(json, ",\"price\":%s", DatumGetCString(DirectFunctionCall1(numeric_out, item->price)));
		write_text(json, "name", item->name);
		appendStringInfoChar(json, '}');
		first = false;
	}
	appendStringInfoChar(json, ']');
}

static void
write_unit(StringInfo json, const GlCheckout *checkout, int group, const Choice *choice, const Found *found)
{
	const GlOffer *offer = found->offer;

	appendStringInfo(json, "%s{\"group_no\":%d", group > 0 ? "," : "", group);
	write_text(json, "store_merchant_id", offer->store->merchant_id);
	write_text(json, "store_id", offer->store->store_id);
	write_text(json, "rule_id", offer->rule->rule_id);
	write_text(json, "type", offer->type);
	write_text(json, "provider", offer->provider);
	write_counter(json, offer, &found->slot);
	if (offer->counter == GL_COUNTER_SLOT || offer->shows_slots)
		write_promise(json, checkout, &found->slot);
	appendStringInfo(json, ",\"fee\":%s", DatumGetCString(DirectFunctionCall1(numeric_out, offer->fee)));
	write_group_items(json, checkout->cart, choice->items);
	appendStringInfoChar(json, '}');
}

/* {"plan": […], "cartId", "zoneId"}, or {"reason", "group"}. */
static void
write_plan(StringInfo json, const GlCheckout *checkout, const GlOfferList *offers, const Choice *choices, int count)
{
	appendStringInfoString(json, "{\"plan\":[");
	for (int i = 0; i < count; i++)
	{
		Found found = find_offer(checkout, offers, &choices[i]);

		if (found.offer == NULL)
		{
			resetStringInfo(json);
			appendStringInfo(json, "{\"reason\":\"%s\",\"group\":%d}", found.reason, i);
			return;
		}
		write_unit(json, checkout, i, &choices[i], &found);
	}
	appendStringInfoChar(json, ']');
	write_text(json, "cartId", checkout->cart->cart_id);
	write_text(json, "zoneId", checkout->zone == NULL ? NULL : checkout->zone->zone_id);
	appendStringInfoChar(json, '}');
}

/* plan_hold(request) → jsonb */
Datum
gl_plan_hold(PG_FUNCTION_ARGS)
{
	static const char *const keys[] = {"cartId", "cart", "merchantId", "zoneId", "address", "location", "pool", NULL};
	Jsonb *request = PG_GETARG_JSONB_P(0);
	MemoryContext caller = CurrentMemoryContext;
	GlOwnerScope scope;
	GlCheckout *checkout;
	Choice *choices;
	int count;
	StringInfoData json;
	Datum result;

	if (!JB_ROOT_IS_OBJECT(request))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the request must be an object")));
	gl_json_only_keys(&request->root, "", keys);
	scope = gl_owner_enter();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	checkout = gl_checkout_read(&request->root);
	choices = read_choices(checkout->cart, &request->root, &count);
	initStringInfo(&json);
	write_plan(&json, checkout, gl_offers_build(checkout, true), choices, count);
	MemoryContextSwitchTo(caller);
	result = DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
	SPI_finish();
	gl_owner_leave(scope);
	return result;
}
