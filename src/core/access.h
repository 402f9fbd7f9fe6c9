/*-------------------------------------------------------------------------
 *
 * access.h
 *	  Which merchants a role may act for, and at which level.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_ACCESS_H
#define GL_ACCESS_H

/* Levels of ganje.grant_access, as a set. */
#define GL_ACCESS_CHECKOUT 1
#define GL_ACCESS_FULFILMENT 2
#define GL_ACCESS_OPERATOR 4

/*
 * Raises insufficient_privilege unless the role that asks may act for the
 * merchant at one of the levels.  That it may execute the function at all is
 * for EXECUTE to say.
 */
extern void gl_access_check(const char *merchant, int levels);

#endif /* GL_ACCESS_H */
