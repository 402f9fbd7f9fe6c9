/*-------------------------------------------------------------------------
 *
 * fold.c
 *	  ganje.fold_text, and folding for the rules: the pure fold of text/ over
 *	  the server's encoding.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "compat.h"
#include "core/core.h"
#include "text/fold.h"
#include "zone/zone.h"

GL_FUNCTION(gl_text_fold_sql);

char *
gl_zone_fold(const char *value, int length, int *folded_length)
{
	GlArena arena = gl_arena(CurrentMemoryContext);
	GlError error;
	char *utf8 = pg_server_to_any(value, length, PG_UTF8);
	size_t utf8_length = utf8 == value ? (size_t) length : strlen(utf8);
	char *folded;
	size_t size;

	switch (gl_text_fold(utf8, utf8_length, &arena, &folded, &size, &error))
	{
		case GL_OK:
			break;
		case GL_INVALID:
			ereport(ERROR, (errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
							errmsg("text is not valid UTF-8: %s", error.message)));
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory while folding text")));
	}
	*folded_length = (int) size;
	return folded;
}

/* ganje.fold_text(value) */
Datum
gl_text_fold_sql(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);
	int length;
	char *folded = gl_zone_fold(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), &length);
	char *answer = pg_any_to_server(folded, length, PG_UTF8);

	PG_RETURN_TEXT_P(
		cstring_to_text_with_len(answer, answer == folded ? length : (int) strlen(answer)));
}
