/*-------------------------------------------------------------------------
 *
 * edge.h
 *	  A point against one straight edge in the lat/lng plane, decided exactly.
 *
 * Longitudes of a ring that crosses the antimeridian are unwrapped.  Adding
 * 360 to a double can round, so nothing here ever does: a longitude is the
 * pair (lng, turn) and stands for lng + 360 * turn.  Comparing two such
 * pairs needs no arithmetic while |lng| <= 180, and orientation works on the
 * pair's exact value.  No epsilon anywhere: floating point decides where its
 * error bound allows, integers of any length where it does not.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_GEO_EDGE_H
#define GL_GEO_EDGE_H

#include <stdbool.h>
#include <stdint.h>

/* Degrees, as the caller gave them: |lat| <= 90, |lng| <= 180. */
typedef struct GlPoint
{
	double lat;
	double lng;
} GlPoint;

/* A point of the unwrapped plane: latitude lat, longitude lng + 360 * turn. */
typedef struct GlPlanePoint
{
	double lat;
	double lng;
	int32_t turn;
} GlPlanePoint;

typedef struct GlEdge
{
	GlPlanePoint from;
	GlPlanePoint to;
} GlEdge;

/* What the ray from a point towards growing longitude does at an edge. */
typedef enum GlCrossing
{
	GL_CROSSING_NONE = 0,  /* does not meet it */
	GL_CROSSING_RIGHT = 1, /* crosses it: flip the parity */
	GL_CROSSING_ON = 2     /* the point lies on the edge itself */
} GlCrossing;

extern int gl_edge_compare_lng(const GlPlanePoint *a, const GlPlanePoint *b);
extern int gl_edge_orientation(const GlPlanePoint *a, const GlPlanePoint *b, const GlPlanePoint *c);
extern int gl_edge_orientation_exact(const GlPlanePoint *a, const GlPlanePoint *b,
									 const GlPlanePoint *c);
extern GlCrossing gl_edge_crossing(const GlEdge *edge, const GlPlanePoint *point);

#endif /* GL_GEO_EDGE_H */
