/*-------------------------------------------------------------------------
 *
 * solver_search.c
 *	  All covers of a component by a given number of sets, but for those whose
 *	  pools cannot be among the best.
 *
 * The search takes the open class that the fewest sets have and tries each of
 * these sets in order, forbidding it to the later branches: every cover is met
 * once, namely in the branch of the first of its sets that has the class. That
 * set is then also the one the class goes to: the sets before it are
 * forbidden. So the classes branched on lie in different groups, each group
 * costs at least what the cheapest set with its class costs, and the sum of
 * these is a lower bound of the pool's fee. (The fee of the branch's set is
 * none: what is left to a group may be served by a cheaper set.)
 *
 *-------------------------------------------------------------------------
 */
#include "pool/solver_internal.h"

#include <string.h>

#define NODES_PER_STOP_CHECK 256

typedef struct Search
{
	GlPoolWork *work;
	GlPoolComponent *component;
	int count; /* sets of a cover */
	int *chosen;
	int *branch_class; /* the class each was chosen for */
	int *sorted;       /* the chosen, ascending */
	uint64_t *covered; /* per depth: classes in a chosen set */
	uint64_t *single;  /* per depth: those in just one */
	uint64_t *allowed; /* per depth: sets not forbidden */
	uint64_t *scratch;
	int64_t *scratch_fees;
	bool deeper; /* covers by more sets are possible */
} Search;

static bool search_node(Search *search, int depth, int64_t bound);

/* See solver_internal.h. */
bool
gl_pool_spend_node(GlPoolWork *work)
{
	if (work->problem->budget > 0 && work->nodes >= work->problem->budget)
	{
		work->status = GL_LIMIT;
		return false;
	}
	if (work->nodes++ % NODES_PER_STOP_CHECK == 0 && work->stop != NULL &&
		work->stop->requested(work->stop->context))
	{
		work->status = GL_STOPPED;
		return false;
	}
	return true;
}

/*
 * Adds a set at a depth. False when it leaves one of the chosen without a
 * class of its own: the cover would be redundant, whatever else comes.
 */
static bool
choose_set(Search *search, int depth, int set)
{
	const GlPoolComponent *component = search->component;
	size_t words = (size_t) component->words;
	const uint64_t *items = component->sets + (size_t) set * words;
	const uint64_t *covered = search->covered + (size_t) depth * words;
	const uint64_t *single = search->single + (size_t) depth * words;
	uint64_t *next_covered = search->covered + (size_t) (depth + 1) * words;
	uint64_t *next_single = search->single + (size_t) (depth + 1) * words;
	size_t w;
	int i;

	for (w = 0; w < words; w++)
	{
		next_covered[w] = covered[w] | items[w];
		next_single[w] = (single[w] & ~items[w]) | (items[w] & ~covered[w]);
	}
	for (i = 0; i < depth; i++)
	{
		const uint64_t *other = component->sets + (size_t) search->chosen[i] * words;
		uint64_t own = 0;

		for (w = 0; w < words; w++)
			own |= other[w] & next_single[w];
		if (own == 0)
			return false;
	}
	search->chosen[depth] = set;
	return true;
}

/* Hands a complete cover on, its sets in ascending order. */
static bool
keep(Search *search, int64_t bound)
{
	int i;
	int j;

	for (i = 0; i < search->count; i++)
	{
		int set = search->chosen[i];

		for (j = i; j > 0 && search->sorted[j - 1] > set; j--)
			search->sorted[j] = search->sorted[j - 1];
		search->sorted[j] = set;
	}
	return gl_pool_keep_cover(search->work, search->component, search->sorted, search->count, bound,
							  search->scratch, search->scratch_fees);
}

/*
 * What the first set of a complete cover costs beyond the class it was chosen
 * for: it keeps all its items, so its group's options all contain it. set is
 * the last set, whose open classes cost last_fee.
 */
static int64_t
first_premium(const Search *search, int depth, int set, int64_t last_fee)
{
	const GlPoolComponent *component = search->component;
	int first = set;
	int64_t paid = last_fee;
	int i;

	for (i = 0; i < depth; i++)
	{
		if (search->chosen[i] < first)
		{
			first = search->chosen[i];
			paid = component->class_fee[search->branch_class[i]];
		}
	}
	return component->set_floor[first] - paid;
}

/* The allowed sets, of one word of them, that have every open class. */
static inline uint64_t
last_sets(const Search *search, int depth, int sw)
{
	const GlPoolComponent *component = search->component;
	const uint64_t *covered = search->covered + (size_t) depth * (size_t) component->words;
	const uint64_t *holders = component->holders + sw;
	uint64_t common = search->allowed[(size_t) depth * (size_t) component->set_words + (size_t) sw];
	int w;

	for (w = 0; w < component->words; w++)
	{
		uint64_t bits = component->all[w] & ~covered[w];

		for (; bits != 0 && common != 0; bits &= bits - 1)
		{
			size_t class = (size_t) (w * 64 + __builtin_ctzll(bits));

			common &= holders[class * (size_t) component->set_words];
		}
	}
	return common;
}

