/*-------------------------------------------------------------------------
 *
 * fault_shim.c
 *	  Name servers that hang, a disk that is full, a clock that jumps: put
 *	  before a private server by LD_PRELOAD (see FaultTest.pm).
 *
 * What is wrong is read from the directory GANJE_SHIM at each call, so that a
 * test can change it while the server runs:
 *
 *	  names		lines of "name seconds address ...": the lookup of that name
 *				takes so long and answers these addresses; "nothing" instead of
 *				addresses: there is no such name; "later": the name server fails
 *	  full		while it exists no relation can grow: files below base/ cannot
 *				be written past their end
 *	  clock		seconds by which the wall clock is wrong; the monotonic one is
 *				right
 *	  lookups	written by us: a line for each lookup of a name in names
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static const char *directory;
static const volatile int64_t *clock_offset; /* of the file clock, in seconds */

static void
path_of(const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%s", directory != NULL ? directory : "/nonexistent", name);
}

/*
 * The clock's file is mapped: it is looked at far too often to be read.  The
 * directory's name is copied, since a server writes its title over its
 * environment.
 */
__attribute__((constructor)) static void
begin(void)
{
	char path[4096];
	void *mapped;
	int fd;

	if (getenv("GANJE_SHIM") != NULL)
		directory = strdup(getenv("GANJE_SHIM"));
	path_of("clock", path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	mapped = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (mapped != MAP_FAILED)
		clock_offset = mapped;
}

static int64_t
offset_now(void)
{
	return clock_offset != NULL ? *clock_offset : 0;
}

/* Names */

static void
note_lookup(const char *name)
{
	char path[4096];
	char line[300];
	int fd;
	int length;

	path_of("lookups", path, sizeof(path));
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return;
	length = snprintf(line, sizeof(line), "%s\n", name);
	if (write(fd, line, (size_t) length) < 0)
		abort();
	close(fd);
}

/* Signals do not end a lookup: resolvers go on waiting. */
static void
sleep_through(double seconds)
{
	struct timespec left;

	left.tv_sec = (time_t) seconds;
	left.tv_nsec = (long) ((seconds - (double) left.tv_sec) * 1e9);
	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		continue;
}

/* The line of a name, after it; false where there is none. */
static int
find_name(const char *name, char *rest, size_t size)
{
	char path[4096];
	char line[1024];
	size_t length = strlen(name);
	FILE *file;
	int found = 0;

	path_of("names", path, sizeof(path));
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	while (!found && fgets(line, sizeof(line), file) != NULL)
	{
		if (strncmp(line, name, length) != 0 || line[length] != ' ')
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(rest, size, "%s", line + length + 1);
		found = 1;
	}
	fclose(file);
	return found;
}

EXPORT int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
			struct addrinfo **result)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
		dlsym(RTLD_NEXT, "getaddrinfo");
	struct addrinfo numeric = {0};
	struct addrinfo **last = result;
	char rest[1024];
	char *state;
	char *word;
	double seconds;

	if (node == NULL || !find_name(node, rest, sizeof(rest)))
		return real(node, service, hints, result);
	note_lookup(node);
	word = strtok_r(rest, " ", &state);
	seconds = word != NULL ? atof(word) : 0;
	sleep_through(seconds);
	if (hints != NULL)
		numeric = *hints;
	numeric.ai_family = AF_UNSPEC;
	numeric.ai_flags = AI_NUMERICHOST;
	*result = NULL;
	while ((word = strtok_r(NULL, " ", &state)) != NULL)
	{
		int status;

		if (strcmp(word, "nothing") == 0)
			return EAI_NONAME;
		if (strcmp(word, "later") == 0)
			return EAI_AGAIN;
		status = real(word, service, &numeric, last);
		if (status != 0)
			return status;
		while (*last != NULL)
			last = &(*last)->ai_next;
	}
	return *result != NULL ? 0 : EAI_NONAME;
}

/* The disk */

static int
is_full(void)
{
	char path[4096];

	path_of("full", path, sizeof(path));
	return access(path, F_OK) == 0;
}

/* May the file not be written up to there?  Such as exist already may be, as on a disk. */
static int
refuses(int fd, off_t end)
{
	char link[64];
	char path[4096];
	struct stat status;
	ssize_t length;

	if (directory == NULL || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
		end <= status.st_size || !is_full())
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	if (length < 0)
		return 0;
	path[length] = '\0';
	return strstr(path, "/base/") != NULL;
}

static off_t
length_of(const struct iovec *vector, int count)
{
	off_t length = 0;

	for (int i = 0; i < count; i++)
		length += (off_t) vector[i].iov_len;
	return length;
}

EXPORT ssize_t
pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
	ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite");

	if (!refuses(fd, offset + (off_t) count))
		return real(fd, bytes, count, offset);
	errno = ENOSPC;
	return -1;
}

EXPORT ssize_t
pwrite64(int fd, const void *bytes, size_t count, off64_t offset)
{
	return pwrite(fd, bytes, count, offset);
}

EXPORT ssize_t
pwritev(int fd, const struct iovec *vector, int count, off_t offset)
{
	ssize_t (*real)(int, const struct iovec *, int, off_t) = dlsym(RTLD_NEXT, "pwritev");

	if (!refuses(fd, offset + length_of(vector, count)))
		return real(fd, vector, count, offset);
	errno = ENOSPC;
	return -1;
}

EXPORT ssize_t
pwritev64(int fd, const struct iovec *vector, int count, off64_t offset)
{
	return pwritev(fd, vector, count, offset);
}

EXPORT int
posix_fallocate(int fd, off_t offset, off_t length)
{
	int (*real)(int, off_t, off_t) = dlsym(RTLD_NEXT, "posix_fallocate");

	return refuses(fd, offset + length) ? ENOSPC : real(fd, offset, length);
}

EXPORT int
posix_fallocate64(int fd, off64_t offset, off64_t length)
{
	return posix_fallocate(fd, offset, length);
}

/* The clock */

EXPORT int
clock_gettime(clockid_t which, struct timespec *now)
{
	static int (*real)(clockid_t, struct timespec *);
	int status;

	if (real == NULL)
		real = dlsym(RTLD_NEXT, "clock_gettime");
	status = real(which, now);
	if (status == 0 && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE))
		now->tv_sec += offset_now();
	return status;
}

EXPORT int
gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec exact;

	(void) zone;
	if (clock_gettime(CLOCK_REALTIME, &exact) != 0)
		return -1;
	now->tv_sec = exact.tv_sec;
	now->tv_usec = exact.tv_nsec / 1000;
	return 0;
}

EXPORT time_t
time(time_t *to)
{
	struct timespec exact = {0};

	clock_gettime(CLOCK_REALTIME, &exact);
	if (to != NULL)
		*to = exact.tv_sec;
	return exact.tv_sec;
}
