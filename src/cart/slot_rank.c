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
#include "pool/keys.h"

/* A number in the order of days, starts and ends; first: the earliest day. */
static uint64
key_of(const GlOpenSlot *slot, int64 first)
{
	int end = slot->to + (slot->to <= slot->from ? GL_MINUTES_PER_DAY : 0);

	return (uint64) (slot->date - first) << 24 | (uint64) slot->from << 12 | (uint64) end;
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

/* places: the slots one after the other; ranks: of each. */
static void
rank_places(GlSlotRanks *ranks, const GlOpenSlot *places, int *rank, int count)
{
	GlPoolKey *keys = palloc(Max(count, 1) * sizeof(GlPoolKey));
	GlPoolKey *spare = palloc(Max(count, 1) * sizeof(GlPoolKey));
	int64 first = PG_INT64_MAX;

	for (int i = 0; i < count; i++)
		first = Min(first, places[i].date);
	for (int i = 0; i < count; i++)
	{
		keys[i].key = key_of(&places[i], first);
		keys[i].place = i;
	}
	gl_pool_keys_sort(keys, spare, count);
	ranks->times = palloc((count + 1) * sizeof(GlSlotTimes));
	ranks->day_of = palloc((count + 1) * sizeof(int));
	ranks->days = palloc(Max(count, 1) * sizeof(char *));
	ranks->count = 1;
	for (int i = 0; i < count; i++)
	{
		const GlOpenSlot *slot = &places[keys[i].place];

		if (i == 0 || keys[i].key != keys[i - 1].key)
		{
			if (i == 0 || slot->date != places[keys[i - 1].place].date)
				ranks->days[ranks->day_count++] = date_text(slot->date);
			ranks->times[ranks->count] = times_of(slot);
			ranks->day_of[ranks->count++] = ranks->day_count - 1;
		}
		rank[keys[i].place] = ranks->count - 1;
	}
}

const GlSlotRanks *
gl_slot_ranks_build(const GlOfferList *offers, const GlPoolAnswer *answer)
{
	GlSlotRanks *ranks = palloc0(sizeof(GlSlotRanks));
	int room = 16;
	const GlOpenSlot *last = NULL;
	GlOpenSlot *places;
	int *rank;
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
	places = palloc(Max(count, 1) * sizeof(GlOpenSlot));
	rank = palloc(Max(count, 1) * sizeof(int));
	count = 0;
	for (int i = 0; i < ranks->schedule_count; i++)
	{
		GlScheduleRanks *schedule = &ranks->schedules[i];

		schedule->ranks = &rank[count];
		memcpy(&places[count], schedule->open, schedule->count * sizeof(GlOpenSlot));
		count += schedule->count;
	}
	rank_places(ranks, places, rank, count);
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
