/*-------------------------------------------------------------------------
 *
 * shared.c
 *	  Carrier accounts in shared memory.
 *
 * Limits and the breaker hold for an account, however many workers send for
 * it, and people look at them from their own sessions: so they are in shared
 * memory, where they outlast a worker.  They do not outlast the server, and
 * nothing is wrong then: limits begin afresh.
 *
 * There may be thousands of accounts (each subscriber is one), and a place
 * for each in the main segment would have to be asked for at server start:
 * the table lives in dynamic shared memory and grows as accounts send.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "lib/dshash.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/dsa.h"
#include "utils/memutils.h"

#include "compat.h"
#include "outbox/account.h"

/* Where the others find the table. */
typedef struct Anchor
{
	LWLock lock;
	int tranche;
	dsa_handle area; /* not valid before the first account */
	dshash_table_handle table;
	bool made;
} Anchor;

static Anchor *anchor;
static dsa_area *area;
static dshash_table *table;

Size
gl_account_shmem_size(void)
{
	return MAXALIGN(sizeof(Anchor));
}

static void
attach_anchor(void)
{
	bool found;

	if (anchor != NULL)
		return;
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	anchor = ShmemInitStruct("ganje_logistics accounts", gl_account_shmem_size(), &found);
	if (!found)
	{
		memset(anchor, 0, sizeof(Anchor));
		anchor->tranche = LWLockNewTrancheId();
		LWLockInitialize(&anchor->lock, anchor->tranche);
	}
	LWLockRelease(AddinShmemInitLock);
	LWLockRegisterTranche(anchor->tranche, "ganje_logistics accounts");
}

/* Makes the table, or finds the one that is there; for the life of the process. */
static void
attach_table(bool make)
{
	MemoryContext before;
	dshash_parameters parameters = {.key_size = sizeof(GlAccountKey),
									.entry_size = sizeof(GlAccount),
									.compare_function = dshash_memcmp,
									.hash_function = dshash_memhash,
									GL_DSHASH_COPY_KEY};

	attach_anchor();
	if (table != NULL)
		return;
	parameters.tranche_id = anchor->tranche;
	before = MemoryContextSwitchTo(TopMemoryContext);
	LWLockAcquire(&anchor->lock, LW_EXCLUSIVE);
	if (anchor->made)
	{
		if (area == NULL)
			area = dsa_attach(anchor->area);
		dsa_pin_mapping(area);
		table = dshash_attach(area, &parameters, anchor->table, NULL);
	}
	else if (make)
	{
		area = dsa_create(anchor->tranche);
		dsa_pin(area);
		dsa_pin_mapping(area);
		table = dshash_create(area, &parameters, NULL);
		anchor->area = dsa_get_handle(area);
		anchor->table = dshash_get_hash_table_handle(table);
		anchor->made = true;
	}
	LWLockRelease(&anchor->lock);
	MemoryContextSwitchTo(before);
}

static uint64
hash_id(const char *account_id)
{
	return hash_bytes_extended((const unsigned char *) account_id, (int) strlen(account_id), 0);
}

GlAccount *
gl_account_lock(const char *account_id, bool make)
{
	GlAccountKey key = {MyDatabaseId, hash_id(account_id)};
	GlAccount *account;
	bool found;

	attach_table(make);
	if (table == NULL)
		return NULL;
	account = dshash_find(table, &key, true);
	if (account == NULL && make)
	{
		account = dshash_find_or_insert(table, &key, &found);
		if (!found)
			memset((char *) account + sizeof(key), 0, sizeof(GlAccount) - sizeof(key));
	}
	return account;
}

void
gl_account_unlock(GlAccount *account)
{
	dshash_release_lock(table, account);
}

static int
compare_hashes(const void *left, const void *right)
{
	uint64 a = *(const uint64 *) left;
	uint64 b = *(const uint64 *) right;

	return (a > b) - (a < b);
}

void
gl_account_keep_only(const char *const *ids, int count)
{
	uint64 *hashes = palloc(sizeof(uint64) * Max(count, 1));
	dshash_seq_status scan;
	GlAccount *account;

	attach_table(false);
	if (table == NULL)
		return;
	for (int i = 0; i < count; i++)
		hashes[i] = hash_id(ids[i]);
	qsort(hashes, count, sizeof(uint64), compare_hashes);
	dshash_seq_init(&scan, table, true);
	while ((account = dshash_seq_next(&scan)) != NULL)
	{
		if (account->key.database == MyDatabaseId &&
			bsearch(&account->key.hash, hashes, count, sizeof(uint64), compare_hashes) == NULL)
			dshash_delete_current(&scan);
	}
	dshash_seq_term(&scan);
	pfree(hashes);
}
