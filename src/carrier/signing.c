/*-------------------------------------------------------------------------
 *
 * signing.c
 *	  HMAC-SHA256, with which carriers and subscribers know a message.
 *
 * PostgreSQL has the hash as sha256() but not the keyed one, and pgcrypto may
 * not be there.  Its own HMAC is taken, so that a build with OpenSSL uses
 * OpenSSL's and one without needs nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hmac.h"
#include "common/sha2.h"
#include "fmgr.h"

#include "compat.h"

GL_FUNCTION(gl_carrier_hmac_sha256);

/*
 * hmac_sha256(key, message) → 32 bytes, by RFC 2104 with SHA-256.  The error
 * of a cryptographic library that refuses never quotes key or message.
 */
Datum
gl_carrier_hmac_sha256(PG_FUNCTION_ARGS)
{
	bytea *key = PG_GETARG_BYTEA_PP(0);
	bytea *message = PG_GETARG_BYTEA_PP(1);
	bytea *digest = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	pg_hmac_ctx *context = pg_hmac_create(PG_SHA256);

	SET_VARSIZE(digest, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	if (context == NULL)
		ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"));
	if (pg_hmac_init(context, (const uint8 *) VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key)) < 0 ||
		pg_hmac_update(context, (const uint8 *) VARDATA_ANY(message), VARSIZE_ANY_EXHDR(message)) <
			0 ||
		pg_hmac_final(context, (uint8 *) VARDATA(digest), PG_SHA256_DIGEST_LENGTH) < 0)
	{
		char *reason = pstrdup(pg_hmac_error(context));

		pg_hmac_free(context);
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR),
				errmsg("could not compute HMAC-SHA256: %s", reason));
	}
	pg_hmac_free(context);
	PG_RETURN_BYTEA_P(digest);
}
