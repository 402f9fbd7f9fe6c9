/*-------------------------------------------------------------------------
 *
 * transfer.c
 *	  One exchange: how libcurl is told to do it, and what came of it.
 *
 * Options that never change are set when a handle is made; the few that a
 * request brings are all set for each, so that nothing of an earlier request
 * survives in a handle that is used again.  The callbacks run inside libcurl,
 * which cannot be left by a jump: they note what went wrong and make libcurl
 * end the transfer.
 *
 *-------------------------------------------------------------------------
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/engine_internal.h"

#if LIBCURL_VERSION_NUM < 0x075000
#error "libcurl 7.80 or later is needed (CURLOPT_PREREQFUNCTION)"
#endif

/*
 * First allocations for an answer's headers and body; most fit.  malloc serves
 * such sizes at once, and would tidy all its memory up for much larger ones.
 */
#define HEADERS_FIRST_CAPACITY 512
#define BODY_FIRST_CAPACITY 1024

/* The body of answers that have none, so that it is never NULL. */
static char empty_body[1];

/*
 * Open a socket for an address that libcurl wants to connect to, if the guard
 * lets it.  The address is the resolved one, so that a name which changes its
 * mind after a check gains nothing.
 */
static curl_socket_t
open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	GlHttpTransfer *transfer = context;
	GlHttp *http = transfer->http;
	curl_socket_t fd;

	if (purpose != CURLSOCKTYPE_IPCXN ||
		!gl_address_allowed(&address->addr, http->allowed, http->allowed_count))
	{
		transfer->address_refused = true;
		return CURL_SOCKET_BAD;
	}
	transfer->address_opened = true;
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	gl_http_watch_opened(http, fd);
	return fd;
}

/* Close one that was opened so; the connection may have outlived its transfer. */
static int
close_socket(void *context, curl_socket_t fd)
{
	gl_http_watch_closed(context, fd);
	return close(fd);
}

/*
 * Called when a connection stands and the request is about to be written.
 * libcurl would silently write a request again on a fresh connection when a
 * kept one breaks before any answer; but then the other side may have done
 * the work already, and only the caller knows how to find out.
 */
static int
before_request(void *context, char *primary_ip, char *local_ip, int primary_port, int local_port)
{
	GlHttpTransfer *transfer = context;

	(void) primary_ip;
	(void) local_ip;
	(void) primary_port;
	(void) local_port;

	if (transfer->issued > 0 && !transfer->repeatable)
	{
		transfer->issue_refused = true;
		return CURL_PREREQFUNC_ABORT;
	}
	transfer->issued++;
	return CURL_PREREQFUNC_OK;
}

/* Add "name\0value\0" to the result's headers; false when out of memory. */
static bool
keep_header(GlHttpTransfer *transfer, const char *name, size_t name_length, const char *value,
			size_t value_length)
{
	GlHttpResult *result = &transfer->result;
	size_t length = result->headers_length + name_length + value_length + 2;
	size_t capacity = transfer->headers_capacity;
	char *to;

	if (capacity == 0)
		capacity = HEADERS_FIRST_CAPACITY;
	while (capacity < length)
		capacity *= 2;
	if (capacity != transfer->headers_capacity)
	{
		char *longer = realloc(result->headers, capacity);

		if (longer == NULL)
			return false;
		result->headers = longer;
		transfer->headers_capacity = capacity;
	}
	to = result->headers + result->headers_length;
	memcpy(to, name, name_length);
	to[name_length] = '\0';
	to += name_length + 1;
	memcpy(to, value, value_length);
	to[value_length] = '\0';
	result->headers_length = length;
	return true;
}

/*
 * Take one header line, status and empty lines included.  An informational
 * answer's headers are forgotten when the next status line comes, but count
 * towards the cap.
 */
