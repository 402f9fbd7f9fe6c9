/*-------------------------------------------------------------------------
 *
 * freshness.h
 *	  Which snapshots a backend cache of a config table may serve.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_FRESHNESS_H
#define GL_FRESHNESS_H

#include "storage/lock.h"
#include "utils/snapshot.h"

/* What a cache begins with: empty, and without a watermark. */
#define GL_FRESHNESS_EMPTY                                                                         \
	{                                                                                              \
		.changed = true, .overtaken = true                                                         \
	}

/* A snapshot's place in time; see freshness.c. */
typedef struct GlSnapshotPlace
{
	TransactionId xmax;
	uint32 running;
	CommandId command;
	LocalTransactionId transaction;
} GlSnapshotPlace;

typedef struct GlFreshness
{
	bool filled;               /* the cache holds something */
	bool changed;              /* an invalidation came since the cache was filled */
	bool overtaken;            /* an invalidation came since the watermark was taken */
	bool lasting;              /* serves every snapshot from "filled_at" on, not that one alone */
	GlSnapshotPlace watermark; /* taken after the last invalidation */
	GlSnapshotPlace filled_at;
} GlFreshness;

/* May the cache serve the active snapshot?  Learns of others' commits first. */
extern bool gl_freshness_serves(GlFreshness *freshness);

/* The cache was filled under the active snapshot. */
extern void gl_freshness_filled(GlFreshness *freshness);

/* To be called by the relcache callback: allocates nothing and reads nothing. */
extern void gl_freshness_invalidate(GlFreshness *freshness);

#endif /* GL_FRESHNESS_H */
