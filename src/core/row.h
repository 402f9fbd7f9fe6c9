/*-------------------------------------------------------------------------
 *
 * row.h
 *	  Rows of a table by a key of texts, without a plan.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_ROW_H
#define GL_ROW_H

#include "access/htup.h"
#include "utils/relcache.h"

/* As many texts as a key has at most. */
#define GL_ROW_KEY 3

/*
 * The first row of a table that an index of texts has under a key, but for
 * that with the id given; its columns numbered from 1 are those of the key.
 * Answers a copy, or NULL.  What the active snapshot sees.
 */
extern HeapTuple gl_row_find(Relation table, const char *index_name, const AttrNumber *columns,
							 const Datum *key, int count, int id_column, Datum but_for);

/* How many rows the index has under the key. */
extern int gl_row_count(Relation table, const char *index_name, const AttrNumber *columns,
						const Datum *key, int count);

#endif /* GL_ROW_H */
