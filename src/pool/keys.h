/*-------------------------------------------------------------------------
 *
 * keys.h
 *	  Sorting by a number, for the solver and for who shows what it found.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_POOL_KEYS_H
#define GL_POOL_KEYS_H

#include "pure.h"

/* Something to be sorted: where it was, and by what. */
typedef struct GlPoolKey
{
	uint64_t key;
	int place;
} GlPoolKey;

/* Sorts by key, equal keys staying as they are; spare has as much room. */
extern void gl_pool_keys_sort(GlPoolKey *keys, GlPoolKey *spare, size_t count);

#endif /* GL_POOL_KEYS_H */
