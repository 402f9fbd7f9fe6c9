/*-------------------------------------------------------------------------
 *
 * pool_json.c
 *	  Pools as GET_POOLS answers them: which options of a group the customer
 *	  is shown.
 *
 * Stores are never shown.  Their offers are merged by face: type and, where
 * it is shown, provider.  A slot that several of them offer is shown once, at
 * its lowest fee; slots of one fee make one option.  An offer without slots
 * to choose is as one slot.
 *
 * A cart may have hundreds of offers of dozens of slots in each of its
 * groups, but they differ in little: most have the slots of a schedule that
 * many rules share, and of those only the cheapest counts.  Slots are ranked
 * once per call, so that groups need no sorting.  The answer is written as it
 * is stored (json/write.c), its many pairs of times by copying.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "cart/pool_json.h"
#include "cart/slot_rank.h"
#include "json/write.h"

/* What offers are shown under. */
typedef struct Face
{
	int type; /* place in SHIPMENT_TYPES */
	const GlOffer *offer;
	int first; /* option of the group at hand that has it, counted from 1; 0: none */
} Face;

/* The offers of one face whose slots are of one schedule. */
typedef struct Bundle
{
	int face;
	const GlOpenSlot *open;
	bool shows_slots;
	const GlOffer *whole; /* the cheapest that has all slots of the schedule, or NULL */
} Bundle;

/* An option: slots of one face and one fee. */
typedef struct Option
{
	int face;
	bool slotless;
	const GlOffer *offer; /* the first of those with this fee */
	int slot_count;
	int first_rank; /* of its slots, which are chained by Writer.next_rank */
	int last_rank;
} Option;

typedef struct Writer
{
	const GlCheckout *checkout;
	const GlOfferList *offers;
	const GlSlotRanks *ranks;
	GlJsonbWriter json;
	int *bundle_of; /* of each offer, counted from 1; 0: not known yet */
	int face_count;
	Face *faces;
	int bundle_room;
	int bundle_count;
	Bundle *bundles;
	const GlOffer **best; /* of each face and rank; rank 0: without slots */
	int *next_rank;       /* of each face and rank, the next slot of the same option; 0: none */
	int option_room;
	int option_count;
	Option *options;
} Writer;

static void
put_text(GlJsonbWriter *json, const char *text)
{
	gl_jsonb_string(json, text, (int) strlen(text));
}

static bool
same_face(const GlOffer *a, const GlOffer *b)
{
	if (a->type != b->type || a->shows_provider != b->shows_provider)
		return false;
	if (!a->shows_provider || a->provider == b->provider)
		return true;
	return a->provider != NULL && b->provider != NULL && strcmp(a->provider, b->provider) == 0;
}

static int
type_place(const GlPoolOptions *options, const char *type)
{
	int place = 0;

	while (place < options->types.count && strcmp(options->types.texts[place], type) != 0)
		place++;
	return place;
}

static int
face_of(Writer *writer, const GlOffer *offer)
{
	int face = 0;

	while (face < writer->face_count && !same_face(writer->faces[face].offer, offer))
		face++;
	if (face == writer->face_count)
	{
		writer->faces = repalloc(writer->faces, (face + 1) * sizeof(Face));
		writer->faces[face].offer = offer;
		writer->faces[face].first = 0;
		writer->faces[face].type = type_place(writer->checkout->options, offer->type);
		writer->face_count++;
	}
	return face;
}

/* The place of an offer's bundle, found once per call. */
static int
bundle_of(Writer *writer, int offer_index)
{
	const GlOffer *offer = &writer->offers->offers[offer_index];
	int place = 0;
	int face;
	Bundle *bundle;

	if (writer->bundle_of[offer_index] > 0)
		return writer->bundle_of[offer_index] - 1;
	face = face_of(writer, offer);
	for (bundle = writer->bundles; place < writer->bundle_count; place++, bundle++)
		if (bundle->face == face && bundle->open == offer->slots->open &&
			bundle->shows_slots == offer->slots->shows_slots)
			break;
	if (place == writer->bundle_room)
	{
		writer->bundle_room *= 2;
		writer->bundles = repalloc(writer->bundles, writer->bundle_room * sizeof(Bundle));
	}
	if (place == writer->bundle_count)
	{
		bundle = &writer->bundles[writer->bundle_count++];
		bundle->face = face;
		bundle->open = offer->slots->open;
		bundle->shows_slots = offer->slots->shows_slots;
		bundle->whole = NULL;
	}
	writer->bundle_of[offer_index] = place + 1;
	return place;
}

/* Of equal fees the first offer's is shown, as it was given. */
static bool
is_cheaper(const GlOffer *offer, const GlOffer *than)
{
	return than == NULL || offer->scaled_fee < than->scaled_fee ||
		   (offer->scaled_fee == than->scaled_fee && offer < than);
}

