/*-------------------------------------------------------------------------
 *
 * expression_value.c
 *	  What an expression of a mapping says of a row.
 *
 * Numbers, truth values and JSON are themselves; times are written as ISO 8601
 * has them, whatever DateStyle the session has; anything else is its text.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/numeric.h"

#include "compat.h"
#include "json/json.h"
#include "shipment/expression.h"

char *
gl_scalar_text(const JsonbValue *value)
{
	if (value->type == jbvString)
		return pnstrdup(value->val.string.val, value->val.string.len);
	if (value->type == jbvBool)
		return pstrdup(value->val.boolean ? "true" : "false");
	return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
}

/* A jsonb as a value; false for null. */
static bool
take_jsonb(Jsonb *jsonb, JsonbValue *value)
{
	if (JB_ROOT_IS_SCALAR(jsonb))
		*value = *getIthJsonbValueFromContainer(&jsonb->root, 0);
	else
	{
		value->type = jbvBinary;
		value->val.binary.data = &jsonb->root;
		value->val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
	}
	return value->type != jbvNull;
}

static Jsonb *
jsonb_of_column(const GlExpression *expression, Datum datum)
{
	if (expression->type == JSONBOID)
		return DatumGetJsonbP(datum);
	return DatumGetJsonbP(
		DirectFunctionCall1(jsonb_in, CStringGetDatum(TextDatumGetCString(datum))));
}

static void
take_text(char *text, JsonbValue *value)
{
	value->type = jbvString;
	value->val.string.val = text;
	value->val.string.len = (int) strlen(text);
}

/* A number of any type as numeric; NaN and the infinities are texts in JSON. */
static bool
take_number(Oid type, Datum datum, JsonbValue *value)
{
	Numeric number;

	switch (type)
	{
		case INT2OID:
			number = int64_to_numeric(DatumGetInt16(datum));
			break;
		case INT4OID:
			number = int64_to_numeric(DatumGetInt32(datum));
			break;
		case INT8OID:
			number = int64_to_numeric(DatumGetInt64(datum));
			break;
		case FLOAT4OID:
			if (!isfinite(DatumGetFloat4(datum)))
				return false;
			number = DatumGetNumeric(DirectFunctionCall1(float4_numeric, datum));
			break;
		case FLOAT8OID:
			if (!isfinite(DatumGetFloat8(datum)))
				return false;
			number = DatumGetNumeric(DirectFunctionCall1(float8_numeric, datum));
			break;
		case NUMERICOID:
			number = DatumGetNumeric(datum);
			if (numeric_is_nan(number) || numeric_is_inf(number))
				return false;
			break;
		default:
			return false;
	}
	value->type = jbvNumeric;
	value->val.numeric = number;
	return true;
}

static bool
column_value(const GlExpression *expression, Datum datum, JsonbValue *value)
{
	Oid type = expression->type;

	if (type == JSONBOID || type == JSONOID)
		return take_jsonb(jsonb_of_column(expression, datum), value);
	if (type == BOOLOID)
	{
		value->type = jbvBool;
		value->val.boolean = DatumGetBool(datum);
		return true;
	}
	if (type == DATEOID || type == TIMEOID || type == TIMESTAMPOID || type == TIMESTAMPTZOID)
	{
		take_text(JsonEncodeDateTime(palloc(MAXDATELEN + 1), datum, type, NULL), value);
		return true;
	}
	if (!take_number(type, datum, value))
		take_text(OutputFunctionCall(unconstify(FmgrInfo *, &expression->output), datum), value);
	return true;
}

/* The first item, in lax mode and without errors: what is not there is NULL. */
static bool
path_value(const GlExpression *expression, Datum datum, JsonbValue *value)
{
	LOCAL_FCINFO(call, 4);
	Jsonb *target = jsonb_of_column(expression, datum);
	Jsonb *none = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
	Datum found;

	InitFunctionCallInfoData(*call, NULL, 4, InvalidOid, NULL, NULL);
	call->args[0].value = JsonbPGetDatum(target);
	call->args[1].value = expression->jsonpath;
	call->args[2].value = JsonbPGetDatum(none);
	call->args[3].value = BoolGetDatum(true);
	for (int i = 0; i < 4; i++)
		call->args[i].isnull = false;
	found = jsonb_path_query_first(call);
	return !call->isnull && take_jsonb(DatumGetJsonbP(found), value);
}

static bool
concat_value(const GlExpression *expression, HeapTuple row, TupleDesc descriptor, JsonbValue *value)
{
	StringInfoData text;
	bool found = false;

	initStringInfo(&text);
	for (int i = 0; i < expression->count; i++)
	{
		JsonbValue part;

		if (!gl_expression_value(expression->parts[i], row, descriptor, &part))
			continue;
		appendStringInfoString(&text, gl_scalar_text(&part));
		found = true;
	}
	take_text(text.data, value);
	return found;
}

static bool
object_value(const GlExpression *expression, HeapTuple row, TupleDesc descriptor, JsonbValue *value)
{
	JsonbParseState *state = NULL;
	bool found = false;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < expression->count; i++)
	{
		JsonbValue part;

		if (!gl_expression_value(expression->parts[i], row, descriptor, &part))
			continue;
		pushJsonbValue(&state, WJB_KEY, &expression->keys[i]);
		pushJsonbValue(&state, WJB_VALUE, &part);
		found = true;
	}
	(void) take_jsonb(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)), value);
	return found;
}

/* What the catalog cannot tell: whether a part of JSON is an object. */
static void
check_kind(const GlExpression *expression, const JsonbValue *value)
{
	bool is_object = value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data);

	if (expression->is_object && !is_object)
		gl_json_raise_kind(value, expression->where, "an object");
	if (!expression->is_object && value->type == jbvBinary)
		gl_json_raise_kind(value, expression->where, "a text, a number or true or false");
}

bool
gl_expression_value(const GlExpression *expression, HeapTuple row, TupleDesc descriptor,
					JsonbValue *value)
{
	Datum datum;
	bool isnull;
	bool found = false;

	switch (expression->kind)
	{
		case GL_EXPRESSION_CONST:
			*value = expression->constant;
			return true;
		case GL_EXPRESSION_CONCAT:
			return concat_value(expression, row, descriptor, value);
		case GL_EXPRESSION_OBJECT:
			return object_value(expression, row, descriptor, value);
		case GL_EXPRESSION_COLUMN:
		case GL_EXPRESSION_PATH:
			datum = heap_getattr(row, expression->column, descriptor, &isnull);
			if (isnull)
				return false;
			found = expression->kind == GL_EXPRESSION_COLUMN
						? column_value(expression, datum, value)
						: path_value(expression, datum, value);
			break;
	}
	if (found)
		check_kind(expression, value);
	return found;
}
