/*-------------------------------------------------------------------------
 *
 * geojson_scan.h
 *	  A look over the text of a GeoJSON before anything is made of it.  Pure.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_ZONE_GEOJSON_SCAN_H
#define GL_ZONE_GEOJSON_SCAN_H

#include "pure.h"

#define GL_SCAN_DEEPEST 1000

/*
 * GL_LIMIT: a list has more than max_elements elements, or lists and objects
 * are nested deeper than max_depth (at most GL_SCAN_DEEPEST); error->where is
 * the byte at which that shows.  GL_OK says nothing about the text but that:
 * whether it is JSON is for the parser to say.
 */
extern GlStatus gl_geojson_scan(const char *text, size_t length, int max_depth,
								uint32_t max_elements, GlError *error);

#endif /* GL_ZONE_GEOJSON_SCAN_H */
