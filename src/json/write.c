/*-------------------------------------------------------------------------
 *
 * write.c
 *	  Writes jsonb as it is stored, front to back.
 *
 * JsonbValueToJsonb wants a tree of values first, and then goes through it
 * value by value; for an answer of thousands of small lists that takes longer
 * than finding the answer.  Here the lists are written where they belong at
 * once, and one that was written before is copied as it is.  The format is
 * that of utils/jsonb.h: a header, an entry of type and length (every 32nd:
 * offset of its end) for each element, then their bytes; numbers, lists and
 * objects begin at a multiple of 4, the padding counted as theirs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/numeric.h"

#include "json/write.h"

void
gl_jsonb_begin(GlJsonbWriter *writer)
{
	initStringInfo(&writer->buffer);
	enlargeStringInfo(&writer->buffer, 16 * 1024);
	/* The length word, filled in at the end. */
	writer->buffer.len = VARHDRSZ;
	writer->depth = 0;
}

/* Room for so many bytes at the end, and where it begins. */
static int
reserve(GlJsonbWriter *writer, int size)
{
	int place = writer->buffer.len;

	/* A call for each of the answer's thousands of small values would show. */
	if (size >= writer->buffer.maxlen - place)
		enlargeStringInfo(&writer->buffer, size);
	writer->buffer.len += size;
	return place;
}

static void
pad(GlJsonbWriter *writer)
{
	int size = -writer->buffer.len & (sizeof(uint32) - 1);
	int place = reserve(writer, size);

	memset(writer->buffer.data + place, 0, size);
}

static void
put(GlJsonbWriter *writer, const void *bytes, int size)
{
	int place = reserve(writer, size);

	memcpy(writer->buffer.data + place, bytes, size);
}

/* The entry of what was written since start into the list or object that is open. */
static void
add_entry(GlJsonbWriter *writer, uint32 type, int start)
{
	GlJsonbFrame *frame = &writer->frames[writer->depth - 1];
	uint32 size = writer->buffer.len - start;
	JEntry entry;

	Assert(writer->depth > 0 && frame->next < frame->count);
	frame->total += size;
	if (frame->total > JENTRY_OFFLENMASK)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the answer is larger than %u bytes", JENTRY_OFFLENMASK)));
	if (frame->next % JB_OFFSET_STRIDE == 0)
		entry = type | JENTRY_HAS_OFF | frame->total;
	else
		entry = type | size;
	memcpy(writer->buffer.data + frame->entries + frame->next * sizeof(JEntry), &entry,
		   sizeof(JEntry));
	frame->next++;
}

static void
open_container(GlJsonbWriter *writer, uint32 header, int entry_count)
{
	GlJsonbFrame *frame = &writer->frames[writer->depth];

	if (writer->depth == GL_JSONB_DEPTH)
		elog(ERROR, "jsonb is nested too deeply");
	frame->start = writer->buffer.len;
	pad(writer);
	put(writer, &header, sizeof(header));
	frame->entries = reserve(writer, entry_count * (int) sizeof(JEntry));
	frame->count = entry_count;
	frame->next = 0;
	frame->total = 0;
	writer->depth++;
}

void
gl_jsonb_open_array(GlJsonbWriter *writer, int count)
{
	open_container(writer, count | JB_FARRAY, count);
}

void
gl_jsonb_open_object(GlJsonbWriter *writer, int count)
{
	open_container(writer, count | JB_FOBJECT, 2 * count);
}

void
gl_jsonb_close(GlJsonbWriter *writer)
{
	const GlJsonbFrame *frame = &writer->frames[--writer->depth];

	Assert(frame->next == frame->count);
	if (writer->depth > 0)
		add_entry(writer, JENTRY_ISCONTAINER, frame->start);
}

void
gl_jsonb_string(GlJsonbWriter *writer, const char *text, int length)
{
	int start = writer->buffer.len;

	put(writer, text, length);
	add_entry(writer, JENTRY_ISSTRING, start);
}

void
gl_jsonb_text(GlJsonbWriter *writer, const char *text)
{
	if (text == NULL)
		add_entry(writer, JENTRY_ISNULL, writer->buffer.len);
	else
		gl_jsonb_string(writer, text, (int) strlen(text));
}

void
gl_jsonb_bool(GlJsonbWriter *writer, bool value)
{
	add_entry(writer, value ? JENTRY_ISBOOL_TRUE : JENTRY_ISBOOL_FALSE, writer->buffer.len);
}

void
gl_jsonb_numeric(GlJsonbWriter *writer, Numeric value)
{
	int start = writer->buffer.len;

	pad(writer);
	put(writer, value, (int) VARSIZE_ANY(value));
	add_entry(writer, JENTRY_ISNUMERIC, start);
}

void
gl_jsonb_container(GlJsonbWriter *writer, const void *bytes, int size)
{
	int start = writer->buffer.len;
	int padding = -start & (sizeof(uint32) - 1);
	int place = reserve(writer, padding + size);

	/* As pad, in one store: a container is no smaller than its header. */
	memset(writer->buffer.data + place, 0, sizeof(uint32));
	memcpy(writer->buffer.data + place + padding, bytes, size);
	add_entry(writer, JENTRY_ISCONTAINER, start);
}

Jsonb *
gl_jsonb_end(GlJsonbWriter *writer)
{
	Jsonb *whole = (Jsonb *) writer->buffer.data;

	Assert(writer->depth == 0);
	SET_VARSIZE(whole, writer->buffer.len);
	return whole;
}
