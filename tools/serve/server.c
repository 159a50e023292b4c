#include "tools/serve/server.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/base/error.h"
#include "tools/serve/answer.h"
#include "tools/serve/arrays/answer_arrays.h"
#include "tools/serve/arrays/arrays.h"
#include "tools/serve/guard.h"
#include "tools/serve/limiter.h"
#include "tools/serve/listener.h"
#include "tools/serve/page.h"
#include "tools/serve/token.h"

enum {
  MAX_BODY = 1 << 18,                        /* bytes of a request's body */
  MAX_HEADERS = 1 << 15,                     /* bytes of memory of a connection */
  MAX_CONNECTIONS = 2 * LIMITER_CONNECTIONS, /* including ended ones */
  MAX_LISTENERS = 2
};

struct server {
  networks *networks;
  const char *token; /**< "": none */
  char cookie[32];   /**< name of the cookie with the token; depends on the port */
  limiter *limiter;
  struct MHD_Daemon *daemons[MAX_LISTENERS];
};

/** The received part of a request. */
typedef struct {
  peer *peer;
  size_t length; /**< of its body, from the headers */
  size_t size;   /**< received bytes of it */
  uint8_t *body; /**< [length] */
} request;

/* ---- sending ------------------------------------------------------------ */

static enum MHD_Result send_response(struct MHD_Connection *connection, unsigned status,
                                     const char *type, struct MHD_Response *response) {
  static const char *const headers[][2] = {
      {"Cache-Control", "no-store"},
      {"Content-Security-Policy",
       "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
       "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      {"Referrer-Policy", "no-referrer"},
      {"X-Content-Type-Options", "nosniff"},
  };
  if (!response) return MHD_NO;
  MHD_add_response_header(response, "Content-Type", type);
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
    MHD_add_response_header(response, headers[i][0], headers[i][1]);
  enum MHD_Result sent = MHD_queue_response(connection, status, response);
  MHD_destroy_response(response);
  return sent;
}

/** Sends an answer with one more header (name NULL: none) and frees it. */
static enum MHD_Result send_answer(struct MHD_Connection *connection, answer a, const char *name,
                                   const char *value) {
  char *text = a.object ? json_dumps(a.object, JSON_COMPACT | JSON_REAL_PRECISION(7)) : NULL;
  json_decref(a.object);
  if (!text) return MHD_NO;
  struct MHD_Response *response =
      MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
  if (!response) free(text);
  if (response && name) MHD_add_response_header(response, name, value);
  return send_response(connection, a.status, "application/json", response);
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status,
                              const char *message) {
  return send_answer(connection, answer_error(status, message), NULL, NULL);
}

static enum MHD_Result refuse_method(struct MHD_Connection *connection, const char *message,
                                     const char *allowed) {
  return send_answer(connection, answer_error(MHD_HTTP_METHOD_NOT_ALLOWED, message), "Allow",
                     allowed);
}

/** Sends a file of the page: "/" is page.html. If the token came as ?token=, sets a cookie with it
    for the requests of the page. */
static enum MHD_Result send_file(const server *s, struct MHD_Connection *connection,
                                 const page_file *file) {
  const char *suffix = strrchr(file->name, '.');
  const char *type = strcmp(suffix, ".css") == 0  ? "text/css; charset=utf-8"
                     : strcmp(suffix, ".js") == 0 ? "text/javascript; charset=utf-8"
                                                  : "text/html; charset=utf-8";
  struct MHD_Response *response = MHD_create_response_from_buffer(
      strlen(file->text), (char *)file->text, MHD_RESPMEM_PERSISTENT);
  if (response && *s->token &&
      MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "token")) {
    char cookie[sizeof s->cookie + TOKEN_SIZE + 80];
    snprintf(cookie, sizeof cookie, "%s=%s; Path=/; HttpOnly; SameSite=Strict", s->cookie,
             s->token);
    MHD_add_response_header(response, "Set-Cookie", cookie);
  }
  return send_response(connection, MHD_HTTP_OK, type, response);
}

static const page_file *file_at(const char *path) {
  const char *name = strcmp(path, "/") == 0 ? "page.html" : path + 1;
  for (const page_file *f = page_files; f->name; f++)
    if (strcmp(f->name, name) == 0) return f;
  return NULL;
}

