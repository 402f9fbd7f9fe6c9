/*-------------------------------------------------------------------------
 *
 * polygon_build.c
 *	  Compiles rings of {lat, lng} into the image of polygon.h: validates
 *	  them, unwraps them across the antimeridian, closes them, bounds them.
 *
 * Unwrapping stores whole turns beside the caller's own doubles and never
 * adds 360 to one, so what is decided later is decided about the points that
 * were given.
 *
 * A ring that goes around a pole does not close in the unwrapped plane and
 * is refused with advice: straight edges in the lat/lng plane cannot say
 * which pole is meant, corners at the pole can.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "geo/polygon.h"

#define STOP_CHECK_INTERVAL 4096

/*
 * How an edge of exactly 360 degrees is read; both its ends lie on the
 * antimeridian.  Usually the same meridian is merely written with both signs
 * (MERIDIAN); but GeoJSON draws a polar cap or the whole world with an edge
 * from wall to wall (PARALLEL), which shows in that the first reading does
 * not close or has no width.
 */
typedef enum WallReading
{
	WALL_IS_MERIDIAN,
	WALL_IS_PARALLEL
} WallReading;

/* What the builder knows while it works. */
typedef struct Build
{
	const GlPoint *points;
	const uint32_t *ring_sizes;
	uint32_t ring_count;
	GlStop *stop;
	GlError *error;
} Build;

/* One ring on its way into the image: duplicates and the closing point skipped. */
typedef struct Ring
{
	const GlPoint *points;
	uint32_t size;      /* as given */
	uint32_t open_size; /* without trailing points that equal the first */
	uint32_t kept;      /* without repeated points, without a closing point */
	WallReading reading;
	bool has_turns;
} Ring;

/* The unwrapped extent of a ring in one reading. */
typedef struct Extent
{
	GlPlanePoint west;
	GlPlanePoint east;
	int32_t closing_turn; /* 0: the ring closes */
	bool has_turns;
} Extent;

static GlStatus __attribute__((format(printf, 3, 4)))
build_invalid(GlError *error, uint64_t where, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error->message, sizeof(error->message), format, arguments);
	va_end(arguments);
	error->where = (int64_t) where;
	return GL_INVALID;
}

static bool
points_equal(const GlPoint *a, const GlPoint *b)
{
	return a->lat == b->lat && a->lng == b->lng;
}

static bool
stop_requested(GlStop *stop, uint32_t step)
{
	return step % STOP_CHECK_INTERVAL == 0 && stop != NULL && stop->requested(stop->context);
}

/* GL_INVALID with the first point that is not a place on earth. */
static GlStatus
points_validate(const Build *build, uint32_t first, uint32_t size)
{
	uint32_t i;

	for (i = first; i < first + size; i++)
	{
		const GlPoint *point = &build->points[i];

		if (stop_requested(build->stop, i))
			return GL_STOPPED;
		if (!isfinite(point->lat) || !isfinite(point->lng))
			return build_invalid(build->error, i, "a coordinate is not a finite number");
		if (fabs(point->lat) > 90)
			return build_invalid(build->error, i, "lat %.17g is not between -90 and 90",
								 point->lat);
		if (fabs(point->lng) > 180)
			return build_invalid(build->error, i, "lng %.17g is not between -180 and 180",
								 point->lng);
	}
	return GL_OK;
}

/*
 * Exactly: is b more than 180 degrees east of a?  Where the rounded
 * difference is 180, one of b - 180 and a + 180 is exact (Sterbenz 1974).
 */
static bool
spans_half_turn(double a, double b)
{
	double span = b - a;

	if (span != 180)
		return span > 180;
	if (b >= 90)
		return b - 180 > a;
	return b > a + 180;
}

/* How many turns the edge from a to b adds: -1, 0 or 1. */
static int32_t
edge_turn(const GlPoint *a, const GlPoint *b, WallReading reading)
{
	if (reading == WALL_IS_PARALLEL && fabs(b->lng - a->lng) == 360)
		return 0;
	if (spans_half_turn(a->lng, b->lng))
		return -1;
	if (spans_half_turn(b->lng, a->lng))
		return 1;
	return 0;
}

/* Unwraps the ring from its first point, at turn 0, and measures it. */
static Extent
ring_measure(const Ring *ring, WallReading reading)
{
	Extent extent;
	GlPlanePoint point;
	uint32_t i;

	point.lat = 0;
	point.lng = ring->points[0].lng;
	point.turn = 0;
	extent.west = point;
	extent.east = point;
	extent.has_turns = false;
	for (i = 1; i < ring->open_size; i++)
	{
		point.turn += edge_turn(&ring->points[i - 1], &ring->points[i], reading);
		point.lng = ring->points[i].lng;
		if (gl_edge_compare_lng(&point, &extent.west) < 0)
			extent.west = point;
		if (gl_edge_compare_lng(&point, &extent.east) > 0)
			extent.east = point;
		extent.has_turns |= point.turn != 0;
	}
	extent.closing_turn =
		point.turn + edge_turn(&ring->points[ring->open_size - 1], &ring->points[0], reading);
	return extent;
}

