/**
 * The connections that a server has, and how long each may take: nobody who is slow, or comes with
 * many, keeps others out.
 */
#ifndef DG_SERVE_CROWD_H
#define DG_SERVE_CROWD_H

#include <stdbool.h>
#include <sys/socket.h>

#include "digits/error.h"

enum {
  CROWD_MAX = 64,          /**< connections that stay; one more ends another */
  CROWD_SECONDS = 10,      /**< for a request's headers, again for its body, and for its answer */
  CROWD_ANSWERS = 32,      /**< pictures that wait for their answer, or get it */
  CROWD_ANSWERS_OF_ONE = 8 /**< of one address */
};

typedef struct crowd crowd;
typedef struct visitor visitor;

/** An empty crowd, with a thread that ends connections in time; NULL: it can't be made. */
crowd *crowd_open(dg_error *err);
/** Frees a crowd that all visitors have left; NULL is allowed. */
void crowd_close(crowd *c);

/**
 * Counts a new connection. Where there are too many, that one of the address with most of them is
 * ended that has been sending, or receiving, for longest. NULL: no memory. Its socket must stay
 * open until crowd_leave.
 */
visitor *crowd_enter(crowd *c, int socket, const struct sockaddr *address);
void crowd_leave(visitor *v); /**< NULL is allowed */

/** A stretch of a request begins, which may take CROWD_SECONDS. */
void crowd_restart(visitor *v);

/** Begins an answer, which takes as long as it takes; false: too many wait already, or the server
    ends. */
bool crowd_begin_answer(visitor *v);
/** Ends it; what it says may take CROWD_SECONDS to be sent. */
void crowd_end_answer(visitor *v);

/** The server ends: no answer is begun any more. */
void crowd_end(crowd *c);

#endif
