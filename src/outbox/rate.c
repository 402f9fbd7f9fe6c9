/*-------------------------------------------------------------------------
 *
 * rate.c
 *	  A token bucket.
 *
 *-------------------------------------------------------------------------
 */
#include "outbox/rate.h"

/* The longest wait that is told; the caller asks again. */
#define WAIT_MAX_MS 3600000.0

int
gl_bucket_take(GlBucket *bucket, double per_second, int most, int64_t now, int64_t *wait_ms)
{
	double size = per_second > 1 ? per_second : 1;
	int taken;

	if (bucket->at == 0)
		bucket->allowance = size;
	else
		bucket->allowance += per_second * (double) (now - bucket->at) / 1000;
	if (bucket->allowance > size)
		bucket->allowance = size;
	bucket->at = now;

	taken = bucket->allowance < most ? (int) bucket->allowance : most;
	if (taken < 0)
		taken = 0;
	bucket->allowance -= taken;
	if (taken < most)
	{
		double wait = (1 - bucket->allowance) * 1000 / per_second;
		int64_t whole = (int64_t) (wait < WAIT_MAX_MS ? wait : WAIT_MAX_MS) + 1;

		if (whole < *wait_ms)
			*wait_ms = whole;
	}
	return taken;
}

void
gl_bucket_return(GlBucket *bucket, int count)
{
	bucket->allowance += count;
}
