/*-------------------------------------------------------------------------
 *
 * solver_internal.h
 *	  What the files of the pool solver share; callers include solver.h.
 *
 * The cart is split into components: items that are connected by sets. A
 * pool of the cart is one pool of each component, its group count and fee
 * their sums, and absorption (see solver.h) never crosses components, since no
 * set does. The order of pools is monotone: replacing a component's pool by
 * one that comes later makes the whole come later (the first group in which
 * two partitions of the same items differ starts with the same item in both,
 * so it keeps its place among the other components' groups). Hence the first
 * max_pools pools are made of the first max_pools pools of every component.
 *
 * In a component, items that are in the same sets are one class; bitsets are
 * over classes, numbered by their first item's rank.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_POOL_SOLVER_INTERNAL_H
#define GL_POOL_SOLVER_INTERNAL_H

#include "pool/keys.h"
#include "pool/solver.h"

/* A pool of one component. */
typedef struct GlPoolEntry
{
	int group_count;
	int64_t fee;
	uint64_t *groups; /* group_count bitsets, by first class */
	int64_t *group_fees;
	GlPoolGroup *shown; /* the same for the caller, once asked for */
} GlPoolEntry;

typedef struct GlPoolComponent
{
	int item_count;
	int class_count;
	int words;        /* of a bitset over classes */
	uint64_t *all;    /* every class */
	int *class_first; /* rank of its first and last item */
	int *class_last;
	uint64_t *class_items; /* per class, a bitset over the cart's items */

	/*
	 * The set that is the whole component is not among the sets: it is a pool
	 * by itself, part of no other cover (the rest would be redundant) and no
	 * option beside other groups (it would absorb them).
	 */
	int whole; /* its number in work->set_*, or -1 */
	int set_count;
	int set_words;  /* of a bitset over sets */
	uint64_t *sets; /* bitsets over classes, by ascending fee */
	int64_t *fees;
	int *sizes;     /* how many items they have */
	int *cart_sets; /* their numbers in work->set_* */

	/*
	 * Columns: per class, the sets that have it. A word of 64 sets is followed
	 * by that of the next class, not by the class's next word, since columns
	 * are intersected word by word.
	 */
	uint64_t *holders;
	int64_t *class_fee; /* per class, the least fee of the sets that have it */
	int64_t least_fee;

	/* The same in the order in which items go to them; see gl_pool_order_sets. */
	uint64_t *ordered_sets; /* NULL until then */
	int *ordered_sizes;
	uint64_t *ordered_holders;

	GlPoolEntry **entries; /* the pools found, in order */
	int entry_count;
	int entry_capacity;
	int level;      /* nothing is missing up to this many groups */
	bool exhausted; /* nothing is missing at all */
} GlPoolComponent;

/* One call of gl_pool_solve. */
typedef struct GlPoolWork
{
	const GlPoolProblem *problem;
	const GlArena *arena;
	const GlStop *stop;
	int words;            /* of a bitset over items */
	int *rank_item;       /* item of a rank */
	const int *item_rank; /* rank of an item */
	int64_t nodes;
	int64_t effort;  /* about how many words were looked at since the stop check */
	GlStatus status; /* GL_OK, or why the work ends */

	int set_count; /* distinct sets of the whole cart */
	const uint64_t **set_items;
	int64_t *set_fees;
	int *set_offer_count; /* how many offers have it, */
	int *set_last_offer;  /* the last of them, */
	int *offer_before;    /* and per offer the one before it, or -1 */
	int *offer_set;       /* per offer its set, or -1 (no items) */

	int component_count;
	GlPoolComponent *components;
	int *item_place;        /* per item its place in its component, by rank */
	uint64_t *offers_shown; /* scratch for options: a bitset over offers, empty between uses, */
	bool *sets_shown;       /* and a flag per set, and one before them, all false between uses */
} GlPoolWork;

