/*-------------------------------------------------------------------------
 *
 * place_order.c
 *	  An order confirms its hold and makes the shipments of its groups.
 *
 * A hold that is there, held and not expired, which nearly every order's is,
 * takes one statement for all of it.  Whatever else there is to a hold takes
 * the functions of sql/45_capacity.sql, and its errors are theirs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "core/plan.h"
#include "core/row.h"
#include "json/json.h"
#include "shipment/mapping.h"
#include "shipment/place_order.h"
#include "shipment/subscribed.h"

GL_FUNCTION(gl_place_order);

/*
 * Shipments and items of "unit": hold units, each with its zone_id and a new
 * shipment_id.  $1 is the order, $2 its merchant.  One statement with what
 * comes before: the trigger that tells the carrier of a shipment sees its
 * items.  A NULL account need not be told.
 */
#define INSERT_SHIPMENTS                                                                           \
	"new_shipment AS ("                                                                            \
	" INSERT INTO ganje.shipment"                                                                  \
	"  (merchant_id, shipment_id, order_id, store_merchant_id, store_id, rule_id, hold_id,"        \
	"   group_no, type, provider, zone_id, day, slot_from, slot_to, promised_from, promised_to,"   \
	"   fee, address, recipient, phone, note, account_id, external_id, data, enqueued_at)"         \
	" SELECT $2, u.shipment_id, $1 ->> 'orderId', u.store_merchant_id, u.store_id, u.rule_id,"     \
	"   u.hold_id, u.group_no, u.type, u.provider, u.zone_id, nullif(u.day, '-infinity'),"         \
	"   CASE WHEN u.day > '-infinity' THEN u.slot_from END,"                                       \
	"   CASE WHEN u.day > '-infinity' THEN u.slot_to END,"                                         \
	"   u.promised_from, u.promised_to, u.fee, nullif($1 -> 'address', 'null'),"                   \
	"   $1 ->> 'recipient', $1 ->> 'phone', $1 ->> 'note',"                                        \
	"   (SELECT p.carrier_account FROM ganje.shipment_provider AS p"                               \
	"     WHERE p.merchant_id = u.store_merchant_id AND p.store_id = u.store_id"                   \
	"       AND p.shipment_type = u.type AND p.provider_id = u.provider AND NOT p.deleted),"       \
	"   coalesce($1 ->> 'externalId', $1 ->> 'orderId'),"                                          \
	"   coalesce(nullif($1 -> 'data', 'null'), '{}'), pg_catalog.now()"                            \
	"   FROM unit AS u),"                                                                          \
	"new_item AS ("                                                                                \
	" INSERT INTO ganje.shipment_item"                                                             \
	"  (merchant_id, shipment_id, item_id, position, quantity, price, name)"                       \
	" SELECT $2, u.shipment_id, item ->> 'itemId', (place - 1)::integer,"                          \
	"   (item ->> 'quantity')::numeric, (item ->> 'price')::numeric, item ->> 'name'"              \
	"   FROM unit AS u, jsonb_array_elements(u.items) WITH ORDINALITY AS t(item, place))"

/*
 * A row for each unit that was confirmed, and one without a group where none
 * was; no row, and none was touched, where the hold cannot be confirmed.  The
 * hold's row is locked before its units are: these are found by it.
 */
static GlKeptPlan place_held = {
	.sql =
		"WITH held AS ("
		" UPDATE ganje.hold AS h SET state = 'confirmed', order_id = $1 ->> 'orderId'"
		"  WHERE h.merchant_id = $2 AND h.hold_id = $3 AND h.state = 'held'"
		"    AND h.expires_at > ganje.clock()"
		" RETURNING h.merchant_id, h.hold_id, h.zone_id),"
		"confirmed AS ("
		" UPDATE ganje.hold_unit AS u SET state = 'confirmed' FROM held"
		"  WHERE u.merchant_id = held.merchant_id AND u.hold_id = held.hold_id AND u.state = 'held'"
		" RETURNING u.*, held.zone_id),"
		"unit AS (SELECT c.*, ganje.ulid() AS shipment_id FROM confirmed AS c ORDER BY "
		"c.group_no)," INSERT_SHIPMENTS "SELECT unit.group_no FROM held LEFT JOIN unit ON true",
	.count = 3,
	.types = {JSONBOID, TEXTOID, TEXTOID}};

/* Units that have no shipment yet.  merchant_id is compared as in begin.c. */
static GlKeptPlan place_others = {
	.sql = "WITH unit AS ("
		   " SELECT u.*, h.zone_id, ganje.ulid() AS shipment_id FROM ganje.hold AS h"
		   "   JOIN ganje.hold_unit AS u ON u.merchant_id = h.merchant_id AND u.hold_id = h.hold_id"
		   "  WHERE h.merchant_id = $2 AND h.hold_id = $3"
		   "    AND NOT EXISTS (SELECT FROM ganje.shipment AS s"
		   "                     WHERE s.hold_id = u.hold_id AND s.group_no = u.group_no"
		   "                       AND s.merchant_id IS NOT DISTINCT FROM u.merchant_id)"
		   "  ORDER BY u.group_no)," INSERT_SHIPMENTS "SELECT count(*)::integer FROM unit",
	.count = 3,
	.types = {JSONBOID, TEXTOID, TEXTOID}};

static GlKeptPlan bind_hold = {
	.sql = "SELECT ganje.bind_hold($2, $1, $3)", .count = 3, .types = {TEXTOID, TEXTOID, TEXTOID}};

