/*-------------------------------------------------------------------------
 *
 * capacity.c
 *	  Which counters are full, kept by the backend until one fills or frees.
 *
 * Slots fill some times an hour and are asked about some times a second, so
 * what was read is kept per merchant.  A trigger on the counters invalidates
 * their index when a counter becomes full or has room again; that costs other
 * backends no plan, as an invalidation of the table would.  Which snapshots
 * what was read may serve: core/freshness.c.
 *
 * What is kept also holds only for the rules that it was found for, for the
 * days that were asked about, and until the first of the holds it is full of
 * expires; after that each call reads anew, until the units that have expired
 * are taken back (ganje.settle_counters).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"
#include "commands/trigger.h"
#include "lib/ilist.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "cart/full.h"
#include "compat.h"
#include "core/core.h"
#include "core/freshness.h"

GL_FUNCTION(gl_counter_changed);

/* Merchants that are kept; of more, those that were asked for last. */
#define KEPT_MERCHANTS 64

/* The full counters of one rule. */
typedef struct RuleEntry
{
	const GlStoreRule *rule;
	GlFullCounter *counters;
	char status; /* simplehash's */
} RuleEntry;

#define SH_PREFIX rules
#define SH_ELEMENT_TYPE RuleEntry
#define SH_KEY_TYPE const GlStoreRule *
#define SH_KEY rule
#define SH_HASH_KEY(table, key) murmurhash32((uint32) (((uintptr_t) (key)) >> 4))
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

struct GlFullTable
{
	MemoryContext context;
	rules_hash *rules;
};

/* One per merchant of the cart. */
struct GlFullCounters
{
	int count;
	const GlFullTable *tables[FLEXIBLE_ARRAY_MEMBER];
};

/* The full counters of a merchant as they were read, in a memory context of their own. */
typedef struct Reading
{
	MemoryContext context;
	GlFullTable *table;
	uint64 load; /* of the rules that the table names */
	int64 today;
	int days;
	TimestampTz until; /* before this no hold of a full counter expires */
	int users;         /* calls that hold on to it */
	bool is_dropped;   /* goes with its last user */
} Reading;

typedef struct Merchant
{
	dlist_node link; /* the one asked for last comes first */
	char *merchant_id;
	GlFreshness freshness;
	Reading *reading; /* or NULL */
} Merchant;

static dlist_head merchants = DLIST_STATIC_INIT(merchants);
static int merchant_count;

/* The index that was read; see zone/cache.c. */
static Oid full_index;

static GlFullTable *
create_table(void)
{
	GlFullTable *table = palloc(sizeof(GlFullTable));

	table->context = CurrentMemoryContext;
	table->rules = rules_create(CurrentMemoryContext, 64, NULL);
	return table;
}

void
gl_full_table_add(GlFullTable *table, const GlStoreRule *rule, int64 date, int from, int to)
{
	GlFullCounter *counter = MemoryContextAlloc(table->context, sizeof(GlFullCounter));
	RuleEntry *entry;
	bool found;

	counter->date = date;
	counter->from = from;
	counter->to = to;
	entry = rules_insert(table->rules, rule, &found);
	counter->next = found ? entry->counters : NULL;
	entry->counters = counter;
}

/* May run anywhere in a transaction's end: it only notes. */
static void
on_relcache_change(Datum argument pg_attribute_unused(), Oid relation)
{
	dlist_iter place;

	if (OidIsValid(relation) && OidIsValid(full_index) && relation != full_index)
		return;
	dlist_foreach (place, &merchants)
		gl_freshness_invalidate(&dlist_container(Merchant, link, place.cur)->freshness);
}

/* ganje.counter_changed(): tells every backend, this one included, once the change counts. */
Datum
gl_counter_changed(PG_FUNCTION_ARGS)
{
	Oid index = gl_full_index();

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("counter_changed() is a trigger function")));
	if (OidIsValid(index))
		CacheInvalidateRelcacheByRelid(index);
	return PointerGetDatum(NULL);
}

static void
let_go(void *argument)
{
	Reading *reading = argument;

	reading->users--;
	if (reading->is_dropped && reading->users == 0)
		MemoryContextDelete(reading->context);
}

/* Until CurrentMemoryContext is reset, also by an error: a stock source of the user's may ask in the midst. */
static void
hold_on(Reading *reading)
{
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	callback->func = let_go;
	callback->arg = reading;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	reading->users++;
}

static void
drop_reading(Merchant *merchant)
{
	Reading *reading = merchant->reading;

	merchant->reading = NULL;
	merchant->freshness.filled = false;
	if (reading == NULL)
		return;
	reading->is_dropped = true;
	if (reading->users == 0)
		MemoryContextDelete(reading->context);
}

