/*-------------------------------------------------------------------------
 *
 * engine_internal.h
 *	  What the files of the engine share: the engine, a transfer, an account.
 *
 * engine.c owns the loop (descriptor, timer, lists), transfer.c one exchange
 * (libcurl's options and callbacks, the outcome), request.c the rules that a
 * request must keep.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_HTTP_ENGINE_INTERNAL_H
#define GL_HTTP_ENGINE_INTERNAL_H

#include <curl/curl.h>
#include <signal.h>

#include "http/engine.h"
#include "http/url.h"

/* A power of two; accounts are few and only those with requests in flight. */
#define ACCOUNT_BUCKETS 256

/* An account with requests in flight; it is dropped when the last one ends. */
typedef struct GlHttpAccount
{
	struct GlHttpAccount *next; /* in its bucket */
	int active;
	char key[];
} GlHttpAccount;

/*
 * One request on its way, or its outcome until the caller takes it.  The
 * struct and its easy handle are used again for later requests.
 */
typedef struct GlHttpTransfer
{
	struct GlHttpTransfer *next;
	struct GlHttpTransfer *previous; /* in the list of active ones only */
	GlHttp *http;
	CURL *easy;
	GlHttpAccount *account;
	GlHttpResult result; /* grows while the answer comes in */

	char *request_body;
	struct curl_slist *request_headers;
	bool repeatable;
	int issued;         /* how often the request was let out */
	bool issue_refused; /* a second time was asked for and refused */

	bool address_opened;  /* some address passed the guard */
	bool address_refused; /* some address did not */

	int64_t started_ns;
	size_t header_bytes; /* of all header lines, informational too */
	bool headers_over;   /* they passed GL_HTTP_HEADERS_MAX */
	size_t headers_capacity;
	size_t body_capacity;
	size_t body_max;
	bool no_memory;
	char curl_message[CURL_ERROR_SIZE];
} GlHttpTransfer;

struct GlHttp
{
	CURLM *multi;
	int epoll_fd;
	int timer_fd;
	unsigned char *sockets; /* flags of watch.c, by descriptor */
	size_t socket_count;
	bool broken;      /* libcurl or epoll gave up on us */
	sigset_t blocked; /* signals kept out of libcurl's threads */

	int64_t wanted_ns; /* when libcurl wants its timer; 0 never */
	int64_t armed_ns;  /* when timer_fd will fire; 0 never */

	int max_active;
	int active_count;
	GlHttpTransfer *active;
	GlHttpTransfer *finished_first; /* in order of completion */
	GlHttpTransfer *finished_last;
	GlHttpTransfer *idle;
	GlHttpAccount *accounts[ACCOUNT_BUCKETS];

	GlNetwork *allowed;
	size_t allowed_count;
	char *user_agent;
	char *ca_file;

	char good_url[GL_URL_SIZE]; /* the last one that was found good; "" at first */
	bool good_url_allow_http;   /* where plain http:// was allowed */
};

/* Nanoseconds of a clock that no one sets. */
extern int64_t gl_http_now_ns(void);

/* A socket that we opened for libcurl, and close for it. */
extern void gl_http_watch_opened(GlHttp *http, curl_socket_t fd);
extern void gl_http_watch_closed(GlHttp *http, curl_socket_t fd);

/* What libcurl waits for on a socket, in its words; false where the kernel refuses to watch it. */
extern bool gl_http_watch(GlHttp *http, curl_socket_t fd, int what);

/* Something came on a socket: does libcurl wait for nothing on it?  Then it is not watched any more. */
extern bool gl_http_watch_rests(GlHttp *http, curl_socket_t fd);

/*
 * Does the request, but for its URL, keep the rules of engine.h?  GL_OK, or
 * GL_INVALID with the message and, for a header, its index.
 */
extern GlStatus gl_http_request_check(const GlHttpRequest *request, GlError *error);

/* The request's headers as libcurl wants them, in one piece to free; NULL when out of memory. */
extern struct curl_slist *gl_http_request_headers(const GlHttpRequest *request);

/* A transfer with an easy handle that has all options that never change. */
extern GlHttpTransfer *gl_http_transfer_create(GlHttp *http);

/* Give a transfer its request; false when out of memory. */
extern bool gl_http_transfer_prepare(GlHttpTransfer *transfer, const GlHttpRequest *request,
									 uint64_t tag);

/* Turn libcurl's verdict into the result's kind, status, message and times. */
extern void gl_http_transfer_conclude(GlHttpTransfer *transfer, CURLcode code);

/* Free what belongs to one request, so that the transfer can take another. */
extern void gl_http_transfer_clear(GlHttpTransfer *transfer);

extern void gl_http_transfer_destroy(GlHttpTransfer *transfer);

#endif /* GL_HTTP_ENGINE_INTERNAL_H */
