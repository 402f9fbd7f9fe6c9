/*-------------------------------------------------------------------------
 *
 * time_of_day.c
 *	  Times of day and slots as the rules write them.
 *
 * Strict on purpose: "9:00" or "09:0" in a rule is more often a slip of the
 * pen than a time, and an upsert is the moment to say so.
 *
 *-------------------------------------------------------------------------
 */
#include "pool/schedule.h"

#include <stdio.h>
#include <stdlib.h>

/* Fills error (where, message) and answers GL_INVALID, to be returned at once. */
static GlStatus
invalid(GlError *error, int64_t where, const char *message)
{
	error->where = where;
	snprintf(error->message, sizeof(error->message), "%s", message);
	return GL_INVALID;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HH:MM" into minutes of the day; see schedule.h. */
GlStatus
gl_time_of_day_parse(const char *text, size_t length, int *minutes, GlError *error)
{
	int hour;
	int minute;

	if (length != 5 || !is_digit(text[0]) || !is_digit(text[1]) || text[2] != ':' ||
		!is_digit(text[3]) || !is_digit(text[4]))
		return invalid(error, -1, "a time of day is written HH:MM");
	hour = (text[0] - '0') * 10 + (text[1] - '0');
	minute = (text[3] - '0') * 10 + (text[4] - '0');
	if (minute > 59 || hour * 60 + minute > GL_MINUTES_PER_DAY)
		return invalid(error, -1, "a time of day lies between 00:00 and 24:00");
	*minutes = hour * 60 + minute;
	return GL_OK;
}

/* Minutes of the day (0 .. 1440) as "HH:MM". */
void
gl_time_of_day_format(int minutes, char text[6])
{
	text[0] = (char) ('0' + minutes / 600);
	text[1] = (char) ('0' + minutes / 60 % 10);
	text[2] = ':';
	text[3] = (char) ('0' + minutes % 60 / 10);
	text[4] = (char) ('0' + minutes % 10);
	text[5] = '\0';
}

/*
 * Both ends of a slot. 24:00 is an end only: a slot that starts there would
 * belong to one date by its text and to the next by the clock.
 */
GlStatus
gl_slot_parse(const char *from, size_t from_length, const char *to, size_t to_length, GlSlot *slot,
			  GlError *error)
{
	if (gl_time_of_day_parse(from, from_length, &slot->from, error) != GL_OK)
	{
		error->where = 0;
		return GL_INVALID;
	}
	if (slot->from == GL_MINUTES_PER_DAY)
		return invalid(error, 0, "a slot cannot start at 24:00");
	if (gl_time_of_day_parse(to, to_length, &slot->to, error) != GL_OK)
	{
		error->where = 1;
		return GL_INVALID;
	}
	return GL_OK;
}

/* Order of start, then of the true end (past midnight counts as later). */
static int
compare_slots(const void *left, const void *right)
{
	const GlSlot *a = left;
	const GlSlot *b = right;
	int a_end = a->to <= a->from ? a->to + GL_MINUTES_PER_DAY : a->to;
	int b_end = b->to <= b->from ? b->to + GL_MINUTES_PER_DAY : b->to;

	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	return (a_end > b_end) - (a_end < b_end);
}

/* Sorts in place, drops repeated slots, returns how many are left. */
int
gl_slots_sort(GlSlot *slots, int count)
{
	int kept = 0;
	int i;

	if (count > 1)
		qsort(slots, (size_t) count, sizeof(GlSlot), compare_slots);
	for (i = 0; i < count; i++)
	{
		if (kept == 0 || compare_slots(&slots[kept - 1], &slots[i]) != 0)
			slots[kept++] = slots[i];
	}
	return kept;
}
