/*-------------------------------------------------------------------------
 *
 * solver_covers.c
 *	  All covers of a component by three sets or more, but for those whose
 *	  pools cannot be among the best.
 *
 * The search first takes the set of the cover that is first in order. It keeps
 * all its items, so what its group costs at least is known to the cent: the
 * least fee of a set that contains it. These sets are tried by that fee, so
 * good pools come early and most sets are never tried; one with too few items
 * cannot be first at all.
 *
 * Then, among the sets after it, the search takes the open class that the
 * fewest sets have and tries each of these, forbidding it to the later
 * branches: every cover is met once, namely in the branch of the first of its
 * sets that has the class. That set is then also the one the class goes to:
 * the sets before it are forbidden, and the first of all lacks the class. So
 * the classes branched on lie in different groups, each group costs at least
 * what the cheapest set with its class costs, and the sum of these is a lower
 * bound of the pool's fee. (The fee of the branch's set is none: what is left
 * to a group may be served by a cheaper set.)
 *
 *-------------------------------------------------------------------------
 */
#include "pool/solver_internal.h"

#include <string.h>

typedef struct Search
{
	GlPoolWork *work;
	GlPoolComponent *component;
	int count;         /* sets of a cover */
	int64_t first_fee; /* what the first chosen set's group costs at least */
	int *chosen;
	int *sorted;       /* the chosen, ascending */
	int *classes;      /* scratch */
	uint64_t *covered; /* per depth: classes in a chosen set */
	uint64_t *single;  /* per depth: those in just one */
	uint64_t *allowed; /* per depth: sets not forbidden */
	uint64_t *tried;   /* of the node whose branches get their last set: see search_last */
	uint64_t *scratch;
	int64_t *scratch_fees;
	bool deeper; /* covers by more sets are possible */
} Search;

static bool search_node(Search *search, int depth, int64_t bound);

/*
 * Adds a set at a depth. False when it leaves one of the chosen without a
 * class of its own: the cover would be redundant, whatever else comes.
 */
static bool
choose_set(Search *search, int depth, int set)
{
	const GlPoolComponent *component = search->component;
	size_t words = (size_t) component->words;
	const uint64_t *items = component->ordered_sets + (size_t) set * words;
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
		const uint64_t *other = component->ordered_sets + (size_t) search->chosen[i] * words;
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
keep(Search *search)
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
	return gl_pool_keep_cover(search->work, search->component, search->sorted, search->count,
							  search->first_fee, search->scratch, search->scratch_fees);
}

/* The open classes into search->classes; *dearest: the most that the cheapest set of one costs. */
static int
list_open(Search *search, int depth, int64_t *dearest)
{
	const GlPoolComponent *component = search->component;
	const uint64_t *covered = search->covered + (size_t) depth * (size_t) component->words;
	int count = 0;
	int w;

	*dearest = 0;
	for (w = 0; w < component->words; w++)
	{
		uint64_t bits = component->all[w] & ~covered[w];

		for (; bits != 0; bits &= bits - 1)
		{
			int class = w * 64 + __builtin_ctzll(bits);

			if (component->class_fee[class] > *dearest)
				*dearest = component->class_fee[class];
			search->classes[count++] = class;
		}
	}
	return count;
}

/*
 * Whether the pools of the count chosen sets cannot be listed any more because
 * of the group of the first class: where fees are equal it decides nearly all
 * comparisons. What the sets do not cover is taken for one more group.
 */
static bool
is_first_group_late(const Search *search, int count, int64_t bound)
{
	const GlPoolComponent *component = search->component;
	size_t words = (size_t) component->words;
	const uint64_t *items = component->all;
	uint64_t *group = search->scratch;
	int owner = component->set_count; /* the first set in order that has the class */
	size_t w;
	int i;

	if (bound < gl_pool_fee_limit(search->work, component))
		return false;
	for (i = 0; i < count; i++)
	{
		const uint64_t *set = component->ordered_sets + (size_t) search->chosen[i] * words;

		if (search->chosen[i] < owner && (set[0] & 1) != 0)
		{
			owner = search->chosen[i];
			items = set;
		}
	}
	for (w = 0; w < words; w++)
	{
		uint64_t taken = 0;

		for (i = 0; i < count; i++)
		{
			if (search->chosen[i] < owner)
				taken |= component->ordered_sets[(size_t) search->chosen[i] * words + w];
		}
		group[w] = items[w] & ~taken;
	}
	return gl_pool_is_late(search->work, component, search->count, bound, group, 1);
}

/*
 * The last set of a cover: one that has every open class. If it comes after
 * the chosen ones in order, it gets just the open classes, and any other such
 * set would give the same pool. If it comes only before the set chosen just
 * now, that one gets what all others leave: whichever of the node's branches
 * that is, the pool is the same, and the node need not meet it again.
 */
