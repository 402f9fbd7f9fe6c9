/*-------------------------------------------------------------------------
 *
 * guard.h
 *	  Which network addresses the engine may connect to.
 *
 * A merchant may register any URL, so the machine that runs the server must
 * not be talked into calling its own neighbours.  The name in a URL proves
 * nothing (names can be rebound between a check and the connect), therefore
 * the resolved address is judged at the moment a socket is opened for it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_HTTP_GUARD_H
#define GL_HTTP_GUARD_H

#include <sys/socket.h>

#include "pure.h"

/* An IPv4 or IPv6 network; the bits past prefix_length are zero. */
typedef struct GlNetwork
{
	int family;                /* AF_INET or AF_INET6 */
	int prefix_length;         /* 0..32 or 0..128 */
	unsigned char address[16]; /* network byte order, IPv4 in the first 4 */
} GlNetwork;

/*
 * May the engine connect to this address?  False for loopback, private,
 * link-local, shared, benchmark, multicast, reserved and unspecified networks
 * (the list is in guard.c), for IPv6 networks that embed an IPv4 address, and
 * for anything that is neither IPv4 nor IPv6, unless one of the n allowed
 * networks, of the same family, contains it.
 */
extern bool gl_address_allowed(const struct sockaddr *address, const GlNetwork *allowed, size_t n);

/*
 * Read one network, "10.1.0.0/16" or "fd00::/8"; a missing prefix length
 * means a single address.  Bits past the prefix are refused rather than
 * dropped, since they show that something else was meant.  GL_OK or
 * GL_INVALID with a message.
 */
extern GlStatus gl_network_parse(const char *text, GlNetwork *network, GlError *error);

/*
 * Read a comma separated list of networks (blanks around the commas are
 * skipped, an empty list is fine).  *n holds the capacity of networks on
 * entry and the count on return.  GL_OK, GL_INVALID (error->where is the
 * index of the culprit) or GL_LIMIT when there are more than fit.
 */
extern GlStatus gl_network_parse_list(const char *text, GlNetwork *networks, size_t *n,
									  GlError *error);

#endif /* GL_HTTP_GUARD_H */
