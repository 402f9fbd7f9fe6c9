/*-------------------------------------------------------------------------
 *
 * role.h
 *	  Running a user's function as the role that registered it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_ROLE_H
#define GL_ROLE_H

/* What gl_role_leave puts back. */
typedef struct GlRoleScope
{
	Oid user;
	int security;
	int settings;
} GlRoleScope;

/* Fixes the search_path until the level of settings that the caller began ends. */
extern void gl_role_fix_path(void);

/* Is it fixed, as by gl_role_fix_path or a function's SET? */
extern bool gl_role_path_is_fixed(void);

/*
 * Fixes the search_path, so that a signature means the same whoever asks.
 * From here on every setting that is changed is put back by gl_role_leave.
 */
extern GlRoleScope gl_role_enter(void);

/* Runs as the role from here on, in a security-restricted operation. */
extern void gl_role_become(const GlRoleScope *scope, Oid role);

/* Puts role, security context and settings back; an error does so by itself. */
extern void gl_role_leave(const GlRoleScope *scope);

/* The function of a signature, or InvalidOid; the caller has fixed the search_path. */
extern Oid gl_role_function(const char *signature);

#endif /* GL_ROLE_H */
