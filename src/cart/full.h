/*-------------------------------------------------------------------------
 *
 * full.h
 *	  The full counters of one merchant, as capacity.c keeps them and
 *	  full_scan.c reads them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_FULL_H
#define GL_FULL_H

#include "datatype/timestamp.h"

#include "cart/offer.h"

/* Full counters by rule, in the memory context in which it was made. */
typedef struct GlFullTable GlFullTable;

extern void gl_full_table_add(GlFullTable *table, const GlStoreRule *rule, int64 date, int from,
							  int to);

/* Of whom, of which days, and when. */
typedef struct GlFullQuestion
{
	const char *merchant_id;
	const GlStoreList *stores; /* the merchant's among them */
	const GlHorizon *horizon;
	TimestampTz right_now;
} GlFullQuestion;

/*
 * Adds the counters that are full for sure.  Answers before when that may
 * change because a hold expires; where that is past, there are counters that
 * are full only if their expired units are counted: those were left out.
 */
extern TimestampTz gl_full_scan(GlFullTable *table, const GlFullQuestion *question);

/* Adds those of the counters that were left out which are full all the same. SPI is connected. */
extern void gl_full_scan_doubtful(GlFullTable *table, const GlFullQuestion *question);

/* The index that is read; changes of full counters invalidate it. */
extern Oid gl_full_index(void);

#endif /* GL_FULL_H */
