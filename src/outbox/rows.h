/*-------------------------------------------------------------------------
 *
 * rows.h
 *	  Rows whose places are known, changed without a statement.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_ROWS_H
#define GL_ROWS_H

#include "postgres.h"

#include "nodes/execnodes.h"
#include "storage/itemptr.h"
#include "utils/rel.h"

/* The columns that are read or written, of any of the tables. */
typedef enum GlColumn
{
	GL_COLUMN_MERCHANT_ID,
	GL_COLUMN_REQUEST_ID,
	GL_COLUMN_ACCOUNT_ID,
	GL_COLUMN_SHIPMENT_ID,
	GL_COLUMN_OPERATION,
	GL_COLUMN_CREATED_AT,
	GL_COLUMN_STATE,
	GL_COLUMN_ATTEMPTS,
	GL_COLUMN_LEASE_TOKEN,
	GL_COLUMN_LEASE_OWNER,
	GL_COLUMN_LEASE_UNTIL,
	GL_COLUMN_LAST_ERROR,
	GL_COLUMN_ANSWER_LOST,
	GL_COLUMN_LOG_SLOT,
	GL_COLUMN_RESULT,
	GL_COLUMN_STATUS,
	GL_COLUMN_ANSWER,
	GL_COLUMN_HISTORY,
	GL_COLUMN_FINISHED_AT,
	GL_COLUMN_COUNT
} GlColumn;

/* A table that is read and written, one row at a time. */
typedef struct GlRows
{
	Relation relation;
	ResultRelInfo *result;
	TupleTableSlot *slot;
	int places[GL_COLUMN_COUNT]; /* in the slot; of those that the table has */
} GlRows;

/* An executor for rows, and its end, after which all of them are seen to be changed. */
extern EState *gl_rows_begin(void);
extern void gl_rows_end(EState *estate);

/* Opens a table of the schema ganje; its lock is kept until the transaction ends. */
extern void gl_rows_open(GlRows *rows, const char *name);
extern void gl_rows_close(GlRows *rows);

/* Puts the row at a place into the slot; false where the active snapshot sees none there. */
extern bool gl_rows_fetch(GlRows *rows, ItemPointer at);

/* Of the row in the slot: a column, whether it is that text, and its new value. */
extern Datum gl_rows_get(const GlRows *rows, GlColumn column, bool *isnull);
extern bool gl_rows_holds(const GlRows *rows, GlColumn column, const char *wanted);
extern void gl_rows_set(const GlRows *rows, GlColumn column, Datum value);

#endif /* GL_ROWS_H */
