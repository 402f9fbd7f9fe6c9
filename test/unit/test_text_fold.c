/*
 * test_text_fold.c
 *	  Folding: the rules by example, the reference (test/data/fold_reference.txt,
 *	  made by perl's Unicode::Normalize), and the laws (idempotent, bounded,
 *	  valid) over all code points and random text:
 *	  test_text_fold [reference file [seed]].
 */
#include <string.h>
#include <time.h>

#include "text/fold.h"
#include "text/normalize.h"
#include "check.h"

#define MAX_CODES 64

static GlArena arena = {check_alloc, NULL};
static uint64_t random_state;

static uint32_t
random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t) ((random_state >> 16) % limit);
}

static size_t
encode(const uint32_t *codes, size_t length, char *out)
{
	char *start = out;
	size_t i;

	for (i = 0; i < length; i++)
	{
		uint32_t code = codes[i];

		if (code < 0x80)
			*out++ = (char) code;
		else if (code < 0x800)
			*out++ = (char) (0xC0 | code >> 6);
		else if (code < 0x10000)
		{
			*out++ = (char) (0xE0 | code >> 12);
			*out++ = (char) (0x80 | (code >> 6 & 0x3F));
		}
		else
		{
			*out++ = (char) (0xF0 | code >> 18);
			*out++ = (char) (0x80 | (code >> 12 & 0x3F));
			*out++ = (char) (0x80 | (code >> 6 & 0x3F));
		}
		if (code >= 0x80)
			*out++ = (char) (0x80 | (code & 0x3F));
	}
	return (size_t) (out - start);
}

/* The fold of given bytes, "" where it fails (which is a failure itself). */
static const char *
fold_bytes(const char *text, size_t length, size_t *folded_length)
{
	GlError error;
	char *folded = NULL;
	GlStatus status = gl_text_fold(text, length, &arena, &folded, folded_length, &error);

	CHECK(status == GL_OK);
	return status == GL_OK ? folded : "";
}

static bool
folds_to(const char *text, const char *expected)
{
	size_t length;
	const char *folded = fold_bytes(text, strlen(text), &length);

	if (length == strlen(expected) && strcmp(folded, expected) == 0)
		return true;
	fprintf(stderr, "\"%s\" folds to \"%s\", not \"%s\"\n", text, folded, expected);
	return false;
}

static void
test_examples(void)
{
	CHECK(folds_to("\xC4\xB0STANBUL", "istanbul"));
	CHECK(folds_to("\xC4\xB0stanbul", "istanbul"));
	CHECK(folds_to("istanbul", "istanbul"));
	CHECK(folds_to("ISTANBUL", "istanbul"));
	CHECK(folds_to("\xC4\xB1stanbul", "istanbul"));
	CHECK(folds_to("I\xCC\x87stanbul", "istanbul"));
	CHECK(folds_to("i\xCC\x87stanbul", "istanbul"));
	/* A dot behind a mark below, and before an acute. */
	CHECK(folds_to("I\xCC\xA3\xCC\x87", "\xE1\xBB\x8B"));
	CHECK(folds_to("I\xCC\x87\xCC\x81", "\xC3\xAD"));
	CHECK(folds_to("\xC4\xB1\xCC\x81", "\xC3\xAD"));
	/* Only i loses its dot. */
	CHECK(folds_to("\xC5\xBB", "\xC5\xBC"));
	CHECK(folds_to("z\xCC\x87", "\xC5\xBC"));
	CHECK(folds_to("\xC3\x96Z", "\xC3\xB6z"));
	CHECK(folds_to("O\xCC\x88z", "\xC3\xB6z"));
	CHECK(folds_to("\xC3\xB6", "\xC3\xB6"));
	/* Arabic yeh, kaf and both kinds of digits. */
	CHECK(folds_to("\xD9\x8A\xD9\x83", "\xDB\x8C\xDA\xA9"));
	CHECK(folds_to("\xD9\xA0\xD9\xA9\xDB\xB0\xDB\xB9", "0909"));
	CHECK(folds_to("\xD9\x89", "\xD9\x89"));
	CHECK(folds_to("\xD8\xA6", "\xD8\xA6"));
	CHECK(folds_to("\xD9\x8A\xD9\x94", "\xD8\xA6"));
	CHECK(folds_to(" \t Kad\xC4\xB1k\xC3\xB6y \xC2\xA0\xE3\x80\x80 "
				   "Moda\r\n",
				   "kadik\xC3\xB6y moda"));
	CHECK(folds_to("", ""));
	CHECK(folds_to(" \n", ""));
	/* Sharp s and final sigma: simple folding, no expansion. */
	CHECK(folds_to("\xE1\xBA\x9E", "\xC3\x9F"));
	CHECK(folds_to("\xCF\x82\xCE\xA3", "\xCF\x83\xCF\x83"));
	/* A small letter that composes where its capital does not. */
	CHECK(folds_to("J\xCC\x8C", "\xC7\xB0"));
	/* The code point before the first final consonant composes with nothing. */
	CHECK(folds_to("\xEA\xB0\x80\xE1\x86\xA7", "\xEA\xB0\x80\xE1\x86\xA7"));
	CHECK(folds_to("\xEA\xB0\x80\xE1\x86\xA8", "\xEA\xB0\x81"));
	/* Zero-width non-joiner is part of the spelling. */
	CHECK(folds_to("a\xE2\x80\x8C"
				   "b",
				   "a\xE2\x80\x8C"
				   "b"));
}