/* ---- requests ----------------------------------------------------------- */

static const char *header(struct MHD_Connection *connection, const char *name) {
  return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/** Does a request have the token: in the header, in the cookie, or, for the page, in its URL? */
static bool knows_token(const server *s, struct MHD_Connection *connection, const char *path) {
  static const char scheme[] = "Bearer ";
  const char *told = header(connection, "Authorization");
  if (told)
    return strncasecmp(told, scheme, strlen(scheme)) == 0 &&
           token_is(s->token, told + strlen(scheme));
  enum MHD_ValueKind where = MHD_COOKIE_KIND;
  told = MHD_lookup_connection_value(connection, where, s->cookie);
  if (told && token_is(s->token, told)) return true;
  where = MHD_GET_ARGUMENT_KIND;
  told = strcmp(path, "/") == 0 ? MHD_lookup_connection_value(connection, where, "token") : NULL;
  return told && token_is(s->token, told);
}

static enum MHD_Result refuse_stranger(struct MHD_Connection *connection) {
  return send_answer(connection,
                     answer_error(MHD_HTTP_UNAUTHORIZED,
                                  "open the address that digits-serve printed, with its token; "
                                  "programs send Authorization: Bearer TOKEN"),
                     "WWW-Authenticate", "Bearer");
}

/** Checks the headers. true: the request may continue; else it was refused, with `result`. */
static bool admit(const server *s, struct MHD_Connection *connection, const char *path,
                  size_t *length, enum MHD_Result *result) {
  const char *host = header(connection, "Host"), *told = header(connection, "Content-Length");
  unsigned long long bytes = told ? strtoull(told, NULL, 10) : 0;
  *length = (size_t)bytes;
  if (*s->token && !knows_token(s, connection, path))
    *result = refuse_stranger(connection);
  else if (!host || !guard_host(host))
    *result = refuse(connection, MHD_HTTP_FORBIDDEN,
                     "name this server by its address or as localhost, not by another name");
  else if (!guard_origin(header(connection, "Origin"), host))
    *result = refuse(connection, MHD_HTTP_FORBIDDEN, "pages of others may not ask this server");
  else if (header(connection, "Transfer-Encoding"))
    *result = refuse(connection, MHD_HTTP_LENGTH_REQUIRED,
                     "the request must say the length of its body: Content-Length");
  else if (bytes > MAX_BODY)
    *result =
        refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE,
               "the body is longer than 262 144 bytes; send a smaller picture, or fewer samples");
  else
    return true;
  return false;
}

static peer *peer_of(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info ? info->socket_context : NULL;
}

/** Begins a request after its headers. */
static enum MHD_Result begin(const server *s, struct MHD_Connection *connection, const char *path,
                             void **state) {
  size_t length;
  enum MHD_Result result;
  peer *v = peer_of(connection);
  if (!v) return MHD_NO;
  limiter_restart(v);
  if (!admit(s, connection, path, &length, &result)) return result;
  request *r = calloc(1, sizeof *r);
  if (r && length) r->body = malloc(length);
  if (!r || (length && !r->body)) {
    free(r);
    return MHD_NO;
  }
  r->peer = v;
  r->length = length;
  *state = r;
  return MHD_YES;
}

/** Stores a part of the body. */
static enum MHD_Result collect(request *r, const char *bytes, size_t *size) {
  if (*size > r->length - r->size) return MHD_NO;
  memcpy(r->body + r->size, bytes, *size);
  r->size += *size;
  *size = 0;
  return MHD_YES;
}

/** Runs the networks, unless too many requests are queued. */
static answer predict(server *s, const request *r) {
  if (!limiter_begin_answer(r->peer))
    return answer_error(MHD_HTTP_SERVICE_UNAVAILABLE, "too many requests wait; send it again");
  answer a = arrays_are_json(r->body, r->size) ? answer_arrays(s->networks, r->body, r->size)
                                               : answer_predict(s->networks, r->body, r->size);
  limiter_end_answer(r->peer);
  return a;
}

