/*-------------------------------------------------------------------------
 *
 * order_row.c
 *	  The trigger on the app's own order table: a new row becomes an order, a
 *	  changed one changes it, in the transaction of the statement.
 *
 * The mapping is the trigger's argument, its columns are the trigger's list of
 * columns (see mapping_check.c).  A row is turned into a JSON order by it, and
 * place_order.c or functions of sql/80_order.sql do the rest.  No SQL is made of column names.
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
#include "utils/rel.h"

#include "compat.h"
#include "json/json.h"
#include "shipment/attachment.h"
#include "shipment/place_order.h"

GL_FUNCTION(gl_order_row);

typedef enum OrderAction
{
	ACTION_ENTER,
	ACTION_ARRIVE,
	ACTION_CHANGE,
	ACTION_CANCEL,
	ACTION_LEAVE,
	ACTION_COUNT
} OrderAction;

static const char *const action_queries[ACTION_COUNT] = {
	[ACTION_ENTER] = "SELECT ganje.enter_order($1)",
	[ACTION_ARRIVE] = "SELECT ganje.arrive_order($1, $2)",
	[ACTION_CHANGE] = "SELECT ganje.change_order($1, $2)",
	[ACTION_CANCEL] = "SELECT ganje.cancel_order($1, 'the order was cancelled')",
	[ACTION_LEAVE] = "SELECT ganje.cancel_order($1, 'the order was deleted')",
};

/*
 * The row as {orderId, holdId, phone, …}; what is NULL is left out.  The keys
 * that on.update lists are read of another row, or, without one, left out.
 */
static Jsonb *
order_of_rows(const GlMapping *mapping, HeapTuple row, HeapTuple carried, TupleDesc descriptor)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < mapping->key_count; i++)
	{
		const GlMappedKey *mapped = &mapping->keys[i];
		HeapTuple from = mapped->is_carried ? carried : row;
		JsonbValue key;
		JsonbValue value;

		if (from == NULL || !gl_expression_value(mapped->value, from, descriptor, &value))
			continue;
		key.type = jbvString;
		key.val.string.val = unconstify(char *, mapped->key);
		key.val.string.len = (int) strlen(mapped->key);
		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_VALUE, &value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

static Jsonb *
order_of_row(const GlMapping *mapping, HeapTuple row, TupleDesc descriptor)
{
	return order_of_rows(mapping, row, row, descriptor);
}

static void
act(OrderAction action, Jsonb *order, Jsonb *old_values)
{
	static SPIPlanPtr plans[ACTION_COUNT];
	Oid types[] = {JSONBOID, JSONBOID};
	Datum arguments[] = {JsonbPGetDatum(order), PointerGetDatum(old_values)};

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (plans[action] == NULL)
	{
		SPIPlanPtr prepared =
			SPI_prepare(action_queries[action], old_values == NULL ? 1 : 2, types);

		if (prepared == NULL || SPI_keepplan(prepared) != 0)
			elog(ERROR, "could not prepare \"%s\"", action_queries[action]);
		plans[action] = prepared;
	}
	if (SPI_execute_plan(plans[action], arguments, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not execute \"%s\"", action_queries[action]);
	SPI_finish();
}

/* Is the row an order of this attachment? */
static bool
is_order(const GlMapping *mapping, HeapTuple row, TupleDesc descriptor)
{
	return mapping->when == NULL || gl_condition_holds(mapping->when, row, descriptor);
}

static bool
is_cancelled(const GlMapping *mapping, HeapTuple row, TupleDesc descriptor)
{
	return mapping->cancel != NULL && gl_condition_holds(mapping->cancel, row, descriptor);
}

/*
 * A row that moves to another partition is deleted there and inserted here:
 * in a partition an order that has its shipments is such a row, and may have
 * changed on the way.
 */
static void
row_arrived(const GlMapping *mapping, HeapTuple row, TupleDesc descriptor)
{
	Jsonb *order = order_of_row(mapping, row, descriptor);

	if (is_cancelled(mapping, row, descriptor))
		act(ACTION_CANCEL, order, NULL);
	else
		act(ACTION_ARRIVE, order, order_of_rows(mapping, row, NULL, descriptor));
}

static void
row_inserted(TriggerData *trigger, const GlMapping *mapping)
{
	TupleDesc descriptor = RelationGetDescr(trigger->tg_relation);
	HeapTuple row = trigger->tg_trigtuple;

	if (!is_order(mapping, row, descriptor))
		return;
	if (trigger->tg_relation->rd_rel->relispartition)
		row_arrived(mapping, row, descriptor);
	else if (!is_cancelled(mapping, row, descriptor))
		(void) gl_order_place(order_of_row(mapping, row, descriptor));
}

/* An order keeps its id: its shipments, and the carrier, know it by that. */
static void
check_identity(const GlMapping *mapping, TriggerData *trigger)
{
	TupleDesc descriptor = RelationGetDescr(trigger->tg_relation);

	for (int i = 0; i < mapping->key_count; i++)
	{
		const GlMappedKey *mapped = &mapping->keys[i];
		JsonbValue before;
		JsonbValue after;
		bool had;
		bool has;

		if (strcmp(mapped->key, "orderId") != 0 && strcmp(mapped->key, "merchantId") != 0)
			continue;
		had = gl_expression_value(mapped->value, trigger->tg_trigtuple, descriptor, &before);
		has = gl_expression_value(mapped->value, trigger->tg_newtuple, descriptor, &after);
		if (had && (!has || strcmp(gl_scalar_text(&before), gl_scalar_text(&after)) != 0))
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("the %s of an order cannot be changed", mapped->key),
							errdetail("Its shipments bear it already."),
							errhint("Cancel the order and insert another.")));
	}
}

