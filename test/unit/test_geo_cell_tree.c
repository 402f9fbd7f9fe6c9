/*
 * test_geo_cell_tree.c
 *	  The cell tree against one question to each shape, random but
 *	  repeatable: test_geo_cell_tree [seed].
 *
 * Shapes lie on small grids, touch, overlap, cross the antimeridian and sit
 * on the poles; points are their vertices, the middles of their edges, the
 * corners and sides of the tree's own cells, and anything else.  Shapes come
 * and go between questions, and the budget is sometimes tiny.
 */
#include <math.h>
#include <string.h>
#include <time.h>

#include "geo/cell_node.h"
#include "check.h"

#define MAX_SHAPES 400
#define MAX_POINTS 240

static uint64_t random_state;
static int reported;

static void *geometries[MAX_SHAPES];
static GlCellShape shapes[MAX_SHAPES];
static uint32_t ranks[MAX_SHAPES];
static uint32_t found[MAX_SHAPES];
static uint32_t shape_count;
static GlCellTree tree;
static long evaluations;
static long packed_count;
static bool fail_loads;

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

static GlStatus
load(void *context, uint32_t shape, const void **geometry)
{
	(void) context;
	if (fail_loads && random_below(5) == 0)
		return GL_STOPPED;
	*geometry = geometries[shape];
	if (shapes[shape].kind == GL_CELL_POLYGON && shape % 4 != 0 &&
		gl_cell_packed_size(geometries[shape]) > 0)
	{
		GlCellPacked *packed = check_alloc(NULL, gl_cell_packed_size(geometries[shape]));

		gl_cell_pack(geometries[shape], packed);
		*geometry = packed;
		packed_count++;
	}
	return GL_OK;
}

static bool
contains(uint32_t shape, double lat, double lng)
{
	GlEarthPoint earth;

	if (shapes[shape].kind == GL_CELL_POLYGON)
		return gl_polygon_covers(geometries[shape], lat, lng);
	earth = gl_earth_point(lat, lng);
	return gl_circle_contains(geometries[shape], &earth);
}

static GlStatus
evaluate(void *context, uint32_t shape, double lat, double lng, bool *inside)
{
	(void) context;
	evaluations++;
	*inside = contains(shape, lat, lng);
	return GL_OK;
}

/* Those with an odd rank and the flag never match. */
static bool
confirm(void *context, uint32_t owner, double lat, double lng)
{
	(void) context;
	(void) lat;
	(void) lng;
	return ranks[owner] % 2 == 0;
}

static GlCellBounds
all_bounds(void)
{
	GlCellBounds all = {1000, -1000, 1000, -1000};

	for (uint32_t i = 0; i < shape_count; i++)
	{
		all.min_lat = fminf(all.min_lat, shapes[i].bounds.min_lat);
		all.max_lat = fmaxf(all.max_lat, shapes[i].bounds.max_lat);
		all.min_lng = fminf(all.min_lng, shapes[i].bounds.min_lng);
		all.max_lng = fmaxf(all.max_lng, shapes[i].bounds.max_lng);
	}
	return all;
}

/* The nodes' arena: dropped as a whole. */
static CheckBlock *node_blocks;

static void *
node_alloc(void *context, size_t size)
{
	CheckBlock *kept = check_blocks;
	void *memory;

	check_blocks = node_blocks;
	memory = check_alloc(context, size);
	node_blocks = check_blocks;
	check_blocks = kept;
	return memory;
}

static void
plant(void)
{
	CheckBlock *kept = check_blocks;
	uint32_t numbers[MAX_SHAPES];
	uint32_t count = 0;
	GlCellBounds bounds = all_bounds();

	check_blocks = node_blocks;
	check_free_all();
	node_blocks = NULL;
	check_blocks = kept;
	gl_cell_tree_reset(&tree, &bounds, shape_count);
	for (uint32_t i = 0; i < shape_count; i++)
		if (shapes[i].owner != GL_CELL_NOBODY)
			numbers[count++] = i;
	CHECK(gl_cell_tree_add(&tree, numbers, count) == GL_OK);
}

