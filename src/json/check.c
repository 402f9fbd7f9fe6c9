/*-------------------------------------------------------------------------
 *
 * check.c
 *	  Checks an object that an app gave against a list of keys and kinds, such
 *	  as "zoneId:id name:text! fee:fee".
 *
 * One place for what all upserts owe their callers: a key that nobody knows is
 * refused, because a typo must not silently widen a zone; null is as good as
 * absent; and every message names the path.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "compat.h"
#include "json/json.h"

#define KEYS_MAX 64
#define ID_MAX_BYTES 255
#define TEXT_MAX_BYTES 10000
#define MAX_FEE 1e9
#define FEE_SCALE 6

GL_FUNCTION(gl_json_check_object);

/* "key:kind!" taken apart. */
typedef struct KeyRule
{
	char *key;
	char *kind;
	bool required;
} KeyRule;

static int
parse_rules(char *spec, KeyRule *rules)
{
	int count = 0;

	for (char *word = strtok_r(spec, " ", &spec); word != NULL; word = strtok_r(NULL, " ", &spec))
	{
		char *colon = strchr(word, ':');

		if (colon == NULL || count == KEYS_MAX)
			elog(ERROR, "malformed key list at \"%s\"", word);
		*colon = '\0';
		rules[count].key = word;
		rules[count].kind = colon + 1;
		rules[count].required = colon[strlen(colon + 1)] == '!';
		if (rules[count].required)
			colon[strlen(colon + 1)] = '\0';
		count++;
	}
	return count;
}

static void
check_text(const JsonbValue *value, const char *path, int max_bytes)
{
	if (value->type != jbvString)
		gl_json_raise_kind(value, path, "a text");
	if (value->val.string.len == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s is empty", path)));
	if (value->val.string.len > max_bytes)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s is longer than %d bytes", path, max_bytes)));
}

/* A number from lowest to highest, both of them whole, and itself so where "whole" is set. */
static void
check_number(const JsonbValue *value, const char *path, const char *expected, double lowest,
			 double highest, bool whole)
{
	double number;

	if (value->type != jbvNumeric)
		gl_json_raise_kind(value, path, expected);
	number = gl_json_double(value, path);
	if (whole)
	{
		Datum integral = DirectFunctionCall2(numeric_trunc, NumericGetDatum(value->val.numeric),
											 Int32GetDatum(0));

		if (!DatumGetBool(
				DirectFunctionCall2(numeric_eq, integral, NumericGetDatum(value->val.numeric))))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("%s must be a whole number", path)));
	}
	if (number < lowest)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must not be less than %.0f", path, lowest)));
	if (number > highest)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must not be more than %.0f", path, highest)));
}

static void
check_texts(const JsonbValue *value, const char *path)
{
	JsonbContainer *list = gl_json_array(value, path);
	int count = JsonContainerSize(list);

	for (int i = 0; i < count; i++)
		check_text(getIthJsonbValueFromContainer(list, i), gl_json_path_index(path, i),
				   ID_MAX_BYTES);
}

/* Fees are added up exactly as whole numbers of 10 to the minus 6, which must fit. */
static void
check_fee_amount(const JsonbValue *value, const char *path, const char *expected)
{
	check_number(value, path, expected, 0, MAX_FEE, false);
	if (DatumGetInt32(DirectFunctionCall1(numeric_min_scale, NumericGetDatum(value->val.numeric))) >
		FEE_SCALE)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s has more than %d digits behind the point", path, FEE_SCALE)));
}

/* ServiceFee: a number or {"amount": number}. */
static void
check_fee(const JsonbValue *value, const char *path)
{
	static const char *const keys[] = {"amount", NULL};
	JsonbValue amount;

	if (value->type != jbvBinary)
	{
		check_fee_amount(value, path, "a number or {\"amount\": number}");
		return;
	}
	gl_json_only_keys(gl_json_object(value, path), path, keys);
	if (!gl_json_find(value->val.binary.data, "amount", &amount))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s.amount is missing", path)));
	check_fee_amount(&amount, gl_json_path_key(path, "amount"), "a number");
}

static void
check_kind(const JsonbValue *value, const char *path, const char *kind)
{
	if (strcmp(kind, "id") == 0)
		check_text(value, path, ID_MAX_BYTES);
	else if (strcmp(kind, "text") == 0)
		check_text(value, path, TEXT_MAX_BYTES);
	else if (strcmp(kind, "ids") == 0)
		check_texts(value, path);
	else if (strcmp(kind, "fee") == 0)
		check_fee(value, path);
	else if (strcmp(kind, "amount") == 0)
		check_number(value, path, "a number", 0, 1e15, false);
	else if (strcmp(kind, "number") == 0)
		check_number(value, path, "a number", -1e15, 1e15, false);
	else if (strcmp(kind, "count") == 0)
		check_number(value, path, "a number", 0, PG_INT32_MAX, true);
	else if (strcmp(kind, "int") == 0)
		check_number(value, path, "a number", PG_INT32_MIN, PG_INT32_MAX, true);
	else if (strcmp(kind, "bool") == 0)
	{
		if (value->type != jbvBool)
			gl_json_raise_kind(value, path, "true or false");
	}
	else if (strcmp(kind, "object") == 0)
		(void) gl_json_object(value, path);
	else if (strcmp(kind, "array") == 0)
		(void) gl_json_array(value, path);
	else if (strcmp(kind, "scalar") == 0)
	{
		if (value->type != jbvNumeric && value->type != jbvString)
			gl_json_raise_kind(value, path, "a number or a text");
	}
	else if (strcmp(kind, "any") != 0)
		elog(ERROR, "unknown kind \"%s\"", kind);
}

/* The object of the arguments; raises where it is none. */
static JsonbContainer *
root_object(FunctionCallInfo fcinfo, const char *path)
{
	Jsonb *jsonb;

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("%s must not be null", path[0] == '\0' ? "the request" : path)));
	jsonb = PG_GETARG_JSONB_P(0);
	if (!JB_ROOT_IS_OBJECT(jsonb))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be an object", path[0] == '\0' ? "the request" : path)));
	return &jsonb->root;
}

/* ganje.check_object(object, path, keys) */
Datum
gl_json_check_object(PG_FUNCTION_ARGS)
{
	char *path = PG_ARGISNULL(1) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(1));
	char *spec = PG_ARGISNULL(2) ? pstrdup("") : text_to_cstring(PG_GETARG_TEXT_PP(2));
	JsonbContainer *object = root_object(fcinfo, path);
	KeyRule rules[KEYS_MAX];
	const char *allowed[KEYS_MAX + 1] = {NULL};
	int count = parse_rules(spec, rules);

	for (int i = 0; i < count; i++)
		allowed[i] = rules[i].key;
	gl_json_only_keys(object, path, allowed);
	for (int i = 0; i < count; i++)
	{
		JsonbValue value;
		char *key_path = gl_json_path_key(path, rules[i].key);

		if (gl_json_find(object, rules[i].key, &value))
			check_kind(&value, key_path, rules[i].kind);
		else if (rules[i].required)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s is missing", key_path)));
	}
	PG_RETURN_VOID();
}
