/*-------------------------------------------------------------------------
 *
 * track.c
 *	  Counts wrong phone numbers per order, so that nobody can guess one.
 *
 * The count is in shared memory: it survives the guesser's ROLLBACK and works
 * on a standby, where no table can be written.  It is a fixed table of
 * counters by hash, of a few sets of four; where a set is full the counter
 * of the fewest tries makes room, so that asking for many other orders does
 * not give an order its tries back.  Two orders that share a counter
 * would share its tries, which at 64 bits of hash does not happen by chance;
 * the hash is salted per server start, so that it cannot be aimed at either.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "port.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "settings.h"
#include "shipment/track.h"

GL_FUNCTION(gl_track_allowed);
GL_FUNCTION(gl_track_failed);

#define SETS 512
#define WAYS 4

/* Wrong tries at one order within the hour that began at "since". */
typedef struct TryCounter
{
	uint64 hash; /* 0: free */
	TimestampTz since;
	TimestampTz touched;
	int32 tries;
} TryCounter;

typedef struct TryTable
{
	slock_t mutex;
	uint64 salt;
	TryCounter counters[SETS][WAYS];
} TryTable;

static TryTable *table;

Size
gl_track_shmem_size(void)
{
	return MAXALIGN(sizeof(TryTable));
}

/* Finds or makes the table; small enough to be had after server start too. */
static TryTable *
attach(void)
{
	bool found;

	if (table != NULL)
		return table;
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	table = ShmemInitStruct("ganje_logistics tracking", gl_track_shmem_size(), &found);
	if (!found)
	{
		memset(table, 0, sizeof(TryTable));
		SpinLockInit(&table->mutex);
		if (!pg_strong_random(&table->salt, sizeof(table->salt)))
			table->salt = (uint64) GetCurrentTimestamp();
	}
	LWLockRelease(AddinShmemInitLock);
	return table;
}

static uint64
hash_order(FunctionCallInfo fcinfo)
{
	text *merchant = PG_GETARG_TEXT_PP(0);
	text *order_id = PG_GETARG_TEXT_PP(1);
	uint64 hash = hash_combine64(attach()->salt, (uint64) MyDatabaseId);

	hash = hash_combine64(hash, hash_bytes_extended((unsigned char *) VARDATA_ANY(merchant),
													VARSIZE_ANY_EXHDR(merchant), hash));
	hash = hash_combine64(hash, hash_bytes_extended((unsigned char *) VARDATA_ANY(order_id),
													VARSIZE_ANY_EXHDR(order_id), hash));
	return hash == 0 ? 1 : hash;
}

/* The counter of an order, or NULL; the caller holds the mutex. */
static TryCounter *
find(uint64 hash)
{
	TryCounter *set = table->counters[hash % SETS];

	for (int i = 0; i < WAYS; i++)
		if (set[i].hash == hash)
			return &set[i];
	return NULL;
}

/* What may be forgotten rather: an hour that is over, fewer tries, longer ago. */
static bool
is_lesser(const TryCounter *one, const TryCounter *other, TimestampTz hour_ago)
{
	int32 tries = one->since <= hour_ago ? 0 : one->tries;
	int32 other_tries = other->since <= hour_ago ? 0 : other->tries;

	return tries != other_tries ? tries < other_tries : one->touched < other->touched;
}

/* ganje.track_allowed(merchant, order_id) */
Datum
gl_track_allowed(PG_FUNCTION_ARGS)
{
	uint64 hash = hash_order(fcinfo);
	TimestampTz hour_ago = GetCurrentTimestamp() - USECS_PER_HOUR;
	TryCounter *counter;
	bool allowed;

	SpinLockAcquire(&table->mutex);
	counter = find(hash);
	allowed =
		counter == NULL || counter->since <= hour_ago || counter->tries < gl_setting_track_tries;
	SpinLockRelease(&table->mutex);
	PG_RETURN_BOOL(allowed);
}

/* ganje.track_failed(merchant, order_id) */
Datum
gl_track_failed(PG_FUNCTION_ARGS)
{
	uint64 hash = hash_order(fcinfo);
	TimestampTz now = GetCurrentTimestamp();
	TryCounter *counter;

	SpinLockAcquire(&table->mutex);
	counter = find(hash);
	if (counter == NULL)
	{
		TryCounter *set = table->counters[hash % SETS];

		counter = &set[0];
		for (int i = 1; i < WAYS; i++)
			if (is_lesser(&set[i], counter, now - USECS_PER_HOUR))
				counter = &set[i];
		counter->hash = hash;
		counter->since = now;
		counter->tries = 0;
	}
	else if (counter->since <= now - USECS_PER_HOUR)
	{
		counter->since = now;
		counter->tries = 0;
	}
	counter->touched = now;
	counter->tries++;
	SpinLockRelease(&table->mutex);
	PG_RETURN_VOID();
}
