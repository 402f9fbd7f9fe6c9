/*
 * test_geo_polygon.c
 *	  gl_polygon_covers against an exact judge, random but repeatable:
 *	  test_geo_polygon [seed].
 *
 * The judge knows nothing of trees, filters or turns: every coordinate is a
 * multiple of 2^-45, so it is an integer of 55 bits, and all that even-odd
 * needs is exact in __int128.  Small grids make the rare cases common:
 * points on vertices, on edges, on the latitude of horizontal edges, spikes.
 */
#include <math.h>
#include <string.h>
#include <time.h>

#include "geo/polygon.h"
#include "check.h"

#define MAX_POINTS 400
#define MAX_RINGS 4
#define UNIT 35184372088832.0 /* 2^45 */

typedef __int128 Wide;

typedef struct Case
{
	GlPoint points[MAX_POINTS];
	uint32_t sizes[MAX_RINGS];
	uint32_t rings;
	uint32_t count;
} Case;

static GlArena arena = {check_alloc, NULL};
static uint64_t random_state;
static int reported;

static uint64_t
random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static int
random_below(int limit)
{
	return (int) ((random_next() >> 11) % (uint64_t) limit);
}

static double
random_unit(void)
{
	return (double) (random_next() >> 11) / 9007199254740992.0;
}

/* The nearest multiple of 2^-45. */
static double
quantized(double value)
{
	return nearbyint(value * UNIT) / UNIT;
}

static Wide
wide(double value)
{
	return (Wide) (int64_t) (value * UNIT);
}

/* Odd crossings 1, even 0, on an edge 2; the ring is unwrapped here, in integers. */
static int
judge_ring(const GlPoint *points, uint32_t size, Wide lat, Wide lng)
{
	const Wide turn = 360 * (Wide) UNIT;
	Wide shift = 0;
	int parity = 0;
	uint32_t i;

	for (i = 0; i < size; i++)
	{
		const GlPoint *next = &points[(i + 1) % size];
		Wide ax = wide(points[i].lng) + shift - lng;
		Wide ay = wide(points[i].lat) - lat;
		Wide span = wide(next->lng) - wide(points[i].lng);
		Wide bx;
		Wide by = wide(next->lat) - lat;
		Wide cross;

		if (span > turn / 2)
			shift -= turn;
		else if (-span > turn / 2)
			shift += turn;
		bx = wide(next->lng) + shift - lng;
		cross = ax * by - ay * bx;
		if (cross == 0 && ((ax <= 0 && bx >= 0) || (ax >= 0 && bx <= 0)) &&
			((ay <= 0 && by >= 0) || (ay >= 0 && by <= 0)))
			return 2;
		if ((ay > 0) != (by > 0) && (cross > 0) == (by > 0))
			parity ^= 1;
	}
	return parity;
}

static bool
judge_covers(const Case *test, double lat, double lng)
{
	int parity = 0;
	int turn;

	for (turn = -1; turn <= 1; turn++)
	{
		const GlPoint *points = test->points;
		uint32_t i;

		for (i = 0; i < test->rings; i++)
		{
			int answer =
				judge_ring(points, test->sizes[i], wide(lat), wide(lng) + turn * 360 * (Wide) UNIT);

			if (answer == 2)
				return true;
			parity ^= answer;
			points += test->sizes[i];
		}
	}
	return parity == 1;
}

static void
report(const Case *test, double lat, double lng)
{
	uint32_t i;

	if (reported++ > 3)
		return;
	fprintf(stderr, "differs at lat %.17g lng %.17g, rings", lat, lng);
	for (i = 0; i < test->rings; i++)
		fprintf(stderr, " %u", test->sizes[i]);
	for (i = 0; i < test->count; i++)
		fprintf(stderr, " (%.17g %.17g)", test->points[i].lat, test->points[i].lng);
	fprintf(stderr, "\n");
}

static void
ask(const Case *test, const GlPolygon *polygon, double lat, double lng)
{
	bool same;

	if (fabs(lat) > 90 || fabs(lng) > 180 || lat * UNIT != nearbyint(lat * UNIT) ||
		lng * UNIT != nearbyint(lng * UNIT))
		return;
	same = gl_polygon_covers(polygon, lat, lng) == judge_covers(test, lat, lng);
	if (!same)
		report(test, lat, lng);
	CHECK(same);
}

