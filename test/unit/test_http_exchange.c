/*-------------------------------------------------------------------------
 *
 * test_http_exchange.c
 *	  One exchange at a time: answers as they come in, requests as they go
 *	  out, and every way in which the other side can fail.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE
#include "http_drive.h"

/* Is there such a header with this value? */
static bool
header_is(const GlHttpResult *result, const char *name, const char *value)
{
	const char *got = gl_http_header(result, name);

	return got != NULL && strcmp(got, value) == 0;
}

static void
test_answers(void)
{
	GlHttp *http = create(10);
	char url[256];
	GlHttpRequest request = get(url, sizeof(url), "127.0.0.1", "/plain?key=secret");
	GlHttpResult result = perform(http, &request);
	int connections = http_peer_connections;

	CHECK(result.kind == GL_HTTP_ANSWERED && result.status == 200 && result.sent);
	CHECK(result.body_length == 10 && strcmp(result.body, "0123456789") == 0 && !result.truncated);
	CHECK(header_is(&result, "content-type", "text/plain"));
	CHECK(gl_http_header(&result, "location") == NULL);
	CHECK(strstr(http_peer_last_request, "GET /plain?key=secret HTTP/1.1\r\n") ==
		  http_peer_last_request);
	CHECK(strstr(http_peer_last_request, "User-Agent: test/1\r\n") != NULL);
	CHECK(strstr(http_peer_last_request, "Accept-Encoding") == NULL);
	gl_http_result_free(&result);

	request = get(url, sizeof(url), "127.0.0.1", "/busy");
	result = perform(http, &request);
	CHECK(result.status == 503 && strcmp(result.body, "busy") == 0);
	CHECK(header_is(&result, "Retry-After", "7"));
	CHECK(header_is(&result, "X-Empty", ""));
	gl_http_result_free(&result);

	request = get(url, sizeof(url), "127.0.0.1", "/early");
	result = perform(http, &request);
	CHECK(result.status == 200 && gl_http_header(&result, "X-Early") == NULL);
	gl_http_result_free(&result);

	request = get(url, sizeof(url), "127.0.0.1", "/gzip");
	result = perform(http, &request);
	CHECK(result.body_length == 4 && memcmp(result.body, "\x1f\x8bxx", 4) == 0);
	gl_http_result_free(&result);

	request = get(url, sizeof(url), "127.0.0.1", "/redirect");
	result = perform(http, &request);
	CHECK(result.kind == GL_HTTP_ANSWERED && result.status == 302);
	CHECK(strstr(http_peer_last_request, "/target") == NULL);
	gl_http_result_free(&result);

	request = get(url, sizeof(url), "127.0.0.1", "/empty");
	result = perform(http, &request);
	CHECK(result.status == 204 && result.body[0] == '\0' && result.body_length == 0);
	gl_http_result_free(&result);

	/* all of it went over one kept connection */
	CHECK(http_peer_connections == connections);
	gl_http_destroy(http);
}

static void
test_methods(void)
{
	static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE"};
	static const char body[] = "{\"a\":\"\0b\"}";
	GlHttp *http = create(10);
	char url[256];
	size_t i;

	for (i = 0; i < 8; i++)
	{
		GlHttpHeader headers[] = {
			{"Content-Type", "application/json"}, {"Idempotency-Key", "01K"}, {"X-Empty", ""}};
		GlHttpRequest request = get(url, sizeof(url), "127.0.0.1", "/plain");
		GlHttpResult result;
		char start[64];

		request.method = methods[i % 4];
		if (i < 4)
		{
			request.headers = headers;
			request.header_count = 3;
			request.body = body;
			request.body_length = sizeof(body) - 1;
		}
		result = perform(http, &request);
		CHECK(result.status == 200);
		snprintf(start, sizeof(start), "%s /plain HTTP/1.1\r\n", request.method);
		CHECK(strstr(http_peer_last_request, start) == http_peer_last_request);
		CHECK(strstr(http_peer_last_request, "Expect") == NULL);
		CHECK((strstr(http_peer_last_request, "\r\nContent-Type: application/json\r\n") != NULL) ==
			  (i < 4));
		CHECK((strstr(http_peer_last_request, "\r\nIdempotency-Key: 01K\r\n") != NULL) == (i < 4));
		CHECK((strstr(http_peer_last_request, "\r\nX-Empty:") != NULL) == (i < 4));
		CHECK((strstr(http_peer_last_request, "\r\nContent-Length: 10\r\n") != NULL) == (i < 4));
		CHECK(strstr(http_peer_last_request, "urlencoded") == NULL);
		gl_http_result_free(&result);
		expect(http, "127.0.0.1", "/plain", GL_HTTP_ANSWERED, true, 1000);
		CHECK(strstr(http_peer_last_request, "GET /plain") == http_peer_last_request &&
			  strstr(http_peer_last_request, "01K") == NULL);
		CHECK(strstr(http_peer_last_request, "Content-Length") == NULL);
	}
	gl_http_destroy(http);
}

