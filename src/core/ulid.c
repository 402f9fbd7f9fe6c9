/*-------------------------------------------------------------------------
 *
 * ulid.c
 *	  Ids: ULIDs, 48 bits of milliseconds and 80 of randomness, written as 26
 *	  characters of Crockford's base 32 (github.com/ulid/spec).
 *
 * Within a backend they increase, as the specification's monotonic factory
 * has it: in one millisecond, or when the clock steps back, the random part of
 * the last one is counted up by one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <time.h>

#include "fmgr.h"
#include "port.h"
#include "utils/builtins.h"

#include "compat.h"
#include "core/core.h"

#define RANDOM_BYTES 10

GL_FUNCTION(gl_ulid_make);

static uint64 last_milliseconds;
static uint8 last_random[RANDOM_BYTES];

/* Counts the random part up; false where all its bits were ones. */
static bool
count_up(uint8 *bytes)
{
	for (int i = RANDOM_BYTES - 1; i >= 0; i--)
	{
		if (++bytes[i] != 0)
			return true;
	}
	return false;
}

/* 128 bits, read from the end in steps of five. */
static void
encode(const uint8 bytes[16], char ulid[GL_ULID_LENGTH + 1])
{
	static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

	for (int i = 0; i < GL_ULID_LENGTH; i++)
	{
		int first_bit = 128 - 5 * (GL_ULID_LENGTH - i);
		unsigned value = 0;

		for (int bit = Max(first_bit, 0); bit < first_bit + 5; bit++)
			value = (value << 1) | ((bytes[bit / 8] >> (7 - bit % 8)) & 1);
		ulid[i] = alphabet[value];
	}
	ulid[GL_ULID_LENGTH] = '\0';
}

void
gl_ulid_write(char ulid[GL_ULID_LENGTH + 1])
{
	struct timespec now;
	uint64 milliseconds;
	uint8 bytes[16];

	clock_gettime(CLOCK_REALTIME, &now);
	milliseconds = (uint64) now.tv_sec * 1000 + (uint64) now.tv_nsec / 1000000;
	if (milliseconds > last_milliseconds || !count_up(last_random))
	{
		if (!pg_strong_random(last_random, RANDOM_BYTES))
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random bytes")));
		last_milliseconds =
			Max(milliseconds, last_milliseconds + (milliseconds <= last_milliseconds));
	}
	for (int i = 0; i < 6; i++)
		bytes[i] = (uint8) (last_milliseconds >> (8 * (5 - i)));
	memcpy(bytes + 6, last_random, RANDOM_BYTES);
	encode(bytes, ulid);
}

/* ganje.ulid() */
Datum
gl_ulid_make(PG_FUNCTION_ARGS)
{
	char ulid[GL_ULID_LENGTH + 1];

	gl_ulid_write(ulid);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(ulid, GL_ULID_LENGTH));
}
