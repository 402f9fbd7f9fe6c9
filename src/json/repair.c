/*-------------------------------------------------------------------------
 *
 * repair.c
 *	  JSON as some carriers write it, made into JSON.
 *
 * Comments (// to the end of the line, and C's) become a space, commas that
 * separate nothing (doubled, trailing, leading) go, control characters within
 * strings are escaped, a byte order mark goes.  Whatever else is wrong stays
 * wrong: nothing is guessed, so that a truncated reply does not become a
 * whole one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "json/json.h"

typedef struct Repair
{
	const char *at;
	const char *end;
	StringInfo out;
	char last;  /* last significant character written, 0 at the beginning */
	bool comma; /* one was read, and is written if something follows */
} Repair;

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
starts_with(const Repair *repair, const char *text)
{
	size_t length = strlen(text);

	return (size_t) (repair->end - repair->at) >= length && memcmp(repair->at, text, length) == 0;
}

/* Steps over a comment; what does not end ends with the text. */
static void
skip_comment(Repair *repair)
{
	bool is_line = repair->at[1] == '/';

	repair->at += 2;
	while (repair->at < repair->end && !(is_line ? *repair->at == '\n' : starts_with(repair, "*/")))
		repair->at++;
	if (!is_line && repair->at < repair->end)
		repair->at += 2;
	appendStringInfoChar(repair->out, ' ');
}

/* Copies a string from its quotation mark on. */
static void
copy_string(Repair *repair)
{
	appendStringInfoChar(repair->out, *repair->at++);
	while (repair->at < repair->end)
	{
		unsigned char c = (unsigned char) *repair->at++;

		if (c < 0x20)
			appendStringInfo(repair->out, "\\u%04x", c);
		else
			appendStringInfoChar(repair->out, (char) c);
		if (c == '"')
			return;
		if (c == '\\' && repair->at < repair->end)
			appendStringInfoChar(repair->out, *repair->at++);
	}
}

/* Copies a significant character, with the comma before it where that is due. */
static void
copy_significant(Repair *repair)
{
	char c = *repair->at;

	if (repair->comma && c != '}' && c != ']' && repair->last != '{' && repair->last != '[' &&
		repair->last != '\0')
		appendStringInfoChar(repair->out, ',');
	repair->comma = false;
	repair->last = c;
	if (c == '"')
		copy_string(repair);
	else
	{
		appendStringInfoChar(repair->out, c);
		repair->at++;
	}
}

char *
gl_json_repair(const char *json, size_t length)
{
	StringInfoData out;
	Repair repair = {json, json + length, &out, '\0', false};

	initStringInfo(&out);
	if (starts_with(&repair, "\xEF\xBB\xBF"))
		repair.at += 3;
	while (repair.at < repair.end)
	{
		if (starts_with(&repair, "//") || starts_with(&repair, "/*"))
			skip_comment(&repair);
		else if (*repair.at == ',')
		{
			repair.comma = true;
			repair.at++;
		}
		else if (is_blank(*repair.at))
			appendStringInfoChar(&out, *repair.at++);
		else
			copy_significant(&repair);
	}
	return out.data;
}
