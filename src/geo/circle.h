/*-------------------------------------------------------------------------
 *
 * circle.h
 *	  Circles on the WGS 84 ellipsoid: is the geodesic distance from the
 *	  centre below the radius?
 *
 * A query point is converted to earth-centred coordinates once; each circle
 * then costs three subtractions and a squared chord.  See circle.c for why
 * two thresholds on the chord decide everything but a thin band.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_GEO_CIRCLE_H
#define GL_GEO_CIRCLE_H

#include "geo/edge.h"
#include "pure.h"

#define GL_CIRCLE_MAX_RADIUS 1000000.0 /* meters */

/* A point on the ellipsoid: degrees, and earth-centred coordinates in meters. */
typedef struct GlEarthPoint
{
	double x;
	double y;
	double z;
	double lat;
	double lng;
} GlEarthPoint;

/* Flat: may be stored and copied as bytes. */
typedef struct GlCircle
{
	/* What nearly every question needs comes first, in as few cache lines as may be. */
	double inside_below;  /* squared chord below which a point is surely inside */
	double outside_above; /* squared chord above which it is surely outside */
	GlEarthPoint centre;
	double radius; /* meters */
	/* Bounds that contain the circle, degrees; lng may leave [-180, 180] across the antimeridian. */
	double min_lat;
	double max_lat;
	double min_lng;
	double max_lng;
} GlCircle;

/* GL_INVALID: a coordinate out of range, or not 0 < radius_m <= GL_CIRCLE_MAX_RADIUS. */
extern GlStatus gl_circle_build(double lat, double lng, double radius_m, GlCircle *out,
								GlError *error);
extern GlEarthPoint gl_earth_point(double lat, double lng);
extern bool gl_circle_contains(const GlCircle *circle, const GlEarthPoint *point);

/* count points of the rim (within 1 mm of it), counterclockwise from north. */
extern void gl_circle_outline(const GlCircle *circle, uint32_t count, GlPoint *points);

/*
 * Meters between two points (degrees) along the WGS 84 geodesic; for points
 * up to 2,000 km apart (accurate to 0.01 mm there), NaN where the iteration
 * does not converge, which needs nearly antipodal points.
 */
extern double gl_geodesic_distance(double lat1, double lng1, double lat2, double lng2);

#endif /* GL_GEO_CIRCLE_H */
