/*-------------------------------------------------------------------------
 *
 * insert.h
 *	  Rows put into a table of ours without a statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_INSERT_H
#define GL_INSERT_H

#include "fmgr.h"

#define GL_INSERT_COLUMNS 17

/* A table of the schema ganje; its columns in their order. A static one is filled but for what is kept. */
typedef struct GlInsertTable
{
	const char *name;
	int count;
	Oid types[GL_INSERT_COLUMNS];
	struct GlKeptChecks *kept;
} GlInsertTable;

typedef struct GlInsertion GlInsertion;

/*
 * Begins to insert; NULL where the table is no longer as the extension made it
 * (columns, rules, triggers by statement, forced row security): then only an
 * INSERT does all that is due.
 */
extern GlInsertion *gl_insert_begin(GlInsertTable *table);

/* A row with all columns; a null is marked by 'n', as SPI has it. */
extern void gl_insert_row(GlInsertion *insertion, const Datum *values, const char *nulls);

/* Foreign keys are checked, and triggers run, here. */
extern void gl_insert_end(GlInsertion *insertion);

#endif /* GL_INSERT_H */
