/**
 * Limits a server's connections and their duration, so that slow clients, or clients with many
 * connections, do not block others.
 */
#ifndef DG_SERVE_LIMITER_H
#define DG_SERVE_LIMITER_H

#include <stdbool.h>
#include <sys/socket.h>

#include "digits/error.h"

enum {
  LIMITER_CONNECTIONS = 64,  /**< most connections; a further one ends another */
  LIMITER_SECONDS = 10,      /**< for a request's headers, for its body, and for its answer */
  LIMITER_ANSWERS = 32,      /**< answers in progress or queued */
  LIMITER_ANSWERS_OF_ONE = 8 /**< for one address */
};

typedef struct limiter limiter;
typedef struct peer peer;

/** Makes a limiter with a thread that ends overdue connections; NULL on failure. */
limiter *limiter_open(dg_error *err);
/** Frees a limiter after all peers have left; NULL is allowed. */
void limiter_close(limiter *c);

/**
 * Counts a new connection. If there are too many, ends one of the address with most connections:
 * the one that has been sending or receiving for longest. NULL: out of memory. The socket must stay
 * open until limiter_leave.
 */
peer *limiter_enter(limiter *c, int socket, const struct sockaddr *address);
void limiter_leave(peer *v); /**< NULL is allowed */

/** Begins a phase of a request, which may take LIMITER_SECONDS. */
void limiter_restart(peer *v);

/** Begins an answer, which has no time limit; false: too many are queued, or the server is
    ending. */
bool limiter_begin_answer(peer *v);
/** Ends an answer; sending it may take LIMITER_SECONDS. */
void limiter_end_answer(peer *v);

/** The server is ending: no new answer may begin. */
void limiter_end(limiter *c);

#endif
