/*-------------------------------------------------------------------------
 *
 * engine.c
 *	  Many HTTP requests at once on one thread: descriptor, timer and lists.
 *
 * libcurl's sockets and a timer are put into one epoll descriptor, so that a
 * PostgreSQL wait event set can wait for all of them as for one socket.
 *
 * libcurl moves its timer with nearly every event, mostly to later; the timer
 * descriptor is only ever set to earlier, and an early wake-up then finds
 * nothing due and sets it anew.  That saves a system call per request.
 *
 * Signals are blocked around every call into libcurl, because a thread that
 * it makes for a name lookup inherits the mask, and a server's handlers must
 * not run in a foreign thread.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "http/engine_internal.h"

/* Sockets served per gl_http_service; more wait for the next call. */
#define EVENTS_PER_SERVICE 256

/*
 * libcurl leaves hanging lookups behind since 7.87 (CURLOPT_QUICK_EXIT).  8.14
 * was seen to do so, 8.23 was seen to wait for them after all; what is between
 * is not known.
 */
#define PROMPT_SINCE 0x075700
#define PROMPT_UNTIL 0x080f00

#define MAX_ACTIVE_LIMIT 10000

static bool curl_is_initialised;

int64_t
gl_http_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Enter libcurl: no signal handler runs until signals_restore. */
static void
signals_block(const GlHttp *http, sigset_t *before)
{
	pthread_sigmask(SIG_SETMASK, &http->blocked, before);
}

static void
signals_restore(const sigset_t *before)
{
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* All signals but those that a fault of this thread raises. */
static void
signals_choose(sigset_t *set)
{
	sigfillset(set);
	sigdelset(set, SIGSEGV);
	sigdelset(set, SIGBUS);
	sigdelset(set, SIGFPE);
	sigdelset(set, SIGILL);
	sigdelset(set, SIGABRT);
	sigdelset(set, SIGTRAP);
}

/* Set the timer descriptor if it would fire too late for wanted_ns. */
static void
timer_arm(GlHttp *http)
{
	struct itimerspec when = {{0, 0}, {0, 0}};

	if (http->wanted_ns == 0 || (http->armed_ns != 0 && http->armed_ns <= http->wanted_ns))
		return;
	when.it_value.tv_sec = http->wanted_ns / 1000000000;
	when.it_value.tv_nsec = http->wanted_ns % 1000000000;
	timerfd_settime(http->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
	http->armed_ns = http->wanted_ns;
}

/* libcurl tells when it wants to be called at the latest; -1 is never. */
static int
timer_changed(CURLM *multi, long timeout_ms, void *context)
{
	GlHttp *http = context;

	(void) multi;
	if (timeout_ms < 0)
		http->wanted_ns = 0;
	else
		http->wanted_ns = gl_http_now_ns() + (int64_t) timeout_ms * 1000000;
	timer_arm(http);
	return 0;
}

/* libcurl tells what it waits for on a socket. */
static int
socket_changed(CURL *easy, curl_socket_t fd, int what, void *context, void *unused)
{
	GlHttp *http = context;

	(void) easy;
	(void) unused;
	if (gl_http_watch(http, fd, what))
		return 0;
	http->broken = true;
	return -1;
}

/* Copy what the configuration points to; false when out of memory. */
static bool
copy_config(GlHttp *http, const GlHttpConfig *config)
{
	http->max_active = config->max_active;
	http->allowed_count = config->allowed_count;
	if (config->allowed_count > 0)
	{
		size_t size = config->allowed_count * sizeof(GlNetwork);

		http->allowed = malloc(size);
		if (http->allowed == NULL)
			return false;
		memcpy(http->allowed, config->allowed, size);
	}
	if (config->user_agent != NULL && (http->user_agent = strdup(config->user_agent)) == NULL)
		return false;
	if (config->ca_file != NULL && (http->ca_file = strdup(config->ca_file)) == NULL)
		return false;
	return true;
}

/* Make the descriptors; false when the system refuses. */
static bool
open_descriptors(GlHttp *http)
{
	struct epoll_event event;

	http->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	http->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (http->epoll_fd < 0 || http->timer_fd < 0)
		return false;
	memset(&event, 0, sizeof(event));
	event.events = EPOLLIN;
	event.data.fd = http->timer_fd;
	return epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, http->timer_fd, &event) == 0;
}

/* Make the multi handle; false when libcurl is out of memory. */
static bool
open_multi(GlHttp *http)
{
	CURLM *multi;

	if (!curl_is_initialised && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return false;
	curl_is_initialised = true;
	http->multi = multi = curl_multi_init();
	return multi != NULL &&
		   curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, socket_changed) == CURLM_OK &&
		   curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, http) == CURLM_OK &&
		   curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, timer_changed) == CURLM_OK &&
		   curl_multi_setopt(multi, CURLMOPT_TIMERDATA, http) == CURLM_OK &&
		   curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long) http->max_active) == CURLM_OK;
}

