/*-------------------------------------------------------------------------
 *
 * read.c
 *	  Reading values of a jsonb that an app gave, with the JSON path of the
 *	  culprit in every message.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "utils/builtins.h"
#include "utils/numeric.h"

#include "json/json.h"

char *
gl_json_path_key(const char *path, const char *key)
{
	size_t path_length = strlen(path);
	size_t key_size = strlen(key) + 1;
	char *whole;

	if (path_length == 0)
		return pstrdup(key);
	/* A path is made for every key of every item, and seldom shown: psprintf is too slow for that. */
	whole = palloc(path_length + 1 + key_size);
	memcpy(whole, path, path_length);
	whole[path_length] = '.';
	memcpy(whole + path_length + 1, key, key_size);
	return whole;
}

char *
gl_json_path_index(const char *path, int index)
{
	return psprintf("%s[%d]", path, index);
}

const char *
gl_json_kind(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return "null";
		case jbvString:
			return "a text";
		case jbvNumeric:
			return "a number";
		case jbvBool:
			return "a boolean";
		case jbvArray:
			return "a list";
		case jbvObject:
			return "an object";
		case jbvBinary:
			return JsonContainerIsArray(value->val.binary.data) ? "a list" : "an object";
		default:
			return "something else";
	}
}

void
gl_json_raise_kind(const JsonbValue *value, const char *path, const char *expected)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s must be %s, not %s", path[0] == '\0' ? "the request" : path,
						   expected, gl_json_kind(value))));
}

bool
gl_json_find(JsonbContainer *object, const char *key, JsonbValue *value)
{
	return getKeyJsonValueFromContainer(object, key, strlen(key), value) != NULL &&
		   value->type != jbvNull;
}

double
gl_json_double(const JsonbValue *value, const char *path)
{
	double number;

	if (value->type != jbvNumeric)
		gl_json_raise_kind(value, path, "a number");
	/* numeric_float8 raises where the number is beyond a double; ours names the path. */
	number = DatumGetFloat8(
		DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value->val.numeric)));
	if (!isfinite(number))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("%s is out of range", path)));
	return number;
}

char *
gl_json_string(const JsonbValue *value, const char *path)
{
	if (value->type != jbvString)
		gl_json_raise_kind(value, path, "a text");
	return pnstrdup(value->val.string.val, value->val.string.len);
}

JsonbContainer *
gl_json_object(const JsonbValue *value, const char *path)
{
	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		gl_json_raise_kind(value, path, "an object");
	return value->val.binary.data;
}

JsonbContainer *
gl_json_array(const JsonbValue *value, const char *path)
{
	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		gl_json_raise_kind(value, path, "a list");
	return value->val.binary.data;
}

/* The hint is written only for who complains. */
static void
raise_unknown(const JsonbValue *key, const char *path, const char *const *allowed)
{
	StringInfoData hint;

	initStringInfo(&hint);
	for (int i = 0; allowed[i] != NULL; i++)
		appendStringInfo(&hint, "%s%s", i > 0 ? ", " : "", allowed[i]);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("unknown key %s", gl_json_path_key(path, pnstrdup(key->val.string.val,
																			 key->val.string.len))),
					hint.len > 0 ? errhint("The keys are: %s.", hint.data)
								 : errhint("No key is expected here.")));
}

void
gl_json_only_keys(JsonbContainer *object, const char *path, const char *const *allowed)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue value;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		bool known = false;

		if (token != WJB_KEY)
			continue;
		for (int i = 0; allowed[i] != NULL && !known; i++)
			known = strncmp(value.val.string.val, allowed[i], value.val.string.len) == 0 &&
					allowed[i][value.val.string.len] == '\0';
		if (!known)
			raise_unknown(&value, path, allowed);
	}
}
