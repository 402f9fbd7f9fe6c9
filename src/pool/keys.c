/*-------------------------------------------------------------------------
 *
 * keys.c
 *	  A stable sort of keys, byte by byte from the lowest. Fees and sizes differ
 *	  in two bytes or three, so this is a few passes, where a comparison sort of
 *	  some thousand sets took a tenth of a large cart's time.
 *
 *-------------------------------------------------------------------------
 */
#include "pool/keys.h"

#include <string.h>

#define FEW 32 /* sorted by insertion */

/* One pass: from into to, by the byte at shift. */
static void
sort_byte(const GlPoolKey *from, GlPoolKey *to, size_t count, int shift)
{
	size_t starts[257] = {0};
	size_t i;

	for (i = 0; i < count; i++)
		starts[(from[i].key >> shift & 255) + 1]++;
	for (i = 1; i < 256; i++)
		starts[i] += starts[i - 1];
	for (i = 0; i < count; i++)
		to[starts[from[i].key >> shift & 255]++] = from[i];
}

/* See solver_internal.h. */
void
gl_pool_keys_sort(GlPoolKey *keys, GlPoolKey *spare, size_t count)
{
	GlPoolKey *from = keys;
	GlPoolKey *to = spare;
	uint64_t differ = 0;
	int shift;
	size_t i;
	size_t j;

	if (count <= FEW)
	{
		for (i = 1; i < count; i++)
		{
			GlPoolKey key = keys[i];

			for (j = i; j > 0 && keys[j - 1].key > key.key; j--)
				keys[j] = keys[j - 1];
			keys[j] = key;
		}
		return;
	}
	for (i = 1; i < count; i++)
		differ |= keys[i].key ^ keys[0].key;
	for (shift = 0; shift < 64; shift += 8)
	{
		GlPoolKey *swap = from;

		if ((differ >> shift & 255) == 0)
			continue;
		sort_byte(from, to, count, shift);
		from = to;
		to = swap;
	}
	if (from != keys)
		memcpy(keys, from, count * sizeof(GlPoolKey));
}