GlHttp *
gl_http_create(const GlHttpConfig *config, GlError *error)
{
	GlHttp *http = NULL;
	const char *problem = NULL;
	sigset_t before;

	if (config->max_active < 1 || config->max_active > MAX_ACTIVE_LIMIT)
		problem = "number of requests in flight is out of range";
	else if ((http = calloc(1, sizeof(GlHttp))) == NULL)
		problem = "out of memory";
	else
	{
		http->epoll_fd = http->timer_fd = -1;
		signals_choose(&http->blocked);
		signals_block(http, &before);
		if (!copy_config(http, config))
			problem = "out of memory";
		else if (!open_descriptors(http))
			problem = "could not create an epoll or timer descriptor";
		else if (!open_multi(http))
			problem = "could not initialise libcurl";
		signals_restore(&before);
	}
	if (problem == NULL)
		return http;

	error->where = -1;
	snprintf(error->message, sizeof(error->message), "%s", problem);
	if (http != NULL)
		gl_http_destroy(http);
	return NULL;
}

/* The bucket of an account key (FNV-1a). */
static size_t
account_bucket(const char *key)
{
	uint32_t hash = 2166136261u;

	for (; *key != '\0'; key++)
		hash = (hash ^ (unsigned char) *key) * 16777619u;
	return hash % ACCOUNT_BUCKETS;
}

static GlHttpAccount *
account_find(const GlHttp *http, const char *key)
{
	GlHttpAccount *account = http->accounts[account_bucket(key)];

	while (account != NULL && strcmp(account->key, key) != 0)
		account = account->next;
	return account;
}

/* The account of this key with one request more; NULL when out of memory. */
static GlHttpAccount *
account_enter(GlHttp *http, const char *key)
{
	GlHttpAccount *account = account_find(http, key);

	if (account == NULL)
	{
		GlHttpAccount **bucket = &http->accounts[account_bucket(key)];

		account = malloc(sizeof(GlHttpAccount) + strlen(key) + 1);
		if (account == NULL)
			return NULL;
		strcpy(account->key, key);
		account->active = 0;
		account->next = *bucket;
		*bucket = account;
	}
	account->active++;
	return account;
}

/* One request less; the account goes with its last one. */
static void
account_leave(GlHttp *http, GlHttpAccount *account)
{
	GlHttpAccount **link = &http->accounts[account_bucket(account->key)];

	if (--account->active > 0)
		return;
	while (*link != account)
		link = &(*link)->next;
	*link = account->next;
	free(account);
}

/* Put a transfer into the list of active ones. */
static void
active_add(GlHttp *http, GlHttpTransfer *transfer)
{
	transfer->previous = NULL;
	transfer->next = http->active;
	if (http->active != NULL)
		http->active->previous = transfer;
	http->active = transfer;
	http->active_count++;
}

/* Take it out of libcurl's hands, of the list and of its account's count. */
static void
active_remove(GlHttp *http, GlHttpTransfer *transfer)
{
	curl_multi_remove_handle(http->multi, transfer->easy);
	if (transfer->previous != NULL)
		transfer->previous->next = transfer->next;
	else
		http->active = transfer->next;
	if (transfer->next != NULL)
		transfer->next->previous = transfer->previous;
	transfer->next = transfer->previous = NULL;
	http->active_count--;
	account_leave(http, transfer->account);
	transfer->account = NULL;
}

