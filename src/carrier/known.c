/*-------------------------------------------------------------------------
 *
 * known.c
 *	  The carriers that this backend has called, until they change.
 *
 * Every order and every answer of a carrier calls one: the row of
 * ganje.carrier and the function behind its signature are kept.  Which
 * snapshots a row may serve: core/freshness.c.  A function is looked up anew
 * once any function, type or schema has changed, and for another user, who
 * may not see what this one sees.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "carrier/known.h"
#include "core/core.h"
#include "core/freshness.h"
#include "core/plan.h"

/* More are not kept: a program could register names without end. */
#define MOST_KNOWN 100

typedef struct Known
{
	dlist_node link;
	MemoryContext context; /* holds this, too */
	char *name;
	GlFreshness freshness;
	MemoryContext row; /* what was read, or NULL */
	uint64 lookup;     /* "lookups" when the functions were looked up */
	Oid user;          /* who looked them up */
	GlCarrier carrier;
} Known;

static dlist_head carriers = DLIST_STATIC_INIT(carriers);
static int carrier_count;
static Oid carrier_relation; /* see zone/cache.c */
static uint64 lookups;       /* grows with whatever a signature's meaning depends on */

/* The columns of the functions come in the order of GlContract. */
static GlKeptPlan read_carrier = {
	.sql = "SELECT c.build, c.authorize, c.apply, c.receive, c.registered_by"
		   " FROM ganje.carrier AS c WHERE c.carrier = $1",
	.count = 1,
	.types = {TEXTOID}};

#define COLUMN_REGISTERED_BY 5

/* May run anywhere in a transaction's end: it only notes. */
static void
on_relcache_change(Datum argument pg_attribute_unused(), Oid relation)
{
	dlist_iter place;

	if (OidIsValid(relation) && OidIsValid(carrier_relation) && relation != carrier_relation)
		return;
	dlist_foreach (place, &carriers)
		gl_freshness_invalidate(&dlist_container(Known, link, place.cur)->freshness);
}

static void
on_syscache_change(Datum argument pg_attribute_unused(), int cache pg_attribute_unused(),
				   uint32 hash pg_attribute_unused())
{
	lookups++;
}

static void
prepare(void)
{
	static const int caches[] = {PROCOID, TYPEOID, NAMESPACEOID};
	static bool registered = false;

	if (registered)
		return;
	CacheRegisterRelcacheCallback(on_relcache_change, (Datum) 0);
	for (int i = 0; i < (int) lengthof(caches); i++)
		CacheRegisterSyscacheCallback(caches[i], on_syscache_change, (Datum) 0);
	registered = true;
}

static void
forget(Known *known)
{
	dlist_delete(&known->link);
	carrier_count--;
	MemoryContextDelete(known->context);
}

static void
copy_row(Known *known, HeapTuple row, TupleDesc descriptor)
{
	for (int i = 0; i <= GL_CONTRACT_COUNT; i++)
	{
		char *text = SPI_getvalue(row, descriptor, i + 1);

		if (text != NULL)
			text = MemoryContextStrdup(known->row, text);
		if (i + 1 == COLUMN_REGISTERED_BY)
			known->carrier.registered_by = text;
		else
			known->carrier.signatures[i] = text;
	}
	known->carrier.owner = gl_extension_owner();
}

/* Reads the row of a carrier; false where there is none. */
static bool
load(Known *known)
{
	Datum value = CStringGetTextDatum(known->name);
	bool found;

	known->freshness.filled = false;
	memset(&known->carrier, 0, sizeof(known->carrier));
	if (known->row == NULL)
		known->row = AllocSetContextCreate(known->context, "ganje_logistics carrier row",
										   ALLOCSET_SMALL_SIZES);
	else
		MemoryContextReset(known->row);
	/* While it is looked up every change counts: the extension may be made anew just now. */
	carrier_relation = InvalidOid;
	carrier_relation =
		RangeVarGetRelid(makeRangeVar("ganje", "carrier", -1), AccessShareLock, false);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	found = gl_plan_read(&read_carrier, &value, NULL) > 0;
	if (found)
		copy_row(known, SPI_tuptable->vals[0], SPI_tuptable->tupdesc);
	SPI_finish();
	if (found)
		gl_freshness_filled(&known->freshness);
	return found;
}

/* In the list before it is read: whatever changes meanwhile is noted. */
static Known *
add(const char *name)
{
	MemoryContext context =
		AllocSetContextCreate(CacheMemoryContext, "ganje_logistics carrier", ALLOCSET_SMALL_SIZES);
	GlFreshness empty = GL_FRESHNESS_EMPTY;
	Known *known = MemoryContextAllocZero(context, sizeof(Known));

	if (carrier_count >= MOST_KNOWN)
		forget(dlist_container(Known, link, dlist_tail_node(&carriers)));
	known->context = context;
	known->name = MemoryContextStrdup(context, name);
	known->freshness = empty;
	dlist_push_head(&carriers, &known->link);
	carrier_count++;
	return known;
}

static Known *
find(const char *name)
{
	dlist_iter place;

	dlist_foreach (place, &carriers)
	{
		Known *known = dlist_container(Known, link, place.cur);

		if (strcmp(known->name, name) == 0)
			return known;
	}
	return NULL;
}

GlCarrier *
gl_carrier_find(const char *name)
{
	Known *known;

	prepare();
	known = find(name);
	if (known == NULL)
		known = add(name);
	if (!gl_freshness_serves(&known->freshness) && !load(known))
	{
		forget(known);
		return NULL;
	}
	if (known->lookup != lookups || known->user != GetUserId())
	{
		memset(known->carrier.functions, 0, sizeof(known->carrier.functions));
		known->lookup = lookups;
		known->user = GetUserId();
	}
	return &known->carrier;
}
