/*-------------------------------------------------------------------------
 *
 * read.c
 *	  Reads the stores of merchants, with their rules and providers.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/jsonb.h"

#include "json/json.h"
#include "store/store.h"

#define READ_RULES                                                                                 \
	"SELECT s.merchant_id, s.store_id, s.zones, s.match_all, r.rule_id, r.types, r.providers, "    \
	"r.days, r.slots, r.cutoff, "                                                                  \
	"r.on_demand_slot, r.on_demand_minutes, r.zones, r.capacity, r.fee, r.min_order_count, "       \
	"r.min_cart_total, "                                                                           \
	"r.max_cart_weight, r.max_cart_volume, r.category, r.tag, r.segment "                          \
	"FROM ganje.store AS s JOIN ganje.store_rule AS r ON r.merchant_id = s.merchant_id AND "       \
	"r.store_id = s.store_id "                                                                     \
	"WHERE s.merchant_id = ANY ($1) AND NOT s.deleted AND NOT r.deleted "                          \
	"ORDER BY s.merchant_id COLLATE \"C\", s.store_id COLLATE \"C\", r.position, r.rule_id "       \
	"COLLATE \"C\""
#define READ_PROVIDERS                                                                             \
	"SELECT p.merchant_id, p.store_id, p.shipment_type, p.provider_id, p.carrier_account IS NOT "  \
	"NULL, p.deleted "                                                                             \
	"FROM ganje.shipment_provider AS p "                                                           \
	"WHERE p.merchant_id = ANY ($1) AND (p.deleted OR p.carrier_account IS NOT NULL) "             \
	"ORDER BY p.merchant_id COLLATE \"C\", p.store_id COLLATE \"C\""

/* Columns of READ_RULES, counted from 1 as SPI does. */
enum
{
	MERCHANT_ID = 1,
	STORE_ID,
	STORE_ZONES,
	MATCH_ALL,
	RULE_ID,
	TYPES,
	PROVIDERS,
	DAYS,
	SLOTS,
	CUTOFF,
	ON_DEMAND_SLOT,
	ON_DEMAND_MINUTES,
	RULE_ZONES,
	CAPACITY,
	FEE,
	MIN_ORDER_COUNT,
	MIN_CART_TOTAL,
	MAX_CART_WEIGHT,
	MAX_CART_VOLUME,
	CATEGORY,
	TAG,
	SEGMENT
};

/* A row of a result, to read columns of. */
typedef struct Row
{
	HeapTuple tuple;
	TupleDesc descriptor;
} Row;

static Datum
column(const Row *row, int number, bool *isnull)
{
	return SPI_getbinval(row->tuple, row->descriptor, number, isnull);
}

static int
integer_column(const Row *row, int number, bool *given)
{
	bool isnull;
	Datum value = column(row, number, &isnull);

	*given = !isnull;
	return isnull ? 0 : DatumGetInt32(value);
}

static GlTexts
texts_column(const Row *row, int number)
{
	GlTexts texts = {0, NULL};
	bool isnull;
	Datum value = column(row, number, &isnull);
	Datum *elements;
	bool *nulls;
	int count;

	if (isnull)
		return texts;
	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &elements,
					  &nulls, &count);
	texts.texts = palloc(Max(count, 1) * sizeof(char *));
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			texts.texts[texts.count++] = TextDatumGetCString(elements[i]);
	return texts;
}

static GlAmount
amount_column(const Row *row, int number)
{
	GlAmount amount;
	bool isnull;
	Datum value = column(row, number, &isnull);

	amount.given = !isnull;
	amount.value = isnull ? (Datum) 0 : datumCopy(value, false, -1);
	return amount;
}

