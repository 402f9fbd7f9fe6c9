/*-------------------------------------------------------------------------
 *
 * normalize.c
 *	  Canonical decomposition, ordering and composition (Unicode Standard
 *	  Annex 15; Hangul by section 3.12 of the Unicode Standard), so that text
 *	  compares the same in every locale and without ICU.
 *
 *-------------------------------------------------------------------------
 */
#include <stdbool.h>
#include <string.h>

#include "text/fold_table.h"
#include "text/normalize.h"

#define LENGTH_OF(array) (sizeof(array) / sizeof((array)[0]))

#define HANGUL_S 0xAC00u
#define HANGUL_L 0x1100u
#define HANGUL_V 0x1161u
#define HANGUL_T 0x11A7u
#define HANGUL_L_COUNT 19u
#define HANGUL_V_COUNT 21u
#define HANGUL_T_COUNT 28u
#define HANGUL_N_COUNT (HANGUL_V_COUNT * HANGUL_T_COUNT)
#define HANGUL_S_COUNT (HANGUL_L_COUNT * HANGUL_N_COUNT)

/* Below these code points nothing decomposes, and every class is 0. */
#define FIRST_DECOMPOSING 0xC0
#define FIRST_COMBINING 0x300

/* Runs of marks up to this long are sorted by insertion. */
#define SHORT_RUN 32

/* The range that holds code, or NULL. */
static const FoldRange *
range_find(const FoldRange *ranges, size_t count, uint32_t code)
{
	size_t low = 0;
	size_t high = count;

	while (low < high)
	{
		size_t middle = low + (high - low) / 2;

		if (code < ranges[middle].first)
			high = middle;
		else if (code > ranges[middle].last)
			low = middle + 1;
		else
			return &ranges[middle];
	}
	return NULL;
}

/* The canonical combining class of a code point. */
int
gl_normalize_class(uint32_t code)
{
	const FoldRange *range;

	if (code < FIRST_COMBINING)
		return 0;
	range = range_find(fold_classes, LENGTH_OF(fold_classes), code);
	return range != NULL ? range->value : 0;
}

/* The pair that code decomposes to, or NULL. */
static const FoldPair *
pair_find(uint32_t code)
{
	size_t low = 0;
	size_t high = LENGTH_OF(fold_pairs);

	while (low < high)
	{
		size_t middle = low + (high - low) / 2;

		if (code < fold_pairs[middle].composed)
			high = middle;
		else if (code > fold_pairs[middle].composed)
			low = middle + 1;
		else
			return &fold_pairs[middle];
	}
	return NULL;
}

/* Writes the Hangul syllable's two or three letters; answers how many. */
static size_t
hangul_decompose(uint32_t code, uint32_t out[GL_NORMALIZE_MOST])
{
	uint32_t index = code - HANGUL_S;

	out[0] = HANGUL_L + index / HANGUL_N_COUNT;
	out[1] = HANGUL_V + index % HANGUL_N_COUNT / HANGUL_T_COUNT;
	out[2] = HANGUL_T + index % HANGUL_T_COUNT;
	return out[2] == HANGUL_T ? 2 : 3;
}

/* Writes the full canonical decomposition of code; answers its length. */
static size_t
code_decompose(uint32_t code, uint32_t out[GL_NORMALIZE_MOST])
{
	uint32_t tail[GL_NORMALIZE_MOST];
	size_t tail_length = 0;
	size_t length = 0;
	const FoldRange *run;
	const FoldPair *pair;

	if (code >= HANGUL_S && code < HANGUL_S + HANGUL_S_COUNT)
		return hangul_decompose(code, out);
	if (code >= FIRST_DECOMPOSING)
	{
		run = range_find(fold_single_runs, LENGTH_OF(fold_single_runs), code);
		if (run != NULL)
			code = fold_singles[run->value + (code - run->first)];
		while (tail_length < GL_NORMALIZE_MOST - 1 && (pair = pair_find(code)) != NULL)
		{
			tail[tail_length++] = pair->second;
			code = pair->first;
		}
	}
	out[length++] = code;
	while (tail_length > 0)
		out[length++] = tail[--tail_length];
	return length;
}