static GlPolygon *
build(const Case *test)
{
	GlPolygon *polygon;
	GlError error;

	if (gl_polygon_build(test->points, test->sizes, test->rings, MAX_POINTS, &arena, NULL, &polygon,
						 &error) != GL_OK)
		return NULL;
	CHECK(gl_polygon_check_image(polygon, polygon->size));
	return polygon;
}

/* A longitude of the unwrapped plane as callers write it; exact for multiples of 2^-45. */
static double
wrapped(double lng)
{
	if (lng > 180)
		return lng - 360;
	return lng < -180 ? lng + 360 : lng;
}

/*
 * Gives points on the antimeridian either of their names.  The first point of
 * each ring stays off it, so that no ring lies on it altogether (which has a
 * reading of its own, see test_geo_build.c).
 */
static void
rename_walls(Case *test, double lng)
{
	uint32_t first = 0;
	uint32_t ring;
	uint32_t i;

	for (ring = 0; ring < test->rings; ring++)
	{
		test->points[first].lng = lng;
		first += test->sizes[ring];
	}
	for (i = 0; i < test->count; i++)
		if (fabs(test->points[i].lng) == 180 && random_below(2) == 0)
			test->points[i].lng = -test->points[i].lng;
}

/* Rings of random points of a grid of side x side, whose corner is (lat, lng). */
static void
make_grid_case(Case *test, double lat, double lng, double step, int side, int longest)
{
	uint32_t ring;

	test->rings = 1 + random_below(MAX_RINGS);
	test->count = 0;
	for (ring = 0; ring < test->rings; ring++)
	{
		int size = 3 + random_below(longest - 2);

		test->sizes[ring] = size;
		while (size-- > 0)
		{
			GlPoint *point = &test->points[test->count++];

			point->lat = lat + step * random_below(side);
			point->lng = wrapped(lng + step * random_below(side));
		}
	}
}

/* Every point of the grid and every half step between. */
static void
test_grids(double lat, double lng, double step, int rounds, int longest, bool walls)
{
	int round;

	for (round = 0; round < rounds; round++)
	{
		Case test;
		GlPolygon *polygon;
		int side = 2 + random_below(7);
		int i;

		make_grid_case(&test, lat, lng, step, side, longest);
		if (walls)
			rename_walls(&test, lng);
		polygon = build(&test);
		for (i = 0; polygon != NULL && i < (2 * side + 1) * (2 * side + 1); i++)
		{
			double row = lat + step / 2 * (i / (2 * side + 1) - 1);
			double column = wrapped(lng + step / 2 * (i % (2 * side + 1) - 1));

			ask(&test, polygon, row, column);
			if (fabs(column) == 180)
				ask(&test, polygon, row, -column);
		}
		check_free_all();
	}
}

/* A random walk of many vertices: several levels of boxes, points near its edges. */
static void
make_walk_case(Case *test, double lat, double lng)
{
	uint32_t i;

	test->rings = 1 + random_below(2);
	test->count = 0;
	for (i = 0; i < test->rings; i++)
	{
		uint32_t j;
		double phase = 0;

		test->sizes[i] = 3 + random_below(MAX_POINTS / 2 - 3);
		for (j = 0; j < test->sizes[i]; j++)
		{
			GlPoint *point = &test->points[test->count++];
			double radius = 1 + random_unit();

			phase += 6.28 / test->sizes[i];
			point->lat = quantized(lat + radius * sin(phase));
			point->lng = wrapped(quantized(lng + radius * cos(phase)));
		}
	}
}

/* Points that floating point puts on an edge, and their neighbours one ulp away. */
static void
ask_near_edge(const Case *test, const GlPolygon *polygon, uint32_t slot)
{
	GlEdge edge;
	double share = random_below(4) == 0 ? 0.5 : random_unit();
	double lat;
	double lng;
	int i;

	if (!gl_polygon_edge(polygon, slot, &edge))
		return;
	lat = quantized(edge.from.lat + share * (edge.to.lat - edge.from.lat));
	lng = edge.from.lng +
		  share * (edge.to.lng - edge.from.lng + 360 * (edge.to.turn - edge.from.turn));
	lng = wrapped(quantized(lng));
	for (i = 0; i < 9; i++)
		ask(test, polygon, lat + (i / 3 - 1) / UNIT, lng + (i % 3 - 1) / UNIT);
	ask(test, polygon, nextafter(lat, -90), lng);
	ask(test, polygon, lat, nextafter(lng, 180));
	ask(test, polygon, edge.from.lat, edge.from.lng);
	ask(test, polygon, edge.from.lat, wrapped(lng));
}

