/*-------------------------------------------------------------------------
 *
 * circle.c
 *	  Distance below a radius on the WGS 84 ellipsoid.
 *
 * A geodesic is a curve in space whose curvature is the ellipsoid's normal
 * curvature in its direction, so it lies between the curvature along the
 * meridian at the equator (1 / (b^2/a), the largest there is) and at the pole
 * (1 / (a^2/b), the smallest).  By Schur's comparison theorem (Schur 1921;
 * Chern, "Curves and surfaces in Euclidean space", 1967) the chord under an
 * arc of length s is then no shorter than that of an arc of a circle of the
 * largest curvature; and no longer than that of the smallest, but for the
 * torsion of the geodesic, which adds at most s^5 k^2 t^2 / 720 with t <=
 * (k_max - k_min) / 2 by the chord's series: below 1e-5 m at 1,000 km.
 *
 * So two thresholds on the squared chord decide nearly everything, for any
 * centre and direction: the band between them is 0.2 mm wide at 20 km and
 * 20 m at 1,000 km.  Within it the geodesic itself is solved, so the answer
 * has the geodesic's accuracy and no correction's.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>

#include "geo/circle.h"

#define RADIANS (M_PI / 180)
#define SEMI_MAJOR 6378137.0
#define FLATTENING (1 / 298.257223563)
#define SEMI_MINOR (SEMI_MAJOR * (1 - FLATTENING))
#define LEAST_RADIUS (SEMI_MINOR * SEMI_MINOR / SEMI_MAJOR)
#define GREATEST_RADIUS (SEMI_MAJOR * SEMI_MAJOR / SEMI_MINOR)

/* Meters: rounding of earth-centred coordinates (1e-9 each) and of the bounds below. */
#define CHORD_SLACK 2e-8

/* Degrees added to bounds, above the rounding of their computation. */
#define BOUNDS_SLACK 1e-9

#define MAX_ITERATIONS 50

static GlStatus
circle_invalid(GlError *error, const char *what, double value)
{
	error->where = -1;
	snprintf(error->message, sizeof(error->message), "%s (%.17g)", what, value);
	return GL_INVALID;
}

/*
 * The point of the ellipsoid's surface in earth-centred, earth-fixed
 * coordinates: x towards (0, 0), y towards (0, 90), z towards the north pole.
 */
GlEarthPoint
gl_earth_point(double lat, double lng)
{
	const double eccentricity2 = FLATTENING * (2 - FLATTENING);
	double sin_lat = sin(lat * RADIANS);
	double cos_lat = cos(lat * RADIANS);
	double normal = SEMI_MAJOR / sqrt(1 - eccentricity2 * sin_lat * sin_lat);
	GlEarthPoint point;

	point.x = normal * cos_lat * cos(lng * RADIANS);
	point.y = normal * cos_lat * sin(lng * RADIANS);
	point.z = normal * (1 - eccentricity2) * sin_lat;
	point.lat = lat;
	point.lng = lng;
	return point;
}

/* The chord under an arc of length meters on a circle. */
static double
arc_chord(double length, double circle_radius)
{
	return 2 * circle_radius * sin(length / (2 * circle_radius));
}

/*
 * Along a geodesic latitude changes by at most ds / LEAST_RADIUS, and
 * longitude by at most ds / (SEMI_MAJOR cos lat), as every normal radius is
 * at least SEMI_MAJOR.
 */
static void
circle_bound(GlCircle *circle)
{
	double lat = circle->centre.lat;
	double height = circle->radius / LEAST_RADIUS / RADIANS + BOUNDS_SLACK;
	double farthest = fabs(lat) + height;
	double width;

	circle->min_lat = fmax(lat - height, -90);
	circle->max_lat = fmin(lat + height, 90);
	width = farthest < 90 ? circle->radius / (SEMI_MAJOR * cos(farthest * RADIANS)) / RADIANS : 180;
	width = fmin(width + BOUNDS_SLACK, 180);
	circle->min_lng = circle->centre.lng - width;
	circle->max_lng = circle->centre.lng + width;
}