/*
 * Writes the canonical decomposition of length code points to out, which has
 * room for it, or only measures it where out is NULL; answers its length.
 * Marks are not in canonical order yet.
 */
size_t
gl_normalize_decompose(const uint32_t *codes, size_t length, uint32_t *out)
{
	size_t result = 0;
	size_t i;

	for (i = 0; i < length; i++)
	{
		uint32_t decomposed[GL_NORMALIZE_MOST];
		size_t count = code_decompose(codes[i], decomposed);

		if (out != NULL)
			memcpy(out + result, decomposed, count * sizeof(uint32_t));
		result += count;
	}
	return result;
}

/* Sorts a run of marks by class, stable: by insertion. */
static void
short_run_sort(uint32_t *run, size_t length)
{
	size_t i;

	for (i = 1; i < length; i++)
	{
		uint32_t code = run[i];
		int class = gl_normalize_class(code);
		size_t j = i;

		for (; j > 0 && gl_normalize_class(run[j - 1]) > class; j--)
			run[j] = run[j - 1];
		run[j] = code;
	}
}

/* The same for any length, by counting: hostile text must not cost its square. */
static void
long_run_sort(uint32_t *run, size_t length, uint32_t *scratch)
{
	size_t starts[257] = {0};
	size_t i;

	for (i = 0; i < length; i++)
		starts[gl_normalize_class(run[i]) + 1]++;
	for (i = 1; i < 257; i++)
		starts[i] += starts[i - 1];
	for (i = 0; i < length; i++)
		scratch[starts[gl_normalize_class(run[i])]++] = run[i];
	memcpy(run, scratch, length * sizeof(uint32_t));
}

/* Puts decomposed text into canonical order; scratch has room for length code points. */
void
gl_normalize_reorder(uint32_t *codes, size_t length, uint32_t *scratch)
{
	size_t i = 0;

	while (i < length)
	{
		size_t first = i;

		while (i < length && gl_normalize_class(codes[i]) != 0)
			i++;
		if (i - first > SHORT_RUN)
			long_run_sort(codes + first, i - first, scratch);
		else if (i - first > 1)
			short_run_sort(codes + first, i - first);
		if (i == first)
			i++;
	}
}

/* What first and second compose to, or 0. */
static uint32_t
pair_compose(uint32_t first, uint32_t second)
{
	size_t low = 0;
	size_t high = LENGTH_OF(fold_compositions);

	if (first - HANGUL_L < HANGUL_L_COUNT && second - HANGUL_V < HANGUL_V_COUNT)
		return HANGUL_S +
			   ((first - HANGUL_L) * HANGUL_V_COUNT + (second - HANGUL_V)) * HANGUL_T_COUNT;
	if (first - HANGUL_S < HANGUL_S_COUNT && (first - HANGUL_S) % HANGUL_T_COUNT == 0 &&
		second > HANGUL_T && second < HANGUL_T + HANGUL_T_COUNT)
		return first + (second - HANGUL_T);
	while (low < high)
	{
		size_t middle = low + (high - low) / 2;
		const FoldPair *pair = &fold_pairs[fold_compositions[middle]];

		if (pair->first == first && pair->second == second)
			return pair->composed;
		if (first < pair->first || (first == pair->first && second < pair->second))
			high = middle;
		else
			low = middle + 1;
	}
	return 0;
}

/* Composes decomposed and ordered text in place; answers its new length. */
size_t
gl_normalize_compose(uint32_t *codes, size_t length)
{
	bool has_starter = false;
	size_t starter = 0;
	size_t out = 0;
	int last_class = 0;
	size_t i;

	for (i = 0; i < length; i++)
	{
		int class = gl_normalize_class(codes[i]);

		/* Blocked, where something of the same class or a starter stands between. */
		if (has_starter && (out == starter + 1 || last_class < class))
		{
			uint32_t composed = pair_compose(codes[starter], codes[i]);

			if (composed != 0)
			{
				codes[starter] = composed;
				continue;
			}
		}
		if (class == 0)
		{
			has_starter = true;
			starter = out;
		}
		last_class = class;
		codes[out++] = codes[i];
	}
	return out;
}
