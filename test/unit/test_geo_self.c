/*
 * test_geo_self.c
 *	  gl_polygon_self_intersects: examples of each rule, then every pair of
 *	  edges judged in integers on small grids: test_geo_self [seed].
 */
#include <math.h>
#include <string.h>
#include <time.h>

#include "geo/polygon.h"
#include "check.h"

#define MAX_POINTS 60
#define MANY 100000

static GlArena arena = {check_alloc, NULL};
static uint64_t random_state;
static int reported;

static int
random_below(int limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (int) ((random_state >> 11) % (uint64_t) limit);
}

/* 1 or 0 as the ring intersects itself or not, -1 where it is no ring. */
static int
answer_for(const GlPoint *points, uint32_t size)
{
	GlPolygon *polygon;
	GlError error;
	bool answer;

	if (gl_polygon_build(points, &size, 1, size, &arena, NULL, &polygon, &error) != GL_OK)
		return -1;
	CHECK(gl_polygon_self_intersects(polygon, NULL, &answer, &error) == GL_OK);
	CHECK(answer == (error.where >= 0) && answer == (error.message[0] != '\0'));
	CHECK(!answer || error.where < polygon->point_count);
	return answer;
}

#define ANSWER(points) answer_for(points, sizeof(points) / sizeof((points)[0]))

static void
test_examples(void)
{
	static const GlPoint square[] = {{0, 0}, {0, 4}, {4, 4}, {4, 0}};
	static const GlPoint bowtie[] = {{0, 0}, {4, 4}, {4, 0}, {0, 4}};
	static const GlPoint spike[] = {{0, 0}, {0, 4}, {0, 2}, {4, 2}};
	static const GlPoint vertex_twice[] = {{0, 0}, {2, 2}, {0, 4}, {4, 4}, {2, 2}, {4, 0}};
	static const GlPoint touch[] = {{0, 0}, {0, 8}, {4, 8}, {0, 4}, {4, 0}};
	static const GlPoint pass[] = {{0, 0}, {0, 8}, {4, 8}, {0, 4}, {-4, 0}};
	static const GlPoint twice[] = {{0, 0}, {0, 4}, {4, 4}, {0, 0}, {0, 4}, {4, 4}};
	static const GlPoint across[] = {{0, 178}, {4, -178}, {4, 178}, {0, -178}};
	static const GlPoint across_simple[] = {{0, 178}, {0, -178}, {4, -178}, {4, 178}};
	static const GlPoint mixed[] = {{0, 170}, {0, 180}, {0, -180}, {10, -180}, {10, 170}};

	CHECK(ANSWER(square) == 0);
	CHECK(ANSWER(bowtie) == 1);
	CHECK(ANSWER(spike) == 1);
	CHECK(ANSWER(vertex_twice) == 0);
	CHECK(ANSWER(touch) == 0);
	CHECK(ANSWER(pass) == 1);
	CHECK(ANSWER(twice) == 1);
	CHECK(ANSWER(across) == 1);
	CHECK(ANSWER(across_simple) == 0);
	CHECK(ANSWER(mixed) == 0);
	check_free_all();
}

static int
side(const GlPoint *a, const GlPoint *b, const GlPoint *c)
{
	double cross = (b->lng - a->lng) * (c->lat - a->lat) - (b->lat - a->lat) * (c->lng - a->lng);

	return (cross > 0) - (cross < 0);
}

static bool
strictly_between(const GlPoint *a, const GlPoint *b, const GlPoint *c)
{
	return side(a, b, c) == 0 &&
		   (a->lat - c->lat) * (b->lat - c->lat) + (a->lng - c->lng) * (b->lng - c->lng) < 0;
}

static bool
same(const GlPoint *a, const GlPoint *b)
{
	return a->lat == b->lat && a->lng == b->lng;
}