static inline bool
gl_pool_bit(const uint64_t *bits, int index)
{
	return (bits[index >> 6] >> (index & 63) & 1) != 0;
}

static inline void
gl_pool_bit_add(uint64_t *bits, int index)
{
	bits[index >> 6] |= UINT64_C(1) << (index & 63);
}

/*
 * How many members a word has. Without an instruction for it, which the
 * oldest x86-64 lacks, the compiler's builtin is a call.
 */
static inline int
gl_pool_bit_count(uint64_t word)
{
	word -= word >> 1 & UINT64_C(0x5555555555555555);
	word = (word & UINT64_C(0x3333333333333333)) + (word >> 2 & UINT64_C(0x3333333333333333));
	word = (word + (word >> 4)) & UINT64_C(0x0F0F0F0F0F0F0F0F);
	return (int) (word * UINT64_C(0x0101010101010101) >> 56);
}

/* Whether every member of inner is in outer. */
static inline bool
gl_pool_contains(const uint64_t *outer, const uint64_t *inner, int words)
{
	int w;

	for (w = 0; w < words; w++)
	{
		if ((inner[w] & ~outer[w]) != 0)
			return false;
	}
	return true;
}

/* The least member of a bitset that is not empty. */
static inline int
gl_pool_bit_first(const uint64_t *bits)
{
	int w = 0;

	while (bits[w] == 0)
		w++;
	return w * 64 + __builtin_ctzll(bits[w]);
}

/* Whether a pool of this level and of this fee or more would come after a full list. */
static inline bool
gl_pool_is_too_dear(const GlPoolWork *work, const GlPoolComponent *component, int64_t fee)
{
	return component->entry_count == work->problem->max_pools &&
		   fee > component->entries[component->entry_count - 1]->fee;
}

/* The largest fee that a pool of this level can have and be listed. */
static inline int64_t
gl_pool_fee_limit(const GlPoolWork *work, const GlPoolComponent *component)
{
	return component->entry_count == work->problem->max_pools
			   ? component->entries[component->entry_count - 1]->fee
			   : INT64_MAX;
}

/*
 * count * size bytes of the arena, as they are or zeroed; NULL and
 * work->status GL_NO_MEMORY when there are none.
 */
extern void *gl_pool_allocate(GlPoolWork *work, size_t count, size_t size);
extern void *gl_pool_allocate_zeroed(GlPoolWork *work, size_t count, size_t size);

/*
 * Columns of the rows: bit c of row r becomes bit r of column place[c] (NULL:
 * of column c), in the layout of GlPoolComponent's columns. columns starts out
 * zero; place need not be set for a bit that no row has.
 */
extern void gl_pool_columns_build(const uint64_t *const *rows, int row_count, int row_words,
								  const int *place, uint64_t *columns, int column_count);

/* The way back, every column in its place: rows of row_words words each. */
extern void gl_pool_rows_build(const uint64_t *columns, int column_count, uint64_t *rows,
							   int row_count, int row_words);

/* Merges equal item sets: fills set_*, offer_*. False: work->status says why. */
extern bool gl_pool_sets_build(GlPoolWork *work);

/* Splits the sets into components, in order of their first item. False: see work->status. */
extern bool gl_pool_components_build(GlPoolWork *work);

/* Fills one component from its sets (numbers of work->set_*) and its items' ranks, ascending. */
extern bool gl_pool_component_fill(GlPoolWork *work, GlPoolComponent *component, const int *sets,
								   int set_count, const int *ranks);

/*
 * Puts the component's sets in the order in which items go to them (see
 * solver.h), unless that is done. False: no memory.
 */
extern bool gl_pool_order_sets(GlPoolWork *work, GlPoolComponent *component);

/* Whether the set of one row comes before another one of the same size and fee. */
static inline bool
gl_pool_row_is_first(const uint64_t *row, const uint64_t *other)
{
	uint64_t differ;
	int w = 0;

	while (row[w] == other[w])
		w++;
	differ = row[w] ^ other[w];
	return (row[w] & differ & (0 - differ)) != 0;
}

