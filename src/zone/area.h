/*-------------------------------------------------------------------------
 *
 * area.h
 *	  Zones with their compiled rules, read for work on all of them at once:
 *	  a map, a list of overlaps.  Locating goes by the cache instead.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_ZONE_AREA_H
#define GL_ZONE_AREA_H

#include "utils/array.h"

#include "zone/image.h"

typedef struct GlZoneArea
{
	char *zone_id;
	char *name;
	const GlZoneImage *image;
} GlZoneArea;

typedef struct GlZoneAreas
{
	uint32 count;
	GlZoneArea *areas;
} GlZoneAreas;

/*
 * The zones that are not deleted, in the order in which they match; zone_ids
 * (NULL: all) picks some, and an id that no zone has raises.  In the caller's
 * memory context, with the caller's rights.
 */
extern GlZoneAreas gl_zone_areas(ArrayType *zone_ids);

/* The first rule of an image, and the one after a rule; there are rule_count of them. */
extern const GlRuleHeader *gl_zone_first_rule(const GlZoneImage *image);
extern const GlRuleHeader *gl_zone_next_rule(const GlRuleHeader *rule);

#endif /* GL_ZONE_AREA_H */
