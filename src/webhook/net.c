/*-------------------------------------------------------------------------
 *
 * net.c
 *	  Whether a payload is applied in a subtransaction of its own.
 *
 * A subtransaction catches an error, but one that writes takes a transaction
 * id, and a transaction with more than 64 of them in its wake makes every
 * other session look them up on disk.  So the first payloads of a transaction
 * are caught whatever happens: that is all of them where a carrier's call is
 * a transaction.  After those only what others have added to our tables can
 * raise over a payload that has been checked: their triggers.  Where there
 * are any, the net stays.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "fmgr.h"
#include "storage/proc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"

/* Half of what a backend shows of its subtransactions (PGPROC_MAX_CACHED_SUBXIDS). */
#define NETS_PER_TRANSACTION 32

GL_FUNCTION(gl_webhook_needs_net);

/* What is written when a payload is applied. */
static const char *const tables[] = {
	"shipment",     "shipment_parcel", "shipment_event", "shipment_item",   "hold",
	"hold_unit",    "slot_counter",    "outbox",         "outbox_delivery", "marketplace_order",
	"webhook_seen",
};

/* A trigger whose function is not of our schema. */
static bool
has_foreign_trigger(Oid table, Oid schema)
{
	Relation relation = table_open(table, AccessShareLock);
	TriggerDesc *triggers = relation->trigdesc;
	bool found = false;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers && !found; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		found = !trigger->tgisinternal && get_func_namespace(trigger->tgfoid) != schema;
	}
	table_close(relation, NoLock);
	return found;
}

/* ganje.needs_net(): counts the nets of this transaction. */
Datum
gl_webhook_needs_net(PG_FUNCTION_ARGS)
{
	static LocalTransactionId counted_in = InvalidLocalTransactionId;
	static int nets = 0;
	Oid schema;

	if (counted_in != GL_MY_LOCAL_TRANSACTION)
	{
		counted_in = GL_MY_LOCAL_TRANSACTION;
		nets = 0;
	}
	if (nets < NETS_PER_TRANSACTION)
	{
		nets++;
		PG_RETURN_BOOL(true);
	}
	schema = get_namespace_oid("ganje", false);
	for (int i = 0; i < (int) lengthof(tables); i++)
	{
		Oid table = get_relname_relid(tables[i], schema);

		if (OidIsValid(table) && has_foreign_trigger(table, schema))
			PG_RETURN_BOOL(true);
	}
	PG_RETURN_BOOL(false);
}
