/*-------------------------------------------------------------------------
 *
 * freshness.c
 *	  Keeps backend caches of config tables right under every snapshot.
 *
 * A relcache invalidation tells that the table changed, but not whether the
 * snapshot in use sees the change: a cache filled under a snapshot older than
 * the change (REPEATABLE READ, a cursor, a statement begun before) would stay
 * stale for ever.  So snapshots are put in order.  xmax never goes back from
 * one snapshot to a later one, and at equal xmax transactions only end: of
 * two snapshots the later has the greater xmax, or the same and no more
 * running transactions; within one transaction the command id decides the
 * rest.
 *
 * At the first use after an invalidation the latest snapshot is taken as a
 * watermark.  A fill under a snapshot not older than the watermark has seen
 * the change and lasts until the next invalidation, for all snapshots not
 * older than its own; any other fill serves its own snapshot alone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "storage/proc.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "core/freshness.h"

static GlSnapshotPlace
place_of(Snapshot snapshot)
{
	GlSnapshotPlace place;

	place.xmax = snapshot->xmax;
	/* In recovery the running transactions are all kept in subxip. */
	place.running = snapshot->xcnt + (snapshot->takenDuringRecovery ? snapshot->subxcnt : 0);
	place.command = snapshot->curcid;
	place.transaction = GL_MY_LOCAL_TRANSACTION;
	return place;
}

static bool
not_older(const GlSnapshotPlace *place, const GlSnapshotPlace *than)
{
	if (place->xmax != than->xmax)
		return TransactionIdFollows(place->xmax, than->xmax);
	if (place->running != than->running)
		return place->running < than->running;
	return place->transaction != than->transaction || place->command >= than->command;
}

static bool
same(const GlSnapshotPlace *a, const GlSnapshotPlace *b)
{
	return a->xmax == b->xmax && a->running == b->running && a->command == b->command &&
		   a->transaction == b->transaction;
}

bool
gl_freshness_serves(GlFreshness *freshness)
{
	GlSnapshotPlace active;

	/* SELECT f() takes no lock in an open transaction, and so hears of no commit by itself. */
	AcceptInvalidationMessages();
	active = place_of(GetActiveSnapshot());
	if (freshness->changed)
	{
		freshness->filled = false;
		freshness->changed = false;
	}
	/* In parallel mode no other snapshot may be taken: fills there serve the statement's own alone. */
	if (freshness->overtaken && !IsInParallelMode())
	{
		freshness->watermark = place_of(GetLatestSnapshot());
		freshness->overtaken = false;
	}
	if (!freshness->filled)
		return false;
	return freshness->lasting ? not_older(&active, &freshness->filled_at)
							  : same(&active, &freshness->filled_at);
}

void
gl_freshness_filled(GlFreshness *freshness)
{
	freshness->filled_at = place_of(GetActiveSnapshot());
	freshness->lasting =
		!freshness->overtaken && not_older(&freshness->filled_at, &freshness->watermark);
	freshness->filled = true;
}

void
gl_freshness_invalidate(GlFreshness *freshness)
{
	freshness->changed = true;
	freshness->overtaken = true;
}
