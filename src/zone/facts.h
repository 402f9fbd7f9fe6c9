/*-------------------------------------------------------------------------
 *
 * facts.h
 *	  What the index of zones has to know of a zone before anybody asks in
 *	  its bounds; kept in zone.facts, which the trigger writes beside
 *	  zone.compiled.
 *
 * GlZoneFacts, then its shapes, then for each shape that is a circle the
 * circle itself: an index over circles never reads zone.compiled.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_ZONE_FACTS_H
#define GL_ZONE_FACTS_H

#include "geo/cell_tree.h"
#include "zone/image.h"

#define GL_FACTS_MAGIC 0x475A4641u
#define GL_FACTS_VERSION 2 /* raised with every change of what follows and of GlCircle */

typedef struct GlZoneFacts
{
	uint32_t magic;
	uint32_t version;
	uint32_t shape_count;
	uint8_t everywhere;    /* 1: without rules, matches everything */
	uint8_t has_address;   /* 1: some rule tests the address */
	uint8_t needs_confirm; /* 1: a point in a shape matches only if every rule does */
	uint8_t unused;
} GlZoneFacts;

/* One location rule; where every rule must hold, only the narrowest is here. */
typedef struct GlZoneShape
{
	GlCellBounds bounds;
	uint32_t kind;   /* GlCellKind */
	uint32_t offset; /* of the geometry in zone.compiled */
	uint32_t size;   /* of the geometry */
	uint32_t unused;
} GlZoneShape;

/* Bytes of the facts of a whole image. */
extern size_t gl_zone_facts_size(const GlZoneImage *image);

/* Writes them; "into" has room for gl_zone_facts_size. */
extern void gl_zone_facts_write(const GlZoneImage *image, void *into);

/* Are the bytes facts that can be read?  They may be aligned to 4. */
extern bool gl_zone_facts_check(const void *bytes, size_t size);

#endif /* GL_ZONE_FACTS_H */
