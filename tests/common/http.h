/** A client as tests need it: sends bytes to a server on this machine, and gets what comes back. */
#ifndef DG_TESTS_HTTP_H
#define DG_TESTS_HTTP_H

#include <stdbool.h>
#include <stddef.h>

/** Connects to a port of a numeric IPv4 address; -1: nobody listens. The caller closes it. */
int http_connect(const char *address, unsigned port);

/** Sends all bytes; false: the connection was closed. */
bool http_send(int connection, const void *bytes, size_t size);

/**
 * What the server sends until it closes the connection, at most half a minute long; until the next
 * call. Closes it too.
 */
const char *http_receive(int connection);

/** The status of an answer, 0: it is none. */
unsigned http_status(const char *answer);

/** The body of an answer. */
const char *http_body(const char *answer);

#endif