/* The rules of polygon_self.c once more, for every pair; the ring has no repeated neighbours. */
static bool
judge(const GlPoint *p, int n)
{
	int i;
	int j;

	for (i = 0; i < n; i++)
		for (j = 0; j < n; j++)
		{
			const GlPoint *a = &p[i];
			const GlPoint *b = &p[(i + 1) % n];
			const GlPoint *before = &p[(j + n - 1) % n];
			const GlPoint *c = &p[j];
			const GlPoint *d = &p[(j + 1) % n];

			if (i == j)
				continue;
			if (side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0)
				return true;
			if (side(a, b, c) == 0 && side(a, b, d) == 0 &&
				(strictly_between(a, b, c) || strictly_between(a, b, d) ||
				 (same(a, c) && same(b, d)) || (same(a, d) && same(b, c))))
				return true;
			if (strictly_between(a, b, c) && side(a, b, before) * side(a, b, d) < 0)
				return true;
		}
	return false;
}

static void
test_grids(void)
{
	int yes = 0;
	int no = 0;
	int round;

	for (round = 0; round < 30000; round++)
	{
		GlPoint points[MAX_POINTS];
		int size = 3 + random_below(round % 50 == 0 ? MAX_POINTS - 3 : 5);
		int grid = 2 + random_below(6);
		int count = 0;
		int answer;

		while (size-- > 0)
		{
			points[count].lat = random_below(grid);
			points[count].lng = random_below(grid);
			if (count == 0 || !same(&points[count], &points[count - 1]))
				count++;
		}
		while (count > 1 && same(&points[count - 1], &points[0]))
			count--;
		answer = answer_for(points, count);
		check_free_all();
		if (answer < 0)
			continue;
		yes += answer == 1;
		no += answer == 0;
		CHECK(answer == judge(points, count));
		if (answer != judge(points, count) && reported++ < 3)
			for (size = 0; size < count; size++)
				fprintf(stderr, "(%g %g)%s", points[size].lat, points[size].lng,
						size + 1 == count ? "\n" : " ");
	}
	CHECK(yes > 1000 && no > 1000);
}

static bool
never(void *context)
{
	++*(int *) context;
	return *(int *) context > 1000000;
}

/* A circle of many vertices is searched in near linear time; a hostile comb ends at the budget. */
static void
test_many(void)
{
	GlPoint *points = check_alloc(NULL, sizeof(GlPoint) * MANY);
	const uint32_t size = MANY;
	int asked = 0;
	GlStop stop = {never, &asked};
	GlPolygon *polygon;
	GlError error;
	bool answer;
	uint32_t i;

	for (i = 0; i < MANY; i++)
	{
		points[i].lat = 40 * sin(6.283185307 * i / MANY);
		points[i].lng = 60 * cos(6.283185307 * i / MANY);
	}
	CHECK(gl_polygon_build(points, &size, 1, MANY, &arena, NULL, &polygon, &error) == GL_OK);
	CHECK(gl_polygon_self_intersects(polygon, &stop, &answer, &error) == GL_OK && !answer);
	CHECK(asked < 200);
	/* Slanted teeth, each as long as the whole: every box meets every other. */
	for (i = 0; i < MANY; i++)
	{
		points[i].lat = (i % 2 ? 60 : 0) + 10.0 * i / MANY;
		points[i].lng = (i % 2 ? 60 : 0) - 10.0 * i / MANY;
	}
	CHECK(gl_polygon_build(points, &size, 1, MANY, &arena, NULL, &polygon, &error) == GL_OK);
	CHECK(gl_polygon_self_intersects(polygon, &stop, &answer, &error) == GL_LIMIT && !answer);
	asked = 1000000;
	CHECK(gl_polygon_self_intersects(polygon, &stop, &answer, &error) == GL_STOPPED);
	check_free_all();
}

int
main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t) time(NULL);

	printf("seed %llu\n", (unsigned long long) seed);
	random_state = seed * 2654435761u + 88172645463325252u;
	test_examples();
	test_grids();
	test_many();
	return check_report("test_geo_self");
}
