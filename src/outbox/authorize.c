/*-------------------------------------------------------------------------
 *
 * authorize.c
 *	  Turns a leased row into what is sent: the carrier adds its secrets.
 *
 * What comes back holds secrets, and lives in the flight's memory only.  The
 * text of an error that the function did not raise on purpose may quote one
 * (a cast that failed, say), so that only its code is kept.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"

#include "outbox/outbox.h"

typedef struct Authorization
{
	GlFlight *flight;
	Datum carrier;
	Datum account;
	Datum request;
	char *operation;
} Authorization;

/* A text attribute of the request, in the flight's memory; NULL for null. */
static char *
text_attribute(HeapTupleHeader request, const char *name)
{
	bool isnull;
	Datum value = GetAttributeByName(request, name, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/* Raises where an attribute that every request needs is null. */
static char *
needed_attribute(HeapTupleHeader request, const char *name)
{
	char *value = text_attribute(request, name);

	if (value == NULL)
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("the authorize function answered a request without %s", name));
	return value;
}

/* Puts the authorized request into the flight. */
static void
fill_flight(Authorization *authorization, HeapTupleHeader request)
{
	GlFlight *flight = authorization->flight;
	MemoryContext before = MemoryContextSwitchTo(flight->context);
	bool isnull;
	Datum headers;

	flight->request = PointerGetDatum(DatumGetHeapTupleHeaderCopy(PointerGetDatum(request)));
	authorization->operation = needed_attribute(request, "operation");
	flight->method = needed_attribute(request, "method");
	flight->path = needed_attribute(request, "path");
	headers = GetAttributeByName(request, "headers", &isnull);
	if (!isnull)
		flight->headers = DatumGetJsonbPCopy(headers);
	flight->body = text_attribute(request, "body");
	if (flight->body != NULL)
		flight->body = pg_server_to_any(flight->body, (int) strlen(flight->body), PG_UTF8);
	MemoryContextSwitchTo(before);
}

/* The work that may fail: calls the function and reads its answer. */
static void
authorize(void *argument)
{
	Authorization *authorization = argument;
	Datum values[] = {authorization->carrier, authorization->account, authorization->request};
	Datum request;
	bool isnull;

	gl_outbox_execute(GL_STATEMENT_AUTHORIZE, values, NULL);
	request = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (isnull)
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("the authorize function answered nothing"));
	fill_flight(authorization, DatumGetHeapTupleHeader(request));
	SPI_freetuptable(SPI_tuptable);
}

GlAuthorized
gl_outbox_authorize(GlFlight *flight, Datum carrier, Datum account, Datum request, char **reason)
{
	Authorization authorization = {flight, carrier, account, request, NULL};
	GlFailure failure;

	if (gl_outbox_try(authorize, &authorization, &failure))
	{
		flight->login = strcmp(authorization.operation, "login") == 0;
		flight->ask = strcmp(authorization.operation, "ask") == 0;
		return flight->login ? GL_AUTHORIZED_LOGIN : GL_AUTHORIZED;
	}
	if (ERRCODE_TO_CATEGORY(failure.sqlstate) ==
		ERRCODE_TO_CATEGORY(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION))
	{
		*reason = failure.message;
		return GL_AUTHORIZED_REFUSED;
	}
	*reason =
		psprintf("the authorize function failed (SQLSTATE %s)", unpack_sql_state(failure.sqlstate));
	return GL_AUTHORIZED_FAILED;
}