static void
forget_merchant(Merchant *merchant)
{
	drop_reading(merchant);
	dlist_delete(&merchant->link);
	merchant_count--;
	pfree(merchant->merchant_id);
	pfree(merchant);
}

static Merchant *
find_merchant(const char *merchant_id)
{
	GlFreshness empty = GL_FRESHNESS_EMPTY;
	Merchant *merchant;
	dlist_iter place;

	dlist_foreach (place, &merchants)
	{
		merchant = dlist_container(Merchant, link, place.cur);
		if (strcmp(merchant->merchant_id, merchant_id) == 0)
		{
			dlist_move_head(&merchants, &merchant->link);
			return merchant;
		}
	}
	if (merchant_count >= KEPT_MERCHANTS)
		forget_merchant(dlist_container(Merchant, link, dlist_tail_node(&merchants)));
	merchant = MemoryContextAllocZero(CacheMemoryContext, sizeof(Merchant));
	merchant->merchant_id = MemoryContextStrdup(CacheMemoryContext, merchant_id);
	merchant->freshness = empty;
	dlist_push_head(&merchants, &merchant->link);
	merchant_count++;
	return merchant;
}

static bool
still_holds(Merchant *merchant, const GlFullQuestion *question, uint64 load)
{
	const Reading *reading = merchant->reading;

	return gl_freshness_serves(&merchant->freshness) && reading != NULL && reading->load == load &&
		   reading->today == question->horizon->today && reading->days == question->horizon->days &&
		   question->right_now < reading->until;
}

/* In a memory context below the caller's. */
static Reading *
begin_reading(const GlFullQuestion *question, uint64 load)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext fresh =
		AllocSetContextCreate(caller, "ganje_logistics full slots", ALLOCSET_DEFAULT_SIZES);
	Reading *reading;

	MemoryContextSwitchTo(fresh);
	reading = palloc0(sizeof(Reading));
	reading->context = fresh;
	reading->table = create_table();
	reading->load = load;
	reading->today = question->horizon->today;
	reading->days = question->horizon->days;
	MemoryContextSwitchTo(caller);
	return reading;
}

/* An error on the way leaves no reading, and its memory goes with the caller's. */
static const GlFullTable *
merchant_table(const GlFullQuestion *question, uint64 load)
{
	Merchant *merchant = find_merchant(question->merchant_id);
	Reading *reading;

	if (!still_holds(merchant, question, load))
	{
		drop_reading(merchant);
		/* While it is looked up every change counts: the extension may be made anew just now. */
		full_index = InvalidOid;
		full_index = gl_full_index();
		reading = begin_reading(question, load);
		reading->until = gl_full_scan(reading->table, question);
		if (reading->until <= question->right_now)
		{
			/* What is doubtful is looked at by each call. */
			gl_full_scan_doubtful(reading->table, question);
			return reading->table;
		}
		MemoryContextSetIdentifier(reading->context, merchant->merchant_id);
		MemoryContextSetParent(reading->context, CacheMemoryContext);
		merchant->reading = reading;
		gl_freshness_filled(&merchant->freshness);
	}
	hold_on(merchant->reading);
	return merchant->reading->table;
}

GlFullCounters *
gl_full_counters_read(const GlCheckout *checkout)
{
	static bool registered = false;
	const GlStoreList *stores = checkout->stores;
	GlFullCounters *full =
		palloc(offsetof(GlFullCounters, tables) + stores->merchant_count * sizeof(GlFullTable *));
	GlFullQuestion question = {
		.stores = stores, .horizon = &checkout->horizon, .right_now = gl_clock_read_wall()};

	if (!registered)
	{
		CacheRegisterRelcacheCallback(on_relcache_change, (Datum) 0);
		registered = true;
	}
	full->count = 0;
	for (int m = 0; m < stores->merchant_count; m++)
	{
		question.merchant_id = gl_rule_index_merchant(stores->indexes[m]);
		if (question.merchant_id != NULL)
			full->tables[full->count++] =
				merchant_table(&question, gl_rule_index_load(stores->indexes[m]));
	}
	return full;
}

const GlFullCounter *
gl_rule_full(const GlFullCounters *full, const GlStoreRule *rule)
{
	for (int i = 0; i < full->count; i++)
	{
		RuleEntry *entry = rules_lookup(full->tables[i]->rules, rule);

		if (entry != NULL)
			return entry->counters;
	}
	return NULL;
}

bool
gl_counter_is_full(const GlFullCounters *full, const GlStoreRule *rule, int64 date, int from,
				   int to)
{
	if (!rule->has_capacity)
		return false;
	if (rule->capacity == 0)
		return true;
	for (const GlFullCounter *counter = gl_rule_full(full, rule); counter != NULL;
		 counter = counter->next)
		if (counter->date == date && counter->from == from && counter->to == to)
			return true;
	return false;
}