static void
test_failures(void)
{
	GlHttp *http = create(10);
	int forbidden;

	expect(http, "127.0.0.1", "/hang", GL_HTTP_TIMEOUT, true, 200);
	expect(http, "127.0.0.1", "/drip", GL_HTTP_TIMEOUT, true, 300);
	expect(http, "127.0.0.1", "/slow-headers", GL_HTTP_TIMEOUT, true, 300);
	expect(http, "127.0.0.1", "/many-headers", GL_HTTP_TOO_LARGE, true, 3000);
	expect(http, "127.0.0.1", "/continue", GL_HTTP_TOO_LARGE, true, 3000);
	expect(http, "127.0.0.1", "/chunks", GL_HTTP_TOO_LARGE, true, 3000);
	expect(http, "127.0.0.1", "/reset", GL_HTTP_RESET, true, 3000);
	expect(http, "127.0.0.1", "/short", GL_HTTP_RESET, true, 3000);
	expect(http, "127.0.0.1", "/close", GL_HTTP_RESET, true, 3000);
	expect(http, "127.0.0.1", "/nonsense", GL_HTTP_OTHER, true, 3000);

	expect(http, "missing.test", "/", GL_HTTP_DNS, false, 3000);
	expect(http, "good.test", "/", GL_HTTP_ANSWERED, true, 3000);
	forbidden = http_peer_forbidden;
	expect(http, "127.0.0.2", "/", GL_HTTP_REFUSED_ADDRESS, false, 3000);
	expect(http, "private.test", "/", GL_HTTP_REFUSED_ADDRESS, false, 3000);
	expect(http, "localhost", "/", GL_HTTP_ANSWERED, true, 3000);
	expect(http, "[::1]", "/", GL_HTTP_REFUSED_ADDRESS, false, 3000);
	expect(http, "0", "/", GL_HTTP_REFUSED_ADDRESS, false, 3000);
	expect(http, "2130706434", "/", GL_HTTP_REFUSED_ADDRESS, false, 3000);
	expect(http, "mixed.test", "/", GL_HTTP_ANSWERED, true, 3000);
	CHECK(http_peer_forbidden == forbidden);
	gl_http_destroy(http);
}

/* What was read of a body that is cut is kept, and no more than the cap. */
static void
test_caps(void)
{
	GlHttp *http = create(10);
	char url[256];
	GlHttpRequest request = get(url, sizeof(url), "127.0.0.1", "/plain");
	GlHttpResult result;

	request.max_response_bytes = 10;
	result = perform(http, &request);
	CHECK(result.kind == GL_HTTP_ANSWERED && result.body_length == 10);
	gl_http_result_free(&result);
	request.max_response_bytes = 9;
	result = perform(http, &request);
	CHECK(result.kind == GL_HTTP_TOO_LARGE && result.truncated && result.status == 200);
	CHECK(result.body_length == 9 && strcmp(result.body, "012345678") == 0);
	gl_http_result_free(&result);

	request = get(url, sizeof(url), "127.0.0.1", "/chunks");
	request.max_response_bytes = 100000;
	result = perform(http, &request);
	CHECK(result.kind == GL_HTTP_TOO_LARGE && result.body_length == 100000);
	gl_http_result_free(&result);
	gl_http_destroy(http);
}

/* A connection refused, with a message that shows neither path nor query. */
static void
test_refused_connection(int closed_port)
{
	GlHttp *http = create(10);
	char url[256];
	GlHttpRequest request = get(url, sizeof(url), "127.0.0.1", "/");
	GlHttpResult result;

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/secret-path?secret-query", closed_port);
	result = perform(http, &request);
	CHECK(result.kind == GL_HTTP_CONNECT && !result.sent && result.status == 0);
	CHECK(strstr(result.message, "secret") == NULL);
	gl_http_result_free(&result);
	gl_http_destroy(http);
}

