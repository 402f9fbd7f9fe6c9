/*-------------------------------------------------------------------------
 *
 * search.c
 *	  Which zones match a question: those the tree finds by the point, those
 *	  whose rules test the address, those without rules.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "settings.h"
#include "zone/cache.h"

/* So often the zones are read anew, because a row was not where it was, before something is wrong. */
#define MAX_READINGS 10

static void
raise_lost(void)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE), errmsg("the zones could not be read"),
					errdetail("Rows of ganje.zone were moved while they were read."),
					errhint("Try again.")));
}

/* A zone of which every rule must hold was found in one of its shapes. */
bool
gl_zone_confirm(void *cache, uint32_t entry, double lat, double lng)
{
	GlZoneCache *zones = cache;
	GlZoneQuestion question = {.has_point = true, .point = gl_earth_point(lat, lng)};
	bool matches = false;

	if (!gl_zone_entry_matches(zones, &zones->entries[entry], &question, &matches))
		zones->lost = true;
	return matches;
}

/*
 * Looks at why the tree did not answer, and prepares the next attempt.  The
 * first time the budget was spent the tree begins anew with an empty one, the
 * second time what does not fit is not kept.
 */
static void
recover(GlZoneCache *cache, GlStatus status, int attempt)
{
	switch (status)
	{
		case GL_LIMIT:
			gl_zone_cache_replant(cache);
			cache->tree.tight = attempt > 0;
			break;
		case GL_STOPPED:
			CHECK_FOR_INTERRUPTS();
			break;
		case GL_INVALID:
			if (attempt >= MAX_READINGS)
				raise_lost();
			gl_zone_cache_forget(cache);
			(void) gl_zone_list();
			break;
		default:
			gl_zone_cache_forget(cache);
			ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory for zones")));
	}
}

/* What the tree answered, or why it is to be asked again. */
static inline GlStatus
verdict(const GlZoneCache *cache, GlStatus status)
{
	return unlikely(cache->lost) ? GL_INVALID : status;
}

/* The first zone by the point alone. */
static const GlZoneEntry *
first_at(GlZoneCache *cache, double lat, double lng)
{
	uint32 owner;
	GlStatus status;
	int attempt = 0;

	while (unlikely((status = verdict(cache, gl_cell_tree_first(&cache->tree, lat, lng, &owner))) !=
					GL_OK))
		recover(cache, status, attempt++);
	cache->tree.tight = false;
	if (cache->everywhere.count > 0 &&
		(owner == GL_CELL_NOBODY ||
		 cache->ranks[cache->everywhere.values[0]] < cache->ranks[owner]))
		owner = cache->everywhere.values[0];
	return owner == GL_CELL_NOBODY ? NULL : &cache->entries[owner];
}

/* As promised in cache.h. */
const GlZoneEntry *
gl_zone_first_at(double lat, double lng)
{
	return first_at(gl_zone_list(), lat, lng);
}

static int
compare_ranks(const void *left, const void *right)
{
	uint32 a = *(const uint32 *) left;
	uint32 b = *(const uint32 *) right;

	return (a > b) - (a < b);
}

/* The ranks of what the tree finds by the point, with room for "more", in no order. */
static uint32 *
find_by_point(GlZoneCache *cache, const GlZoneQuestion *question, uint32 *count)
{
	uint32 *ranks;
	GlStatus status;
	int attempt = 0;

	*count = 0;
	while (question->has_point &&
		   (status = verdict(cache, gl_cell_tree_all(&cache->tree, question->point.lat,
													 question->point.lng, count))) != GL_OK)
		recover(cache, status, attempt++);
	cache->tree.tight = false;
	ranks = palloc_extended((*count + cache->everywhere.count + cache->addressed.count + 1) *
								sizeof(uint32),
							MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < *count; i++)
		ranks[i] = cache->ranks[cache->found[i]];
	return ranks;
}

