/*-------------------------------------------------------------------------
 *
 * map.h
 *	  What the files that draw zone_map() share.
 *
 * map.c calls them in this order: map_read.c collects rings in degrees,
 * map_project.c turns them into pixels, map_label.c finds places for the
 * names, map_draw.c writes the SVG.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_ZONE_MAP_H
#define GL_ZONE_MAP_H

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

#include "zone/area.h"

#define GL_MAP_MARGIN 16.0
#define GL_MAP_LABEL_CHARACTERS 40

typedef struct GlMapPixel
{
	float x;
	float y;
} GlMapPixel;

/* A ring: in degrees, longitudes unwrapped; then in pixels, simplified to what can be seen. */
typedef struct GlMapRing
{
	uint32 rule; /* rings of one rule are filled together, even-odd */
	uint32 count;
	GlPoint *degrees;
	double west;
	double east;
	uint32 pixel_count;
	GlMapPixel *pixels;
} GlMapRing;

typedef struct GlMapZone
{
	const GlZoneArea *area;
	uint32 ring_count;
	uint32 ring_room;
	GlMapRing *rings;  /* none: by address only, or everywhere */
	bool intersection; /* several areas, all of which must hold */
	double size;       /* of its largest ring, square pixels */
	/* Where its name goes; font_size 0: nowhere. */
	float font_size;
	GlMapPixel label;
} GlMapZone;

typedef struct GlMapMark
{
	GlPoint degrees;
	char *name; /* NULL: none was given */
	int zone;   /* the first that matches, or -1 */
	GlMapPixel pixel;
} GlMapMark;

typedef struct GlMap
{
	uint32 zone_count;
	GlMapZone *zones; /* in the order in which they match */
	uint32 mark_count;
	GlMapMark *marks;
	double width;  /* of the picture, pixels */
	double height; /* of its map, without the legend; 0: nothing to draw */
	double scale;  /* pixels per degree of latitude */
	double aspect; /* cosine of the middle latitude */
	double cut;    /* longitude where the earth is cut open */
	double west;
	double north;
	double left; /* pixels before the westernmost longitude */
} GlMap;

/* Names as SVG: escaped, what XML cannot hold replaced, cut after so many characters. */
extern void gl_map_append_text(StringInfo out, const char *text, int characters);
extern int gl_map_characters(const char *text);

extern void gl_map_read_zones(GlMap *map, const GlZoneAreas *areas);
extern void gl_map_read_marks(GlMap *map, JsonbContainer *points);
extern void gl_map_project(GlMap *map);
extern void gl_map_place_labels(GlMap *map);
extern void gl_map_draw(const GlMap *map, StringInfo out);

#endif /* GL_ZONE_MAP_H */
