/*
 * Requests to digits-serve, as its functions get them from libmicrohttpd, which is played here:
 * method, path, headers, and a body in pieces. What it answers is JSON with a number of the error,
 * or a file of the page. Two networks of different sizes, for pictures and for arrays, are played,
 * too.
 */
#include <jansson.h>
#include <math.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/backend.h"
#include "core/model/model.h"
#include "tests/fuzz/input.h"
#include "tools/serve/page.h"
#include "tools/serve/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* ---- networks ----------------------------------------------------------- */

struct dg_predictor {
  uint32_t height, width, outputs;
  dg_task task;
};

void dg_predictor_free(dg_predictor *p) {
  (void)p;
}

bool dg_predictor_check_pictures(const dg_predictor *p, dg_error *err) {
  (void)p, (void)err;
  return true;
}

uint32_t dg_predictor_input(const dg_predictor *p, uint32_t dim[3]) {
  dim[0] = p->task == DG_TASK_CLASS ? 1 : p->height;
  dim[1] = p->task == DG_TASK_CLASS ? p->height : p->width;
  dim[2] = p->width;
  return p->task == DG_TASK_CLASS ? 3 : p->task == DG_TASK_VALUES ? 2 : 1;
}

dg_task dg_predictor_task(const dg_predictor *p) {
  return p->task;
}

/** Sums of all numbers of each sample. */
bool dg_predictor_run_array(dg_predictor *p, const dg_ndarray *a, float *outputs, dg_error *err) {
  size_t each = 1;
  (void)err;
  for (uint32_t i = 1; i < a->rank; i++) each *= a->dim[i];
  for (uint32_t i = 0; i < a->dim[0]; i++) {
    float sum = 0;
    for (size_t k = i * each; k < (i + 1) * each; k++)
      sum += a->type == DG_NUMBERS_FLOATS ? ((const float *)a->numbers)[k]
                                          : ((const uint8_t *)a->numbers)[k];
    for (uint32_t k = 0; k < p->outputs; k++) outputs[i * p->outputs + k] = sum * (float)k;
  }
  return true;
}

uint32_t dg_predictor_height(const dg_predictor *p) {
  return p->height;
}

uint32_t dg_predictor_width(const dg_predictor *p) {
  return p->width;
}

uint32_t dg_predictor_outputs(const dg_predictor *p) {
  return p->outputs;
}

double dg_predictor_temperature(const dg_predictor *p) {
  return p->outputs > 10 ? 1.5 : 0;
}

/** Outputs that follow from the images, all of which are read; a white one gives what is not
    finite. */
bool dg_predictor_run(dg_predictor *p, const uint8_t *images, uint32_t count, float *logits,
                      dg_error *err) {
  (void)err;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t sum = 0, pixels = p->height * p->width;
    for (uint32_t k = 0; k < pixels; k++) sum += images[i * pixels + k];
    for (uint32_t k = 0; k < p->outputs; k++)
      logits[i * p->outputs + k] = sum > 200 * pixels ? NAN : (float)(sum >> k & 15);
  }
  return true;
}

void dg_predictor_probabilities(const dg_predictor *p, const float *logits, uint32_t count,
                                float *probabilities) {
  if (probabilities != logits)
    memcpy(probabilities, logits, (size_t)count * p->outputs * sizeof *logits);
}

/* ---- libmicrohttpd ------------------------------------------------------ */

/** A request, and what came of it. */
struct MHD_Connection {
  const char *host, *origin, *authorization, *cookie, *token, *length, *coding;
  int socket;
  struct sockaddr_storage address;
  void *context;
  union MHD_ConnectionInfo info;
  unsigned status; /**< 0: not answered yet */
};

struct MHD_Response {
  const char *text;
  size_t size;
  bool owned, json;
};

struct MHD_Daemon {
  MHD_AccessHandlerCallback on_request;
  void *cls;
  MHD_RequestCompletedCallback on_end;
  MHD_NotifyConnectionCallback on_connection;
};

static struct MHD_Daemon played;