static bool
is_whole(const GlOffer *offer)
{
	return !offer->slots->shows_slots || offer->slots->full == NULL;
}

static void
take_slots(Writer *writer, int face, const GlOffer *offer)
{
	const GlOffer **best = &writer->best[(Size) face * writer->ranks->count];
	const GlOfferSlots *slots = offer->slots;
	const int *ranks;

	if (!slots->shows_slots)
	{
		if (is_cheaper(offer, best[0]))
			best[0] = offer;
		return;
	}
	ranks = gl_slot_ranks_of(writer->ranks, slots->open);
	for (int place = 0; place < slots->open_count; place++)
		if (!gl_slot_is_full(slots, place) && is_cheaper(offer, best[ranks[place]]))
			best[ranks[place]] = offer;
}

/* For each face and slot the cheapest offer of the group. */
static void
find_best(Writer *writer, const GlPoolGroup *group)
{
	for (int face = 0; face < writer->face_count; face++)
		writer->faces[face].first = 0;
	for (int i = 0; i < writer->bundle_count; i++)
		writer->bundles[i].whole = NULL;
	for (int i = 0; i < group->option_count; i++)
	{
		const GlOffer *offer = &writer->offers->offers[group->options[i]];
		int place = bundle_of(writer, group->options[i]); /* may move the bundles */
		Bundle *bundle = &writer->bundles[place];
		Face *face = &writer->faces[bundle->face];

		if (face->first == 0)
			face->first = i + 1;
		if (is_whole(offer) && is_cheaper(offer, bundle->whole))
			bundle->whole = offer;
	}
	writer->best = palloc0((Size) writer->face_count * writer->ranks->count * sizeof(GlOffer *));
	for (int i = 0; i < writer->bundle_count; i++)
		if (writer->bundles[i].whole != NULL)
			take_slots(writer, writer->bundles[i].face, writer->bundles[i].whole);
	for (int i = 0; i < group->option_count; i++)
	{
		const GlOffer *offer = &writer->offers->offers[group->options[i]];
		const Bundle *bundle = &writer->bundles[writer->bundle_of[group->options[i]] - 1];

		if (!is_whole(offer) && is_cheaper(offer, bundle->whole))
			take_slots(writer, bundle->face, offer);
	}
}

/* By type, fee, face; without slots first. */
static int
by_option(const void *left, const void *right, void *faces)
{
	const Option *a = left;
	const Option *b = right;
	int order = ((Face *) faces)[a->face].type - ((Face *) faces)[b->face].type;

	if (order == 0 && a->offer->scaled_fee != b->offer->scaled_fee)
		order = a->offer->scaled_fee < b->offer->scaled_fee ? -1 : 1;
	if (order == 0)
		order = ((Face *) faces)[a->face].first - ((Face *) faces)[b->face].first;
	return order != 0 ? order : (int) b->slotless - (int) a->slotless;
}

static Option *
find_option(Writer *writer, int face, bool slotless, const GlOffer *offer)
{
	Option *option;

	for (int i = writer->option_count - 1; i >= 0 && writer->options[i].face == face; i--)
		if (writer->options[i].slotless == slotless &&
			writer->options[i].offer->scaled_fee == offer->scaled_fee)
			return &writer->options[i];
	if (writer->option_count == writer->option_room)
	{
		writer->option_room *= 2;
		writer->options = repalloc(writer->options, writer->option_room * sizeof(Option));
	}
	option = &writer->options[writer->option_count++];
	memset(option, 0, sizeof(Option));
	option->face = face;
	option->slotless = slotless;
	option->offer = offer;
	return option;
}

/* Makes options of the slots of a face, in the order in which they are shown. */
static void
add_options(Writer *writer, int face)
{
	Size start = (Size) face * writer->ranks->count;

	for (int rank = 0; rank < writer->ranks->count; rank++)
	{
		const GlOffer *offer = writer->best[start + rank];
		Option *option;

		if (offer == NULL)
			continue;
		option = find_option(writer, face, rank == 0, offer);
		if (rank == 0)
			continue;
		if (option->slot_count++ == 0)
			option->first_rank = rank;
		else
			writer->next_rank[start + option->last_rank] = rank;
		option->last_rank = rank;
		writer->next_rank[start + rank] = 0;
	}
}

