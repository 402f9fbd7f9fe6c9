/*
 * test_geo_build.c
 *	  What gl_polygon_build accepts and refuses, and the places where a plane
 *	  of latitude and longitude is not the earth: antimeridian, poles, walls.
 */
#include <math.h>
#include <string.h>

#include "geo/polygon.h"
#include "check.h"

#define MANY 100000

static GlArena arena = {check_alloc, NULL};
static GlError error;
static GlPolygon *polygon;

static GlStatus
build(const GlPoint *points, uint32_t size, uint32_t max_vertices)
{
	return gl_polygon_build(points, &size, 1, max_vertices, &arena, NULL, &polygon, &error);
}

#define BUILD(points) build(points, sizeof(points) / sizeof((points)[0]), 1000)

static void
test_refusals(void)
{
	static const GlPoint two[] = {{0, 0}, {1, 1}, {0, 0}, {1, 1}};
	static const GlPoint bad_lat[] = {{0, 0}, {1, 1}, {90.5, 0}};
	static const GlPoint bad_lng[] = {{0, 0}, {1, -180.00000000000003}, {9, 0}};
	static const GlPoint good[] = {{0, 0}, {1, 1}, {0, 1}};
	const GlPoint not_number[] = {{NAN, 0}, {1, 1}, {0, 1}};
	const GlPoint infinite[] = {{0, 0}, {1, INFINITY}, {0, 1}};
	const uint32_t sizes[] = {3, 0};

	CHECK(BUILD(two) == GL_INVALID && error.where == 0 && polygon == NULL);
	CHECK(build(good, 0, 10) == GL_INVALID);
	CHECK(BUILD(bad_lat) == GL_INVALID && error.where == 2);
	CHECK(strstr(error.message, "90.5") != NULL);
	CHECK(BUILD(bad_lng) == GL_INVALID && error.where == 1);
	CHECK(BUILD(not_number) == GL_INVALID && error.where == 0);
	CHECK(BUILD(infinite) == GL_INVALID && error.where == 1);
	CHECK(build(good, 3, 2) == GL_INVALID && strstr(error.message, "more than 2") != NULL);
	CHECK(build(good, 3, 3) == GL_OK && polygon != NULL);
	CHECK(gl_polygon_build(good, sizes, 2, 10, &arena, NULL, &polygon, &error) == GL_INVALID);
	CHECK(error.where == 3);
	CHECK(gl_polygon_build(good, sizes, 0, 10, &arena, NULL, &polygon, &error) == GL_INVALID);
	CHECK(error.where == -1);
	check_free_all();
}

/* Open and closed rings, and repeated points, are the same polygon. */
static void
test_same_image(void)
{
	static const GlPoint open[] = {{0, 0}, {0, 4}, {4, 4}};
	static const GlPoint closed[] = {{0, 0}, {0, 4}, {4, 4}, {0, 0}};
	static const GlPoint repeated[] = {{0, 0}, {0, 4}, {0, 4}, {4, 4}, {0, -0.0}, {0, 0}};
	GlPolygon *first;

	CHECK(BUILD(open) == GL_OK);
	first = polygon;
	CHECK(first->point_count == 4);
	CHECK(BUILD(closed) == GL_OK);
	CHECK(polygon->size == first->size && memcmp(polygon, first, first->size) == 0);
	CHECK(BUILD(repeated) == GL_OK);
	CHECK(polygon->size == first->size && memcmp(polygon, first, first->size) == 0);
	CHECK(!gl_polygon_covers(polygon, NAN, 1));
	CHECK(!gl_polygon_covers(polygon, 1, NAN));
	CHECK(!gl_polygon_covers(polygon, INFINITY, 1));
	CHECK(gl_polygon_covers(polygon, 1, 2) && gl_polygon_covers(polygon, 2, 2));
	check_free_all();
}

static void
test_antimeridian(void)
{
	/* Fiji and its hole, the hole given with the other sign. */
	static const GlPoint fiji[] = {{-20, 177},  {-20, -178}, {-15, -178},  {-15, 177},
								   {-18, -179}, {-17, -179}, {-17, -178.5}};
	static const GlPoint mixed_signs[] = {{0, 170}, {0, 180}, {10, -180}, {10, 170}};
	static const GlPoint east_first[] = {{0, -170}, {0, 170}, {10, 170}, {10, -170}};
	static const GlPoint half[] = {{0, 0}, {0, 180}, {10, 180}, {10, 0}};
	const uint32_t sizes[] = {4, 3};

	CHECK(gl_polygon_build(fiji, sizes, 2, 10, &arena, NULL, &polygon, &error) == GL_OK);
	CHECK(gl_polygon_covers(polygon, -16, 178) && gl_polygon_covers(polygon, -16, -179.5));
	CHECK(gl_polygon_covers(polygon, -16, 180) && gl_polygon_covers(polygon, -16, -180));
	CHECK(!gl_polygon_covers(polygon, -16, 0) && !gl_polygon_covers(polygon, -16, -177.9));
	CHECK(!gl_polygon_covers(polygon, -17.1, -178.6));
	CHECK(gl_polygon_covers(polygon, -17.5, -178.75));
	CHECK(gl_polygon_covers(polygon, -20, 177) && gl_polygon_covers(polygon, -15, -178));
	CHECK(gl_polygon_covers(polygon, -20, -178));
	CHECK(!gl_polygon_covers(polygon, -20, nextafter(-178, 0)));
	CHECK(!gl_polygon_covers(polygon, -20, nextafter(177, 0)));
	CHECK(BUILD(mixed_signs) == GL_OK);
	CHECK(gl_polygon_covers(polygon, 5, 175) && gl_polygon_covers(polygon, 5, -180));
	CHECK(!gl_polygon_covers(polygon, 5, -179) && !gl_polygon_covers(polygon, 5, 0));
	CHECK(BUILD(east_first) == GL_OK);
	CHECK(gl_polygon_covers(polygon, 5, 175) && gl_polygon_covers(polygon, 5, -175));
	CHECK(!gl_polygon_covers(polygon, 5, 0));
	/* Exactly 180 degrees do not cross; a point on the wall has two names. */
	CHECK(BUILD(half) == GL_OK && polygon->has_turns == 0);
	CHECK(gl_polygon_covers(polygon, 5, 90) && !gl_polygon_covers(polygon, 5, -90));
	CHECK(gl_polygon_covers(polygon, 5, 180) && gl_polygon_covers(polygon, 5, -180));
	check_free_all();
}

