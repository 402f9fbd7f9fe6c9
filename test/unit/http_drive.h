/*-------------------------------------------------------------------------
 *
 * http_drive.h
 *	  How the tests of the HTTP engine drive it: its descriptor is waited for
 *	  as the worker does, and names are looked up in a name service of our own
 *	  (the getaddrinfo below stands before libc's).  Included once per program.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_HTTP_DRIVE_H
#define GL_HTTP_DRIVE_H

#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "http/engine.h"
#include "http_peer.h"

static inline int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline void
sleep_ms(int ms)
{
	struct timespec time = {ms / 1000, (long) (ms % 1000) * 1000000};

	nanosleep(&time, NULL);
}

/* Lookups made, and those in threads that a signal handler could run in. */
static volatile int lookups;
static volatile int lookups_with_signals;

/* The name service: *.test is ours, the rest goes to libc. */
int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
			struct addrinfo **result)
{
	sigset_t mask;
	int (*libc)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	*(void **) &libc = dlsym(RTLD_NEXT, "getaddrinfo");
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	lookups++;
	if (!sigismember(&mask, SIGUSR1) || !sigismember(&mask, SIGTERM))
		lookups_with_signals++;
	if (strcmp(name, "hang.test") == 0)
	{
		sleep_ms(10000);
		return EAI_AGAIN;
	}
	if (strcmp(name, "missing.test") == 0)
		return EAI_NONAME;
	if (strcmp(name, "good.test") == 0)
		return libc("127.0.0.1", service, hints, result);
	if (strcmp(name, "private.test") == 0)
		return libc("127.0.0.2", service, hints, result);
	if (strcmp(name, "mixed.test") == 0)
	{
		int code = libc("127.0.0.2", service, hints, result);

		return code != 0 ? code : libc("127.0.0.1", service, hints, &(*result)->ai_next);
	}
	return libc(name, service, hints, result);
}

static inline GlHttp *
create(int max_active)
{
	GlNetwork loopback = {AF_INET, 32, {127, 0, 0, 1}};
	GlHttpConfig config = {max_active, &loopback, 1, "test/1", NULL};
	GlError error;
	GlHttp *http = gl_http_create(&config, &error);

	CHECK(http != NULL);
	return http;
}

/* A GET of the path on the host with common limits; url is the caller's room. */
static inline GlHttpRequest
get(char *url, size_t size, const char *host, const char *path)
{
	GlHttpRequest request;

	memset(&request, 0, sizeof(request));
	snprintf(url, size, "http://%s:%d%s", host, http_peer_port, path);
	request.method = "GET";
	request.url = url;
	request.allow_http = true;
	request.timeout_ms = 3000;
	request.max_response_bytes = 1000;
	request.account = "a";
	request.max_connections = 1000;
	return request;
}

/* Wait for the engine's descriptor and serve it until n results are in or ms passed. */
static inline size_t
collect(GlHttp *http, GlHttpResult *results, size_t n, int ms)
{
	int64_t until = now_ms() + ms;
	size_t count = 0;
	int64_t slowest = 0;
	bool healthy = true;

	while (count < n && now_ms() < until)
	{
		struct pollfd wait = {gl_http_fd(http), POLLIN, 0};
		int64_t started;

		poll(&wait, 1, (int) (until - now_ms()));
		started = now_ms();
		healthy = gl_http_service(http) == GL_OK && healthy;
		if (now_ms() - started > slowest)
			slowest = now_ms() - started;
		while (count < n && gl_http_next(http, &results[count]))
			count++;
	}
	CHECK(healthy && slowest < 1000);
	return count;
}

/* Do one request to its end. */
static inline GlHttpResult
perform(GlHttp *http, const GlHttpRequest *request)
{
	GlHttpResult result;
	GlError error;

	memset(&result, 0, sizeof(result));
	CHECK(gl_http_start(http, request, 42, &error) == GL_OK);
	CHECK(collect(http, &result, 1, 5000) == 1);
	CHECK(result.tag == 42);
	CHECK((result.kind == GL_HTTP_ANSWERED) == (result.message[0] == '\0'));
	CHECK(result.body != NULL && gl_http_active(http, "a") == 0 && gl_http_active(http, NULL) == 0);
	return result;
}

/* A GET that must come to this end. */
static inline void
expect(GlHttp *http, const char *host, const char *path, GlHttpKind kind, bool sent, int timeout_ms)
{
	char url[256];
	GlHttpRequest request = get(url, sizeof(url), host, path);
	GlHttpResult result;

	request.timeout_ms = timeout_ms;
	result = perform(http, &request);
	if (result.kind != kind || result.sent != sent)
		fprintf(stderr, "%s %s: kind %s, sent %d, %s\n", host, path, gl_http_kind_name(result.kind),
				result.sent, result.message);
	CHECK(result.kind == kind);
	CHECK(result.sent == sent);
	if (kind == GL_HTTP_TIMEOUT)
	{
		CHECK(result.elapsed_ms >= timeout_ms - 5);
		CHECK(result.elapsed_ms <= timeout_ms + 200);
	}
	gl_http_result_free(&result);
}

/* Start the servers; returns a port that refuses connections. */
static inline int
set_up(void)
{
	signal(SIGPIPE, SIG_IGN);
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("https_proxy", "http://127.0.0.1:1", 1);
	setenv("all_proxy", "http://127.0.0.1:1", 1);
	http_peer_port = http_peer_listen("127.0.0.1", 0, true);
	CHECK(http_peer_port > 0);
	CHECK(http_peer_listen("127.0.0.2", http_peer_port, true) == http_peer_port);
	return http_peer_listen("127.0.0.1", 0, false);
}

#endif /* GL_HTTP_DRIVE_H */
