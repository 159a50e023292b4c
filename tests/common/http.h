/** An HTTP client for tests: sends bytes to a server on this machine and receives the answer. */
#ifndef DG_TESTS_HTTP_H
#define DG_TESTS_HTTP_H

#include <stdbool.h>
#include <stddef.h>

/** Connects to a port of a numeric IPv4 address; -1: nobody listens. The caller closes it. */
int http_connect(const char *address, unsigned port);

/** Sends all bytes; false: the connection was closed. */
bool http_send(int connection, const void *bytes, size_t size);

/**
 * Receives until the server closes the connection, for at most half a minute, then closes it. The
 * result is valid until the next call.
 */
const char *http_receive(int connection);

/** The status of an answer; 0: invalid answer. */
unsigned http_status(const char *answer);

/** The body of an answer. */
const char *http_body(const char *answer);

#endif
