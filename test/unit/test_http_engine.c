/*-------------------------------------------------------------------------
 *
 * test_http_engine.c
 *	  The engine as a whole: limits, cancelling, many requests at once, name
 *	  servers that hang, signals, and that an idle engine sleeps.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE
#include "http_drive.h"

static void
test_limits_and_cancel(void)
{
	GlHttp *http = create(5);
	char url[256];
	GlHttpRequest request = get(url, sizeof(url), "127.0.0.1", "/hang");
	GlHttpResult result;
	GlError error;
	int64_t started;
	uint64_t i;

	request.max_connections = 3;
	for (i = 0; i < 3; i++)
		CHECK(gl_http_start(http, &request, i, &error) == GL_OK);
	CHECK(gl_http_start(http, &request, 3, &error) == GL_LIMIT);
	request.account = "b";
	CHECK(gl_http_start(http, &request, 4, &error) == GL_OK);
	CHECK(gl_http_start(http, &request, 5, &error) == GL_OK);
	CHECK(gl_http_start(http, &request, 6, &error) == GL_LIMIT);
	CHECK(gl_http_active(http, "a") == 3 && gl_http_active(http, "b") == 2);
	CHECK(gl_http_active(http, "c") == 0 && gl_http_active(http, NULL) == 5);
	CHECK(collect(http, &result, 1, 100) == 0);

	started = now_ms();
	gl_http_cancel_all(http);
	CHECK(now_ms() - started < 2000);
	CHECK(gl_http_active(http, NULL) == 0 && gl_http_active(http, "a") == 0);
	CHECK(!gl_http_next(http, &result));
	expect(http, "127.0.0.1", "/plain", GL_HTTP_ANSWERED, true, 1000);

	/* destroyed with requests in flight and a result that no one took */
	CHECK(gl_http_start(http, &request, 7, &error) == GL_OK);
	request = get(url, sizeof(url), "127.0.0.1", "/plain");
	CHECK(gl_http_start(http, &request, 8, &error) == GL_OK);
	CHECK(collect(http, &result, 0, 0) == 0);
	sleep_ms(50);
	CHECK(gl_http_service(http) == GL_OK);
	gl_http_destroy(http);
}

/* A name server that does not answer holds up nobody. */
static void
test_hanging_names(void)
{
	GlHttp *http = create(50);
	char url[256];
	char other[256];
	GlHttpRequest hanging = get(url, sizeof(url), "hang.test", "/");
	GlHttpRequest plain = get(other, sizeof(other), "127.0.0.1", "/plain");
	GlHttpResult results[30];
	GlError error;
	int64_t started = now_ms();
	uint64_t i;

	memset(results, 0, sizeof(results));
	hanging.timeout_ms = 3000;
	for (i = 0; i < 10; i++)
		CHECK(gl_http_start(http, &hanging, i, &error) == GL_OK);
	for (; i < 30; i++)
		CHECK(gl_http_start(http, &plain, i, &error) == GL_OK);
	CHECK(collect(http, results, 20, 2500) == 20);
	CHECK(now_ms() - started < 2500);
	CHECK(collect(http, results + 20, 10, 10000) == 10);
	CHECK(now_ms() - started < 10000);
	for (i = 0; i < 30; i++)
	{
		CHECK(results[i].kind == (i < 20 ? GL_HTTP_ANSWERED : GL_HTTP_TIMEOUT));
		CHECK(results[i].sent == (i < 20));
		gl_http_result_free(&results[i]);
	}

	hanging.timeout_ms = 3000;
	for (i = 0; i < 10; i++)
		CHECK(gl_http_start(http, &hanging, i, &error) == GL_OK);
	CHECK(collect(http, results, 1, 50) == 0);
	started = now_ms();
	gl_http_destroy(http);
	CHECK(now_ms() - started < 2000 || !gl_http_destroy_is_prompt());
}

/* Many at once, all answered once, over no more connections than requests. */
static void
test_many(void)
{
	enum
	{
		total = 2000,
		at_once = 100
	};
	GlHttp *http = create(at_once);
	char url[256];
	GlHttpRequest request = get(url, sizeof(url), "127.0.0.1", "/plain");
	static unsigned char answered[total];
	int connections = http_peer_connections;
	uint64_t started = 0;
	int finished = 0;
	int64_t until = now_ms() + 60000;
	int wrong = 0;
	GlError error;

	request.method = "POST";
	request.body = "{}";
	request.body_length = 2;
	request.timeout_ms = 30000;
	while (finished < total && now_ms() < until)
	{
		struct pollfd wait = {gl_http_fd(http), POLLIN, 0};
		GlHttpResult result;

		while (started < total && gl_http_start(http, &request, started, &error) == GL_OK)
			started++;
		poll(&wait, 1, 1000);
		wrong += gl_http_service(http) != GL_OK;
		while (gl_http_next(http, &result))
		{
			finished++;
			answered[result.tag]++;
			wrong += result.kind != GL_HTTP_ANSWERED || result.body_length != 10;
			gl_http_result_free(&result);
		}
	}
	CHECK(finished == total && wrong == 0);
	while (finished > 0)
		wrong += answered[--finished] != 1;
	CHECK(wrong == 0);
	CHECK(http_peer_connections - connections <= at_once);
	gl_http_destroy(http);
}