struct MHD_Daemon *MHD_start_daemon(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback accept,
                                    void *accept_cls, MHD_AccessHandlerCallback handler, void *cls,
                                    ...) {
  (void)flags, (void)port, (void)accept, (void)accept_cls;
  played = (struct MHD_Daemon){.on_request = handler, .cls = cls};
  va_list args;
  va_start(args, cls);
  for (int option; (option = va_arg(args, int)) != MHD_OPTION_END;) switch (option) {
    case MHD_OPTION_LISTEN_SOCKET:
      close(va_arg(args, int));
      break;
    case MHD_OPTION_NOTIFY_COMPLETED:
      played.on_end = va_arg(args, MHD_RequestCompletedCallback);
      (void)va_arg(args, void *);
      break;
    case MHD_OPTION_NOTIFY_CONNECTION:
      played.on_connection = va_arg(args, MHD_NotifyConnectionCallback);
      (void)va_arg(args, void *);
      break;
    case MHD_OPTION_CONNECTION_LIMIT:
      (void)va_arg(args, unsigned);
      break;
    case MHD_OPTION_CONNECTION_MEMORY_LIMIT:
      (void)va_arg(args, size_t);
      break;
    default:
      abort();
    }
  va_end(args);
  return &played;
}

void MHD_stop_daemon(struct MHD_Daemon *daemon) {
  (void)daemon;
}

