/*-------------------------------------------------------------------------
 *
 * solver_transpose.c
 *	  From the items of sets to the sets of items.
 *
 * Every store may have sets of its own, so a large cart has a million
 * memberships. Bit by bit they took longer than the search; 64 by 64 they are
 * a few microseconds per thousand.
 *
 *-------------------------------------------------------------------------
 */
#include "pool/solver_internal.h"

/* One step of transpose_block; inline, so that step is a constant and the loops can be unrolled. */
static inline void
swap_quarters(uint64_t *block, int step, uint64_t mask)
{
	int i;
	int j;

	for (i = 0; i < 64; i += 2 * step)
	{
		for (j = i; j < i + step; j++)
		{
			uint64_t differ = ((block[j] >> step) ^ block[j + step]) & mask;

			block[j] ^= differ << step;
			block[j + step] ^= differ;
		}
	}
}

/* Mirrors 64 x 64 bits at the diagonal (Warren, Hacker's Delight, section 7-3). */
static void
transpose_block(uint64_t *block)
{
	swap_quarters(block, 32, UINT64_C(0x00000000FFFFFFFF));
	swap_quarters(block, 16, UINT64_C(0x0000FFFF0000FFFF));
	swap_quarters(block, 8, UINT64_C(0x00FF00FF00FF00FF));
	swap_quarters(block, 4, UINT64_C(0x0F0F0F0F0F0F0F0F));
	swap_quarters(block, 2, UINT64_C(0x3333333333333333));
	swap_quarters(block, 1, UINT64_C(0x5555555555555555));
}

/* See solver_internal.h. */
void
gl_pool_columns_build(const uint64_t *const *rows, int row_count, int row_words, const int *place,
					  uint64_t *columns, int column_count)
{
	uint64_t block[64];
	int first;
	int w;
	int i;

	for (first = 0; first < row_count; first += 64, columns += column_count)
	{
		int count = row_count - first < 64 ? row_count - first : 64;

		for (w = 0; w < row_words; w++)
		{
			uint64_t any = 0;

			for (i = 0; i < count; i++)
			{
				block[i] = rows[first + i][w];
				any |= block[i];
			}
			if (any == 0)
				continue; /* another component's items */
			for (; i < 64; i++)
				block[i] = 0;
			transpose_block(block);
			for (; any != 0; any &= any - 1)
			{
				int bit = w * 64 + __builtin_ctzll(any);

				columns[place == NULL ? bit : place[bit]] = block[bit % 64];
			}
		}
	}
}

/* See solver_internal.h. */
void
gl_pool_rows_build(const uint64_t *columns, int column_count, uint64_t *rows, int row_count,
				   int row_words)
{
	uint64_t block[64];
	int first;
	int w;
	int i;

	for (first = 0; first < row_count; first += 64, columns += column_count)
	{
		int end = row_count - first < 64 ? row_count - first : 64;

		for (w = 0; w < row_words; w++)
		{
			int count = column_count - w * 64 < 64 ? column_count - w * 64 : 64;

			for (i = 0; i < 64; i++)
				block[i] = i < count ? columns[w * 64 + i] : 0;
			transpose_block(block);
			for (i = 0; i < end; i++)
				rows[(size_t) (first + i) * (size_t) row_words + (size_t) w] = block[i];
		}
	}
}
