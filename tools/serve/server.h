/** The HTTP server: its addresses, what lies where, and what it refuses. */
#ifndef DG_SERVE_SERVER_H
#define DG_SERVE_SERVER_H

#include <stdint.h>

#include "tools/serve/networks.h"

typedef struct server server;

/**
 * Answers from threads of its own from now on. `address` is numeric; NULL: 127.0.0.1, and ::1 where
 * this machine has it. `port` 0 becomes the one that was free. Requests must know `token`; "": none
 * is asked for. `n` and `token` must outlive the server.
 */
server *server_start(const char *address, uint32_t *port, const char *token, networks *n,
                     dg_error *err);

/** Ends the threads after the answers that they are at; NULL is allowed. */
void server_stop(server *s);

#endif