/* {"2026-03-01": [["10:00", "12:00"], …], …} of the slots that the option's fee is best for. */
static void
write_slots(Writer *writer, const Option *option)
{
	const GlSlotRanks *ranks = writer->ranks;
	const int *next = &writer->next_rank[(Size) option->face * ranks->count];
	int *counts = palloc(ranks->day_count * sizeof(int));
	int rank = option->first_rank;
	int day_count = 0;

	for (int day = -1; rank != 0; rank = next[rank])
	{
		if (ranks->day_of[rank] != day)
		{
			day = ranks->day_of[rank];
			counts[day_count++] = 0;
		}
		counts[day_count - 1]++;
	}
	gl_jsonb_open_object(&writer->json, day_count);
	rank = option->first_rank;
	for (int d = 0; d < day_count; d++)
	{
		put_text(&writer->json, ranks->days[ranks->day_of[rank]]);
		for (int i = 0; i < counts[d]; i++)
			rank = next[rank];
	}
	rank = option->first_rank;
	for (int d = 0; d < day_count; d++)
	{
		gl_jsonb_open_array(&writer->json, counts[d]);
		for (int i = 0; i < counts[d]; i++, rank = next[rank])
			gl_jsonb_container(&writer->json, &ranks->times[rank], GL_SLOT_TIMES_SIZE);
		gl_jsonb_close(&writer->json);
	}
	gl_jsonb_close(&writer->json);
	pfree(counts);
}

static void
write_option(Writer *writer, const Option *option)
{
	const GlOffer *offer = option->offer;
	GlJsonbWriter *json = &writer->json;
	bool has_provider = offer->shows_provider && offer->provider != NULL;

	gl_jsonb_open_object(json, 2 + (option->slotless ? 0 : 1) + (has_provider ? 1 : 0));
	put_text(json, "fee");
	put_text(json, "type");
	if (!option->slotless)
		put_text(json, "slots");
	if (has_provider)
		put_text(json, "provider");
	gl_jsonb_numeric(json, DatumGetNumeric(offer->fee));
	put_text(json, offer->type);
	if (!option->slotless)
		write_slots(writer, option);
	if (has_provider)
		put_text(json, offer->provider);
	gl_jsonb_close(json);
}

static void
write_options(Writer *writer, const GlPoolGroup *group)
{
	find_best(writer, group);
	writer->option_count = 0;
	writer->next_rank = palloc((Size) writer->face_count * writer->ranks->count * sizeof(int));
	for (int face = 0; face < writer->face_count; face++)
		add_options(writer, face);
	qsort_arg(writer->options, writer->option_count, sizeof(Option), by_option, writer->faces);
	gl_jsonb_open_array(&writer->json, writer->option_count);
	for (int i = 0; i < writer->option_count; i++)
		write_option(writer, &writer->options[i]);
	gl_jsonb_close(&writer->json);
	pfree(writer->next_rank);
	pfree(writer->best);
}

void
gl_item_ids_write(StringInfo json, const GlCart *cart, const uint64 *items)
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

static void
write_items(Writer *writer, const uint64 *items)
{
	const GlCart *cart = writer->checkout->cart;

	gl_jsonb_open_array(&writer->json,
						(int) pg_popcount((const char *) items,
										  GL_POOL_WORDS(cart->item_count) * (int) sizeof(uint64)));
	for (int i = 0; i < cart->item_count; i++)
		if (items[i / 64] >> (i % 64) & 1)
			put_text(&writer->json, cart->items[i].item_id);
	gl_jsonb_close(&writer->json);
}

static void
write_pool(Writer *writer, const GlPool *pool)
{
	gl_jsonb_open_array(&writer->json, pool->group_count);
	for (int g = 0; g < pool->group_count; g++)
	{
		CHECK_FOR_INTERRUPTS();
		gl_jsonb_open_object(&writer->json, 2);
		put_text(&writer->json, "items");
		put_text(&writer->json, "options");
		write_items(writer, pool->groups[g].items);
		write_options(writer, &pool->groups[g]);
		gl_jsonb_close(&writer->json);
	}
	gl_jsonb_close(&writer->json);
}

Jsonb *
gl_pools_write(const GlCheckout *checkout, const GlOfferList *offers, const GlPoolAnswer *answer)
{
	Writer writer = {.checkout = checkout, .offers = offers};

	writer.ranks = gl_slot_ranks_build(offers, answer);
	writer.bundle_of = palloc0(Max(offers->count, 1) * sizeof(int));
	writer.faces = palloc(sizeof(Face));
	writer.bundle_room = 32;
	writer.bundles = palloc(writer.bundle_room * sizeof(Bundle));
	writer.option_room = 32;
	writer.options = palloc(writer.option_room * sizeof(Option));
	gl_jsonb_begin(&writer.json);
	gl_jsonb_open_array(&writer.json, answer->pool_count);
	for (int p = 0; p < answer->pool_count; p++)
		write_pool(&writer, &answer->pools[p]);
	gl_jsonb_close(&writer.json);
	return gl_jsonb_end(&writer.json);
}
