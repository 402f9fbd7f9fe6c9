/*
 * check.h
 *	  The few lines of test harness that the unit tests need: CHECK counts,
 *	  reports what failed and goes on, so that one run shows every failure.
 *	  A test's main ends with "return check_report(name)", whose last line is
 *	  "<name>: N passed, N failed".
 */
#ifndef GL_CHECK_H
#define GL_CHECK_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static long check_passed;
static long check_failed;

#define CHECK(condition)                                                                           \
	do                                                                                             \
	{                                                                                              \
		if (condition)                                                                             \
			check_passed++;                                                                        \
		else                                                                                       \
		{                                                                                          \
			check_failed++;                                                                        \
			fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);                \
		}                                                                                          \
	} while (0)

static int
check_report(const char *name)
{
	printf("%s: %ld passed, %ld failed\n", name, check_passed, check_failed);
	return check_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* An arena for the tests: malloc, remembered, so that sanitizers see every leak of ours. */
typedef struct CheckBlock
{
	struct CheckBlock *next;
	max_align_t data[];
} CheckBlock;

static CheckBlock *check_blocks;

static inline void *
check_alloc(void *context, size_t size)
{
	CheckBlock *block = malloc(sizeof(CheckBlock) + size);

	(void) context;
	if (block == NULL)
		return NULL;
	block->next = check_blocks;
	check_blocks = block;
	return block->data;
}

static inline void
check_free_all(void)
{
	while (check_blocks != NULL)
	{
		CheckBlock *next = check_blocks->next;

		free(check_blocks);
		check_blocks = next;
	}
}

#endif /* GL_CHECK_H */