/* The fee of a group of the open classes at least; *open: how many they are. */
static int64_t
open_fee(const Search *search, int depth, int *open)
{
	const GlPoolComponent *component = search->component;
	const uint64_t *covered = search->covered + (size_t) depth * (size_t) component->words;
	int64_t fee = 0;
	int w;

	*open = 0;
	for (w = 0; w < component->words; w++)
	{
		uint64_t bits = component->all[w] & ~covered[w];

		for (; bits != 0; bits &= bits - 1, ++*open)
		{
			int64_t class_fee = component->class_fee[w * 64 + __builtin_ctzll(bits)];

			fee = class_fee > fee ? class_fee : fee;
		}
	}
	return fee;
}

/*
 * The last set of a cover: one that has every open class. If it comes after
 * the chosen ones in order, it gets just the open classes, and any other such
 * set would give the same pool.
 */
static bool
search_last(Search *search, int depth, int64_t bound)
{
	const GlPoolComponent *component = search->component;
	int64_t last_fee = -1; /* not known yet: mostly there is no last set */
	int latest = -1;       /* of the chosen sets, in order */
	int open;
	int sw;
	int i;

	for (i = 0; i < depth; i++)
		latest = search->chosen[i] > latest ? search->chosen[i] : latest;
	if (!search->deeper)
	{
		open_fee(search, depth, &open);
		search->deeper = open > 1;
	}
	for (sw = 0; sw < component->set_words; sw++)
	{
		uint64_t holders = last_sets(search, depth, sw);

		if (holders != 0 && last_fee < 0)
			last_fee = open_fee(search, depth, &open);
		for (; holders != 0; holders &= holders - 1)
		{
			int set = sw * 64 + __builtin_ctzll(holders);
			int64_t premium = first_premium(search, depth, set, last_fee);

			if (!gl_pool_spend_node(search->work))
				return false;
			if (gl_pool_is_too_dear(search->work, component, bound + last_fee + premium) ||
				!choose_set(search, depth, set))
				continue;
			if (!keep(search, bound + last_fee + premium))
				return false;
			if (set > latest)
				return true;
		}
	}
	return true;
}

/* The open class that the fewest allowed sets have. */
static int
rarest_class(const Search *search, int depth)
{
	const GlPoolComponent *component = search->component;
	const uint64_t *covered = search->covered + (size_t) depth * (size_t) component->words;
	const uint64_t *allowed = search->allowed + (size_t) depth * (size_t) component->set_words;
	int least = INT32_MAX;
	int rarest = -1;
	int sw;
	int w;

	for (w = 0; w < component->words; w++)
	{
		uint64_t bits = component->all[w] & ~covered[w];

		for (; bits != 0; bits &= bits - 1)
		{
			int class = w * 64 + __builtin_ctzll(bits);
			const uint64_t *holders =
				component->holders + (size_t) class * (size_t) component->set_words;
			int count = 0;

			for (sw = 0; sw < component->set_words && count < least; sw++)
				count += __builtin_popcountll(holders[sw] & allowed[sw]);
			if (count < least)
			{
				least = count;
				rarest = class;
			}
		}
	}
	return rarest;
}

/* One branch: the set is chosen, its class pays its least fee. */
static bool
search_branch(Search *search, int depth, int set, int64_t bound)
{
	const GlPoolComponent *component = search->component;
	size_t set_words = (size_t) component->set_words;
	uint64_t *allowed = search->allowed + (size_t) depth * set_words;

	allowed[set >> 6] &= ~(UINT64_C(1) << (set & 63));
	if (!choose_set(search, depth, set))
		return true;
	memcpy(allowed + set_words, allowed, set_words * sizeof(uint64_t));
	return search_node(search, depth + 1, bound);
}

/*
 * All covers that start with the depth sets chosen. bound: the fee of their
 * groups at least. False: see work->status.
 */
static bool
search_node(Search *search, int depth, int64_t bound)
{
	const GlPoolComponent *component = search->component;
	size_t set_words = (size_t) component->set_words;
	const uint64_t *covered = search->covered + (size_t) depth * (size_t) component->words;
	uint64_t *allowed = search->allowed + (size_t) depth * set_words;
	int class;
	int sw;

	if (!gl_pool_spend_node(search->work))
		return false;
	if (gl_pool_contains(covered, component->all, component->words))
		return true; /* covered by fewer sets: of an earlier level */
	if (depth == search->count - 1)
		return search_last(search, depth, bound);
	class = rarest_class(search, depth);
	if (component->class_fee[class] == INT64_MAX)
		return true; /* only the whole has it */
	bound += component->class_fee[class];
	search->branch_class[depth] = class;
	for (sw = 0; sw < component->set_words; sw++)
	{
		uint64_t holders =
			allowed[sw] & component->holders[(size_t) class * set_words + (size_t) sw];

		for (; holders != 0; holders &= holders - 1)
		{
			if (gl_pool_is_too_dear(search->work, component,
									bound + (search->count - depth - 1) * component->least_fee))
			{
				search->deeper = true;
				return true;
			}
			if (!search_branch(search, depth, sw * 64 + __builtin_ctzll(holders), bound))
				return false;
		}
	}
	return true;
}

