/*-------------------------------------------------------------------------
 *
 * identifier.c
 *	  ganje.system_identifier(): which cluster this is.
 *
 * pg_control_system() reads and checks a file; the outbox asks at every
 * request that it takes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "fmgr.h"

#include "compat.h"

GL_FUNCTION(gl_system_identifier);

/* The identifier as pg_control_system() shows it, a signed bigint. */
Datum
gl_system_identifier(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64((int64) GetSystemIdentifier());
}
