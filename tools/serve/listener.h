/** Sockets that wait for connections. */
#ifndef DG_SERVE_LISTENER_H
#define DG_SERVE_LISTENER_H

#include <stdint.h>

#include "digits/error.h"

/**
 * Listens on a numeric address and a port; 0: any that is free, which is written there. Returns
 * the socket, which the caller closes, or -1. For an address that this machine does not have the
 * error's kind is DG_ERR_UNSUPPORTED.
 */
int listener_open(const char *address, uint32_t *port, dg_error *err);

#endif