static GlSelection
selection_column(const Row *row, int number)
{
	GlSelection selection = {false, false, {0, NULL}};
	bool isnull;
	Datum value = column(row, number, &isnull);
	JsonbContainer *object;
	JsonbValue part;
	JsonbContainer *list;

	if (isnull)
		return selection;
	object = &DatumGetJsonbP(value)->root;
	selection.given = true;
	selection.all = gl_json_find(object, "all", &part) && part.val.boolean;
	if (!gl_json_find(object, "values", &part))
		return selection;
	list = gl_json_array(&part, "values");
	selection.values.texts = palloc(Max(JsonContainerSize(list), 1) * sizeof(char *));
	for (int i = 0; i < (int) JsonContainerSize(list); i++)
		selection.values.texts[selection.values.count++] =
			gl_json_string(getIthJsonbValueFromContainer(list, i), "values");
	return selection;
}

/* ["10:00", "12:00"], checked when it was stored. */
static GlSlot
read_slot(JsonbContainer *pair, const char *rule_id)
{
	JsonbValue *from = getIthJsonbValueFromContainer(pair, 0);
	JsonbValue *to = getIthJsonbValueFromContainer(pair, 1);
	GlSlot slot;
	GlError error = {-1, ""};

	if (from == NULL || to == NULL || from->type != jbvString || to->type != jbvString ||
		gl_slot_parse(from->val.string.val, from->val.string.len, to->val.string.val,
					  to->val.string.len, &slot, &error) != GL_OK)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("a slot of rule \"%s\" cannot be read", rule_id),
						errdetail("%s", error.message)));
	return slot;
}

static void
read_slots(GlStoreRule *rule, const Row *row)
{
	bool isnull;
	Datum value = column(row, SLOTS, &isnull);
	JsonbContainer *list;

	if (isnull)
		return;
	list = &DatumGetJsonbP(value)->root;
	rule->slots = palloc(Max(JsonContainerSize(list), 1) * sizeof(GlSlot));
	for (int i = 0; i < (int) JsonContainerSize(list); i++)
		rule->slots[i] =
			read_slot(getIthJsonbValueFromContainer(list, i)->val.binary.data, rule->rule_id);
	rule->slot_count = gl_slots_sort(rule->slots, JsonContainerSize(list));
}

static unsigned
days_column(const Row *row)
{
	bool isnull;
	Datum value = column(row, DAYS, &isnull);
	Datum *elements;
	bool *nulls;
	int count;
	unsigned days = 0;

	if (isnull)
		return 0;
	deconstruct_array(DatumGetArrayTypeP(value), INT2OID, 2, true, TYPALIGN_SHORT, &elements,
					  &nulls, &count);
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			days |= 1u << (DatumGetInt16(elements[i]) - 1);
	return days;
}

static void
read_rule(GlStoreRule *rule, const Row *row)
{
	bool isnull;
	bool given;
	Datum value;

	rule->rule_id = TextDatumGetCString(column(row, RULE_ID, &isnull));
	rule->types = texts_column(row, TYPES);
	rule->providers = texts_column(row, PROVIDERS);
	rule->days = days_column(row);
	read_slots(rule, row);
	rule->cutoff = integer_column(row, CUTOFF, &given);
	value = column(row, ON_DEMAND_SLOT, &isnull);
	rule->has_time = !isnull;
	if (rule->has_time)
		rule->time_slot = read_slot(&DatumGetJsonbP(value)->root, rule->rule_id);
	rule->time_in = integer_column(row, ON_DEMAND_MINUTES, &given);
	rule->zones = texts_column(row, RULE_ZONES);
	rule->capacity = integer_column(row, CAPACITY, &rule->has_capacity);
	rule->fee = amount_column(row, FEE);
	rule->min_order_count = amount_column(row, MIN_ORDER_COUNT);
	rule->min_cart_total = amount_column(row, MIN_CART_TOTAL);
	rule->max_cart_weight = amount_column(row, MAX_CART_WEIGHT);
	rule->max_cart_volume = amount_column(row, MAX_CART_VOLUME);
	rule->category = selection_column(row, CATEGORY);
	rule->tag = selection_column(row, TAG);
	rule->segment = selection_column(row, SEGMENT);
}

static bool
is_store(const GlStore *store, const char *merchant_id, const char *store_id)
{
	return strcmp(store->merchant_id, merchant_id) == 0 && strcmp(store->store_id, store_id) == 0;
}

