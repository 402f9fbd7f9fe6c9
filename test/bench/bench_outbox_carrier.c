/*
 * bench_outbox_carrier PORT_FILE LOG_FILE
 *
 * A carrier for the benchmark of the outbox: it answers every request with
 * 200 and a little JSON, after as many milliseconds as the first part of the
 * path says (/50/orders: 50 ms), over kept connections, one process for
 * thousands of them.  It logs a line for each request: its Idempotency-Key,
 * the microsecond of its arrival, and its path.  SIGTERM ends it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 256
#define CONNECTIONS 65536
#define BUFFER 32768
#define ANSWERS 65536

static const char answer[] =
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n"
	"{\"status\": \"ok\"} ";

typedef struct Connection
{
	size_t length;
	char bytes[BUFFER + 1];
} Connection;

/* An answer that is due; a binary heap by time. */
typedef struct Answer
{
	long long at;
	int fd;
	unsigned generation;
} Answer;

static Connection *connections[CONNECTIONS];
static unsigned generations[CONNECTIONS]; /* a descriptor is used again */
static Answer heap[ANSWERS];
static int heap_count;
static FILE *log_file;
static volatile sig_atomic_t ended;

static void
on_end(int number)
{
	(void) number;
	ended = 1;
}

static long long
now_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (long long) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
heap_push(Answer new)
{
	int i = heap_count++;

	while (i > 0 && heap[(i - 1) / 2].at > new.at)
	{
		heap[i] = heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	heap[i] = new;
}

static Answer
heap_pop(void)
{
	Answer first = heap[0];
	Answer last = heap[--heap_count];
	int i = 0;

	for (;;)
	{
		int child = 2 * i + 1;

		if (child >= heap_count)
			break;
		if (child + 1 < heap_count && heap[child + 1].at < heap[child].at)
			child++;
		if (heap[child].at >= last.at)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = last;
	return first;
}

static void
drop(int fd)
{
	free(connections[fd]);
	connections[fd] = NULL;
	generations[fd]++;
	close(fd);
}

static void
send_answer(int fd)
{
	if (send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) != (ssize_t) sizeof(answer) - 1)
		drop(fd);
}

/* The value of a header within the head, as a copy; "" where there is none. */
static void
header(const char *head, const char *name, char *value, size_t size)
{
	const char *at = strcasestr(head, name);
	size_t length;

	value[0] = '\0';
	if (at == NULL)
		return;
	at += strlen(name);
	at += strspn(at, " ");
	length = strcspn(at, "\r\n");
	if (length >= size)
		length = size - 1;
	memcpy(value, at, length);
	value[length] = '\0';
}

/* Takes one whole request off the front of what was read; false where there is none. */
static int
take_request(int fd)
{
	Connection *connection = connections[fd];
	char *end = strstr(connection->bytes, "\r\n\r\n");
	char key[64], length_text[16], path[256] = "";
	size_t total;
	long delay;

	if (end == NULL)
		return 0;
	end[2] = '\0';
	header(connection->bytes, "\nContent-Length:", length_text, sizeof(length_text));
	total = (size_t) (end + 4 - connection->bytes) + (size_t) atol(length_text);
	if (total > BUFFER || total > connection->length)
	{
		end[2] = '\r';
		return 0;
	}
	header(connection->bytes, "\nIdempotency-Key:", key, sizeof(key));
	sscanf(connection->bytes, "%*s %255s", path);
	delay = atol(path + 1);
	fprintf(log_file, "%s\t%lld\t%s\n", key, now_us(CLOCK_REALTIME), path);
	connection->length -= total;
	memmove(connection->bytes, connection->bytes + total, connection->length + 1);
	if (delay <= 0 || heap_count == ANSWERS)
		send_answer(fd);
	else
		heap_push((Answer){now_us(CLOCK_MONOTONIC) + delay * 1000, fd, generations[fd]});
	return 1;
}

static void
read_some(int fd)
{
	Connection *connection = connections[fd];
	ssize_t count = recv(fd, connection->bytes + connection->length, BUFFER - connection->length, 0);

	if (count <= 0)
	{
		if (count == 0 || (errno != EAGAIN && errno != EINTR))
			drop(fd);
		return;
	}
	connection->length += (size_t) count;
	connection->bytes[connection->length] = '\0';
	while (connections[fd] != NULL && take_request(fd))
		;
}

static void
accept_all(int epoll_fd, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
	{
		struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
		int on = 1;

		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		connections[fd] = calloc(1, sizeof(Connection));
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
	}
}

static int
open_listener(const char *port_file)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t length = sizeof(address);
	FILE *file;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *) &address, length) != 0 || listen(fd, 4096) != 0 ||
		getsockname(fd, (struct sockaddr *) &address, &length) != 0 ||
		(file = fopen(port_file, "w")) == NULL)
	{
		perror("bench_outbox_carrier");
		exit(1);
	}
	fprintf(file, "%d\n", ntohs(address.sin_port));
	fclose(file);
	return fd;
}

int
main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	struct epoll_event listening = {.events = EPOLLIN};
	struct sigaction action = {.sa_handler = on_end};
	int epoll_fd, listener;

	if (argc != 3 || (log_file = fopen(argv[2], "w")) == NULL)
		return 2;
	sigaction(SIGTERM, &action, NULL);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	listener = open_listener(argv[1]);
	listening.data.fd = listener;
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &listening);
	while (!ended)
	{
		long long wait_us = heap_count > 0 ? heap[0].at - now_us(CLOCK_MONOTONIC) : 50000;
		int count = epoll_wait(epoll_fd, events, EVENTS, wait_us <= 0 ? 0 : (int) (wait_us + 999) / 1000);

		for (int i = 0; i < count; i++)
		{
			if (events[i].data.fd == listener)
				accept_all(epoll_fd, listener);
			else
				read_some(events[i].data.fd);
		}
		while (heap_count > 0 && heap[0].at <= now_us(CLOCK_MONOTONIC))
		{
			Answer due = heap_pop();

			if (generations[due.fd] == due.generation)
				send_answer(due.fd);
		}
		if (count == 0)
			fflush(log_file);
	}
	fclose(log_file);
	return 0;
}
