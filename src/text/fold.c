/*-------------------------------------------------------------------------
 *
 * fold.c
 *	  Folds address text, in this order:
 *
 *	  1. NFC, and on the way, while text is decomposed, I, dotted I and
 *		 dotless i become i and lose a U+0307 among their marks.  Turkish
 *		 pairs the four letters otherwise than English, and no locale has
 *		 both right.  Done there, it does not matter whether the dot came
 *		 composed, decomposed or behind another mark.
 *	  2. Unicode simple case folding; Arabic yeh and kaf to the Persian ones;
 *		 Arabic-Indic and Persian digits to ASCII.
 *	  3. NFC again: a small letter may compose where its capital does not.
 *	  4. White space collapsed to one space, and none at the ends.
 *
 *	  Every other mark counts.  Only normalization composes: yeh with hamza
 *	  above (U+0626) is a letter of its own and stays.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <string.h>

#include "text/fold.h"
#include "text/fold_table.h"
#include "text/normalize.h"

#define LENGTH_OF(array) (sizeof(array) / sizeof((array)[0]))

#define DOT_ABOVE 0x307
#define DOTLESS_I 0x131
#define ARABIC_YEH 0x64A
#define PERSIAN_YEH 0x6CC
#define ARABIC_KAF 0x643
#define PERSIAN_KAF 0x6A9
#define ARABIC_ZERO 0x660
#define PERSIAN_ZERO 0x6F0

/* Longer input would overflow the size of what it may decompose to. */
#define LONGEST_INPUT (SIZE_MAX / (GL_NORMALIZE_MOST * sizeof(uint32_t)) - 1)

/* Code points in the arena. */
typedef struct Codes
{
	uint32_t *code;
	size_t length;
} Codes;

/*
 * Reads one code point of strict UTF-8 (no surrogates, no overlong forms,
 * nothing above U+10FFFF; Unicode Standard table 3-7).  Answers its length in
 * bytes, or 0.
 */
static size_t
utf8_read(const unsigned char *bytes, size_t left, uint32_t *code)
{
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length;
	size_t i;

	*code = bytes[0];
	if (bytes[0] < 0x80)
		return 1;
	if (bytes[0] < 0xC2 || bytes[0] > 0xF4)
		return 0;
	length = bytes[0] < 0xE0 ? 2 : bytes[0] < 0xF0 ? 3 : 4;
	if (length > left)
		return 0;
	*code = bytes[0] & (0xFFu >> (length + 1));
	for (i = 1; i < length; i++)
	{
		if ((bytes[i] & 0xC0) != 0x80)
			return 0;
		*code = *code << 6 | (bytes[i] & 0x3F);
	}
	if (*code < least[length] || *code > 0x10FFFF || (*code >= 0xD800 && *code <= 0xDFFF))
		return 0;
	return length;
}

/* Writes one code point; answers its length in bytes. */
static size_t
utf8_write(uint32_t code, char *out)
{
	if (code < 0x80)
	{
		out[0] = (char) code;
		return 1;
	}
	if (code < 0x800)
	{
		out[0] = (char) (0xC0 | code >> 6);
		out[1] = (char) (0x80 | (code & 0x3F));
		return 2;
	}
	if (code < 0x10000)
	{
		out[0] = (char) (0xE0 | code >> 12);
		out[1] = (char) (0x80 | (code >> 6 & 0x3F));
		out[2] = (char) (0x80 | (code & 0x3F));
		return 3;
	}
	out[0] = (char) (0xF0 | code >> 18);
	out[1] = (char) (0x80 | (code >> 12 & 0x3F));
	out[2] = (char) (0x80 | (code >> 6 & 0x3F));
	out[3] = (char) (0x80 | (code & 0x3F));
	return 4;
}

static GlStatus
codes_allocate(GlArena *arena, size_t length, Codes *codes)
{
	codes->length = length;
	codes->code = arena->alloc(arena->context, (length + 1) * sizeof(uint32_t));
	return codes->code != NULL ? GL_OK : GL_NO_MEMORY;
}

static GlStatus
text_decode(const char *utf8, size_t length, GlArena *arena, Codes *codes, GlError *error)
{
	GlStatus status = codes_allocate(arena, length, codes);
	size_t i = 0;

	if (status != GL_OK)
		return status;
	codes->length = 0;
	while (i < length)
	{
		size_t size =
			utf8_read((const unsigned char *) utf8 + i, length - i, &codes->code[codes->length]);

		if (size == 0)
		{
			error->where = (int64_t) i;
			snprintf(error->message, sizeof(error->message), "invalid UTF-8 at byte %zu", i);
			return GL_INVALID;
		}
		codes->length++;
		i += size;
	}
	return GL_OK;
}

