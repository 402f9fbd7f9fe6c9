/*-------------------------------------------------------------------------
 *
 * workspace.h
 *	  Memory for one call, kept between calls.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_WORKSPACE_H
#define GL_WORKSPACE_H

#include "utils/palloc.h"

/*
 * A memory context for what one call computes.  It is emptied when
 * CurrentMemoryContext is reset or deleted, also by an error.
 */
extern MemoryContext gl_workspace_enter(void);

#endif /* GL_WORKSPACE_H */
