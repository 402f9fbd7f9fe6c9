/*-------------------------------------------------------------------------
 *
 * secret.c
 *	  What secrets need that SQL does not have: random bytes that nobody can
 *	  guess, and a comparison that tells nothing by the time it takes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

#include "compat.h"

GL_FUNCTION(gl_core_random_bytes);
GL_FUNCTION(gl_core_same_bytes);

#define RANDOM_BYTES_MAX 1024

/* random_bytes(count): 1 to 1024 bytes of cryptographic strength. */
Datum
gl_core_random_bytes(PG_FUNCTION_ARGS)
{
	int32 count = PG_GETARG_INT32(0);
	bytea *bytes;

	if (count < 1 || count > RANDOM_BYTES_MAX)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("count must be between 1 and %d", RANDOM_BYTES_MAX));
	bytes = palloc(VARHDRSZ + count);
	SET_VARSIZE(bytes, VARHDRSZ + count);
	if (!pg_strong_random(VARDATA(bytes), count))
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random bytes"));
	PG_RETURN_BYTEA_P(bytes);
}

/*
 * same_bytes(a, b): are they equal?  The time depends on the lengths alone,
 * so that a wrong signature cannot be mended byte by byte.
 */
Datum
gl_core_same_bytes(PG_FUNCTION_ARGS)
{
	bytea *a = PG_GETARG_BYTEA_PP(0);
	bytea *b = PG_GETARG_BYTEA_PP(1);
	const unsigned char *left = (const unsigned char *) VARDATA_ANY(a);
	const unsigned char *right = (const unsigned char *) VARDATA_ANY(b);
	Size length = VARSIZE_ANY_EXHDR(a);
	volatile unsigned char difference = 0;

	if (length != VARSIZE_ANY_EXHDR(b))
		PG_RETURN_BOOL(false);
	for (Size i = 0; i < length; i++)
		difference |= left[i] ^ right[i];
	PG_RETURN_BOOL(difference == 0);
}
