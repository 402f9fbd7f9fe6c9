/*-------------------------------------------------------------------------
 *
 * expression_compile.c
 *	  Expressions of a mapping: from JSON to what a row is read by.
 *
 *	  "column" or {"column": name}        a column's value
 *	  {"const": value}                    the value
 *	  {"path": jsonpath, "of": column}    the first item in a column of JSON
 *	  {"concat": [expression, …]}         the texts joined, NULLs left out
 *	  {"key": expression, …}              an object (of address and data)
 *
 * Everything that the catalog can tell is checked here: attach_orders calls
 * this once, and the trigger again after the table has been altered.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonpath.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "compat.h"
#include "json/json.h"
#include "shipment/expression.h"

#define ATTRIBUTE_VIRTUAL 'v'

static bool
is_json(Oid type)
{
	return type == JSONBOID || type == JSONOID;
}

/* Types whose text identifies something: no lists, rows or bytes. */
static bool
is_scalar(Oid type)
{
	char category;
	bool preferred;

	get_type_category_preferred(type, &category, &preferred);
	return category != TYPCATEGORY_ARRAY && category != TYPCATEGORY_COMPOSITE && type != BYTEAOID;
}

/* Finds the column and keeps what reading it takes. */
static void
use_column(const GlCompiler *compiler, GlExpression *expression, const char *name, const char *path)
{
	Form_pg_attribute attribute;

	expression->column = compiler->find(compiler->state, name, path);
	attribute = TupleDescAttr(compiler->descriptor, expression->column - 1);
	if (attribute->attgenerated == ATTRIBUTE_VIRTUAL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("%s: column \"%s\" is generated when it is read", path, name),
						errdetail("A trigger does not see it."),
						errhint("Make it STORED, or map what it is made of.")));
	expression->type = getBaseType(attribute->atttypid);
}

static void
raise_type(const GlExpression *expression, const char *path, const char *name, const char *wanted,
		   const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
					errmsg("%s: column \"%s\" is of type %s, not %s", path, name,
						   format_type_be(expression->type), wanted),
					errhint("%s", hint)));
}

static void
compile_column(const GlCompiler *compiler, GlExpression *expression, const char *name,
			   const char *path)
{
	Oid function;
	bool is_varlena;

	expression->kind = GL_EXPRESSION_COLUMN;
	use_column(compiler, expression, name, path);
	if (expression->is_object && !is_json(expression->type))
		raise_type(expression, path, name, "json or jsonb",
				   "Make an object of columns: {\"fullAddress\": \"column\", …}.");
	if (!expression->is_object && is_json(expression->type))
		raise_type(expression, path, name, "a text, number or time",
				   "Take a part of it: {\"path\": \"$.part\", \"of\": \"column\"}.");
	if (!expression->is_object && !is_scalar(expression->type))
		raise_type(expression, path, name, "a text, number or time",
				   "Map a column of another type, or a generated one.");
	getTypeOutputInfo(expression->type, &function, &is_varlena);
	fmgr_info_cxt(function, &expression->output, CurrentMemoryContext);
}

static void
compile_const(GlExpression *expression, JsonbValue *value, const char *path)
{
	bool is_container = value->type == jbvBinary;

	expression->kind = GL_EXPRESSION_CONST;
	if (expression->is_object && (!is_container || !JsonContainerIsObject(value->val.binary.data)))
		gl_json_raise_kind(value, path, "an object");
	if (!expression->is_object && is_container)
		gl_json_raise_kind(value, path, "a text, a number or true or false");
	expression->constant = *value;
}

/* jsonpath_in says what is wrong, but not where it was read. */
static Datum
compile_jsonpath(char *text, const char *path)
{
	MemoryContext context = CurrentMemoryContext;
	volatile Datum compiled = (Datum) 0;

	PG_TRY();
	{
		compiled = DirectFunctionCall1(jsonpath_in, CStringGetDatum(text));
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		ereport(ERROR, (errcode(error->sqlerrcode), errmsg("%s: %s", path, error->message)));
	}
	PG_END_TRY();
	return compiled;
}

