/*-------------------------------------------------------------------------
 *
 * request.c
 *	  The rules a request must keep before anything is done with it.
 *
 * Header values may hold what a merchant or a customer typed, and libcurl
 * passes header lines on as they are; a line break in one would be a second
 * header or a second request.  The headers that frame the message belong to
 * libcurl alone, for the same reason.
 *
 *-------------------------------------------------------------------------
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/engine_internal.h"

static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

/* Set by the engine or by libcurl, so that they fit what is sent. */
static const char *const reserved_headers[] = {"Accept-Encoding",
											   "Connection",
											   "Content-Length",
											   "Expect",
											   "Host",
											   "Keep-Alive",
											   "Proxy-Authorization",
											   "Proxy-Connection",
											   "TE",
											   "Trailer",
											   "Transfer-Encoding",
											   "Upgrade"};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Fill the error and answer GL_INVALID, so that a refusal is one line. */
static GlStatus
refuse(GlError *error, int64_t where, const char *message)
{
	error->where = where;
	snprintf(error->message, sizeof(error->message), "%s", message);
	return GL_INVALID;
}

/* Is it a token of RFC 9110, 5.6.2? */
static bool
is_token(const char *text)
{
	size_t i;

	for (i = 0; text[i] != '\0'; i++)
	{
		unsigned char byte = (unsigned char) text[i];
		bool letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';

		if (!letter && byte != '-' && (byte < '0' || byte > '9') &&
			strchr("!#$%&'*+.^_`|~", byte) == NULL)
			return false;
	}
	return i > 0;
}

/* No control character but a tab (RFC 9110, 5.5); no blank at either end. */
static bool
is_field_value(const char *text)
{
	size_t length = strlen(text);
	size_t i;

	for (i = 0; i < length; i++)
	{
		unsigned char byte = (unsigned char) text[i];

		if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
			return false;
	}
	return length == 0 ||
		   (strchr(" \t", text[0]) == NULL && strchr(" \t", text[length - 1]) == NULL);
}

static bool
is_reserved(const char *name)
{
	size_t i;

	for (i = 0; i < COUNT_OF(reserved_headers); i++)
	{
		if ((name[0] | 0x20) == (reserved_headers[i][0] | 0x20) &&
			strcasecmp(name, reserved_headers[i]) == 0)
			return true;
	}
	return false;
}

/* The headers' part of gl_http_request_check. */
static GlStatus
check_headers(const GlHttpRequest *request, GlError *error)
{
	size_t total = 0;
	size_t i;

	for (i = 0; i < request->header_count; i++)
	{
		const GlHttpHeader *header = &request->headers[i];

		if (!is_token(header->name))
			return refuse(error, (int64_t) i, "header name is not a token");
		if (!is_field_value(header->value))
			return refuse(error, (int64_t) i,
						  "header value has a control character or outer blanks");
		if (is_reserved(header->name))
			return refuse(error, (int64_t) i, "header is reserved for the engine");
		total += strlen(header->name) + strlen(header->value);
		if (total > GL_HTTP_REQUEST_HEADERS_MAX)
			return refuse(error, (int64_t) i, "headers are too long");
	}
	return GL_OK;
}

GlStatus
gl_http_request_check(const GlHttpRequest *request, GlError *error)
{
	size_t i;

	for (i = 0; i < COUNT_OF(methods); i++)
	{
		if (strcmp(request->method, methods[i]) == 0)
			break;
	}
	if (i == COUNT_OF(methods))
		return refuse(error, -1, "method is not one of GET, POST, PUT, PATCH and DELETE");
	if (strcmp(request->method, "GET") == 0 && request->body != NULL)
		return refuse(error, -1, "a GET has no body");
	if (request->timeout_ms <= 0 || request->timeout_ms > INT_MAX ||
		request->connect_timeout_ms < 0 || request->connect_timeout_ms > INT_MAX)
		return refuse(error, -1, "timeout is out of range");
	if (request->max_response_bytes == 0 || request->max_response_bytes > INT_MAX)
		return refuse(error, -1, "response cap is out of range");
	if (request->body != NULL && request->body_length > INT_MAX)
		return refuse(error, -1, "body is too long");
	if (request->max_connections < 1)
		return refuse(error, -1, "connection limit must be at least 1");

	return check_headers(request, error);
}

/* Add a line to a list whose memory is there; answers where the next line's text begins. */
static char *
add_line(struct curl_slist *line, char *text, const char *name, const char *separator,
		 const char *value)
{
	line->data = text;
	line->next = line + 1;
	text = stpcpy(text, name);
	text = stpcpy(text, separator);
	return stpcpy(text, value) + 1;
}

struct curl_slist *
gl_http_request_headers(const GlHttpRequest *request)
{
	size_t most = request->header_count + 2;
	size_t length = sizeof("Expect:") + sizeof("Content-Type:");
	bool has_type = false;
	struct curl_slist *list;
	size_t count = 0;
	char *text;
	size_t i;

	for (i = 0; i < request->header_count; i++)
		length += strlen(request->headers[i].name) + strlen(request->headers[i].value) + 3;
	list = malloc(most * sizeof(struct curl_slist) + length);
	if (list == NULL)
		return NULL;
	text = (char *) (list + most);

	/* Waiting for "100 Continue" would cost a round trip before each big body. */
	text = add_line(&list[count++], text, "Expect", ":", "");
	for (i = 0; i < request->header_count; i++)
	{
		const GlHttpHeader *header = &request->headers[i];

		/* libcurl takes "Name:" for a header to leave out, "Name;" for an empty one */
		text = add_line(&list[count++], text, header->name, header->value[0] == '\0' ? ";" : ": ",
						header->value);
		has_type = has_type || strcasecmp(header->name, "Content-Type") == 0;
	}
	/* libcurl would otherwise call each POST a form */
	if (!has_type)
		add_line(&list[count++], text, "Content-Type", ":", "");
	list[count - 1].next = NULL;
	return list;
}
