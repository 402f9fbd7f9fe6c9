/*-------------------------------------------------------------------------
 *
 * test_http_guard.c
 *	  The address guard: first and last address of each refused network and
 *	  their neighbours outside, exceptions, and what a network may look like.
 *
 *-------------------------------------------------------------------------
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "check.h"
#include "http/guard.h"

/* Ask the guard about an address in text. */
static bool
allowed(const char *text, const GlNetwork *networks, size_t n)
{
	struct sockaddr_storage storage;

	memset(&storage, 0, sizeof(storage));
	if (strchr(text, ':') != NULL)
	{
		storage.ss_family = AF_INET6;
		CHECK(inet_pton(AF_INET6, text, &((struct sockaddr_in6 *) &storage)->sin6_addr) == 1);
	}
	else
	{
		storage.ss_family = AF_INET;
		CHECK(inet_pton(AF_INET, text, &((struct sockaddr_in *) &storage)->sin_addr) == 1);
	}
	return gl_address_allowed((struct sockaddr *) &storage, networks, n);
}

#define CHECK_ADDRESS(text, wanted)                                                                \
	do                                                                                             \
	{                                                                                              \
		bool got = allowed(text, NULL, 0);                                                         \
		if (got != (wanted))                                                                       \
			fprintf(stderr, "address %s: allowed is %d\n", text, got);                             \
		CHECK(got == (wanted));                                                                    \
	} while (0)

/* Each refused network with its outer neighbours; "" where the neighbour is refused too. */
static void
test_refused(void)
{
	static const char *const networks[][4] = {
		{"", "0.0.0.0", "0.255.255.255", "1.0.0.0"},
		{"9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"},
		{"100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"},
		{"126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"},
		{"169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"},
		{"172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"},
		{"191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"},
		{"192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"},
		{"198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"},
		{"223.255.255.255", "224.0.0.0", "239.255.255.255", ""},
		{"", "240.0.0.0", "255.255.255.255", ""},
		{"", "::", "::1", "::2"},
		{"fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		 "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::"},
		{"fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		 "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::"},
		{"feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		 "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""},
		{"::fffe:ffff:ffff", "::ffff:0:0", "::ffff:255.255.255.255", "::1:0:0:0"},
		{"64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", "64:ff9b::", "64:ff9b::ffff:ffff",
		 "64:ff9b::1:0:0"},
		{"2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		 "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::"}};
	size_t i;
	size_t j;

	for (i = 0; i < sizeof(networks) / sizeof(networks[0]); i++)
	{
		for (j = 0; j < 4; j++)
		{
			if (networks[i][j][0] != '\0')
				CHECK_ADDRESS(networks[i][j], j == 0 || j == 3);
		}
	}
	CHECK_ADDRESS("8.8.8.8", true);
	CHECK_ADDRESS("2606:4700::1111", true);
	CHECK_ADDRESS("::ffff:8.8.8.8", false);
	CHECK_ADDRESS("64:ff9b::808:808", false);
}

/* Unix sockets and whatever else there is. */
static void
test_other_family(void)
{
	struct sockaddr_un address;
	GlNetwork all = {AF_INET, 0, {0}};

	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	CHECK(!gl_address_allowed((struct sockaddr *) &address, &all, 1));
	address.sun_family = AF_UNSPEC;
	CHECK(!gl_address_allowed((struct sockaddr *) &address, &all, 1));
}

static void
test_exceptions(void)
{
	GlNetwork networks[4];
	size_t n = 4;
	GlError error;

	CHECK(gl_network_parse_list("127.0.0.1/32, 10.4.0.0/14 ,fd00:1::/33", networks, &n, &error) ==
		  GL_OK);
	CHECK(n == 3);
	CHECK(allowed("127.0.0.1", networks, n));
	CHECK(!allowed("127.0.0.2", networks, n));
	CHECK(!allowed("127.0.0.0", networks, n));
	CHECK(allowed("10.4.0.0", networks, n));
	CHECK(allowed("10.7.255.255", networks, n));
	CHECK(!allowed("10.3.255.255", networks, n));
	CHECK(!allowed("10.8.0.0", networks, n));
	CHECK(allowed("fd00:1:7fff::1", networks, n));
	CHECK(!allowed("fd00:1:8000::1", networks, n));
	CHECK(!allowed("::1", networks, n));
	/* an IPv4 exception does not open the IPv6 address that embeds it */
	CHECK(!allowed("::ffff:127.0.0.1", networks, n));
	CHECK(allowed("8.8.8.8", networks, n));

	CHECK(gl_network_parse("0.0.0.0/0", &networks[0], &error) == GL_OK);
	CHECK(allowed("127.0.0.2", networks, 1));
	CHECK(!allowed("::1", networks, 1));
	CHECK(gl_network_parse("::1", &networks[0], &error) == GL_OK);
	CHECK(networks[0].prefix_length == 128 && allowed("::1", networks, 1));
}

static void
test_parse(void)
{
	static const char *const bad[] = {"",
									  "/8",
									  "10.0.0.0/",
									  "10.0.0.0/33",
									  "10.0.0.0/-1",
									  "10.0.0.0/08x",
									  "10.0.0/8",
									  "10.0.0.1/8",
									  "::1/127",
									  "fc00::/129",
									  "fc00::/1000",
									  "localhost",
									  "10.0.0.0/8 ",
									  "1.2.3.4:80",
									  "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"};
	GlNetwork networks[2];
	GlError error;
	size_t n;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		error.message[0] = '\0';
		CHECK(gl_network_parse(bad[i], &networks[0], &error) == GL_INVALID);
		CHECK(error.message[0] != '\0');
	}
	n = 2;
	CHECK(gl_network_parse_list(" ", networks, &n, &error) == GL_OK && n == 0);
	n = 2;
	CHECK(gl_network_parse_list("1.0.0.0/8,2.0.0.0/8,3.0.0.0/8", networks, &n, &error) == GL_LIMIT);
	n = 2;
	CHECK(gl_network_parse_list("1.0.0.0/8,nonsense", networks, &n, &error) == GL_INVALID);
	CHECK(error.where == 1);
	n = 2;
	CHECK(gl_network_parse_list("1.0.0.0/8 2.0.0.0/8", networks, &n, &error) == GL_INVALID);
	n = 2;
	CHECK(gl_network_parse_list("1.0.0.0/8,", networks, &n, &error) == GL_INVALID);
	n = 2;
	CHECK(gl_network_parse_list(",1.0.0.0/8", networks, &n, &error) == GL_INVALID);
}

int
main(void)
{
	test_refused();
	test_other_family();
	test_exceptions();
	test_parse();
	return check_report("http_guard");
}