/* Exactly: does the extent span more than 360 degrees? */
static bool
extent_too_wide(const Extent *extent)
{
	GlPlanePoint limit = extent->west;

	limit.turn++;
	return gl_edge_compare_lng(&extent->east, &limit) > 0;
}

/* Finds the ring's own size and reading, or says what is wrong with it. */
static GlStatus
ring_prepare(const Build *build, uint32_t first, uint32_t size, Ring *ring)
{
	Extent extent;
	uint32_t second = 0;
	uint32_t i;
	bool three = false;

	ring->points = build->points + first;
	ring->size = size;
	ring->open_size = size;
	ring->kept = 1;
	while (ring->open_size > 1 &&
		   points_equal(&ring->points[ring->open_size - 1], &ring->points[0]))
		ring->open_size--;
	for (i = 1; i < ring->open_size; i++)
	{
		const GlPoint *point = &ring->points[i];

		ring->kept += !points_equal(point, point - 1);
		if (points_equal(point, &ring->points[0]))
			continue;
		if (second == 0)
			second = i;
		else if (!points_equal(point, &ring->points[second]))
			three = true;
	}
	if (!three)
		return build_invalid(build->error, first, "a ring needs at least three distinct points");
	ring->reading = WALL_IS_MERIDIAN;
	extent = ring_measure(ring, ring->reading);
	if (extent.closing_turn != 0 || extent_too_wide(&extent) ||
		gl_edge_compare_lng(&extent.west, &extent.east) == 0)
	{
		ring->reading = WALL_IS_PARALLEL;
		extent = ring_measure(ring, ring->reading);
	}
	ring->has_turns = extent.has_turns;
	if (extent.closing_turn != 0)
		return build_invalid(build->error, first, "the ring goes around a pole");
	if (extent_too_wide(&extent))
		return build_invalid(build->error, first, "the ring goes around the earth more than once");
	return GL_OK;
}

/* Checks every ring and counts what the image will hold. */
static GlStatus
rings_prepare(const Build *build, uint32_t max_vertices, uint32_t *point_count, bool *has_turns)
{
	uint64_t given = 0;
	uint64_t kept = 0;
	uint32_t i;

	for (i = 0; i < build->ring_count; i++)
	{
		GlStatus status;
		Ring ring;

		if (build->ring_sizes[i] > max_vertices - given)
			return build_invalid(build->error, max_vertices,
								 "the polygon has more than %u vertices", max_vertices);
		if (build->ring_sizes[i] == 0)
			return build_invalid(build->error, given,
								 "a ring needs at least three distinct points");
		status = points_validate(build, (uint32_t) given, build->ring_sizes[i]);
		if (status == GL_OK)
			status = ring_prepare(build, (uint32_t) given, build->ring_sizes[i], &ring);
		if (status != GL_OK)
			return status;
		given += ring.size;
		kept += (uint64_t) ring.kept + 1;
		*has_turns |= ring.has_turns;
	}
	if (kept > UINT32_MAX / 2)
		return build_invalid(build->error, 0, "the polygon has too many vertices");
	*point_count = (uint32_t) kept;
	return GL_OK;
}

/* Writes one prepared ring at index of the image; answers the index after it. */
static uint32_t
ring_store(const Ring *ring, GlPolygon *image, uint32_t index)
{
	GlPoint *points = (GlPoint *) ((char *) image + image->points_offset);
	int8_t *turns = (int8_t *) image + image->turns_offset;
	uint32_t first = index;
	int32_t turn = 0;
	uint32_t i;

	for (i = 0; i < ring->open_size; i++)
	{
		const GlPoint *point = &ring->points[i];

		if (i > 0 && points_equal(point, point - 1))
			continue;
		if (i > 0)
			turn += edge_turn(point - 1, point, ring->reading);
		points[index] = *point;
		if (image->has_turns)
			turns[index] = (int8_t) turn;
		index++;
	}
	points[index] = points[first];
	if (image->has_turns)
		turns[index] = 0;
	return index + 1;
}

static float
float_below(double value)
{
	float rounded = (float) value;

	return rounded > value ? nextafterf(rounded, -INFINITY) : rounded;
}

static float
float_above(double value)
{
	float rounded = (float) value;

	return rounded < value ? nextafterf(rounded, INFINITY) : rounded;
}

/*
 * The unwrapped longitude is rounded here, but so is a query's, and rounding
 * keeps order: what lies within the exact bounds lies within the rounded ones.
 */
