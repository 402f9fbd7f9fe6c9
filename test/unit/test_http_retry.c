/*-------------------------------------------------------------------------
 *
 * test_http_retry.c
 *	  Which statuses are tried again, and the delays: growth, bounds, spread,
 *	  Retry-After in all the shapes that carriers and accidents give it.
 *
 *-------------------------------------------------------------------------
 */
#include "check.h"
#include "http/retry.h"

#define BASE 1000
#define CAP 600000

/* 2026-11-21 12:00:00 UTC */
#define NOW INT64_C(1795262400)

static int64_t
after(const char *header)
{
	return gl_retry_delay_ms(1, BASE, CAP, 200, header, NOW);
}

static void
test_status(void)
{
	int status;

	for (status = 0; status < 700; status++)
		CHECK(gl_retry_status(status) ==
			  (status == 408 || status == 425 || status == 429 || (status >= 500 && status < 600)));
	CHECK(!gl_retry_status(-500));
}

static void
test_growth(void)
{
	/* random 200 is the middle of the spread: no change */
	CHECK(gl_retry_delay_ms(1, BASE, CAP, 200, NULL, NOW) == 1000);
	CHECK(gl_retry_delay_ms(2, BASE, CAP, 200, NULL, NOW) == 2000);
	CHECK(gl_retry_delay_ms(10, BASE, CAP, 200, NULL, NOW) == 512000);
	CHECK(gl_retry_delay_ms(11, BASE, CAP, 200, NULL, NOW) == CAP);
	CHECK(gl_retry_delay_ms(1000, BASE, CAP, 200, NULL, NOW) == CAP);
	CHECK(gl_retry_delay_ms(INT32_MAX, BASE, CAP, 200, NULL, NOW) == CAP);
	CHECK(gl_retry_delay_ms(0, BASE, CAP, 200, NULL, NOW) == 1000);
	CHECK(gl_retry_delay_ms(-5, BASE, CAP, 200, NULL, NOW) == 1000);

	/* the ends of the spread */
	CHECK(gl_retry_delay_ms(3, BASE, CAP, 0, NULL, NOW) == 3200);
	CHECK(gl_retry_delay_ms(3, BASE, CAP, 400, NULL, NOW) == 4800);
	CHECK(gl_retry_delay_ms(3, BASE, CAP, 401, NULL, NOW) == 3200);
	CHECK(gl_retry_delay_ms(1, BASE, CAP, 0, NULL, NOW) == BASE);
	CHECK(gl_retry_delay_ms(20, BASE, CAP, 400, NULL, NOW) == CAP);
	CHECK(gl_retry_delay_ms(20, BASE, CAP, 0, NULL, NOW) == CAP / 10 * 8);
}

static void
test_bounds(void)
{
	static const int64_t bounds[] = {INT64_MIN, -1, 0, 1, 7, 1000, INT64_MAX / 2, INT64_MAX};
	uint32_t random = 12345;
	int attempt;
	size_t i;
	size_t j;

	for (i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
		for (j = 0; j < sizeof(bounds) / sizeof(bounds[0]); j++)
			for (attempt = 1; attempt <= 1000; attempt += 37)
			{
				int64_t delay;

				random = random * 1664525u + 1013904223u;
				delay = gl_retry_delay_ms(attempt, bounds[i], bounds[j], random, NULL, NOW);
				CHECK(delay >= 1);
				CHECK(delay >= bounds[i] || bounds[i] == INT64_MAX);
				CHECK(delay <= (bounds[j] > bounds[i] ? bounds[j] : bounds[i]) || delay == 1);
			}
}

static void
test_retry_after(void)
{
	CHECK(after("7") == 7000);
	CHECK(after(" 7 ") == 7000);
	CHECK(after("0") == BASE);
	CHECK(after("600") == CAP);
	CHECK(after("315360000") == CAP);
	CHECK(after("99999999999999999999999999999999999999999") == CAP);
	CHECK(after("9223372036854775807") == CAP);

	CHECK(after("Sat, 21 Nov 2026 12:00:09 GMT") == 9000);
	CHECK(after("Saturday, 21-Nov-26 12:00:09 GMT") == 9000);
	CHECK(after("Sat Nov 21 12:00:09 2026") == 9000);
	CHECK(after("Sat, 21 Nov 2026 11:00:00 GMT") == BASE);
	CHECK(after("Fri, 31 Dec 9999 23:59:59 GMT") == CAP);
	CHECK(gl_retry_delay_ms(1, BASE, INT64_MAX, 200, "Fri, 31 Dec 9999 23:59:59 GMT",
							INT64_MIN / 4) > 0);

	/* garbage leaves the computed delay */
	CHECK(gl_retry_delay_ms(3, BASE, CAP, 200, "soon", NOW) == 4000);
	CHECK(gl_retry_delay_ms(3, BASE, CAP, 200, "", NOW) == 4000);
	CHECK(gl_retry_delay_ms(3, BASE, CAP, 200, "-5", NOW) == 4000);
	CHECK(gl_retry_delay_ms(3, BASE, CAP, 200, "7.5", NOW) == 4000);
	CHECK(gl_retry_delay_ms(3, BASE, CAP, 200, "7 s", NOW) == 4000);
	CHECK(gl_retry_delay_ms(3, BASE, CAP, 200, "0x10", NOW) == 4000);
	CHECK(gl_retry_delay_ms(3, BASE, CAP, 200, "12:00:00", NOW) == 4000);
	CHECK(gl_retry_delay_ms(3, BASE, CAP, 200, "Sat, 99 Foo 2026 12:00:09 GMT", NOW) == 4000);
	CHECK(gl_retry_delay_ms(3, BASE, CAP, 200, "\xff\xfe:", NOW) == 4000);
}

int
main(void)
{
	test_status();
	test_growth();
	test_bounds();
	test_retry_after();
	return check_report("http_retry");
}
