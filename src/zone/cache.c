/*-------------------------------------------------------------------------
 *
 * cache.c
 *	  The zones of this backend, loaded on first use and after a change.
 *
 * What is stored is compiled already, so that loading is a copy and a check
 * of lengths.  Which snapshots a load may serve: core/freshness.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "core/core.h"
#include "core/freshness.h"
#include "zone/zone.h"

GL_FUNCTION(gl_cache_invalidate);

#define LOAD_ZONES                                                                                 \
	"SELECT zone_id, name, fee, min_cart_total, priority, timezone, compiled FROM ganje.zone "     \
	"WHERE NOT deleted "                                                                           \
	"ORDER BY priority DESC, created_at, zone_id COLLATE pg_catalog.\"C\""

static GlFreshness freshness = GL_FRESHNESS_EMPTY;

/* The table that was read, as others' changes, and any temporary table's, must not cost a load. */
static Oid zone_relation;
static MemoryContext zone_context;
static GlZoneList *zone_list;

/* May run anywhere in a transaction's end: it only notes. */
static void
on_relcache_change(Datum argument pg_attribute_unused(), Oid relation)
{
	if (!OidIsValid(relation) || !OidIsValid(zone_relation) || relation == zone_relation)
		gl_freshness_invalidate(&freshness);
}

/* ganje.config_changed(): tells every backend, this one included, once the change counts. */
Datum
gl_cache_invalidate(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("config_changed() is a trigger function")));
	CacheInvalidateRelcache(trigger->tg_relation);
	return PointerGetDatum(NULL);
}

static const GlZoneImage *
copy_image(Datum compiled, const char *zone_id)
{
	bytea *stored = DatumGetByteaPP(compiled);
	size_t size = VARSIZE_ANY_EXHDR(stored);
	void *image = MemoryContextAllocHuge(zone_context, Max(size, 8));

	memcpy(image, VARDATA_ANY(stored), size);
	if (!gl_zone_image_check(image, size))
		ereport(
			ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("the compiled rules of zone \"%s\" are damaged", zone_id),
			 errhint(
				 "UPDATE ganje.zone SET rules = rules WHERE zone_id = '%s'; compiles them anew.",
				 zone_id)));
	return image;
}

static void
copy_zone(GlZone *zone, HeapTuple row, TupleDesc descriptor)
{
	MemoryContext caller = MemoryContextSwitchTo(zone_context);
	bool isnull;
	Datum value;

	zone->zone_id = TextDatumGetCString(SPI_getbinval(row, descriptor, 1, &isnull));
	zone->name = TextDatumGetCString(SPI_getbinval(row, descriptor, 2, &isnull));
	value = SPI_getbinval(row, descriptor, 3, &zone->fee_is_null);
	zone->fee = zone->fee_is_null ? (Datum) 0 : datumCopy(value, false, -1);
	zone->min_cart_total = datumCopy(SPI_getbinval(row, descriptor, 4, &isnull), false, -1);
	zone->priority = DatumGetInt32(SPI_getbinval(row, descriptor, 5, &isnull));
	zone->timezone = TextDatumGetCString(SPI_getbinval(row, descriptor, 6, &isnull));
	MemoryContextSwitchTo(caller);
	zone->image = copy_image(SPI_getbinval(row, descriptor, 7, &isnull), zone->zone_id);
}

static int
compare_ids(const void *left, const void *right)
{
	return strcmp((*(const GlZone *const *) left)->zone_id,
				  (*(const GlZone *const *) right)->zone_id);
}

static void
sort_by_id(GlZoneList *list)
{
	for (int i = 0; i < list->count; i++)
		list->by_id[i] = &list->zones[i];
	qsort(list->by_id, list->count, sizeof(GlZone *), compare_ids);
}

const GlZone *
gl_zone_find(const GlZoneList *list, const char *zone_id)
{
	GlZone wanted = {.zone_id = unconstify(char *, zone_id)};
	const GlZone *key = &wanted;
	const GlZone **found = bsearch(&key, list->by_id, list->count, sizeof(GlZone *), compare_ids);

	return found == NULL ? NULL : *found;
}

/* Reads all zones into a context of its own, which replaces the old one when it is whole. */
static void
load(void)
{
	MemoryContext old_context = zone_context;
	MemoryContext fresh =
		AllocSetContextCreate(CacheMemoryContext, "ganje_logistics zones", ALLOCSET_DEFAULT_SIZES);
	GlZoneList *list;
	GlOwnerScope scope;

	/* Until it is whole there is no cache: an error below leaves none, and leaks nothing. */
	zone_context = fresh;
	zone_list = NULL;
	freshness.filled = false;
	if (old_context != NULL)
		MemoryContextDelete(old_context);
	/* While it is looked up every change counts: the extension may be made anew just now. */
	zone_relation = InvalidOid;
	zone_relation = RangeVarGetRelid(makeRangeVar("ganje", "zone", -1), AccessShareLock, false);
	scope = gl_owner_enter();
	if (SPI_connect() != SPI_OK_CONNECT || SPI_execute(LOAD_ZONES, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the zones");
	list = MemoryContextAllocZero(fresh, sizeof(GlZoneList));
	list->count = (int) SPI_processed;
	list->zones = MemoryContextAllocHuge(fresh, Max(SPI_processed, 1) * sizeof(GlZone));
	for (int i = 0; i < list->count; i++)
		copy_zone(&list->zones[i], SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
	list->by_id = MemoryContextAllocHuge(fresh, Max(SPI_processed, 1) * sizeof(GlZone *));
	sort_by_id(list);
	SPI_finish();
	gl_owner_leave(scope);
	zone_list = list;
	gl_freshness_filled(&freshness);
}

const GlZoneList *
gl_zone_list(void)
{
	static bool registered = false;

	if (!registered)
	{
		CacheRegisterRelcacheCallback(on_relcache_change, (Datum) 0);
		registered = true;
	}
	if (!gl_freshness_serves(&freshness) || zone_list == NULL)
		load();
	return zone_list;
}
