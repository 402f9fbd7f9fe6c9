/*-------------------------------------------------------------------------
 *
 * role.c
 *	  Running a user's function as the role that registered it.
 *
 * Users' functions (carriers', stock sources) run where the caller is the
 * extension's owner or a worker whose role is a superuser.  Both must be out
 * of their reach: a function runs as the registering role, in a
 * security-restricted operation (no SET ROLE, no temporary objects), with a
 * fixed search_path, and every setting that it changes is put back.
 *
 * An error needs no cleaning up here: the abort of the (sub)transaction that
 * follows it restores role, security context and settings.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"

#include "core/role.h"

#define SAFE_PATH "pg_catalog, pg_temp"

bool
gl_role_path_is_fixed(void)
{
	return strcmp(namespace_search_path, SAFE_PATH) == 0;
}

/* Where it is so already, as in any function of ours, nothing need be looked up anew. */
void
gl_role_fix_path(void)
{
	if (!gl_role_path_is_fixed())
		(void) set_config_option("search_path", SAFE_PATH, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
}

GlRoleScope
gl_role_enter(void)
{
	GlRoleScope scope;

	GetUserIdAndSecContext(&scope.user, &scope.security);
	scope.settings = NewGUCNestLevel();
	gl_role_fix_path();
	return scope;
}

void
gl_role_become(const GlRoleScope *scope, Oid role)
{
	SetUserIdAndSecContext(role, scope->security | SECURITY_LOCAL_USERID_CHANGE |
									 SECURITY_RESTRICTED_OPERATION);
}

void
gl_role_leave(const GlRoleScope *scope)
{
	AtEOXact_GUC(false, scope->settings);
	SetUserIdAndSecContext(scope->user, scope->security);
}

Oid
gl_role_function(const char *signature)
{
	LOCAL_FCINFO(call, 1);
	Oid function;

	InitFunctionCallInfoData(*call, NULL, 1, InvalidOid, NULL, NULL);
	call->args[0].value = PointerGetDatum(cstring_to_text(signature));
	call->args[0].isnull = false;
	function = DatumGetObjectId(to_regprocedure(call));
	return call->isnull ? InvalidOid : function;
}
