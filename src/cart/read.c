/*-------------------------------------------------------------------------
 *
 * read.c
 *	  Reads the cart of a request: inline as the app gave it, or from the
 *	  tables cart and cart_item.
 *
 * Both ways end in the same JSON, so that there is one reading of it: the
 * tables are turned into {segments, items} by their query.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "cart/cart.h"
#include "core/access.h"
#include "json/json.h"
#include "store/store.h"

#define FIND_CART                                                                                  \
	"SELECT jsonb_build_object('segments', c.segments, 'items', coalesce(("                        \
	"SELECT jsonb_agg(jsonb_build_object('itemId', i.item_id, 'itemType', i.item_type, "           \
	"'merchantId', i.item_merchant_id, "                                                           \
	"'quantity', i.quantity, 'price', i.price, 'weight', i.weight, 'volume', i.volume, "           \
	"'categories', i.categories, "                                                                 \
	"'tags', i.tags, 'name', i.name) ORDER BY i.position, i.item_id COLLATE \"C\") "               \
	"FROM ganje.cart_item AS i WHERE i.merchant_id = c.merchant_id AND i.cart_id = c.cart_id), "   \
	"'[]')) "                                                                                      \
	"FROM ganje.cart AS c WHERE c.merchant_id = $1 AND c.cart_id = $2"

#define MAX_SCALE GL_LIMIT_SCALE

/* Of a line, in the cart's unit. */
#define LARGEST_SIZE INT64CONST(1000000000000000)

static Datum
zero(void)
{
	return DirectFunctionCall1(int4_numeric, Int32GetDatum(0));
}

Datum
gl_cart_scaled(Datum value, int scale)
{
	int64 power = 1;

	for (int digits = 0; digits < scale; digits++)
		power *= 10;
	return DirectFunctionCall1(
		numeric_floor,
		DirectFunctionCall2(numeric_mul, value, NumericGetDatum(int64_to_numeric(power))));
}

int64
gl_cart_scale(Datum value, int scale, const char *what)
{
	Datum scaled = gl_cart_scaled(value, scale);

	if (DatumGetBool(DirectFunctionCall2(numeric_gt, scaled,
										 NumericGetDatum(int64_to_numeric(LARGEST_SIZE)))))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("%s is out of range", what)));
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, scaled));
}

static GlTexts
read_texts(JsonbContainer *object, const char *path, const char *key)
{
	GlTexts texts = {0, NULL};
	JsonbValue value;
	JsonbContainer *list;

	if (!gl_json_find(object, key, &value))
		return texts;
	list = gl_json_array(&value, gl_json_path_key(path, key));
	texts.texts = palloc(Max(JsonContainerSize(list), 1) * sizeof(char *));
	for (int i = 0; i < (int) JsonContainerSize(list); i++)
		texts.texts[texts.count++] =
			gl_json_string(getIthJsonbValueFromContainer(list, i),
						   gl_json_path_index(gl_json_path_key(path, key), i));
	return texts;
}

static bool
is_ordinary(Numeric number)
{
	return DatumGetBool(DirectFunctionCall2(numeric_lt, NumericGetDatum(number),
											NumericGetDatum(int64_to_numeric(LARGEST_SIZE))));
}

/* A number that must not be negative (or, where positive, zero); initial where the key is absent. */
static Datum
read_amount(JsonbContainer *object, const char *path, const char *key, int initial, bool positive)
{
	JsonbValue value;
	char *key_path = gl_json_path_key(path, key);
	Datum sign;

	if (!gl_json_find(object, key, &value))
		return DirectFunctionCall1(int4_numeric, Int32GetDatum(initial));
	/* A double is made of a text: too slow where any look tells that it is one. */
	if (value.type != jbvNumeric || !is_ordinary(value.val.numeric))
		(void) gl_json_double(&value, key_path);
	sign = DirectFunctionCall2(numeric_cmp, NumericGetDatum(value.val.numeric), zero());
	if (DatumGetInt32(sign) < 0 || (positive && DatumGetInt32(sign) == 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be %s", key_path, positive ? "more than 0" : "0 or more")));
	return DirectFunctionCall1(numeric_uplus, NumericGetDatum(value.val.numeric));
}

/* Digits behind the point that all of a line's values have at most. */
static void
widen_scale(int *scale, Datum line, const char *path)
{
	int own = DatumGetInt32(DirectFunctionCall1(numeric_min_scale, line));

	if (own > MAX_SCALE)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("%s has more than %d digits behind the point", path, MAX_SCALE)));
	*scale = Max(*scale, own);
}

