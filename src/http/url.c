/*-------------------------------------------------------------------------
 *
 * url.c
 *	  URLs that the engine accepts, and how to build them.
 *
 * libcurl's own parser is lenient on purpose (it mends what people type), so
 * a strict check comes first: two parsers that disagree about where the host
 * ends is how a guard is led around.  Names outside ASCII must be given in
 * their punycode form.
 *
 *-------------------------------------------------------------------------
 */
#include "http/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* RFC 3986, 2.3; what needs no escape anywhere. */
#define UNRESERVED LETTERS DIGITS "-._~"

/* RFC 3986, 3.3 and 3.4: path and query, without "#". */
#define PATH_AND_QUERY UNRESERVED "!$&'()*+,;=:@%/?"

#define HOST_NAME LETTERS DIGITS "-._"
#define HOST_IPV6 "0123456789abcdefABCDEF:."

/* Fill the error and answer GL_INVALID, so that a refusal is one line. */
static GlStatus
refuse(GlError *error, const char *message)
{
	error->where = -1;
	snprintf(error->message, sizeof(error->message), "%s", message);
	return GL_INVALID;
}

/* Step over "scheme://"; NULL when it is not one that may be used. */
static const char *
skip_scheme(const char *url, bool allow_http)
{
	static const char https[] = "https://";
	static const char http[] = "http://";

	if (strncmp(url, https, sizeof(https) - 1) == 0)
		return url + sizeof(https) - 1;
	if (allow_http && strncmp(url, http, sizeof(http) - 1) == 0)
		return url + sizeof(http) - 1;
	return NULL;
}

/* Step over "host[:port]"; NULL when there is no clean one. */
static const char *
skip_authority(const char *from)
{
	size_t length;

	if (*from == '[')
	{
		length = strspn(from + 1, HOST_IPV6);
		if (length == 0 || from[1 + length] != ']')
			return NULL;
		from += length + 2;
	}
	else
	{
		length = strspn(from, HOST_NAME);
		if (length == 0 || length > 253)
			return NULL;
		from += length;
	}
	if (*from == ':')
	{
		length = strspn(from + 1, DIGITS);
		if (length == 0 || length > 5 || atoi(from + 1) < 1 || atoi(from + 1) > 65535)
			return NULL;
		from += length + 1;
	}
	if (*from != '\0' && *from != '/' && *from != '?')
		return NULL;
	return from;
}

GlStatus
gl_url_check(const char *url, bool allow_http, GlError *error)
{
	const char *rest;

	if (strnlen(url, GL_URL_SIZE) >= GL_URL_SIZE)
		return refuse(error, "URL is too long");
	rest = skip_scheme(url, allow_http);
	if (rest == NULL)
		return refuse(error, allow_http ? "URL must start with https:// or http://"
										: "URL must start with https://");
	rest = skip_authority(rest);
	if (rest == NULL)
		return refuse(error, "URL has no plain host name (user info is not allowed)");
	if (rest[strspn(rest, PATH_AND_QUERY)] != '\0')
		return refuse(error, "URL has a character that must be percent-encoded or a fragment");
	return GL_OK;
}

GlStatus
gl_url_join(const char *base, const char *path, bool allow_http, char *out, size_t out_size,
			GlError *error)
{
	size_t base_length = strlen(base);
	size_t path_length = strlen(path);
	GlStatus status = gl_url_check(base, allow_http, error);

	if (status != GL_OK)
		return status;
	if (strchr(base, '?') != NULL)
		return refuse(error, "base URL must not have a query");
	if (path[0] != '/')
		return refuse(error, "path must start with \"/\"");
	if (base[base_length - 1] == '/')
		base_length--;
	if (base_length + path_length >= out_size)
		return GL_LIMIT;

	memcpy(out, base, base_length);
	memcpy(out + base_length, path, path_length + 1);
	return gl_url_check(out, allow_http, error);
}

GlStatus
gl_url_escape(const char *value, char *out, size_t out_size, GlError *error)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t used = 0;

	if (strcmp(value, "") == 0 || strcmp(value, ".") == 0 || strcmp(value, "..") == 0)
		return refuse(error, "value cannot be a part of a path");
	for (; *value != '\0'; value++)
	{
		unsigned char byte = (unsigned char) *value;
		bool plain = strchr(UNRESERVED, byte) != NULL;

		if (used + (plain ? 1 : 3) >= out_size)
			return GL_LIMIT;
		if (plain)
			out[used++] = (char) byte;
		else
		{
			out[used++] = '%';
			out[used++] = hex[byte >> 4];
			out[used++] = hex[byte & 15];
		}
	}
	out[used] = '\0';
	return GL_OK;
}
