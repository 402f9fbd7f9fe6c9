/*-------------------------------------------------------------------------
 *
 * solver.h
 *	  The exact ranked list of pools of a cart.
 *
 * Definitions (the unit test's brute force is written from these words).
 * Items are compared by rank (item_rank), "the items of a set" means its
 * items in ascending rank.
 *
 * - The sets: the distinct item sets of all offers, empty ones dropped. The
 *	 fee of a set is the least fee of the offers that have exactly this set.
 * - A cover: sets whose union is the cart, irredundant: none can be left out.
 * - Made a partition: an item in several sets of the cover goes to the larger
 *	 set (number of items), then the one with the lesser fee, then the one
 *	 whose items come first: at the first item that is in only one of the two,
 *	 the set that has it.
 * - A pool is such a partition. Covers that give the same partition are one
 *	 pool.
 * - A group's options are the offers whose set contains the group and that
 *	 could not have absorbed another group of the pool: there is no other
 *	 group of it inside the offer's set. (A cover's own sets always qualify,
 *	 since each has an item of its own.) The group's fee is the least fee
 *	 among its options; the pool's fee is the sum of its groups' fees.
 * - A pool lists its groups by their first item. Order of pools: fewest
 *	 groups, then least fee, then items: at the first group where the two
 *	 lists differ, the sequences of ranks compared lexicographically, where a
 *	 sequence that ends comes before one that goes on.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_POOL_SOLVER_H
#define GL_POOL_SOLVER_H

#include "pure.h"

#define GL_POOL_ITEMS_MAX 4096
#define GL_POOL_WORDS(item_count) (((item_count) + 63) / 64)

typedef struct GlPoolOffer
{
	const uint64_t *items; /* GL_POOL_WORDS(item_count) words, bit i of word
								 * i / 64 is item i; bits beyond the cart are zero.
								 * Offers may share one array. */
	int64_t fee;           /* >= 0, all scaled by one power of ten */
} GlPoolOffer;

typedef struct GlPoolProblem
{
	int item_count;            /* 0 .. GL_POOL_ITEMS_MAX */
	const int *item_rank;      /* a permutation of 0 .. item_count - 1, the order of
								 * the item ids; NULL: in cart order */
	const GlPoolOffer *offers; /* in the order options are to be listed: store id,
								 * rule id, provider */
	int offer_count;
	int max_pools;  /* >= 1 */
	int64_t budget; /* search nodes; <= 0: no limit */
} GlPoolProblem;

typedef struct GlPoolGroup
{
	const uint64_t *items; /* bitset, as in GlPoolOffer */
	int64_t fee;           /* the least fee among its options */
	const int *options;    /* indexes of offers, ascending */
	int option_count;
} GlPoolGroup;

typedef struct GlPool
{
	GlPoolGroup *groups; /* by first item */
	int group_count;
	int64_t fee;
} GlPool;

typedef struct GlPoolAnswer
{
	GlPool *pools;
	int pool_count;
	int uncovered_item; /* an item that no offer has (then there is no pool), or -1 */
	int64_t nodes;      /* search nodes spent */
} GlPoolAnswer;

/*
 * The first max_pools pools of the order above, nothing better missing. An
 * empty cart and a cart that cannot be covered have no pools (GL_OK).
 *
 * GL_LIMIT: the budget is spent, the answer holds the best pools found so far
 * (each a true pool of the cart with all its options, but better ones may be
 * missing). GL_STOPPED: answer is empty. GL_INVALID: error says what, "where"
 * is the index of the item or offer. stop may be NULL. Memory that the answer
 * points to is the arena's.
 */
extern GlStatus gl_pool_solve(const GlPoolProblem *problem, const GlArena *arena,
							  const GlStop *stop, GlPoolAnswer *answer, GlError *error);

#endif /* GL_POOL_SOLVER_H */