static bool
search_last(Search *search, int depth, int64_t bound)
{
	const GlPoolComponent *component = search->component;
	const uint64_t *allowed = search->allowed + (size_t) depth * (size_t) component->set_words;
	int latest = search->chosen[0]; /* of the chosen sets, in order */
	int end = component->set_count; /* where the last set ends to be of use */
	int64_t limit = gl_pool_fee_limit(search->work, component) - bound;
	int64_t fee;
	int open = list_open(search, depth, &fee);
	bool shared; /* the set chosen just now is the latest */
	int sw;
	int i;

	search->deeper |= open > 1;
	if (open == 0 || fee > limit)
		return true; /* covered by fewer sets, thus of an earlier level, or too dear */
	fee = gl_pool_least_fee(component, search->classes, open, limit);
	if (fee < 0)
		return true;
	bound += fee;
	for (i = 1; i < depth; i++)
		latest = search->chosen[i] > latest ? search->chosen[i] : latest;
	shared = latest == search->chosen[depth - 1];
	if (is_first_group_late(search, depth, bound))
		end = latest;
	for (sw = search->chosen[0] / 64; sw * 64 < end; sw++)
	{
		uint64_t common =
			gl_pool_common(component, component->ordered_holders, sw, search->classes, open);

		common &= allowed[sw];
		if (shared)
			common &= ~search->tried[sw];
		for (; common != 0; common &= common - 1)
		{
			int set = sw * 64 + __builtin_ctzll(common);

			if (set >= end)
				return true;
			if (!gl_pool_spend_node(search->work, component))
				return false;
			if (!choose_set(search, depth, set))
				continue;
			if (shared && set < latest)
				gl_pool_bit_add(search->tried, set);
			if (!(set < latest && is_first_group_late(search, depth + 1, bound)) && !keep(search))
				return false;
			if (set > latest)
				return true;
		}
	}
	return true;
}

/* The class, of the open ones listed, that the fewest allowed sets have. */
static int
rarest_class(const Search *search, int depth, int open)
{
	const GlPoolComponent *component = search->component;
	const uint64_t *allowed = search->allowed + (size_t) depth * (size_t) component->set_words;
	int least = INT32_MAX;
	int rarest = -1;
	int sw;
	int i;

	for (i = 0; i < open; i++)
	{
		const uint64_t *holders = component->ordered_holders + search->classes[i];
		int count = 0;

		for (sw = search->chosen[0] / 64; sw < component->set_words && count < least; sw++)
			count += gl_pool_bit_count(holders[(size_t) sw * (size_t) component->class_count] &
									   allowed[sw]);
		if (count < least)
		{
			least = count;
			rarest = search->classes[i];
		}
	}
	return rarest;
}

