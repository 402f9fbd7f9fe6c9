/*-------------------------------------------------------------------------
 *
 * pool_brute_force.h
 *	  The pools of a small cart, written straight from the definition in
 *	  src/pool/solver.h with no thought of speed: the judge of the solver.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_POOL_BRUTE_FORCE_H
#define GL_POOL_BRUTE_FORCE_H

#include "pool/solver.h"

#define BRUTE_ITEMS_MAX 256
#define BRUTE_SETS_MAX 12
#define BRUTE_OFFERS_MAX 90

typedef struct BruteGroup
{
	bool has[BRUTE_ITEMS_MAX]; /* by rank, not by cart order */
	int64_t fee;
	int options[BRUTE_OFFERS_MAX];
	int option_count;
} BruteGroup;

typedef struct BrutePool
{
	BruteGroup groups[BRUTE_SETS_MAX];
	int group_count;
	int64_t fee;
} BrutePool;

/*
 * All pools of the cart of at most "most" groups (BRUTE_SETS_MAX at most), in
 * order (max_pools and budget are not looked at); *count of them.
 */
extern BrutePool *brute_solve(const GlPoolProblem *problem, int most, int *count);

/*
 * The fewest blocks of any partition of the items in which every block is
 * inside some offer's set, or -1. At most 10 items.
 */
extern int brute_fewest_blocks(const GlPoolProblem *problem);

#endif /* GL_POOL_BRUTE_FORCE_H */
