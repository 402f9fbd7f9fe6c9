/*-------------------------------------------------------------------------
 *
 * fetch.c
 *	  Reads from a zone's row what its entry in the cache leaves out: its
 *	  geometry, its rules, its name and money.
 *
 * The row is found by its place, which the active snapshot sees as the one
 * did that the cache was filled under.  Where it is not there after all (the
 * table was rewritten since), GL_INVALID or NULL: the cache is to be read
 * anew.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/tableam.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "zone/cache.h"

/* Columns of ganje.zone, as sql/20_zone.sql makes it. */
#define COLUMN_NAME 2
#define COLUMN_FEE 5
#define COLUMN_MIN_CART_TOTAL 6
#define COLUMN_TIMEZONE 7
#define COLUMN_COMPILED 13

typedef struct Row
{
	Relation relation;
	TupleTableSlot *slot;
} Row;

static void
close_row(Row *row)
{
	ExecDropSingleTupleTableSlot(row->slot);
	table_close(row->relation, AccessShareLock);
}

static bool
open_row(GlZoneCache *cache, const GlZoneEntry *entry, Row *row)
{
	ItemPointerData place = entry->place;
	bool isnull;

	/* It may have been dropped with the extension, which was made anew since. */
	row->relation = try_table_open(cache->relation, AccessShareLock);
	if (row->relation == NULL)
		return false;
	row->slot = table_slot_create(row->relation, NULL);
	if (row->relation->rd_rel->relfilenode == cache->file &&
		table_tuple_fetch_row_version(row->relation, &place, GetActiveSnapshot(), row->slot) &&
		DatumGetTransactionId(
			slot_getsysattr(row->slot, MinTransactionIdAttributeNumber, &isnull)) == entry->xmin)
		return true;
	close_row(row);
	return false;
}

/* A part of the row's compiled rules, in aligned memory of the context. */
static void *
copy_part(Row *row, MemoryContext context, uint32 offset, uint32 size)
{
	bool isnull;
	Datum compiled = slot_getattr(row->slot, COLUMN_COMPILED, &isnull);
	bytea *part = DatumGetByteaPSlice(compiled, (int32) offset, (int32) size);
	void *copy = NULL;

	if (VARSIZE_ANY_EXHDR(part) == size)
	{
		copy = MemoryContextAllocHuge(context, Max(size, 8));
		memcpy(copy, VARDATA_ANY(part), size);
	}
	pfree(part);
	return copy;
}

static GlStatus
fetch_polygon(GlZoneCache *cache, uint32 number, MemoryContext context, void **polygon)
{
	const GlCellShape *shape = &cache->shapes[number];
	const GlZoneEntry *entry = &cache->entries[shape->owner];
	Row row;

	if (!open_row(cache, entry, &row))
		return GL_INVALID;
	*polygon = copy_part(&row, context, cache->shape_offsets[number], shape->bytes);
	close_row(&row);
	if (*polygon == NULL || !gl_polygon_check_image(*polygon, shape->bytes))
		gl_zone_raise_damaged(entry->zone_id);
	return GL_OK;
}

/* GlCellSource.load: packed where that loses nothing. */
GlStatus
gl_zone_fetch_shape(void *cache, uint32_t shape, const void **geometry)
{
	GlZoneCache *zones = cache;
	void *polygon;
	void *kept;
	size_t size;
	GlStatus status = fetch_polygon(zones, shape, CurrentMemoryContext, &polygon);

	if (status != GL_OK)
		return status;
	size = gl_cell_packed_size(polygon);
	kept = MemoryContextAllocHuge(zones->tree_context,
								  size > 0 ? size : ((GlPolygon *) polygon)->size);
	if (size > 0)
		gl_cell_pack(polygon, kept);
	else
		memcpy(kept, polygon, ((GlPolygon *) polygon)->size);
	pfree(polygon);
	*geometry = kept;
	return GL_OK;
}

/* GlCellSource.evaluate */
GlStatus
gl_zone_fetch_and_ask(void *cache, uint32_t shape, double lat, double lng, bool *inside)
{
	void *polygon;
	GlStatus status = fetch_polygon(cache, shape, CurrentMemoryContext, &polygon);

	if (status != GL_OK)
		return status;
	*inside = gl_polygon_covers(polygon, lat, lng);
	pfree(polygon);
	return GL_OK;
}

/* As promised in cache.h. */
bool
gl_zone_entry_matches(GlZoneCache *cache, GlZoneEntry *entry, const GlZoneQuestion *question,
					  bool *matches)
{
	GlCellTree *tree = &cache->tree;
	GlZoneImage *image;
	uint32 size;
	Row row;
	bool isnull;
	bool kept;

	if (entry->image != NULL)
	{
		*matches = gl_zone_image_matches(entry->image, question);
		return true;
	}
	if (!open_row(cache, entry, &row))
		return false;
	size = (uint32) (toast_raw_datum_size(slot_getattr(row.slot, COLUMN_COMPILED, &isnull)) -
					 VARHDRSZ);
	kept = tree->node_bytes + tree->geometry_bytes + size <= tree->limit;
	image = copy_part(&row, kept ? cache->tree_context : CurrentMemoryContext, 0, size);
	close_row(&row);
	if (image == NULL || !gl_zone_image_check(image, size))
		gl_zone_raise_damaged(entry->zone_id);
	*matches = gl_zone_image_matches(image, question);
	if (kept)
	{
		entry->image = image;
		tree->geometry_bytes += size;
	}
	else
		pfree(image);
	return true;
}

/* What the row says beside its rules, palloc'd; NULL where it is not there. */
GlZone *
gl_zone_fetch_row(GlZoneCache *cache, const GlZoneEntry *entry)
{
	GlZone *zone = palloc0(sizeof(GlZone));
	Datum value;
	bool isnull;
	Row row;

	if (!open_row(cache, entry, &row))
		return NULL;
	zone->zone_id = text_to_cstring(entry->zone_id);
	zone->name = TextDatumGetCString(slot_getattr(row.slot, COLUMN_NAME, &isnull));
	value = slot_getattr(row.slot, COLUMN_FEE, &zone->fee_is_null);
	zone->fee = zone->fee_is_null ? (Datum) 0
								  : datumCopy(PointerGetDatum(PG_DETOAST_DATUM(value)), false, -1);
	value = slot_getattr(row.slot, COLUMN_MIN_CART_TOTAL, &isnull);
	zone->min_cart_total = datumCopy(PointerGetDatum(PG_DETOAST_DATUM(value)), false, -1);
	zone->timezone = TextDatumGetCString(slot_getattr(row.slot, COLUMN_TIMEZONE, &isnull));
	zone->priority = entry->priority;
	close_row(&row);
	return zone;
}