static void
test_invalid(void)
{
	static const char *const bad[] = {"a\x80",
									  "\xC0\x80",
									  "\xC1\xBF",
									  "\xC3",
									  "\xE0\x9F\xBF",
									  "\xED\xA0\x80",
									  "\xE2\x82",
									  "\xF0\x8F\xBF\xBF",
									  "\xF4\x90\x80\x80",
									  "\xF5\x80\x80",
									  "\xFF",
									  "\xE2\x28\xA1"};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		GlError error;
		char *folded;
		size_t length;

		CHECK(gl_text_fold(bad[i], strlen(bad[i]), &arena, &folded, &length, &error) == GL_INVALID);
		CHECK(error.where == (i == 0 ? 1 : 0) && error.message[0] != '\0');
		CHECK(folded == NULL && length == 0);
	}
}

static size_t
parse_codes(const char *text, uint32_t *codes)
{
	size_t count = 0;
	char *end;

	for (;; text = end)
	{
		codes[count] = (uint32_t) strtoul(text, &end, 16);
		if (end == text || count == MAX_CODES)
			return count;
		count++;
	}
}

static void
check_reference_line(const char *input, const char *nfc, const char *fold)
{
	uint32_t codes[MAX_CODES + 1];
	uint32_t normal[MAX_CODES * GL_NORMALIZE_MOST];
	uint32_t scratch[MAX_CODES * GL_NORMALIZE_MOST];
	char text[MAX_CODES * 4 + 4];
	char expected[MAX_CODES * 4 + 4];
	size_t count = parse_codes(input, codes);
	size_t length = gl_normalize_decompose(codes, count, normal);
	size_t folded_length;
	const char *folded = fold_bytes(text, encode(codes, count, text), &folded_length);
	bool same;

	gl_normalize_reorder(normal, length, scratch);
	length = gl_normalize_compose(normal, length);
	count = parse_codes(nfc, codes);
	same = count == length && memcmp(codes, normal, count * sizeof(uint32_t)) == 0;
	count = encode(codes, parse_codes(fold, codes), expected);
	if (!same || count != folded_length || memcmp(expected, folded, count) != 0)
		fprintf(stderr, "differs: %s;%s;%s\n", input, nfc, fold);
	CHECK(same);
	CHECK(count == folded_length && memcmp(expected, folded, count) == 0);
	check_free_all();
}

static void
test_reference(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[1000];
	long count = 0;

	CHECK(file != NULL);
	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL)
	{
		char *nfc = strchr(line, ';');
		char *fold = nfc != NULL ? strchr(nfc + 1, ';') : NULL;

		if (line[0] == '#')
			continue;
		CHECK(fold != NULL);
		if (fold == NULL)
			continue;
		*nfc = '\0';
		*fold = '\0';
		check_reference_line(line, nfc + 1, fold + 1);
		count++;
	}
	fclose(file);
	CHECK(count >= 1000);
}

