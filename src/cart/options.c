/*-------------------------------------------------------------------------
 *
 * options.c
 *	  The options that pools follow, kept by the backend until ganje.option
 *	  changes.
 *
 * They are few and seldom set, but asked for by every call; which snapshots
 * what was read may serve: core/freshness.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "executor/spi.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "cart/cart.h"
#include "core/freshness.h"
#include "json/json.h"

#define FIND_OPTIONS                                                                               \
	"SELECT (o.shipment ->> 'days')::integer, (o.shipment ->> 'maxPools')::integer, "              \
	"ganje.option_data('SHIPMENT_TYPES'), s.source, s.registered_by "                              \
	"FROM (SELECT ganje.option_data('SHIPMENT') AS shipment) AS o "                                \
	"LEFT JOIN ganje.stock_source AS s ON true"

static const char *const tables[] = {"option", "stock_source"};

static GlFreshness freshness = GL_FRESHNESS_EMPTY;
static Oid relations[lengthof(tables)]; /* see zone/cache.c */
static MemoryContext option_context;
static GlPoolOptions *cached;

/* May run anywhere in a transaction's end: it only notes. */
static void
on_relcache_change(Datum argument pg_attribute_unused(), Oid relation)
{
	bool is_ours = !OidIsValid(relation);

	for (int i = 0; i < (int) lengthof(tables); i++)
		is_ours = is_ours || !OidIsValid(relations[i]) || relation == relations[i];
	if (is_ours)
		gl_freshness_invalidate(&freshness);
}

static GlTexts
copy_texts(const GlTexts *texts)
{
	GlTexts copy = {texts->count, palloc(Max(texts->count, 1) * sizeof(char *))};

	for (int i = 0; i < texts->count; i++)
		copy.texts[i] = pstrdup(texts->texts[i]);
	return copy;
}

static GlPoolOptions *
copy_options(const GlPoolOptions *options)
{
	GlPoolOptions *copy = palloc(sizeof(GlPoolOptions));

	*copy = *options;
	copy->types = copy_texts(&options->types);
	if (options->stock_source != NULL)
	{
		copy->stock_source = pstrdup(options->stock_source);
		copy->stock_role = pstrdup(options->stock_role);
	}
	return copy;
}

/* Into CurrentMemoryContext. */
static GlPoolOptions *
read_options(void)
{
	GlPoolOptions *options = palloc0(sizeof(GlPoolOptions));
	JsonbContainer *types;
	bool isnull;

	if (SPI_execute(FIND_OPTIONS, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not read the options");
	options->days =
		DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	options->max_pools =
		DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	types = &DatumGetJsonbP(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 3, &isnull))
				 ->root;
	options->types.texts = palloc(Max(JsonContainerSize(types), 1) * sizeof(char *));
	for (int i = 0; i < (int) JsonContainerSize(types); i++)
		options->types.texts[options->types.count++] =
			gl_json_string(getIthJsonbValueFromContainer(types, i), "SHIPMENT_TYPES");
	options->stock_source = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 4);
	options->stock_role = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 5);
	return options;
}

static void
load(void)
{
	GlPoolOptions *fresh;
	MemoryContext caller;

	cached = NULL;
	freshness.filled = false;
	MemoryContextReset(option_context);
	/* While it is looked up every change counts: the extension may be made anew just now. */
	memset(relations, 0, sizeof(relations));
	for (int i = 0; i < (int) lengthof(tables); i++)
	{
		Oid relation = RangeVarGetRelid(makeRangeVar("ganje", unconstify(char *, tables[i]), -1),
										AccessShareLock, false);

		relations[i] = relation;
	}
	fresh = read_options();
	caller = MemoryContextSwitchTo(option_context);
	cached = copy_options(fresh);
	MemoryContextSwitchTo(caller);
	gl_freshness_filled(&freshness);
}

GlPoolOptions *
gl_pool_options_read(void)
{
	if (option_context == NULL)
	{
		option_context = AllocSetContextCreate(CacheMemoryContext, "ganje_logistics options",
											   ALLOCSET_SMALL_SIZES);
		CacheRegisterRelcacheCallback(on_relcache_change, (Datum) 0);
	}
	if (!gl_freshness_serves(&freshness) || cached == NULL)
		load();
	return copy_options(cached);
}
