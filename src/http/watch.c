/*-------------------------------------------------------------------------
 *
 * watch.c
 *	  Which sockets the engine's epoll descriptor watches, and for what.
 *
 * libcurl says that it waits for nothing on a kept connection each time that a
 * request of it ends, and the opposite when the next one begins: two system
 * calls for each request, if it were taken at its word.  So a connection that
 * rests is watched on; should anything come (the other side closes it), it is
 * not watched any more.
 *
 * That needs to be known of a socket from its opening to its closing, since
 * the kernel forgets one that is closed and gives its number to the next.  It
 * is known of those that libcurl opens and closes by our callbacks.  Of others
 * (of its lookups) libcurl is taken at its word.
 *
 *-------------------------------------------------------------------------
 */
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "http/engine_internal.h"

/* Of a socket: what the kernel watches it for; whether it is our own; whether libcurl waits for nothing on it. */
#define WATCHED_IN 1
#define WATCHED_OUT 2
#define OWN 4
#define RESTING 8

#define WATCHED (WATCHED_IN | WATCHED_OUT)

/* The flags of a socket that is our own; NULL of another. */
static unsigned char *
own_socket(GlHttp *http, curl_socket_t fd)
{
	if (fd < 0 || (size_t) fd >= http->socket_count || !(http->sockets[fd] & OWN))
		return NULL;
	return &http->sockets[fd];
}

/* One that there is no memory for is not our own, which only costs time. */
void
gl_http_watch_opened(GlHttp *http, curl_socket_t fd)
{
	if (fd < 0)
		return;
	if ((size_t) fd >= http->socket_count)
	{
		size_t count = ((size_t) fd + 1) * 2;
		unsigned char *more = realloc(http->sockets, count);

		if (more == NULL)
			return;
		memset(more + http->socket_count, 0, count - http->socket_count);
		http->sockets = more;
		http->socket_count = count;
	}
	http->sockets[fd] = OWN;
}

void
gl_http_watch_closed(GlHttp *http, curl_socket_t fd)
{
	unsigned char *flags = own_socket(http, fd);

	if (flags != NULL)
		*flags = 0;
}

/* Tell the kernel; false where it refuses. */
static bool
watch(GlHttp *http, curl_socket_t fd, int wanted)
{
	struct epoll_event event;

	memset(&event, 0, sizeof(event));
	event.data.fd = fd;
	if (wanted & WATCHED_IN)
		event.events |= EPOLLIN;
	if (wanted & WATCHED_OUT)
		event.events |= EPOLLOUT;
	if (wanted == 0)
		return epoll_ctl(http->epoll_fd, EPOLL_CTL_DEL, fd, &event) == 0;
	return epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ||
		   epoll_ctl(http->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0;
}

bool
gl_http_watch(GlHttp *http, curl_socket_t fd, int what)
{
	unsigned char *flags = own_socket(http, fd);
	int wanted = 0;

	if (what != CURL_POLL_REMOVE)
		wanted =
			((what & CURL_POLL_IN) ? WATCHED_IN : 0) | ((what & CURL_POLL_OUT) ? WATCHED_OUT : 0);
	if (flags == NULL)
		return watch(http, fd, wanted) || wanted == 0;
	if (wanted == 0)
	{
		*flags |= RESTING;
		return true;
	}
	if ((*flags & WATCHED) != wanted && !watch(http, fd, wanted))
		return false;
	*flags = (unsigned char) (OWN | wanted);
	return true;
}

bool
gl_http_watch_rests(GlHttp *http, curl_socket_t fd)
{
	unsigned char *flags = own_socket(http, fd);

	if (flags == NULL || !(*flags & RESTING))
		return false;
	(void) watch(http, fd, 0);
	*flags = OWN;
	return true;
}
