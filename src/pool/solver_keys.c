/*-------------------------------------------------------------------------
 *
 * solver_keys.c
 *	  A stable merge sort of keys.  qsort's calls of a comparison function were
 *	  an eighth of the time of a small cart.
 *
 *-------------------------------------------------------------------------
 */
#include "pool/solver_internal.h"

#include <string.h>

#define RUN 8 /* sorted by insertion */

/* Merges the runs [first, middle) and [middle, end) of from into to. */
static void
merge_runs(const GlPoolKey *from, GlPoolKey *to, size_t first, size_t middle, size_t end)
{
	size_t left = first;
	size_t right = middle;
	size_t next;

	for (next = first; next < end; next++)
	{
		if (left < middle && (right == end || from[left].key <= from[right].key))
			to[next] = from[left++];
		else
			to[next] = from[right++];
	}
}

/* See solver_internal.h. */
void
gl_pool_keys_sort(GlPoolKey *keys, GlPoolKey *spare, size_t count)
{
	GlPoolKey *from = keys;
	GlPoolKey *to = spare;
	size_t width;
	size_t i;
	size_t j;

	for (i = 1; i < count; i++)
	{
		GlPoolKey key = keys[i];

		for (j = i; j % RUN != 0 && keys[j - 1].key > key.key; j--)
			keys[j] = keys[j - 1];
		keys[j] = key;
	}
	for (width = RUN; width < count; width *= 2)
	{
		GlPoolKey *swap = from;

		for (i = 0; i < count; i += 2 * width)
		{
			size_t middle = i + width < count ? i + width : count;
			size_t end = i + 2 * width < count ? i + 2 * width : count;

			merge_runs(from, to, i, middle, end);
		}
		from = to;
		to = swap;
	}
	if (from != keys)
		memcpy(keys, from, count * sizeof(GlPoolKey));
}
