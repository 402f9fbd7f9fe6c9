/*-------------------------------------------------------------------------
 *
 * insert.h
 *	  Rows put into a table of ours without a statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_INSERT_H
#define GL_INSERT_H

#include "executor/spi.h"

#define GL_INSERT_COLUMNS 17

typedef struct GlInsertColumn
{
	const char *name;
	Oid type;
} GlInsertColumn;

/*
 * A table of the schema ganje, all its columns in their order.  A static one is
 * filled but for what is kept.
 */
typedef struct GlInsertTable
{
	const char *name;
	int count;
	GlInsertColumn columns[GL_INSERT_COLUMNS];
	struct GlKeptChecks *kept;
	SPIPlanPtr statement;
} GlInsertTable;

typedef struct GlInsertion GlInsertion;

/*
 * Begins to insert; the caller is connected to SPI.  Where the table is no
 * longer as the extension made it (columns, rules, triggers by statement,
 * forced row security) only an INSERT does all that is due: then each row is
 * one.
 */
extern GlInsertion *gl_insert_begin(GlInsertTable *table);

/*
 * A row with all columns: no default is filled in.  A null is marked by 'n', as
 * SPI has it.
 */
extern void gl_insert_row(GlInsertion *insertion, const Datum *values, const char *nulls);

/* Foreign keys are checked, and triggers run, here. */
extern void gl_insert_end(GlInsertion *insertion);

/* All three, of one row. */
extern void gl_insert_one(GlInsertTable *table, const Datum *values, const char *nulls);

#endif /* GL_INSERT_H */
