/*-------------------------------------------------------------------------
 *
 * slot_rank.c
 *	  Puts the slots that an answer shows into the order in which it shows
 *	  them, once for all its groups: by day, start and end.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "cart/slot_rank.h"

/* One slot of one schedule. */
typedef struct Place
{
	GlOpenSlot slot;
	int *rank;
} Place;

static int
end_of(const GlOpenSlot *slot)
{
	return slot->to + (slot->to <= slot->from ? GL_MINUTES_PER_DAY : 0);
}

static int
by_time(const void *left, const void *right)
{
	const GlOpenSlot *a = &((const Place *) left)->slot;
	const GlOpenSlot *b = &((const Place *) right)->slot;

	if (a->date != b->date)
		return a->date < b->date ? -1 : 1;
	if (a->from != b->from)
		return a->from - b->from;
	return end_of(a) - end_of(b);
}

/* Notes the schedules that options of the answer show slots of. */
static void
note_schedule(GlSlotRanks *ranks, const GlOffer *offer, int *room)
{
	GlScheduleRanks *schedule;

	for (int i = 0; i < ranks->schedule_count; i++)
		if (ranks->schedules[i].open == offer->slots->open)
			return;
	if (ranks->schedule_count == *room)
	{
		*room *= 2;
		ranks->schedules = repalloc(ranks->schedules, *room * sizeof(GlScheduleRanks));
	}
	schedule = &ranks->schedules[ranks->schedule_count++];
	schedule->open = offer->slots->open;
	schedule->count = offer->slots->open_count;
	schedule->ranks = palloc(Max(offer->slots->open_count, 1) * sizeof(int));
}

static GlSlotTimes
times_of(const GlOpenSlot *slot)
{
	GlSlotTimes times = {.header = 2 | JB_FARRAY,
						 .entries = {JENTRY_ISSTRING | JENTRY_HAS_OFF | 5, JENTRY_ISSTRING | 5}};
	char text[6];

	gl_time_of_day_format(slot->from, text);
	memcpy(times.texts[0], text, 5);
	gl_time_of_day_format(slot->to, text);
	memcpy(times.texts[1], text, 5);
	return times;
}

static char *
date_text(int64 date)
{
	int year;
	int month;
	int day;

	j2date((int) (date + UNIX_EPOCH_JDATE), &year, &month, &day);
	return psprintf("%04d-%02d-%02d", year, month, day);
}

static void
rank_places(GlSlotRanks *ranks, Place *places, int count)
{
	qsort(places, count, sizeof(Place), by_time);
	ranks->times = palloc((count + 1) * sizeof(GlSlotTimes));
	ranks->day_of = palloc((count + 1) * sizeof(int));
	ranks->days = palloc(Max(count, 1) * sizeof(char *));
	ranks->count = 1;
	for (int i = 0; i < count; i++)
	{
		const GlOpenSlot *slot = &places[i].slot;

		if (i == 0 || by_time(&places[i], &places[i - 1]) != 0)
		{
			if (i == 0 || slot->date != places[i - 1].slot.date)
				ranks->days[ranks->day_count++] = date_text(slot->date);
			ranks->times[ranks->count] = times_of(slot);
			ranks->day_of[ranks->count++] = ranks->day_count - 1;
		}
		*places[i].rank = ranks->count - 1;
	}
}

const GlSlotRanks *
gl_slot_ranks_build(const GlOfferList *offers, const GlPoolAnswer *answer)
{
	GlSlotRanks *ranks = palloc0(sizeof(GlSlotRanks));
	int room = 16;
	const GlOpenSlot *last = NULL;
	Place *places;
	int count = 0;

	ranks->schedules = palloc(room * sizeof(GlScheduleRanks));
	for (int p = 0; p < answer->pool_count; p++)
		for (int g = 0; g < answer->pools[p].group_count; g++)
			for (int i = 0; i < answer->pools[p].groups[g].option_count; i++)
			{
				const GlOffer *offer = &offers->offers[answer->pools[p].groups[g].options[i]];

				if (!offer->slots->shows_slots || offer->slots->open == last)
					continue;
				note_schedule(ranks, offer, &room);
				last = offer->slots->open;
			}
	for (int i = 0; i < ranks->schedule_count; i++)
		count += ranks->schedules[i].count;
	places = palloc(Max(count, 1) * sizeof(Place));
	count = 0;
	for (int i = 0; i < ranks->schedule_count; i++)
		for (int s = 0; s < ranks->schedules[i].count; s++)
		{
			places[count].slot = ranks->schedules[i].open[s];
			places[count++].rank = &ranks->schedules[i].ranks[s];
		}
	rank_places(ranks, places, count);
	return ranks;
}

const int *
gl_slot_ranks_of(const GlSlotRanks *ranks, const GlOpenSlot *open)
{
	int i = 0;

	while (ranks->schedules[i].open != open)
		i++;
	return ranks->schedules[i].ranks;
}
