/*
 * bench_outbox_floor URL REQUESTS CONNECTIONS BODY_FILE
 *
 * What the worker of the outbox is measured against: a plain program on
 * libcurl's multi interface and epoll that POSTs one body so many times over
 * so many kept connections, keeps nothing, and prints its requests per second.
 * A program that did less for each request would not be using libcurl.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#define EVENTS 256

static CURLM *multi;
static int epoll_fd;
static long long timer_at = -1; /* ns; -1: none */
static long to_start;
static long answered;
static long failed;

static long long
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long) now.tv_sec * 1000000000 + now.tv_nsec;
}

static int
socket_changed(CURL *easy, curl_socket_t fd, int what, void *context, void *unused)
{
	struct epoll_event event = {0};

	(void) easy, (void) context, (void) unused;
	event.data.fd = fd;
	if (what == CURL_POLL_REMOVE)
		return epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, &event), 0;
	event.events = ((what & CURL_POLL_IN) ? EPOLLIN : 0) | ((what & CURL_POLL_OUT) ? EPOLLOUT : 0);
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event);
	return 0;
}

static int
timer_changed(CURLM *handle, long timeout_ms, void *context)
{
	(void) handle, (void) context;
	timer_at = timeout_ms < 0 ? -1 : now_ns() + timeout_ms * 1000000LL;
	return 0;
}

static size_t
ignore(char *piece, size_t unit, size_t length, void *context)
{
	(void) piece, (void) context;
	return unit * length;
}

/* Take what is finished; its handle goes again while there is something to send. */
static void
collect(void)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(multi, &left)) != NULL)
	{
		CURL *easy = message->easy_handle;
		long status = 0;

		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
		answered++;
		if (message->data.result != CURLE_OK || status != 200)
			failed++;
		curl_multi_remove_handle(multi, easy);
		if (to_start > 0)
		{
			to_start--;
			curl_multi_add_handle(multi, easy);
		}
		else
			curl_easy_cleanup(easy);
	}
}

static char *
read_body(const char *name)
{
	FILE *file = fopen(name, "rb");
	char *body = calloc(1, 65536);

	if (file == NULL || body == NULL || fread(body, 1, 65535, file) == 0)
	{
		fprintf(stderr, "%s cannot be read\n", name);
		exit(1);
	}
	fclose(file);
	return body;
}

static void
start(const char *url, const char *body, struct curl_slist *headers)
{
	CURL *easy = curl_easy_init();

	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long) strlen(body));
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 30000L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
	to_start--;
	curl_multi_add_handle(multi, easy);
}

static void
loop(long requests)
{
	struct epoll_event events[EVENTS];
	int running;

	while (answered < requests)
	{
		long long wait_ns = timer_at < 0 ? 1000000000 : timer_at - now_ns();
		int count =
			epoll_wait(epoll_fd, events, EVENTS, wait_ns <= 0 ? 0 : (int) (wait_ns / 1000000) + 1);

		for (int i = 0; i < count; i++)
			curl_multi_socket_action(multi, events[i].data.fd,
									 ((events[i].events & (EPOLLIN | EPOLLHUP)) ? CURL_CSELECT_IN : 0) |
										 ((events[i].events & EPOLLOUT) ? CURL_CSELECT_OUT : 0) |
										 ((events[i].events & EPOLLERR) ? CURL_CSELECT_ERR : 0),
									 &running);
		if (timer_at >= 0 && timer_at <= now_ns())
		{
			timer_at = -1;
			curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
		}
		collect();
	}
}

int
main(int argc, char **argv)
{
	struct curl_slist *headers = NULL;
	long requests, connections;
	long long began;
	double seconds;
	char *body;

	if (argc != 5)
	{
		fprintf(stderr, "usage: bench_outbox_floor URL REQUESTS CONNECTIONS BODY_FILE\n");
		return 2;
	}
	requests = atol(argv[2]);
	connections = atol(argv[3]);
	body = read_body(argv[4]);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	headers = curl_slist_append(headers, "Expect:");
	headers = curl_slist_append(headers, "Content-Type: application/json");
	headers = curl_slist_append(headers, "Idempotency-Key: 01J0000000000000000000000F");
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	multi = curl_multi_init();
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, socket_changed);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, timer_changed);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, connections);
	began = now_ns();
	to_start = requests;
	for (long i = 0; i < connections && to_start > 0; i++)
		start(argv[1], body, headers);
	loop(requests);
	seconds = (now_ns() - began) / 1e9;
	printf("%.0f\n", requests / seconds);
	if (failed > 0)
		fprintf(stderr, "%ld of %ld requests failed\n", failed, requests);
	return failed > 0;
}
