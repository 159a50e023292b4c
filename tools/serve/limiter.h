/**
 * The connections that a server has, and how long each may take: nobody who is slow, or comes with
 * many, keeps others out.
 */
#ifndef DG_SERVE_LIMITER_H
#define DG_SERVE_LIMITER_H

#include <stdbool.h>
#include <sys/socket.h>

#include "digits/error.h"

enum {
  LIMITER_CONNECTIONS = 64,  /**< connections that stay; one more ends another */
  LIMITER_SECONDS = 10,      /**< for a request's headers, again for its body, and for its answer */
  LIMITER_ANSWERS = 32,      /**< pictures that wait for their answer, or get it */
  LIMITER_ANSWERS_OF_ONE = 8 /**< of one address */
};

typedef struct limiter limiter;
typedef struct peer peer;

/** A limiter without peers, with a thread that ends connections in time; NULL: it can't be made. */
limiter *limiter_open(dg_error *err);
/** Frees a limiter that all peers have left; NULL is allowed. */
void limiter_close(limiter *c);

/**
 * Counts a new connection. Where there are too many, that one of the address with most of them is
 * ended that has been sending, or receiving, for longest. NULL: no memory. Its socket must stay
 * open until limiter_leave.
 */
peer *limiter_enter(limiter *c, int socket, const struct sockaddr *address);
void limiter_leave(peer *v); /**< NULL is allowed */

/** A stretch of a request begins, which may take LIMITER_SECONDS. */
void limiter_restart(peer *v);

/** Begins an answer, which takes as long as it takes; false: too many wait already, or the server
    ends. */
bool limiter_begin_answer(peer *v);
/** Ends it; what it says may take LIMITER_SECONDS to be sent. */
void limiter_end_answer(peer *v);

/** The server ends: no answer is begun any more. */
void limiter_end(limiter *c);

#endif
