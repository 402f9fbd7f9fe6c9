/*-------------------------------------------------------------------------
 *
 * expression.h
 *	  What a compiled expression of a mapping is; for the files that compile
 *	  and evaluate it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_EXPRESSION_H
#define GL_EXPRESSION_H

#include "fmgr.h"

#include "shipment/mapping.h"

typedef enum GlExpressionKind
{
	GL_EXPRESSION_COLUMN,
	GL_EXPRESSION_CONST,
	GL_EXPRESSION_PATH,
	GL_EXPRESSION_CONCAT,
	GL_EXPRESSION_OBJECT
} GlExpressionKind;

struct GlExpression
{
	GlExpressionKind kind;
	const char *where; /* JSON path in the mapping, for messages */
	bool is_object;    /* must be an object, else must be none */
	int column;        /* COLUMN, PATH: attribute number */
	Oid type;          /* of the column, domains resolved */
	FmgrInfo output;   /* COLUMN: its type's output function */
	Datum jsonpath;    /* PATH */
	JsonbValue constant;
	int count; /* CONCAT, OBJECT */
	GlExpression **parts;
	JsonbValue *keys; /* OBJECT: of the parts */
};

typedef enum GlConditionKind
{
	GL_CONDITION_AND,
	GL_CONDITION_OR,
	GL_CONDITION_NOT,
	GL_CONDITION_IN,
	GL_CONDITION_NULL
} GlConditionKind;

struct GlCondition
{
	GlConditionKind kind;
	int count; /* of parts, or of values */
	GlCondition **parts;
	GlExpression *left;
	JsonbValue *values;
	bool is_null; /* NULL: which it must be */
};

#endif /* GL_EXPRESSION_H */