const char *MHD_lookup_connection_value(struct MHD_Connection *c, enum MHD_ValueKind kind,
                                        const char *key) {
  const struct {
    enum MHD_ValueKind kind;
    const char *key, *value;
  } all[] = {{MHD_HEADER_KIND, "Host", c->host},
             {MHD_HEADER_KIND, "Origin", c->origin},
             {MHD_HEADER_KIND, "Authorization", c->authorization},
             {MHD_HEADER_KIND, "Content-Length", c->length},
             {MHD_HEADER_KIND, "Transfer-Encoding", c->coding},
             {MHD_COOKIE_KIND, key, c->cookie},
             {MHD_GET_ARGUMENT_KIND, "token", c->token}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (all[i].kind == kind && strcmp(all[i].key, key) == 0) return all[i].value;
  return NULL;
}

const union MHD_ConnectionInfo *MHD_get_connection_info(struct MHD_Connection *c,
                                                        enum MHD_ConnectionInfoType what, ...) {
  if (what == MHD_CONNECTION_INFO_SOCKET_CONTEXT)
    c->info.socket_context = c->context;
  else if (what == MHD_CONNECTION_INFO_CONNECTION_FD)
    c->info.connect_fd = c->socket;
  else
    c->info.client_addr = (struct sockaddr *)&c->address;
  return &c->info;
}

struct MHD_Response *MHD_create_response_from_buffer(size_t size, void *buffer,
                                                     enum MHD_ResponseMemoryMode mode) {
  struct MHD_Response *r = calloc(1, sizeof *r);
  if (!r) abort();
  *r = (struct MHD_Response){buffer, size, mode == MHD_RESPMEM_MUST_FREE, false};
  return r;
}

enum MHD_Result MHD_add_response_header(struct MHD_Response *r, const char *header,
                                        const char *content) {
  if (strcspn(content, "\r\n") != strlen(content)) abort();
  if (strcmp(header, "Content-Type") == 0) r->json = strcmp(content, "application/json") == 0;
  return MHD_YES;
}

enum MHD_Result MHD_queue_response(struct MHD_Connection *c, unsigned status,
                                   struct MHD_Response *r) {
  json_t *object = r->json ? json_loadb(r->text, r->size, JSON_REJECT_DUPLICATES, NULL) : NULL;
  bool failed = status != MHD_HTTP_OK;
  if (c->status || status < 200 || status > 599 || (r->json && !object) ||
      (failed && !json_is_string(json_object_get(object, "error"))))
    abort();
  json_decref(object);
  c->status = status;
  return MHD_YES;
}

void MHD_destroy_response(struct MHD_Response *r) {
  if (r->owned) free((char *)r->text);
  free(r);
}

/* ---- the target --------------------------------------------------------- */

#define TOKEN "correct-horse-battery"

const page_file page_files[] = {{"page.html", "<title>"}, {"page.js", "let"}, {NULL, NULL}};

/** One of the choices, ended by NULL, which is one too; or, by chance, a string of the input. */
static const char *choose(input *in, const char *const *choices, char text[256]) {
  uint8_t head = input_byte(in);
  size_t count = 0;
  while (choices[count]) count++;
  if (head < 192) return choices[head % (count + 1)];
  size_t size = input_byte(in);
  const uint8_t *bytes = input_bytes(in, &size);
  memcpy(text, bytes, size);
  text[size] = '\0';
  return text;
}

static void open_server(void) {
  static dg_device device = {.backend = "none"};
  static dg_predictor predictors[] = {{28, 28, 10, DG_TASK_CLASS},
                                      {12, 20, 3, DG_TASK_CLASS},
                                      {4, 0, 2, DG_TASK_LABELS},
                                      {2, 3, 2, DG_TASK_VALUES}};
  static network all[] = {{.name = "a", .predictor = &predictors[0], .pictures = true},
                          {.name = "b", .predictor = &predictors[1], .pictures = true},
                          {.name = "c", .predictor = &predictors[2]},
                          {.name = "d", .predictor = &predictors[3]}};
  static networks n = {.device = &device, .count = 4, .all = all};
  uint32_t port = 0;
  dg_error err = {0};
  for (int i = 0; i < 4; i++) {
    all[i].model = dg_model_parse("name = \"m\"; input = [4]; layers = ({ type = \"linear\"; "
                                  "units = 2; });",
                                  "fuzz", NULL, 0, &err);
    if (!all[i].model) abort();
  }
  pthread_mutex_init(&n.lock, NULL);
  if (!server_start("127.0.0.1", &port, TOKEN, &n, &err)) {
    fprintf(stderr, "%s\n", err.message);
    abort();
  }
}

/** Gives the handler the headers, the body piece by piece, and its end, until it has answered. */
static void send_request(struct MHD_Connection *c, const char *method, const char *path,
                         input *body, size_t piece) {
  void *state = NULL;
  size_t size = 0;
  enum MHD_Result result =
      played.on_request(played.cls, c, path, method, "HTTP/1.1", NULL, &size, &state);
  while (result == MHD_YES && !c->status && body->left) {
    size = piece;
    const char *bytes = (const char *)input_bytes(body, &size);
    result = played.on_request(played.cls, c, path, method, "HTTP/1.1", bytes, &size, &state);
    if (result == MHD_YES && size) abort();
  }
  size = 0;
  if (result == MHD_YES && !c->status)
    result = played.on_request(played.cls, c, path, method, "HTTP/1.1", NULL, &size, &state);
  if (result == MHD_YES && !c->status) abort();
  played.on_end(NULL, c, &state, MHD_REQUEST_TERMINATED_COMPLETED_OK);
  if (state) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static const char *const methods[] = {"POST", "GET", "HEAD", "PUT", NULL};
  static const char *const paths[] = {"/predict", "/models", "/", "/page.js", "/none", NULL};
  static const char *const hosts[] = {"localhost", "127.0.0.1:80", "[::1]:80", "a.example", NULL};
  static const char *const origins[] = {"http://localhost", "http://a.example", "null", NULL};
  static const char *const bearers[] = {"Bearer " TOKEN, "Bearer wrong", "Basic a", NULL};
  static const char *const tokens[] = {TOKEN, "wrong", NULL};
  static const char *const codings[] = {"chunked", NULL};
  static bool opened;
  if (!opened) open_server();
  opened = true;
  char own[8][256], length[24];
  input in = {bytes, size};
  const char *method = choose(&in, methods, own[0]), *path = choose(&in, paths, own[1]);
  struct MHD_Connection c = {.host = choose(&in, hosts, own[2]),
                             .origin = choose(&in, origins, own[3]),
                             .authorization = choose(&in, bearers, own[4]),
                             .cookie = choose(&in, tokens, own[5]),
                             .token = choose(&in, tokens, own[6]),
                             .coding = choose(&in, codings, own[7]),
                             .socket = -1};
  c.address.ss_family = input_byte(&in) & 1 ? AF_INET : AF_INET6;
  size_t piece = 1 + input_byte(&in) * (size_t)input_byte(&in);
  unsigned apart = input_byte(&in); /* the length that is told is mostly the right one */
  snprintf(length, sizeof length, "%zu", apart < 250 ? in.left : in.left + apart - 253);
  c.length = length;
  played.on_connection(played.cls, &c, &c.context, MHD_CONNECTION_NOTIFY_STARTED);
  send_request(&c, method ? method : "", path ? path : "/", &in, piece);
  played.on_connection(played.cls, &c, &c.context, MHD_CONNECTION_NOTIFY_CLOSED);
  return 0;
}
