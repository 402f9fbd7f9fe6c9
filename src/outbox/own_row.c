/*-------------------------------------------------------------------------
 *
 * own_row.c
 *	  Did this very transaction write a row?
 *
 * drain() would wait for ever for requests that nobody else can see yet.
 * pg_current_xact_id() does not know subtransactions, which every PL/pgSQL
 * block with an EXCEPTION clause is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"

#include "compat.h"

GL_FUNCTION(gl_outbox_is_own);

/* ganje.is_own(xid): of the current transaction, or one of its subtransactions. */
Datum
gl_outbox_is_own(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(TransactionIdIsCurrentTransactionId(PG_GETARG_TRANSACTIONID(0)));
}
