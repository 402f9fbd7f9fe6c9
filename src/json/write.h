/*-------------------------------------------------------------------------
 *
 * write.h
 *	  Writes jsonb as it is stored, front to back.
 *
 * Lists and objects are begun with the number of what they hold, and what
 * they hold is written in order: of an object first all keys, shorter ones
 * first and then by their bytes, then their values.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_JSON_WRITE_H
#define GL_JSON_WRITE_H

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

/* Lists and objects in each other. */
#define GL_JSONB_DEPTH 16

/* A list or an object that is being written. */
typedef struct GlJsonbFrame
{
	int start;    /* where its part of the buffer begins, padding included */
	int entries;  /* where its entries are */
	int count;    /* of its entries: a list's elements; an object's keys, and its values */
	int next;     /* entry to be written */
	uint32 total; /* bytes of what the entries before it stand for */
} GlJsonbFrame;

typedef struct GlJsonbWriter
{
	StringInfoData buffer;
	int depth;
	GlJsonbFrame frames[GL_JSONB_DEPTH];
} GlJsonbWriter;

extern void gl_jsonb_begin(GlJsonbWriter *writer);
extern void gl_jsonb_open_array(GlJsonbWriter *writer, int count);
extern void gl_jsonb_open_object(GlJsonbWriter *writer, int count);
extern void gl_jsonb_close(GlJsonbWriter *writer);
extern void gl_jsonb_string(GlJsonbWriter *writer, const char *text, int length);
extern void gl_jsonb_text(GlJsonbWriter *writer, const char *text); /* NULL: null */
extern void gl_jsonb_bool(GlJsonbWriter *writer, bool value);
extern void gl_jsonb_numeric(GlJsonbWriter *writer, Numeric value);

/* A list or object that was written before: the bytes of its container. */
extern void gl_jsonb_container(GlJsonbWriter *writer, const void *bytes, int size);

/* The whole, palloc'd where the writer was begun; the one list or object is closed. */
extern Jsonb *gl_jsonb_end(GlJsonbWriter *writer);

#endif /* GL_JSON_WRITE_H */
