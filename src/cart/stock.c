/*-------------------------------------------------------------------------
 *
 * stock.c
 *	  Asks the registered source what of a cart a store has in stock.
 *
 * The source is a user's function: it runs as the role that registered it (see
 * core/role.h), and for a limited time, so that one that hangs does not take
 * the checkout with it.  The limit is the statement timeout of the backend,
 * shortened while the source runs and put back afterwards, also over an error
 * that somebody catches.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "cart/stock.h"
#include "core/core.h"
#include "core/role.h"

GL_FUNCTION(gl_stock_set_source);

/* What a source may take for one store. */
#define LIMIT_MS 2000

/* Cast to what we read, for the function may be another than the one that was checked. */
#define ASK                                                                                        \
	"SELECT s.item_id::pg_catalog.text, pg_catalog.sum(s.quantity::pg_catalog.numeric) "           \
	"FROM %s($1, $2) AS s(item_id, quantity) GROUP BY 1"
#define STORE_SOURCE "SELECT ganje.store_stock_source($1, $2)"

struct GlStockSource
{
	char *signature;
	char *role;
	SPIPlanPtr plan; /* that asks it; NULL until the first store */
	HTAB *answers;   /* Answer by store */
	MemoryContext context;
};

typedef struct Answer
{
	const GlStore *store;
	uint64 *stock;
} Answer;

/* The backend's statement timeout as it was. */
typedef struct SavedTimeout
{
	bool active;
	TimestampTz finish;
} SavedTimeout;

GlStockSource *
gl_stock_source_create(const GlPoolOptions *options)
{
	HASHCTL control = {
		.keysize = sizeof(GlStore *), .entrysize = sizeof(Answer), .hcxt = CurrentMemoryContext};
	GlStockSource *source;

	if (options->stock_source == NULL)
		return NULL;
	source = palloc0(sizeof(GlStockSource));
	source->signature = options->stock_source;
	source->role = options->stock_role;
	source->context = CurrentMemoryContext;
	source->answers = hash_create("stock", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return source;
}

/* A timeout that would come earlier stays as it is. */
static SavedTimeout
limit_statement(void)
{
	SavedTimeout saved = {get_timeout_active(STATEMENT_TIMEOUT), 0};
	TimestampTz limit = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), LIMIT_MS);

	if (saved.active)
		saved.finish = get_timeout_finish_time(STATEMENT_TIMEOUT);
	if (!saved.active || saved.finish > limit)
		enable_timeout_at(STATEMENT_TIMEOUT, limit);
	return saved;
}

static void
restore_limit(const SavedTimeout *saved)
{
	if (saved->active)
		enable_timeout_at(STATEMENT_TIMEOUT, saved->finish);
	else
		disable_timeout(STATEMENT_TIMEOUT, false);
}

/* The statement that asks the source, planned by its role as it is run by it. */
static SPIPlanPtr
prepare(const GlStockSource *source)
{
	Oid types[2] = {TEXTOID, TEXTARRAYOID};
	Oid function = gl_role_function(source->signature);
	SPIPlanPtr plan;

	if (!OidIsValid(function))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
						errmsg("stock source %s does not exist", source->signature),
						errhint("Register another with set_stock_source, or NULL to have none.")));
	plan = SPI_prepare(
		psprintf(ASK, quote_qualified_identifier(get_namespace_name(get_func_namespace(function)),
												 get_func_name(function))),
		2, types);
	if (plan == NULL)
		elog(ERROR, "could not prepare: %s", SPI_result_code_string(SPI_result));
	return plan;
}

/* What the caller reads under an error of the source. */
typedef struct Question
{
	const GlStockSource *source;
	const char *store_id;
} Question;

static void
describe(void *argument)
{
	const Question *question = argument;

	errcontext("stock source %s, asked for store \"%s\"", question->source->signature,
			   question->store_id);
}