/* Rows come store by store: a new store begins where the ids change. */
static GlStoreList *
collect_stores(SPITupleTable *result, uint64 rows)
{
	GlStoreList *list = palloc0(sizeof(GlStoreList));
	GlStoreRule *rules;

	list->stores =
		palloc_extended(Max(rows, 1) * sizeof(GlStore), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	rules = palloc_extended(Max(rows, 1) * sizeof(GlStoreRule), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint64 i = 0; i < rows; i++)
	{
		Row row = {result->vals[i], result->tupdesc};
		bool isnull;
		char *merchant_id = TextDatumGetCString(column(&row, MERCHANT_ID, &isnull));
		char *store_id = TextDatumGetCString(column(&row, STORE_ID, &isnull));
		GlStore *store = list->count > 0 ? &list->stores[list->count - 1] : NULL;

		if (store == NULL || !is_store(store, merchant_id, store_id))
		{
			store = &list->stores[list->count++];
			store->merchant_id = merchant_id;
			store->store_id = store_id;
			store->zones = texts_column(&row, STORE_ZONES);
			store->match_all = DatumGetBool(column(&row, MATCH_ALL, &isnull));
			store->rules = &rules[i];
		}
		read_rule(&store->rules[store->rule_count++], &row);
	}
	return list;
}

static void
collect_providers(GlStoreList *list, SPITupleTable *result, uint64 rows)
{
	GlStoreProvider *providers =
		palloc_extended(Max(rows, 1) * sizeof(GlStoreProvider), MCXT_ALLOC_HUGE);
	int s = 0;

	for (uint64 i = 0; i < rows; i++)
	{
		Row row = {result->vals[i], result->tupdesc};
		bool isnull;
		char *merchant_id = TextDatumGetCString(column(&row, 1, &isnull));
		char *store_id = TextDatumGetCString(column(&row, 2, &isnull));
		GlStoreProvider *provider;

		/* Both lists are in one order; a provider of a store without rules finds none. */
		while (s < list->count && (strcmp(list->stores[s].merchant_id, merchant_id) < 0 ||
								   (strcmp(list->stores[s].merchant_id, merchant_id) == 0 &&
									strcmp(list->stores[s].store_id, store_id) < 0)))
			s++;
		if (s == list->count || !is_store(&list->stores[s], merchant_id, store_id))
			continue;
		if (list->stores[s].providers == NULL)
			list->stores[s].providers = &providers[i];
		provider = &list->stores[s].providers[list->stores[s].provider_count++];
		provider->type = TextDatumGetCString(column(&row, 3, &isnull));
		provider->provider_id = TextDatumGetCString(column(&row, 4, &isnull));
		provider->tied = DatumGetBool(column(&row, 5, &isnull));
		provider->deleted = DatumGetBool(column(&row, 6, &isnull));
	}
}

GlStoreList *
gl_stores_read(const GlTexts *merchants)
{
	Oid type = TEXTARRAYOID;
	Datum *ids = palloc(Max(merchants->count, 1) * sizeof(Datum));
	Datum argument;
	GlStoreList *list;

	for (int i = 0; i < merchants->count; i++)
		ids[i] = CStringGetTextDatum(merchants->texts[i]);
	argument =
		PointerGetDatum(construct_array(ids, merchants->count, TEXTOID, -1, false, TYPALIGN_INT));
	if (SPI_execute_with_args(READ_RULES, 1, &type, &argument, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the store rules");
	list = collect_stores(SPI_tuptable, SPI_processed);
	if (SPI_execute_with_args(READ_PROVIDERS, 1, &type, &argument, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the shipment providers");
	collect_providers(list, SPI_tuptable, SPI_processed);
	return list;
}

const GlStoreProvider *
gl_store_provider(const GlStore *store, const char *type, const char *provider_id)
{
	for (int i = 0; i < store->provider_count; i++)
		if (strcmp(store->providers[i].type, type) == 0 &&
			strcmp(store->providers[i].provider_id, provider_id) == 0)
			return &store->providers[i];
	return NULL;
}
