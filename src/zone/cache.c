/*-------------------------------------------------------------------------
 *
 * cache.c
 *	  Keeps the zones of this backend as the active snapshot sees them.
 *
 * After a change the table's rows are gone through again, but only told from
 * those that are known by where they lie and which transaction wrote them:
 * a row that was there before is not looked into, and only what came or went
 * reaches the tree.  Which snapshots a reading may serve: core/freshness.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "core/core.h"
#include "settings.h"
#include "zone/cache.h"

GL_FUNCTION(gl_cache_invalidate);
GL_FUNCTION(gl_zone_cache_size);

#define KEPT_BLOCK 32768
#define FEW_ENTRIES 100

static GlZoneCache zone_cache = {.freshness = GL_FRESHNESS_EMPTY};

/* May run anywhere in a transaction's end: it only notes. */
static void
on_relcache_change(Datum argument pg_attribute_unused(), Oid relation)
{
	/* The table that was read, as others' changes, and any temporary table's, must not cost a reading. */
	if (!OidIsValid(relation) || !OidIsValid(zone_cache.relation) ||
		relation == zone_cache.relation)
		gl_freshness_invalidate(&zone_cache.freshness);
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

/* ganje.zone_cache_size(): bytes of this backend's zones, with their index. */
Datum
gl_zone_cache_size(PG_FUNCTION_ARGS pg_attribute_unused())
{
	PG_RETURN_INT64(
		zone_cache.context == NULL ? 0 : MemoryContextMemAllocated(zone_cache.context, true));
}

void
gl_zone_numbers_add(GlZoneCache *cache, GlNumbers *numbers, uint32 value)
{
	if (numbers->count == numbers->capacity)
	{
		uint32 capacity = Max(16, numbers->capacity + numbers->capacity / 2);

		numbers->values = numbers->values == NULL
							  ? MemoryContextAllocHuge(cache->context, capacity * sizeof(uint32))
							  : repalloc_huge(numbers->values, capacity * sizeof(uint32));
		numbers->capacity = capacity;
	}
	numbers->values[numbers->count++] = value;
}

void *
gl_zone_cache_keep(GlZoneCache *cache, size_t size)
{
	void *kept;

	size = MAXALIGN(size);
	if (size > KEPT_BLOCK / 8)
		return MemoryContextAllocHuge(cache->context, size);
	if (size > cache->block_left)
	{
		cache->block = MemoryContextAlloc(cache->context, KEPT_BLOCK);
		cache->block_left = KEPT_BLOCK;
	}
	kept = cache->block;
	cache->block += size;
	cache->block_left -= size;
	return kept;
}

void
gl_zone_cache_forget(GlZoneCache *cache)
{
	MemoryContext context = cache->context;
	GlFreshness freshness = cache->freshness;
	Oid relation = cache->relation;

	memset(cache, 0, sizeof(*cache));
	cache->freshness = freshness;
	cache->freshness.filled = false;
	cache->relation = relation;
	if (context != NULL)
		MemoryContextDelete(context);
}

static void
begin(GlZoneCache *cache)
{
	cache->context =
		AllocSetContextCreate(CacheMemoryContext, "ganje_logistics zones", ALLOCSET_DEFAULT_SIZES);
	/* Many blocks of all sizes, freed together: no rounding up to powers of two. */
	cache->tree_context = GenerationContextCreate(cache->context, "ganje_logistics zone index", 0,
												  64 * 1024, 512 * 1024);
	cache->tree.source.load = gl_zone_fetch_shape;
	cache->tree.source.evaluate = gl_zone_fetch_and_ask;
	cache->tree.source.confirm = gl_zone_confirm;
	cache->tree.source.stop = gl_stop_on_interrupt();
	cache->tree.source.context = cache;
}

void
gl_zone_cache_replant(GlZoneCache *cache)
{
	GlCellBounds all = {91, -91, 181, -181};
	uint32 *numbers = palloc_extended(Max(cache->shape_count, 1) * sizeof(uint32), MCXT_ALLOC_HUGE);
	uint32 count = 0;

	for (uint32 i = 0; i < cache->entry_count; i++)
		cache->entries[i].image = NULL;
	MemoryContextReset(cache->tree_context);
	for (uint32 i = 0; i < cache->shape_count; i++)
	{
		const GlCellShape *shape = &cache->shapes[i];

		if (shape->owner == GL_CELL_NOBODY)
			continue;
		numbers[count++] = i;
		all.min_lat = Min(all.min_lat, shape->bounds.min_lat);
		all.max_lat = Max(all.max_lat, shape->bounds.max_lat);
		all.min_lng = Min(all.min_lng, shape->bounds.min_lng);
		all.max_lng = Max(all.max_lng, shape->bounds.max_lng);
	}
	cache->tree.arena = gl_arena(cache->tree_context);
	cache->tree.limit = (size_t) gl_setting_zone_cache_size * 1024;
	gl_cell_tree_reset(&cache->tree, &all, cache->shape_count);
	if (gl_cell_tree_add(&cache->tree, numbers, count) != GL_OK)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory for zones")));
	pfree(numbers);
}

static int
compare_entries(const void *left, const void *right, void *argument)
{
	const GlZoneCache *cache = argument;
	const GlZoneEntry *a = &cache->entries[*(const uint32 *) left];
	const GlZoneEntry *b = &cache->entries[*(const uint32 *) right];
	int compared;

	if (a->priority != b->priority)
		return a->priority > b->priority ? -1 : 1;
	if (a->created_at != b->created_at)
		return a->created_at < b->created_at ? -1 : 1;
	compared = memcmp(VARDATA(a->zone_id), VARDATA(b->zone_id),
					  Min(VARSIZE(a->zone_id), VARSIZE(b->zone_id)) - VARHDRSZ);
	if (compared != 0)
		return compared;
	return (int) VARSIZE(a->zone_id) - (int) VARSIZE(b->zone_id);
}

/* Puts an entry into the list that is in order. */
static void
insert_in_order(GlZoneCache *cache, uint32 number)
{
	GlNumbers *order = &cache->order;
	uint32 low = 0;
	uint32 high = order->count;

	while (low < high)
	{
		uint32 middle = low + (high - low) / 2;

		if (compare_entries(&order->values[middle], &number, cache) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	gl_zone_numbers_add(cache, order, number);
	memmove(&order->values[low + 1], &order->values[low],
			(order->count - 1 - low) * sizeof(uint32));
	order->values[low] = number;
}

/* Ranks anew what is there.  Between entries that stay the order stays, which the tree relies on. */
static void
rank_entries(GlZoneCache *cache)
{
	uint32 kept = 0;
	bool few;

	for (uint32 i = 0; i < cache->order.count; i++)
		if (!cache->entries[cache->order.values[i]].gone)
			cache->order.values[kept++] = cache->order.values[i];
	cache->order.count = kept;
	/* A few that came are put in their places, many are sorted with the rest. */
	few = cache->places.count - kept <= FEW_ENTRIES;
	for (uint32 i = 0; i < cache->places.count; i++)
	{
		uint32 number = cache->places.values[i];

		if (cache->ranks[number] != GL_CELL_NOBODY)
			continue;
		if (few)
			insert_in_order(cache, number);
		else
			gl_zone_numbers_add(cache, &cache->order, number);
	}
	if (!few)
		qsort_arg(cache->order.values, cache->order.count, sizeof(uint32), compare_entries, cache);
	cache->everywhere.count = 0;
	cache->addressed.count = 0;
	for (uint32 i = 0; i < cache->order.count; i++)
	{
		uint32 number = cache->order.values[i];

		cache->ranks[number] = i;
		if (cache->entries[number].everywhere)
			gl_zone_numbers_add(cache, &cache->everywhere, number);
		if (cache->entries[number].has_address)
			gl_zone_numbers_add(cache, &cache->addressed, number);
	}
}

/* A new entry of the row in the slot; GL_CELL_NOBODY where the row is deleted. */
static uint32
add_entry(GlZoneCache *cache, TupleTableSlot *slot, TransactionId xmin)
{
	GlZoneEntry entry = {.xmin = xmin, .place = slot->tts_tid, .first_shape = cache->shape_count};

	if (!gl_zone_entry_read(cache, slot, &entry))
		return GL_CELL_NOBODY;
	if (cache->entry_count == cache->entry_capacity)
	{
		uint32 capacity = Max(64, cache->entry_capacity + cache->entry_capacity / 4);

		cache->entries =
			cache->entries == NULL
				? MemoryContextAllocHuge(cache->context, capacity * sizeof(GlZoneEntry))
				: repalloc_huge(cache->entries, capacity * sizeof(GlZoneEntry));
		cache->ranks = cache->ranks == NULL
						   ? MemoryContextAllocHuge(cache->context, capacity * sizeof(uint32))
						   : repalloc_huge(cache->ranks, capacity * sizeof(uint32));
		cache->entry_capacity = capacity;
	}
	cache->entries[cache->entry_count] = entry;
	cache->ranks[cache->entry_count] = GL_CELL_NOBODY;
	return cache->entry_count++;
}

static void
remove_entry(GlZoneCache *cache, uint32 number)
{
	GlZoneEntry *entry = &cache->entries[number];

	entry->gone = true;
	cache->gone_count++;
	for (uint32 i = 0; i < entry->shape_count; i++)
		cache->shapes[entry->first_shape + i].owner = GL_CELL_NOBODY;
}

/* Goes through the rows that the snapshot sees, in the order of their places.  Did anything come or go? */
static bool
compare_rows(GlZoneCache *cache, Relation relation)
{
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	TableScanDesc scan = table_beginscan_strat(relation, GetActiveSnapshot(), 0, NULL, true, false);
	GlNumbers known = cache->places;
	uint32 next = 0;
	bool changed = false;

	memset(&cache->places, 0, sizeof(cache->places));
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool isnull;
		TransactionId xmin =
			DatumGetTransactionId(slot_getsysattr(slot, MinTransactionIdAttributeNumber, &isnull));
		GlZoneEntry *entry = NULL;
		uint32 number;

		CHECK_FOR_INTERRUPTS();
		for (; next < known.count; next++)
		{
			int side;

			entry = &cache->entries[known.values[next]];
			side = ItemPointerCompare(&entry->place, &slot->tts_tid);
			if (side == 0 && entry->xmin == xmin)
				break;
			entry = NULL;
			if (side > 0)
				break;
			remove_entry(cache, known.values[next]);
			changed = true;
		}
		if (entry != NULL)
			number = known.values[next++];
		else
		{
			number = add_entry(cache, slot, xmin);
			if (number == GL_CELL_NOBODY)
				continue;
			changed = true;
		}
		gl_zone_numbers_add(cache, &cache->places, number);
	}
	for (; next < known.count; next++)
	{
		remove_entry(cache, known.values[next]);
		changed = true;
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	if (known.values != NULL)
		pfree(known.values);
	return changed;
}

/* Tells the tree of the shapes from "first" on, which came. */
static void
plant(GlZoneCache *cache, uint32 first)
{
	bool fits = cache->tree.limit != 0;
	uint32 *numbers;

	cache->tree.shapes = cache->shapes;
	cache->tree.ranks = cache->ranks;
	for (uint32 i = first; i < cache->shape_count && fits; i++)
		fits = gl_cell_tree_has_room(&cache->tree, &cache->shapes[i].bounds);
	if (cache->shape_count > 0)
	{
		if (cache->found != NULL)
			pfree(cache->found);
		cache->found =
			MemoryContextAllocHuge(cache->context, cache->shape_capacity * sizeof(uint32));
		cache->tree.found = cache->found;
	}
	if (!fits || cache->shape_count - first > 1000)
	{
		gl_zone_cache_replant(cache);
		return;
	}
	numbers = palloc((cache->shape_count - first + 1) * sizeof(uint32));
	for (uint32 i = first; i < cache->shape_count; i++)
		numbers[i - first] = i;
	if (gl_cell_tree_add(&cache->tree, numbers, cache->shape_count - first) != GL_OK)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory for zones")));
	pfree(numbers);
}

/* Makes the cache what the active snapshot sees.  While it is at it the cache is empty to whom an error leads away. */
static void
refresh(GlZoneCache *cache)
{
	bool reusable = cache->reusable;
	uint32 first_shape;
	Relation relation;

	cache->reusable = false;
	cache->freshness.filled = false;
	/* While it is looked up every change counts: the extension may be made anew just now. */
	cache->relation = InvalidOid;
	cache->relation = RangeVarGetRelid(makeRangeVar("ganje", "zone", -1), AccessShareLock, false);
	relation = table_open(cache->relation, NoLock);
	/* A row's place and transaction name it only as long as the file is never emptied in place. */
	if (!reusable || cache->file != relation->rd_rel->relfilenode || GL_FILE_IS_NEW(relation) ||
		cache->gone_count > 64 + cache->places.count / 4)
		gl_zone_cache_forget(cache);
	if (cache->context == NULL)
		begin(cache);
	cache->file = relation->rd_rel->relfilenode;
	first_shape = cache->shape_count;
	if (compare_rows(cache, relation) || cache->tree.limit == 0)
	{
		rank_entries(cache);
		plant(cache, first_shape);
	}
	table_close(relation, NoLock);
	gl_freshness_filled(&cache->freshness);
	cache->reusable = true;
}

/* As promised in zone.h. */
GlZoneCache *
gl_zone_list_held(void)
{
	for (;;)
	{
		GlZoneCache *cache = gl_zone_list();
		Oid relation = cache->relation;

		LockRelationOid(relation, AccessShareLock);
		/* While it was waited for, the table may have been rewritten, or made anew. */
		cache = gl_zone_list();
		if (cache->relation == relation)
			return cache;
		UnlockRelationOid(relation, AccessShareLock);
	}
}

/* As promised in zone.h. */
GlZoneCache *
gl_zone_list(void)
{
	static bool registered = false;

	if (!registered)
	{
		CacheRegisterRelcacheCallback(on_relcache_change, (Datum) 0);
		registered = true;
	}
	if (!gl_freshness_serves(&zone_cache.freshness) || !zone_cache.reusable)
		refresh(&zone_cache);
	if (unlikely(zone_cache.tree.limit != (size_t) gl_setting_zone_cache_size * 1024))
		gl_zone_cache_replant(&zone_cache);
	return &zone_cache;
}
