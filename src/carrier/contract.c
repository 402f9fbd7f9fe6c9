/*-------------------------------------------------------------------------
 *
 * contract.c
 *	  Calls the functions of a carrier as the role that registered them.
 *
 * A carrier's functions are users' code that runs where the outbox is
 * written (in the transaction of an order) and in the worker, whose role is a
 * superuser: core/role.h keeps both out of their reach.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "carrier/contract.h"
#include "compat.h"
#include "core/role.h"

static const char *const function_names[] = {"build", "authorize", "apply", "receive"};

/* The columns of the functions come in the order of GlContract. */
static const char carrier_query[] =
	"SELECT c.build, c.authorize, c.apply, c.receive, c.registered_by,"
	" (SELECT e.extowner FROM pg_catalog.pg_extension AS e WHERE e.extname = 'ganje_logistics')"
	" FROM ganje.carrier AS c WHERE c.carrier = $1";

#define COLUMN_REGISTERED_BY 5
#define COLUMN_OWNER 6

static SPIPlanPtr carrier_plan;

GL_FUNCTION(gl_carrier_run_build);
GL_FUNCTION(gl_carrier_run_authorize);
GL_FUNCTION(gl_carrier_run_apply);
GL_FUNCTION(gl_carrier_run_receive);

/* The saved plan of carrier_query; the caller is connected to SPI. */
static SPIPlanPtr
plan_of_carrier_query(void)
{
	Oid types[] = {TEXTOID};

	if (carrier_plan == NULL)
	{
		SPIPlanPtr plan = SPI_prepare(carrier_query, 1, types);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare: %s", SPI_result_code_string(SPI_result));
		carrier_plan = plan;
	}
	return carrier_plan;
}

/* The role to run as: the registering one, or the extension's owner. */
static Oid
role_of_row(HeapTuple row, TupleDesc descriptor)
{
	char *name = SPI_getvalue(row, descriptor, COLUMN_REGISTERED_BY);
	bool isnull;
	Datum owner;

	if (name != NULL)
		return get_role_oid(name, false);
	owner = SPI_getbinval(row, descriptor, COLUMN_OWNER, &isnull);
	if (isnull)
		elog(ERROR, "extension ganje_logistics has no owner");
	return DatumGetObjectId(owner);
}

/*
 * The signature of a carrier's function, allocated in the caller's memory,
 * and the role to run it as; NULL where the carrier does without that
 * function.  Raises where it cannot, or where there is no such carrier.
 */
static char *
find_signature(text *carrier, GlContract which, Oid *role)
{
	MemoryContext callers = CurrentMemoryContext;
	Datum value = PointerGetDatum(carrier);
	char *signature = NULL;

	SPI_connect();
	if (SPI_execute_plan(plan_of_carrier_query(), &value, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read ganje.carrier");
	if (SPI_processed == 0)
		ereport(ERROR, errcode(ERRCODE_NO_DATA_FOUND),
				errmsg("carrier \"%s\" does not exist", text_to_cstring(carrier)),
				errhint("SELECT carrier FROM ganje.carrier lists the carriers."));
	signature = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, (int) which + 1);
	if (signature != NULL)
	{
		signature = MemoryContextStrdup(callers, signature);
		*role = role_of_row(SPI_tuptable->vals[0], SPI_tuptable->tupdesc);
	}
	else if (which == GL_CONTRACT_BUILD || which == GL_CONTRACT_RECEIVE)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("carrier \"%s\" has no %s function", text_to_cstring(carrier),
					   function_names[which]));
	SPI_finish();
	return signature;
}

bool
gl_carrier_fits(Oid function, Oid contract)
{
	HeapTuple theirs = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	HeapTuple ours = SearchSysCache1(PROCOID, ObjectIdGetDatum(contract));
	bool fits = false;

	if (HeapTupleIsValid(theirs) && HeapTupleIsValid(ours))
	{
		Form_pg_proc they = (Form_pg_proc) GETSTRUCT(theirs);
		Form_pg_proc we = (Form_pg_proc) GETSTRUCT(ours);

		fits = they->prokind == PROKIND_FUNCTION && !they->proretset &&
			   they->prorettype == we->prorettype && they->pronargs == we->pronargs - 1 &&
			   memcmp(they->proargtypes.values, we->proargtypes.values + 1,
					  they->pronargs * sizeof(Oid)) == 0;
	}
	if (HeapTupleIsValid(theirs))
		ReleaseSysCache(theirs);
	if (HeapTupleIsValid(ours))
		ReleaseSysCache(ours);
	return fits;
}

