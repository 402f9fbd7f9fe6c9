/*-------------------------------------------------------------------------
 *
 * engine.h
 *	  Many HTTP requests at once on one thread, driven by the caller's loop.
 *
 * The worker must stay interruptible while hundreds of requests hang, so the
 * engine never waits: it offers one descriptor that becomes readable when
 * something is to be done, and does what is due when it is asked to.  The
 * outside world is not trusted: every size is capped, every transfer has a
 * deadline, addresses pass guard.h, certificates are always verified,
 * redirects are never followed and the environment's proxies are ignored.
 *
 * A usual turn:  wait for gl_http_fd() or a latch;  gl_http_service();
 * gl_http_next() until it says no;  gl_http_start() for what is new.
 *
 * One engine belongs to one process and one thread; create it after fork.
 * The process must ignore SIGPIPE, as every PostgreSQL process does.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_HTTP_ENGINE_H
#define GL_HTTP_ENGINE_H

#include "http/guard.h"
#include "pure.h"

/* Bytes of the answer's header lines that are read before it is given up. */
#define GL_HTTP_HEADERS_MAX (16 * 1024)

/* Bytes of all request headers together, names and values. */
#define GL_HTTP_REQUEST_HEADERS_MAX (16 * 1024)

typedef struct GlHttp GlHttp;

typedef struct GlHttpConfig
{
	int max_active;           /* requests in flight altogether, 1..10000 */
	const GlNetwork *allowed; /* networks open in spite of guard.h; copied */
	size_t allowed_count;
	const char *user_agent; /* NULL: none is sent */
	const char *ca_file;    /* PEM roots instead of the system's, or NULL */
} GlHttpConfig;

typedef struct GlHttpHeader
{
	const char *name;
	const char *value;
} GlHttpHeader;

typedef struct GlHttpRequest
{
	const char *method; /* GET, POST, PUT, PATCH or DELETE */
	const char *url;    /* as gl_url_check wants it */
	bool allow_http;    /* plain http:// passes too */

	const GlHttpHeader *headers;
	size_t header_count;
	const char *body; /* NULL when there is none */
	size_t body_length;

	int64_t timeout_ms;         /* for the whole exchange, > 0 */
	int64_t connect_timeout_ms; /* name, connect and TLS; 0: timeout_ms */
	size_t max_response_bytes;  /* of the body, > 0 */

	const char *account; /* whose limit counts this; NULL is "" */
	int max_connections; /* of that account, > 0 */

	/*
	 * May the engine itself put the request on a fresh connection when a kept
	 * one turns out to be dead after the request was written to it?  Then the
	 * other side may see it twice.  GET may always.
	 */
	bool repeatable;
} GlHttpRequest;

typedef enum GlHttpKind
{
	GL_HTTP_ANSWERED,        /* a whole answer, whatever its status */
	GL_HTTP_REFUSED_ADDRESS, /* guard.h said no to every address: final */
	GL_HTTP_DNS,             /* the name did not resolve */
	GL_HTTP_CONNECT,         /* refused or unreachable */
	GL_HTTP_TLS,             /* handshake or certificate */
	GL_HTTP_TIMEOUT,         /* the deadline passed, in any phase */
	GL_HTTP_RESET,           /* closed or broken off before the answer's end */
	GL_HTTP_TOO_LARGE,       /* the answer's headers or body passed a cap */
	GL_HTTP_OTHER            /* not HTTP, out of memory, ... */
} GlHttpKind;

typedef struct GlHttpResult
{
	uint64_t tag; /* as given to gl_http_start */
	GlHttpKind kind;
	int status;         /* HTTP status, 0 when none was read */
	bool sent;          /* may the other side have seen the request? */
	bool truncated;     /* body is only a beginning of the answer's */
	int64_t elapsed_ms; /* from start to end */
	char *headers;      /* name\0value\0 ..., use gl_http_header */
	size_t headers_length;
	char *body; /* followed by a NUL; never NULL */
	size_t body_length;
	char message[GL_ERROR_MESSAGE_SIZE]; /* "" when answered; free of
												 * path, query, headers */
} GlHttpResult;

/*
 * Make an engine, or NULL with error->message.  The first call in a process
 * initialises libcurl.
 */
extern GlHttp *gl_http_create(const GlHttpConfig *config, GlError *error);

/*
 * Drop the engine and all that is in flight, without waiting for the network
 * or for a name server.
 */
extern void gl_http_destroy(GlHttp *http);

/*
 * Close the engine's own descriptors and leak the rest: where libcurl would
 * wait for a hanging name lookup in gl_http_destroy.
 */
extern void gl_http_abandon(GlHttp *http);

/* True when gl_http_destroy never waits for a name lookup, with the libcurl that is loaded. */
extern bool gl_http_destroy_is_prompt(void);

/*
 * The one descriptor to wait on (level triggered, readable means: call
 * gl_http_service).  It stays the same for the life of the engine.
 */
extern int gl_http_fd(const GlHttp *http);

/*
 * Begin a request; everything it points to is copied.
 *	 GL_OK		 a result with this tag will come
 *	 GL_LIMIT	 the account's or the engine's limit is reached: ask later
 *	 GL_INVALID	 the request breaks a rule (see error->message; where is the
 *				 index of a bad header or -1): nothing was sent, and never
 *				 will be
 *	 GL_NO_MEMORY
 */
extern GlStatus gl_http_start(GlHttp *http, const GlHttpRequest *request, uint64_t tag,
							  GlError *error);

/*
 * Do what is due, without waiting.  GL_OK, or GL_STOPPED when the engine
 * itself is broken (libcurl or epoll ran out of something): destroy it, make
 * another, and treat what was in flight as lost.
 */
extern GlStatus gl_http_service(GlHttp *http);

/*
 * Take one finished request.  False when there is none; otherwise the caller
 * owns *result and calls gl_http_result_free.
 */
extern bool gl_http_next(GlHttp *http, GlHttpResult *result);
extern void gl_http_result_free(GlHttpResult *result);

/*
 * Value of the first header of that name (case does not count), or NULL.
 * The text lives as long as the result.
 */
extern const char *gl_http_header(const GlHttpResult *result, const char *name);

/* Requests in flight of one account, or of all when account is NULL. */
extern int gl_http_active(const GlHttp *http, const char *account);

/*
 * Break off all that is in flight; no results come for them.  Results that
 * were finished before stay to be taken.
 */
extern void gl_http_cancel_all(GlHttp *http);

/* A lower-case word for a kind, for logs and tables: "answered", "dns", ... */
extern const char *gl_http_kind_name(GlHttpKind kind);

#endif /* GL_HTTP_ENGINE_H */
