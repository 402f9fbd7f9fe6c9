/*-------------------------------------------------------------------------
 *
 * parse.c
 *	  A payload as jsonb, or NULL: for text that came from outside, where a
 *	  malformed one is no error of ours.
 *
 * jsonb_in raises over what it cannot hold (\u0000, unpaired surrogates,
 * numbers out of range).  It is called in a subtransaction that writes
 * nothing and so takes no transaction id, and that catches those errors only:
 * cancel and out of memory go on.  Size and depth are looked at before, so
 * that a hostile payload costs one pass over its bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "compat.h"
#include "json/json.h"
#include "settings.h"

GL_FUNCTION(gl_json_try_parse);
GL_FUNCTION(gl_json_try_lenient);
GL_FUNCTION(gl_json_is_too_large);

/* Deepest nesting of brackets outside strings; more than enough for a check before parsing. */
static int
nesting_depth(const char *json, size_t length)
{
	int depth = 0;
	int deepest = 0;
	bool in_string = false;

	for (size_t i = 0; i < length; i++)
	{
		if (in_string)
		{
			if (json[i] == '\\')
				i++;
			else if (json[i] == '"')
				in_string = false;
		}
		else if (json[i] == '"')
			in_string = true;
		else if (json[i] == '{' || json[i] == '[')
		{
			depth++;
			deepest = Max(deepest, depth);
		}
		else if (json[i] == '}' || json[i] == ']')
			depth--;
	}
	return deepest;
}

/* True for the errors that say "this is not such JSON". */
static bool
is_data_error(int sqlerrcode)
{
	return ERRCODE_TO_CATEGORY(sqlerrcode) == ERRCODE_DATA_EXCEPTION ||
		   sqlerrcode == ERRCODE_UNTRANSLATABLE_CHARACTER ||
		   sqlerrcode == ERRCODE_PROGRAM_LIMIT_EXCEEDED;
}

static Jsonb *
parse_or_null(char *json)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	Jsonb *volatile parsed = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		parsed = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (!is_data_error(error->sqlerrcode))
			ReThrowError(error);
		FreeErrorData(error);
		parsed = NULL;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return parsed;
}

static bool
is_too_large(const text *value)
{
	return VARSIZE_ANY_EXHDR(value) > (Size) gl_setting_webhook_max_bytes;
}

/* ganje.is_too_large(payload) */
Datum
gl_json_is_too_large(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(is_too_large(PG_GETARG_TEXT_PP(0)));
}

/* The JSON as jsonb, or NULL where it is none or too deep. */
static Jsonb *
parse_shallow(char *json)
{
	if (nesting_depth(json, strlen(json)) > gl_setting_json_max_depth)
		return NULL;
	return parse_or_null(json);
}

/* ganje.try_jsonb(text) */
Datum
gl_json_try_parse(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);
	Jsonb *parsed;

	if (is_too_large(value))
		PG_RETURN_NULL();
	parsed = parse_shallow(text_to_cstring(value));
	if (parsed == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(parsed);
}

/* ganje.try_lenient_jsonb(text): strictly first, since most carriers write JSON. */
Datum
gl_json_try_lenient(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);
	Jsonb *parsed;

	if (is_too_large(value))
		PG_RETURN_NULL();
	parsed = parse_shallow(text_to_cstring(value));
	if (parsed == NULL)
		parsed = parse_shallow(gl_json_repair(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)));
	if (parsed == NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(parsed);
}
