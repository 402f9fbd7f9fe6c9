/*-------------------------------------------------------------------------
 *
 * cache.h
 *	  The zones of this backend: what locate_zone and its kin search.
 *
 * An entry knows where its row is and what its facts say.  Geometry, names
 * and money are read from the row when somebody asks there.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_ZONE_CACHE_H
#define GL_ZONE_CACHE_H

#include "datatype/timestamp.h"
#include "executor/tuptable.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"

#include "core/freshness.h"
#include "geo/cell_tree.h"
#include "zone/zone.h"

typedef struct GlZoneEntry
{
	text *zone_id; /* with a header of 4 bytes */
	TimestampTz created_at;
	TransactionId xmin; /* with the place, which version of the row this is */
	ItemPointerData place;
	int32 priority;
	uint32 first_shape;
	uint32 shape_count;
	bool everywhere;          /* without rules */
	bool has_address;         /* some rule tests the address */
	bool gone;                /* removed, or there in a newer version */
	const GlZoneImage *image; /* once an address was asked for */
} GlZoneEntry;

/* A list of numbers that grows. */
typedef struct GlNumbers
{
	uint32 *values;
	uint32 count;
	uint32 capacity;
} GlNumbers;

struct GlZoneCache
{
	GlFreshness freshness;
	MemoryContext context; /* of all below; NULL: nothing is known */
	MemoryContext tree_context;
	char *block; /* of gl_zone_cache_keep: what is left of it */
	size_t block_left;
	Oid relation;
	Oid file;      /* the table's, which VACUUM FULL and TRUNCATE replace */
	bool reusable; /* rows may be told by their places and xmin */
	bool lost;     /* a row that was to be looked at is no longer there */
	GlZoneEntry *entries;
	uint32 entry_count;
	uint32 entry_capacity;
	uint32 gone_count;
	GlNumbers places;     /* entries that are not gone, as they lie in the table */
	GlNumbers order;      /* the same, in the order in which they match */
	GlNumbers everywhere; /* of these, those without rules */
	GlNumbers addressed;  /* of these, those that test the address */
	uint32 *ranks;        /* of an entry, its place in "order" */
	GlCellShape *shapes;
	uint32 *shape_offsets; /* of the geometry in zone.compiled */
	uint32 shape_count;
	uint32 shape_capacity;
	uint32 *found;
	GlCellTree tree;
};

extern void gl_zone_numbers_add(GlZoneCache *cache, GlNumbers *numbers, uint32 value);

/* Memory that lives as long as the entries, aligned to 8: ids and circles, of which there are many. */
extern void *gl_zone_cache_keep(GlZoneCache *cache, size_t size);

/* Forgets everything; the next gl_zone_list reads it anew. */
extern void gl_zone_cache_forget(GlZoneCache *cache);

/* The tree's memory dropped, everything waiting at the root again. */
extern void gl_zone_cache_replant(GlZoneCache *cache);

/* entry.c: makes an entry of the row in the slot, with its shapes; false where it is deleted. */
extern bool gl_zone_entry_read(GlZoneCache *cache, TupleTableSlot *slot, GlZoneEntry *entry);

/* fetch.c: what is read when somebody asks there. */
extern GlStatus gl_zone_fetch_shape(void *cache, uint32_t shape, const void **geometry);
extern GlStatus gl_zone_fetch_and_ask(void *cache, uint32_t shape, double lat, double lng,
									  bool *inside);
extern GlZone *gl_zone_fetch_row(GlZoneCache *cache, const GlZoneEntry *entry);

/* Does the zone match, by all its rules?  False as a result where the row is not there. */
extern bool gl_zone_entry_matches(GlZoneCache *cache, GlZoneEntry *entry,
								  const GlZoneQuestion *question, bool *matches);

/* search.c: GlCellSource.confirm; sets "lost" where the row is not there. */
extern bool gl_zone_confirm(void *cache, uint32_t entry, double lat, double lng);

/* The first entry that matches, or NULL; all, in order, palloc'd. */
extern const GlZoneEntry *gl_zone_first(GlZoneQuestion *question);
extern const GlZoneEntry *gl_zone_first_at(double lat, double lng);
extern uint32 gl_zone_all(GlZoneCache *cache, GlZoneQuestion *question,
						  const GlZoneEntry ***entries);

/* The rest of an entry's row, palloc'd. */
extern const GlZone *gl_zone_read(GlZoneCache *cache, const GlZoneEntry *entry);

#endif /* GL_ZONE_CACHE_H */
