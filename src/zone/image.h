/*-------------------------------------------------------------------------
 *
 * image.h
 *	  A zone's rules in compiled form: one block without pointers, kept in
 *	  zone.compiled and read as it is.
 *
 * GlZoneImage, then rule after rule, each a GlRuleHeader and its payload:
 *	  address   GlConditionHeader and texts, condition after condition
 *	  circle    GlCircle
 *	  polygon   the block of gl_polygon_build
 * Everything is aligned to 8 bytes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_ZONE_IMAGE_H
#define GL_ZONE_IMAGE_H

#include "geo/circle.h"
#include "geo/polygon.h"

#define GL_ZONE_MAGIC 0x475A4F4Eu
#define GL_ZONE_VERSION                                                                            \
	2 /* raised with every change of what follows, of GlCircle and of GlPolygon */

typedef struct GlZoneImage
{
	uint32_t magic;
	uint32_t version;
	uint64_t size; /* of the whole block */
	uint32_t rule_count;
	uint32_t match_all; /* 1: every rule must match, 0: any */
} GlZoneImage;

typedef enum GlRuleKind
{
	GL_RULE_ADDRESS = 1,
	GL_RULE_CIRCLE,
	GL_RULE_POLYGON
} GlRuleKind;

typedef struct GlRuleHeader
{
	uint32_t kind;
	uint32_t condition_count; /* of an address rule, all of which must hold */
	uint64_t size;            /* with this header and the padding */
} GlRuleHeader;

/* Followed by the field's name and the folded values, each a uint32_t length and its bytes. */
typedef struct GlConditionHeader
{
	uint32_t size;    /* with this header and the padding */
	uint32_t negated; /* 1: NIN, 0: IN */
	uint32_t value_count;
	uint32_t unused;
} GlConditionHeader;

/* One field of an address that is asked about, its value folded. */
typedef struct GlAddressField
{
	const char *name;
	uint32_t name_length;
	const char *value;
	uint32_t value_length;
} GlAddressField;

/* What is asked: a point, an address, or both. */
typedef struct GlZoneQuestion
{
	bool has_point;
	GlEarthPoint point;
	int field_count;
	const GlAddressField *fields;
} GlZoneQuestion;

/* Is the block whole, so that gl_zone_image_matches may read it? */
extern bool gl_zone_image_check(const void *bytes, size_t size);

/* Does the zone match?  One without rules matches everything. */
extern bool gl_zone_image_matches(const GlZoneImage *image, const GlZoneQuestion *question);

#endif /* GL_ZONE_IMAGE_H */