/* A transfer to fill, from the idle ones if there are any. */
static GlHttpTransfer *
transfer_acquire(GlHttp *http)
{
	GlHttpTransfer *transfer = http->idle;

	if (transfer == NULL)
		return gl_http_transfer_create(http);
	http->idle = transfer->next;
	transfer->next = NULL;
	return transfer;
}

/* Prepare a transfer that passed all checks and hand it to libcurl. */
static GlStatus
begin(GlHttp *http, const GlHttpRequest *request, const char *account, uint64_t tag)
{
	GlHttpTransfer *transfer = transfer_acquire(http);

	if (transfer == NULL)
		return GL_NO_MEMORY;
	if (gl_http_transfer_prepare(transfer, request, tag) &&
		(transfer->account = account_enter(http, account)) != NULL)
	{
		active_add(http, transfer);
		if (curl_multi_add_handle(http->multi, transfer->easy) == CURLM_OK)
			return GL_OK;
		active_remove(http, transfer);
	}
	gl_http_transfer_destroy(transfer);
	return GL_NO_MEMORY;
}

/* The requests of a carrier mostly go where the one before went. */
static GlStatus
check_url(GlHttp *http, const GlHttpRequest *request, GlError *error)
{
	GlStatus status;

	if (http->good_url[0] != '\0' && http->good_url_allow_http == request->allow_http &&
		strcmp(http->good_url, request->url) == 0)
		return GL_OK;
	status = gl_url_check(request->url, request->allow_http, error);
	if (status == GL_OK)
	{
		strcpy(http->good_url, request->url);
		http->good_url_allow_http = request->allow_http;
	}
	return status;
}

GlStatus
gl_http_start(GlHttp *http, const GlHttpRequest *request, uint64_t tag, GlError *error)
{
	const char *account = request->account != NULL ? request->account : "";
	GlStatus status = gl_http_request_check(request, error);
	sigset_t before;

	if (status == GL_OK)
		status = check_url(http, request, error);
	if (status != GL_OK)
		return status;
	if (http->active_count >= http->max_active ||
		gl_http_active(http, account) >= request->max_connections)
		return GL_LIMIT;

	signals_block(http, &before);
	status = begin(http, request, account, tag);
	signals_restore(&before);
	return status;
}

/* Move what libcurl has finished to the list of results. */
static void
collect_finished(GlHttp *http)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(http->multi, &left)) != NULL)
	{
		GlHttpTransfer *transfer = NULL;
		CURLcode code = message->data.result;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **) &transfer);
		gl_http_transfer_conclude(transfer, code);
		active_remove(http, transfer);
		if (http->finished_last != NULL)
			http->finished_last->next = transfer;
		else
			http->finished_first = transfer;
		http->finished_last = transfer;
	}
}

/* Tell libcurl of one socket, or of its timer; false when it is broken. */
static bool
act(GlHttp *http, curl_socket_t fd, uint32_t events)
{
	int what = 0;
	int running;

	if (events & (EPOLLIN | EPOLLHUP))
		what |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		what |= CURL_CSELECT_OUT;
	if (events & EPOLLERR)
		what |= CURL_CSELECT_ERR;
	return curl_multi_socket_action(http->multi, fd, what, &running) == CURLM_OK;
}

/* The part of gl_http_service that runs with signals blocked. */
static void
serve(GlHttp *http)
{
	struct epoll_event events[EVENTS_PER_SERVICE];
	int count = epoll_wait(http->epoll_fd, events, EVENTS_PER_SERVICE, 0);
	int i;

	for (i = 0; i < count; i++)
	{
		uint64_t expirations;

		if (events[i].data.fd != http->timer_fd)
		{
			if (!gl_http_watch_rests(http, events[i].data.fd))
				http->broken = !act(http, events[i].data.fd, events[i].events) || http->broken;
		}
		else if (read(http->timer_fd, &expirations, sizeof(expirations)) > 0)
			http->armed_ns = 0;
	}
	if (http->wanted_ns != 0 && http->wanted_ns <= gl_http_now_ns())
	{
		http->wanted_ns = 0;
		http->broken = !act(http, CURL_SOCKET_TIMEOUT, 0) || http->broken;
	}
	timer_arm(http);
	collect_finished(http);
}

