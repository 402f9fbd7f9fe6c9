/*-------------------------------------------------------------------------
 *
 * pool_json.c
 *	  Pools written as GET_POOLS answers them: which options of a group the
 *	  customer is shown.
 *
 * Stores are never shown.  Their offers are merged by type and, where it is
 * shown, provider; a slot that several of them offer is shown once, at its
 * lowest fee; slots of one fee make one option.  An offer without slots to
 * choose is as one slot.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "cart/pool_json.h"

/* One slot of one offer, as it competes to be shown. */
typedef struct Shown
{
	int type; /* place in SHIPMENT_TYPES */
	int face; /* number of the (type, provider) that it is shown under */
	int64 fee;
	bool slotless;
	GlOpenSlot slot;
	const GlOffer *offer;
} Shown;

typedef struct ShownList
{
	int count;
	Shown *shown;
} ShownList;

void
gl_date_write(StringInfo json, int64 date)
{
	int year;
	int month;
	int day;

	j2date((int) (date + UNIX_EPOCH_JDATE), &year, &month, &day);
	appendStringInfo(json, "\"%04d-%02d-%02d\"", year, month, day);
}

static int
compare_slots(const Shown *a, const Shown *b)
{
	int end_a = a->slot.to + (a->slot.to <= a->slot.from ? GL_MINUTES_PER_DAY : 0);
	int end_b = b->slot.to + (b->slot.to <= b->slot.from ? GL_MINUTES_PER_DAY : 0);

	if (a->slotless != b->slotless)
		return a->slotless ? -1 : 1;
	if (a->slotless)
		return 0;
	if (a->slot.date != b->slot.date)
		return a->slot.date < b->slot.date ? -1 : 1;
	if (a->slot.from != b->slot.from)
		return a->slot.from - b->slot.from;
	return end_a - end_b;
}

/* Face by face, slot by slot, the cheapest first. */
static int
by_slot(const void *left, const void *right)
{
	const Shown *a = left;
	const Shown *b = right;
	int order = a->face - b->face;

	if (order == 0)
		order = compare_slots(a, b);
	if (order == 0 && a->fee != b->fee)
		order = a->fee < b->fee ? -1 : 1;
	if (order == 0 && a->offer != b->offer)
		order = a->offer < b->offer ? -1 : 1;
	return order;
}

/* As they are written: by type, fee, face, then slots in order of time. */
static int
by_option(const void *left, const void *right)
{
	const Shown *a = left;
	const Shown *b = right;

	if (a->type != b->type)
		return a->type - b->type;
	if (a->fee != b->fee)
		return a->fee < b->fee ? -1 : 1;
	if (a->face != b->face)
		return a->face - b->face;
	return compare_slots(a, b);
}

static bool
same_face(const GlOffer *a, const GlOffer *b)
{
	if (strcmp(a->type, b->type) != 0 || a->shows_provider != b->shows_provider)
		return false;
	if (!a->shows_provider)
		return true;
	return (a->provider == NULL) == (b->provider == NULL) &&
		   (a->provider == NULL || strcmp(a->provider, b->provider) == 0);
}

static int
type_place(const GlPoolOptions *options, const char *type)
{
	int place = 0;

	while (place < options->types.count && strcmp(options->types.texts[place], type) != 0)
		place++;
	return place;
}

/* The slots of all options of a group, each marked with the face it has. */
static ShownList
collect(const GlCheckout *checkout, const GlOfferList *offers, const GlPoolGroup *group)
{
	ShownList list = {0, NULL};
	const GlOffer **faces = palloc(group->option_count * sizeof(GlOffer *));
	int face_count = 0;
	Size room = 0;

	for (int i = 0; i < group->option_count; i++)
		room += Max(offers->offers[group->options[i]].slot_count, 1);
	list.shown = palloc_extended(room * sizeof(Shown), MCXT_ALLOC_HUGE);
	for (int i = 0; i < group->option_count; i++)
	{
		const GlOffer *offer = &offers->offers[group->options[i]];
		int face = 0;
		int slots = offer->shows_slots ? offer->slot_count : 1;

		while (face < face_count && !same_face(faces[face], offer))
			face++;
		if (face == face_count)
			faces[face_count++] = offer;
		for (int s = 0; s < slots; s++)
		{
			Shown *shown = &list.shown[list.count++];

			shown->type = type_place(checkout->options, offer->type);
			shown->face = face;
			shown->fee = offer->scaled_fee;
			shown->slotless = !offer->shows_slots;
			shown->slot = offer->slots[s];
			shown->offer = offer;
		}
	}
	return list;
}