/* The caller's signal mask is as it was, and threads for names run no handler. */
static void
test_signals(void)
{
	GlHttp *http;
	sigset_t before;
	sigset_t after;
	int number;

	pthread_sigmask(SIG_SETMASK, NULL, &before);
	http = create(1);
	expect(http, "good.test", "/plain", GL_HTTP_ANSWERED, true, 1000);
	expect(http, "missing.test", "/plain", GL_HTTP_DNS, false, 1000);
	gl_http_destroy(http);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (number = 1; number < SIGRTMIN; number++)
		CHECK(sigismember(&before, number) == sigismember(&after, number));
	CHECK(lookups > 0 && lookups_with_signals == 0);
}

/* How often the engine wants to be served in that time. */
static int
count_wakes(GlHttp *http, int ms)
{
	int64_t until = now_ms() + ms;
	int wakes = 0;

	while (now_ms() < until)
	{
		struct pollfd wait = {gl_http_fd(http), POLLIN, 0};

		if (poll(&wait, 1, (int) (until - now_ms())) > 0)
		{
			wakes++;
			gl_http_service(http);
		}
	}
	return wakes;
}

/* An idle engine sleeps: its descriptor is not readable for nothing. */
static void
test_quiet(void)
{
	GlHttp *http = create(2);
	char url[256];
	GlHttpRequest request = get(url, sizeof(url), "127.0.0.1", "/hang");
	int wakes;
	GlError error;

	expect(http, "127.0.0.1", "/plain", GL_HTTP_ANSWERED, true, 1000);
	CHECK(gl_http_start(http, &request, 1, &error) == GL_OK);
	wakes = count_wakes(http, 500);
	if (wakes > 20)
		fprintf(stderr, "woken %d times\n", wakes);
	CHECK(wakes <= 20);
	gl_http_destroy(http);
}

/*
 * A kept connection that rests: used again without being opened again; one
 * that the other side closes wakes nobody for long, and its number, which the
 * next sockets get, is watched anew.
 */
static void
test_resting(void)
{
	GlHttp *http = create(4);
	int connections;
	int i;

	expect(http, "127.0.0.1", "/plain", GL_HTTP_ANSWERED, true, 1000);
	connections = http_peer_connections;
	for (i = 0; i < 20; i++)
		expect(http, "127.0.0.1", "/plain", GL_HTTP_ANSWERED, true, 1000);
	CHECK(http_peer_connections == connections);
	for (i = 0; i < 3; i++)
	{
		expect(http, "127.0.0.1", "/leave", GL_HTTP_ANSWERED, true, 1000);
		CHECK(count_wakes(http, 200) <= 10);
		expect(http, "good.test", "/plain", GL_HTTP_ANSWERED, true, 1000);
		expect(http, "127.0.0.1", "/plain", GL_HTTP_ANSWERED, true, 1000);
	}
	gl_http_destroy(http);
}

static void
test_config(void)
{
	GlHttpConfig config = {0, NULL, 0, NULL, NULL};
	GlError error;
	GlHttp *http;

	CHECK(gl_http_create(&config, &error) == NULL);
	config.max_active = 10001;
	CHECK(gl_http_create(&config, &error) == NULL);
	CHECK(error.message[0] != '\0');
	config.max_active = 1;
	http = gl_http_create(&config, &error);
	CHECK(http != NULL);
	expect(http, "127.0.0.1", "/", GL_HTTP_REFUSED_ADDRESS, false, 1000);
	gl_http_destroy(http);
	CHECK(strcmp(gl_http_kind_name(GL_HTTP_OTHER), "other") == 0);
}

int
main(void)
{
	set_up();
	test_config();
	test_limits_and_cancel();
	test_hanging_names();
	test_many();
	test_signals();
	test_quiet();
	test_resting();
	sleep_ms(1600); /* the lookups above end before the leak check */
	return check_report("http_engine");
}
