/*-------------------------------------------------------------------------
 *
 * cache.c
 *	  The stores and rules of this backend's merchants, loaded on first use
 *	  and after a change.
 *
 * By merchant, because a checkout asks about one or a few, and one backend
 * may serve thousands.  Together they are kept under a limit: what has not
 * been asked for longest goes first.  Which snapshots a load may serve:
 * core/freshness.c.
 *
 * A call holds on to what it was given: while a stock source of the user's,
 * called in its midst, changes rules and asks for pools itself, the old rules
 * stay until the call's memory goes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "fmgr.h"
#include "lib/ilist.h"
#include "nodes/makefuncs.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "core/freshness.h"
#include "store/store.h"

/* All merchants of a backend together; the one at hand is kept even where it is larger. */
#define CACHE_LIMIT ((Size) 64 * 1024 * 1024)

/* One load of a merchant's stores. */
typedef struct Load
{
	MemoryContext context; /* holds this, too */
	GlStoreList *list;
	Size size;
	int users;       /* calls that hold on to it */
	bool is_dropped; /* goes with its last user */
} Load;

typedef struct Merchant
{
	dlist_node link; /* the one asked for last comes first */
	char *merchant_id;
	GlFreshness freshness;
	Load *load; /* or NULL */
} Merchant;

static const char *const tables[] = {"store", "store_rule", "shipment_provider"};

static MemoryContext cache_context;
static dlist_head merchants = DLIST_STATIC_INIT(merchants);
static Size cache_size;

/* The tables that were read; see zone/cache.c. */
static Oid relations[lengthof(tables)];

/* May run anywhere in a transaction's end: it only notes. */
static void
on_relcache_change(Datum argument pg_attribute_unused(), Oid relation)
{
	bool is_ours = !OidIsValid(relation);
	dlist_iter place;

	for (int i = 0; i < (int) lengthof(tables); i++)
		is_ours = is_ours || !OidIsValid(relations[i]) || relation == relations[i];
	if (!is_ours)
		return;
	dlist_foreach (place, &merchants)
		gl_freshness_invalidate(&dlist_container(Merchant, link, place.cur)->freshness);
}

static void
drop_load(Merchant *merchant)
{
	Load *load = merchant->load;

	merchant->load = NULL;
	merchant->freshness.filled = false;
	if (load == NULL)
		return;
	cache_size -= load->size;
	load->is_dropped = true;
	if (load->users == 0)
		MemoryContextDelete(load->context);
}

static void
let_go(void *argument)
{
	Load *load = argument;

	load->users--;
	if (load->is_dropped && load->users == 0)
		MemoryContextDelete(load->context);
}

/* Until CurrentMemoryContext is reset, also by an error. */
static void
hold_on(Load *load)
{
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	callback->func = let_go;
	callback->arg = load;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	load->users++;
}

static Merchant *
find_merchant(const char *merchant_id)
{
	MemoryContext caller;
	Merchant *merchant;
	dlist_iter place;
	GlFreshness empty = GL_FRESHNESS_EMPTY;

	dlist_foreach (place, &merchants)
	{
		merchant = dlist_container(Merchant, link, place.cur);
		if (strcmp(merchant->merchant_id, merchant_id) == 0)
		{
			dlist_move_head(&merchants, &merchant->link);
			return merchant;
		}
	}
	caller = MemoryContextSwitchTo(cache_context);
	merchant = palloc0(sizeof(Merchant));
	merchant->merchant_id = pstrdup(merchant_id);
	merchant->freshness = empty;
	MemoryContextSwitchTo(caller);
	dlist_push_head(&merchants, &merchant->link);
	return merchant;
}

static void
find_relations(void)
{
	/* While they are looked up every change counts: the extension may be made anew just now. */
	memset(relations, 0, sizeof(relations));
	for (int i = 0; i < (int) lengthof(tables); i++)
	{
		Oid relation = RangeVarGetRelid(makeRangeVar("ganje", unconstify(char *, tables[i]), -1),
										AccessShareLock, false);

		relations[i] = relation;
	}
}

