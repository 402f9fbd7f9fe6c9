/*-------------------------------------------------------------------------
 *
 * bench_pool_solver.c
 *	  How long the pool solver takes, over many random carts per size.
 *
 *	  cc -O2 -Isrc test/bench/bench_pool_solver.c src/pool/solver*.c
 *	  ./a.out [carts [seed [only]]]
 *
 * Prints per row the mean, the median and the worst CPU time of gl_pool_solve
 * in microseconds, where a cart's time is the least of three calls (a
 * neighbour's interrupt is no property of the solver), the mean number of
 * distinct sets, of search nodes and of groups of the best pool, and how many
 * answers the budget cut short. "only" picks the rows whose "name items fees"
 * contains it. It is no timed test: only an unsound answer fails.
 *
 * The carts. The order of the items' ids is random. Items belong to the
 * merchants in turn and have 1 or 2 of 8 categories and 0 to 3 of 10 tags.
 * Stores belong to the merchants in turn and have 8 rules each: half of the
 * rules take any item, a quarter those with any of 1 to 4 categories, a quarter
 * those with any of 1 to 4 tags (of 4 drawn, two may be the same). "stock":
 * every store lacks each item with a probability of 3 %, so that hardly two
 * stores have equal sets. Fees: "cents" are 4.99 to 14.98, "few" is one of seven
 * usual prices, "equal" is the same for all. Every offer stands for a rule
 * with an open slot: 7 days of 8 slots make no difference to the solver. Each
 * offer has a bitset of its own, as get_pools hands them over. 10 pools are
 * asked for, the budget is the default of ganje_logistics.pool_budget.
 *
 * Hostile carts, a hundredth as many, fees all equal (ties everywhere) or in
 * cents: "overlap": intervals of a quarter of the items, with which no two
 * cover; "nested": prefixes and suffixes that do not meet, and scattered
 * sets for the middle; "singletons": 64 items that no set joins; "chain": sets
 * of two neighbours; "random": scattered sets of about an eighth of the items.
 *
 *-------------------------------------------------------------------------
 */
#include "pool/solver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RULES 8
#define CATEGORIES 8
#define TAGS 10
#define ITEMS_MAX 200
#define WORDS_MAX ((ITEMS_MAX + 63) / 64)
#define OFFERS_MAX 40000
#define BUDGET 2000000
#define CALLS 3
#define ARENA_SIZE (size_t)(64 << 20)

typedef enum Fees
{
	FEES_CENTS,
	FEES_FEW,
	FEES_EQUAL,
	FEES_KINDS
} Fees;

/* One row: what its carts are like. */
typedef struct Shape
{
	const char *name;
	int items;
	int stores; /* of hostile carts: offers */
	int merchants;
	int missing; /* percent of items that a store lacks */
	Fees fees;
	void (*make)(const struct Shape *shape); /* NULL: stores with rules */
} Shape;

static const char *const fee_names[] = {"cents", "few", "equal"};
static uint64_t random_state;
static GlPoolOffer offers[OFFERS_MAX];
static uint64_t bits[OFFERS_MAX][WORDS_MAX];
static int ranks[ITEMS_MAX];
static char *arena_memory;
static size_t arena_used;

/* A number below limit (splitmix64). */
static int
pick(int limit)
{
	uint64_t z = (random_state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return (int) ((z ^ (z >> 31)) % (uint64_t) limit);
}

/* Memory from one block that every call starts anew, as a memory context of the server would. */
static void *
bump(void *context, size_t size)
{
	void *memory = arena_memory + arena_used;

	(void) context;
	size = (size + 15) & ~(size_t) 15;
	if (size > ARENA_SIZE - arena_used)
		return NULL;
	arena_used += size;
	return memory;
}

/* CPU time of this process in microseconds. */
static double
cpu_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double) now.tv_sec * 1e6 + (double) now.tv_nsec / 1e3;
}

static int
random_fee(Fees fees)
{
	static const int few[] = {0, 299, 499, 599, 699, 899, 999};

	switch (fees)
	{
		case FEES_CENTS:
			return 499 + pick(1000);
		case FEES_FEW:
			return few[pick(7)];
		default:
			return 500;
	}
}

static void
add_item(int offer, int item)
{
	bits[offer][item / 64] |= UINT64_C(1) << (item % 64);
}

/* count values below limit, as bits; a value may come up twice. */
static unsigned
pick_values(int count, int limit)
{
	unsigned values = 0;

	while (count-- > 0)
		values |= 1u << pick(limit);
	return values;
}