static size_t
take_header(char *line, size_t unit, size_t length, void *context)
{
	GlHttpTransfer *transfer = context;
	const char *colon;
	size_t name_length;
	size_t from;
	size_t to = length;

	(void) unit;
	transfer->header_bytes += length;
	if (transfer->header_bytes > GL_HTTP_HEADERS_MAX)
	{
		transfer->headers_over = true;
		return 0;
	}
	if (length >= 5 && memcmp(line, "HTTP/", 5) == 0)
	{
		transfer->result.headers_length = 0;
		return length;
	}
	colon = memchr(line, ':', length);
	if (colon == NULL || colon == line || memchr(line, '\0', length) != NULL)
		return length;

	name_length = (size_t) (colon - line);
	from = name_length + 1;
	while (from < to && strchr(" \t", line[from]) != NULL)
		from++;
	while (to > from && strchr(" \t\r\n", line[to - 1]) != NULL)
		to--;
	/* the line's end and colon are the room for the two NULs */
	if (length - name_length - (to - from) < 2)
		return length;
	if (!keep_header(transfer, line, name_length, line + from, to - from))
	{
		transfer->no_memory = true;
		return 0;
	}
	return length;
}

/* Make room for a body of that length and a NUL; false when out of memory. */
static bool
body_reserve(GlHttpTransfer *transfer, size_t length)
{
	size_t capacity = transfer->body_capacity;
	char *longer;

	if (length + 1 <= capacity)
		return true;
	if (capacity == 0)
		capacity = BODY_FIRST_CAPACITY;
	while (capacity < length + 1)
		capacity *= 2;
	if (capacity > transfer->body_max + 1)
		capacity = transfer->body_max + 1;
	longer = realloc(transfer->body_capacity == 0 ? NULL : transfer->result.body, capacity);
	if (longer == NULL)
		return false;
	transfer->result.body = longer;
	transfer->body_capacity = capacity;
	return true;
}

/* Take a piece of the body; what is over the cap ends the transfer. */
static size_t
take_body(char *piece, size_t unit, size_t length, void *context)
{
	GlHttpTransfer *transfer = context;
	GlHttpResult *result = &transfer->result;
	size_t room = transfer->body_max - result->body_length;
	size_t take = length < room ? length : room;

	(void) unit;
	if (!body_reserve(transfer, result->body_length + take))
	{
		transfer->no_memory = true;
		return 0;
	}
	memcpy(result->body + result->body_length, piece, take);
	result->body_length += take;
	result->body[result->body_length] = '\0';
	if (take < length)
	{
		result->truncated = true;
		return 0;
	}
	return length;
}

/* Confine a handle to http and https, in the way its libcurl knows. */
static bool
set_protocols(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
#else
	return curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long) (CURLPROTO_HTTP | CURLPROTO_HTTPS)) ==
		   CURLE_OK;
#endif
}

#define SET(option, value) (curl_easy_setopt(transfer->easy, (option), (value)) == CURLE_OK)

