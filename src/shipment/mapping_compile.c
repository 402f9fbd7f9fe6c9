/*-------------------------------------------------------------------------
 *
 * mapping_compile.c
 *	  The mapping of ganje.attach_orders as a whole: the keys of an order, when
 *	  a row is one, and what becomes of a row that changes.
 *
 *	  {"orderId": expression, …,
 *	   "when": condition,
 *	   "on": {"update": [key, …], "cancel": condition, "delete": "cancel"}}
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "json/json.h"
#include "shipment/expression.h"

/* The keys of an order, as ganje.place_order reads them. */
static const struct
{
	const char *key;
	bool is_object;
	bool may_be_carried; /* of a shipment that is there already */
} order_keys[] = {
	{"orderId", false, false}, {"holdId", false, false}, {"merchantId", false, false},
	{"phone", false, true},    {"address", true, true},  {"recipient", false, true},
	{"note", false, true},     {"data", true, true},     {"externalId", false, false},
	{"storeId", false, false}, {"type", false, false},   {"provider", false, false},
};

static void
check_keys(JsonbContainer *mapping)
{
	const char *allowed[lengthof(order_keys) + 3] = {NULL};
	JsonbValue value;

	for (int i = 0; i < (int) lengthof(order_keys); i++)
		allowed[i] = order_keys[i].key;
	allowed[lengthof(order_keys)] = "when";
	allowed[lengthof(order_keys) + 1] = "on";
	gl_json_only_keys(mapping, "mapping", allowed);
	if (!gl_json_find(mapping, "orderId", &value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("mapping.orderId is missing")));
	if (!gl_json_find(mapping, "holdId", &value) && !gl_json_find(mapping, "storeId", &value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("mapping names neither holdId nor storeId"),
				 errhint("An order's shipments are made of its hold; without holds, name storeId, "
						 "type and provider.")));
}

static void
compile_keys(const GlCompiler *compiler, GlMapping *compiled, JsonbContainer *mapping)
{
	compiled->keys = palloc0(lengthof(order_keys) * sizeof(GlMappedKey));
	for (int i = 0; i < (int) lengthof(order_keys); i++)
	{
		GlMappedKey *key = &compiled->keys[compiled->key_count];
		JsonbValue value;

		if (!gl_json_find(mapping, order_keys[i].key, &value))
			continue;
		key->key = order_keys[i].key;
		key->is_object = order_keys[i].is_object;
		key->value = gl_expression_compile(compiler, &value, gl_json_path_key("mapping", key->key),
										   key->is_object);
		compiled->key_count++;
	}
}

static void
compile_carried(GlMapping *compiled, JsonbValue *list)
{
	JsonbContainer *array = gl_json_array(list, "mapping.on.update");

	for (int i = 0; i < (int) JsonContainerSize(array); i++)
	{
		char *path = gl_json_path_index("mapping.on.update", i);
		char *name = gl_json_string(getIthJsonbValueFromContainer(array, i), path);
		GlMappedKey *key = NULL;

		for (int k = 0; k < (int) lengthof(order_keys); k++)
			if (strcmp(order_keys[k].key, name) == 0 && !order_keys[k].may_be_carried)
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
								errmsg("%s: %s of an order cannot be changed", path, name),
								errhint("phone, address, recipient, note and data can.")));
		for (int k = 0; k < compiled->key_count; k++)
			if (strcmp(compiled->keys[k].key, name) == 0)
				key = &compiled->keys[k];
		if (key == NULL)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("%s: the mapping has no \"%s\"", path, name)));
		key->is_carried = true;
		compiled->carries = true;
	}
}

static void
compile_events(const GlCompiler *compiler, GlMapping *compiled, JsonbValue *events)
{
	static const char *const keys[] = {"update", "cancel", "delete", NULL};
	JsonbContainer *object = gl_json_object(events, "mapping.on");
	JsonbValue value;

	gl_json_only_keys(object, "mapping.on", keys);
	if (gl_json_find(object, "update", &value))
		compile_carried(compiled, &value);
	if (gl_json_find(object, "cancel", &value))
		compiled->cancel = gl_condition_compile(compiler, &value, "mapping.on.cancel");
	if (gl_json_find(object, "delete", &value))
	{
		if (strcmp(gl_json_string(&value, "mapping.on.delete"), "cancel") != 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("mapping.on.delete must be \"cancel\""),
							errhint("Leave it out, and an order outlives its row.")));
		compiled->delete_cancels = true;
	}
}

GlMapping *
gl_mapping_compile(JsonbContainer *mapping, TupleDesc descriptor, GlColumnFinder find, void *state)
{
	GlCompiler compiler = {.descriptor = descriptor, .find = find, .state = state};
	GlMapping *compiled = palloc0(sizeof(GlMapping));
	JsonbValue value;

	if (!JsonContainerIsObject(mapping) || JsonContainerIsScalar(mapping))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("mapping must be an object")));
	check_keys(mapping);
	compile_keys(&compiler, compiled, mapping);
	if (gl_json_find(mapping, "when", &value))
		compiled->when = gl_condition_compile(&compiler, &value, "mapping.when");
	if (gl_json_find(mapping, "on", &value))
		compile_events(&compiler, compiled, &value);
	return compiled;
}