/* An error on the way leaves no load, and its memory goes with the caller's. */
static void
load_merchant(Merchant *merchant)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext fresh =
		AllocSetContextCreate(caller, "ganje_logistics merchant", ALLOCSET_DEFAULT_SIZES);
	Load *load;

	drop_load(merchant);
	find_relations();
	MemoryContextSwitchTo(fresh);
	load = palloc0(sizeof(Load));
	load->context = fresh;
	load->list = gl_stores_load(merchant->merchant_id);
	MemoryContextSwitchTo(caller);
	load->size = MemoryContextMemAllocated(fresh, true);
	MemoryContextSetIdentifier(fresh, merchant->merchant_id);
	MemoryContextSetParent(fresh, cache_context);
	merchant->load = load;
	cache_size += load->size;
	gl_freshness_filled(&merchant->freshness);
}

/* Forgets merchants from the end of the list, but for those that come before the limit is met. */
static void
keep_limit(int in_use)
{
	dlist_mutable_iter place;
	int kept = 0;
	Size size = 0;

	if (cache_size <= CACHE_LIMIT)
		return;
	dlist_foreach_modify(place, &merchants)
	{
		Merchant *merchant = dlist_container(Merchant, link, place.cur);

		size += merchant->load == NULL ? 0 : merchant->load->size;
		kept++;
		if (kept <= in_use || size <= CACHE_LIMIT)
			continue;
		drop_load(merchant);
		dlist_delete(&merchant->link);
		pfree(merchant->merchant_id);
		pfree(merchant);
	}
}

static const GlStoreList *
merchant_stores(const char *merchant_id)
{
	Merchant *merchant = find_merchant(merchant_id);

	if (!gl_freshness_serves(&merchant->freshness) || merchant->load == NULL)
		load_merchant(merchant);
	hold_on(merchant->load);
	return merchant->load->list;
}

static void
prepare(void)
{
	if (cache_context != NULL)
		return;
	cache_context =
		AllocSetContextCreate(CacheMemoryContext, "ganje_logistics stores", ALLOCSET_SMALL_SIZES);
	CacheRegisterRelcacheCallback(on_relcache_change, (Datum) 0);
}

static int
compare_texts(const void *left, const void *right)
{
	return strcmp(*(char *const *) left, *(char *const *) right);
}

GlStoreList *
gl_stores_read(const GlTexts *merchant_ids)
{
	GlStoreList *all = palloc0(sizeof(GlStoreList));
	char **ids = palloc(Max(merchant_ids->count, 1) * sizeof(char *));
	const GlStoreList **lists = palloc(Max(merchant_ids->count, 1) * sizeof(GlStoreList *));

	prepare();
	memcpy(ids, merchant_ids->texts, merchant_ids->count * sizeof(char *));
	qsort(ids, merchant_ids->count, sizeof(char *), compare_texts);
	for (int i = 0; i < merchant_ids->count; i++)
	{
		lists[i] = merchant_stores(ids[i]);
		all->count += lists[i]->count;
	}
	keep_limit(merchant_ids->count);
	if (merchant_ids->count == 1)
	{
		*all = *lists[0];
		return all;
	}
	all->stores = palloc_extended(Max(all->count, 1) * sizeof(GlStore), MCXT_ALLOC_HUGE);
	all->indexes = palloc(merchant_ids->count * sizeof(GlRuleIndex *));
	all->count = 0;
	for (int i = 0; i < merchant_ids->count; i++)
	{
		memcpy(&all->stores[all->count], lists[i]->stores, lists[i]->count * sizeof(GlStore));
		all->count += lists[i]->count;
		all->indexes[all->merchant_count++] = lists[i]->indexes[0];
	}
	return all;
}
