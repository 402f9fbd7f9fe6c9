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
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "carrier/contract.h"
#include "carrier/known.h"
#include "compat.h"
#include "core/role.h"

static const char *const function_names[] = {"build", "authorize", "apply", "receive"};

/* What runs each of them in SQL, whose types are the contract. */
static const char *const runners[] = {
	"ganje.run_build(text,ganje.shipment,text)",
	"ganje.run_authorize(text,jsonb,ganje.http_request)",
	"ganje.run_apply(text,jsonb,ganje.http_request,ganje.http_response)",
	"ganje.run_receive(text,jsonb,jsonb)",
};

#define MOST_ARGUMENTS 3

GL_FUNCTION(gl_carrier_run_build);
GL_FUNCTION(gl_carrier_run_authorize);
GL_FUNCTION(gl_carrier_run_apply);
GL_FUNCTION(gl_carrier_run_receive);

/*
 * A carrier and the role to run its functions as; *signature is that of the
 * one asked for, NULL where the carrier does without.  Raises where it
 * cannot, or where there is no such carrier.
 */
static GlCarrier *
find_signature(text *name, GlContract which, const char **signature, Oid *role)
{
	GlCarrier *carrier = gl_carrier_find(text_to_cstring(name));

	if (carrier == NULL)
		ereport(ERROR, errcode(ERRCODE_NO_DATA_FOUND),
				errmsg("carrier \"%s\" does not exist", text_to_cstring(name)),
				errhint("SELECT carrier FROM ganje.carrier lists the carriers."));
	*signature = carrier->signatures[which];
	if (*signature != NULL)
		*role = carrier->registered_by == NULL ? carrier->owner
											   : get_role_oid(carrier->registered_by, false);
	else if (which == GL_CONTRACT_BUILD || which == GL_CONTRACT_RECEIVE)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("carrier \"%s\" has no %s function", text_to_cstring(name),
					   function_names[which]));
	return carrier;
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
 * The function behind a signature, which must exist and fit the contract.
 * search_path is fixed by the caller, so that a signature without a schema
 * never depends on who asks.
 */
static Oid
resolve_signature(const char *signature, text *carrier, GlContract which)
{
	Oid function = gl_role_function(signature);

	if (!OidIsValid(function))
		ereport(
			ERROR, errcode(ERRCODE_UNDEFINED_FUNCTION),
			errmsg("%s function %s of carrier \"%s\" does not exist", function_names[which],
				   signature, text_to_cstring(carrier)),
			errhint(
				"Write it with its schema and argument types, and register the carrier again."));
	if (!gl_carrier_fits(function, gl_role_function(runners[which])))
		ereport(
			ERROR, errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
			errmsg("%s function %s of carrier \"%s\" does not fit the contract",
				   function_names[which], signature, text_to_cstring(carrier)),
			errdetail("It must take and answer what the comment on column ganje.carrier.%s says.",
					  function_names[which]));
	return function;
}

static void
check_privilege(const char *signature, Oid function, text *carrier, GlContract which, Oid role)
{
	if (!DatumGetBool(DirectFunctionCall3(has_function_privilege_id_id, ObjectIdGetDatum(role),
										  ObjectIdGetDatum(function),
										  PointerGetDatum(cstring_to_text("EXECUTE")))))
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("role \"%s\" may not execute %s", GetUserNameFromId(role, false), signature),
				errdetail("It is the %s function of carrier \"%s\", which that role registered.",
						  function_names[which], text_to_cstring(carrier)));
}

/* Call a function; NULL as SQL has it. */
static Datum
call_function(Oid function, const NullableDatum *arguments, int count, bool *isnull)
{
	LOCAL_FCINFO(call, MOST_ARGUMENTS);
	FmgrInfo info;
	Datum result;

	fmgr_info(function, &info);
	InitFunctionCallInfoData(*call, &info, (short) count, InvalidOid, NULL, NULL);
	*isnull = true;
	for (int i = 0; i < count; i++)
	{
		call->args[i] = arguments[i];
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
run_default(const NullableDatum *arguments, GlContract which, bool *isnull)
{
	*isnull = which == GL_CONTRACT_APPLY || arguments[1].isnull;
	return *isnull ? (Datum) 0 : arguments[1].value;
}

/*
 * What all four do.  The result is read while the function's role is in
 * force, and belongs to the caller's memory context as with any function.
 */
static Datum
run(text *name, GlContract which, const NullableDatum *arguments, int count, bool *isnull)
{
	const char *signature;
	Oid role = InvalidOid;
	Oid function;
	GlCarrier *carrier = find_signature(name, which, &signature, &role);
	GlRoleScope scope;
	Datum result;

	if (signature == NULL)
		return run_default(arguments, which, isnull);

	scope = gl_role_enter();
	function = carrier->functions[which];
	if (!OidIsValid(function))
	{
		function = resolve_signature(signature, name, which);
		carrier->functions[which] = function;
	}
	check_privilege(signature, function, name, which, role);
	gl_role_become(&scope, role);
	result = call_function(function, arguments, count, isnull);
	gl_role_leave(&scope);
	return result;
}

Datum
gl_carrier_build(text *carrier, Datum shipment, text *operation, bool *isnull)
{
	NullableDatum arguments[] = {{shipment, false}, {PointerGetDatum(operation), false}};

	return run(carrier, GL_CONTRACT_BUILD, arguments, 2, isnull);
}

/* (carrier, arguments of the function ...) → its result. */
static Datum
run_sql(FunctionCallInfo fcinfo, GlContract which)
{
	bool isnull;
	Datum result;

	if (PG_ARGISNULL(0))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("carrier must not be null"));
	result = run(PG_GETARG_TEXT_PP(0), which, &fcinfo->args[1], PG_NARGS() - 1, &isnull);
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(result);
}

/* run_build(carrier, shipment, operation): the request, without secrets. */
Datum
gl_carrier_run_build(PG_FUNCTION_ARGS)
{
	return run_sql(fcinfo, GL_CONTRACT_BUILD);
}

/* run_authorize(carrier, account, request): the request as it is sent. */
Datum
gl_carrier_run_authorize(PG_FUNCTION_ARGS)
{
	return run_sql(fcinfo, GL_CONTRACT_AUTHORIZE);
}

/* run_apply(carrier, account, request, response): what the answer means. */
Datum
gl_carrier_run_apply(PG_FUNCTION_ARGS)
{
	return run_sql(fcinfo, GL_CONTRACT_APPLY);
}

/* run_receive(carrier, account, payload): what a webhook says. */
Datum
gl_carrier_run_receive(PG_FUNCTION_ARGS)
{
	return run_sql(fcinfo, GL_CONTRACT_RECEIVE);
}
