/*-------------------------------------------------------------------------
 *
 * entry.c
 *	  Reads from a row of ganje.zone what its entry in the cache is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "zone/cache.h"
#include "zone/facts.h"

/* Columns of ganje.zone, as sql/20_zone.sql makes it. */
#define COLUMN_ZONE_ID 1
#define COLUMN_PRIORITY 8
#define COLUMN_DELETED 10
#define COLUMN_CREATED_AT 11
#define COLUMN_FACTS 14

void
gl_zone_raise_damaged(const text *zone_id)
{
	char *id = text_to_cstring(zone_id);

	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("the compiled rules of zone \"%s\" are damaged or of another version", id),
			 errhint("UPDATE ganje.zone SET rules = rules WHERE zone_id = %s; compiles them anew, "
					 "and without its WHERE those of every zone.",
					 quote_literal_cstr(id))));
}

static void
make_room(GlZoneCache *cache, uint32 more)
{
	uint32 capacity = cache->shape_count + more + cache->shape_count / 4 + 64;

	if (cache->shape_count + more <= cache->shape_capacity)
		return;
	if (cache->shapes == NULL)
	{
		cache->shapes = MemoryContextAllocHuge(cache->context, capacity * sizeof(GlCellShape));
		cache->shape_offsets = MemoryContextAllocHuge(cache->context, capacity * sizeof(uint32));
	}
	else
	{
		cache->shapes = repalloc_huge(cache->shapes, capacity * sizeof(GlCellShape));
		cache->shape_offsets = repalloc_huge(cache->shape_offsets, capacity * sizeof(uint32));
	}
	cache->shape_capacity = capacity;
}

/* Appends the shapes of the facts; those that are circles come with their geometry. */
static void
read_shapes(GlZoneCache *cache, const GlZoneFacts *facts)
{
	const GlZoneShape *shapes = (const GlZoneShape *) (facts + 1);
	const char *circles = (const char *) (shapes + facts->shape_count);

	make_room(cache, facts->shape_count);
	for (uint32 i = 0; i < facts->shape_count; i++)
	{
		GlCellShape *shape = &cache->shapes[cache->shape_count + i];

		memset(shape, 0, sizeof(*shape));
		shape->bounds = shapes[i].bounds;
		/* Not yet ranked: the number that the entry is going to have. */
		shape->owner = cache->entry_count;
		shape->bytes = shapes[i].size;
		shape->kind = shapes[i].kind == GL_CELL_CIRCLE ? GL_CELL_CIRCLE : GL_CELL_POLYGON;
		shape->confirm = facts->needs_confirm;
		cache->shape_offsets[cache->shape_count + i] = shapes[i].offset;
		if (shape->kind == GL_CELL_CIRCLE)
		{
			GlCircle *circle = gl_zone_cache_keep(cache, sizeof(GlCircle));

			memcpy(circle, circles, sizeof(GlCircle));
			circles += sizeof(GlCircle);
			shape->geometry = circle;
			shape->resident = 1;
		}
	}
	cache->shape_count += facts->shape_count;
}

/* As promised in cache.h. */
bool
gl_zone_entry_read(GlZoneCache *cache, TupleTableSlot *slot, GlZoneEntry *entry)
{
	bytea *stored;
	GlZoneFacts *facts;
	text *zone_id;
	bool isnull;

	if (DatumGetBool(slot_getattr(slot, COLUMN_DELETED, &isnull)))
		return false;
	zone_id = DatumGetTextPP(slot_getattr(slot, COLUMN_ZONE_ID, &isnull));
	entry->priority = DatumGetInt32(slot_getattr(slot, COLUMN_PRIORITY, &isnull));
	entry->created_at = DatumGetTimestampTz(slot_getattr(slot, COLUMN_CREATED_AT, &isnull));
	stored = DatumGetByteaPP(slot_getattr(slot, COLUMN_FACTS, &isnull));
	facts = palloc_extended(Max(VARSIZE_ANY_EXHDR(stored), sizeof(GlZoneFacts)), MCXT_ALLOC_HUGE);
	memcpy(facts, VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored));
	if (!gl_zone_facts_check(facts, VARSIZE_ANY_EXHDR(stored)))
		gl_zone_raise_damaged(zone_id);
	entry->everywhere = facts->everywhere;
	entry->has_address = facts->has_address;
	entry->shape_count = facts->shape_count;
	read_shapes(cache, facts);
	entry->zone_id = gl_zone_cache_keep(cache, VARHDRSZ + VARSIZE_ANY_EXHDR(zone_id));
	SET_VARSIZE(entry->zone_id, VARHDRSZ + VARSIZE_ANY_EXHDR(zone_id));
	memcpy(VARDATA(entry->zone_id), VARDATA_ANY(zone_id), VARSIZE_ANY_EXHDR(zone_id));
	pfree(facts);
	return true;
}
