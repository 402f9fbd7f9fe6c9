/*-------------------------------------------------------------------------
 *
 * register.c
 *	  register_carrier() and unregister_carrier(): carriers of the user's own.
 *
 * In C because the functions will run as the role that registers them, which
 * a SECURITY DEFINER function could not tell.  Their names are looked up as
 * that role writes them, and kept with schema and types, so that they mean
 * the same ever after.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"

#include "carrier/contract.h"
#include "compat.h"
#include "core/core.h"
#include "core/role.h"

GL_FUNCTION(gl_carrier_register);
GL_FUNCTION(gl_carrier_unregister);

#define STORE_CARRIER "SELECT ganje.store_carrier($1, $2, $3, $4, $5, $6, $7, $8)"
#define DROP_CARRIER "SELECT ganje.drop_carrier($1, $2)"

/* A function of the contract: its arguments and result, and what runs it. */
typedef struct Kind
{
	const char *name;
	const char *arguments;
	const char *result;
	const char *runner;
} Kind;

static const Kind kinds[GL_CONTRACT_COUNT] = {
	[GL_CONTRACT_BUILD] = {"build", "ganje.shipment, text", "ganje.http_request",
						   "ganje.run_build(text,ganje.shipment,text)"},
	[GL_CONTRACT_AUTHORIZE] = {"authorize", "jsonb, ganje.http_request", "ganje.http_request",
							   "ganje.run_authorize(text,jsonb,ganje.http_request)"},
	[GL_CONTRACT_APPLY] = {"apply", "jsonb, ganje.http_request, ganje.http_response",
						   "ganje.outcome",
						   "ganje.run_apply(text,jsonb,ganje.http_request,ganje.http_response)"},
	[GL_CONTRACT_RECEIVE] = {"receive", "jsonb, jsonb", "ganje.webhook_reading",
							 "ganje.run_receive(text,jsonb,jsonb)"},
};

/* A function's signature with its schema, whatever the caller's search_path. */
static char *
signature_of(Oid function)
{
	GlRoleScope scope = gl_role_enter();
	char *signature = format_procedure(function);

	gl_role_leave(&scope);
	return signature;
}

/*
 * The signature to keep of a function that was named with or without its
 * argument types; raises where it is not what the contract asks for, or the
 * calling role may not execute it.
 */
static char *
check_function(const char *given, const Kind *kind)
{
	const char *signature =
		strchr(given, '(') != NULL ? given : psprintf("%s(%s)", given, kind->arguments);
	Oid function = gl_role_function(signature);

	if (!OidIsValid(function))
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_FUNCTION),
				errmsg("%s function %s does not exist", kind->name, signature),
				errhint("A %s function takes (%s) and returns %s.", kind->name, kind->arguments,
						kind->result));
	if (!gl_carrier_fits(function, gl_role_function(kind->runner)))
		ereport(
			ERROR, errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
			errmsg("%s function %s does not fit the contract", kind->name, signature_of(function)),
			errdetail("It must take (%s) and return %s; it returns %s%s.", kind->arguments,
					  kind->result, get_func_retset(function) ? "a set of " : "",
					  format_type_be(get_func_rettype(function))));
	if (!DatumGetBool(DirectFunctionCall2(has_function_privilege_id, ObjectIdGetDatum(function),
										  PointerGetDatum(cstring_to_text("EXECUTE")))))
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("role \"%s\" may not execute %s function %s",
					   GetUserNameFromId(GetUserId(), false), kind->name, signature_of(function)));
	return signature_of(function);
}

/* Runs a statement of text parameters as the extension's owner. */
static void
execute_as_owner(const char *sql, int count, Datum *values, const char *nulls)
{
	Oid types[] = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID};
	GlOwnerScope scope = gl_owner_enter();

	Assert(count <= (int) lengthof(types));
	SPI_connect();
	if (SPI_execute_with_args(sql, count, types, values, nulls, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not change ganje.carrier");
	SPI_finish();
	gl_owner_leave(scope);
}

static Datum
current_role_name(void)
{
	return CStringGetTextDatum(GetUserNameFromId(GetUserId(), false));
}

/* register_carrier(name, build, authorize, apply, receive, timezone, description) */
Datum
gl_carrier_register(PG_FUNCTION_ARGS)
{
	Datum values[8];
	char nulls[] = "        ";

	if (PG_ARGISNULL(1))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("build must not be null"),
				errhint("It takes (%s) and returns %s.", kinds[GL_CONTRACT_BUILD].arguments,
						kinds[GL_CONTRACT_BUILD].result));
	for (int i = 0; i < 7; i++)
	{
		values[i] = PG_ARGISNULL(i) ? (Datum) 0 : PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	for (int i = 0; i < GL_CONTRACT_COUNT; i++)
	{
		if (!PG_ARGISNULL(i + 1))
			values[i + 1] = CStringGetTextDatum(
				check_function(TextDatumGetCString(PG_GETARG_DATUM(i + 1)), &kinds[i]));
	}
	values[7] = current_role_name();
	execute_as_owner(STORE_CARRIER, 8, values, nulls);
	PG_RETURN_VOID();
}

/* unregister_carrier(name) */
Datum
gl_carrier_unregister(PG_FUNCTION_ARGS)
{
	Datum values[] = {PG_GETARG_DATUM(0), current_role_name()};

	execute_as_owner(DROP_CARRIER, 2, values, NULL);
	PG_RETURN_VOID();
}
