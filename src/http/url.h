/*-------------------------------------------------------------------------
 *
 * url.h
 *	  URLs that the engine accepts, and how to build them.
 *
 * Only plain absolute http(s) URLs in ASCII pass: no user info, no fragment,
 * no blanks or control characters, so that nothing a merchant or a carrier
 * wrote can become a header line, a credential or another host.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_HTTP_URL_H
#define GL_HTTP_URL_H

#include "pure.h"

/* Bytes of the longest URL, its final NUL included. */
#define GL_URL_SIZE 4096

/*
 * Is this an absolute URL that the engine will send to?  http:// passes only
 * with allow_http.  GL_OK, or GL_INVALID with a message that does not quote
 * the URL (its query may hold a secret).
 */
extern GlStatus gl_url_check(const char *url, bool allow_http, GlError *error);

/*
 * Put a path (which starts with "/" and may carry a query) behind a base URL
 * (which may itself have a path, but no query) with exactly one slash between
 * them, and check the outcome as gl_url_check does.  out receives at most
 * out_size bytes with the NUL; GL_LIMIT when it does not fit.
 */
extern GlStatus gl_url_join(const char *base, const char *path, bool allow_http, char *out,
							size_t out_size, GlError *error);

/*
 * Percent-encode a value (UTF-8) so that it is one path segment or one query
 * value: everything but the unreserved characters of RFC 3986, 2.3.  "",
 * "." and ".." are refused with GL_INVALID, because no encoding keeps servers
 * from reading them as a change of directory.  GL_LIMIT when out is too small.
 */
extern GlStatus gl_url_escape(const char *value, char *out, size_t out_size, GlError *error);

#endif /* GL_HTTP_URL_H */
