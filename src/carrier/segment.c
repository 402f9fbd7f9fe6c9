/*-------------------------------------------------------------------------
 *
 * segment.c
 *	  An identifier as one part of a URL's path.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "compat.h"
#include "http/url.h"

GL_FUNCTION(gl_carrier_url_segment);

/*
 * ganje.url_segment(text): percent-encoded by RFC 3986, over UTF-8 whatever
 * the server's encoding.  Raises over what cannot stand in a path: nothing,
 * "." and "..".
 */
Datum
gl_carrier_url_segment(PG_FUNCTION_ARGS)
{
	text *value = PG_GETARG_TEXT_PP(0);
	char *utf8 = pg_server_to_any(text_to_cstring(value), (int) VARSIZE_ANY_EXHDR(value), PG_UTF8);
	Size out_size = 3 * strlen(utf8) + 1;
	char *out = palloc(out_size);
	GlError error;

	if (gl_url_escape(utf8, out, out_size, &error) != GL_OK)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", error.message),
				errhint("An identifier that is sent in a URL must not be empty, \".\" or \"..\"."));
	PG_RETURN_TEXT_P(cstring_to_text(out));
}
