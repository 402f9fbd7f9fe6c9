/*-------------------------------------------------------------------------
 *
 * texts.c
 *	  A list of texts.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "core/texts.h"

bool
gl_texts_contain(const GlTexts *texts, const char *text, int length)
{
	for (int i = 0; i < texts->count; i++)
		if ((int) strlen(texts->texts[i]) == length && memcmp(texts->texts[i], text, length) == 0)
			return true;
	return false;
}