/*
 * The function behind a signature, which must exist, fit the contract and be
 * open to the role.  search_path is fixed by the caller, so that a signature
 * without a schema never depends on who asks.
 */
static Oid
resolve_signature(const char *signature, text *carrier, GlContract which, Oid role, Oid contract)
{
	Oid function = gl_role_function(signature);

	if (!OidIsValid(function))
		ereport(
			ERROR, errcode(ERRCODE_UNDEFINED_FUNCTION),
			errmsg("%s function %s of carrier \"%s\" does not exist", function_names[which],
				   signature, text_to_cstring(carrier)),
			errhint(
				"Write it with its schema and argument types, and register the carrier again."));
	if (!gl_carrier_fits(function, contract))
		ereport(
			ERROR, errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
			errmsg("%s function %s of carrier \"%s\" does not fit the contract",
				   function_names[which], signature, text_to_cstring(carrier)),
			errdetail("It must take and answer what the comment on column ganje.carrier.%s says.",
					  function_names[which]));
	if (!DatumGetBool(DirectFunctionCall3(has_function_privilege_id_id, ObjectIdGetDatum(role),
										  ObjectIdGetDatum(function),
										  PointerGetDatum(cstring_to_text("EXECUTE")))))
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("role \"%s\" may not execute %s", GetUserNameFromId(role, false), signature),
				errdetail("It is the %s function of carrier \"%s\", which that role registered.",
						  function_names[which], text_to_cstring(carrier)));
	return function;
}

/* Call a function with our arguments after the first; NULL as SQL has it. */
static Datum
call_function(Oid function, FunctionCallInfo fcinfo, bool *isnull)
{
	LOCAL_FCINFO(call, 3);
	FmgrInfo info;
	int count = PG_NARGS() - 1;
	Datum result;

	fmgr_info(function, &info);
	InitFunctionCallInfoData(*call, &info, (short) count, InvalidOid, NULL, NULL);
	*isnull = true;
	for (int i = 0; i < count; i++)
	{
		call->args[i] = fcinfo->args[i + 1];
		if (info.fn_strict && call->args[i].isnull)
			return (Datum) 0;
	}
	result = FunctionCallInvoke(call);
	*isnull = call->isnull;
	return result;
}

/*
 * What a carrier without the function does: its requests go out as they were
 * built, and an answer means what its HTTP status says.
 */
static Datum
run_default(FunctionCallInfo fcinfo, GlContract which)
{
	if (which == GL_CONTRACT_APPLY || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	return PG_GETARG_DATUM(2);
}

/*
 * What all four do: (carrier, arguments of the function ...) → its result.
 * The result is read while the function's role is in force, and belongs to
 * the caller's memory context as with any function.
 */
static Datum
run(FunctionCallInfo fcinfo, GlContract which)
{
	text *carrier;
	char *signature;
	Oid role;
	Oid function;
	GlRoleScope scope;
	Datum result;
	bool isnull;

	if (PG_ARGISNULL(0))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("carrier must not be null"));
	carrier = PG_GETARG_TEXT_PP(0);
	signature = find_signature(carrier, which, &role);
	if (signature == NULL)
		return run_default(fcinfo, which);

	scope = gl_role_enter();
	function = resolve_signature(signature, carrier, which, role, fcinfo->flinfo->fn_oid);
	gl_role_become(&scope, role);
	result = call_function(function, fcinfo, &isnull);
	gl_role_leave(&scope);

	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(result);
}

/* run_build(carrier, shipment, operation): the request, without secrets. */
Datum
gl_carrier_run_build(PG_FUNCTION_ARGS)
{
	return run(fcinfo, GL_CONTRACT_BUILD);
}

/* run_authorize(carrier, account, request): the request as it is sent. */
Datum
gl_carrier_run_authorize(PG_FUNCTION_ARGS)
{
	return run(fcinfo, GL_CONTRACT_AUTHORIZE);
}

/* run_apply(carrier, account, request, response): what the answer means. */
Datum
gl_carrier_run_apply(PG_FUNCTION_ARGS)
{
	return run(fcinfo, GL_CONTRACT_APPLY);
}

/* run_receive(carrier, account, payload): what a webhook says. */
Datum
gl_carrier_run_receive(PG_FUNCTION_ARGS)
{
	return run(fcinfo, GL_CONTRACT_RECEIVE);
}
