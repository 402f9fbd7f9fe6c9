/*-------------------------------------------------------------------------
 *
 * shmem.c
 *	  Who works for which database, in shared memory.
 *
 * A place per worker holds its process id and the number of its PGPROC, through which a committing backend sets its latch.  A few KB can be
 * had after server start too, so that the library need not be preloaded.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "storage/spin.h"

#include "worker/worker.h"

/* Workers at one time; further ones do not start. */
#define PLACES 512

typedef struct Place
{
	Oid database; /* InvalidOid: never used */
	int number;   /* which of the database's workers, from 0 */
	int pid;      /* 0: nobody works */
	int proc;     /* index of the worker's PGPROC */
	bool woken;   /* there may be something to send */
	bool wanted;  /* nobody works, but something was written */
	GlWorkerState state;
} Place;

typedef struct SharedState
{
	slock_t mutex;
	int launcher_pid;
	int launcher_proc;
	Place places[PLACES];
} SharedState;

static SharedState *shared;
static int own_place = -1;

Size
gl_worker_shmem_size(void)
{
	return sizeof(SharedState);
}

void
gl_worker_attach(void)
{
	bool found;

	if (shared != NULL)
		return;
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("ganje_logistics workers", sizeof(SharedState), &found);
	if (!found)
	{
		memset(shared, 0, sizeof(SharedState));
		SpinLockInit(&shared->mutex);
	}
	LWLockRelease(AddinShmemInitLock);
}

/* The place of a database's worker, -1 where it has none; the mutex is held. */
static int
find_place(Oid database, int number)
{
	for (int i = 0; i < PLACES; i++)
	{
		if (shared->places[i].database == database && shared->places[i].number == number)
			return i;
	}
	return -1;
}

/* The place of a database's worker, an unused or abandoned one, or -1. */
static int
find_or_take_place(Oid database, int number)
{
	int place = find_place(database, number);

	if (place < 0)
		place = find_place(InvalidOid, 0);
	for (int i = 0; place < 0 && i < PLACES; i++)
	{
		if (shared->places[i].pid == 0)
			place = i;
	}
	if (place >= 0 &&
		(shared->places[place].database != database || shared->places[place].number != number))
	{
		memset(&shared->places[place], 0, sizeof(Place));
		shared->places[place].database = database;
		shared->places[place].number = number;
	}
	return place;
}

/* Index of our PGPROC, good in every process. */
static int
own_proc(void)
{
	return (int) (MyProc - ProcGlobal->allProcs);
}

static void
set_latch_of(int proc)
{
	SetLatch(&ProcGlobal->allProcs[proc].procLatch);
}

/* The process ends: nobody works any more. */
static void
release_place(int code pg_attribute_unused(), Datum argument pg_attribute_unused())
{
	SpinLockAcquire(&shared->mutex);
	shared->places[own_place].pid = 0;
	if (shared->places[own_place].state == GL_WORKER_RUNNING)
		shared->places[own_place].state = GL_WORKER_NONE;
	SpinLockRelease(&shared->mutex);
}

bool
gl_worker_claim(Oid database, int number)
{
	int place;
	int launcher = -1;
	bool claimed = false;

	gl_worker_attach();
	SpinLockAcquire(&shared->mutex);
	place = find_or_take_place(database, number);
	if (place >= 0 && shared->places[place].pid == 0)
	{
		shared->places[place].pid = MyProcPid;
		shared->places[place].proc = own_proc();
		shared->places[place].woken = false;
		shared->places[place].wanted = false;
		shared->places[place].state = GL_WORKER_RUNNING;
		claimed = true;
		if (shared->launcher_pid != 0)
			launcher = shared->launcher_proc;
	}
	SpinLockRelease(&shared->mutex);
	if (claimed)
	{
		own_place = place;
		before_shmem_exit(release_place, (Datum) 0);
	}
	/* which starts the database's others once the first is there */
	if (launcher >= 0)
		set_latch_of(launcher);
	return claimed;
}

void
gl_worker_leave(GlWorkerState state)
{
	SpinLockAcquire(&shared->mutex);
	shared->places[own_place].state = state;
	/* what was committed since we looked is for the next worker */
	shared->places[own_place].wanted = shared->places[own_place].woken;
	SpinLockRelease(&shared->mutex);
}

bool
gl_worker_take_wake(void)
{
	bool woken;

	SpinLockAcquire(&shared->mutex);
	woken = shared->places[own_place].woken;
	shared->places[own_place].woken = false;
	SpinLockRelease(&shared->mutex);
	return woken;
}

int
gl_worker_pid(Oid database, int number)
{
	int place;
	int pid = 0;

	gl_worker_attach();
	SpinLockAcquire(&shared->mutex);
	place = find_place(database, number);
	if (place >= 0)
		pid = shared->places[place].pid;
	SpinLockRelease(&shared->mutex);
	return pid;
}

GlWorkerState
gl_worker_state(Oid database, int number, bool *wanted)
{
	GlWorkerState state = GL_WORKER_NONE;
	int place;

	*wanted = false;
	SpinLockAcquire(&shared->mutex);
	place = find_place(database, number);
	if (place >= 0)
	{
		state = shared->places[place].state;
		*wanted = shared->places[place].wanted;
	}
	SpinLockRelease(&shared->mutex);
	return state;
}

/* Whom to wake of a database's workers, and how many; the mutex is held. */
static int
mark_woken(Oid database, int *procs)
{
	int count = 0;

	for (int i = 0; i < PLACES && shared->places[i].database != InvalidOid; i++)
	{
		Place *place = &shared->places[i];

		if (place->database != database || place->pid == 0)
			continue;
		place->woken = true;
		procs[count++] = place->proc;
	}
	return count;
}

void
gl_worker_wake(Oid database)
{
	int procs[PLACES];
	int count;

	SpinLockAcquire(&shared->mutex);
	count = mark_woken(database, procs);
	if (count == 0)
	{
		int place = find_or_take_place(database, 0);
		bool told = place >= 0 && shared->places[place].wanted;

		if (place >= 0)
			shared->places[place].wanted = true;
		/* once: it may have no place for a worker, or is not to start one, while orders come in */
		if (!told && shared->launcher_pid != 0)
			procs[count++] = shared->launcher_proc;
	}
	SpinLockRelease(&shared->mutex);
	for (int i = 0; i < count; i++)
		set_latch_of(procs[i]);
}

static void
release_launcher(int code pg_attribute_unused(), Datum argument pg_attribute_unused())
{
	SpinLockAcquire(&shared->mutex);
	shared->launcher_pid = 0;
	SpinLockRelease(&shared->mutex);
}

void
gl_worker_claim_launcher(void)
{
	gl_worker_attach();
	SpinLockAcquire(&shared->mutex);
	shared->launcher_pid = MyProcPid;
	shared->launcher_proc = own_proc();
	SpinLockRelease(&shared->mutex);
	before_shmem_exit(release_launcher, (Datum) 0);
}

bool
gl_worker_has_launcher(void)
{
	bool there;

	SpinLockAcquire(&shared->mutex);
	there = shared->launcher_pid != 0;
	SpinLockRelease(&shared->mutex);
	return there;
}