/*
 * A kept connection that is closed when the next request arrives: a POST must
 * not be written twice, a GET or a repeatable POST may.
 */
static void
test_no_silent_repeat(void)
{
	int i;

	for (i = 0; i < 3; i++)
	{
		GlHttp *http = create(10);
		char url[256];
		GlHttpRequest request = get(url, sizeof(url), "127.0.0.1", "/once");
		GlHttpResult result;
		int seen;

		request.method = i == 0 ? "GET" : "POST";
		request.repeatable = i == 1;
		result = perform(http, &request);
		CHECK(result.status == 200);
		gl_http_result_free(&result);

		seen = http_peer_requests;
		result = perform(http, &request);
		CHECK(result.kind == (i == 2 ? GL_HTTP_RESET : GL_HTTP_ANSWERED));
		CHECK(result.sent);
		CHECK(http_peer_requests - seen == (i == 2 ? 1 : 2));
		gl_http_result_free(&result);
		gl_http_destroy(http);
	}
}

static void
test_invalid(void)
{
	static const GlHttpHeader bad[] = {{"X-A", "b\r\nX-C: d"},
									   {"X-A", "b\nc"},
									   {"X-A", "b\rc"},
									   {"X-A", "\x01"},
									   {"X-A", "\x7f"},
									   {"X-A", " b"},
									   {"X-A", "b "},
									   {"X A", "b"},
									   {"X-A:", "b"},
									   {"", "b"},
									   {"X-A\r\n", "b"},
									   {"X-\xc3\xa4", "b"},
									   {"Host", "other"},
									   {"content-length", "5"},
									   {"Transfer-Encoding", "chunked"},
									   {"Accept-Encoding", "gzip"},
									   {"Connection", "close"},
									   {"Expect", "100-continue"}};
	GlHttp *http = create(10);
	char url[256];
	GlHttpRequest good = get(url, sizeof(url), "127.0.0.1", "/plain");
	GlHttpRequest request;
	GlHttpHeader pair[2] = {{"X-Good", "1"}, {NULL, NULL}};
	char *large = calloc(1, GL_HTTP_REQUEST_HEADERS_MAX + 1);
	int seen = http_peer_requests;
	GlError error;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		request = good;
		pair[1] = bad[i];
		request.headers = pair;
		request.header_count = 2;
		error.where = -1;
		CHECK(gl_http_start(http, &request, 1, &error) == GL_INVALID);
		CHECK(error.where == 1 && error.message[0] != '\0');
	}
	memset(large, 'x', GL_HTTP_REQUEST_HEADERS_MAX);
	pair[1].name = "X-Large";
	pair[1].value = large;
	CHECK(gl_http_start(http, &request, 1, &error) == GL_INVALID);
	free(large);

#define CHECK_INVALID(field, value)                                                                \
	do                                                                                             \
	{                                                                                              \
		request = good;                                                                            \
		request.field = (value);                                                                   \
		CHECK(gl_http_start(http, &request, 1, &error) == GL_INVALID);                             \
	} while (0)

	CHECK_INVALID(method, "get");
	CHECK_INVALID(method, "CONNECT");
	CHECK_INVALID(method, "GET / HTTP/1.1\r\n");
	CHECK_INVALID(allow_http, false);
	CHECK_INVALID(url, "file:///etc/passwd");
	CHECK_INVALID(url, "http://user:pw@127.0.0.1/");
	CHECK_INVALID(url, "http://127.0.0.1/ HTTP/1.1\r\nX: y");
	CHECK_INVALID(timeout_ms, 0);
	CHECK_INVALID(timeout_ms, INT64_MAX);
	CHECK_INVALID(max_response_bytes, 0);
	CHECK_INVALID(max_connections, 0);
	CHECK_INVALID(body, "x");
	CHECK(gl_http_active(http, NULL) == 0 && http_peer_requests == seen);
	gl_http_destroy(http);
}

int
main(void)
{
	int closed_port = set_up();

	test_answers();
	test_methods();
	test_failures();
	test_caps();
	test_refused_connection(closed_port);
	test_no_silent_repeat();
	test_invalid();
	return check_report("http_exchange");
}
