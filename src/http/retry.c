/*-------------------------------------------------------------------------
 *
 * retry.c
 *	  Which answers are worth another try, and after how long.
 *
 * The delays double so that a carrier in trouble is left alone, are capped so
 * that one that recovers is noticed, and are spread so that the requests a
 * failure brought together do not come back together.  What the carrier asks
 * for by Retry-After is honoured within the same bounds: it may be a mistake
 * of ten years, or zero.
 *
 *-------------------------------------------------------------------------
 */
#include "http/retry.h"

#include <curl/curl.h>
#include <string.h>

/* The spread, in thousandths: 1000 - 200 up to 1000 + 200. */
#define JITTER_MILLE 200

/* Above this the spread could overflow; it is 146 million years. */
#define DELAY_MAX (INT64_MAX / 2)

bool
gl_retry_status(int http_status)
{
	return http_status == 408 || http_status == 425 || http_status == 429 ||
		   (http_status >= 500 && http_status <= 599);
}

static int64_t
clamp(int64_t value, int64_t low, int64_t high)
{
	if (value < low)
		return low;
	return value > high ? high : value;
}

/* base * 2^(attempt - 1), at most cap; both at least 1 and cap >= base. */
static int64_t
doubled(int attempt, int64_t base, int64_t cap)
{
	int64_t delay = base;
	int i;

	for (i = 1; i < attempt; i++)
	{
		if (delay > cap / 2)
			return cap;
		delay *= 2;
	}
	return delay;
}

/* value * (1000 +- JITTER_MILLE) / 1000, with value <= DELAY_MAX. */
static int64_t
spread(int64_t value, uint32_t random)
{
	int64_t mille = 1000 - JITTER_MILLE + (int64_t) (random % (2 * JITTER_MILLE + 1));

	return value / 1000 * mille + value % 1000 * mille / 1000;
}

/*
 * Milliseconds from now that a Retry-After header asks for, within
 * [0, DELAY_MAX], or -1 when it says nothing that can be understood.
 */
static int64_t
parse_retry_after(const char *text, int64_t now_epoch_s)
{
	int64_t seconds = 0;
	size_t digits;
	size_t i;

	text += strspn(text, " \t");
	digits = strspn(text, "0123456789");
	if (digits > 0 && text[digits + strspn(text + digits, " \t\r\n")] == '\0')
	{
		for (i = 0; i < digits; i++)
		{
			if (seconds > DELAY_MAX / 1000 / 10 - 1)
				return DELAY_MAX;
			seconds = seconds * 10 + (text[i] - '0');
		}
		return seconds * 1000;
	}

	/* Each form of HTTP date has a time of day; curl's parser needs none. */
	if (strchr(text, ':') == NULL)
		return -1;
	seconds = (int64_t) curl_getdate(text, NULL);
	if (seconds < 0)
		return -1;
	if (seconds <= now_epoch_s)
		return 0;
	return clamp(seconds - now_epoch_s, 0, DELAY_MAX / 1000) * 1000;
}

int64_t
gl_retry_delay_ms(int attempt, int64_t base_ms, int64_t cap_ms, uint32_t random,
				  const char *retry_after, int64_t now_epoch_s)
{
	int64_t asked;

	base_ms = clamp(base_ms, 1, DELAY_MAX);
	cap_ms = clamp(cap_ms, base_ms, DELAY_MAX);

	if (retry_after != NULL)
	{
		asked = parse_retry_after(retry_after, now_epoch_s);
		if (asked >= 0)
			return clamp(asked, base_ms, cap_ms);
	}
	return clamp(spread(doubled(attempt, base_ms, cap_ms), random), base_ms, cap_ms);
}
