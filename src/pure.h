/*-------------------------------------------------------------------------
 *
 * pure.h
 *	  What the pure files (geo, text, pool, http) share with their callers.
 *
 * A pure file includes no PostgreSQL header, so that it can be unit-tested,
 * fuzzed, run under sanitizers and measured without a server.  What it needs
 * from its surroundings comes in through the two structs below: memory from
 * an arena that the caller owns (a memory context in the server, malloc in
 * the tests), and a stop check for long loops.  It answers with a GlStatus
 * and never raises.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_PURE_H
#define GL_PURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum GlStatus
{
	GL_OK = 0,
	GL_INVALID,   /* the input breaks a rule; see the GlError */
	GL_NO_MEMORY, /* the allocator returned NULL */
	GL_LIMIT,     /* a cap or budget is spent; the result so far stands */
	GL_STOPPED    /* the stop check said so */
} GlStatus;

/*
 * Memory that the caller owns.  alloc returns NULL when it cannot serve (it
 * must not raise); what was allocated lives until the caller drops its arena,
 * so pure code frees nothing.
 */
typedef struct GlArena
{
	void *(*alloc)(void *context, size_t size);
	void *context;
} GlArena;

/* Asked from time to time in long loops; true means: give up now. */
typedef struct GlStop
{
	bool (*requested)(void *context);
	void *context;
} GlStop;

#define GL_ERROR_MESSAGE_SIZE 160

/*
 * Why an input is invalid.  "where" is the index of the culprit (a vertex, an
 * item of a list), or -1; the caller, who knows the JSON path that led here,
 * puts it into its own message.
 */
typedef struct GlError
{
	int64_t where;
	char message[GL_ERROR_MESSAGE_SIZE];
} GlError;

#endif /* GL_PURE_H */
