/*-------------------------------------------------------------------------
 *
 * access.c
 *	  Which merchants a role may act for: the rows of ganje.access.
 *
 * EXECUTE and SELECT say what a role may do at all; this says for whom.  As
 * long as no row of ganje.access names a merchant nobody is confined to one,
 * and privileges alone decide.  From the first such row on, a role acts for
 * the merchants that its rows, and those of roles whose rights it has, name at
 * the level in question; a row without a merchant names them all.  A role
 * without rows then acts for nobody, whatever somebody has granted to it:
 * otherwise a role confined to one merchant could offer its functions, SECURITY
 * DEFINER, to a stranger, who would be asked for no merchant.
 *
 * Queries are judged by the current user, as privileges are.  Functions that
 * run with the owner's rights are judged by the outer user, the one that is
 * logged in or was SET ROLE to: the one whose call it is has been replaced by
 * the owner.  In a security-restricted operation, where a carrier's function or
 * a stock source runs, the outer user is not who asks, and nobody is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "compat.h"
#include "core/access.h"
#include "core/core.h"
#include "core/freshness.h"

GL_FUNCTION(gl_access_may_see);
GL_FUNCTION(gl_access_may_act);
GL_FUNCTION(gl_access_check_merchant);

#define READ_ROWS "SELECT a.role::pg_catalog.oid, a.level, a.merchant_id FROM ganje.access AS a"

typedef struct Row
{
	Oid role;
	int level;
	const char *merchant; /* NULL: all */
} Row;

static GlFreshness freshness = GL_FRESHNESS_EMPTY;
static Oid access_relation; /* InvalidOid: every change counts */
static MemoryContext rows_context;
static Row *rows;
static uint64 row_count;
static bool confines; /* does a row name a merchant? */
static Oid owner;

/* May run anywhere in a transaction's end: it only notes. */
static void
on_relcache_change(Datum argument pg_attribute_unused(), Oid relation)
{
	if (!OidIsValid(relation) || !OidIsValid(access_relation) || relation == access_relation)
		gl_freshness_invalidate(&freshness);
}

static int
level_of(const char *name)
{
	if (strcmp(name, "checkout") == 0)
		return GL_ACCESS_CHECKOUT;
	if (strcmp(name, "fulfilment") == 0)
		return GL_ACCESS_FULFILMENT;
	if (strcmp(name, "operator") == 0)
		return GL_ACCESS_OPERATOR;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("level \"%s\" is none of checkout, fulfilment, operator", name)));
}

/* Keeps the rows of the query that was just made. */
static void
keep_rows(void)
{
	rows = MemoryContextAllocExtended(rows_context, Max(SPI_processed, 1) * sizeof(Row),
									  MCXT_ALLOC_HUGE);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple tuple = SPI_tuptable->vals[i];
		TupleDesc columns = SPI_tuptable->tupdesc;
		char *merchant = SPI_getvalue(tuple, columns, 3);
		bool isnull;

		rows[i].role = DatumGetObjectId(SPI_getbinval(tuple, columns, 1, &isnull));
		rows[i].level = level_of(SPI_getvalue(tuple, columns, 2));
		rows[i].merchant = merchant == NULL ? NULL : MemoryContextStrdup(rows_context, merchant);
		confines = confines || merchant != NULL;
	}
	row_count = SPI_processed;
}

/* Reads the table as its owner, for nobody else may. */
static void
load(void)
{
	GlOwnerScope scope = gl_owner_enter();

	freshness.filled = false;
	/* While it is looked up every change counts: the extension may be made anew just now. */
	access_relation = InvalidOid;
	access_relation = RangeVarGetRelid(makeRangeVar("ganje", "access", -1), AccessShareLock, false);
	if (rows_context == NULL)
		rows_context =
			AllocSetContextCreate(CacheMemoryContext, "ganje access", ALLOCSET_SMALL_SIZES);
	MemoryContextReset(rows_context);
	row_count = 0;
	confines = false;
	owner = gl_extension_owner();
	SPI_connect();
	if (SPI_execute(READ_ROWS, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read ganje.access");
	keep_rows();
	SPI_finish();
	gl_owner_leave(scope);
	gl_freshness_filled(&freshness);
}

/* May the role act for the merchant?  InvalidOid is nobody. */
static bool
is_allowed(Oid role, const char *merchant, int levels)
{
	static bool registered = false;

	if (!registered)
	{
		CacheRegisterRelcacheCallback(on_relcache_change, (Datum) 0);
		registered = true;
	}
	if (!gl_freshness_serves(&freshness))
		load();
	if (!confines)
		return true;
	if (!OidIsValid(role))
		return false;
	for (uint64 i = 0; i < row_count; i++)
	{
		const Row *row = &rows[i];

		if ((row->level & levels) != 0 &&
			(row->merchant == NULL || strcmp(row->merchant, merchant) == 0) &&
			has_privs_of_role(role, row->role))
			return true;
	}
	return has_privs_of_role(role, owner);
}

/* Who asks, where the owner has taken the caller's place. */
static Oid
outer_role(void)
{
	return InSecurityRestrictedOperation() ? InvalidOid : GetOuterUserId();
}

void
gl_access_check(const char *merchant, int levels)
{
	Oid role = outer_role();

	if (is_allowed(role, merchant, levels))
		return;
	if (!OidIsValid(role))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("a security-restricted operation may not act for merchant \"%s\"",
							   merchant),
						errdetail("Functions of carriers and stock sources run in one.")));
	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("role \"%s\" may not act for merchant \"%s\"",
						   GetUserNameFromId(role, false), merchant),
					errhint("ganje.grant_access(role, level, merchant) lets it.")));
}

/* The levels that VARIADIC arguments name. */
static int
levels_of(ArrayType *names)
{
	Datum *values;
	bool *nulls;
	int count;
	int levels = 0;

	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			levels |= level_of(TextDatumGetCString(values[i]));
	return levels;
}

/* may_see(merchant, VARIADIC levels): for policies and views, which the current user's queries go through. */
Datum
gl_access_may_see(PG_FUNCTION_ARGS)
{
	char *merchant = text_to_cstring(PG_GETARG_TEXT_PP(0));

	PG_RETURN_BOOL(is_allowed(GetUserId(), merchant, levels_of(PG_GETARG_ARRAYTYPE_P(1))));
}

/* may_act(merchant, VARIADIC levels): the same within functions that run with the owner's rights. */
Datum
gl_access_may_act(PG_FUNCTION_ARGS)
{
	char *merchant = text_to_cstring(PG_GETARG_TEXT_PP(0));

	PG_RETURN_BOOL(is_allowed(outer_role(), merchant, levels_of(PG_GETARG_ARRAYTYPE_P(1))));
}

/* check_merchant(merchant, VARIADIC levels): raises where may_act answers false. */
Datum
gl_access_check_merchant(PG_FUNCTION_ARGS)
{
	gl_access_check(PG_ARGISNULL(0) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(0)),
					levels_of(PG_GETARG_ARRAYTYPE_P(1)));
	PG_RETURN_VOID();
}
