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

/* Requests of one account that are asked for one after another. */
typedef struct Run
{
	GlAuthorization *authorizations;
	int count;
	int asked;
	Datum carrier;
} Run;

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

/* Puts the authorized request into the flight; answers its operation. */
static char *
fill_flight(GlFlight *flight, HeapTupleHeader request)
{
	MemoryContext before = MemoryContextSwitchTo(flight->context);
	char *operation = needed_attribute(request, "operation");
	bool isnull;
	Datum headers;

	if (strcmp(operation, "login") == 0)
		flight->request = PointerGetDatum(DatumGetHeapTupleHeaderCopy(PointerGetDatum(request)));
	flight->method = needed_attribute(request, "method");
	flight->path = needed_attribute(request, "path");
	headers = GetAttributeByName(request, "headers", &isnull);
	flight->headers = isnull ? NULL : DatumGetJsonbPCopy(headers);
	flight->body = text_attribute(request, "body");
	if (flight->body != NULL)
		flight->body = pg_server_to_any(flight->body, (int) strlen(flight->body), PG_UTF8);
	MemoryContextSwitchTo(before);
	return operation;
}

/* Calls the function for one request and reads its answer. */
static void
authorize(GlAuthorization *authorization, Datum carrier)
{
	Datum values[] = {carrier, authorization->account, authorization->request};
	GlFlight *flight = authorization->flight;
	char *operation;
	Datum request;
	bool isnull;

	gl_outbox_execute(GL_STATEMENT_AUTHORIZE, values, NULL);
	request = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (isnull)
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("the authorize function answered nothing"));
	operation = fill_flight(flight, DatumGetHeapTupleHeader(request));
	flight->login = strcmp(operation, "login") == 0;
	flight->ask = strcmp(operation, "ask") == 0;
	authorization->outcome = flight->login ? GL_AUTHORIZED_LOGIN : GL_AUTHORIZED;
	SPI_freetuptable(SPI_tuptable);
}

/* The work that may fail: as many of a run as may go. */
static void
authorize_run(void *argument)
{
	Run *run = argument;

	run->asked = 0;
	while (run->asked < run->count)
	{
		authorize(&run->authorizations[run->asked++], run->carrier);
		if (run->authorizations[run->asked - 1].outcome == GL_AUTHORIZED_LOGIN)
			return;
	}
}

/* What an error of the function means. */
static void
take_failure(GlAuthorization *authorization, const GlFailure *failure)
{
	if (ERRCODE_TO_CATEGORY(failure->sqlstate) ==
		ERRCODE_TO_CATEGORY(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION))
	{
		authorization->outcome = GL_AUTHORIZED_REFUSED;
		authorization->reason = failure->message;
		return;
	}
	authorization->outcome = GL_AUTHORIZED_FAILED;
	authorization->reason = psprintf("the authorize function failed (SQLSTATE %s)",
									 unpack_sql_state(failure->sqlstate));
}

/*
 * All in one subtransaction; where that fails each in one of its own, so that
 * it is known which it was.
 */
int
gl_outbox_authorize(GlAuthorization *authorizations, int count, Datum carrier)
{
	Run run = {authorizations, count, 0, carrier};
	GlFailure failure;

	if (gl_outbox_try(authorize_run, &run, &failure))
		return run.asked;
	for (int i = 0; i < count; i++)
	{
		Run one = {&authorizations[i], 1, 0, carrier};

		if (count == 1 || !gl_outbox_try(authorize_run, &one, &failure))
			take_failure(&authorizations[i], &failure);
		if (authorizations[i].outcome == GL_AUTHORIZED_LOGIN ||
			authorizations[i].outcome == GL_AUTHORIZED_REFUSED)
			return i + 1;
	}
	return count;
}