/* The entries of these ranks, each once, in order. */
static uint32
list_entries(const GlZoneCache *cache, const uint32 *ranks, uint32 count,
			 const GlZoneEntry ***entries)
{
	uint32 kept = 0;

	*entries = palloc(Max(Min(count, gl_setting_max_matches), 1) * sizeof(GlZoneEntry *));
	for (uint32 i = 0; i < count; i++)
	{
		if (i > 0 && ranks[i] == ranks[i - 1])
			continue;
		if (kept == (uint32) gl_setting_max_matches)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("more than %d zones match", gl_setting_max_matches),
					 errhint("locate_zone answers the first of them. Are there zones without "
							 "rules, which match everything? Or raise "
							 "ganje_logistics.max_matches.")));
		(*entries)[kept++] = &cache->entries[cache->order.values[ranks[i]]];
	}
	return kept;
}

/* As promised in cache.h. */
uint32
gl_zone_all(GlZoneCache *cache, GlZoneQuestion *question, const GlZoneEntry ***entries)
{
	uint32 count;
	uint32 *ranks;

	for (int attempt = 0;; attempt++)
	{
		uint32 i;

		ranks = find_by_point(cache, question, &count);
		for (i = 0; i < cache->everywhere.count; i++)
			ranks[count++] = cache->ranks[cache->everywhere.values[i]];
		if (question->field_count > 0 && question->has_point)
			question->point = gl_earth_point(question->point.lat, question->point.lng);
		for (i = 0; i < cache->addressed.count && question->field_count > 0; i++)
		{
			uint32 number = cache->addressed.values[i];
			bool matches;

			CHECK_FOR_INTERRUPTS();
			if (!gl_zone_entry_matches(cache, &cache->entries[number], question, &matches))
				break;
			if (matches)
				ranks[count++] = cache->ranks[number];
		}
		if (question->field_count == 0 || i == cache->addressed.count)
			break;
		recover(cache, GL_INVALID, attempt);
	}
	/* A zone may be found by several of its rules. */
	qsort(ranks, count, sizeof(uint32), compare_ranks);
	count = list_entries(cache, ranks, count, entries);
	pfree(ranks);
	return count;
}

/* As promised in cache.h. */
const GlZoneEntry *
gl_zone_first(GlZoneQuestion *question)
{
	/* Rules on addresses are read row by row. */
	GlZoneCache *cache = question->field_count > 0 ? gl_zone_list_held() : gl_zone_list();
	const GlZoneEntry *first = NULL;
	uint32 rank;

	if (question->has_point)
		first = first_at(cache, question->point.lat, question->point.lng);
	if (question->has_point && question->field_count > 0)
		question->point = gl_earth_point(question->point.lat, question->point.lng);
	if (first == NULL && cache->everywhere.count > 0)
		first = &cache->entries[cache->everywhere.values[0]];
	rank = first == NULL ? GL_CELL_NOBODY : cache->ranks[first - cache->entries];
	for (uint32 i = 0; i < cache->addressed.count && question->field_count > 0; i++)
	{
		uint32 number = cache->addressed.values[i];
		bool matches;

		CHECK_FOR_INTERRUPTS();
		if (cache->ranks[number] >= rank)
			break;
		if (!gl_zone_entry_matches(cache, &cache->entries[number], question, &matches))
			raise_lost();
		if (matches)
			return &cache->entries[number];
	}
	return first;
}

/* As promised in cache.h. */
const GlZone *
gl_zone_read(GlZoneCache *cache, const GlZoneEntry *entry)
{
	const GlZone *zone = gl_zone_fetch_row(cache, entry);

	if (zone == NULL)
		raise_lost();
	return zone;
}

/* As promised in zone.h. */
const GlZone *
gl_zone_find(GlZoneCache *cache, const char *zone_id)
{
	size_t length = strlen(zone_id);

	for (uint32 i = 0; i < cache->order.count; i++)
	{
		const GlZoneEntry *entry = &cache->entries[cache->order.values[i]];

		if (VARSIZE(entry->zone_id) - VARHDRSZ != length ||
			memcmp(VARDATA(entry->zone_id), zone_id, length) != 0)
			continue;
		return gl_zone_read(cache, entry);
	}
	return NULL;
}
