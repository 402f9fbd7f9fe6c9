/*-------------------------------------------------------------------------
 *
 * overlap.h
 *	  Do two shapes share an area of positive size?  Shapes that only touch,
 *	  in points or along edges, do not.
 *
 * The answer yes always comes with a point that lies strictly inside both,
 * which was checked exactly.  What is thinner than GL_OVERLAP_THINNEST may be
 * answered no.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_GEO_OVERLAP_H
#define GL_GEO_OVERLAP_H

#include "geo/circle.h"
#include "geo/polygon.h"

#define GL_OVERLAP_THINNEST 1e-12 /* degrees: a tenth of a micrometer */

/* GL_OK: *found tells; GL_NO_MEMORY, GL_STOPPED: nothing is known. */
extern GlStatus gl_overlap_polygons(const GlPolygon *a, const GlPolygon *b, GlArena *arena,
									GlStop *stop, bool *found, GlPoint *inside);
extern GlStatus gl_overlap_circle_polygon(const GlCircle *circle, const GlPolygon *polygon,
										  GlStop *stop, bool *found, GlPoint *inside);
extern bool gl_overlap_circles(const GlCircle *a, const GlCircle *b, GlPoint *inside);

/* Inside, and on no edge. */
extern bool gl_overlap_strictly_inside(const GlPolygon *polygon, const GlPoint *point);

#endif /* GL_GEO_OVERLAP_H */