/* Step 1's own part, on decomposed and ordered text. */
static void
letter_i_fold(Codes *codes)
{
	bool after_i = false;
	size_t out = 0;
	size_t i;

	for (i = 0; i < codes->length; i++)
	{
		uint32_t code = codes->code[i];

		if (gl_normalize_class(code) == 0)
		{
			if (code == 'I' || code == DOTLESS_I)
				code = 'i';
			after_i = code == 'i';
		}
		else if (after_i && code == DOT_ABOVE)
			continue;
		codes->code[out++] = code;
	}
	codes->length = out;
}

/* NFC into new memory; fold_i adds the Turkish letters in between. */
static GlStatus
codes_normalize(const Codes *codes, bool fold_i, GlArena *arena, Codes *out)
{
	size_t length = gl_normalize_decompose(codes->code, codes->length, NULL);
	GlStatus status = codes_allocate(arena, length, out);
	Codes scratch;

	if (status == GL_OK)
		status = codes_allocate(arena, length, &scratch);
	if (status != GL_OK)
		return status;
	gl_normalize_decompose(codes->code, codes->length, out->code);
	gl_normalize_reorder(out->code, out->length, scratch.code);
	if (fold_i)
		letter_i_fold(out);
	out->length = gl_normalize_compose(out->code, out->length);
	return GL_OK;
}

/* Unicode simple case folding (statuses C and S of CaseFolding.txt). */
static uint32_t
code_case_fold(uint32_t code)
{
	size_t low = 0;
	size_t high = LENGTH_OF(fold_cases);

	while (low < high)
	{
		size_t middle = low + (high - low) / 2;
		const FoldCase *range = &fold_cases[middle];

		if (code < range->first)
			high = middle;
		else if (code > range->last)
			low = middle + 1;
		else if ((code - range->first) % range->step != 0)
			return code;
		else
			return code + (uint32_t) range->shift;
	}
	return code;
}

/* Step 2 for one code point. */
static uint32_t
code_fold(uint32_t code)
{
	if (code == ARABIC_YEH)
		return PERSIAN_YEH;
	if (code == ARABIC_KAF)
		return PERSIAN_KAF;
	if (code >= ARABIC_ZERO && code < ARABIC_ZERO + 10)
		return '0' + (code - ARABIC_ZERO);
	if (code >= PERSIAN_ZERO && code < PERSIAN_ZERO + 10)
		return '0' + (code - PERSIAN_ZERO);
	return code_case_fold(code);
}

/* Unicode's White_Space; zero-width joiners, which Persian spelling needs, are not. */
static bool
code_is_space(uint32_t code)
{
	size_t i;

	for (i = 0; i < LENGTH_OF(fold_spaces) && code >= fold_spaces[i].first; i++)
		if (code <= fold_spaces[i].last)
			return true;
	return false;
}

/* Step 4, and back to UTF-8. */
static GlStatus
text_encode(const Codes *codes, GlArena *arena, char **folded, size_t *folded_length)
{
	char *out = arena->alloc(arena->context, codes->length * 4 + 1);
	bool space = false;
	size_t length = 0;
	size_t i;

	if (out == NULL)
		return GL_NO_MEMORY;
	for (i = 0; i < codes->length; i++)
	{
		if (code_is_space(codes->code[i]))
		{
			space = length > 0;
			continue;
		}
		if (space)
			out[length++] = ' ';
		space = false;
		length += utf8_write(codes->code[i], out + length);
	}
	out[length] = '\0';
	*folded = out;
	*folded_length = length;
	return GL_OK;
}

/* As promised in fold.h.  Linear in length, but for binary searches in the tables. */
GlStatus
gl_text_fold(const char *utf8, size_t length, GlArena *arena, char **folded, size_t *folded_length,
			 GlError *error)
{
	GlStatus status;
	Codes given;
	Codes normal;
	Codes again;
	size_t i;

	*folded = NULL;
	*folded_length = 0;
	error->where = -1;
	error->message[0] = '\0';
	if (length > LONGEST_INPUT)
		return GL_NO_MEMORY;
	status = text_decode(utf8, length, arena, &given, error);
	if (status == GL_OK)
		status = codes_normalize(&given, true, arena, &normal);
	if (status != GL_OK)
		return status;
	for (i = 0; i < normal.length; i++)
		normal.code[i] = code_fold(normal.code[i]);
	status = codes_normalize(&normal, false, arena, &again);
	if (status != GL_OK)
		return status;
	return text_encode(&again, arena, folded, folded_length);
}