static void
test_walks(double lat, double lng, int rounds)
{
	int round;

	for (round = 0; round < rounds; round++)
	{
		Case test;
		GlPolygon *polygon;
		int i;

		make_walk_case(&test, lat, lng);
		polygon = build(&test);
		CHECK(polygon != NULL);
		if (polygon == NULL)
			continue;
		for (i = 0; i < 40; i++)
		{
			ask_near_edge(&test, polygon, random_below(polygon->point_count));
			ask(&test, polygon, quantized(lat + 5 * random_unit() - 2.5),
				wrapped(quantized(lng + 5 * random_unit() - 2.5)));
		}
		check_free_all();
	}
}

static GlPlanePoint
random_plane_point(bool tiny)
{
	GlPlanePoint point;

	point.lat = random_below(4) * (tiny ? ldexp(1, -random_below(1075)) : 0.125);
	point.lng = random_below(4) * (tiny ? ldexp(1, -random_below(1075)) : 0.125);
	point.turn = random_below(4) == 0 ? random_below(5) - 2 : 0;
	return point;
}

/* Laws that hold for every orientation, down to the smallest doubles. */
static void
test_orientation(void)
{
	GlPlanePoint zero = {0, 0, 0};
	GlPlanePoint small = {5e-324, 5e-324, 0};
	GlPlanePoint east = {0, 5e-324, 0};
	int i;

	CHECK(gl_edge_orientation(&zero, &east, &small) == 1);
	CHECK(gl_edge_orientation(&zero, &small, &east) == -1);
	CHECK(gl_edge_orientation(&zero, &small, &small) == 0);
	for (i = 0; i < 100000; i++)
	{
		GlPlanePoint a = random_plane_point(i % 2 == 0);
		GlPlanePoint b = random_plane_point(i % 2 == 0);
		GlPlanePoint c = random_plane_point(i % 2 == 0);
		int sign = gl_edge_orientation_exact(&a, &b, &c);

		CHECK(gl_edge_orientation(&a, &b, &c) == sign);
		CHECK(gl_edge_orientation_exact(&b, &c, &a) == sign);
		CHECK(gl_edge_orientation_exact(&c, &b, &a) == -sign);
	}
}

/* An image with any one byte changed is refused or safe (the sanitizers watch). */
static void
test_image_damage(void)
{
	Case test;
	GlPolygon *polygon;
	char *copy;
	size_t i;

	make_grid_case(&test, 10, 175, 1, 8, 60);
	polygon = build(&test);
	CHECK(polygon != NULL);
	if (polygon == NULL)
		return;
	copy = check_alloc(NULL, polygon->size);
	memcpy(copy, polygon, polygon->size);
	CHECK(gl_polygon_check_image(copy, polygon->size));
	CHECK(gl_polygon_covers((GlPolygon *) copy, 12.25, 178) ==
		  gl_polygon_covers(polygon, 12.25, 178));
	CHECK(!gl_polygon_check_image(copy, polygon->size - 1));
	CHECK(!gl_polygon_check_image(copy, 8));
	CHECK(!gl_polygon_check_image(copy + 4, polygon->size));
	CHECK(!gl_polygon_check_image(NULL, 0));
	for (i = 0; i < polygon->size; i++)
	{
		bool in_counts = i < offsetof(GlPolygon, min_lat);
		bool safe;
		bool answer;
		GlError error;

		copy[i] ^= (char) (1 + random_below(255));
		safe = gl_polygon_check_image(copy, polygon->size);
		CHECK(!(safe && in_counts));
		if (safe)
		{
			gl_polygon_covers((GlPolygon *) copy, 12.25, 178);
			gl_polygon_covers((GlPolygon *) copy, 12, -179);
			gl_polygon_self_intersects((GlPolygon *) copy, NULL, &answer, &error);
		}
		copy[i] = ((char *) polygon)[i];
	}
	check_free_all();
}

int
main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t) time(NULL);

	printf("seed %llu\n", (unsigned long long) seed);
	random_state = seed * 2654435761u + 88172645463325252u;
	test_grids(-3, -3, 1, 1500, 12, false);
	test_grids(40, 28, 1 / 1048576.0, 500, 90, false);
	test_grids(-90, 176, 1, 1000, 12, false);
	test_grids(10, 178, 1, 1000, 12, true);
	test_grids(84, -183, 1, 500, 12, false);
	test_walks(41, 29, 150);
	test_walks(35.7, 179.3, 150);
	test_walks(-45, -180, 100);
	test_orientation();
	test_image_damage();
	return check_report("test_geo_polygon");
}
