/*
 * fuzz_cell_tree.c
 *	  Any bytes as shapes that come and go, and as questions in between: the
 *	  tree's answers are those of asking every shape by itself, whatever its
 *	  budget is, and wherever a fetch stopped.
 *
 * Input: a byte for the neighbourhood, one for the budget, then commands; see
 * LLVMFuzzerTestOneInput.  Coordinates are a byte each, on a grid around the
 * middle of the neighbourhood, or 8 bytes where the command says so.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "geo/cell_node.h"

#define MAX_SHAPES 64
#define MAX_POINTS 256
#define MAX_QUESTIONS 400

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Block
{
	struct Block *next;
	max_align_t memory[];
} Block;

typedef struct Input
{
	const uint8_t *data;
	size_t left;
} Input;

/* Where the grid is, how wide in degrees, and whether its points have seven decimals. */
typedef struct Neighbourhood
{
	double lat;
	double lng;
	double size;
	bool decimals;
} Neighbourhood;

static const double middles[8][3] = {{41, 29, 0.5},       {0, 180, 3},       {89, 10, 4},
									 {-90, -180, 20},     {10, -179.9, 1.5}, {0, 0, 180},
									 {41.5, 28.75, 1e-5}, {20, 20, 80}};

static Block *geometry_blocks;
static Block *node_blocks;
static void *geometries[MAX_SHAPES];
static GlCellShape shapes[MAX_SHAPES];
static uint32_t ranks[MAX_SHAPES];
static uint32_t found[MAX_SHAPES];
static uint32_t shape_count;
static uint32_t loads;
static bool fail_loads;
static GlCellTree tree;

static void
require(bool condition)
{
	if (!condition)
		abort();
}

/* Context: the list that the block goes to. */
static void *
block_alloc(void *context, size_t size)
{
	Block **list = context;
	Block *block = malloc(sizeof(Block) + size);

	require(block != NULL);
	block->next = *list;
	*list = block;
	return block->memory;
}

static void
block_free_all(Block **list)
{
	while (*list != NULL)
	{
		Block *next = (*list)->next;

		free(*list);
		*list = next;
	}
}

static uint8_t
next_byte(Input *input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->data++;
}

/* Any double of the input that lies within the limits, else the nearest that does. */
static double
next_double(Input *input, double limit)
{
	double value;
	uint8_t bytes[sizeof(double)];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = next_byte(input);
	memcpy(&value, bytes, sizeof(value));
	return isnan(value) ? 0 : fmax(-limit, fmin(limit, value));
}

static GlPoint
next_point(Input *input, const Neighbourhood *around, bool raw)
{
	GlPoint point;

	if (raw)
	{
		point.lat = next_double(input, 90);
		point.lng = next_double(input, 180);
		return point;
	}
	point.lat = around->lat + (next_byte(input) - 128) / 128.0 * around->size;
	point.lng = remainder(around->lng + (next_byte(input) - 128) / 128.0 * around->size, 360);
	if (around->decimals)
	{
		point.lat = rint(point.lat * 1e7) / 1e7;
		point.lng = rint(point.lng * 1e7) / 1e7;
	}
	point.lat = fmax(-90, fmin(90, point.lat));
	point.lng = fmax(-180, fmin(180, point.lng));
	return point;
}

