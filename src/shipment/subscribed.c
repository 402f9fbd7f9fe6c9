/*-------------------------------------------------------------------------
 *
 * subscribed.c
 *	  Does anybody want to be told?  Asked for every shipment that is written.
 *
 * Most databases have no subscriber, and there a shipment must cost nothing
 * more: the answer is kept by the backend until ganje.subscription changes.
 * Which snapshots it may serve: core/freshness.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "utils/inval.h"

#include "compat.h"
#include "core/core.h"
#include "core/freshness.h"
#include "shipment/subscribed.h"

GL_FUNCTION(gl_shipment_has_subscriber);

#define FIND_SUBSCRIPTION "SELECT FROM ganje.subscription LIMIT 1"

static GlFreshness freshness = GL_FRESHNESS_EMPTY;
static Oid subscription_relation; /* see zone/cache.c */
static bool has_subscriber;

/* May run anywhere in a transaction's end: it only notes. */
static void
on_relcache_change(Datum argument pg_attribute_unused(), Oid relation)
{
	if (!OidIsValid(relation) || !OidIsValid(subscription_relation) ||
		relation == subscription_relation)
		gl_freshness_invalidate(&freshness);
}

/* Reads the table as its owner, for whoever writes a shipment may not. */
static void
load(void)
{
	GlOwnerScope scope = gl_owner_enter();

	freshness.filled = false;
	/* While it is looked up every change counts: the extension may be made anew just now. */
	subscription_relation = InvalidOid;
	subscription_relation =
		RangeVarGetRelid(makeRangeVar("ganje", "subscription", -1), AccessShareLock, false);
	SPI_connect();
	if (SPI_execute(FIND_SUBSCRIPTION, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the subscriptions");
	has_subscriber = SPI_processed > 0;
	SPI_finish();
	gl_owner_leave(scope);
	gl_freshness_filled(&freshness);
}

bool
gl_shipment_subscribed(void)
{
	static bool registered = false;

	if (!registered)
	{
		CacheRegisterRelcacheCallback(on_relcache_change, (Datum) 0);
		registered = true;
	}
	if (!gl_freshness_serves(&freshness))
		load();
	return has_subscriber;
}

/* has_subscriber() */
Datum
gl_shipment_has_subscriber(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(gl_shipment_subscribed());
}
