/*-------------------------------------------------------------------------
 *
 * new_rows.h
 *	  Rows of the extension's tables that are written without a plan.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_NEW_ROWS_H
#define GL_NEW_ROWS_H

/* A column and its value. */
typedef struct GlNewValue
{
	const char *column;
	Datum value;
	bool isnull;
} GlNewValue;

typedef struct GlNewRows GlNewRows;

/* What follows is one statement: constraints between tables are checked at its end. */
extern GlNewRows *gl_new_rows_begin(Oid schema);

/*
 * Inserts a row into a table of the schema, as an INSERT does: checks,
 * indexes, triggers for each row.  A column that is not named is NULL: its
 * default is not known here.
 */
extern void gl_new_rows_insert(GlNewRows *rows, const char *table, const GlNewValue *values,
							   int count);

extern void gl_new_rows_end(GlNewRows *rows);

#endif /* GL_NEW_ROWS_H */