/* As promised in circle.h. */
GlStatus
gl_circle_build(double lat, double lng, double radius_m, GlCircle *out, GlError *error)
{
	double inside;
	double outside;

	if (!(fabs(lat) <= 90))
		return circle_invalid(error, "lat is not between -90 and 90", lat);
	if (!(fabs(lng) <= 180))
		return circle_invalid(error, "lng is not between -180 and 180", lng);
	if (!(radius_m > 0 && radius_m <= GL_CIRCLE_MAX_RADIUS))
		return circle_invalid(error, "the radius is not above 0 and up to 1000000 meters",
							  radius_m);
	error->where = -1;
	error->message[0] = '\0';
	out->centre = gl_earth_point(lat, lng);
	out->radius = radius_m;
	inside = fmax(arc_chord(radius_m, LEAST_RADIUS) - CHORD_SLACK, 0);
	outside = arc_chord(radius_m, GREATEST_RADIUS) + CHORD_SLACK +
			  1e-5 * pow(radius_m / GL_CIRCLE_MAX_RADIUS, 5);
	out->inside_below = inside * inside;
	out->outside_above = outside * outside;
	circle_bound(out);
	return GL_OK;
}

/* Distance strictly below the radius; the point's coordinates must be finite. */
bool
gl_circle_contains(const GlCircle *circle, const GlEarthPoint *point)
{
	double x = point->x - circle->centre.x;
	double y = point->y - circle->centre.y;
	double z = point->z - circle->centre.z;
	double chord2 = x * x + y * y + z * z;

	if (chord2 < circle->inside_below)
		return true;
	if (!(chord2 <= circle->outside_above))
		return false;
	return gl_geodesic_distance(circle->centre.lat, circle->centre.lng, point->lat, point->lng) <
		   circle->radius;
}

/* Sine and cosine of the reduced latitude, whose tangent is (1 - f) tan lat. */
static void
reduced_latitude(double lat, double *sine, double *cosine)
{
	double y = (1 - FLATTENING) * sin(lat * RADIANS);
	double x = cos(lat * RADIANS);
	double length = hypot(x, y);

	*sine = y / length;
	*cosine = x / length;
}

/*
 * T. Vincenty, "Direct and inverse solutions of geodesics on the ellipsoid
 * with application of nested equations", Survey Review XXIII (176), 1975,
 * equations (13) to (19), with A and B in Helmert's parameter k1 (Vincenty's
 * addendum of 1976).  It fails only near antipodes, which circles never ask
 * for.  See circle.h for the promise.
 */
double
gl_geodesic_distance(double lat1, double lng1, double lat2, double lng2)
{
	const double f = FLATTENING;
	double length = remainder(lng2 - lng1, 360) * RADIANS;
	double lambda = length;
	double sin_u1;
	double cos_u1;
	double sin_u2;
	double cos_u2;
	int i;

	reduced_latitude(lat1, &sin_u1, &cos_u1);
	reduced_latitude(lat2, &sin_u2, &cos_u2);
	for (i = 0; i < MAX_ITERATIONS; i++)
	{
		double east = cos_u2 * sin(lambda);
		double north = cos_u1 * sin_u2 - sin_u1 * cos_u2 * cos(lambda);
		double sin_sigma = hypot(east, north);
		double cos_sigma = sin_u1 * sin_u2 + cos_u1 * cos_u2 * cos(lambda);
		double sigma = atan2(sin_sigma, cos_sigma);
		double sin_alpha = sin_sigma == 0 ? 0 : cos_u1 * cos_u2 * sin(lambda) / sin_sigma;
		double cos2_alpha = 1 - sin_alpha * sin_alpha;
		/* On the equator cos2_alpha is 0 and the term is not needed. */
		double cos_2m = cos2_alpha <= 0 ? 0 : cos_sigma - 2 * sin_u1 * sin_u2 / cos2_alpha;
		double c = f / 16 * cos2_alpha * (4 + f * (4 - 3 * cos2_alpha));
		double ring = -1 + 2 * cos_2m * cos_2m;
		double next = length + (1 - c) * f * sin_alpha *
								   (sigma + c * sin_sigma * (cos_2m + c * cos_sigma * ring));

		if (fabs(next - lambda) < 1e-14)
		{
			double u2 = cos2_alpha * (SEMI_MAJOR * SEMI_MAJOR / (SEMI_MINOR * SEMI_MINOR) - 1);
			double k1 = (sqrt(1 + u2) - 1) / (sqrt(1 + u2) + 1);
			double a = (1 + k1 * k1 / 4) / (1 - k1);
			double b = k1 * (1 - 3 * k1 * k1 / 8);
			double last =
				b / 6 * cos_2m * (-3 + 4 * sin_sigma * sin_sigma) * (-3 + 4 * cos_2m * cos_2m);

			return SEMI_MINOR * a *
				   (sigma - b * sin_sigma * (cos_2m + b / 4 * (cos_sigma * ring - last)));
		}
		lambda = next;
	}
	return NAN;
}