static void
bounds_include(const GlPolygon *image, uint32_t index, double bounds[4])
{
	GlPlanePoint point = gl_polygon_point(image, index);
	double lng = point.lng + 360.0 * point.turn;

	bounds[0] = fmin(bounds[0], point.lat);
	bounds[1] = fmax(bounds[1], point.lat);
	bounds[2] = fmin(bounds[2], lng);
	bounds[3] = fmax(bounds[3], lng);
}

/* Bounds the leaves by their edges, then each level by the one below. */
static GlStatus
boxes_store(GlPolygon *image, GlStop *stop)
{
	GlPolygonBox *boxes = (GlPolygonBox *) ((char *) image + image->boxes_offset);
	uint32_t leaves = (image->point_count + GL_POLYGON_LEAF - 1) / GL_POLYGON_LEAF;
	double all[4] = {INFINITY, -INFINITY, INFINITY, -INFINITY};
	uint32_t i;
	uint32_t level;

	for (i = 0; i < leaves; i++)
	{
		double bounds[4] = {INFINITY, -INFINITY, INFINITY, -INFINITY};
		uint32_t index = i * GL_POLYGON_LEAF;
		uint32_t end = index + GL_POLYGON_LEAF;

		if (stop_requested(stop, i))
			return GL_STOPPED;
		/* The last slot's edge ends in the point after the leaf. */
		for (; index <= end && index < image->point_count; index++)
			bounds_include(image, index, bounds);
		boxes[i].min_lat = float_below(bounds[0]);
		boxes[i].max_lat = float_above(bounds[1]);
		boxes[i].min_lng = float_below(bounds[2]);
		boxes[i].max_lng = float_above(bounds[3]);
		all[0] = fmin(all[0], bounds[0]);
		all[1] = fmax(all[1], bounds[1]);
		all[2] = fmin(all[2], bounds[2]);
		all[3] = fmax(all[3], bounds[3]);
	}
	for (level = 1; level < image->level_count; level++)
	{
		uint32_t below = image->level_starts[level - 1];
		uint32_t here = image->level_starts[level];

		for (i = below; i < here; i++)
		{
			GlPolygonBox *box = &boxes[here + (i - below) / GL_POLYGON_FANOUT];

			if ((i - below) % GL_POLYGON_FANOUT == 0)
				*box = boxes[i];
			box->min_lat = fminf(box->min_lat, boxes[i].min_lat);
			box->max_lat = fmaxf(box->max_lat, boxes[i].max_lat);
			box->min_lng = fminf(box->min_lng, boxes[i].min_lng);
			box->max_lng = fmaxf(box->max_lng, boxes[i].max_lng);
		}
	}
	image->min_lat = all[0];
	image->max_lat = all[1];
	image->min_lng = all[2];
	image->max_lng = all[3];
	return GL_OK;
}

/* Allocates the image and writes the rings into it. */
static GlStatus
image_store(const Build *build, uint32_t point_count, bool has_turns, GlArena *arena,
			GlPolygon **out)
{
	GlPolygon header;
	GlPolygon *image;
	uint32_t *starts;
	uint32_t first = 0;
	uint32_t index = 0;
	uint32_t i;

	memset(&header, 0, sizeof(header));
	header.magic = GL_POLYGON_MAGIC;
	header.version = GL_POLYGON_VERSION;
	gl_polygon_layout(&header, point_count, build->ring_count, has_turns);
	image = arena->alloc(arena->context, header.size);
	if (image == NULL)
		return GL_NO_MEMORY;
	memset(image, 0, header.size);
	*image = header;
	*out = image;
	starts = (uint32_t *) ((char *) image + image->rings_offset);
	for (i = 0; i < build->ring_count; i++)
	{
		GlStatus status;
		Ring ring;

		status = ring_prepare(build, first, build->ring_sizes[i], &ring);
		if (status != GL_OK)
			return status;
		starts[i] = index;
		index = ring_store(&ring, image, index);
		first += build->ring_sizes[i];
	}
	starts[i] = index;
	return boxes_store(image, build->stop);
}

/* As promised in polygon.h.  Linear in the number of points, in time and memory. */
GlStatus
gl_polygon_build(const GlPoint *points, const uint32_t *ring_sizes, uint32_t ring_count,
				 uint32_t max_vertices, GlArena *arena, GlStop *stop, GlPolygon **out,
				 GlError *error)
{
	Build build;
	uint32_t point_count = 0;
	bool has_turns = false;
	GlStatus status;

	build.points = points;
	build.ring_sizes = ring_sizes;
	build.ring_count = ring_count;
	build.stop = stop;
	build.error = error;
	*out = NULL;
	error->where = -1;
	error->message[0] = '\0';
	if (ring_count == 0)
	{
		build_invalid(error, 0, "the polygon has no ring");
		error->where = -1;
		return GL_INVALID;
	}
	status = rings_prepare(&build, max_vertices, &point_count, &has_turns);
	if (status != GL_OK)
		return status;
	status = image_store(&build, point_count, has_turns, arena, out);
	if (status != GL_OK)
		*out = NULL;
	return status;
}
