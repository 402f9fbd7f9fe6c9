/*-------------------------------------------------------------------------
 *
 * mapping.h
 *	  How a row of the app's own table is read as an order: the mapping given
 *	  to ganje.attach_orders, compiled.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_MAPPING_H
#define GL_MAPPING_H

#include "access/htup.h"
#include "access/tupdesc.h"
#include "utils/jsonb.h"

/* Finds a column by the name that a mapping gives it; raises where there is none. */
typedef int (*GlColumnFinder)(void *state, const char *name, const char *path);

typedef struct GlExpression GlExpression;
typedef struct GlCondition GlCondition;

/* One key of the order, such as "phone". */
typedef struct GlMappedKey
{
	const char *key;
	GlExpression *value;
	bool is_object;  /* address and data: an object, everything else a text */
	bool is_carried; /* listed in on.update: a change of the row reaches the shipments */
} GlMappedKey;

typedef struct GlMapping
{
	GlMappedKey *keys;
	int key_count;
	GlCondition *when;   /* rows that are orders of this attachment; NULL: all */
	GlCondition *cancel; /* rows that are cancelled; NULL: none */
	bool carries;        /* any key is carried */
	bool delete_cancels;
} GlMapping;

/*
 * Compiles a mapping for rows of a descriptor, in the current memory context.
 * Raises, naming the JSON path, over whatever is not of the language or does
 * not fit the columns' types.
 */
extern GlMapping *gl_mapping_compile(JsonbContainer *mapping, TupleDesc descriptor,
									 GlColumnFinder find, void *state);

/* The parts of gl_mapping_compile. */
typedef struct GlCompiler
{
	TupleDesc descriptor;
	GlColumnFinder find;
	void *state;
} GlCompiler;

extern GlExpression *gl_expression_compile(const GlCompiler *compiler, JsonbValue *value,
										   const char *path, bool is_object);
extern GlCondition *gl_condition_compile(const GlCompiler *compiler, JsonbValue *value,
										 const char *path);

/* What an expression says of a row; false for NULL, also for a null in JSON. */
extern bool gl_expression_value(const GlExpression *expression, HeapTuple row, TupleDesc descriptor,
								JsonbValue *value);

/* Does the row meet the condition?  NULL meets none but isNull. */
extern bool gl_condition_holds(const GlCondition *condition, HeapTuple row, TupleDesc descriptor);

/* A scalar as text, palloc'd. */
extern char *gl_scalar_text(const JsonbValue *value);

#endif /* GL_MAPPING_H */
