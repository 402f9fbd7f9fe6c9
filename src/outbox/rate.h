/*-------------------------------------------------------------------------
 *
 * rate.h
 *	  So many things a second: a token bucket.
 *
 * Pure.  Times are milliseconds of a clock that no one sets.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_OUTBOX_RATE_H
#define GL_OUTBOX_RATE_H

#include "pure.h"

/* Holds one second's worth, at least one; all zero is full. */
typedef struct GlBucket
{
	double allowance; /* things that may go now; full where at is 0 */
	int64_t at;       /* when allowance was worked out */
} GlBucket;

/*
 * Takes at most "most" things out, per_second > 0; answers how many.  Where
 * there are fewer *wait_ms is lowered to the time of the next one.
 */
extern int gl_bucket_take(GlBucket *bucket, double per_second, int most, int64_t now,
						  int64_t *wait_ms);

/* Gives back what was taken and not used. */
extern void gl_bucket_return(GlBucket *bucket, int count);

#endif /* GL_OUTBOX_RATE_H */
