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
#include "utils/memutils.h"
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

/* A number that every item is compared with, made once per backend. */
static Datum
constant(Datum *kept, int64 value)
{
	if (*kept == (Datum) 0)
	{
		MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

		*kept = NumericGetDatum(int64_to_numeric(value));
		MemoryContextSwitchTo(caller);
	}
	return *kept;
}

static Datum
zero(void)
{
	static Datum kept = (Datum) 0;

	return constant(&kept, 0);
}

static Datum
largest_size(void)
{
	static Datum kept = (Datum) 0;

	return constant(&kept, LARGEST_SIZE);
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

	if (DatumGetBool(DirectFunctionCall2(numeric_gt, scaled, largest_size())))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("%s is out of range", what)));
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, scaled));
}

/* Where in the request something is: an object, or one of a list. A path is made of it for who complains. */
typedef struct Place
{
	const char *path;
	int index; /* -1: none */
} Place;

static char *
path_of(const Place *place, const char *key)
{
	return gl_json_path_key(
		place->index < 0 ? place->path : gl_json_path_index(place->path, place->index), key);
}

/* A text; NULL where the key is absent. */
static char *
read_text(JsonbContainer *object, const Place *place, const char *key)
{
	JsonbValue value;

	if (!gl_json_find(object, key, &value))
		return NULL;
	return gl_json_string(&value, value.type == jbvString ? key : path_of(place, key));
}

static GlTexts
read_texts(JsonbContainer *object, const Place *place, const char *key)
{
	GlTexts texts = {0, NULL};
	JsonbValue value;
	JsonbContainer *list;

	if (!gl_json_find(object, key, &value))
		return texts;
	if (value.type != jbvBinary || !JsonContainerIsArray(value.val.binary.data))
		gl_json_raise_kind(&value, path_of(place, key), "a list");
	list = value.val.binary.data;
	texts.texts = palloc(Max(JsonContainerSize(list), 1) * sizeof(char *));
	for (int i = 0; i < (int) JsonContainerSize(list); i++)
	{
		const JsonbValue *element = getIthJsonbValueFromContainer(list, i);

		texts.texts[texts.count++] = gl_json_string(
			element, element->type == jbvString ? key : gl_json_path_index(path_of(place, key), i));
	}
	return texts;
}

static bool
is_ordinary(Numeric number)
{
	return DatumGetBool(DirectFunctionCall2(numeric_lt, NumericGetDatum(number), largest_size()));
}

/* A number that must not be negative (or, where positive, zero); false where the key is absent. */
static bool
read_amount(JsonbContainer *object, const Place *place, const char *key, bool positive,
			Datum *amount)
{
	JsonbValue value;
	Datum sign;

	if (!gl_json_find(object, key, &value))
		return false;
	/* A double is made of a text: too slow where any look tells that it is one. */
	if (value.type != jbvNumeric || !is_ordinary(value.val.numeric))
		(void) gl_json_double(&value, path_of(place, key));
	sign = DirectFunctionCall2(numeric_cmp, NumericGetDatum(value.val.numeric), zero());
	if (DatumGetInt32(sign) < 0 || (positive && DatumGetInt32(sign) == 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be %s", path_of(place, key),
							   positive ? "more than 0" : "0 or more")));
	*amount = NumericGetDatum(value.val.numeric);
	return true;
}

static bool
is_product(JsonbContainer *object, const Place *place)
{
	const char *type = read_text(object, place, "itemType");

	return type == NULL || strcmp(type, "product") == 0;
}

/* A line's weight or volume, until the cart's scale is known. */
typedef struct LineSize
{
	bool given;
	Datum size; /* numeric */
} LineSize;

/* scale: digits behind the point that all of the lines' sizes have at most. */
static LineSize
read_size(JsonbContainer *object, const Place *place, const char *key, Datum quantity, int *scale)
{
	LineSize line = {false, (Datum) 0};
	int own;

	if (!read_amount(object, place, key, false, &line.size))
		return line;
	line.given = true;
	line.size = DirectFunctionCall2(numeric_mul, line.size, quantity);
	own = DatumGetInt32(DirectFunctionCall1(numeric_min_scale, line.size));
	if (own > MAX_SCALE)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("%s has more than %d digits behind the point", path_of(place, key),
							   MAX_SCALE)));
	*scale = Max(*scale, own);
	return line;
}

static int64
scale_size(const LineSize *line, int scale, const char *what)
{
	return line->given ? gl_cart_scale(line->size, scale, what) : 0;
}

typedef struct LineSizes
{
	LineSize weight;
	LineSize volume;
} LineSizes;

static void
read_item(GlCart *cart, GlItem *item, LineSizes *sizes, JsonbContainer *object, const Place *place)
{
	item->item_id = read_text(object, place, "itemId");
	if (item->item_id == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s is missing", path_of(place, "itemId"))));
	item->merchant_id = read_text(object, place, "merchantId");
	if (item->merchant_id == NULL)
		item->merchant_id = cart->merchant_id;
	item->name = read_text(object, place, "name");
	/* "qty" is what RBS's carts call the quantity. */
	if (!read_amount(object, place, "quantity", true, &item->quantity) &&
		!read_amount(object, place, "qty", true, &item->quantity))
		item->quantity = NumericGetDatum(int64_to_numeric(1));
	if (!read_amount(object, place, "price", false, &item->price))
		item->price = zero();
	sizes->weight = read_size(object, place, "weight", item->quantity, &cart->weight_scale);
	sizes->volume = read_size(object, place, "volume", item->quantity, &cart->volume_scale);
	item->categories = read_texts(object, place, "categories");
	item->tags = read_texts(object, place, "tags");
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
	Place whole = {"cart", -1};
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
		Place place = {"cart.items", i};
		const JsonbValue *element = getIthJsonbValueFromContainer(list, i);
		JsonbContainer *item;

		if (element->type != jbvBinary || !JsonContainerIsObject(element->val.binary.data))
			gl_json_raise_kind(element, gl_json_path_index(place.path, i), "an object");
		item = element->val.binary.data;
		if (!is_product(item, &place))
			continue;
		read_item(cart, &cart->items[cart->item_count], &sizes[cart->item_count], item, &place);
		cart->item_count++;
	}
	if (cart->item_count == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the cart is empty"),
						errhint("Items whose itemType is not product are not delivered.")));
	for (int i = 0; i < cart->item_count; i++)
	{
		cart->items[i].weight =
			scale_size(&sizes[i].weight, cart->weight_scale, "the weight of an item");
		cart->items[i].volume =
			scale_size(&sizes[i].volume, cart->volume_scale, "the volume of an item");
		cart->weight += cart->items[i].weight;
		cart->volume += cart->items[i].volume;
	}
	cart->segments = read_texts(object, &whole, "segments");
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
