/*-------------------------------------------------------------------------
 *
 * bridge.c
 *	  From the server to the pure files: memory, interrupts; and the rights
 *	  with which the extension reads its own tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "core/core.h"
#include "core/role.h"

static void *
arena_alloc(void *context, size_t size)
{
	return MemoryContextAllocExtended((MemoryContext) context, size,
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
}

GlArena
gl_arena(MemoryContext context)
{
	GlArena arena = {arena_alloc, context};

	return arena;
}

static bool
interrupt_pending(void *context pg_attribute_unused())
{
	return InterruptPending && (QueryCancelPending || ProcDiePending);
}

GlStop
gl_stop_on_interrupt(void)
{
	GlStop stop = {interrupt_pending, NULL};

	return stop;
}

static Oid
find_owner(void)
{
	Relation relation = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	Oid owner = InvalidOid;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("ganje_logistics"));
	scan = systable_beginscan(relation, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	if (!OidIsValid(owner))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("extension ganje_logistics is not installed in this database"),
						errhint("CREATE EXTENSION ganje_logistics;")));
	return owner;
}

/* Kept until a schema changes: ours comes and goes with the extension, and changes hands with it. */
static Oid kept_owner;
static uint64 schema_changes;

static void
on_schema_change(Datum argument pg_attribute_unused(), int cache pg_attribute_unused(),
				 uint32 hash pg_attribute_unused())
{
	kept_owner = InvalidOid;
	schema_changes++;
}

Oid
gl_extension_owner(void)
{
	static bool registered = false;
	uint64 changes;
	Oid owner;

	if (!registered)
	{
		CacheRegisterSyscacheCallback(NAMESPACEOID, on_schema_change, (Datum) 0);
		registered = true;
	}
	/* SELECT f() takes no lock in an open transaction, and so hears of no commit by itself. */
	AcceptInvalidationMessages();
	if (OidIsValid(kept_owner))
		return kept_owner;
	changes = schema_changes;
	owner = find_owner();
	if (changes == schema_changes)
		kept_owner = owner;
	return owner;
}

GlOwnerScope
gl_owner_enter(void)
{
	GlOwnerScope scope;

	GetUserIdAndSecContext(&scope.user, &scope.security);
	SetUserIdAndSecContext(gl_extension_owner(), scope.security | SECURITY_LOCAL_USERID_CHANGE);
	/* An operator of the caller's own must not run with the owner's rights. */
	scope.settings = NewGUCNestLevel();
	gl_role_fix_path();
	return scope;
}

void
gl_owner_leave(GlOwnerScope scope)
{
	AtEOXact_GUC(true, scope.settings);
	SetUserIdAndSecContext(scope.user, scope.security);
}