GlStatus
gl_http_service(GlHttp *http)
{
	sigset_t before;

	signals_block(http, &before);
	serve(http);
	signals_restore(&before);
	return http->broken ? GL_STOPPED : GL_OK;
}

bool
gl_http_next(GlHttp *http, GlHttpResult *result)
{
	GlHttpTransfer *transfer = http->finished_first;
	bool healthy;

	if (transfer == NULL)
		return false;
	http->finished_first = transfer->next;
	if (http->finished_first == NULL)
		http->finished_last = NULL;

	*result = transfer->result;
	healthy = result->kind == GL_HTTP_ANSWERED;
	memset(&transfer->result, 0, sizeof(transfer->result));
	if (healthy)
	{
		gl_http_transfer_clear(transfer);
		transfer->next = http->idle;
		http->idle = transfer;
	}
	else
	{
		sigset_t before;

		/* a handle that failed may still have a lookup thread to forget */
		signals_block(http, &before);
		gl_http_transfer_destroy(transfer);
		signals_restore(&before);
	}
	return true;
}

const char *
gl_http_header(const GlHttpResult *result, const char *name)
{
	const char *at = result->headers;
	const char *end = at + result->headers_length;

	while (at < end)
	{
		const char *value = at + strlen(at) + 1;

		if (strcasecmp(at, name) == 0)
			return value;
		at = value + strlen(value) + 1;
	}
	return NULL;
}

int
gl_http_active(const GlHttp *http, const char *account)
{
	const GlHttpAccount *found;

	if (account == NULL)
		return http->active_count;
	found = account_find(http, account);
	return found != NULL ? found->active : 0;
}

void
gl_http_cancel_all(GlHttp *http)
{
	sigset_t before;

	signals_block(http, &before);
	while (http->active != NULL)
	{
		GlHttpTransfer *transfer = http->active;

		active_remove(http, transfer);
		gl_http_transfer_destroy(transfer);
	}
	signals_restore(&before);
}

/* Destroy a list of transfers that libcurl no longer drives. */
static void
destroy_list(GlHttpTransfer *transfer)
{
	while (transfer != NULL)
	{
		GlHttpTransfer *next = transfer->next;

		gl_http_transfer_destroy(transfer);
		transfer = next;
	}
}

void
gl_http_destroy(GlHttp *http)
{
	sigset_t before;

	gl_http_cancel_all(http);
	signals_block(http, &before);
	destroy_list(http->finished_first);
	destroy_list(http->idle);
	if (http->multi != NULL)
		curl_multi_cleanup(http->multi);
	signals_restore(&before);
	gl_http_abandon(http);
	free(http->allowed);
	free(http->user_agent);
	free(http->ca_file);
	free(http->sockets);
	free(http);
}

void
gl_http_abandon(GlHttp *http)
{
	if (http->timer_fd >= 0)
		close(http->timer_fd);
	if (http->epoll_fd >= 0)
		close(http->epoll_fd);
	http->timer_fd = http->epoll_fd = -1;
}

bool
gl_http_destroy_is_prompt(void)
{
	unsigned int version = curl_version_info(CURLVERSION_NOW)->version_num;

	return version >= PROMPT_SINCE && version < PROMPT_UNTIL;
}

int
gl_http_fd(const GlHttp *http)
{
	return http->epoll_fd;
}

const char *
gl_http_kind_name(GlHttpKind kind)
{
	static const char *const names[] = {"answered", "refused address", "dns",   "connect",
										"tls",      "timeout",         "reset", "too large",
										"other"};

	return names[kind];
}