/** Answers a complete request. */
static enum MHD_Result answer_request(server *s, struct MHD_Connection *connection,
                                      const char *method, const char *path, const request *r) {
  bool gets = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
  bool predicts = strcmp(path, "/predict") == 0, lists = strcmp(path, "/models") == 0;
  const page_file *file = file_at(path);
  limiter_restart(r->peer);
  if (!predicts && !lists && !file)
    return refuse(connection, MHD_HTTP_NOT_FOUND,
                  "there is nothing here; the page is /, and programs ask /predict and /models");
  if (predicts && strcmp(method, "POST") != 0)
    return refuse_method(connection, "POST a picture or JSON here", "POST");
  if (!predicts && !gets)
    return refuse_method(connection, "GET is the method for this", "GET, HEAD");
  if (file) return send_file(s, connection, file);
  answer a = lists ? answer_models(s->networks) : predict(s, r);
  return send_answer(connection, a, NULL, NULL);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *bytes,
                                  size_t *size, void **state) {
  (void)version;
  if (!*state) return begin(cls, connection, path, state);
  if (*size) return collect(*state, bytes, size);
  return answer_request(cls, connection, method, path, *state);
}

static void on_end(void *cls, struct MHD_Connection *connection, void **state,
                   enum MHD_RequestTerminationCode reason) {
  (void)cls, (void)connection, (void)reason;
  request *r = *state;
  if (r) {
    limiter_restart(r->peer);
    free(r->body);
  }
  free(r);
  *state = NULL;
}

/** A connection begins or ends. */
static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what) {
  server *s = cls;
  if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
    limiter_leave(*context);
    return;
  }
  const union MHD_ConnectionInfo *socket =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  const union MHD_ConnectionInfo *client =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  *context =
      socket && client ? limiter_enter(s->limiter, socket->connect_fd, client->client_addr) : NULL;
}

/* ---- starting ----------------------------------------------------------- */

/** Starts threads that serve the connections of a listening socket; takes ownership of it. */
static struct MHD_Daemon *start_daemon(server *s, int listener, dg_error *err) {
  struct MHD_Daemon *daemon = MHD_start_daemon(
      MHD_USE_AUTO | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL,
      on_request, s, MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL,
      MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_CONNECTION_LIMIT,
      (unsigned)MAX_CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MAX_HEADERS,
      MHD_OPTION_END);
  if (daemon) return daemon;
  close(listener);
  dg_fail(err, DG_ERR_RUNTIME, "libmicrohttpd did not start; are there too many threads or files?");
  return NULL;
}

/** Listens on the addresses; a missing one is an error only if there is no other. */
static bool start_all(server *s, const char *const *addresses, uint32_t *port, dg_error *err) {
  for (int i = 0; i < MAX_LISTENERS && addresses[i]; i++) {
    dg_error of_socket = {0};
    int listener = listener_open(addresses[i], port, &of_socket);
    if (listener < 0 && i > 0 && of_socket.kind == DG_ERR_UNSUPPORTED) break;
    if (listener < 0) return *err = of_socket, false;
    snprintf(s->cookie, sizeof s->cookie, "digits_token_%u", *port);
    s->daemons[i] = start_daemon(s, listener, err);
    if (!s->daemons[i]) return false;
  }
  return true;
}

server *server_start(const char *address, uint32_t *port, const char *token, networks *n,
                     dg_error *err) {
  const char *addresses[MAX_LISTENERS] = {address, NULL};
  if (!address) addresses[0] = "127.0.0.1", addresses[1] = "::1";
  server *s = calloc(1, sizeof *s);
  if (!s) {
    dg_fail_memory(err, sizeof *s);
    return NULL;
  }
  s->networks = n;
  s->token = token;
  s->limiter = limiter_open(err);
  if (s->limiter && start_all(s, addresses, port, err)) return s;
  server_stop(s);
  return NULL;
}

void server_stop(server *s) {
  if (!s) return;
  if (s->limiter) limiter_end(s->limiter);
  for (int i = 0; i < MAX_LISTENERS; i++)
    if (s->daemons[i]) MHD_stop_daemon(s->daemons[i]);
  limiter_close(s->limiter);
  free(s);
}