/* What the clock said of the hold was not what it says of its units. */
static GlKeptPlan retake_hold = {.sql = "SELECT ganje.retake_hold(h) FROM ganje.hold AS h"
										" WHERE h.merchant_id = $1 AND h.hold_id = $2",
								 .count = 2,
								 .types = {TEXTOID, TEXTOID}};

static GlKeptPlan find_shipment = {
	.sql = "SELECT FROM ganje.shipment AS s"
		   " WHERE s.hold_id = $2 AND s.merchant_id IS NOT DISTINCT FROM $1"
		   " LIMIT 1",
	.count = 2,
	.types = {TEXTOID, TEXTOID}};

static GlKeptPlan place_at_store = {
	.sql = "SELECT ganje.place_at_store($1)", .count = 1, .types = {JSONBOID}};

static GlKeptPlan tell_order = {
	.sql = "SELECT ganje.tell_order($1, $2, 'CREATE')", .count = 2, .types = {TEXTOID, TEXTOID}};

/* A key of the order as ->> has it; NULL where it is absent or null. */
static text *
text_of_key(Jsonb *order, const char *key)
{
	JsonbValue value;
	char *string;

	if (!gl_json_find(&order->root, key, &value))
		return NULL;
	if (value.type == jbvString)
		return cstring_to_text_with_len(value.val.string.val, value.val.string.len);
	if (value.type == jbvBinary)
		string = JsonbToCString(NULL, value.val.binary.data, value.val.binary.len);
	else
		string = gl_scalar_text(&value);
	return cstring_to_text(string);
}

/* As ganje.merchant_of. */
static text *
merchant_of(Jsonb *order)
{
	JsonbValue value;
	text *merchant = NULL;

	if (gl_json_find(&order->root, "merchantId", &value) &&
		(value.type == jbvString || value.type == jbvNumeric))
		merchant = text_of_key(order, "merchantId");
	if (merchant == NULL || VARSIZE_ANY_EXHDR(merchant) == 0)
		return cstring_to_text("DEFAULT");
	return merchant;
}

/* The first column of what was answered; 0 where it is NULL. */
static int
answered(bool *isnull)
{
	return DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, isnull));
}

/* How many units a hold has. */
static int
count_units(text *merchant, text *hold_id)
{
	Oid schema = get_namespace_oid("ganje", false);
	Relation table = table_open(get_relname_relid("hold_unit", schema), AccessShareLock);
	TupleDesc descriptor = RelationGetDescr(table);
	AttrNumber columns[] = {SPI_fnumber(descriptor, "merchant_id"),
							SPI_fnumber(descriptor, "hold_id")};
	Datum key[] = {PointerGetDatum(merchant), PointerGetDatum(hold_id)};
	int count;

	/* The hold may be younger than the statement that inserts the order. */
	PushActiveSnapshot(GetTransactionSnapshot());
	count = gl_row_count(table, "hold_unit_pkey", columns, key, 2);
	PopActiveSnapshot();
	table_close(table, NoLock);
	return count;
}

/* The hold's units become the order's, whatever the state of the hold: or it raises. */
static int
place_by_hold(Jsonb *order, text *merchant, text *order_id, text *hold_id)
{
	Datum values[] = {JsonbPGetDatum(order), PointerGetDatum(merchant), PointerGetDatum(hold_id)};
	Datum confirm[] = {PointerGetDatum(order_id), PointerGetDatum(hold_id),
					   PointerGetDatum(merchant)};
	int placed = 0;
	bool isnull;
	uint64 rows = gl_plan_execute(&place_held, values, NULL);

	if (rows > 0)
	{
		(void) answered(&isnull);
		if (!isnull)
			placed = (int) rows;
		if (placed == count_units(merchant, hold_id))
			return placed;
		gl_plan_execute(&retake_hold, &values[1], NULL);
	}
	else
	{
		gl_plan_execute(&bind_hold, confirm, NULL);
		if (gl_plan_execute(&find_shipment, &values[1], NULL) > 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNIQUE_VIOLATION),
					 errmsg("hold %s has its shipments already",
							quote_literal_cstr(text_to_cstring(hold_id))),
					 errhint("The order was placed before; a new order needs a hold of its own.")));
	}
	gl_plan_execute(&place_others, values, NULL);
	return placed + answered(&isnull);
}

int
gl_order_place(Jsonb *order)
{
	text *merchant = merchant_of(order);
	text *order_id = text_of_key(order, "orderId");
	text *hold_id = text_of_key(order, "holdId");
	Datum values[] = {PointerGetDatum(merchant), PointerGetDatum(order_id)};
	int placed;

	if (order_id == NULL || VARSIZE_ANY_EXHDR(order_id) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the order has no orderId"),
				 errhint("The column that the mapping names for orderId is null or empty.")));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (hold_id != NULL)
		placed = place_by_hold(order, merchant, order_id, hold_id);
	else
	{
		Datum whole = JsonbPGetDatum(order);

		gl_plan_execute(&place_at_store, &whole, NULL);
		placed = 1;
	}
	if (gl_shipment_subscribed())
		gl_plan_execute(&tell_order, values, NULL);
	SPI_finish();
	return placed;
}

/* place_order(new_order): how many shipments. */
Datum
gl_place_order(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(gl_order_place(PG_GETARG_JSONB_P(0)));
}
