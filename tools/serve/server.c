#include "tools/serve/server.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/serve/answer.h"
#include "tools/serve/guard.h"
#include "tools/serve/listener.h"
#include "tools/serve/page.h"

enum {
  MOST_BODY = 1 << 18,    /* bytes of a request's body */
  MOST_HEADERS = 1 << 15, /* bytes of memory of a connection */
  MOST_CONNECTIONS = 64,
  MOST_LISTENERS = 2,
  MOST_IDLE = 5 /* seconds without a byte, then a connection is closed */
};

struct server {
  networks *networks;
  struct MHD_Daemon *daemons[MOST_LISTENERS];
};

/** What has come of a request. */
typedef struct {
  size_t length; /**< of its body, as the headers say */
  size_t size;   /**< of it that is here */
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

/** Sends an answer and drops it. `allow`: the methods that are right, where this one isn't. */
static enum MHD_Result send_answer(struct MHD_Connection *connection, answer a, const char *allow) {
  char *text = a.object ? json_dumps(a.object, JSON_COMPACT | JSON_REAL_PRECISION(7)) : NULL;
  json_decref(a.object);
  if (!text) return MHD_NO;
  struct MHD_Response *response =
      MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
  if (!response) free(text);
  if (response && allow) MHD_add_response_header(response, "Allow", allow);
  return send_response(connection, a.status, "application/json", response);
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status,
                              const char *message) {
  return send_answer(connection, answer_error(status, message), NULL);
}

/** Sends a file of the page: "/" is page.html. */
static enum MHD_Result send_file(struct MHD_Connection *connection, const page_file *file) {
  const char *suffix = strrchr(file->name, '.');
  const char *type = strcmp(suffix, ".css") == 0  ? "text/css; charset=utf-8"
                     : strcmp(suffix, ".js") == 0 ? "text/javascript; charset=utf-8"
                                                  : "text/html; charset=utf-8";
  return send_response(connection, MHD_HTTP_OK, type,
                       MHD_create_response_from_buffer(strlen(file->text), (char *)file->text,
                                                       MHD_RESPMEM_PERSISTENT));
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

/** Looks at the headers; true: the request may go on, else it was refused, and `result` says how.
 */
static bool admit(struct MHD_Connection *connection, size_t *length, enum MHD_Result *result) {
  const char *host = header(connection, "Host"), *told = header(connection, "Content-Length");
  unsigned long long bytes = told ? strtoull(told, NULL, 10) : 0;
  *length = (size_t)bytes;
  if (!host || !guard_host(host))
    *result = refuse(connection, MHD_HTTP_FORBIDDEN,
                     "name this server by its address or as localhost, not by another name");
  else if (!guard_origin(header(connection, "Origin"), host))
    *result = refuse(connection, MHD_HTTP_FORBIDDEN, "pages of others may not ask this server");
  else if (header(connection, "Transfer-Encoding"))
    *result = refuse(connection, MHD_HTTP_LENGTH_REQUIRED,
                     "the request must say the length of its body: Content-Length");
  else if (bytes > MOST_BODY)
    *result = refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE,
                     "the body is longer than 262 144 bytes; send a smaller picture");
  else
    return true;
  return false;
}

/** Begins a request, of which the headers are here. */
static enum MHD_Result begin(struct MHD_Connection *connection, void **state) {
  size_t length;
  enum MHD_Result result;
  if (!admit(connection, &length, &result)) return result;
  request *r = calloc(1, sizeof *r);
  if (r && length) r->body = malloc(length);
  if (!r || (length && !r->body)) {
    free(r);
    return MHD_NO;
  }
  r->length = length;
  *state = r;
  return MHD_YES;
}

/** Keeps a part of the body. */
static enum MHD_Result collect(request *r, const char *bytes, size_t *size) {
  if (*size > r->length - r->size) return MHD_NO;
  memcpy(r->body + r->size, bytes, *size);
  r->size += *size;
  *size = 0;
  return MHD_YES;
}

/** Answers a request that is here as a whole. */
static enum MHD_Result answer_request(server *s, struct MHD_Connection *connection,
                                      const char *method, const char *path, const request *r) {
  bool gets = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
  bool predicts = strcmp(path, "/predict") == 0, lists = strcmp(path, "/models") == 0;
  const page_file *file = file_at(path);
  if (!predicts && !lists && !file)
    return refuse(connection, MHD_HTTP_NOT_FOUND,
                  "there is nothing here; the page is /, and programs ask /predict and /models");
  if (predicts && strcmp(method, "POST") != 0)
    return send_answer(connection, answer_error(MHD_HTTP_METHOD_NOT_ALLOWED, "POST a picture here"),
                       "POST");
  if (!predicts && !gets)
    return send_answer(connection,
                       answer_error(MHD_HTTP_METHOD_NOT_ALLOWED, "GET is the method for this"),
                       "GET, HEAD");
  if (file) return send_file(connection, file);
  answer a = lists ? answer_models(s->networks) : answer_predict(s->networks, r->body, r->size);
  return send_answer(connection, a, NULL);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *bytes,
                                  size_t *size, void **state) {
  (void)version;
  if (!*state) return begin(connection, state);
  if (*size) return collect(*state, bytes, size);
  return answer_request(cls, connection, method, path, *state);
}

static void on_end(void *cls, struct MHD_Connection *connection, void **state,
                   enum MHD_RequestTerminationCode reason) {
  (void)cls, (void)connection, (void)reason;
  request *r = *state;
  if (r) free(r->body);
  free(r);
  *state = NULL;
}

/* ---- starting ----------------------------------------------------------- */

/** Has a thread of its own answer the connections of a listening socket, which it will close. */
static struct MHD_Daemon *start_daemon(server *s, int listener, dg_error *err) {
  struct MHD_Daemon *daemon = MHD_start_daemon(
      MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, on_request, s,
      MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL,
      MHD_OPTION_CONNECTION_LIMIT, (unsigned)MOST_CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      (size_t)MOST_HEADERS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)MOST_IDLE, MHD_OPTION_END);
  if (daemon) return daemon;
  close(listener);
  dg_fail(err, DG_ERR_RUNTIME, "libmicrohttpd did not start; are there too many threads or files?");
  return NULL;
}

/** Listens on the addresses; one that is missing is an error where it is the only one. */
static bool start_all(server *s, const char *const *addresses, uint32_t *port, dg_error *err) {
  for (int i = 0; i < MOST_LISTENERS && addresses[i]; i++) {
    dg_error of_socket = {0};
    int listener = listener_open(addresses[i], port, &of_socket);
    if (listener < 0 && i > 0 && of_socket.kind == DG_ERR_UNSUPPORTED) break;
    if (listener < 0) return *err = of_socket, false;
    s->daemons[i] = start_daemon(s, listener, err);
    if (!s->daemons[i]) return false;
  }
  return true;
}

server *server_start(const char *address, uint32_t *port, networks *n, dg_error *err) {
  const char *addresses[MOST_LISTENERS] = {address, NULL};
  if (!address) addresses[0] = "127.0.0.1", addresses[1] = "::1";
  server *s = calloc(1, sizeof *s);
  if (!s) {
    dg_fail_memory(err, sizeof *s);
    return NULL;
  }
  s->networks = n;
  if (start_all(s, addresses, port, err)) return s;
  server_stop(s);
  return NULL;
}

void server_stop(server *s) {
  if (!s) return;
  for (int i = 0; i < MOST_LISTENERS; i++)
    if (s->daemons[i]) MHD_stop_daemon(s->daemons[i]);
  free(s);
}