static bool
is_product(JsonbContainer *object, const char *path)
{
	JsonbValue value;

	return !gl_json_find(object, "itemType", &value) ||
		   strcmp(gl_json_string(&value, gl_json_path_key(path, "itemType")), "product") == 0;
}

/* "qty" is what RBS's carts call the quantity. */
static const char *
quantity_key(JsonbContainer *object)
{
	JsonbValue value;

	return !gl_json_find(object, "quantity", &value) && gl_json_find(object, "qty", &value)
			   ? "qty"
			   : "quantity";
}

/* The weight and volume of the lines as numerics, until the cart's scale is known. */
typedef struct LineSizes
{
	Datum weight;
	Datum volume;
} LineSizes;

static void
read_item(GlCart *cart, GlItem *item, LineSizes *sizes, JsonbContainer *object, const char *path)
{
	JsonbValue value;

	if (!gl_json_find(object, "itemId", &value))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s is missing", gl_json_path_key(path, "itemId"))));
	item->item_id = gl_json_string(&value, gl_json_path_key(path, "itemId"));
	item->merchant_id = gl_json_find(object, "merchantId", &value)
							? gl_json_string(&value, gl_json_path_key(path, "merchantId"))
							: cart->merchant_id;
	item->name = gl_json_find(object, "name", &value)
					 ? gl_json_string(&value, gl_json_path_key(path, "name"))
					 : NULL;
	item->quantity = read_amount(object, path, quantity_key(object), 1, true);
	item->price = read_amount(object, path, "price", 0, false);
	sizes->weight = DirectFunctionCall2(numeric_mul, read_amount(object, path, "weight", 0, false),
										item->quantity);
	sizes->volume = DirectFunctionCall2(numeric_mul, read_amount(object, path, "volume", 0, false),
										item->quantity);
	widen_scale(&cart->weight_scale, sizes->weight, gl_json_path_key(path, "weight"));
	widen_scale(&cart->volume_scale, sizes->volume, gl_json_path_key(path, "volume"));
	item->categories = read_texts(object, path, "categories");
	item->tags = read_texts(object, path, "tags");
	cart->total = DirectFunctionCall2(
		numeric_add, cart->total, DirectFunctionCall2(numeric_mul, item->price, item->quantity));
	cart->units = DirectFunctionCall2(numeric_add, cart->units, item->quantity);
}

static int
compare_item_ids(const void *left, const void *right, void *items)
{
	const GlItem *item = items;

	return strcmp(item[*(const int *) left].item_id, item[*(const int *) right].item_id);
}

/* Ranks the items by their ids, and refuses an id that comes twice. */
static void
rank_items(GlCart *cart)
{
	int *order = palloc(Max(cart->item_count, 1) * sizeof(int));

	cart->item_rank = palloc(Max(cart->item_count, 1) * sizeof(int));
	for (int i = 0; i < cart->item_count; i++)
		order[i] = i;
	qsort_arg(order, cart->item_count, sizeof(int), compare_item_ids, cart->items);
	for (int i = 0; i < cart->item_count; i++)
	{
		cart->item_rank[order[i]] = i;
		if (i > 0 && strcmp(cart->items[order[i]].item_id, cart->items[order[i - 1]].item_id) == 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("cart.items name the itemId \"%s\" twice",
								   cart->items[order[i]].item_id),
							errhint("Give the units of one item as its quantity.")));
	}
}

