/** Listening sockets. */
#ifndef DG_SERVE_LISTENER_H
#define DG_SERVE_LISTENER_H

#include <stdint.h>

#include "digits/error.h"

/**
 * Listens on a numeric address and a port; 0 becomes a free port. Returns the socket, which the
 * caller closes, or -1. If this machine does not have the address, the error's kind is
 * DG_ERR_UNSUPPORTED.
 */
int listener_open(const char *address, uint32_t *port, dg_error *err);

#endif