/* One branch: the set is chosen, its class pays its least fee. */
static bool
search_branch(Search *search, int depth, int set, int64_t bound)
{
	size_t set_words = (size_t) search->component->set_words;
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
	const uint64_t *allowed = search->allowed + (size_t) depth * set_words;
	int64_t dearest;
	int64_t others = (search->count - depth - 1) * component->least_fee;
	int open;
	int class;
	int sw;

	if (!gl_pool_spend_node(search->work, component))
		return false;
	if (depth == search->count - 1)
		return search_last(search, depth, bound);
	open = list_open(search, depth, &dearest);
	if (open <= search->count - depth - 1)
		return true; /* too few for a class of its own in every further set */
	if (gl_pool_is_too_dear(search->work, component, bound + dearest + others))
	{
		search->deeper = true;
		return true;
	}
	class = rarest_class(search, depth, open);
	memset(search->tried, 0, set_words * sizeof(uint64_t));
	for (sw = search->chosen[0] / 64; sw < component->set_words; sw++)
	{
		uint64_t holders =
			allowed[sw] &
			component
				->ordered_holders[(size_t) sw * (size_t) component->class_count + (size_t) class];

		for (; holders != 0; holders &= holders - 1)
		{
			if (!search_branch(search, depth, sw * 64 + __builtin_ctzll(holders),
							   bound + component->class_fee[class]))
				return false;
			if (gl_pool_is_too_dear(search->work, component, bound + dearest + others))
				return true;
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

	search->work = work;
	search->component = component;
	search->count = count;
	search->deeper = false;
	search->chosen = gl_pool_allocate(work, depths, sizeof(int));
	search->sorted = gl_pool_allocate(work, depths, sizeof(int));
	search->classes = gl_pool_allocate(work, (size_t) component->class_count, sizeof(int));
	search->covered = gl_pool_allocate_zeroed(work, depths * words, sizeof(uint64_t));
	search->single = gl_pool_allocate_zeroed(work, depths * words, sizeof(uint64_t));
	search->allowed = gl_pool_allocate(work, depths * set_words, sizeof(uint64_t));
	search->tried = gl_pool_allocate(work, set_words, sizeof(uint64_t));
	search->scratch = gl_pool_allocate(work, depths * words, sizeof(uint64_t));
	search->scratch_fees = gl_pool_allocate(work, depths, sizeof(int64_t));
	return work->status == GL_OK;
}

/*
 * The sets that have items enough to be the first of a cover, by the least fee
 * of a set that contains them; *count: how many. NULL: see work->status.
 */
static GlPoolKey *
list_firsts(Search *search, int *count)
{
	GlPoolWork *work = search->work;
	const GlPoolComponent *component = search->component;
	GlPoolKey *firsts = gl_pool_allocate(work, (size_t) component->set_count, sizeof(GlPoolKey));
	GlPoolKey *spare = gl_pool_allocate(work, (size_t) component->set_count, sizeof(GlPoolKey));
	int i;

	if (work->status != GL_OK)
		return NULL;
	for (i = 0; i < component->set_count; i++)
	{
		const uint64_t *set = component->ordered_sets + (size_t) i * (size_t) component->words;
		int classes = gl_pool_list_classes(component, set, search->classes);

		if (component->ordered_sizes[i] * search->count < component->item_count)
			break; /* and all after it are no larger */
		if (!gl_pool_spend_effort(work, component))
			return NULL;
		firsts[i].place = i;
		firsts[i].key =
			(uint64_t) gl_pool_least_fee(component, search->classes, classes, INT64_MAX);
	}
	search->deeper = i < component->set_count;
	gl_pool_keys_sort(firsts, spare, (size_t) i);
	*count = i;
	return firsts;
}

/*
 * Whether no pool with this first set can be listed any more because of the
 * group of the first class, where the fees leave nothing but the items to
 * decide. If the set has that class, it is the group. If not, and what it
 * leaves lacks a class of the last listed pool's group before it has another
 * one, then the group has to be a beginning of that group, up to there; and of
 * a cover by three the rest has to go to one set.
 */
static bool
is_first_late(Search *search, int set, int64_t fee)
{
	const GlPoolComponent *component = search->component;
	const uint64_t *items = component->ordered_sets + (size_t) set * (size_t) component->words;
	int64_t bound = fee + (search->count - 1) * component->least_fee;
	const GlPoolEntry *last;
	uint64_t others = 0;
	uint64_t differ = 0;
	int count = 0;
	int w;

	search->chosen[0] = set;
	if (bound < gl_pool_fee_limit(search->work, component))
		return false;
	if ((items[0] & 1) != 0)
		return is_first_group_late(search, 1, bound);
	last = component->entries[component->entry_count - 1];
	if (search->count != 3 || last->group_count != 3)
		return false;
	for (w = 0; w < component->words; w++)
	{
		others = component->all[w] & ~items[w];
		if (differ == 0)
		{
			differ = others ^ last->groups[w];
			if ((differ & (0 - differ) & others) != 0)
				return false;
			others &= differ == 0 ? 0 : ~((differ & (0 - differ)) - 1);
		}
		for (; others != 0; others &= others - 1)
			search->classes[count++] = w * 64 + __builtin_ctzll(others);
	}
	return differ != 0 && gl_pool_find_superset(component, component->ordered_holders,
												search->classes, count, set + 1) < 0;
}

/* See solver_internal.h. */
bool
gl_pool_search_covers(GlPoolWork *work, GlPoolComponent *component)
{
	size_t set_words = (size_t) component->set_words;
	int count = component->level + 1;
	Search search;
	GlPoolKey *firsts;
	int first_count;
	int i;
	int set;

	if (!gl_pool_order_sets(work, component) || !search_prepare(&search, work, component, count))
		return false;
	firsts = list_firsts(&search, &first_count);
	if (firsts == NULL)
		return false;
	for (i = 0; i < first_count; i++)
	{
		int64_t fee = (int64_t) firsts[i].key;

		if (gl_pool_is_too_dear(work, component, fee + (count - 1) * component->least_fee))
		{
			search.deeper = true;
			break;
		}
		if (!gl_pool_spend_effort(work, component))
			return false;
		search.first_fee = fee;
		if (is_first_late(&search, firsts[i].place, fee))
			continue;
		memset(search.allowed + set_words, 0, set_words * sizeof(uint64_t));
		for (set = firsts[i].place + 1; set < component->set_count; set++)
			gl_pool_bit_add(search.allowed + set_words, set);
		if (choose_set(&search, 0, firsts[i].place) && !search_node(&search, 1, fee))
			return false;
	}
	component->exhausted = !search.deeper || count == component->class_count;
	return true;
}
