/*
 * test_geo_circle.c
 *	  Circles and geodesics against test/data/geodesic_reference.txt (made by
 *	  GeographicLib; its head says how), and circles against the geodesic on
 *	  random pairs: test_geo_circle [reference file [seed]].
 *
 * The bar is 1 mm to 20 km and 1 cm to 1,000 km.  What is asserted is 1 um
 * at any distance, which the design reaches because the doubtful band is
 * solved and not corrected.
 */
#include <math.h>
#include <string.h>
#include <time.h>

#include "geo/circle.h"
#include "check.h"

#define TOLERANCE(distance) (1e-6 + 1e-11 * (distance)) /* meters */

static uint64_t random_state;
static double worst_error;

static double
random_unit(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (double) (random_state >> 11) / 9007199254740992.0;
}

static bool
contains(double lat, double lng, double radius, double point_lat, double point_lng)
{
	GlEarthPoint point = gl_earth_point(point_lat, point_lng);
	GlCircle circle;
	GlError error;
	GlStatus status = gl_circle_build(lat, lng, radius, &circle, &error);

	CHECK(status == GL_OK);
	return status == GL_OK && gl_circle_contains(&circle, &point);
}

/* The bounds may be larger than the circle, never smaller. */
static bool
bounded(const GlCircle *circle, double lat, double lng)
{
	int turn;

	if (lat < circle->min_lat || lat > circle->max_lat)
		return false;
	for (turn = -1; turn <= 1; turn++)
		if (lng + 360 * turn >= circle->min_lng && lng + 360 * turn <= circle->max_lng)
			return true;
	return false;
}

/* Everything that must hold for two points at a known distance. */
static void
check_pair(double lat1, double lng1, double lat2, double lng2, double distance)
{
	double larger = fmin(distance + TOLERANCE(distance), GL_CIRCLE_MAX_RADIUS);
	GlCircle circle;
	GlError error;

	if (distance < GL_CIRCLE_MAX_RADIUS - TOLERANCE(distance))
	{
		CHECK(contains(lat1, lng1, larger, lat2, lng2));
		CHECK(contains(lat2, lng2, larger, lat1, lng1));
	}
	if (distance > TOLERANCE(distance))
	{
		double smaller = fmin(distance - TOLERANCE(distance), GL_CIRCLE_MAX_RADIUS);

		CHECK(!contains(lat1, lng1, smaller, lat2, lng2));
		CHECK(!contains(lat2, lng2, smaller, lat1, lng1));
	}
	CHECK(gl_circle_build(lat1, lng1, larger, &circle, &error) == GL_OK);
	CHECK(bounded(&circle, lat2, lng2) || distance > larger);
}

static void
test_reference(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[200];
	int count = 0;

	CHECK(file != NULL);
	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL)
	{
		double v[5];
		double error;

		if (line[0] == '#')
			continue;
		if (sscanf(line, "%lf %lf %lf %lf %lf", &v[0], &v[1], &v[2], &v[3], &v[4]) != 5)
		{
			CHECK(!"a line of five numbers");
			continue;
		}
		count++;
		error = fabs(gl_geodesic_distance(v[0], v[1], v[2], v[3]) - v[4]);
		worst_error = fmax(worst_error, error);
		CHECK(error < TOLERANCE(v[4]));
		check_pair(v[0], v[1], v[2], v[3], v[4]);
	}
	fclose(file);
	CHECK(count > 400);
}

/*
 * Both thresholds on random pairs of any size and direction: the circle whose
 * radius is just above or below the geodesic must agree with it.
 */
static void
test_random(void)
{
	int i;

	for (i = 0; i < 100000; i++)
	{
		double size = pow(10, -5 * random_unit());
		double lat1 = i % 4 == 0 ? 90 - 180 * (double) (i % 8 == 0) : 180 * random_unit() - 90;
		double lng1 = 360 * random_unit() - 180;
		double lat2 = fmax(-90, fmin(90, lat1 + 20 * size * (random_unit() - 0.5)));
		double lng2 = remainder(
			lng1 + 20 * size * (random_unit() - 0.5) / fmax(cos(lat1 * M_PI / 180), 0.02), 360);
		double distance = gl_geodesic_distance(lat1, lng1, lat2, lng2);

		CHECK(isfinite(distance));
		if (distance > 0 && distance < GL_CIRCLE_MAX_RADIUS)
			check_pair(lat1, lng1, lat2, lng2, distance);
	}
}

static void
test_rules(void)
{
	GlCircle circle;
	GlError error;
	GlEarthPoint nowhere = gl_earth_point(NAN, 0);
	double distance = gl_geodesic_distance(41, 29, 41.01, 29.01);

	CHECK(gl_circle_build(91, 0, 1, &circle, &error) == GL_INVALID);
	CHECK(gl_circle_build(0, -180.5, 1, &circle, &error) == GL_INVALID);
	CHECK(gl_circle_build(NAN, 0, 1, &circle, &error) == GL_INVALID);
	CHECK(gl_circle_build(0, INFINITY, 1, &circle, &error) == GL_INVALID);
	CHECK(gl_circle_build(0, 0, 0, &circle, &error) == GL_INVALID);
	CHECK(gl_circle_build(0, 0, -1, &circle, &error) == GL_INVALID);
	CHECK(gl_circle_build(0, 0, NAN, &circle, &error) == GL_INVALID);
	CHECK(gl_circle_build(0, 0, 1000000.1, &circle, &error) == GL_INVALID);
	CHECK(error.message[0] != '\0');
	CHECK(gl_circle_build(0, 0, 1000000, &circle, &error) == GL_OK);
	CHECK(!gl_circle_contains(&circle, &nowhere));
	/* Strict: a point at the radius is outside, the next radius has it. */
	CHECK(!contains(41, 29, distance, 41.01, 29.01));
	CHECK(contains(41, 29, nextafter(distance, 1e6), 41.01, 29.01));
	CHECK(contains(41, 29, 1e-9, 41, 29));
	CHECK(contains(90, 0, 1, 90, 120));
	CHECK(contains(0, 180, 1, 0, -180));
	/* A degree of the equator, and a quarter of the way to the pole. */
	CHECK(fabs(gl_geodesic_distance(0, 0, 0, 1) - 111319.490793) < 1e-5);
	CHECK(fabs(gl_geodesic_distance(0, 179.5, 0, -179.5) - 111319.490793) < 1e-5);
	CHECK(fabs(gl_geodesic_distance(80, 0, 90, 33) - 1116825.857) < 1e-2);
}

int
main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "test/data/geodesic_reference.txt";
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t) time(NULL);

	printf("seed %llu\n", (unsigned long long) seed);
	random_state = seed * 2654435761u + 88172645463325252u;
	test_rules();
	test_reference(path);
	test_random();
	check_free_all();
	printf("worst error of a geodesic: %.3g m\n", worst_error);
	return check_report("test_geo_circle");
}
