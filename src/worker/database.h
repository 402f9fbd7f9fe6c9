/*-------------------------------------------------------------------------
 *
 * database.h
 *	  What the files of a database's worker share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_WORKER_DATABASE_H
#define GL_WORKER_DATABASE_H

#include "lib/ilist.h"

#include "outbox/outbox.h"
#include "worker/worker.h"

/* Times are on the clock of gl_outbox_clock_ms. */
typedef struct GlWorker
{
	int number;          /* which of the database's workers, from 0 */
	Oid extension;       /* the one that our plans were made for */
	char user_agent[64]; /* the extension and its version, as carriers see it */
	GlHttp *http;
	bool engine_outdated; /* its settings changed; it is renewed when idle */

	MemoryContext flights; /* parent of the flights' contexts */
	MemoryContext turn;    /* parent of what is leased, until that is committed */
	dlist_head fresh;      /* leased by the open transaction */
	dlist_head sent;
	dlist_head finished; /* to be recorded */
	int finished_count;

	bool recording; /* what the turn that is open does */
	bool leasing;
	bool apart; /* it failed: its parts are to be tried alone */

	int64 lease_at;
	int64 lease_wait_ms; /* as the last lease says */
	bool more;
	int64 poll_at;
	int64 record_at;   /* something finished can be recorded; PG_INT64_MAX: nothing can */
	int64 finished_at; /* since when; 0: nothing is finished */
	int64 leave_at;
	int64 trim_at;
	int64 settle_at;
	int64 wall_offset; /* of gl_outbox_wall_offset_ms, as it was */
} GlWorker;

/*
 * Connects, takes the database's place and makes the worker; does not return
 * where there is nothing to work for.
 */
extern GlWorker *gl_worker_begin(Oid database, int number);

/* Ends the process and says why. */
extern void gl_worker_exit(GlWorkerState state) __attribute__((noreturn));

/*
 * Calls work in a transaction of its own, connected to SPI; what it does is
 * shown in pg_stat_activity.  False where it was rolled back, which is logged,
 * or put off because the extension is being dropped; ends the process where
 * the extension is gone.
 */
extern bool gl_worker_transact(GlWorker *worker, const char *what, void (*work)(GlWorker *worker));

/* Makes the engine, anew if there is one, by the settings as they are. */
extern void gl_worker_renew_engine(GlWorker *worker);

/* Do the settings ask for another engine than there is? */
extern bool gl_worker_engine_differs(void);

/*
 * Lets the engine work, moves what it has done to the finished flights, and
 * sends what waited for their connections.  True where anything was done.
 */
extern bool gl_worker_collect(GlWorker *worker);

/* Sends what waits in line, as far as there are connections. */
extern void gl_worker_send(GlWorker *worker);

/* Takes everything that waits out of the line, to be given back. */
extern void gl_worker_drop_line(GlWorker *worker);

#endif /* GL_WORKER_DATABASE_H */
