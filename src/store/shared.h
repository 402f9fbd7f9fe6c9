/*-------------------------------------------------------------------------
 *
 * shared.h
 *	  Finds equal things again, so that rules share one copy of them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_STORE_SHARED_H
#define GL_STORE_SHARED_H

#include "utils/palloc.h"

typedef struct GlShared GlShared;

/* A table in CurrentMemoryContext, for as long as a load lasts. */
extern GlShared *gl_shared_create(void);

/*
 * The place of what has this kind and these bytes; it holds NULL the first
 * time, and then what the caller puts there.
 */
extern void **gl_shared_find(GlShared *shared, int kind, const void *bytes, size_t size);

#endif /* GL_STORE_SHARED_H */
