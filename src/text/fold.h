/*-------------------------------------------------------------------------
 *
 * fold.h
 *	  Address text folded for comparison, so that ISTANBUL, Istanbul with a
 *	  dotted capital and istanbul are one city without ICU or a locale.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_TEXT_FOLD_H
#define GL_TEXT_FOLD_H

#include "pure.h"

/* The folded text is never longer than this many times the input, in bytes. */
#define GL_TEXT_FOLD_GROWTH 3

/*
 * Folds length bytes of UTF-8.  *folded gets a string of *folded_length
 * bytes from the arena, with a terminating zero that does not count.
 * GL_INVALID: not UTF-8, error->where is the offset of the byte at fault.
 * fold(fold(x)) = fold(x).
 */
extern GlStatus gl_text_fold(const char *utf8, size_t length, GlArena *arena, char **folded,
							 size_t *folded_length, GlError *error);

#endif /* GL_TEXT_FOLD_H */
