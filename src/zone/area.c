/*-------------------------------------------------------------------------
 *
 * area.c
 *	  Reads zones with their compiled rules; see area.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "compat.h"
#include "zone/area.h"
#include "zone/zone.h"

#define READ_AREAS                                                                                 \
	"SELECT zone_id, name, compiled FROM ganje.zone "                                              \
	"WHERE NOT deleted AND ($1 IS NULL OR zone_id = ANY ($1)) "                                    \
	"ORDER BY priority DESC, created_at, zone_id COLLATE pg_catalog.\"C\""

/* Rows in memory at a time, beside the copies that stay. */
#define FETCH 200

static void
copy_area(GlZoneArea *area, HeapTuple row, TupleDesc descriptor, MemoryContext into)
{
	MemoryContext caller = MemoryContextSwitchTo(into);
	bool isnull;
	bytea *stored;
	size_t size;
	void *image;

	area->zone_id = TextDatumGetCString(SPI_getbinval(row, descriptor, 1, &isnull));
	area->name = TextDatumGetCString(SPI_getbinval(row, descriptor, 2, &isnull));
	MemoryContextSwitchTo(caller);
	stored = DatumGetByteaPP(SPI_getbinval(row, descriptor, 3, &isnull));
	size = VARSIZE_ANY_EXHDR(stored);
	image = MemoryContextAllocHuge(into, Max(size, 8));
	memcpy(image, VARDATA_ANY(stored), size);
	if (!gl_zone_image_check(image, size))
		gl_zone_raise_damaged(DatumGetTextPP(SPI_getbinval(row, descriptor, 1, &isnull)));
	area->image = image;
}

/* One of the ids asked for that no zone has, or NULL. */
static void
raise_missing(ArrayType *zone_ids, const GlZoneAreas *areas)
{
	Datum *ids;
	bool *nulls;
	int count;

	deconstruct_array(zone_ids, TEXTOID, -1, false, TYPALIGN_INT, &ids, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		char *wanted = nulls[i] ? NULL : TextDatumGetCString(ids[i]);
		bool found = false;

		CHECK_FOR_INTERRUPTS();
		for (uint32 n = 0; n < areas->count && wanted != NULL && !found; n++)
			found = strcmp(areas->areas[n].zone_id, wanted) == 0;
		if (!found)
			ereport(
				ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("zone_ids[%d]: zone \"%s\" does not exist", i,
						wanted == NULL ? "null" : wanted),
				 errhint("SELECT zone_id, name FROM ganje.zone WHERE NOT deleted lists them.")));
	}
}

GlZoneAreas
gl_zone_areas(ArrayType *zone_ids)
{
	MemoryContext into = CurrentMemoryContext;
	GlZoneAreas result = {0, NULL};
	uint32 room = FETCH;
	Oid types[1] = {TEXTARRAYOID};
	Datum values[1] = {PointerGetDatum(zone_ids)};
	const char *nulls = zone_ids == NULL ? "n" : " ";
	Portal portal;

	result.areas = MemoryContextAllocHuge(into, room * sizeof(GlZoneArea));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not read the zones");
	portal = SPI_cursor_open_with_args(NULL, READ_AREAS, 1, types, values, nulls, true, 0);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, FETCH);
		if (SPI_processed == 0)
			break;
		CHECK_FOR_INTERRUPTS();
		if (result.count + SPI_processed > room)
		{
			room = Max(room * 2, result.count + (uint32) SPI_processed);
			result.areas = repalloc_huge(result.areas, room * sizeof(GlZoneArea));
		}
		for (uint64 i = 0; i < SPI_processed; i++)
			copy_area(&result.areas[result.count++], SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
					  into);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	SPI_finish();
	if (zone_ids != NULL)
		raise_missing(zone_ids, &result);
	return result;
}

const GlRuleHeader *
gl_zone_first_rule(const GlZoneImage *image)
{
	return (const GlRuleHeader *) (image + 1);
}

const GlRuleHeader *
gl_zone_next_rule(const GlRuleHeader *rule)
{
	return (const GlRuleHeader *) ((const char *) rule + rule->size);
}