/* {segments, items}, wherever it comes from. */
static void
read_items(GlCart *cart, JsonbContainer *object)
{
	JsonbValue value;
	JsonbContainer *list;
	LineSizes *sizes;
	int count;

	if (!gl_json_find(object, "items", &value))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("cart.items is missing")));
	list = gl_json_array(&value, "cart.items");
	count = JsonContainerSize(list);
	if (count > GL_POOL_ITEMS_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the cart has more than %d items", GL_POOL_ITEMS_MAX)));
	cart->items = palloc0(Max(count, 1) * sizeof(GlItem));
	sizes = palloc0(Max(count, 1) * sizeof(LineSizes));
	for (int i = 0; i < count; i++)
	{
		char *path = gl_json_path_index("cart.items", i);
		JsonbContainer *item = gl_json_object(getIthJsonbValueFromContainer(list, i), path);

		if (!is_product(item, path))
			continue;
		read_item(cart, &cart->items[cart->item_count], &sizes[cart->item_count], item, path);
		cart->item_count++;
	}
	if (cart->item_count == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the cart is empty"),
						errhint("Items whose itemType is not product are not delivered.")));
	for (int i = 0; i < cart->item_count; i++)
	{
		cart->items[i].weight =
			gl_cart_scale(sizes[i].weight, cart->weight_scale, "the weight of an item");
		cart->items[i].volume =
			gl_cart_scale(sizes[i].volume, cart->volume_scale, "the volume of an item");
	}
	cart->segments = read_texts(object, "cart", "segments");
	rank_items(cart);
}

/* The cart of the tables, as the JSON of an inline one. */
static JsonbContainer *
find_stored(const char *merchant_id, const char *cart_id)
{
	Oid types[2] = {TEXTOID, TEXTOID};
	Datum values[2] = {CStringGetTextDatum(merchant_id), CStringGetTextDatum(cart_id)};
	bool isnull;

	if (SPI_execute_with_args(FIND_CART, 2, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the cart");
	if (SPI_processed == 0)
		ereport(
			ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("cart \"%s\" of merchant \"%s\" does not exist", cart_id, merchant_id),
			 errhint(
				 "INSERT it INTO ganje.cart and ganje.cart_item, or give it inline as \"cart\".")));
	return &DatumGetJsonbP(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull))
				->root;
}

/* Stores of other merchants than the cart's are asked for their items. */
static void
check_item_merchants(const GlCart *cart, int levels)
{
	for (int i = 0; i < cart->item_count; i++)
		if (strcmp(cart->items[i].merchant_id, cart->merchant_id) != 0)
			gl_access_check(cart->items[i].merchant_id, levels);
}

GlCart *
gl_cart_read(JsonbContainer *request, int levels)
{
	static const char *const keys[] = {"cartId", "merchantId", "segments", "items", NULL};
	static uint64 calls = 0;
	GlCart *cart = palloc0(sizeof(GlCart));
	JsonbValue value;

	cart->call = ++calls;
	cart->total = zero();
	cart->units = zero();
	cart->merchant_id = gl_json_find(request, "merchantId", &value)
							? gl_json_string(&value, "merchantId")
							: "DEFAULT";
	if (gl_json_find(request, "cartId", &value))
		cart->cart_id = gl_json_string(&value, "cartId");
	if (gl_json_find(request, "cart", &value))
	{
		JsonbContainer *object = gl_json_object(&value, "cart");

		gl_json_only_keys(object, "cart", keys);
		if (gl_json_find(object, "cartId", &value))
			cart->cart_id = gl_json_string(&value, "cart.cartId");
		if (gl_json_find(object, "merchantId", &value))
			cart->merchant_id = gl_json_string(&value, "cart.merchantId");
		gl_access_check(cart->merchant_id, levels);
		read_items(cart, object);
	}
	else if (cart->cart_id != NULL)
	{
		gl_access_check(cart->merchant_id, levels);
		read_items(cart, find_stored(cart->merchant_id, cart->cart_id));
	}
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("cartId or cart is missing")));
	check_item_merchants(cart, levels);
	return cart;
}
