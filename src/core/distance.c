/*-------------------------------------------------------------------------
 *
 * distance.c
 *	  How far two names are apart, for hints that name what was meant.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/varlena.h"

#include "compat.h"

/* PostgreSQL's function takes 255 characters, and the square of them in steps. */
#define NAME_MAX_BYTES 200

GL_FUNCTION(gl_edit_distance);

/* ganje.edit_distance(one, other): Levenshtein's, each step counting 1. */
Datum
gl_edit_distance(PG_FUNCTION_ARGS)
{
	text *one = PG_GETARG_TEXT_PP(0);
	text *other = PG_GETARG_TEXT_PP(1);
	int one_length = pg_mbcliplen(VARDATA_ANY(one), VARSIZE_ANY_EXHDR(one), NAME_MAX_BYTES);
	int other_length = pg_mbcliplen(VARDATA_ANY(other), VARSIZE_ANY_EXHDR(other), NAME_MAX_BYTES);

	PG_RETURN_INT32(varstr_levenshtein(VARDATA_ANY(one), one_length, VARDATA_ANY(other),
									   other_length, 1, 1, 1, false));
}
