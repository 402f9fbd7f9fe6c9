/*
 * test_geo_overlap.c
 *	  Overlaps of shapes against a grid of points: a grid point strictly inside
 *	  both proves an overlap, and a sample point must be strictly inside both.
 *	  The rim of a circle against the geodesic.
 *
 *	  test_geo_overlap [SEED]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "check.h"
#include "geo/overlap.h"

#define GRID 24

static GlArena arena = {check_alloc, NULL};

static double
draw(double low, double high)
{
	return low + (high - low) * ((double) rand() / RAND_MAX);
}

/* Corners on a coarse grid, so that edges and corners often touch. */
static GlPolygon *
draw_polygon(double lng)
{
	GlPoint points[12];
	uint32_t size = 3 + (uint32_t) (rand() % 8);
	GlPolygon *polygon = NULL;
	GlError error;

	for (uint32_t i = 0; i < size; i++)
	{
		points[i].lat = rand() % 7;
		points[i].lng = remainder(lng + rand() % 7, 360);
	}
	if (gl_polygon_build(points, &size, 1, 100, &arena, NULL, &polygon, &error) != GL_OK)
		return NULL;
	return polygon;
}

/* A point of a fine grid that is strictly inside both, off all coarse lines. */
static bool
grid_says(const GlPolygon *a, const GlPolygon *b, const GlCircle *circle, double lng)
{
	for (int y = 0; y < 6 * GRID; y++)
		for (int x = 0; x < 6 * GRID; x++)
		{
			GlPoint point;

			point.lat = (y + 0.37) / GRID;
			point.lng = remainder(lng + (x + 0.41) / GRID, 360);
			if (!gl_overlap_strictly_inside(a, &point))
				continue;
			if (b != NULL && gl_overlap_strictly_inside(b, &point))
				return true;
			if (circle != NULL)
			{
				GlEarthPoint earth = gl_earth_point(point.lat, point.lng);

				if (gl_circle_contains(circle, &earth))
					return true;
			}
		}
	return false;
}

static void
test_polygons(double lng)
{
	int overlaps = 0;

	for (int round = 0; round < 150; round++)
	{
		GlPolygon *a = draw_polygon(lng);
		GlPolygon *b = draw_polygon(lng);
		GlPoint inside = {0, 0};
		GlPoint other;
		bool found = false;
		bool reversed = false;

		if (a != NULL && b != NULL)
		{
			CHECK(gl_overlap_polygons(a, b, &arena, NULL, &found, &inside) == GL_OK);
			CHECK(gl_overlap_polygons(b, a, &arena, NULL, &reversed, &other) == GL_OK);
			CHECK(found == reversed);
			CHECK(!found || (gl_overlap_strictly_inside(a, &inside) &&
							 gl_overlap_strictly_inside(b, &inside)));
			CHECK(found || !grid_says(a, b, NULL, lng));
			overlaps += found;
		}
	}
	CHECK(overlaps > 20 && overlaps < 150);
}

static void
test_circle_polygon(double lng)
{
	int overlaps = 0;

	for (int round = 0; round < 150; round++)
	{
		GlPolygon *polygon = draw_polygon(lng);
		GlCircle circle;
		GlPoint inside = {0, 0};
		GlEarthPoint earth;
		GlError error;
		bool found = false;

		if (polygon == NULL)
			continue;
		CHECK(gl_circle_build(draw(-1, 7), remainder(lng + draw(-1, 7), 360), draw(1000, 150000),
							  &circle, &error) == GL_OK);
		CHECK(gl_overlap_circle_polygon(&circle, polygon, NULL, &found, &inside) == GL_OK);
		earth = gl_earth_point(inside.lat, inside.lng);
		CHECK(!found || (gl_overlap_strictly_inside(polygon, &inside) &&
						 gl_circle_contains(&circle, &earth)));
		CHECK(found || !grid_says(polygon, NULL, &circle, lng));
		overlaps += found;
	}
	CHECK(overlaps > 20 && overlaps < 150);
}

/* Two circles overlap exactly where the centres are nearer than both radii together. */
static void
test_circles(void)
{
	for (int round = 0; round < 2000; round++)
	{
		double lat = draw(-89, 89);
		double lng = draw(-180, 180);
		double other_lat = fmax(-90, fmin(90, lat + draw(-3, 3)));
		double other_lng = remainder(lng + draw(-3, 3), 360);
		double apart = gl_geodesic_distance(lat, lng, other_lat, other_lng);
		double radius = draw(1, 400000);
		double wanted = apart - radius + (round % 2 == 0 ? 0.001 : -0.001);
		GlCircle a;
		GlCircle b;
		GlError error;
		GlPoint inside;

		if (wanted <= 0.01 || wanted > GL_CIRCLE_MAX_RADIUS)
			continue;
		CHECK(gl_circle_build(lat, lng, radius, &a, &error) == GL_OK);
		CHECK(gl_circle_build(other_lat, other_lng, wanted, &b, &error) == GL_OK);
		CHECK(gl_overlap_circles(&a, &b, &inside) == (round % 2 == 0));
	}
}

static void
test_outline(void)
{
	for (int round = 0; round < 300; round++)
	{
		double radius = pow(10, draw(0, 6));
		GlCircle circle;
		GlError error;
		GlPoint rim[16];

		CHECK(gl_circle_build(draw(-90, 90), draw(-180, 180), radius, &circle, &error) == GL_OK);
		gl_circle_outline(&circle, 16, rim);
		for (int i = 0; i < 16; i++)
		{
			CHECK(fabs(rim[i].lat) <= 90 && fabs(rim[i].lng) <= 180);
			CHECK(fabs(gl_geodesic_distance(circle.centre.lat, circle.centre.lng, rim[i].lat,
											rim[i].lng) -
					   radius) < 0.001);
		}
	}
}

int
main(int argc, char **argv)
{
	unsigned seed = argc > 1 ? (unsigned) strtoul(argv[1], NULL, 10) : (unsigned) time(NULL);

	printf("seed %u\n", seed);
	srand(seed);
	test_polygons(20);
	test_polygons(177);
	test_circle_polygon(20);
	test_circle_polygon(177);
	test_circles();
	test_outline();
	check_free_all();
	return check_report("test_geo_overlap");
}