static void
row_updated(TriggerData *trigger, const GlMapping *mapping)
{
	TupleDesc descriptor = RelationGetDescr(trigger->tg_relation);
	HeapTuple before = trigger->tg_trigtuple;
	HeapTuple after = trigger->tg_newtuple;
	bool was_order = is_order(mapping, before, descriptor);
	bool is_now = is_order(mapping, after, descriptor);
	bool ends = is_cancelled(mapping, after, descriptor);
	Jsonb *old_values;
	Jsonb *new_values;

	if (!was_order)
	{
		if (is_now && !ends)
			act(ACTION_ENTER, order_of_row(mapping, after, descriptor), NULL);
		return;
	}
	if (mapping->carries || mapping->cancel != NULL || mapping->delete_cancels)
		check_identity(mapping, trigger);
	if (ends)
	{
		if (!is_cancelled(mapping, before, descriptor))
			act(ACTION_CANCEL, order_of_row(mapping, after, descriptor), NULL);
		return;
	}
	if (!mapping->carries || !is_now)
		return;
	old_values = order_of_rows(mapping, after, before, descriptor);
	new_values = order_of_row(mapping, after, descriptor);
	if (compareJsonbContainers(&old_values->root, &new_values->root) != 0)
		act(ACTION_CHANGE, new_values, old_values);
}

static void
row_deleted(TriggerData *trigger, const GlMapping *mapping)
{
	TupleDesc descriptor = RelationGetDescr(trigger->tg_relation);
	HeapTuple row = trigger->tg_trigtuple;

	if (mapping->delete_cancels && is_order(mapping, row, descriptor) &&
		!is_cancelled(mapping, row, descriptor))
		act(ACTION_LEAVE, order_of_row(mapping, row, descriptor), NULL);
}

/* AFTER INSERT OR UPDATE OF … OR DELETE, for each row of an attached table. */
Datum
gl_order_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	const GlMapping *mapping;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || trigger->tg_trigger->tgnargs != 2)
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("order_row() is a trigger function, called AFTER a row's change"),
						errhint("SELECT ganje.attach_orders(table, mapping) makes the trigger.")));
	mapping = gl_attachment_mapping(trigger);
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		row_inserted(trigger, mapping);
	else if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		row_updated(trigger, mapping);
	else
		row_deleted(trigger, mapping);
	return PointerGetDatum(NULL);
}