/* A shape of a random sort near the middle, which may lie anywhere. */
static void
make_shape(uint32_t number, double lat, double lng, double size)
{
	static GlArena arena = {check_alloc, NULL};
	GlError error;
	GlCellShape *shape = &shapes[number];

	memset(shape, 0, sizeof(*shape));
	shape->owner = number;
	shape->confirm = random_below(10) == 0;
	for (;;)
	{
		GlPoint points[MAX_POINTS];
		uint32_t sizes[2];
		uint32_t count = 0;
		uint32_t rings = 1 + (random_below(4) == 0);
		bool decimals = random_below(2) == 0;
		GlPolygon *polygon;

		if (random_below(3) == 0)
		{
			GlCircle *circle = check_alloc(NULL, sizeof(GlCircle));

			shape->kind = GL_CELL_CIRCLE;
			if (gl_circle_build(fmax(-90, fmin(90, lat)), remainder(lng, 360),
								1 + size * 111000 * random_unit(), circle, &error) != GL_OK)
				continue;
			geometries[number] = circle;
			shape->bytes = sizeof(GlCircle);
			break;
		}
		shape->kind = GL_CELL_POLYGON;
		for (uint32_t r = 0; r < rings; r++)
		{
			int style = random_below(3);
			int corners = 3 + random_below(style == 2 ? 100 : 10);

			sizes[r] = (uint32_t) corners;
			for (int i = 0; i < corners; i++)
			{
				double y = random_below(9) - 4;
				double x = random_below(9) - 4;

				if (style == 2)
				{
					double angle = 2 * M_PI * i / corners;
					double radius = 4 * (0.3 + 0.7 * random_unit());

					y = radius * sin(angle);
					x = radius * cos(angle);
				}
				/* Most maps have seven decimals at most. */
				if (decimals)
				{
					y = rint((lat + y * size / 4) * 1e7) / 1e7;
					x = rint(remainder(lng + x * size / 4, 360) * 1e7) / 1e7;
					points[count].lat = fmax(-90, fmin(90, y));
					points[count++].lng = fmax(-180, fmin(180, x));
					continue;
				}
				points[count].lat = fmax(-90, fmin(90, lat + y * size / 4));
				points[count].lng = fmax(-180, fmin(180, remainder(lng + x * size / 4, 360)));
				count++;
			}
		}
		if (gl_polygon_build(points, sizes, rings, 1000, &arena, NULL, &polygon, &error) != GL_OK)
			continue;
		geometries[number] = polygon;
		shape->bytes = (uint32_t) polygon->size;
		break;
	}
	shape->bounds = gl_cell_bounds(shape->kind, geometries[number]);
}

static void
ask(double lat, double lng)
{
	uint32_t expected[MAX_SHAPES];
	uint32_t expected_count = 0;
	uint32_t best = GL_CELL_NOBODY;
	uint32_t owner;
	uint32_t count;
	GlStatus status;
	bool same;

	for (uint32_t i = 0; i < shape_count; i++)
	{
		if (shapes[i].owner == GL_CELL_NOBODY || !contains(i, lat, lng) ||
			(shapes[i].confirm && ranks[shapes[i].owner] % 2 != 0))
			continue;
		expected[expected_count++] = i;
		if (best == GL_CELL_NOBODY || ranks[i] < ranks[best])
			best = i;
	}
	while ((status = gl_cell_tree_first(&tree, lat, lng, &owner)) == GL_STOPPED)
		;
	if (status == GL_LIMIT)
	{
		plant();
		tree.tight = true;
		while ((status = gl_cell_tree_first(&tree, lat, lng, &owner)) == GL_STOPPED)
			;
		tree.tight = false;
	}
	CHECK(status == GL_OK);
	tree.tight = true;
	while ((status = gl_cell_tree_all(&tree, lat, lng, &count)) == GL_STOPPED)
		;
	tree.tight = false;
	CHECK(status == GL_OK);
	same = owner == best && count == expected_count;
	for (uint32_t i = 0; i < count && same; i++)
	{
		bool known = false;

		for (uint32_t k = 0; k < expected_count; k++)
			known = known || expected[k] == found[i];
		same = known;
	}
	if (!same && reported++ < 10)
		fprintf(stderr, "(%.17g, %.17g): first %u, not %u; %u found, not %u\n", lat, lng, owner,
				best, count, expected_count);
	CHECK(same);
}

