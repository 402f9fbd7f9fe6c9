/*-------------------------------------------------------------------------
 *
 * http_peer.c
 *	  A server in a thread of the test, which misbehaves as the path of each
 *	  request says and counts what reaches it.  It is spoken to by the HTTP
 *	  engine's tests only and understands no more than the engine sends.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE
#include "http_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int http_peer_port;
volatile int http_peer_connections;
volatile int http_peer_forbidden;
volatile int http_peer_requests;
char http_peer_last_request[HTTP_PEER_REQUEST_SIZE];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Write all; false when the client is gone. */
static bool
put(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left > 0)
	{
		ssize_t n = send(fd, text, left, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		text += n;
		left -= (size_t) n;
	}
	return true;
}

/* End a connection with a reset. */
static void
reset(int fd)
{
	struct linger linger = {1, 0};

	usleep(30000);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

/* Read one request with its body into buffer; false when the client closed. */
static bool
read_request(int fd, char *buffer, size_t size)
{
	size_t used = 0;

	for (;;)
	{
		ssize_t n = recv(fd, buffer + used, size - 1 - used, 0);
		const char *end;
		const char *length;

		if (n <= 0)
			return false;
		used += (size_t) n;
		buffer[used] = '\0';
		end = strstr(buffer, "\r\n\r\n");
		length = strcasestr(buffer, "\r\nContent-Length: ");
		if (end != NULL &&
			(length == NULL || used >= (size_t) (end - buffer) + 4 + (size_t) atol(length + 18)))
			return true;
	}
}

/* The slow and endless answers; true when the path was one of them. */
static bool
answer_endlessly(int fd, const char *request)
{
	const char *piece = NULL;
	int pause = 20;

	if (strstr(request, " /hang ") != NULL)
		piece = "";
	else if (strstr(request, " /drip ") != NULL)
	{
		put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
		piece = "x";
	}
	else if (strstr(request, " /slow-headers ") != NULL)
	{
		put(fd, "HTTP/1.1 200 OK\r\n");
		piece = "X-More: 1\r\n";
	}
	else if (strstr(request, " /many-headers ") != NULL)
	{
		put(fd, "HTTP/1.1 200 OK\r\n");
		piece = "X-More: 1\r\n";
		pause = 0;
	}
	else if (strstr(request, " /continue ") != NULL)
	{
		piece = "HTTP/1.1 100 Continue\r\n\r\n";
		pause = 0;
	}
	else if (strstr(request, " /chunks ") != NULL)
	{
		put(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
		piece = "10\r\n0123456789abcdef\r\n";
		pause = 0;
	}
	if (piece == NULL)
		return false;
	for (;;)
	{
		struct pollfd wait = {fd, POLLIN, 0};

		if (poll(&wait, 1, pause) > 0 || !put(fd, piece))
			return true;
	}
}

/* Answer one request; false when the connection is to be closed. */
static bool
answer(int fd, const char *request, int number)
{
	char text[512];

	if (answer_endlessly(fd, request))
		return false;
	if (strstr(request, " /reset ") != NULL)
	{
		put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbeginning");
		reset(fd);
		return false;
	}
	if (strstr(request, " /short ") != NULL)
	{
		put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbeginning");
		return false;
	}
	if (strstr(request, " /close ") != NULL || (strstr(request, " /once ") != NULL && number > 1))
		return false;
	if (strstr(request, " /nonsense ") != NULL)
	{
		put(fd, "220 mail.example ESMTP\r\n");
		return false;
	}
	if (strstr(request, " /leave ") != NULL)
	{
		put(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
		usleep(20000);
		return false;
	}
	if (strstr(request, " /redirect ") != NULL)
		snprintf(text, sizeof(text),
				 "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/target\r\n"
				 "Content-Length: 0\r\n\r\n",
				 http_peer_port);
	else if (strstr(request, " /busy ") != NULL)
		snprintf(text, sizeof(text),
				 "HTTP/1.1 503 Busy\r\nRetry-After:  7 \r\nX-Empty:\r\n"
				 "Content-Length: 4\r\n\r\nbusy");
	else if (strstr(request, " /early ") != NULL)
		snprintf(text, sizeof(text),
				 "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
				 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	else if (strstr(request, " /gzip ") != NULL)
		snprintf(text, sizeof(text),
				 "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
				 "Content-Length: 4\r\n\r\n\x1f\x8bxx");
	else if (strstr(request, " /empty ") != NULL)
		snprintf(text, sizeof(text), "HTTP/1.1 204 No Content\r\n\r\n");
	else
		snprintf(text, sizeof(text),
				 "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
				 "Content-Length: 10\r\n\r\n0123456789");
	return put(fd, text);
}

static void *
serve_connection(void *argument)
{
	int fd = (int) (intptr_t) argument;
	char *request = malloc(sizeof(http_peer_last_request));
	int number = 0;

	while (read_request(fd, request, sizeof(http_peer_last_request)))
	{
		pthread_mutex_lock(&lock);
		http_peer_requests++;
		strcpy(http_peer_last_request, request);
		pthread_mutex_unlock(&lock);
		if (!answer(fd, request, ++number))
			break;
	}
	close(fd);
	free(request);
	return NULL;
}

static void *
serve(void *argument)
{
	int listener = (int) (intptr_t) argument;

	for (;;)
	{
		pthread_t thread;
		struct sockaddr_in local;
		socklen_t length = sizeof(local);
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			return NULL;
		getsockname(fd, (struct sockaddr *) &local, &length);
		http_peer_connections++;
		if (local.sin_addr.s_addr != htonl(INADDR_LOOPBACK))
			http_peer_forbidden++;
		if (pthread_create(&thread, NULL, serve_connection, (void *) (intptr_t) fd) == 0)
			pthread_detach(thread);
	}
}

int
http_peer_listen(const char *address, int port, bool accepting)
{
	struct sockaddr_in name;
	socklen_t length = sizeof(name);
	pthread_t thread;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(&name, 0, sizeof(name));
	name.sin_family = AF_INET;
	name.sin_port = htons((uint16_t) port);
	inet_pton(AF_INET, address, &name.sin_addr);
	if (fd < 0 || bind(fd, (struct sockaddr *) &name, sizeof(name)) != 0)
		return -1;
	getsockname(fd, (struct sockaddr *) &name, &length);
	if (accepting)
	{
		if (listen(fd, 256) != 0 ||
			pthread_create(&thread, NULL, serve, (void *) (intptr_t) fd) != 0)
			return -1;
		pthread_detach(thread);
	}
	return ntohs(name.sin_port);
}
