/*-------------------------------------------------------------------------
 *
 * worker.h
 *	  Processes: a launcher for the server, workers for each database.
 *
 * A worker knows neither carriers nor tables; what it does is in outbox/.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_WORKER_H
#define GL_WORKER_H

#include "postgres.h"

#include "postmaster/bgworker.h"

/* What became of a database's worker, as the launcher needs to know it. */
typedef enum GlWorkerState
{
	GL_WORKER_NONE, /* none was there, or it ended unexpectedly */
	GL_WORKER_RUNNING,
	GL_WORKER_NOT_INSTALLED, /* the database has no extension */
	GL_WORKER_LEFT           /* it made room for DROP DATABASE and the like */
} GlWorkerState;

/* Called when the library is loaded. */
extern void gl_worker_init(void);

/* Fills in what all our background workers have in common. */
extern void gl_worker_describe(BackgroundWorker *worker, const char *function);

/* Fills in all of a database's worker, which is to be named after the database. */
extern void gl_worker_describe_database(BackgroundWorker *worker, Oid database, int number,
										const char *name);

/* Bytes of shared memory that are asked for when the library is preloaded. */
extern Size gl_worker_shmem_size(void);

/* Attaches to the shared memory, making it where it was not asked for. */
extern void gl_worker_attach(void);

/*
 * Takes the place of this database's worker of that number until the process
 * ends; false where another process has it or there is no place left.
 */
extern bool gl_worker_claim(Oid database, int number);

/* Says, as the process that has the place, why it leaves. */
extern void gl_worker_leave(GlWorkerState state);

/* Was this database's worker woken since it asked last? */
extern bool gl_worker_take_wake(void);

/* Process id of a database's worker, 0 where there is none. */
extern int gl_worker_pid(Oid database, int number);

/* State of a database's worker, and whether somebody asked for one since. */
extern GlWorkerState gl_worker_state(Oid database, int number, bool *wanted);

/* Wakes a database's workers or, where there is none, the launcher. */
extern void gl_worker_wake(Oid database);

/* Registers the launcher's latch; is a launcher there? */
extern void gl_worker_claim_launcher(void);
extern bool gl_worker_has_launcher(void);

/*
 * Takes the lock that a connection to the database needs, without waiting:
 * false where somebody drops, renames or copies it.
 */
extern bool gl_worker_database_is_free(Oid database);

/* Is ganje_logistics.databases empty, or does it name the database? */
extern bool gl_worker_is_wanted(const char *database);

#endif /* GL_WORKER_H */
