/*
 * fuzz_fold.c
 *	  Any bytes as text: refused with the place, or folded to valid UTF-8
 *	  that is bounded in size and folds to itself.
 */
#include <stdlib.h>
#include <string.h>

#include "text/fold.h"

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void *blocks[64];
static size_t block_count;

static void *
fuzz_alloc(void *context, size_t size)
{
	(void) context;
	if (block_count == sizeof(blocks) / sizeof(blocks[0]))
		return NULL;
	return blocks[block_count++] = malloc(size);
}

static void
require(bool condition)
{
	if (!condition)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	GlArena arena = {fuzz_alloc, NULL};
	GlError error;
	char *once;
	char *twice;
	size_t once_length;
	size_t twice_length;

	if (gl_text_fold((const char *) data, size, &arena, &once, &once_length, &error) == GL_OK)
	{
		require(once_length <= GL_TEXT_FOLD_GROWTH * size && once[once_length] == '\0');
		require(gl_text_fold(once, once_length, &arena, &twice, &twice_length, &error) == GL_OK);
		require(once_length == twice_length && memcmp(once, twice, once_length) == 0);
	}
	else
		require(error.where >= 0 && (size_t) error.where < size);
	while (block_count > 0)
		free(blocks[--block_count]);
	return 0;
}
