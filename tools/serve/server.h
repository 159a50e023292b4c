/** The HTTP server: its addresses, its URLs, and what it refuses. */
#ifndef DG_SERVE_SERVER_H
#define DG_SERVE_SERVER_H

#include <stdint.h>

#include "tools/serve/networks.h"

typedef struct server server;

/**
 * Starts the server on its own threads. `address` is numeric; NULL: 127.0.0.1, and ::1 if this
 * machine has it. `port` 0 becomes a free port. Requests must have `token`; "": none is needed. `n`
 * and `token` must outlive the server.
 */
server *server_start(const char *address, uint32_t *port, const char *token, networks *n,
                     dg_error *err);

/** Ends the threads after their current answers; NULL is allowed. */
void server_stop(server *s);

#endif
