/*-------------------------------------------------------------------------
 *
 * zone.h
 *	  What the files of this folder share, and what carts need of zones.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_ZONE_H
#define GL_ZONE_H

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

#include "zone/image.h"

/* What a zone's row says beside its rules. */
typedef struct GlZone
{
	char *zone_id;
	char *name;
	Datum fee; /* numeric */
	bool fee_is_null;
	Datum min_cart_total; /* numeric */
	char *timezone;
	int priority;
} GlZone;

/* All zones that are not deleted; see cache.h. */
typedef struct GlZoneCache GlZoneCache;

/* Folded text of the server encoding, palloc'd; see text/fold.h. */
extern char *gl_zone_fold(const char *value, int length, int *folded_length);

/* Appends a rule that tests an address, or a location; raises naming the path.  A warning names the zone as well. */
extern void gl_zone_compile_address(StringInfo image, JsonbContainer *address, const char *path);
extern void gl_zone_compile_location(StringInfo image, JsonbContainer *location, const char *path,
									 const char *zone_id);

/* Appends a rule; payload is padded to 8 bytes. */
extern void gl_zone_append_rule(StringInfo image, GlRuleKind kind, uint32 conditions,
								const void *payload, size_t size);

/* Rings one after the other, and where in the JSON each of them is. */
typedef struct GlZoneRings
{
	GlPoint *points;
	uint32 point_count;
	uint32 ring_count;
	uint32 *ring_sizes;
	const char **ring_paths;
} GlZoneRings;

/* The rings of a GeoJSON Polygon or MultiPolygon; raises naming the path. */
extern GlZoneRings gl_zone_read_geojson(JsonbContainer *geometry, const char *path);

/* A number between -limit and limit; raises naming the path. */
extern double gl_zone_read_degrees(const JsonbValue *value, const char *path, double limit);

/* The zones as the active snapshot sees them; valid until the next call. */
extern GlZoneCache *gl_zone_list(void);

/*
 * The same, their table locked as by a query until the transaction ends, so
 * that no row is moved while rows are read.
 */
extern GlZoneCache *gl_zone_list_held(void);

/* The zone of this id among them, palloc'd, or NULL. */
extern const GlZone *gl_zone_find(GlZoneCache *cache, const char *zone_id);

/* What is kept of a zone's rules cannot be read: an error with the statement that mends it. */
extern void gl_zone_raise_damaged(const text *zone_id) __attribute__((noreturn));

/* Reads an address for a question: its texts folded, other values left out. */
extern void gl_zone_ask_address(GlZoneQuestion *question, JsonbContainer *address);

/* Reads {lat, lng} for a question; raises where it is no point on earth. */
extern void gl_zone_ask_point(GlZoneQuestion *question, double lat, double lng, const char *path);

#endif /* GL_ZONE_H */
