/*-------------------------------------------------------------------------
 *
 * order_row.c
 *	  The trigger on the app's own order table: a new row becomes an order in
 *	  the transaction of its INSERT.
 *
 * The mapping (which column is the orderId, and so on) is the trigger's
 * argument.  The row is turned into a JSON order by it, and ganje.place_order
 * does the rest.  No SQL is made of column names: they are looked up in the
 * row, so that a name like x"); drop table … is a name.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"
#include "json/json.h"

GL_FUNCTION(gl_order_row);

#define PLACE_ORDER "SELECT ganje.place_order($1)"

/* A column's value as JSON: jsonb and json as they are, anything else its text. False for NULL. */
static bool
column_value(TriggerData *trigger, const char *column, const char *key, JsonbValue *value)
{
	TupleDesc descriptor = trigger->tg_relation->rd_att;
	int number = SPI_fnumber(descriptor, column);
	bool isnull;
	Datum datum;
	Oid type;
	Jsonb *jsonb;

	if (number <= 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("mapping.%s: table \"%s\" has no column \"%s\"", key,
							   RelationGetRelationName(trigger->tg_relation), column),
						errhint("Attach the table again with ganje.attach_orders.")));
	datum = SPI_getbinval(trigger->tg_trigtuple, descriptor, number, &isnull);
	if (isnull)
		return false;
	type = getBaseType(SPI_gettypeid(descriptor, number));
	if (type != JSONBOID && type != JSONOID)
	{
		char *text = SPI_getvalue(trigger->tg_trigtuple, descriptor, number);

		value->type = jbvString;
		value->val.string.val = text;
		value->val.string.len = strlen(text);
		return true;
	}
	jsonb = type == JSONBOID ? DatumGetJsonbP(datum)
							 : DatumGetJsonbP(DirectFunctionCall1(
								   jsonb_in, CStringGetDatum(TextDatumGetCString(datum))));
	if (JB_ROOT_IS_SCALAR(jsonb))
		*value = *getIthJsonbValueFromContainer(&jsonb->root, 0);
	else
	{
		value->type = jbvBinary;
		value->val.binary.data = &jsonb->root;
		value->val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
	}
	return value->type != jbvNull;
}

/* What the mapping says of one key: a column's name, or {"const": value}. */
static bool
mapped_value(TriggerData *trigger, const char *key, const JsonbValue *mapping, JsonbValue *value)
{
	if (mapping->type == jbvString)
		return column_value(trigger, pnstrdup(mapping->val.string.val, mapping->val.string.len),
							key, value);
	if (mapping->type == jbvBinary && JsonContainerIsObject(mapping->val.binary.data))
		return gl_json_find(mapping->val.binary.data, "const", value);
	return false;
}

/* The new row as {orderId, holdId, phone, …}; what is NULL is left out. */
static Jsonb *
order_of_row(TriggerData *trigger, Jsonb *mapping)
{
	JsonbIterator *iterator = JsonbIteratorInit(&mapping->root);
	JsonbIteratorToken token;
	JsonbParseState *state = NULL;
	JsonbValue key;
	JsonbValue rule;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
	{
		JsonbValue value;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&iterator, &rule, true);
		if (!mapped_value(trigger, pnstrdup(key.val.string.val, key.val.string.len), &rule, &value))
			continue;
		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_VALUE, &value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

static void
place_order(Jsonb *order)
{
	static SPIPlanPtr plan = NULL;
	Datum argument = JsonbPGetDatum(order);

	if (plan == NULL)
	{
		Oid type = JSONBOID;
		SPIPlanPtr prepared = SPI_prepare(PLACE_ORDER, 1, &type);

		if (prepared == NULL || SPI_keepplan(prepared) != 0)
			elog(ERROR, "could not prepare \"%s\"", PLACE_ORDER);
		plan = prepared;
	}
	if (SPI_execute_plan(plan, &argument, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not place the order");
}

/* AFTER INSERT, for each row of an attached table. */
Datum
gl_order_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Jsonb *mapping;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || !TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ||
		trigger->tg_trigger->tgnargs != 1)
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("order_row() is an AFTER INSERT trigger function"),
						errhint("SELECT ganje.attach_orders(table, mapping) makes the trigger.")));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	mapping = DatumGetJsonbP(
		DirectFunctionCall1(jsonb_in, CStringGetDatum(trigger->tg_trigger->tgargs[0])));
	place_order(order_of_row(trigger, mapping));
	SPI_finish();
	return PointerGetDatum(NULL);
}