static GlStatus
load(void *context, uint32_t shape, const void **geometry)
{
	(void) context;
	if (fail_loads && ++loads % 3 == 0)
		return GL_STOPPED;
	*geometry = geometries[shape];
	if (shapes[shape].kind == GL_CELL_POLYGON && gl_cell_packed_size(geometries[shape]) > 0)
	{
		GlCellPacked *packed = block_alloc(&node_blocks, gl_cell_packed_size(geometries[shape]));

		gl_cell_pack(geometries[shape], packed);
		*geometry = packed;
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
	*inside = contains(shape, lat, lng);
	return GL_OK;
}

/* Of the shapes that are to be confirmed, those of an odd rank never match. */
static bool
confirm(void *context, uint32_t owner, double lat, double lng)
{
	(void) context;
	(void) lat;
	(void) lng;
	return ranks[owner] % 2 == 0;
}

static void
plant(void)
{
	GlCellBounds all = {91, -91, 181, -181};
	uint32_t numbers[MAX_SHAPES];
	uint32_t count = 0;

	for (uint32_t i = 0; i < shape_count; i++)
	{
		if (shapes[i].owner == GL_CELL_NOBODY)
			continue;
		all.min_lat = fminf(all.min_lat, shapes[i].bounds.min_lat);
		all.max_lat = fmaxf(all.max_lat, shapes[i].bounds.max_lat);
		all.min_lng = fminf(all.min_lng, shapes[i].bounds.min_lng);
		all.max_lng = fmaxf(all.max_lng, shapes[i].bounds.max_lng);
		numbers[count++] = i;
	}
	block_free_all(&node_blocks);
	gl_cell_tree_reset(&tree, &all, shape_count);
	require(gl_cell_tree_add(&tree, numbers, count) == GL_OK);
}

/* Adds the shape whose geometry is there. */
static void
add(GlCellKind kind, void *geometry, size_t bytes, bool to_confirm)
{
	uint32_t number = shape_count++;
	GlCellShape *shape = &shapes[number];

	memset(shape, 0, sizeof(*shape));
	shape->kind = (uint8_t) kind;
	shape->owner = number;
	shape->bytes = (uint32_t) bytes;
	shape->confirm = to_confirm;
	shape->bounds = gl_cell_bounds(kind, geometry);
	geometries[number] = geometry;
	if (!gl_cell_tree_has_room(&tree, &shape->bounds))
		plant();
	else
		require(gl_cell_tree_add(&tree, &number, 1) == GL_OK);
}

static void
add_circle(Input *input, const Neighbourhood *around, uint8_t how)
{
	GlCircle *circle = block_alloc(&geometry_blocks, sizeof(GlCircle));
	GlPoint centre = next_point(input, around, (how & 1) != 0);
	double radius = (1 + next_byte(input)) / 256.0 * around->size * 111000;
	GlError error;

	if (gl_circle_build(centre.lat, centre.lng, radius, circle, &error) == GL_OK)
		add(GL_CELL_CIRCLE, circle, sizeof(GlCircle), (how & 2) != 0);
}

/* Up to three rings of up to 63 corners, which the next bytes are. */
static void
add_polygon(Input *input, const Neighbourhood *around, uint8_t how)
{
	GlArena arena = {block_alloc, &geometry_blocks};
	GlPoint points[MAX_POINTS];
	uint32_t sizes[3];
	uint32_t rings = 1 + (how >> 2) % 3;
	uint32_t count = 0;
	GlPolygon *polygon;
	GlError error;

	for (uint32_t r = 0; r < rings; r++)
	{
		sizes[r] = next_byte(input) % 64;
		for (uint32_t i = 0; i < sizes[r]; i++)
			points[count++] = next_point(input, around, (how & 1) != 0);
	}
	if (gl_polygon_build(points, sizes, rings, MAX_POINTS, &arena, NULL, &polygon, &error) == GL_OK)
		add(GL_CELL_POLYGON, polygon, polygon->size, (how & 2) != 0);
}

static GlStatus
ask_first(double lat, double lng, uint32_t *owner)
{
	GlStatus status;

	while ((status = gl_cell_tree_first(&tree, lat, lng, owner)) == GL_STOPPED)
		;
	return status;
}

static GlStatus
ask_all(double lat, double lng, uint32_t *count)
{
	GlStatus status;

	while ((status = gl_cell_tree_all(&tree, lat, lng, count)) == GL_STOPPED)
		;
	return status;
}

static void
ask(double lat, double lng)
{
	bool expected[MAX_SHAPES] = {false};
	uint32_t expected_count = 0;
	uint32_t best = GL_CELL_NOBODY;
	uint32_t owner;
	uint32_t count;

	for (uint32_t i = 0; i < shape_count; i++)
	{
		if (shapes[i].owner == GL_CELL_NOBODY || !contains(i, lat, lng) ||
			(shapes[i].confirm && ranks[i] % 2 != 0))
			continue;
		expected[i] = true;
		expected_count++;
		if (best == GL_CELL_NOBODY || ranks[i] < ranks[best])
			best = i;
	}
	if (ask_first(lat, lng, &owner) == GL_LIMIT)
	{
		plant();
		tree.tight = true;
		require(ask_first(lat, lng, &owner) == GL_OK);
	}
	tree.tight = true;
	require(ask_all(lat, lng, &count) == GL_OK);
	tree.tight = false;
	require(owner == best && count == expected_count);
	for (uint32_t i = 0; i < count; i++)
	{
		require(found[i] < MAX_SHAPES && expected[found[i]]);
		expected[found[i]] = false;
	}
}

/* A corner of a shape, or a part of the way to the next one. */
static GlPoint
point_of_shape(Input *input)
{
	uint32_t number = shape_count == 0 ? 0 : next_byte(input) % shape_count;
	uint32_t at = next_byte(input);
	double part = next_byte(input) / 4 / 32.0;
	GlPoint point = {0, 0};

	if (shape_count > 0 && shapes[number].kind == GL_CELL_POLYGON)
	{
		const GlPolygon *polygon = geometries[number];
		GlPlanePoint a = gl_polygon_point(polygon, at % (polygon->point_count - 1));
		GlPlanePoint b = gl_polygon_point(polygon, at % (polygon->point_count - 1) + 1);

		point.lat = part == 0 ? a.lat : a.lat + (b.lat - a.lat) * part;
		point.lng = part == 0 ? a.lng : a.lng + (b.lng - a.lng) * part;
	}
	return point;
}

/* A corner of one of the tree's cells, or a point that its leaf may refer to. */
static GlPoint
point_of_cell(Input *input)
{
	int level = next_byte(input) % (GL_CELL_LEVELS + 1);
	uint32_t cells = (uint32_t) 1 << (2 * level);
	uint32_t row = (next_byte(input) << 8 | next_byte(input)) * 1021u % cells;
	uint32_t column = (next_byte(input) << 8 | next_byte(input)) * 1021u % cells;
	uint8_t which = next_byte(input) % (GL_CELL_REFERENCES + 1);
	GlCell cell = gl_cell_at(&tree, level, row, column);
	GlPlanePoint reference = gl_cell_reference(&cell, which);
	GlPoint point = {reference.lat, reference.lng};

	if (which == GL_CELL_REFERENCES)
	{
		point.lat = cell.lat;
		point.lng = cell.lng;
	}
	return point;
}

/* "how" says where, and by which last digits beside it. */
static void
ask_somewhere(Input *input, const Neighbourhood *around, uint8_t how)
{
	GlPoint point = how % 4 == 0   ? next_point(input, around, false)
					: how % 4 == 1 ? point_of_shape(input)
					: how % 4 == 2 ? point_of_cell(input)
								   : next_point(input, around, true);

	if (how & 4)
		point.lat = nextafter(point.lat, how & 8 ? 90 : -90);
	if (how & 16)
		point.lng = nextafter(point.lng, how & 8 ? 180 : -180);
	ask(fmax(-90, fmin(90, point.lat)), fmax(-180, fmin(180, point.lng)));
}

static void
begin(void)
{
	shape_count = 0;
	loads = 0;
	memset(&tree, 0, sizeof(tree));
	tree.arena.alloc = block_alloc;
	tree.arena.context = &node_blocks;
	tree.source.load = load;
	tree.source.evaluate = evaluate;
	tree.source.confirm = confirm;
	tree.shapes = shapes;
	tree.ranks = ranks;
	tree.found = found;
	/* 37 and 64 have no divisor in common: every rank once. */
	for (uint32_t i = 0; i < MAX_SHAPES; i++)
		ranks[i] = i * 37 % MAX_SHAPES;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Input input = {data, size};
	uint8_t where = next_byte(&input);
	uint8_t budget = next_byte(&input);
	const double *middle = middles[where % 8];
	Neighbourhood around = {middle[0], middle[1], middle[2], (where & 8) != 0};
	int questions = 0;

	begin();
	fail_loads = (where & 16) != 0;
	tree.limit = budget < 128 ? (size_t) 1 << 28 : 8192 + (size_t) (budget - 128) * 2048;
	plant();
	while (input.left > 0 && questions < MAX_QUESTIONS)
	{
		uint8_t command = next_byte(&input);

		if (command >= 64)
		{
			ask_somewhere(&input, &around, command);
			questions++;
		}
		else if (command >= 48 && shape_count > 0)
			shapes[next_byte(&input) % shape_count].owner = GL_CELL_NOBODY;
		else if (shape_count == MAX_SHAPES)
			continue;
		else if (command >= 32)
			add_circle(&input, &around, command);
		else
			add_polygon(&input, &around, command);
	}
	block_free_all(&node_blocks);
	block_free_all(&geometry_blocks);
	return 0;
}
