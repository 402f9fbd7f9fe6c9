/*-------------------------------------------------------------------------
 *
 * selected_ways.h
 *	  The combinations of stores that deliver a pool, cheapest first.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_SELECTED_WAYS_H
#define GL_SELECTED_WAYS_H

#include "cart/offer.h"

/* A store that can deliver a group, at the least fee that it does so for. */
typedef struct GlCandidate
{
	const GlStore *store;
	int64 fee;
} GlCandidate;

/* One group of a pool. */
typedef struct GlCandidates
{
	const uint64 *items;
	int count;
	GlCandidate *candidates;
} GlCandidates;

/* A pool with the stores of its groups; each group has one at least. */
typedef struct GlServedPool
{
	int group_count;
	GlCandidates *groups;
} GlServedPool;

/* One store for each group. */
typedef struct GlWay
{
	const GlServedPool *pool;
	int64 fee;
	int *chosen; /* per group, an index of its candidates */
} GlWay;

typedef struct GlWayList
{
	int count;
	GlWay *ways;
} GlWayList;

/*
 * The first max ways over all pools: fewest groups, then least fee, then in the
 * order of the pools, then by the store ids group by group.  Sorts the
 * candidates.
 */
extern GlWayList gl_ways_rank(GlServedPool *pools, int pool_count, int max);

/* Adds an offer's store to a group's candidates; room is for as many as there are offers. */
extern void gl_candidates_add(GlCandidates *group, const GlOffer *offer);

#endif /* GL_SELECTED_WAYS_H */
