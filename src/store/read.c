/*-------------------------------------------------------------------------
 *
 * read.c
 *	  Reads the stores of a merchant, with their rules and providers.
 *
 * Everything is read into the caller's memory context, which the cache keeps;
 * what only the reading needs is in a context of its own.
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
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "core/plan.h"
#include "json/json.h"
#include "store/shared.h"
#include "store/store.h"

#define READ_RULES                                                                                 \
	"SELECT s.store_id, s.zones, s.match_all, r.rule_id, r.types, r.providers, "                   \
	"r.days, r.slots, r.cutoff, "                                                                  \
	"r.on_demand_slot, r.on_demand_minutes, r.zones, r.capacity, r.fee, r.min_order_count, "       \
	"r.min_cart_total, "                                                                           \
	"r.max_cart_weight, r.max_cart_volume, r.category, r.tag, r.segment "                          \
	"FROM ganje.store AS s JOIN ganje.store_rule AS r ON r.merchant_id = s.merchant_id AND "       \
	"r.store_id = s.store_id "                                                                     \
	"WHERE s.merchant_id = $1 AND NOT s.deleted AND NOT r.deleted "                                \
	"ORDER BY s.store_id COLLATE \"C\", r.position, r.rule_id "                                    \
	"COLLATE \"C\""
#define READ_PROVIDERS                                                                             \
	"SELECT p.store_id, p.shipment_type, p.provider_id, p.carrier_account IS NOT "                 \
	"NULL, p.deleted "                                                                             \
	"FROM ganje.shipment_provider AS p "                                                           \
	"WHERE p.merchant_id = $1 AND (p.deleted OR p.carrier_account IS NOT NULL) "                   \
	"ORDER BY p.store_id COLLATE \"C\""

/* Kept, because a backend loads one merchant after the other, each in less time than it takes to plan. */
static GlKeptPlan read_rules = {READ_RULES, 1, {TEXTOID}, NULL};
static GlKeptPlan read_providers = {READ_PROVIDERS, 1, {TEXTOID}, NULL};

