/*-------------------------------------------------------------------------
 *
 * slot_rank.h
 *	  The slots that an answer shows, in the order in which it shows them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_SLOT_RANK_H
#define GL_SLOT_RANK_H

#include "cart/offer.h"

/* The ranks of one schedule's slots. */
typedef struct GlScheduleRanks
{
	const GlOpenSlot *open; /* which, as GlOffer has it */
	int count;
	int *ranks;
} GlScheduleRanks;

/* ["10:00", "12:00"] as jsonb stores it. */
typedef struct GlSlotTimes
{
	uint32 header;
	JEntry entries[2];
	char texts[2][5];
} GlSlotTimes;

/* Without what the compiler adds at the end. */
#define GL_SLOT_TIMES_SIZE ((int) (offsetof(GlSlotTimes, texts) + 10))

/* Ranks begin with 1; 0 stands for no slot. */
typedef struct GlSlotRanks
{
	int count;          /* of ranks, 0 included */
	GlSlotTimes *times; /* per rank */
	int *day_of;        /* per rank an index of days */
	int day_count;
	char **days; /* "2026-03-01" */
	int schedule_count;
	GlScheduleRanks *schedules;
} GlSlotRanks;

/* Ranks the slots of all options of the answer. */
extern const GlSlotRanks *gl_slot_ranks_build(const GlOfferList *offers,
											  const GlPoolAnswer *answer);

/* Of each slot of a schedule. */
extern const int *gl_slot_ranks_of(const GlSlotRanks *ranks, const GlOpenSlot *open);

#endif /* GL_SLOT_RANK_H */