/* 180 degrees and a hair more, where the difference rounds to 180. */
static void
test_half_turn_exact(void)
{
	const double hair = 1e-20;
	const GlPoint over[] = {{0, -hair}, {0, 180}, {10, 180}, {10, -hair}};
	const GlPoint level[] = {{0, hair}, {0, 180}, {10, 180}, {10, hair}};
	const GlPoint over_west[] = {{0, 180}, {0, -1e-300}, {10, -1e-300}, {10, 180}};
	const GlPoint over_east[] = {{0, -180}, {0, 1e-300}, {10, 1e-300}, {10, -180}};

	CHECK(BUILD(over_east) == GL_OK && polygon->has_turns == 1);
	CHECK(gl_polygon_covers(polygon, 5, 90) && !gl_polygon_covers(polygon, 5, -90));
	CHECK(BUILD(over) == GL_OK && polygon->has_turns == 1);
	CHECK(gl_polygon_covers(polygon, 5, -90) && !gl_polygon_covers(polygon, 5, 90));
	CHECK(BUILD(level) == GL_OK && polygon->has_turns == 0);
	CHECK(gl_polygon_covers(polygon, 5, 90) && !gl_polygon_covers(polygon, 5, -90));
	CHECK(BUILD(over_west) == GL_OK && polygon->has_turns == 1);
	CHECK(gl_polygon_covers(polygon, 5, -90) && !gl_polygon_covers(polygon, 5, 90));
	check_free_all();
}

static void
test_poles_and_walls(void)
{
	static const GlPoint world[] = {{-90, -180}, {-90, 180}, {90, 180}, {90, -180}};
	static const GlPoint cap[] = {{-70, -180}, {-75, -90}, {-65, 0},   {-75, 90},
								  {-70, 180},  {-90, 180}, {-90, -180}};
	static const GlPoint around[] = {{80, 0}, {80, 120}, {80, -120}};
	static const GlPoint spiral[] = {{10, 0},   {10, 120},  {10, -120}, {20, 0},
									 {20, 120}, {20, -120}, {30, -120}, {30, 120},
									 {30, 0},   {28, -120}, {28, 120}};
	static const GlPoint polar[] = {{80, 10}, {80, 50}, {90, 50}, {90, 10}};

	CHECK(BUILD(world) == GL_OK);
	CHECK(gl_polygon_covers(polygon, 0, 0) && gl_polygon_covers(polygon, 90, 77));
	CHECK(gl_polygon_covers(polygon, -90, -180) && gl_polygon_covers(polygon, 0, 180));
	CHECK(BUILD(cap) == GL_OK);
	CHECK(gl_polygon_covers(polygon, -80, 0) && gl_polygon_covers(polygon, -90, 12));
	CHECK(gl_polygon_covers(polygon, -72, 180) && gl_polygon_covers(polygon, -72, -180));
	CHECK(!gl_polygon_covers(polygon, -60, 0) && !gl_polygon_covers(polygon, -69, 180));
	CHECK(BUILD(around) == GL_INVALID && strstr(error.message, "pole") != NULL);
	CHECK(BUILD(spiral) == GL_INVALID);
	CHECK(BUILD(polar) == GL_OK);
	CHECK(gl_polygon_covers(polygon, 90, 30) && !gl_polygon_covers(polygon, 90, 60));
	check_free_all();
}

static bool
stop_at_once(void *context)
{
	++*(int *) context;
	return true;
}

/* A hundred thousand jagged vertices: small image, quick answers, stops when told. */
static void
test_many(void)
{
	GlPoint *points = check_alloc(NULL, sizeof(GlPoint) * MANY);
	const uint32_t size = MANY;
	int asked = 0;
	GlStop stop = {stop_at_once, &asked};
	uint32_t i;

	for (i = 0; i < MANY; i++)
	{
		points[i].lat = i == 0 || i == MANY - 1 ? -60 : i % 2 ? 50 : -50;
		points[i].lng = -80 + 160.0 * i / MANY;
	}
	CHECK(gl_polygon_build(points, &size, 1, MANY, &arena, &stop, &polygon, &error) == GL_STOPPED);
	CHECK(asked == 1 && polygon == NULL);
	CHECK(build(points, size, MANY) == GL_OK);
	CHECK(polygon->size < sizeof(GlPolygon) + 18 * (size_t) MANY);
	CHECK(gl_polygon_check_image(polygon, polygon->size));
	for (i = 1; i < MANY; i += 97)
	{
		CHECK(gl_polygon_covers(polygon, points[i].lat, points[i].lng));
		CHECK(!gl_polygon_covers(polygon, nextafter(50, 90), points[i].lng));
	}
	check_free_all();
}

int
main(void)
{
	test_refusals();
	test_same_image();
	test_antimeridian();
	test_half_turn_exact();
	test_poles_and_walls();
	test_many();
	return check_report("test_geo_build");
}