/* Stores with rules. */
static void
make_stores(const Shape *shape)
{
	unsigned categories[ITEMS_MAX];
	unsigned tags[ITEMS_MAX];
	uint64_t lacking[WORDS_MAX];
	int s;
	int i;
	int r;

	for (i = 0; i < shape->items; i++)
	{
		categories[i] = pick_values(1 + pick(2), CATEGORIES);
		tags[i] = pick_values(pick(4), TAGS);
	}
	for (s = 0; s < shape->stores; s++)
	{
		memset(lacking, 0, sizeof(lacking));
		for (i = 0; i < shape->items; i++)
			lacking[i / 64] |= (uint64_t) (pick(100) < shape->missing) << (i % 64);
		for (r = 0; r < RULES; r++)
		{
			int offer = s * RULES + r;
			int kind = pick(4);
			unsigned only_categories = kind == 2 ? pick_values(1 + pick(4), CATEGORIES) : 0;
			unsigned only_tags = kind == 3 ? pick_values(1 + pick(4), TAGS) : 0;

			for (i = s % shape->merchants; i < shape->items; i += shape->merchants)
			{
				if ((kind < 2 || (categories[i] & only_categories) != 0 ||
					 (tags[i] & only_tags) != 0) &&
					(lacking[i / 64] >> (i % 64) & 1) == 0)
					add_item(offer, i);
			}
			offers[offer].fee = random_fee(shape->fees);
		}
	}
}

static void
make_overlap(const Shape *shape)
{
	int o;
	int i;

	for (o = 0; o < shape->stores; o++)
	{
		int first = pick(shape->items);
		int size = shape->items / 5 + pick(shape->items / 10);

		for (i = 0; i < size; i++)
			add_item(o, (first + i) % shape->items);
	}
}

static void
make_nested(const Shape *shape)
{
	int third = shape->items / 3;
	int o;
	int i;

	for (o = 0; o < shape->stores; o++)
	{
		int size = 1 + pick(third);

		for (i = 0; i < size; i++)
		{
			if (o % 3 < 2)
				add_item(o, o % 3 == 0 ? i : shape->items - 1 - i);
			else
				add_item(o, third - 2 + pick(shape->items - 2 * third + 4));
		}
	}
}

static void
make_singletons(const Shape *shape)
{
	int o;

	for (o = 0; o < shape->stores; o++)
		add_item(o, o % shape->items);
}

static void
make_chain(const Shape *shape)
{
	int o;

	for (o = 0; o < shape->stores; o++)
	{
		add_item(o, o % shape->items);
		add_item(o, (o + 1) % shape->items);
	}
}

static void
make_random(const Shape *shape)
{
	int o;
	int i;

	for (o = 0; o < shape->stores; o++)
	{
		add_item(o, o % shape->items);
		for (i = 0; i < shape->items / 8; i++)
			add_item(o, pick(shape->items));
	}
}

/* Fills offers; returns how many. */
static int
make_cart(const Shape *shape)
{
	int count = shape->make == NULL ? shape->stores * RULES : shape->stores;
	int words = GL_POOL_WORDS(shape->items);
	int i;

	for (i = 0; i < shape->items; i++)
	{
		int other = pick(i + 1);

		ranks[i] = ranks[other];
		ranks[other] = i;
	}
	memset(bits, 0, sizeof(bits[0]) * (size_t) count);
	for (i = 0; i < count; i++)
	{
		offers[i].items = bits[i];
		if (shape->make != NULL)
			offers[i].fee = random_fee(shape->fees);
	}
	if (shape->make == NULL)
		make_stores(shape);
	else
		shape->make(shape);
	/* The solver's bitsets are dense: move them to where its words end. */
	for (i = 0; i < count && words < WORDS_MAX; i++)
	{
		uint64_t *dense = &bits[0][0] + (size_t) i * (size_t) words;

		memmove(dense, bits[i], sizeof(uint64_t) * (size_t) words);
		offers[i].items = dense;
	}
	return count;
}

static int
compare_bits(const void *left, const void *right)
{
	return memcmp(left, right, sizeof(bits[0]));
}

/* The number of distinct sets. */
static int
count_sets(int count, int words)
{
	static uint64_t copy[OFFERS_MAX][WORDS_MAX];
	int distinct = 0;
	int i;

	memset(copy, 0, sizeof(copy[0]) * (size_t) count);
	for (i = 0; i < count; i++)
		memcpy(copy[i], offers[i].items, sizeof(uint64_t) * (size_t) words);
	qsort(copy, (size_t) count, sizeof(copy[0]), compare_bits);
	for (i = 0; i < count; i++)
		distinct += i == 0 || compare_bits(copy[i - 1], copy[i]) != 0;
	return distinct;
}

/* Whether every pool is a partition of the cart into groups with options. */
static bool
is_sound(const Shape *shape, const GlPoolAnswer *answer)
{
	int i;
	int g;
	int w;

	for (i = 0; i < answer->pool_count; i++)
	{
		uint64_t seen[WORDS_MAX] = {0};
		int items = 0;

		for (g = 0; g < answer->pools[i].group_count; g++)
		{
			const GlPoolGroup *group = &answer->pools[i].groups[g];

			for (w = 0; w < GL_POOL_WORDS(shape->items); w++)
			{
				if ((seen[w] & group->items[w]) != 0 || group->option_count == 0)
					return false;
				seen[w] |= group->items[w];
				items += __builtin_popcountll(group->items[w]);
			}
		}
		if (items != shape->items)
			return false;
	}
	return answer->pool_count > 0 || answer->uncovered_item >= 0;
}