/* Adds the component's pools of level + 1 groups. False: see work->status. */
extern bool gl_pool_search_level(GlPoolWork *work, GlPoolComponent *component);

/* The same for two groups, and for more. */
extern bool gl_pool_search_pairs(GlPoolWork *work, GlPoolComponent *component);
extern bool gl_pool_search_covers(GlPoolWork *work, GlPoolComponent *component);

/*
 * Counts the effort of looking at a component's columns once per group of the
 * level, and asks the stop check from time to time. False: work->status is
 * GL_STOPPED.
 */
extern bool gl_pool_spend_effort(GlPoolWork *work, const GlPoolComponent *component);

/* The same, and counts a search node. False when the work has to end: see work->status. */
extern bool gl_pool_spend_node(GlPoolWork *work, const GlPoolComponent *component);

/* The classes of a bitset; returns how many. */
extern int gl_pool_list_classes(const GlPoolComponent *component, const uint64_t *set,
								int *classes);

/*
 * The first number, from "from" on, of a set that has all of these classes, or
 * -1; in the numbering of the columns given.
 */
extern int gl_pool_find_superset(const GlPoolComponent *component, const uint64_t *columns,
								 const int *classes, int class_count, int from);

/* Which of the sets of one word of columns have all of these classes. */
static inline uint64_t
gl_pool_common(const GlPoolComponent *component, const uint64_t *columns, int word,
			   const int *classes, int class_count)
{
	const uint64_t *holders = columns + (size_t) word * (size_t) component->class_count;
	uint64_t common = ~UINT64_C(0);
	int i;

	for (i = 0; i < class_count && common != 0; i++)
		common &= holders[classes[i]];
	return common;
}

/* The fee of the cheapest set with all of these classes; -1: none costs limit at most. */
extern int64_t gl_pool_least_fee(const GlPoolComponent *component, const int *classes,
								 int class_count, int64_t limit);

/* Makes sure that the component has a pool, however good, without spending budget. */
extern bool gl_pool_search_any(GlPoolWork *work, GlPoolComponent *component);

/*
 * Turns a cover (ascending numbers of sets) into its pool and keeps that if it
 * is among the best. first_fee: what the group of the first set costs at
 * least. False: no memory. scratch: count bitsets over classes; scratch_fees:
 * count.
 */
extern bool gl_pool_keep_cover(GlPoolWork *work, GlPoolComponent *component, const int *cover,
							   int count, int64_t first_fee, uint64_t *scratch,
							   int64_t *scratch_fees);

/*
 * Whether a pool of count groups and of this fee (or more) would not be listed
 * any more. Only its first "known" groups are looked at.
 */
extern bool gl_pool_is_late(const GlPoolWork *work, const GlPoolComponent *component, int count,
							int64_t fee, const uint64_t *groups, int known);

/* Puts a pool into its place of the list unless it is there already or too late. False: no memory. */
extern bool gl_pool_insert(GlPoolWork *work, GlPoolComponent *component, int count, int64_t fee,
						   const uint64_t *groups, const int64_t *fees);

/* Order of two entries' items; *rank, where they differ, is that of the first item of the group. */
extern int gl_pool_compare_groups(const GlPoolComponent *component, const uint64_t *left,
								  const uint64_t *right, int count, int *rank);

/* Merges the components' pools into the answer. False: see work->status. */
extern bool gl_pool_merge(GlPoolWork *work, GlPoolAnswer *answer);

/* The entry's groups for the caller, with their options; NULL: no memory. */
extern const GlPoolGroup *gl_pool_show(GlPoolWork *work, GlPoolComponent *component,
									   GlPoolEntry *entry);

#endif /* GL_POOL_SOLVER_INTERNAL_H */
