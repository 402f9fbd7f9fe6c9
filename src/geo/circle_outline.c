/*-------------------------------------------------------------------------
 *
 * circle_outline.c
 *	  A circle's rim as a ring of points, to draw it or to hand it to a
 *	  program that knows polygons only.
 *
 * A point in a given direction is first put where a sphere has it, then moved
 * along that direction until the geodesic says that it is the radius away.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>

#include "geo/circle.h"

#define RADIANS (M_PI / 180)
#define MEAN_RADIUS 6371008.8
#define CORRECTIONS 4 /* each divides the error by some 300: 3 km, 10 m, 3 cm, 0.1 mm */

static GlPoint
sphere_point(const GlEarthPoint *centre, double bearing, double arc)
{
	double lat = centre->lat * RADIANS;
	double sine = sin(lat) * cos(arc) + cos(lat) * sin(arc) * cos(bearing);
	double east = sin(bearing) * sin(arc) * cos(lat);
	double north = cos(arc) - sin(lat) * sine;
	GlPoint point;

	point.lat = asin(fmax(-1, fmin(1, sine))) / RADIANS;
	point.lng = remainder(centre->lng + atan2(east, north) / RADIANS, 360);
	return point;
}

/* As promised in circle.h. */
void
gl_circle_outline(const GlCircle *circle, uint32_t count, GlPoint *points)
{
	for (uint32_t i = 0; i < count; i++)
	{
		double bearing = -2 * M_PI * i / count;
		double arc = circle->radius / MEAN_RADIUS;

		points[i] = sphere_point(&circle->centre, bearing, arc);
		for (int n = 0; n < CORRECTIONS; n++)
		{
			double reached = gl_geodesic_distance(circle->centre.lat, circle->centre.lng,
												  points[i].lat, points[i].lng);

			if (!(reached > 0))
				break;
			arc *= circle->radius / reached;
			points[i] = sphere_point(&circle->centre, bearing, arc);
		}
	}
}