/* Of equal slots of one face only the cheapest stays; then in the order of writing. */
static void
keep_cheapest(ShownList *list)
{
	int kept = 0;

	qsort(list->shown, list->count, sizeof(Shown), by_slot);
	for (int i = 0; i < list->count; i++)
		if (i == 0 || list->shown[i].face != list->shown[kept - 1].face ||
			compare_slots(&list->shown[i], &list->shown[kept - 1]) != 0)
			list->shown[kept++] = list->shown[i];
	list->count = kept;
	qsort(list->shown, list->count, sizeof(Shown), by_option);
}

static void
write_slots(StringInfo json, const Shown *first, const Shown *end)
{
	appendStringInfoString(json, ",\"slots\":{");
	for (const Shown *shown = first; shown < end; shown++)
	{
		char from[6];
		char to[6];

		if (shown == first || shown->slot.date != shown[-1].slot.date)
		{
			if (shown > first)
				appendStringInfoString(json, "],");
			gl_date_write(json, shown->slot.date);
			appendStringInfoString(json, ":[");
		}
		else
			appendStringInfoChar(json, ',');
		gl_time_of_day_format(shown->slot.from, from);
		gl_time_of_day_format(shown->slot.to, to);
		appendStringInfo(json, "[\"%s\",\"%s\"]", from, to);
	}
	appendStringInfoString(json, "]}");
}

static void
write_option(StringInfo json, const Shown *first, const Shown *end)
{
	const GlOffer *offer = first->offer;

	appendStringInfoString(json, "{\"type\":");
	escape_json(json, offer->type);
	if (offer->shows_provider && offer->provider != NULL)
	{
		appendStringInfoString(json, ",\"provider\":");
		escape_json(json, offer->provider);
	}
	appendStringInfo(json, ",\"fee\":%s",
					 DatumGetCString(DirectFunctionCall1(numeric_out, offer->fee)));
	if (!first->slotless)
		write_slots(json, first, end);
	appendStringInfoChar(json, '}');
}

static void
write_options(StringInfo json, const GlCheckout *checkout, const GlOfferList *offers,
			  const GlPoolGroup *group)
{
	ShownList list = collect(checkout, offers, group);
	int first = 0;

	keep_cheapest(&list);
	for (int i = 1; i <= list.count; i++)
	{
		const Shown *start = &list.shown[first];

		if (i < list.count && list.shown[i].face == start->face &&
			list.shown[i].fee == start->fee && list.shown[i].slotless == start->slotless)
			continue;
		if (first > 0)
			appendStringInfoChar(json, ',');
		write_option(json, start, &list.shown[i]);
		first = i;
	}
}

static void
write_items(StringInfo json, const GlCart *cart, const uint64 *items)
{
	bool first = true;

	for (int i = 0; i < cart->item_count; i++)
	{
		if ((items[i / 64] >> (i % 64) & 1) == 0)
			continue;
		if (!first)
			appendStringInfoChar(json, ',');
		escape_json(json, cart->items[i].item_id);
		first = false;
	}
}

void
gl_pools_write(StringInfo json, const GlCheckout *checkout, const GlOfferList *offers,
			   const GlPoolAnswer *answer)
{
	appendStringInfoChar(json, '[');
	for (int p = 0; p < answer->pool_count; p++)
	{
		appendStringInfoString(json, p > 0 ? ",[" : "[");
		for (int g = 0; g < answer->pools[p].group_count; g++)
		{
			const GlPoolGroup *group = &answer->pools[p].groups[g];

			appendStringInfoString(json, g > 0 ? ",{\"items\":[" : "{\"items\":[");
			write_items(json, checkout->cart, group->items);
			appendStringInfoString(json, "],\"options\":[");
			write_options(json, checkout, offers, group);
			appendStringInfoString(json, "]}");
		}
		appendStringInfoChar(json, ']');
	}
	appendStringInfoChar(json, ']');
}