/* Folds twice; the second must change nothing, and neither may grow too much. */
static void
check_laws(const uint32_t *codes, size_t count)
{
	char text[MAX_CODES * 4];
	size_t length = encode(codes, count, text);
	size_t once_length;
	size_t twice_length;
	const char *once = fold_bytes(text, length, &once_length);
	const char *twice = fold_bytes(once, once_length, &twice_length);
	bool same = once_length == twice_length && memcmp(once, twice, once_length) == 0;

	CHECK(same);
	if (!same)
		fprintf(stderr, "not idempotent from U+%04X (%zu codes)\n", codes[0], count);
	CHECK(once_length <= GL_TEXT_FOLD_GROWTH * length);
	CHECK(once[once_length] == '\0');
	check_free_all();
}

static uint32_t
random_code(void)
{
	static const uint32_t blocks[] = {0x40,   0xC0,   0x100,  0x300,  0x300,   0x340,  0x390,
									  0x640,  0x6C0,  0x900,  0x9C0,  0x1100,  0x1160, 0x11A0,
									  0x1E00, 0x1F80, 0x2000, 0xAC00, 0x1D150, 0x110B0};
	uint32_t code = blocks[random_below(sizeof(blocks) / sizeof(blocks[0]))] + random_below(64);

	if (random_below(4) == 0)
		code = random_below(2) == 0 ? 0x307 : 'I';
	if (random_below(20) == 0)
		code = random_below(0x110000);
	return code >= 0xD800 && code <= 0xDFFF ? 'x' : code;
}

static void
test_laws(void)
{
	uint32_t codes[MAX_CODES];
	uint32_t code;
	int i;

	for (code = 0; code <= 0x10FFFF; code++)
	{
		if (code >= 0xD800 && code <= 0xDFFF)
			continue;
		check_laws(&code, 1);
	}
	for (i = 0; i < 100000; i++)
	{
		size_t count = 1 + random_below(12);
		size_t j;

		for (j = 0; j < count; j++)
			codes[j] = random_code();
		check_laws(codes, count);
	}
}

/* A long run of marks in the worst order is sorted, stable and in little time. */
static void
test_long_run(void)
{
	enum
	{
		PAIRS = 200000
	};
	char *text = check_alloc(NULL, 1 + PAIRS * 4);
	size_t length;
	const char *folded;
	long i;

	text[0] = 'q';
	for (i = 0; i < PAIRS; i++)
		memcpy(text + 1 + i * 4, "\xCC\x81\xCC\xA3", 4);
	folded = fold_bytes(text, 1 + PAIRS * 4, &length);
	CHECK(length == 1 + PAIRS * 4);
	for (i = 0; length == 1 + PAIRS * 4 && i < PAIRS; i++)
	{
		CHECK(memcmp(folded + 1 + i * 2, "\xCC\xA3", 2) == 0);
		CHECK(memcmp(folded + 1 + (PAIRS + i) * 2, "\xCC\x81", 2) == 0);
	}
	check_free_all();
}

static void *
no_memory(void *context, size_t size)
{
	int *left = context;

	return (*left)-- > 0 ? check_alloc(NULL, size) : NULL;
}

static void
test_no_memory(void)
{
	int allowed;

	for (allowed = 0; allowed < 6; allowed++)
	{
		int left = allowed;
		GlArena poor = {no_memory, &left};
		GlError error;
		char *folded;
		size_t length;

		CHECK(gl_text_fold("abc", 3, &poor, &folded, &length, &error) == GL_NO_MEMORY);
	}
	check_free_all();
}

int
main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "test/data/fold_reference.txt";
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t) time(NULL);

	printf("seed %llu\n", (unsigned long long) seed);
	random_state = seed * 2654435761u + 88172645463325252u;
	test_examples();
	test_invalid();
	test_reference(path);
	test_laws();
	test_long_run();
	test_no_memory();
	check_free_all();
	return check_report("test_text_fold");
}