/* Memory for a search of covers by count sets. */
static bool
search_prepare(Search *search, GlPoolWork *work, GlPoolComponent *component, int count)
{
	size_t depths = (size_t) count + 1;
	size_t words = (size_t) component->words;
	size_t set_words = (size_t) component->set_words;
	int i;

	search->work = work;
	search->component = component;
	search->count = count;
	search->deeper = false;
	search->chosen = gl_pool_allocate(work, depths, sizeof(int));
	search->branch_class = gl_pool_allocate(work, depths, sizeof(int));
	search->sorted = gl_pool_allocate(work, depths, sizeof(int));
	search->covered = gl_pool_allocate(work, depths * words, sizeof(uint64_t));
	search->single = gl_pool_allocate(work, depths * words, sizeof(uint64_t));
	search->allowed = gl_pool_allocate(work, depths * set_words, sizeof(uint64_t));
	search->scratch = gl_pool_allocate(work, depths * words, sizeof(uint64_t));
	search->scratch_fees = gl_pool_allocate(work, depths, sizeof(int64_t));
	if (work->status == GL_NO_MEMORY)
		return false;
	for (i = 0; i < component->set_count; i++)
		gl_pool_bit_add(search->allowed, i);
	return true;
}

/* The pool of the one set that is the whole component. */
static bool
keep_whole(GlPoolWork *work, GlPoolComponent *component)
{
	GlPoolEntry *entry = gl_pool_allocate(work, 1, sizeof(GlPoolEntry));

	component->entries = gl_pool_allocate(work, 1, sizeof(GlPoolEntry *));
	if (entry == NULL || component->entries == NULL)
		return false;
	entry->group_count = 1;
	entry->fee = component->whole_fee;
	entry->groups = component->all;
	entry->group_fees = &component->whole_fee;
	component->entries[0] = entry;
	component->entry_count = 1;
	component->entry_capacity = 1;
	return true;
}

/* See solver_internal.h. */
bool
gl_pool_search_level(GlPoolWork *work, GlPoolComponent *component)
{
	int count = component->level + 1;
	Search search;

	if (count == 1)
	{
		if (component->has_whole && !keep_whole(work, component))
			return false;
		component->exhausted = component->class_count == 1;
	}
	else if (count == 2)
	{
		if (!gl_pool_search_pairs(work, component))
			return false;
		component->exhausted = component->class_count == 2;
	}
	else
	{
		if (component->set_floor == NULL && !gl_pool_floors_build(work, component))
			return false;
		if (!search_prepare(&search, work, component, count) || !search_node(&search, 0, 0))
			return false;
		component->exhausted = !search.deeper || count == component->class_count;
	}
	component->level = count;
	if (component->entry_count == work->problem->max_pools)
		component->exhausted = true; /* what comes later is not asked for */
	return true;
}

/* Drops sets of a cover that the others make redundant, the smallest first; returns how many stay. */
static int
drop_redundant(const GlPoolComponent *component, int *cover, int count, uint64_t *rest)
{
	int i;
	int j;
	int w;

	for (i = count - 1; i >= 0; i--)
	{
		const uint64_t *set = component->sets + (size_t) cover[i] * (size_t) component->words;

		memset(rest, 0, sizeof(uint64_t) * (size_t) component->words);
		for (j = 0; j < count; j++)
		{
			for (w = 0; w < component->words && j != i; w++)
				rest[w] |=
					component->sets[(size_t) cover[j] * (size_t) component->words + (size_t) w];
		}
		if (!gl_pool_contains(rest, set, component->words))
			continue;
		count--;
		memmove(cover + i, cover + i + 1, sizeof(int) * (size_t) (count - i));
	}
	return count;
}

/* See solver_internal.h: the sets in order, as long as they bring something new. */
bool
gl_pool_search_any(GlPoolWork *work, GlPoolComponent *component)
{
	Search search;
	int count = 0;
	int i;
	int w;

	if (component->entry_count > 0)
		return true;
	if (component->has_whole)
		return keep_whole(work, component);
	if (!search_prepare(&search, work, component, component->class_count))
		return false;
	for (i = 0; i < component->set_count; i++)
	{
		const uint64_t *set = component->sets + (size_t) i * (size_t) component->words;

		if (gl_pool_contains(search.covered, set, component->words))
			continue;
		for (w = 0; w < component->words; w++)
			search.covered[w] |= set[w];
		search.chosen[count++] = i;
	}
	count = drop_redundant(component, search.chosen, count, search.single);
	return gl_pool_keep_cover(work, component, search.chosen, count, 0, search.scratch,
							  search.scratch_fees);
}
