/*-------------------------------------------------------------------------
 *
 * http_peer.h
 *	  The server that the HTTP engine's tests speak to.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_HTTP_PEER_H
#define GL_HTTP_PEER_H

#include <stdbool.h>

#define HTTP_PEER_REQUEST_SIZE 65536

/* The port that redirects point to; the test sets it to its server's. */
extern int http_peer_port;

/* What reached the server; forbidden are those not made to 127.0.0.1. */
extern volatile int http_peer_connections;
extern volatile int http_peer_forbidden;
extern volatile int http_peer_requests;
extern char http_peer_last_request[HTTP_PEER_REQUEST_SIZE];

/*
 * Bind an IPv4 address and a port (0: any) and return the port, or -1.  When
 * accepting, a thread serves it until the process ends; otherwise connections
 * to it are refused.
 */
extern int http_peer_listen(const char *address, int port, bool accepting);

#endif /* GL_HTTP_PEER_H */
