/*-------------------------------------------------------------------------
 *
 * normalize.h
 *	  Unicode Normalization Form C over arrays of code points (Unicode
 *	  Standard Annex 15), in its three steps, so that fold.c can work
 *	  between them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_TEXT_NORMALIZE_H
#define GL_TEXT_NORMALIZE_H

#include <stddef.h>
#include <stdint.h>

/* How many code points one code point decomposes to, at most (Unicode 14). */
#define GL_NORMALIZE_MOST 4

extern size_t gl_normalize_decompose(const uint32_t *codes, size_t length, uint32_t *out);
extern void gl_normalize_reorder(uint32_t *codes, size_t length, uint32_t *scratch);
extern size_t gl_normalize_compose(uint32_t *codes, size_t length);
extern int gl_normalize_class(uint32_t code);

#endif /* GL_TEXT_NORMALIZE_H */