static int
compare_times(const void *left, const void *right)
{
	double a = *(const double *) left;
	double b = *(const double *) right;

	return (a > b) - (a < b);
}

/* Runs one row. False: an answer was unsound. */
static bool
run_shape(const Shape *shape, int carts)
{
	GlArena arena = {bump, NULL};
	double *times = malloc(sizeof(double) * (size_t) carts);
	double sum = 0;
	double nodes = 0;
	double sets = 0;
	double groups = 0;
	int limited = 0;
	bool sound = true;
	int i;
	int call;

	for (i = 0; i < carts && times != NULL; i++)
	{
		int count = make_cart(shape);
		GlPoolProblem problem = {shape->items, ranks, offers, count, 10, BUDGET};
		GlPoolAnswer answer;
		GlError error;
		GlStatus status = GL_OK;

		for (call = 0; call < CALLS && (call == 0 || times[i] < 1e5); call++)
		{
			double start = cpu_time();
			double taken;

			arena_used = 0;
			status = gl_pool_solve(&problem, &arena, NULL, &answer, &error);
			taken = cpu_time() - start;
			if (call == 0 || taken < times[i])
				times[i] = taken;
		}
		sound = sound && (status == GL_OK || status == GL_LIMIT) && is_sound(shape, &answer);
		limited += status == GL_LIMIT;
		sum += times[i];
		nodes += (double) answer.nodes;
		sets += count_sets(count, GL_POOL_WORDS(shape->items));
		groups += answer.pool_count > 0 ? answer.pools[0].group_count : 0;
	}
	if (times == NULL)
		return false;
	qsort(times, (size_t) carts, sizeof(double), compare_times);
	printf("%-18s %3d x %-4d %-5s %9.0f %9.0f %9.0f %7.0f %9.0f %7.1f %5d%s\n", shape->name,
		   shape->items, shape->stores, fee_names[shape->fees], sum / carts, times[carts / 2],
		   times[carts - 1], sets / carts, nodes / carts, groups / carts, limited,
		   sound ? "" : "  UNSOUND");
	fflush(stdout);
	free(times);
	return sound;
}

int
main(int argc, char **argv)
{
	static const Shape shapes[] = {
		{"stores", 10, 50, 1, 0, FEES_KINDS, NULL},
		{"stores, stock", 10, 50, 1, 3, FEES_KINDS, NULL},
		{"stores", 50, 200, 1, 0, FEES_KINDS, NULL},
		{"stores, stock", 50, 200, 1, 3, FEES_KINDS, NULL},
		{"stores", 200, 1000, 1, 0, FEES_KINDS, NULL},
		{"stores, stock", 200, 1000, 1, 3, FEES_KINDS, NULL},
		{"merchants", 200, 5000, 5, 0, FEES_KINDS, NULL},
		{"merchants, stock", 200, 5000, 5, 3, FEES_KINDS, NULL},
		{"overlap", 60, 300, 1, 0, FEES_KINDS, make_overlap},
		{"nested", 60, 300, 1, 0, FEES_KINDS, make_nested},
		{"singletons", 64, 640, 1, 0, FEES_KINDS, make_singletons},
		{"chain", 64, 256, 1, 0, FEES_KINDS, make_chain},
		{"random", 60, 300, 1, 0, FEES_KINDS, make_random},
	};
	int carts = argc > 1 ? atoi(argv[1]) : 1000;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	bool sound = true;
	size_t s;

	arena_memory = malloc(ARENA_SIZE);
	if (arena_memory == NULL || carts < 1)
		return EXIT_FAILURE;
	memset(arena_memory, 1, ARENA_SIZE);
	printf("seed %llu, %d carts per row (hostile: %d)\n", (unsigned long long) seed, carts,
		   carts / 100 + 1);
	printf("%-18s %-10s %-5s %9s %9s %9s %7s %9s %7s %5s\n", "carts", "size", "fees", "mean us",
		   "median", "worst", "sets", "nodes", "groups", "limit");
	for (s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++)
	{
		Shape shape = shapes[s];

		for (shape.fees = FEES_CENTS; shape.fees < FEES_KINDS; shape.fees++)
		{
			char name[80];

			snprintf(name, sizeof(name), "%s %d %s", shape.name, shape.items,
					 fee_names[shape.fees]);
			random_state = seed;
			if (argc <= 3 || strstr(name, argv[3]) != NULL)
				sound = run_shape(&shape, shape.make == NULL ? carts : carts / 100 + 1) && sound;
		}
	}
	return sound ? EXIT_SUCCESS : EXIT_FAILURE;
}
