/*-------------------------------------------------------------------------
 *
 * condition.c
 *	  Conditions of a mapping: which rows are orders, and which cancelled.
 *
 *	  {"column": name, "equals": value}     or {"path": …, "of": …, "equals": value}
 *	  {"column": name, "in": [value, …]}
 *	  {"column": name, "isNull": true}
 *	  {"and": [condition, …]}, {"or": [condition, …]}, {"not": condition}
 *
 * Two values are equal as numbers where both are numbers, else as texts.
 * Either a condition holds or it does not: NULL equals nothing, and "not" of
 * that holds.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "json/json.h"
#include "shipment/expression.h"

static void
compile_parts(const GlCompiler *compiler, GlCondition *condition, JsonbValue *list,
			  const char *path)
{
	JsonbContainer *array = gl_json_array(list, path);

	condition->count = (int) JsonContainerSize(array);
	if (condition->count == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s is empty", path)));
	condition->parts = palloc(condition->count * sizeof(GlCondition *));
	for (int i = 0; i < condition->count; i++)
		condition->parts[i] = gl_condition_compile(
			compiler, getIthJsonbValueFromContainer(array, i), gl_json_path_index(path, i));
}

static void
take_value(GlCondition *condition, JsonbValue *value, const char *path)
{
	if (value->type == jbvBinary || value->type == jbvNull)
		gl_json_raise_kind(value, path, "a text, a number or true or false");
	condition->values[condition->count++] = *value;
}

static void
compile_values(GlCondition *condition, JsonbValue *list, const char *path)
{
	JsonbContainer *array = gl_json_array(list, path);
	int count = (int) JsonContainerSize(array);

	if (count == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s is empty", path)));
	condition->values = palloc(count * sizeof(JsonbValue));
	for (int i = 0; i < count; i++)
		take_value(condition, getIthJsonbValueFromContainer(array, i), gl_json_path_index(path, i));
}

/* What a comparison is of: the object without the comparison's own key. */
static GlExpression *
compile_left(const GlCompiler *compiler, JsonbContainer *object, const char *path)
{
	static const char *const keys[] = {"column", "path", "of", "concat"};
	JsonbParseState *state = NULL;
	JsonbValue left;
	Jsonb *jsonb;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < (int) lengthof(keys); i++)
	{
		JsonbValue key;
		JsonbValue value;

		if (!gl_json_find(object, keys[i], &value))
			continue;
		key.type = jbvString;
		key.val.string.val = unconstify(char *, keys[i]);
		key.val.string.len = (int) strlen(keys[i]);
		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_VALUE, &value);
	}
	jsonb = JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
	if (JB_ROOT_COUNT(jsonb) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s compares nothing", path),
				 errhint("Name a column: {\"column\": name, \"equals\": value}.")));
	left.type = jbvBinary;
	left.val.binary.data = &jsonb->root;
	left.val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
	return gl_expression_compile(compiler, &left, path, false);
}

static void
compile_comparison(const GlCompiler *compiler, GlCondition *condition, JsonbContainer *object,
				   const char *path)
{
	static const char *const keys[] = {"column", "path", "of",     "concat",
									   "equals", "in",   "isNull", NULL};
	JsonbValue equals;
	JsonbValue in;
	JsonbValue is_null;
	bool has_equals = gl_json_find(object, "equals", &equals);
	bool has_in = gl_json_find(object, "in", &in);
	bool has_is_null = gl_json_find(object, "isNull", &is_null);

	gl_json_only_keys(object, path, keys);
	if (has_equals + has_in + has_is_null != 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must have one of \"equals\", \"in\" and \"isNull\"", path),
						errhint("Or it is {\"and\": […]}, {\"or\": […]} or {\"not\": …}.")));
	condition->left = compile_left(compiler, object, path);
	condition->kind = has_is_null ? GL_CONDITION_NULL : GL_CONDITION_IN;
	if (has_in)
		compile_values(condition, &in, gl_json_path_key(path, "in"));
	else if (has_equals)
	{
		condition->values = palloc(sizeof(JsonbValue));
		take_value(condition, &equals, gl_json_path_key(path, "equals"));
	}
	else
	{
		if (is_null.type != jbvBool)
			gl_json_raise_kind(&is_null, gl_json_path_key(path, "isNull"), "true or false");
		condition->is_null = is_null.val.boolean;
	}
}

GlCondition *
gl_condition_compile(const GlCompiler *compiler, JsonbValue *value, const char *path)
{
	static const char *const only_and[] = {"and", NULL};
	static const char *const only_or[] = {"or", NULL};
	static const char *const only_not[] = {"not", NULL};
	GlCondition *condition = palloc0(sizeof(GlCondition));
	JsonbContainer *object = gl_json_object(value, path);
	JsonbValue operand;

	check_stack_depth();
	if (gl_json_find(object, "and", &operand))
	{
		gl_json_only_keys(object, path, only_and);
		condition->kind = GL_CONDITION_AND;
		compile_parts(compiler, condition, &operand, gl_json_path_key(path, "and"));
	}
	else if (gl_json_find(object, "or", &operand))
	{
		gl_json_only_keys(object, path, only_or);
		condition->kind = GL_CONDITION_OR;
		compile_parts(compiler, condition, &operand, gl_json_path_key(path, "or"));
	}
	else if (gl_json_find(object, "not", &operand))
	{
		gl_json_only_keys(object, path, only_not);
		condition->kind = GL_CONDITION_NOT;
		condition->parts = palloc(sizeof(GlCondition *));
		condition->parts[0] =
			gl_condition_compile(compiler, &operand, gl_json_path_key(path, "not"));
	}
	else
		compile_comparison(compiler, condition, object, path);
	return condition;
}

static bool
equals(const JsonbValue *a, const JsonbValue *b)
{
	if (a->type == jbvNumeric && b->type == jbvNumeric)
		return DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(a->val.numeric),
												NumericGetDatum(b->val.numeric)));
	if (a->type == jbvString && b->type == jbvString)
		return a->val.string.len == b->val.string.len &&
			   memcmp(a->val.string.val, b->val.string.val, a->val.string.len) == 0;
	return strcmp(gl_scalar_text(a), gl_scalar_text(b)) == 0;
}

static bool
is_among(const GlCondition *condition, HeapTuple row, TupleDesc descriptor)
{
	JsonbValue value;

	if (!gl_expression_value(condition->left, row, descriptor, &value))
		return false;
	for (int i = 0; i < condition->count; i++)
		if (equals(&value, &condition->values[i]))
			return true;
	return false;
}

bool
gl_condition_holds(const GlCondition *condition, HeapTuple row, TupleDesc descriptor)
{
	JsonbValue value;

	switch (condition->kind)
	{
		case GL_CONDITION_AND:
			for (int i = 0; i < condition->count; i++)
				if (!gl_condition_holds(condition->parts[i], row, descriptor))
					return false;
			return true;
		case GL_CONDITION_OR:
			for (int i = 0; i < condition->count; i++)
				if (gl_condition_holds(condition->parts[i], row, descriptor))
					return true;
			return false;
		case GL_CONDITION_NOT:
			return !gl_condition_holds(condition->parts[0], row, descriptor);
		case GL_CONDITION_IN:
			return is_among(condition, row, descriptor);
		case GL_CONDITION_NULL:
			return gl_expression_value(condition->left, row, descriptor, &value) !=
				   condition->is_null;
	}
	return false;
}
