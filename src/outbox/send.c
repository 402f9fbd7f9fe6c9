/*-------------------------------------------------------------------------
 *
 * send.c
 *	  Hands a leased request to the HTTP engine.
 *
 * Nothing here touches the database: no transaction is open.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "http/url.h"
#include "outbox/outbox.h"

#define IDEMPOTENCY_KEY "Idempotency-Key"

/* A failure to connect shows sooner than one to answer. */
#define CONNECT_TIMEOUT_MS 10000

/* A JSON string in the encoding of the wire. */
static char *
wire_text(const JsonbValue *value)
{
	char *server = pnstrdup(value->val.string.val, value->val.string.len);

	return pg_server_to_any(server, value->val.string.len, PG_UTF8);
}

/*
 * The flight's headers, those with a text as value, and the key by which a
 * carrier knows a repeated try.  A login has none: each fetches a new token.
 */
static GlHttpHeader *
make_headers(const GlFlight *flight, size_t *count)
{
	size_t most = 1 + (flight->headers != NULL ? JsonContainerSize(&flight->headers->root) : 0);
	GlHttpHeader *headers = palloc(sizeof(GlHttpHeader) * most);
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue key;
	JsonbValue value;

	*count = 0;
	if (!flight->login)
	{
		headers[*count].name = IDEMPOTENCY_KEY;
		headers[(*count)++].value = flight->request_id;
	}
	if (flight->headers == NULL)
		return headers;
	iterator = JsonbIteratorInit(&flight->headers->root);
	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
	{
		char *name;

		if (token != WJB_KEY)
			continue;
		name = wire_text(&key);
		if (JsonbIteratorNext(&iterator, &value, true) != WJB_VALUE || value.type != jbvString ||
			pg_strcasecmp(name, IDEMPOTENCY_KEY) == 0)
			continue;
		headers[*count].name = name;
		headers[(*count)++].value = wire_text(&value);
	}
	return headers;
}

/* Gives the flight a result that says why nothing was sent. */
static bool
refuse(GlFlight *flight, bool final, const char *message)
{
	memset(&flight->result, 0, sizeof(flight->result));
	flight->result.kind = GL_HTTP_OTHER;
	strlcpy(flight->result.message, message, sizeof(flight->result.message));
	flight->final = final;
	return false;
}

/* What the engine wants to know of a flight. */
static GlHttpRequest
describe(const GlFlight *flight, const char *url)
{
	GlHttpRequest request = {0};

	request.method = flight->method;
	request.url = url;
	request.allow_http = flight->allow_http;
	request.headers = make_headers(flight, &request.header_count);
	request.body = flight->body;
	request.body_length = flight->body != NULL ? strlen(flight->body) : 0;
	request.timeout_ms = flight->timeout_ms;
	request.connect_timeout_ms = Min(flight->timeout_ms, CONNECT_TIMEOUT_MS);
	request.max_response_bytes = (size_t) flight->max_response_bytes;
	request.account = flight->account_id;
	request.max_connections = flight->max_connections;
	/* a create whose answer is lost must not be repeated unseen: the outbox counts tries */
	request.repeatable = false;
	return request;
}

/* The URL of a flight, good until the next call: mostly it is the one of the flight before. */
static GlStatus
join_url(const GlFlight *flight, const char **url, GlError *error)
{
	static char joined[GL_URL_SIZE];
	static char base[GL_URL_SIZE];
	static char path[GL_URL_SIZE];
	static bool allow_http;
	GlStatus status;

	*url = joined;
	if (base[0] != '\0' && allow_http == flight->allow_http &&
		strcmp(base, flight->base_url) == 0 && strcmp(path, flight->path) == 0)
		return GL_OK;
	base[0] = '\0';
	status = gl_url_join(flight->base_url, flight->path, flight->allow_http, joined, sizeof(joined),
						 error);
	if (status != GL_OK)
		return status;
	/* both are shorter than what they make together, but for a "/" */
	if (strlcpy(path, flight->path, sizeof(path)) < sizeof(path) &&
		strlcpy(base, flight->base_url, sizeof(base)) < sizeof(base))
		allow_http = flight->allow_http;
	else
		base[0] = '\0';
	return GL_OK;
}

bool
gl_outbox_send(GlHttp *http, GlFlight *flight)
{
	GlError error = {-1, ""};
	const char *url;
	GlHttpRequest request;
	MemoryContext before;
	GlStatus status;

	flight->started_at = GetCurrentTimestamp();
	status = join_url(flight, &url, &error);
	if (status != GL_OK)
		return refuse(flight, true, status == GL_LIMIT ? "the URL is too long" : error.message);

	before = MemoryContextSwitchTo(flight->context);
	request = describe(flight, url);
	status = gl_http_start(http, &request, (uint64) (uintptr_t) flight, &error);
	MemoryContextSwitchTo(before);
	switch (status)
	{
		case GL_OK:
			return true;
		case GL_INVALID:
			return refuse(flight, true, error.message);
		case GL_LIMIT:
			return refuse(flight, false, "too many requests at once");
		default:
			return refuse(flight, false, "out of memory");
	}
}
