#include "tools/serve/limiter.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/error.h"

enum { LOOKS = 5 /* checks for timeouts per second */ };

struct peer {
  limiter *limiter;
  peer *next;
  int socket;
  struct in6_addr address; /**< from address_of */
  double since;            /**< start of its current phase */
  bool answered;           /**< its answer is being made or is queued */
  bool ended;
};

struct limiter {
  pthread_mutex_t lock; /**< guards all that follows */
  pthread_cond_t change;
  pthread_t watcher;
  bool closing; /**< the watcher must end */
  bool ending;  /**< no new answer may begin */
  unsigned count;
  peer *first; /**< newest first */
};

/* ---- addresses ---------------------------------------------------------- */

/** A site has 2^64 IPv6 addresses, so only the first half, which identifies the site, is compared.
    Link-local addresses share that half, so all of it is compared. */
static void keep_site(struct in6_addr *address) {
  if (!IN6_IS_ADDR_LINKLOCAL(address) && !IN6_IS_ADDR_V4MAPPED(address))
    memset(address->s6_addr + 8, 0, 8);
}

static struct in6_addr address_of(const struct sockaddr *address) {
  struct in6_addr out = IN6ADDR_ANY_INIT;
  if (address->sa_family == AF_INET6)
    out = ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
  if (address->sa_family == AF_INET) {
    out.s6_addr[10] = out.s6_addr[11] = 0xff;
    memcpy(out.s6_addr + 12, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
  }
  if (IN6_IS_ADDR_LOOPBACK(&out) || (IN6_IS_ADDR_V4MAPPED(&out) && out.s6_addr[12] == 127))
    return (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
  keep_site(&out);
  return out;
}

static bool is_same(const peer *a, const peer *b) {
  return memcmp(&a->address, &b->address, sizeof a->address) == 0;
}

/** How many peers have the address of a peer: only those `answered`, or all. */
static unsigned count_of(const limiter *c, const peer *of, bool answered) {
  unsigned count = 0;
  for (const peer *v = c->first; v; v = v->next)
    count += !v->ended && is_same(v, of) && (v->answered || !answered);
  return count;
}

/* ---- timeouts ----------------------------------------------------------- */

/** Shuts a connection down; the thread that serves it then calls limiter_leave. */
static void end(peer *v) {
  v->ended = true;
  v->limiter->count--;
  shutdown(v->socket, SHUT_RDWR);
}

/** Ends connections that take too long. */
static void look(limiter *c) {
  double now = dg_seconds();
  for (peer *v = c->first; v; v = v->next)
    if (!v->ended && !v->answered && now - v->since > LIMITER_SECONDS) end(v);
}

static void wait_a_moment(limiter *c) {
  struct timespec next;
  clock_gettime(CLOCK_MONOTONIC, &next);
  next.tv_nsec += 1000000000 / LOOKS;
  next.tv_sec += next.tv_nsec / 1000000000;
  next.tv_nsec %= 1000000000;
  pthread_cond_timedwait(&c->change, &c->lock, &next);
}

static void *watch(void *cls) {
  limiter *c = cls;
  pthread_mutex_lock(&c->lock);
  while (!c->closing) {
    if (c->first)
      wait_a_moment(c);
    else
      pthread_cond_wait(&c->change, &c->lock);
    look(c);
  }
  pthread_mutex_unlock(&c->lock);
  return NULL;
}

/** The connection to end for a new one: of the address with most connections, the one in its
    current phase for longest. */
static peer *choose(const limiter *c) {
  peer *chosen = NULL;
  unsigned most = 0;
  for (peer *v = c->first; v; v = v->next) {
    if (v->ended || v->answered) continue;
    unsigned count = count_of(c, v, false);
    if (chosen && (count < most || (count == most && v->since > chosen->since))) continue;
    chosen = v;
    most = count;
  }
  return chosen;
}

/* ---- connections--------------------------------------------------------- */

static void release(limiter *c) {
  pthread_cond_destroy(&c->change);
  pthread_mutex_destroy(&c->lock);
  free(c);
}

limiter *limiter_open(dg_error *err) {
  limiter *c = calloc(1, sizeof *c);
  if (!c) {
    dg_fail_memory(err, sizeof *c);
    return NULL;
  }
  pthread_condattr_t clock;
  pthread_condattr_init(&clock);
  pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
  pthread_mutex_init(&c->lock, NULL);
  pthread_cond_init(&c->change, &clock);
  pthread_condattr_destroy(&clock);
  if (pthread_create(&c->watcher, NULL, watch, c) == 0) return c;
  dg_fail(err, DG_ERR_RUNTIME, "no thread could be started; are there too many?");
  release(c);
  return NULL;
}

void limiter_close(limiter *c) {
  if (!c) return;
  pthread_mutex_lock(&c->lock);
  c->closing = true;
  pthread_cond_signal(&c->change);
  pthread_mutex_unlock(&c->lock);
  pthread_join(c->watcher, NULL);
  release(c);
}

peer *limiter_enter(limiter *c, int socket, const struct sockaddr *address) {
  peer *v = malloc(sizeof *v);
  if (!v) return NULL;
  *v =
      (peer){.limiter = c, .socket = socket, .address = address_of(address), .since = dg_seconds()};
  pthread_mutex_lock(&c->lock);
  v->next = c->first;
  c->first = v;
  c->count++;
  peer *leaver = c->count > LIMITER_CONNECTIONS ? choose(c) : NULL;
  if (leaver) end(leaver);
  pthread_cond_signal(&c->change);
  pthread_mutex_unlock(&c->lock);
  return v;
}

void limiter_leave(peer *v) {
  if (!v) return;
  limiter *c = v->limiter;
  pthread_mutex_lock(&c->lock);
  peer **at = &c->first;
  while (*at != v) at = &(*at)->next;
  *at = v->next;
  c->count -= !v->ended;
  pthread_mutex_unlock(&c->lock);
  free(v);
}

void limiter_restart(peer *v) {
  pthread_mutex_lock(&v->limiter->lock);
  v->since = dg_seconds();
  pthread_mutex_unlock(&v->limiter->lock);
}

bool limiter_begin_answer(peer *v) {
  limiter *c = v->limiter;
  pthread_mutex_lock(&c->lock);
  unsigned all = 0, own = count_of(c, v, true);
  for (const peer *other = c->first; other; other = other->next) all += other->answered;
  v->answered = !c->ending && all < LIMITER_ANSWERS && own < LIMITER_ANSWERS_OF_ONE;
  bool begun = v->answered;
  pthread_mutex_unlock(&c->lock);
  return begun;
}

void limiter_end_answer(peer *v) {
  pthread_mutex_lock(&v->limiter->lock);
  v->answered = false;
  v->since = dg_seconds();
  pthread_mutex_unlock(&v->limiter->lock);
}

void limiter_end(limiter *c) {
  pthread_mutex_lock(&c->lock);
  c->ending = true;
  pthread_mutex_unlock(&c->lock);
}
