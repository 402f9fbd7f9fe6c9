/*-------------------------------------------------------------------------
 *
 * redact.c
 *	  Takes an account's secrets out of what is kept of an answer.
 *
 * Some carriers want their keys in the body, and a server that refuses a
 * body likes to quote it.  What is looked for is the account's secret (every
 * text in it) and its token (line by line), as they are and as JSON may
 * escape them.  Short texts are left: they would be found everywhere.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "outbox/outbox.h"

#define SECRET_BYTES_MIN 6
#define PART_BYTES_MIN 4

static const char replacement[] = "(redacted)";

/* Adds a text to a flight's secrets, in its memory. */
static void
keep_secret(GlFlight *flight, const char *text, size_t length)
{
	if (length >= SECRET_BYTES_MIN)
		flight->secrets = lappend(flight->secrets, pnstrdup(text, length));
}

/* Every text of the secret, whatever it is called. */
static void
keep_texts(GlFlight *flight, Jsonb *secret)
{
	JsonbIterator *iterator = JsonbIteratorInit(&secret->root);
	JsonbValue value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
	{
		if ((token == WJB_VALUE || token == WJB_ELEM) && value.type == jbvString)
			keep_secret(flight, value.val.string.val, value.val.string.len);
	}
}

void
gl_outbox_keep_secrets(GlFlight *flight, Jsonb *secret, const char *token)
{
	MemoryContext before = MemoryContextSwitchTo(flight->context);

	if (secret != NULL)
		keep_texts(flight, secret);
	while (token != NULL && *token != '\0')
	{
		size_t length = strcspn(token, "\n");

		keep_secret(flight, token, length);
		token += length + (token[length] == '\n' ? 1 : 0);
	}
	MemoryContextSwitchTo(before);
}

/*
 * The length of one character at "at" if it is "wanted", plain, behind a
 * backslash, or as \u00xx; 0 where it is another.
 */
static size_t
match_character(const char *at, const char *end, char wanted)
{
	unsigned int code;
	char digits[5];

	if (at < end && *at == wanted)
		return 1;
	if (end - at >= 2 && at[0] == '\\' && at[1] == wanted)
		return 2;
	if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
		return 0;
	memcpy(digits, at + 2, 4);
	digits[4] = '\0';
	return sscanf(digits, "%4x", &code) == 1 && code == (unsigned char) wanted ? 6 : 0;
}

/*
 * How many bytes at "at" are the secret; 0: none.  The answer may have been cut
 * in the middle of one.
 */
static size_t
match_secret(const char *at, const char *end, const char *secret)
{
	const char *start = at;
	size_t length;

	for (; *secret != '\0'; secret++)
	{
		if (at == end && at - start >= PART_BYTES_MIN)
			break;
		length = match_character(at, end, *secret);
		if (length == 0)
			return 0;
		at += length;
	}
	return (size_t) (at - start);
}

text *
gl_outbox_redact(const GlFlight *flight, text *answer)
{
	const char *at = VARDATA_ANY(answer);
	const char *end = at + VARSIZE_ANY_EXHDR(answer);
	StringInfoData out;

	if (flight->secrets == NIL)
		return answer;
	initStringInfo(&out);
	while (at < end)
	{
		size_t length = 0;
		ListCell *cell;

		foreach (cell, flight->secrets)
		{
			length = match_secret(at, end, lfirst(cell));
			if (length > 0)
				break;
		}
		if (length > 0)
			appendStringInfoString(&out, replacement);
		else
			appendStringInfoChar(&out, *at);
		at += Max(length, 1);
	}
	return cstring_to_text_with_len(out.data, out.len);
}
