/*-------------------------------------------------------------------------
 *
 * texts.h
 *	  A list of texts: types, zones, tags.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_TEXTS_H
#define GL_TEXTS_H

typedef struct GlTexts
{
	int count;
	char **texts;
} GlTexts;

/* Is a text of so many bytes among them? */
extern bool gl_texts_contain(const GlTexts *texts, const char *text, int length);

#endif /* GL_TEXTS_H */
