/*
 * fuzz_ring.c
 *	  Any bytes as rings: build never harms, an image that was built passes its
 *	  own check, and cover agrees with a plain loop over all edges.  Any bytes
 *	  as an image: refused, or safe to ask.
 *
 * Input: a byte that chooses image (odd) or rings, three bytes of ring sizes,
 * then 16 bytes a point.  In the compact form (bit 2 of the first byte) a
 * point is 2 bytes, on a grid of quarter degrees around the antimeridian.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "geo/circle.h"
#include "geo/polygon.h"

#define MAX_POINTS 2000

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void *blocks[64];
static size_t block_count;

static void *
fuzz_alloc(void *context, size_t size)
{
	(void) context;
	if (block_count == sizeof(blocks) / sizeof(blocks[0]))
		return NULL;
	return blocks[block_count++] = malloc(size);
}

static void
free_all(void)
{
	while (block_count > 0)
		free(blocks[--block_count]);
}

static void
require(bool condition)
{
	if (!condition)
		abort();
}

/* Even-odd over every edge, without the tree. */
static bool
plain_covers(const GlPolygon *polygon, double lat, double lng)
{
	bool odd = false;
	int32_t turn;
	uint32_t slot;

	for (turn = -1; turn <= 1; turn++)
		for (slot = 0; slot < polygon->point_count; slot++)
		{
			GlPlanePoint point = {lat, lng, turn};
			GlCrossing crossing;
			GlEdge edge;

			if (!gl_polygon_edge(polygon, slot, &edge))
				continue;
			crossing = gl_edge_crossing(&edge, &point);
			if (crossing == GL_CROSSING_ON)
				return true;
			odd ^= crossing == GL_CROSSING_RIGHT;
		}
	return odd;
}

static void
try_image(const uint8_t *data, size_t size)
{
	void *image = fuzz_alloc(NULL, size + 8);
	bool answer;
	GlError error;

	memcpy(image, data, size);
	if (!gl_polygon_check_image(image, size))
		return;
	gl_polygon_covers(image, 10, 20);
	gl_polygon_covers(image, 0, 180);
	gl_polygon_self_intersects(image, NULL, &answer, &error);
}

/* Builds, asks at every vertex and beside it, and reads the image as a stored one. */
static void
try_rings(const GlPoint *points, size_t count, const uint8_t *sizes)
{
	GlArena arena = {fuzz_alloc, NULL};
	uint32_t ring_sizes[3];
	GlPolygon *polygon;
	GlError error;
	bool answer;
	size_t i;

	ring_sizes[1] = sizes[1] % 8;
	ring_sizes[2] = sizes[2] % 8;
	if (count < ring_sizes[1] + ring_sizes[2])
		return;
	ring_sizes[0] = (uint32_t) count - ring_sizes[1] - ring_sizes[2];
	if (gl_polygon_build(points, ring_sizes, 1 + sizes[0] % 3, MAX_POINTS, &arena, NULL, &polygon,
						 &error) != GL_OK)
	{
		require(error.message[0] != '\0' && polygon == NULL);
		return;
	}
	require(gl_polygon_check_image(polygon, polygon->size));
	for (i = 0; i < ring_sizes[0] && i < 40; i++)
	{
		const GlPoint *next = &points[(i + 1) % ring_sizes[0]];
		double lat = points[i].lat + (next->lat - points[i].lat) / 2;
		double lng = points[i].lng + (next->lng - points[i].lng) / 2;

		require(gl_polygon_covers(polygon, points[i].lat, points[i].lng));
		require(gl_polygon_covers(polygon, lat, lng) == plain_covers(polygon, lat, lng));
		require(gl_polygon_covers(polygon, lat, points[i].lng) ==
				plain_covers(polygon, lat, points[i].lng));
	}
	gl_polygon_self_intersects(polygon, NULL, &answer, &error);
}

/* Two points as a circle and a query: whatever the doubles are, an answer. */
static void
try_circle(const GlPoint *points)
{
	GlEarthPoint point = gl_earth_point(points[1].lat, points[1].lng);
	GlCircle circle;
	GlError error;

	if (gl_circle_build(points[0].lat, points[0].lng, 1000, &circle, &error) == GL_OK)
		gl_circle_contains(&circle, &point);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static GlPoint points[MAX_POINTS];
	size_t count = 0;
	size_t i;

	if (size < 4)
		return 0;
	if (data[0] & 1)
	{
		try_image(data + 4, size - 4);
		free_all();
		return 0;
	}
	if (data[0] & 2)
		for (i = 4; i + 2 <= size && count < MAX_POINTS; i += 2, count++)
		{
			points[count].lat = (data[i] % 64) / 4.0 - 8;
			points[count].lng = remainder(180 + (data[i + 1] % 64) / 4.0 - 8, 360);
		}
	else
	{
		count = (size - 4) / sizeof(GlPoint);
		if (count > MAX_POINTS)
			count = MAX_POINTS;
		memcpy(points, data + 4, count * sizeof(GlPoint));
	}
	if (count >= 3)
	{
		try_rings(points, count, data + 1);
		try_circle(points);
	}
	free_all();
	return 0;
}
