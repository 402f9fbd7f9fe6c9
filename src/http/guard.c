/*-------------------------------------------------------------------------
 *
 * guard.c
 *	  Which network addresses the engine may connect to.
 *
 * The list below is one of refusals, because that is how the registries of
 * special addresses are kept (RFC 6890); the allowed networks of a site, and
 * of the tests, are exceptions to it.  IPv6 networks that carry an IPv4
 * address inside are refused whole: judging the inner address would make the
 * guard depend on what a translator further away does with it.
 *
 *-------------------------------------------------------------------------
 */
#include "http/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const GlNetwork refused_networks[] = {
	{AF_INET, 8, {0}},                          /* this network */
	{AF_INET, 8, {10}},                         /* private */
	{AF_INET, 10, {100, 64}},                   /* shared by carrier-grade NAT */
	{AF_INET, 8, {127}},                        /* loopback */
	{AF_INET, 16, {169, 254}},                  /* link-local, cloud metadata */
	{AF_INET, 12, {172, 16}},                   /* private */
	{AF_INET, 24, {192, 0, 0}},                 /* protocol assignments */
	{AF_INET, 16, {192, 168}},                  /* private */
	{AF_INET, 15, {198, 18}},                   /* benchmarks */
	{AF_INET, 4, {224}},                        /* multicast */
	{AF_INET, 4, {240}},                        /* reserved, broadcast */
	{AF_INET6, 128, {0}},                       /* unspecified */
	{AF_INET6, 128, {[15] = 1}},                /* loopback */
	{AF_INET6, 7, {0xfc}},                      /* unique local */
	{AF_INET6, 10, {0xfe, 0x80}},               /* link-local */
	{AF_INET6, 8, {0xff}},                      /* multicast */
	{AF_INET6, 96, {[10] = 0xff, [11] = 0xff}}, /* IPv4-mapped */
	{AF_INET6, 96, {0x00, 0x64, 0xff, 0x9b}},   /* NAT64 */
	{AF_INET6, 16, {0x20, 0x02}}                /* 6to4 */
};

/* Do the first prefix_length bits of the network and the address agree? */
static bool
network_contains(const GlNetwork *network, int family, const unsigned char *address)
{
	int whole = network->prefix_length / 8;
	int rest = network->prefix_length % 8;

	if (network->family != family)
		return false;
	if (memcmp(network->address, address, whole) != 0)
		return false;
	if (rest == 0)
		return true;
	return ((network->address[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

/* Is the address inside one of the n networks? */
static bool
any_contains(const GlNetwork *networks, size_t n, int family, const unsigned char *address)
{
	size_t i;

	for (i = 0; i < n; i++)
	{
		if (network_contains(&networks[i], family, address))
			return true;
	}
	return false;
}

bool
gl_address_allowed(const struct sockaddr *address, const GlNetwork *allowed, size_t n)
{
	unsigned char bytes[16];

	if (address->sa_family == AF_INET)
		memcpy(bytes, &((const struct sockaddr_in *) address)->sin_addr, 4);
	else if (address->sa_family == AF_INET6)
		memcpy(bytes, &((const struct sockaddr_in6 *) address)->sin6_addr, 16);
	else
		return false;

	if (any_contains(allowed, n, address->sa_family, bytes))
		return true;
	return !any_contains(refused_networks, sizeof(refused_networks) / sizeof(refused_networks[0]),
						 address->sa_family, bytes);
}

/* Fill the error and answer GL_INVALID, so that a refusal is one line. */
static GlStatus
refuse(GlError *error, const char *message)
{
	error->where = -1;
	snprintf(error->message, sizeof(error->message), "%s", message);
	return GL_INVALID;
}

/* Read the decimal prefix length; -1 unless it is one to three digits <= most. */
static int
parse_prefix_length(const char *text, int most)
{
	int value = 0;
	size_t i;

	if (text[0] == '\0' || strlen(text) > 3)
		return -1;
	for (i = 0; text[i] != '\0'; i++)
	{
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value <= most ? value : -1;
}

/* Are all bits of the address past the prefix zero? */
static bool
tail_is_zero(const GlNetwork *network, int bits)
{
	int i;

	for (i = network->prefix_length; i < bits; i++)
	{
		if (network->address[i / 8] & (0x80 >> (i % 8)))
			return false;
	}
	return true;
}

GlStatus
gl_network_parse(const char *text, GlNetwork *network, GlError *error)
{
	char host[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t length = slash != NULL ? (size_t) (slash - text) : strlen(text);
	int bits;

	memset(network, 0, sizeof(*network));
	if (length >= sizeof(host))
		return refuse(error, "network is too long");
	memcpy(host, text, length);
	host[length] = '\0';

	network->family = strchr(host, ':') != NULL ? AF_INET6 : AF_INET;
	bits = network->family == AF_INET ? 32 : 128;
	if (inet_pton(network->family, host, network->address) != 1)
		return refuse(error, "network is not an IPv4 or IPv6 address");

	network->prefix_length = bits;
	if (slash != NULL)
		network->prefix_length = parse_prefix_length(slash + 1, bits);
	if (network->prefix_length < 0)
		return refuse(error, "network has a prefix length that does not fit its address");
	if (!tail_is_zero(network, bits))
		return refuse(error, "network has address bits set to the right of its prefix");
	return GL_OK;
}

GlStatus
gl_network_parse_list(const char *text, GlNetwork *networks, size_t *n, GlError *error)
{
	size_t capacity = *n;
	const char *from = text + strspn(text, " \t");

	*n = 0;
	while (*from != '\0')
	{
		char item[INET6_ADDRSTRLEN + 8];
		size_t length = strcspn(from, ", \t");
		GlStatus status;

		if (*n == capacity)
			return GL_LIMIT;
		if (length >= sizeof(item))
			status = refuse(error, "network is too long");
		else
		{
			memcpy(item, from, length);
			item[length] = '\0';
			status = gl_network_parse(item, &networks[*n], error);
		}
		from += length;
		from += strspn(from, " \t");
		if (status == GL_OK && *from != '\0' && *from != ',')
			status = refuse(error, "networks must be separated by commas");
		if (status != GL_OK)
		{
			error->where = (int64_t) *n;
			return status;
		}
		(*n)++;
		if (*from == ',')
		{
			from += 1 + strspn(from + 1, " \t");
			if (*from == '\0')
			{
				error->where = (int64_t) *n;
				snprintf(error->message, sizeof(error->message),
						 "network is missing after the last comma");
				return GL_INVALID;
			}
		}
	}
	return GL_OK;
}