/* The options that are the same for every request; false when one fails. */
static bool
set_fixed_options(GlHttpTransfer *transfer)
{
	GlHttp *http = transfer->http;
	bool ok = set_protocols(transfer->easy);

	ok = ok && SET(CURLOPT_PRIVATE, transfer);
	ok = ok && SET(CURLOPT_ERRORBUFFER, transfer->curl_message);
	ok = ok && SET(CURLOPT_NOSIGNAL, 1L);
	/* from 8.16 on a name that was not found is not looked for again for half of this: a retry must look */
	ok = ok && SET(CURLOPT_DNS_CACHE_TIMEOUT, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
	ok = ok && SET(CURLOPT_QUICK_EXIT, 1L);
#endif

	ok = ok && SET(CURLOPT_FOLLOWLOCATION, 0L);
	ok = ok && SET(CURLOPT_PATH_AS_IS, 1L);
	ok = ok && SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	ok = ok && SET(CURLOPT_PROXY, "");
	ok = ok && SET(CURLOPT_NOPROXY, "*");
	ok = ok && SET(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);

	/* prior-knowledge HTTP/2 fails on reused connections in libcurl 7.88 */
	ok = ok && SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_2TLS);
	ok = ok && SET(CURLOPT_HTTP_CONTENT_DECODING, 0L);
	ok = ok && SET(CURLOPT_SSL_VERIFYPEER, 1L);
	ok = ok && SET(CURLOPT_SSL_VERIFYHOST, 2L);
	ok = ok && SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	if (http->ca_file != NULL)
		ok = ok && SET(CURLOPT_CAINFO, http->ca_file);
	if (http->user_agent != NULL)
		ok = ok && SET(CURLOPT_USERAGENT, http->user_agent);

	ok = ok && SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	ok = ok && SET(CURLOPT_OPENSOCKETDATA, transfer);
	ok = ok && SET(CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	ok = ok && SET(CURLOPT_CLOSESOCKETDATA, http);
	ok = ok && SET(CURLOPT_PREREQFUNCTION, before_request);
	ok = ok && SET(CURLOPT_PREREQDATA, transfer);
	ok = ok && SET(CURLOPT_HEADERFUNCTION, take_header);
	ok = ok && SET(CURLOPT_HEADERDATA, transfer);
	ok = ok && SET(CURLOPT_WRITEFUNCTION, take_body);
	ok = ok && SET(CURLOPT_WRITEDATA, transfer);
	return ok;
}

GlHttpTransfer *
gl_http_transfer_create(GlHttp *http)
{
	GlHttpTransfer *transfer = calloc(1, sizeof(GlHttpTransfer));

	if (transfer == NULL)
		return NULL;
	transfer->http = http;
	transfer->result.body = empty_body;
	transfer->easy = curl_easy_init();
	if (transfer->easy == NULL || !set_fixed_options(transfer))
	{
		gl_http_transfer_destroy(transfer);
		return NULL;
	}
	return transfer;
}

/* Method and body; libcurl must be told of a body before the method's name. */
static bool
set_method(GlHttpTransfer *transfer, const GlHttpRequest *request)
{
	bool with_body = request->body != NULL || strcmp(request->method, "POST") == 0;
	size_t length = request->body != NULL ? request->body_length : 0;

	if (!with_body)
		return SET(CURLOPT_HTTPGET, 1L) && SET(CURLOPT_CUSTOMREQUEST, request->method);

	transfer->request_body = malloc(length + 1);
	if (transfer->request_body == NULL)
		return false;
	if (length > 0)
		memcpy(transfer->request_body, request->body, length);
	transfer->request_body[length] = '\0';
	return SET(CURLOPT_POST, 1L) && SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) length) &&
		   SET(CURLOPT_POSTFIELDS, transfer->request_body) &&
		   SET(CURLOPT_CUSTOMREQUEST,
			   strcmp(request->method, "POST") == 0 ? NULL : request->method);
}

bool
gl_http_transfer_prepare(GlHttpTransfer *transfer, const GlHttpRequest *request, uint64_t tag)
{
	int64_t connect_ms = request->connect_timeout_ms;

	if (connect_ms == 0 || connect_ms > request->timeout_ms)
		connect_ms = request->timeout_ms;
	transfer->result.tag = tag;
	transfer->body_max = request->max_response_bytes;
	transfer->repeatable = request->repeatable || strcmp(request->method, "GET") == 0;
	transfer->started_ns = gl_http_now_ns();

	transfer->request_headers = gl_http_request_headers(request);
	return transfer->request_headers != NULL &&
		   SET(CURLOPT_HTTPHEADER, transfer->request_headers) && SET(CURLOPT_URL, request->url) &&
		   SET(CURLOPT_TIMEOUT_MS, (long) request->timeout_ms) &&
		   SET(CURLOPT_CONNECTTIMEOUT_MS, (long) connect_ms) && set_method(transfer, request);
}