/* Columns of READ_RULES, counted from 1 as SPI does. */
enum
{
	STORE_ID = 1,
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

#define BLOCK_SIZE 8192

/*
 * Memory for small things of one kind.  A call looks at them one after the
 * other, as the rules come: side by side, with nothing between them, they are
 * in the processor's cache by then.
 */
typedef struct Chunk
{
	char *next;
	Size left;
} Chunk;

/* A row of a result, to read columns of. */
typedef struct Row
{
	HeapTuple tuple;
	TupleDesc descriptor;
	GlShared *shared;
	Chunk *memos;
	Chunk *memo_lists;
	MemoryContext scratch;
} Row;

/* What rules share; see gl_shared_find. A selection and its values belong to their column. */
enum
{
	SHARED_TEXTS,
	SHARED_AMOUNT,
	SHARED_SLOTS,
	SHARED_GATE,
	SHARED_CARRIED,
	SHARED_SCHEDULE,
	SHARED_OFFERED,
	SHARED_SELECTION = 100,
	SHARED_VALUES = 200,
	SHARED_VALUE = 300
};

static Datum
column(const Row *row, int number, bool *isnull)
{
	return SPI_getbinval(row->tuple, row->descriptor, number, isnull);
}

/* A column's value, in the reading's own memory and not toasted; NULL where there is none. */
static struct varlena *
varlena_column(const Row *row, int number)
{
	bool isnull;
	Datum value = column(row, number, &isnull);
	MemoryContext caller = MemoryContextSwitchTo(row->scratch);
	struct varlena *plain =
		isnull ? NULL : pg_detoast_datum((struct varlena *) DatumGetPointer(value));

	MemoryContextSwitchTo(caller);
	return plain;
}

static int
integer_column(const Row *row, int number, bool *given)
{
	bool isnull;
	Datum value = column(row, number, &isnull);

	*given = !isnull;
	return isnull ? 0 : DatumGetInt32(value);
}

static GlTexts *
copy_texts(const Row *row, ArrayType *array)
{
	GlTexts *texts = palloc0(sizeof(GlTexts));
	MemoryContext caller = MemoryContextSwitchTo(row->scratch);
	Datum *elements;
	bool *nulls;
	int count;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	MemoryContextSwitchTo(caller);
	texts->texts = palloc(Max(count, 1) * sizeof(char *));
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			texts->texts[texts->count++] = TextDatumGetCString(elements[i]);
	return texts;
}

static GlTexts
texts_column(const Row *row, int number)
{
	struct varlena *array = varlena_column(row, number);
	GlTexts none = {0, NULL};
	void **texts;

	if (array == NULL)
		return none;
	texts = gl_shared_find(row->shared, SHARED_TEXTS, array, VARSIZE(array));
	if (*texts == NULL)
		*texts = copy_texts(row, (ArrayType *) array);
	return *(GlTexts *) *texts;
}

/* Equal amounts are one datum, so that those who share it can be told by its address. */
static GlAmount
amount_column(const Row *row, int number)
{
	struct varlena *value = varlena_column(row, number);
	GlAmount amount = {false, (Datum) 0};
	void **copy;

	if (value == NULL)
		return amount;
	copy = gl_shared_find(row->shared, SHARED_AMOUNT, value, VARSIZE(value));
	if (*copy == NULL)
		*copy = DatumGetPointer(datumCopy(PointerGetDatum(value), false, -1));
	amount.given = true;
	amount.value = PointerGetDatum(*copy);
	return amount;
}

/* size: a multiple of a pointer's. */
static void *
place_beside(Chunk *block, Size size)
{
	char *place;

	if (block->left < size)
	{
		block->left = Max(size, BLOCK_SIZE);
		block->next = palloc0(block->left);
	}
	place = block->next;
	block->next += size;
	block->left -= size;
	return place;
}

static GlMemo *
shared_memo(const Row *row, int kind, const void *key, size_t size, int count)
{
	void **memo = gl_shared_find(row->shared, kind, key, size);

	if (*memo == NULL)
		*memo = place_beside(row->memos, count * sizeof(GlMemo));
	return *memo;
}

static int
compare_values(const void *left, const void *right)
{
	return strcmp(*(char *const *) left, *(char *const *) right);
}

/* The values in order, each once, and a key of them all. */
static GlTexts
read_values(JsonbContainer *list, bool all, StringInfo key)
{
	GlTexts values = {0, palloc(Max(JsonContainerSize(list), 1) * sizeof(char *))};
	int count = JsonContainerSize(list);

	for (int i = 0; i < count; i++)
		values.texts[i] = gl_json_string(getIthJsonbValueFromContainer(list, i), "values");
	qsort(values.texts, count, sizeof(char *), compare_values);
	initStringInfo(key);
	appendStringInfoChar(key, all ? 'a' : 'o');
	for (int i = 0; i < count; i++)
		if (i == 0 || strcmp(values.texts[i], values.texts[i - 1]) != 0)
		{
			values.texts[values.count++] = values.texts[i];
			appendBinaryStringInfo(key, values.texts[i], (int) strlen(values.texts[i]) + 1);
		}
	return values;
}

/* Equal values in another order are the same selection. */
static GlSelection *
copy_selection(const Row *row, int number, JsonbContainer *object)
{
	JsonbValue part;
	bool all = gl_json_find(object, "all", &part) && part.val.boolean;
	GlSelection *selection;
	StringInfoData key;
	MemoryContext caller;
	GlTexts values;
	GlMemo **memos;
	void **shared;

	if (!gl_json_find(object, "values", &part))
	{
		selection = palloc0(sizeof(GlSelection));
		selection->given = true;
		selection->all = all;
		return selection;
	}
	caller = MemoryContextSwitchTo(row->scratch);
	values = read_values(gl_json_array(&part, "values"), all, &key);
	MemoryContextSwitchTo(caller);
	shared = gl_shared_find(row->shared, SHARED_VALUES + number, key.data, key.len);
	if (*shared != NULL)
		return *shared;
	selection = palloc0(sizeof(GlSelection));
	selection->given = true;
	selection->all = all;
	selection->values.texts = palloc(Max(values.count, 1) * sizeof(char *));
	memos = place_beside(row->memo_lists, values.count * sizeof(GlMemo *));
	selection->memos = memos;
	for (int i = 0; i < values.count; i++)
	{
		selection->values.texts[selection->values.count++] = pstrdup(values.texts[i]);
		memos[i] =
			shared_memo(row, SHARED_VALUE + number, values.texts[i], strlen(values.texts[i]), 1);
	}
	*shared = selection;
	return selection;
}

static GlSelection
selection_column(const Row *row, int number)
{
	struct varlena *value = varlena_column(row, number);
	GlSelection none = {false, false, {0, NULL}, NULL};
	void **selection;

	if (value == NULL)
		return none;
	selection = gl_shared_find(row->shared, SHARED_SELECTION + number, value, VARSIZE(value));
	if (*selection == NULL)
		*selection = copy_selection(row, number, &((Jsonb *) value)->root);
	return *(GlSelection *) *selection;
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

/* A rule's slots in order, each once. */
typedef struct Slots
{
	GlSlot *slots;
	int count;
} Slots;

static Slots *
copy_slots(JsonbContainer *list, const char *rule_id)
{
	Slots *slots = palloc(sizeof(Slots));
	int count = JsonContainerSize(list);

	slots->slots = palloc(Max(count, 1) * sizeof(GlSlot));
	for (int i = 0; i < count; i++)
		slots->slots[i] =
			read_slot(getIthJsonbValueFromContainer(list, i)->val.binary.data, rule_id);
	slots->count = gl_slots_sort(slots->slots, count);
	return slots;
}

static void
read_slots(GlStoreRule *rule, const Row *row)
{
	struct varlena *value = varlena_column(row, SLOTS);
	void **slots;

	if (value == NULL)
		return;
	slots = gl_shared_find(row->shared, SHARED_SLOTS, value, VARSIZE(value));
	if (*slots == NULL)
		*slots = copy_slots(&((Jsonb *) value)->root, rule->rule_id);
	rule->slots = ((Slots *) *slots)->slots;
	rule->slot_count = ((Slots *) *slots)->count;
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

/* The parts of a key are shared themselves: equal ones have one address. */
static void
share_memos(GlStoreRule *rule, const Row *row)
{
	struct
	{
		char **zones;
		Datum order_count;
		Datum cart_total;
		char **segment;
	} gate = {rule->zones.texts, rule->min_order_count.value, rule->min_cart_total.value,
			  rule->segment.values.texts};
	struct
	{
		char **category;
		char **tag;
		Datum weight;
		Datum volume;
	} carried = {rule->category.values.texts, rule->tag.values.texts,
				 rule->max_cart_weight.amount.value, rule->max_cart_volume.amount.value};
	struct
	{
		GlSlot *slots;
		int slot_count;
		unsigned days;
		int cutoff;
		int has_time;
		GlSlot time_slot;
		int time_in;
		int padding;
	} schedule = {
		rule->slots,     rule->slot_count, rule->days, rule->cutoff, rule->has_time ? 1 : 0,
		rule->time_slot, rule->time_in,    0};

	rule->gate = shared_memo(row, SHARED_GATE, &gate, sizeof(gate), 1);
	rule->carried = shared_memo(row, SHARED_CARRIED, &carried, sizeof(carried), 1);
	rule->schedule =
		shared_memo(row, SHARED_SCHEDULE, &schedule, sizeof(schedule), GL_SCHEDULE_ON_DEMAND + 1);
	rule->offered =
		shared_memo(row, SHARED_OFFERED, &rule->types.texts, sizeof(rule->types.texts), 1);
}

/* value × 10^scale, rounded down; PG_INT64_MAX if it does not fit. */
static int64
scaled(Datum value, int64 power)
{
	Datum product =
		DirectFunctionCall2(numeric_mul, value, NumericGetDatum(int64_to_numeric(power)));
	Datum largest = NumericGetDatum(int64_to_numeric(PG_INT64_MAX));

	product = DirectFunctionCall1(numeric_floor, product);
	return DatumGetBool(DirectFunctionCall2(numeric_ge, product, largest))
			   ? PG_INT64_MAX
			   : DatumGetInt64(DirectFunctionCall1(numeric_int8, product));
}

static GlLimit
limit_column(const Row *row, int number)
{
	GlLimit limit = {amount_column(row, number), PG_INT64_MAX};

	if (limit.amount.given)
		limit.scaled = scaled(limit.amount.value, INT64CONST(1000000000));
	return limit;
}

static void
read_rule(GlStoreRule *rule, const Row *row)
{
	bool isnull;
	bool given;
	struct varlena *on_demand;

	rule->rule_id = TextDatumGetCString(column(row, RULE_ID, &isnull));
	rule->types = texts_column(row, TYPES);
	rule->providers = texts_column(row, PROVIDERS);
	rule->days = days_column(row);
	read_slots(rule, row);
	rule->cutoff = integer_column(row, CUTOFF, &given);
	on_demand = varlena_column(row, ON_DEMAND_SLOT);
	rule->has_time = on_demand != NULL;
	if (rule->has_time)
		rule->time_slot = read_slot(&((Jsonb *) on_demand)->root, rule->rule_id);
	rule->time_in = integer_column(row, ON_DEMAND_MINUTES, &given);
	rule->zones = texts_column(row, RULE_ZONES);
	rule->capacity = integer_column(row, CAPACITY, &rule->has_capacity);
	rule->fee = amount_column(row, FEE);
	rule->scaled_fee = rule->fee.given ? scaled(rule->fee.value, INT64CONST(1000000)) : 0;
	rule->min_order_count = amount_column(row, MIN_ORDER_COUNT);
	rule->min_cart_total = amount_column(row, MIN_CART_TOTAL);
	rule->max_cart_weight = limit_column(row, MAX_CART_WEIGHT);
	rule->max_cart_volume = limit_column(row, MAX_CART_VOLUME);
	rule->category = selection_column(row, CATEGORY);
	rule->tag = selection_column(row, TAG);
	rule->segment = selection_column(row, SEGMENT);
	share_memos(rule, row);
}

static bool
is_store(const GlStore *store, const text *store_id)
{
	return strlen(store->store_id) == VARSIZE_ANY_EXHDR(store_id) &&
		   memcmp(store->store_id, VARDATA_ANY(store_id), VARSIZE_ANY_EXHDR(store_id)) == 0;
}

/* Rows come store by store: a new store begins where the ids change. */
static GlStoreList *
collect_stores(const char *merchant_id, SPITupleTable *result, uint64 rows, MemoryContext scratch)
{
	GlStoreList *list = palloc0(sizeof(GlStoreList));
	char *merchant = pstrdup(merchant_id);
	GlMemo *own_items = palloc0(sizeof(GlMemo));
	MemoryContext caller = MemoryContextSwitchTo(scratch);
	GlShared *shared = gl_shared_create();
	MemoryContext row_context =
		AllocSetContextCreate(scratch, "ganje_logistics store row", ALLOCSET_DEFAULT_SIZES);
	Chunk memos = {NULL, 0};
	Chunk memo_lists = {NULL, 0};
	GlStoreRule *rules;

	MemoryContextSwitchTo(caller);
	list->stores =
		palloc_extended(Max(rows, 1) * sizeof(GlStore), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	rules = palloc_extended(Max(rows, 1) * sizeof(GlStoreRule), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint64 i = 0; i < rows; i++)
	{
		Row row = {result->vals[i], result->tupdesc, shared, &memos, &memo_lists, row_context};
		bool isnull;
		text *store_id = DatumGetTextPP(column(&row, STORE_ID, &isnull));
		GlStore *store = list->count > 0 ? &list->stores[list->count - 1] : NULL;

		if (store == NULL || !is_store(store, store_id))
		{
			store = &list->stores[list->count++];
			store->merchant_id = merchant;
			store->own_items = own_items;
			store->store_id = text_to_cstring(store_id);
			store->zones = texts_column(&row, STORE_ZONES);
			store->match_all = DatumGetBool(column(&row, MATCH_ALL, &isnull));
			store->rules = &rules[i];
		}
		read_rule(&store->rules[store->rule_count++], &row);
		MemoryContextReset(row_context);
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
		Row row = {result->vals[i], result->tupdesc, NULL, NULL, NULL, NULL};
		bool isnull;
		char *store_id = TextDatumGetCString(column(&row, 1, &isnull));
		GlStoreProvider *provider;

		/* Both lists are in one order; a provider of a store without rules finds none. */
		while (s < list->count && strcmp(list->stores[s].store_id, store_id) < 0)
			s++;
		if (s == list->count || strcmp(list->stores[s].store_id, store_id) != 0)
			continue;
		if (list->stores[s].providers == NULL)
			list->stores[s].providers = &providers[i];
		provider = &list->stores[s].providers[list->stores[s].provider_count++];
		provider->type = TextDatumGetCString(column(&row, 2, &isnull));
		provider->provider_id = TextDatumGetCString(column(&row, 3, &isnull));
		provider->tied = DatumGetBool(column(&row, 4, &isnull));
		provider->deleted = DatumGetBool(column(&row, 5, &isnull));
	}
}

GlStoreList *
gl_stores_load(const char *merchant_id)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext scratch = AllocSetContextCreate(
		CurrentMemoryContext, "ganje_logistics stores being read", ALLOCSET_DEFAULT_SIZES);
	Datum argument = PointerGetDatum(cstring_to_text(merchant_id));
	GlStoreList *list;

	(void) gl_plan_read(&read_rules, &argument, NULL);
	/* SPI leaves its own context behind. */
	MemoryContextSwitchTo(caller);
	list = collect_stores(merchant_id, SPI_tuptable, SPI_processed, scratch);
	SPI_freetuptable(SPI_tuptable);
	(void) gl_plan_read(&read_providers, &argument, NULL);
	MemoryContextSwitchTo(caller);
	collect_providers(list, SPI_tuptable, SPI_processed);
	SPI_freetuptable(SPI_tuptable);
	MemoryContextDelete(scratch);
	list->indexes = palloc(sizeof(GlRuleIndex *));
	list->indexes[list->merchant_count++] = gl_rule_index_build(list);
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
