/*-------------------------------------------------------------------------
 *
 * answer.c
 *	  A carrier's answer as SQL values.
 *
 * What comes from outside may be no text at all: it must neither raise nor
 * get into a table as something that the server's encoding does not allow.
 * What cannot be read is NULL, and the excerpt says so.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"

#include "outbox/outbox.h"

/* Bytes of an answer that are kept to be looked at. */
#define EXCERPT_BYTES 4096

/* Is this text in UTF-8, without NUL? */
static bool
is_text(const char *bytes, size_t length)
{
	return length <= INT_MAX && memchr(bytes, '\0', length) == NULL &&
		   pg_verify_mbstr(PG_UTF8, bytes, (int) length, true);
}

/* A jsonb object of the headers, names in lower case, the first of each name. */
Datum
gl_outbox_answer_headers(const GlHttpResult *result)
{
	const char *at = result->headers;
	const char *end = at + result->headers_length;
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	while (at < end)
	{
		const char *value = at + strlen(at) + 1;

		if (is_text(at, strlen(at)) && is_text(value, strlen(value)) &&
			gl_http_header(result, at) == value)
		{
			if (json.len > 1)
				appendStringInfoChar(&json, ',');
			escape_json(&json, asc_tolower(at, strlen(at)));
			appendStringInfoChar(&json, ':');
			escape_json(&json, value);
		}
		at = value + strlen(value) + 1;
	}
	appendStringInfoChar(&json, '}');
	return DirectFunctionCall1(jsonb_in,
							   CStringGetDatum(pg_any_to_server(json.data, json.len, PG_UTF8)));
}

/* The body, or NULL where it is not text that this server can hold. */
text *
gl_outbox_answer_body(const GlHttpResult *result)
{
	char *body;

	if (!is_text(result->body, result->body_length))
		return NULL;
	body = pg_any_to_server(result->body, (int) result->body_length, PG_UTF8);
	return cstring_to_text_with_len(body, body == result->body ? (int) result->body_length
															   : (int) strlen(body));
}

/* The beginning of the body, as it is kept. */
text *
gl_outbox_answer_excerpt(text *body)
{
	int length;

	if (body == NULL)
		return cstring_to_text("(not text)");
	length = pg_mbcliplen(VARDATA_ANY(body), (int) VARSIZE_ANY_EXHDR(body), EXCERPT_BYTES);
	return cstring_to_text_with_len(VARDATA_ANY(body), length);
}