static void
compile_path(const GlCompiler *compiler, GlExpression *expression, JsonbContainer *object,
			 const char *path)
{
	static const char *const keys[] = {"path", "of", NULL};
	JsonbValue jsonpath;
	JsonbValue column;
	char *name;

	expression->kind = GL_EXPRESSION_PATH;
	gl_json_only_keys(object, path, keys);
	if (!gl_json_find(object, "path", &jsonpath))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s.path is missing", path)));
	if (!gl_json_find(object, "of", &column))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s.of is missing", path),
						errhint("It names the column of JSON that the path is of.")));
	name = gl_json_string(&column, gl_json_path_key(path, "of"));
	use_column(compiler, expression, name, gl_json_path_key(path, "of"));
	if (!is_json(expression->type))
		raise_type(expression, gl_json_path_key(path, "of"), name, "json or jsonb",
				   "Map the column itself: {\"column\": \"name\"}.");
	path = gl_json_path_key(path, "path");
	expression->jsonpath = compile_jsonpath(gl_json_string(&jsonpath, path), path);
}

static void
compile_concat(const GlCompiler *compiler, GlExpression *expression, JsonbValue *list,
			   const char *path)
{
	JsonbContainer *array = gl_json_array(list, path);

	expression->kind = GL_EXPRESSION_CONCAT;
	if (expression->is_object)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s is a text, where an object is needed", path)));
	expression->count = (int) JsonContainerSize(array);
	if (expression->count == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s is empty", path)));
	expression->parts = palloc(expression->count * sizeof(GlExpression *));
	for (int i = 0; i < expression->count; i++)
		expression->parts[i] = gl_expression_compile(
			compiler, getIthJsonbValueFromContainer(array, i), gl_json_path_index(path, i), false);
}

/* Can what a key maps to be an object itself? {"geo": {"lat": "lat", "lng": "lng"}} */
static bool
is_operator(JsonbContainer *object)
{
	static const char *const operators[] = {"column", "const", "path", "of", "concat"};
	JsonbValue value;

	for (int i = 0; i < (int) lengthof(operators); i++)
		if (gl_json_find(object, operators[i], &value))
			return true;
	return false;
}

/* An object of expressions: each may be a text or an object in turn. */
static void
compile_object(const GlCompiler *compiler, GlExpression *expression, JsonbContainer *object,
			   const char *path)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbValue token;
	int count = (int) JsonContainerSize(object);

	expression->kind = GL_EXPRESSION_OBJECT;
	expression->parts = palloc(Max(count, 1) * sizeof(GlExpression *));
	expression->keys = palloc(Max(count, 1) * sizeof(JsonbValue));
	(void) JsonbIteratorNext(&iterator, &token, true);
	while (JsonbIteratorNext(&iterator, &token, true) == WJB_KEY)
	{
		JsonbValue *value = palloc(sizeof(JsonbValue));
		char *name = pnstrdup(token.val.string.val, token.val.string.len);
		bool is_object;

		(void) JsonbIteratorNext(&iterator, value, true);
		if (value->type == jbvNull)
			continue;
		is_object = value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data) &&
					!is_operator(value->val.binary.data);
		expression->keys[expression->count] = token;
		expression->parts[expression->count++] =
			gl_expression_compile(compiler, value, gl_json_path_key(path, name), is_object);
	}
}

GlExpression *
gl_expression_compile(const GlCompiler *compiler, JsonbValue *value, const char *path,
					  bool is_object)
{
	static const char *const only_column[] = {"column", NULL};
	static const char *const only_const[] = {"const", NULL};
	static const char *const only_concat[] = {"concat", NULL};
	GlExpression *expression = palloc0(sizeof(GlExpression));
	JsonbContainer *object;
	JsonbValue operand;

	check_stack_depth();
	expression->where = path;
	expression->is_object = is_object;
	if (value->type == jbvString)
	{
		compile_column(compiler, expression, gl_json_string(value, path), path);
		return expression;
	}
	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		gl_json_raise_kind(
			value, path, "a column's name, or {\"column\" | \"const\" | \"path\" | \"concat\": …}");
	object = value->val.binary.data;
	if (gl_json_find(object, "column", &operand))
	{
		gl_json_only_keys(object, path, only_column);
		path = gl_json_path_key(path, "column");
		compile_column(compiler, expression, gl_json_string(&operand, path), path);
	}
	else if (gl_json_find(object, "const", &operand))
	{
		gl_json_only_keys(object, path, only_const);
		compile_const(expression, &operand, gl_json_path_key(path, "const"));
	}
	else if (gl_json_find(object, "concat", &operand))
	{
		gl_json_only_keys(object, path, only_concat);
		compile_concat(compiler, expression, &operand, gl_json_path_key(path, "concat"));
	}
	else if (is_operator(object) || !is_object)
		compile_path(compiler, expression, object, path);
	else
		compile_object(compiler, expression, object, path);
	return expression;
}
