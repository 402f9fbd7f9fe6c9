/*-------------------------------------------------------------------------
 *
 * map_label.c
 *	  Places for the names on zone_map(): inside the zone, none over another.
 *
 * Large zones choose first.  A name goes where the zone is widest, in the
 * largest letters that fit; a zone too narrow for its name may let it stick
 * out where nothing else is written; else the name is left to the tooltip.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "zone/map.h"

#define LINES 15          /* heights that are tried in a zone */
#define LETTER_WIDTH 0.63 /* of the font size, on average */
#define LINE_HEIGHT 1.15
#define LEAST_FONT 8
#define GREATEST_FONT 14
#define LEAST_SHARE 0.35 /* of a name that may stick out, how much must lie inside */
#define GREATEST_CROSSINGS 4096

typedef struct Box
{
	float left;
	float right;
	float top;
	float bottom;
} Box;

typedef struct Labels
{
	const GlMap *map;
	Box *taken;
	uint32 taken_count;
	float *crossings;
} Labels;

/* Characters, wide ones of East Asia as two. */
int
gl_map_characters(const char *text)
{
	int characters = 0;

	for (; *text != '\0'; text += pg_mblen(text))
		characters += pg_mblen(text) >= 3 && (unsigned char) *text >= 0xE2 ? 2 : 1;
	return characters;
}

static int
compare_floats(const void *left, const void *right)
{
	float a = *(const float *) left;
	float b = *(const float *) right;

	return a < b ? -1 : a > b;
}

/* Where the zone's edges cross a height, from left to right; even-odd over all of its rings. */
static uint32
cross_zone(const Labels *labels, const GlMapZone *zone, float y)
{
	uint32 count = 0;

	for (uint32 r = 0; r < zone->ring_count; r++)
	{
		const GlMapRing *ring = &zone->rings[r];

		for (uint32 i = 0; i < ring->pixel_count && count < GREATEST_CROSSINGS; i++)
		{
			const GlMapPixel *a = &ring->pixels[i];
			const GlMapPixel *b = &ring->pixels[(i + 1) % ring->pixel_count];

			if ((a->y <= y) != (b->y <= y))
				labels->crossings[count++] = a->x + (y - a->y) * (b->x - a->x) / (b->y - a->y);
		}
	}
	qsort(labels->crossings, count, sizeof(float), compare_floats);
	return count & ~1u;
}

/* The part of [left, right] around x that is inside at height y; false: x is outside there. */
static bool
narrow(const Labels *labels, const GlMapZone *zone, float y, float x, Box *box)
{
	uint32 count = cross_zone(labels, zone, y);

	for (uint32 i = 0; i < count; i += 2)
		if (labels->crossings[i] <= x && x <= labels->crossings[i + 1])
		{
			box->left = fmaxf(box->left, labels->crossings[i]);
			box->right = fminf(box->right, labels->crossings[i + 1]);
			return true;
		}
	return false;
}

/* The widest room for a line of this height whose middle is at y; false: there is none. */
static bool
find_room(const Labels *labels, const GlMapZone *zone, float y, float line, Box *room)
{
	uint32 count = cross_zone(labels, zone, y);
	Box box = {0};

	for (uint32 i = 0; i < count; i += 2)
		if (labels->crossings[i + 1] - labels->crossings[i] > box.right - box.left)
		{
			box.left = labels->crossings[i];
			box.right = labels->crossings[i + 1];
		}
	if (box.right <= box.left)
		return false;
	*room = box;
	for (int edge = -1; edge <= 1; edge += 2)
		if (!narrow(labels, zone, y + (float) edge * line / 2, (box.left + box.right) / 2, room))
			return false;
	return true;
}

static bool
is_free(const Labels *labels, const Box *box)
{
	for (uint32 i = 0; i < labels->taken_count; i++)
	{
		const Box *other = &labels->taken[i];

		if (box->left < other->right && other->left < box->right && box->top < other->bottom &&
			other->top < box->bottom)
			return false;
	}
	return box->left >= 0 && box->right <= labels->map->width;
}

/* Tries one font size; the name may stick out of its room by 1 / share. */
static bool
place(Labels *labels, GlMapZone *zone, float top, float bottom, float font, float share)
{
	int letters = Min(gl_map_characters(zone->area->name), GL_MAP_LABEL_CHARACTERS);
	float width = (float) letters * font * (float) LETTER_WIDTH + 2;
	float line = font * (float) LINE_HEIGHT;
	float best = 0;
	Box chosen = {0};

	for (int n = 1; n <= LINES; n++)
	{
		/* From the middle outward, so that of places as good the middle one is taken. */
		int line_number = (LINES + 1) / 2 + (n % 2 == 0 ? n / 2 : -(n / 2));
		float y = top + (bottom - top) * (float) line_number / (LINES + 1);
		Box room;
		Box box;

		if (!find_room(labels, zone, y, line * share, &room) ||
			room.right - room.left < width * share || room.right - room.left <= best)
			continue;
		box.left = (room.left + room.right - width) / 2;
		box.right = box.left + width;
		box.top = y - line / 2;
		box.bottom = y + line / 2;
		if (!is_free(labels, &box))
			continue;
		best = room.right - room.left;
		chosen = box;
	}
	if (best == 0)
		return false;
	zone->font_size = font;
	zone->label.x = (chosen.left + chosen.right) / 2;
	zone->label.y = (chosen.top + chosen.bottom) / 2;
	labels->taken[labels->taken_count++] = chosen;
	return true;
}

static void
place_name(Labels *labels, GlMapZone *zone)
{
	float top = INFINITY;
	float bottom = -INFINITY;

	CHECK_FOR_INTERRUPTS();
	for (uint32 r = 0; r < zone->ring_count; r++)
		for (uint32 i = 0; i < zone->rings[r].pixel_count; i++)
		{
			top = fminf(top, zone->rings[r].pixels[i].y);
			bottom = fmaxf(bottom, zone->rings[r].pixels[i].y);
		}
	if (bottom - top < LEAST_FONT)
		return;
	for (int font = GREATEST_FONT; font >= LEAST_FONT; font -= 2)
		if (place(labels, zone, top, bottom, (float) font, 1))
			return;
	(void) place(labels, zone, top, bottom, LEAST_FONT, (float) LEAST_SHARE);
}

static int
compare_sizes(const void *left, const void *right)
{
	double a = (*(GlMapZone *const *) left)->size;
	double b = (*(GlMapZone *const *) right)->size;

	return a < b ? 1 : a > b ? -1 : 0;
}

void
gl_map_place_labels(GlMap *map)
{
	GlMapZone **order = palloc_extended(Max(map->zone_count, 1) * sizeof(*order), MCXT_ALLOC_HUGE);
	Labels labels = {map, NULL, 0, NULL};

	labels.taken = palloc_extended(Max(map->zone_count, 1) * sizeof(Box), MCXT_ALLOC_HUGE);
	labels.crossings = palloc(GREATEST_CROSSINGS * sizeof(float));
	for (uint32 i = 0; i < map->zone_count; i++)
		order[i] = &map->zones[i];
	qsort(order, map->zone_count, sizeof(*order), compare_sizes);
	for (uint32 i = 0; i < map->zone_count; i++)
		place_name(&labels, order[i]);
}
