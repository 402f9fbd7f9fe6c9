/*-------------------------------------------------------------------------
 *
 * shared.c
 *	  Finds equal things again, so that rules share one copy of them.
 *
 * The rules of a chain of stores are much alike: the same slots, zones and
 * categories over and over.  Sharing keeps the cache small, and lets a call
 * work out once what holds for many rules (GlMemo).  The server's hash tables
 * have keys of one length; these are texts, lists and jsonb as they are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"

#include "store/shared.h"

#define BUCKETS 4096

typedef struct Entry
{
	struct Entry *next;
	uint32 hash;
	int kind;
	size_t size;
	void *bytes;
	void *value;
} Entry;

struct GlShared
{
	MemoryContext context;
	Entry *buckets[BUCKETS];
};

GlShared *
gl_shared_create(void)
{
	GlShared *shared = palloc0(sizeof(GlShared));

	shared->context = CurrentMemoryContext;
	return shared;
}

void **
gl_shared_find(GlShared *shared, int kind, const void *bytes, size_t size)
{
	uint32 hash = hash_bytes(bytes, (int) size);
	Entry **bucket = &shared->buckets[hash % BUCKETS];
	Entry *entry = *bucket;

	while (entry != NULL && (entry->hash != hash || entry->kind != kind || entry->size != size ||
							 memcmp(entry->bytes, bytes, size) != 0))
		entry = entry->next;
	if (entry == NULL)
	{
		entry = MemoryContextAllocZero(shared->context, sizeof(Entry));
		entry->next = *bucket;
		entry->hash = hash;
		entry->kind = kind;
		entry->size = size;
		entry->bytes = MemoryContextAlloc(shared->context, Max(size, 1));
		memcpy(entry->bytes, bytes, size);
		*bucket = entry;
	}
	return &entry->value;
}
