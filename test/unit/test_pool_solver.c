/*-------------------------------------------------------------------------
 *
 * test_pool_solver.c
 *	  The pool solver against a brute force on random carts, and its edges.
 *
 * Usage: test_pool_solver [seed [carts]]. The seed is printed, so that a
 * failure can be repeated.
 *
 *-------------------------------------------------------------------------
 */
#include "check.h"
#include "pool_brute_force.h"

#include <string.h>
#include <time.h>

static const GlArena arena = {check_alloc, NULL};
static uint64_t random_state;

/* A number below limit (splitmix64). */
static int
pick(int limit)
{
	uint64_t z = (random_state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return (int) ((z ^ (z >> 31)) % (uint64_t) limit);
}

/* A random cart, with room for what it points to. */
typedef struct Cart
{
	GlPoolProblem problem;
	GlPoolOffer offers[BRUTE_OFFERS_MAX];
	uint64_t items[BRUTE_OFFERS_MAX][BRUTE_ITEMS_MAX / 64];
	int rank[BRUTE_ITEMS_MAX];
} Cart;

/* A random permutation as the items' ranks, or cart order. */
static void
make_ranks(Cart *cart)
{
	int i;

	cart->problem.item_rank = pick(3) == 0 ? NULL : cart->rank;
	for (i = 0; i < cart->problem.item_count; i++)
	{
		int other = pick(i + 1);

		cart->rank[i] = cart->rank[other];
		cart->rank[other] = i;
	}
}

/*
 * A cart of base items, each of which stands for 1 .. copies items that are
 * always together; offers share at most set_limit sets, each within one of the
 * parts into which the items are dealt. Fees are few, so that
 * ties are common.
 */
static void
make_cart(Cart *cart, int base_limit, int set_limit, int copies, int parts)
{
	int base = 1 + pick(base_limit);
	int set_count = parts + pick(set_limit + 1 - parts);
	int fee_limit = pick(3) == 0 ? 1000 : 1 + pick(4);
	int density = 1 + pick(3);
	uint64_t sets[BRUTE_SETS_MAX][BRUTE_ITEMS_MAX / 64];
	int i;
	int s;

	memset(cart, 0, sizeof(*cart));
	memset(sets, 0, sizeof(sets));
	for (i = 0; i < base; i++)
	{
		int until = cart->problem.item_count + 1 + pick(copies);
		unsigned holders = 0;
		int part = pick(parts);

		for (s = 0; s < set_count; s++)
			holders |= (unsigned) (s % parts == part && pick(5) < density) << s;
		if (holders == 0 && pick(20) != 0)
			holders = 1u << part;
		for (; cart->problem.item_count < until; cart->problem.item_count++)
		{
			for (s = 0; s < set_count; s++)
			{
				if ((holders >> s & 1) != 0)
					sets[s][cart->problem.item_count / 64] |= UINT64_C(1)
															  << (cart->problem.item_count % 64);
			}
		}
	}
	make_ranks(cart);
	cart->problem.offers = cart->offers;
	cart->problem.offer_count = set_count + pick(set_count + 8);
	cart->problem.max_pools = pick(4) == 0 ? 1000 : 1 + pick(12);
	for (i = 0; i < cart->problem.offer_count; i++)
	{
		memcpy(cart->items[i], sets[i < set_count ? i : pick(set_count)], sizeof(sets[0]));
		if (pick(20) == 0)
			memset(cart->items[i], 0, sizeof(cart->items[i]));
		cart->offers[i].items = cart->items[i];
		cart->offers[i].fee = pick(fee_limit);
	}
}

/* Whether a group of the solver is that of the brute force. */
static bool
same_group(const GlPoolProblem *problem, const GlPoolGroup *group, const BruteGroup *expected)
{
	int i;

	if (group->fee != expected->fee || group->option_count != expected->option_count ||
		memcmp(group->options, expected->options, sizeof(int) * (size_t) expected->option_count) !=
			0)
		return false;
	for (i = 0; i < problem->item_count; i++)
	{
		int rank = problem->item_rank == NULL ? i : problem->item_rank[i];

		if (((group->items[i / 64] >> (i % 64) & 1) != 0) != expected->has[rank])
			return false;
	}
	return true;
}

/* Whether the solver's answer is the first max_pools of the expected pools. */
static bool
same_answer(const GlPoolProblem *problem, const GlPoolAnswer *answer, const BrutePool *expected,
			int expected_count)
{
	int i;
	int g;

	if (expected_count > problem->max_pools)
		expected_count = problem->max_pools;
	if (answer->pool_count != expected_count)
		return false;
	for (i = 0; i < expected_count; i++)
	{
		if (answer->pools[i].group_count != expected[i].group_count ||
			answer->pools[i].fee != expected[i].fee)
			return false;
		for (g = 0; g < expected[i].group_count; g++)
		{
			if (!same_group(problem, &answer->pools[i].groups[g], &expected[i].groups[g]))
				return false;
		}
	}
	return true;
}

/* One random cart: 1 when the solver differs from the brute force. */
static int
try_cart(const Cart *cart, bool partitions, long *pool_total)
{
	GlPoolAnswer answer;
	GlError error;
	BrutePool *expected;
	int count;
	int different;

	expected = brute_solve(&cart->problem, BRUTE_SETS_MAX, &count);
	different = gl_pool_solve(&cart->problem, &arena, NULL, &answer, &error) != GL_OK ||
				!same_answer(&cart->problem, &answer, expected, count);
	if (partitions &&
		brute_fewest_blocks(&cart->problem) != (count > 0 ? expected[0].group_count : -1))
		different = 1;
	if ((count == 0) != (answer.uncovered_item >= 0))
		different = 1;
	*pool_total += answer.pool_count;
	free(expected);
	check_free_all();
	return different;
}

/* Many random carts of one shape. */
static void
compare_with_brute_force(const char *shape, long carts, int base_limit, int set_limit, int copies,
						 int parts)
{
	static Cart cart;
	long different = 0;
	long pools = 0;
	long i;

	for (i = 0; i < carts; i++)
	{
		uint64_t state = random_state;

		make_cart(&cart, base_limit, set_limit, copies, parts);
		if (try_cart(&cart, copies == 1 && base_limit <= 6, &pools) != 0)
		{
			if (different++ < 5)
				fprintf(stderr, "different: %s cart %ld, seed for it alone %llu\n", shape, i,
						(unsigned long long) state);
		}
	}
	printf("# %s: %ld carts, %ld pools compared, %ld differences\n", shape, carts, pools,
		   different);
	CHECK(different == 0);
	CHECK(pools > carts / 2);
}

/*
 * Carts of more than 64 classes and 64 sets, so that every bitset has several
 * words, against the pools of at most three groups.
 */
static void
compare_large(long carts)
{
	static Cart cart;
	long different = 0;
	long pools = 0;
	long i;
	int s;
	int item;

	for (i = 0; i < carts; i++)
	{
		GlPoolProblem *problem = &cart.problem;
		int fee_limit = pick(3) == 0 ? 1000 : 1 + pick(2) * pick(4); /* mostly ties */
		int density = 50 + pick(10);
		BrutePool *expected;
		GlPoolAnswer answer;
		GlError error;
		int count;

		memset(&cart, 0, sizeof(cart));
		problem->item_count = 66 + pick(10);
		problem->offer_count = 66 + pick(BRUTE_OFFERS_MAX - 66);
		problem->offers = cart.offers;
		make_ranks(&cart);
		for (s = 0; s < problem->offer_count; s++)
		{
			for (item = 0; item < problem->item_count; item++)
			{
				if (pick(100) < density)
					cart.items[s][item / 64] |= UINT64_C(1) << (item % 64);
			}
			cart.offers[s].items = cart.items[s];
			cart.offers[s].fee = pick(fee_limit);
		}
		expected = brute_solve(problem, 3, &count);
		problem->max_pools = 1 + pick(30);
		if (problem->max_pools > count)
			problem->max_pools = count > 0 ? count : 1;
		if (count > 0)
		{
			different += gl_pool_solve(problem, &arena, NULL, &answer, &error) != GL_OK ||
						 !same_answer(problem, &answer, expected, count);
			pools += problem->max_pools;
		}
		free(expected);
		check_free_all();
	}
	printf("# large: %ld carts, %ld pools compared, %ld differences\n", carts, pools, different);
	CHECK(different == 0);
	CHECK(pools > carts);
}

/* Solves a cart of at most 64 items, in cart order. */
static GlStatus
solve_small(int item_count, const GlPoolOffer *offers, int offer_count, GlPoolAnswer *answer)
{
	GlPoolProblem problem = {item_count, NULL, offers, offer_count, 10, 0};
	GlError error;

	return gl_pool_solve(&problem, &arena, NULL, answer, &error);
}

/* The seed's cart: p1, p2, p3 (bits 0, 1, 2). */
static void
test_seed_example(void)
{
	static const uint64_t all = 7;
	static const uint64_t first_two = 3;
	static const uint64_t third = 4;
	const GlPoolOffer offers[] = {
		{&all, 600}, {&all, 600}, {&first_two, 900}, {&first_two, 900}, {&third, 600}};
	GlPoolAnswer answer;

	CHECK(solve_small(3, offers, 5, &answer) == GL_OK);
	CHECK(answer.pool_count == 2);
	CHECK(answer.pools[0].group_count == 1 && answer.pools[0].fee == 600);
	CHECK(answer.pools[0].groups[0].items[0] == 7);
	CHECK(answer.pools[0].groups[0].option_count == 2);
	CHECK(answer.pools[0].groups[0].options[0] == 0 && answer.pools[0].groups[0].options[1] == 1);
	CHECK(answer.pools[1].group_count == 2 && answer.pools[1].fee == 1500);
	CHECK(answer.pools[1].groups[0].items[0] == 3 && answer.pools[1].groups[0].fee == 900);
	CHECK(answer.pools[1].groups[0].option_count == 2);
	CHECK(answer.pools[1].groups[0].options[0] == 2 && answer.pools[1].groups[0].options[1] == 3);
	CHECK(answer.pools[1].groups[1].items[0] == 4 && answer.pools[1].groups[1].fee == 600);
	CHECK(answer.pools[1].groups[1].option_count == 1 && answer.pools[1].groups[1].options[0] == 4);
	check_free_all();
}

/* Carts and problems at the edges. */
static void
test_edges(void)
{
	static const uint64_t none = 0;
	static const uint64_t one = 1;
	static const uint64_t stray = 2;
	const GlPoolOffer only[] = {{&none, 1}, {&one, 5}};
	const GlPoolOffer beyond[] = {{&one, 5}, {&stray, 5}};
	const GlPoolOffer negative[] = {{&one, -1}};
	const GlPoolOffer huge[] = {{&one, INT64_MAX}};
	const int doubled[] = {0, 0};
	GlPoolProblem problem = {2, doubled, only, 2, 10, 0};
	GlPoolAnswer answer;
	GlError error;

	CHECK(solve_small(0, NULL, 0, &answer) == GL_OK && answer.pool_count == 0);
	CHECK(answer.uncovered_item == -1);
	CHECK(solve_small(3, NULL, 0, &answer) == GL_OK && answer.pool_count == 0);
	CHECK(answer.uncovered_item == 0);
	CHECK(solve_small(2, only, 2, &answer) == GL_OK && answer.pool_count == 0);
	CHECK(answer.uncovered_item == 1);
	CHECK(solve_small(1, only, 2, &answer) == GL_OK && answer.pool_count == 1);
	CHECK(answer.pools[0].fee == 5 && answer.pools[0].groups[0].options[0] == 1);
	CHECK(solve_small(1, beyond, 2, &answer) == GL_INVALID);
	CHECK(solve_small(1, negative, 1, &answer) == GL_INVALID);
	CHECK(solve_small(1, huge, 1, &answer) == GL_INVALID);
	CHECK(solve_small(-1, NULL, 0, &answer) == GL_INVALID);
	CHECK(solve_small(GL_POOL_ITEMS_MAX + 1, NULL, 0, &answer) == GL_INVALID);
	CHECK(gl_pool_solve(&problem, &arena, NULL, &answer, &error) == GL_INVALID);
	CHECK(error.where == 1);
	problem.item_rank = NULL;
	problem.max_pools = 0;
	CHECK(gl_pool_solve(&problem, &arena, NULL, &answer, &error) == GL_INVALID);
	check_free_all();
}

/* 512 items, each with two stores of its own, or all with three: components and words. */
static void
test_many_items(void)
{
	static uint64_t single[512][8];
	static uint64_t whole[3][8];
	static GlPoolOffer offers[1024];
	GlPoolProblem problem = {512, NULL, offers, 1024, 10, 0};
	GlPoolAnswer answer;
	GlError error;
	int i;

	memset(single, 0, sizeof(single));
	for (i = 0; i < 512; i++)
	{
		single[i][i / 64] = UINT64_C(1) << (i % 64);
		offers[2 * i].items = single[i];
		offers[2 * i].fee = 10;
		offers[2 * i + 1].items = single[i];
		offers[2 * i + 1].fee = 7;
	}
	CHECK(gl_pool_solve(&problem, &arena, NULL, &answer, &error) == GL_OK);
	CHECK(answer.pool_count == 1 && answer.pools[0].group_count == 512);
	CHECK(answer.pools[0].fee == 512 * 7);
	CHECK(answer.pools[0].groups[300].option_count == 2);
	CHECK(answer.pools[0].groups[300].items[300 / 64] == UINT64_C(1) << (300 % 64));
	memset(whole, 0xff, sizeof(whole));
	whole[1][7] >>= 1; /* all but item 511 */
	memset(whole[2], 0, sizeof(whole[2]));
	whole[2][7] = UINT64_C(1) << 63;
	for (i = 0; i < 3; i++)
	{
		offers[i].items = whole[i];
		offers[i].fee = 1;
	}
	problem.offer_count = 3;
	CHECK(gl_pool_solve(&problem, &arena, NULL, &answer, &error) == GL_OK);
	CHECK(answer.pool_count == 2 && answer.pools[0].fee == 1 && answer.pools[1].fee == 2);
	CHECK(answer.pools[1].groups[0].items[7] == UINT64_MAX >> 1);
	CHECK(answer.pools[1].groups[1].items[7] == UINT64_C(1) << 63);
	check_free_all();
}

/* Stops when asked the given time. */
static bool
stop_at(void *context)
{
	int *left = context;

	return --*left <= 0;
}

/* An arena that refuses after so many allocations. */
static void *
failing_alloc(void *context, size_t size)
{
	int *left = context;

	return --*left < 0 ? NULL : check_alloc(NULL, size);
}

/* Whether every pool of an answer is a partition of the cart whose groups have options. */
static bool
is_sound(const GlPoolProblem *problem, const GlPoolAnswer *answer)
{
	int i;
	int g;

	for (i = 0; i < answer->pool_count; i++)
	{
		uint64_t seen = 0;

		for (g = 0; g < answer->pools[i].group_count; g++)
		{
			const GlPoolGroup *group = &answer->pools[i].groups[g];

			if ((seen & group->items[0]) != 0 || group->option_count == 0)
				return false;
			seen |= group->items[0];
		}
		if (seen != (UINT64_C(1) << problem->item_count) - 1)
			return false;
	}
	return true;
}

/* A hard cart: budget, stop check and a failing arena at every point. */
static void
test_limits(void)
{
	static uint64_t items[120];
	static GlPoolOffer offers[120];
	GlPoolProblem problem = {30, NULL, offers, 120, 50, 0};
	GlPoolAnswer answer;
	GlError error;
	GlArena failing = {failing_alloc, NULL};
	GlStop stop;
	int64_t needed;
	int left = 1;
	int i;

	stop.requested = stop_at;
	stop.context = &left;
	for (i = 0; i < 120; i++)
	{
		items[i] = (UINT64_C(1) << pick(30)) | (UINT64_C(1) << pick(30)) |
				   (UINT64_C(15) << pick(27)) | (UINT64_C(1) << (i % 30));
		offers[i].items = &items[i];
		offers[i].fee = 100 + pick(100);
	}
	problem.budget = 1000;
	CHECK(gl_pool_solve(&problem, &arena, NULL, &answer, &error) == GL_LIMIT);
	CHECK(answer.nodes == 1000 && answer.pool_count > 0 && is_sound(&problem, &answer));
	problem.budget = 1;
	CHECK(gl_pool_solve(&problem, &arena, NULL, &answer, &error) == GL_LIMIT);
	CHECK(answer.pool_count == 1 && is_sound(&problem, &answer));
	problem.budget = 0;
	CHECK(gl_pool_solve(&problem, &arena, &stop, &answer, &error) == GL_STOPPED);
	CHECK(answer.pool_count == 0);
	left = 20;
	CHECK(gl_pool_solve(&problem, &arena, &stop, &answer, &error) == GL_STOPPED);
	check_free_all();
	problem.offer_count = 60;
	problem.max_pools = 3;
	problem.budget = 20000;
	needed = 0;
	for (i = 0;; i++)
	{
		left = i;
		failing.context = &left;
		if (gl_pool_solve(&problem, &failing, NULL, &answer, &error) != GL_NO_MEMORY)
			break;
		needed += answer.pool_count;
		check_free_all();
	}
	CHECK(i > 20 && needed == 0 && answer.pool_count > 0);
	check_free_all();
}

int
main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t) time(NULL);
	long carts = argc > 2 ? strtol(argv[2], NULL, 10) : 20000;

	printf("# seed %llu\n", (unsigned long long) seed);
	random_state = seed;
	compare_with_brute_force("small", carts, 6, 7, 1, 1);
	compare_with_brute_force("wider", carts / 10, 10, 10, 1, 1);
	compare_with_brute_force("classes", carts / 10, 8, 8, 30, 1);
	compare_with_brute_force("parts", carts / 10, 10, 12, 1, 2);
	compare_with_brute_force("three parts", carts / 10, 10, 12, 3, 3);
	compare_with_brute_force("many classes", carts / 100, 150, 12, 1, 1);
	compare_large(carts / 250);
	test_seed_example();
	test_edges();
	test_many_items();
	test_limits();
	return check_report("test_pool_solver");
}