/* A point that is hard for some reason. */
static void
ask_hard(void)
{
	uint32_t number = (uint32_t) random_below((int) shape_count);
	double lat = tree.root_lat + tree.root_height * random_unit();
	double lng = tree.root_lng + tree.root_width * random_unit();

	if (shapes[number].kind == GL_CELL_POLYGON && random_below(4) != 0)
	{
		const GlPolygon *polygon = geometries[number];
		uint32_t at = (uint32_t) random_below((int) polygon->point_count - 1);
		GlPlanePoint a = gl_polygon_point(polygon, at);
		GlPlanePoint b = gl_polygon_point(polygon, at + 1);
		double part = random_below(3) == 0 ? 0 : random_below(2) == 0 ? 0.5 : random_unit();

		lat = a.lat + (b.lat - a.lat) * part;
		lng = a.lng + (b.lng - a.lng) * part;
		if (random_below(8) == 0)
			lng = a.lng == 180 ? -180 : a.lng == -180 ? 180 : lng;
	}
	else if (random_below(2) == 0)
	{
		int level = 1 + random_below(6);
		uint32_t row = (uint32_t) random_below(1 << (2 * level));
		uint32_t column = (uint32_t) random_below(1 << (2 * level));
		GlCell cell = gl_cell_at(&tree, level, row, column);
		GlPlanePoint reference = gl_cell_reference(&cell, (uint32_t) random_below(3));

		lat = random_below(3) == 0 ? reference.lat : cell.lat;
		lng = random_below(3) == 0 ? reference.lng : cell.lng + cell.width * random_below(2);
	}
	if (random_below(4) == 0)
		lat = nextafter(lat, random_below(2) == 0 ? -90 : 90);
	if (random_below(4) == 0)
		lng = nextafter(lng, random_below(2) == 0 ? -180 : 180);
	ask(fmax(-90, fmin(90, lat)), fmax(-180, fmin(180, lng)));
}

static void
change(void)
{
	uint32_t number = (uint32_t) random_below((int) shape_count);

	shapes[number].owner = GL_CELL_NOBODY;
	if (shape_count < MAX_SHAPES && random_below(4) != 0)
	{
		double lat = tree.root_lat + tree.root_height * random_unit();
		double lng = tree.root_lng + tree.root_width * random_unit();

		number = shape_count;
		make_shape(number, lat, lng, tree.root_height * 0.3 * random_unit() + 1e-6);
		shape_count++;
		if (!gl_cell_tree_has_room(&tree, &shapes[number].bounds))
			plant();
		else
			CHECK(gl_cell_tree_add(&tree, &number, 1) == GL_OK);
	}
}

static void
test_random(void)
{
	static const double middles[][3] = {{41, 29, 0.5}, {41, 29, 5},     {0, 180, 3},
										{89, 10, 4},   {-90, -180, 20}, {10, -179.9, 1},
										{0, 0, 1},     {20, 20, 80},    {41, 29, 1e-5}};
	const double *middle = middles[random_below(sizeof(middles) / sizeof(middles[0]))];
	double spread = middle[2] * (random_below(2) == 0 ? 1 : 10);

	shape_count = 1 + (uint32_t) random_below(random_below(2) == 0 ? 10 : 200);
	for (uint32_t i = 0; i < shape_count; i++)
	{
		double lat = middle[0] + spread * (random_unit() - 0.5);
		double lng = middle[1] + spread * (random_unit() - 0.5);

		/* Some on a grid, so that they share edges. */
		if (random_below(2) == 0)
		{
			lat = middle[0] + floor(random_unit() * 8 - 4) * middle[2] / 4;
			lng = middle[1] + floor(random_unit() * 8 - 4) * middle[2] / 4;
		}
		make_shape(i, lat, lng, random_below(2) == 0 ? middle[2] : middle[2] * random_unit());
	}
	for (uint32_t i = 0; i < MAX_SHAPES; i++)
		ranks[i] = i;
	for (uint32_t i = MAX_SHAPES - 1; i > 0; i--)
	{
		uint32_t other = (uint32_t) random_below((int) i + 1);
		uint32_t kept = ranks[i];

		ranks[i] = ranks[other];
		ranks[other] = kept;
	}
	tree.limit = random_below(3) == 0 ? 20000 + (size_t) random_below(200000) : 1 << 30;
	fail_loads = random_below(3) == 0;
	plant();
	for (int i = 0; i < 300; i++)
	{
		if (random_below(20) == 0)
			change();
		ask_hard();
	}
	CHECK(tree.node_bytes + tree.geometry_bytes < tree.limit + 4000000);
	check_free_all();
}

int
main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t) time(NULL);

	printf("seed %llu\n", (unsigned long long) seed);
	random_state = seed * 2 + 1;
	tree.arena.alloc = node_alloc;
	tree.source.load = load;
	tree.source.evaluate = evaluate;
	tree.source.confirm = confirm;
	tree.shapes = shapes;
	tree.ranks = ranks;
	tree.found = found;
	for (int i = 0; i < 200; i++)
		test_random();
	CHECK(evaluations > 0);
	CHECK(packed_count > 0);
	check_blocks = node_blocks;
	check_free_all();
	return check_report("test_geo_cell_tree");
}