/* Which kind of failure libcurl's code and our own notes amount to. */
static GlHttpKind
classify(const GlHttpTransfer *transfer, CURLcode code)
{
	if (code == CURLE_OK)
		return GL_HTTP_ANSWERED;
	if (transfer->headers_over || transfer->result.truncated)
		return GL_HTTP_TOO_LARGE;
	if (transfer->issue_refused)
		return GL_HTTP_RESET;
	if (code == CURLE_COULDNT_CONNECT && transfer->address_refused && !transfer->address_opened)
		return GL_HTTP_REFUSED_ADDRESS;

	switch (code)
	{
		case CURLE_COULDNT_RESOLVE_HOST:
			return GL_HTTP_DNS;
		case CURLE_COULDNT_CONNECT:
			return GL_HTTP_CONNECT;
		case CURLE_OPERATION_TIMEDOUT:
			return GL_HTTP_TIMEOUT;
		case CURLE_SSL_CONNECT_ERROR:
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_SSL_CIPHER:
		case CURLE_SSL_CERTPROBLEM:
		case CURLE_SSL_ISSUER_ERROR:
		case CURLE_USE_SSL_FAILED:
			return GL_HTTP_TLS;
		case CURLE_GOT_NOTHING:
		case CURLE_PARTIAL_FILE:
		case CURLE_RECV_ERROR:
		case CURLE_SEND_ERROR:
		case CURLE_HTTP2:
		case CURLE_HTTP2_STREAM:
			return GL_HTTP_RESET;
		default:
			return GL_HTTP_OTHER;
	}
}

/*
 * Write the message.  libcurl's own details are taken only for failures that
 * happen before a request is written, where they name the host at most.
 */
static void
describe(GlHttpTransfer *transfer, CURLcode code)
{
	GlHttpResult *result = &transfer->result;
	const char *text = NULL;
	size_t i;

	if (result->kind == GL_HTTP_REFUSED_ADDRESS)
		text = "the host's address is not one that may be called";
	else if (transfer->headers_over)
		text = "the answer's headers are too long";
	else if (result->kind == GL_HTTP_TOO_LARGE)
		text = "the answer's body is too long";
	else if (transfer->issue_refused)
		text = "a kept connection was closed before the answer";
	else if (transfer->no_memory)
		text = "out of memory";
	else if (result->kind == GL_HTTP_DNS || result->kind == GL_HTTP_CONNECT ||
			 result->kind == GL_HTTP_TLS)
		text = transfer->curl_message;
	if (text == NULL || text[0] == '\0')
		text = curl_easy_strerror(code);

	snprintf(result->message, sizeof(result->message), "%.*s", GL_ERROR_MESSAGE_SIZE - 1, text);
	for (i = 0; result->message[i] != '\0'; i++)
	{
		unsigned char byte = (unsigned char) result->message[i];

		if (byte < 0x20 || byte >= 0x7f)
			result->message[i] = '?';
	}
	/* libcurl begins sentences; an abbreviation at the start stays as it is */
	if (isupper((unsigned char) result->message[0]) && islower((unsigned char) result->message[1]))
		result->message[0] = (char) tolower((unsigned char) result->message[0]);
}

void
gl_http_transfer_conclude(GlHttpTransfer *transfer, CURLcode code)
{
	GlHttpResult *result = &transfer->result;
	long status = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	result->status = (int) status;
	result->kind = classify(transfer, code);
	result->sent = transfer->issued > 0;
	result->elapsed_ms = (gl_http_now_ns() - transfer->started_ns) / 1000000;
	if (result->kind != GL_HTTP_ANSWERED)
	{
		describe(transfer, code);
		result->truncated = result->truncated || result->body_length > 0;
	}
}

void
gl_http_transfer_clear(GlHttpTransfer *transfer)
{
	GlHttp *http = transfer->http;
	CURL *easy = transfer->easy;

	gl_http_result_free(&transfer->result);
	free(transfer->request_body);
	free(transfer->request_headers);
	memset(transfer, 0, sizeof(*transfer));
	transfer->http = http;
	transfer->easy = easy;
	transfer->result.body = empty_body;
}

void
gl_http_transfer_destroy(GlHttpTransfer *transfer)
{
	if (transfer->easy != NULL)
		curl_easy_cleanup(transfer->easy);
	transfer->easy = NULL;
	gl_http_transfer_clear(transfer);
	free(transfer);
}

void
gl_http_result_free(GlHttpResult *result)
{
	if (result->body != empty_body)
		free(result->body);
	free(result->headers);
	result->body = empty_body;
	result->body_length = 0;
	result->headers = NULL;
	result->headers_length = 0;
}