/* Runs the source; its answer is in SPI_tuptable. */
static void
ask(GlStockSource *source, const char *store_id, Datum item_ids)
{
	Datum values[2] = {CStringGetTextDatum(store_id), item_ids};
	Oid role = get_role_oid(source->role, false);
	GlRoleScope scope = gl_role_enter();
	SavedTimeout saved = limit_statement();
	Question question = {source, store_id};
	ErrorContextCallback context = {error_context_stack, describe, &question};

	error_context_stack = &context;
	PG_TRY();
	{
		gl_role_become(&scope, role);
		if (source->plan == NULL)
			source->plan = prepare(source);
		if (SPI_execute_plan(source->plan, values, NULL, true, 0) != SPI_OK_SELECT)
			elog(ERROR, "could not ask the stock source");
	}
	PG_FINALLY();
	{
		restore_limit(&saved);
	}
	PG_END_TRY();
	error_context_stack = context.previous;
	gl_role_leave(&scope);
}

/* The items of a cart that the store could ship. */
static Datum
item_ids_of(const GlCart *cart, const GlStore *store)
{
	Datum *ids = palloc(cart->item_count * sizeof(Datum));
	int count = 0;

	for (int i = 0; i < cart->item_count; i++)
		if (strcmp(cart->items[i].merchant_id, store->merchant_id) == 0)
			ids[count++] = CStringGetTextDatum(cart->items[i].item_id);
	return PointerGetDatum(construct_array(ids, count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Takes an item out of the stock where the quantity answered is too small. */
static void
apply_row(const GlCart *cart, const GlStore *store, uint64 *stock, HeapTuple row,
		  TupleDesc descriptor)
{
	bool no_item;
	bool no_quantity;
	Datum item = SPI_getbinval(row, descriptor, 1, &no_item);
	Datum quantity = SPI_getbinval(row, descriptor, 2, &no_quantity);
	char *item_id;

	if (no_item || no_quantity)
		return;
	item_id = TextDatumGetCString(item);
	for (int i = 0; i < cart->item_count; i++)
		if (strcmp(cart->items[i].item_id, item_id) == 0 &&
			strcmp(cart->items[i].merchant_id, store->merchant_id) == 0 &&
			DatumGetBool(DirectFunctionCall2(numeric_lt, quantity, cart->items[i].quantity)))
			stock[i / 64] &= ~(UINT64CONST(1) << (i % 64));
	pfree(item_id);
}

const uint64 *
gl_stock_read(const GlCheckout *checkout, const GlStore *store)
{
	const GlCart *cart = checkout->cart;
	int words = GL_POOL_WORDS(cart->item_count);
	Answer *answer;
	bool found;

	if (checkout->stock_source == NULL)
		return NULL;
	answer = hash_search(checkout->stock_source->answers, &store, HASH_ENTER, &found);
	if (found)
		return answer->stock;
	answer->stock = MemoryContextAlloc(checkout->stock_source->context, words * sizeof(uint64));
	memset(answer->stock, 0xff, words * sizeof(uint64));
	ask(checkout->stock_source, store->store_id, item_ids_of(cart, store));
	for (uint64 i = 0; i < SPI_processed; i++)
		apply_row(cart, store, answer->stock, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
	SPI_freetuptable(SPI_tuptable);
	return answer->stock;
}

/*
 * set_stock_source(regprocedure): the source is kept with the role that calls
 * us, which a SECURITY DEFINER function could not tell.
 */
Datum
gl_stock_set_source(PG_FUNCTION_ARGS)
{
	Oid types[2] = {REGPROCEDUREOID, TEXTOID};
	Datum values[2];
	char nulls[3] = {PG_ARGISNULL(0) ? 'n' : ' ', ' ', '\0'};
	GlOwnerScope scope;

	values[0] = PG_ARGISNULL(0) ? (Datum) 0 : PG_GETARG_DATUM(0);
	values[1] = CStringGetTextDatum(GetUserNameFromId(GetUserId(), false));
	scope = gl_owner_enter();
	SPI_connect();
	if (SPI_execute_with_args(STORE_SOURCE, 2, types, values, nulls, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not store the stock source");
	SPI_finish();
	gl_owner_leave(scope);
	PG_RETURN_VOID();
}
