/* digits-serve as a browser, a program and a stranger meet it. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/common/http.h"
#include "tests/common/shell.h"
#include "tests/common/suite.h"

#define SERVE PROGRAM("digits-serve")

enum { SIDE = 64, PICTURE_SIZE = SIDE * SIDE + 64, MAX_TRIES = 1500, CROWD = 70 };

/* ---- servers ------------------------------------------------------------ */

typedef struct {
  pid_t process;
  unsigned port;
} server;

static server running; /* of all tests; two networks */

static void wait_a_moment(void) {
  nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

/** Starts digits-serve in the folder of the shell, and waits until it listens. */
static server start(const char *arguments) {
  char line[600];
  shell("rm -f log");
  snprintf(line, sizeof line, "cd %s && exec " SERVE "--backend cpu --port 0 %s > log 2>&1",
           shell_path("."), arguments);
  server s = {.process = fork()};
  if (s.process == 0) {
    execl("/bin/sh", "sh", "-c", line, (char *)NULL);
    _exit(127);
  }
  for (int i = 0; i < MAX_TRIES && !s.port; i++, wait_a_moment()) {
    shell("cat log");
    const char *page = strstr(shell_printed(), "page      http://");
    if (page) sscanf(page, "page      http://%*[0-9.]:%u/  (", &s.port);
  }
  ck_assert_msg(s.port, "%s: it does not listen: %s", line, shell_printed());
  return s;
}

/** Ends a server by a signal and returns its exit status, or -1. */
static int stop(const server *s, int signal) {
  int status;
  kill(s->process, signal);
  for (int i = 0; i < MAX_TRIES; i++, wait_a_moment())
    if (waitpid(s->process, &status, WNOHANG) == s->process)
      return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  kill(s->process, SIGKILL);
  waitpid(s->process, &status, 0);
  return -1;
}

/** Sends headers, without the empty line at their end, and a body; returns the answer. */
static const char *ask(unsigned port, const char *headers, const void *body, size_t size) {
  char head[1000];
  int connection = http_connect("127.0.0.1", port);
  ck_assert_int_ge(connection, 0);
  int length = snprintf(head, sizeof head, "%sConnection: close\r\n\r\n", headers);
  ck_assert(http_send(connection, head, (size_t)length));
  if (size) ck_assert(http_send(connection, body, size));
  return http_receive(connection);
}

/** Posts a picture. */
static const char *post(unsigned port, const void *picture, size_t size) {
  char headers[200];
  snprintf(headers, sizeof headers,
           "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n", size);
  return ask(port, headers, picture, size);
}

/** A PGM of white bars on black; writes [PICTURE_SIZE]. */
static size_t draw(char *picture, int bars) {
  int head = snprintf(picture, PICTURE_SIZE, "P5 %d %d 255\n", SIDE, SIDE);
  char *pixels = picture + head;
  memset(pixels, 0, SIDE * SIDE);
  for (int i = 0; i < bars; i++)
    for (int y = 16; y < 48; y++) memset(pixels + y * SIDE + 10 + 20 * i, 255, 4);
  return (size_t)head + SIDE * SIDE;
}

/* ---- the page ----------------------------------------------------------- */

#define HOST "Host: localhost\r\n"

static const struct {
  const char *headers;
  unsigned status;
  const char *says;
} requests[] = {
    {"GET / HTTP/1.1\r\n" HOST, 200, "<title>digits</title>"},
    {"GET / HTTP/1.1\r\n" HOST, 200, "Content-Security-Policy: default-src 'none'"},
    {"HEAD / HTTP/1.1\r\n" HOST, 200, "text/html"},
    {"GET /page.js HTTP/1.1\r\n" HOST, 200, "text/javascript"},
    {"GET /page.css HTTP/1.1\r\n" HOST, 200, "text/css"},
    {"GET /models HTTP/1.1\r\n" HOST, 200, "{\"name\":\"vanilla\",\"model\":\"vanilla\","},
    {"GET /models HTTP/1.1\r\n" HOST, 200, "{\"device\":{\"backend\":\"cpu\",\"name\":\""},
    {"GET /models HTTP/1.1\r\nHost: 127.0.0.1:99\r\n", 200, "\"models\""},
    {"GET /models HTTP/1.1\r\nHost: [::1]:99\r\n", 200, "\"models\""},
    {"GET /models HTTP/1.1\r\nHost: LocalHost\r\nOrigin: http://localhost\r\n", 200, "\"models\""},
    {"GET /none HTTP/1.1\r\n" HOST, 404, "{\"error\":\"there is nothing here"},
    {"GET /../README.md HTTP/1.1\r\n" HOST, 404, "there is nothing here"},
    {"GET /predict HTTP/1.1\r\n" HOST, 405, "Allow: POST"},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n", 405, "Allow: GET"},
    {"DELETE /models HTTP/1.1\r\n" HOST, 405, "GET is the method"},
    {"GET / HTTP/1.1\r\nHost: digits.example\r\n", 403, "name this server by its address"},
    {"GET / HTTP/1.1\r\nHost: localhost.example\r\n", 403, "name this server"},
    {"GET / HTTP/1.1\r\nHost: 127.0.0.1.example\r\n", 403, "name this server"},
    {"GET / HTTP/1.1\r\nHost: localhost:80x\r\n", 403, "name this server"},
    {"GET / HTTP/1.1\r\nHost: [::1\r\n", 403, "name this server"},
    {"GET / HTTP/1.0\r\n", 403, "name this server"},
    {"GET /models HTTP/1.1\r\n" HOST "Origin: http://digits.example\r\n", 403, "pages of others"},
    {"GET /models HTTP/1.1\r\n" HOST "Origin: http://localhost:81\r\n", 403, "pages of others"},
    {"GET /models HTTP/1.1\r\n" HOST "Origin: null\r\n", 403, "pages of others"},
    {"POST /predict HTTP/1.1\r\n" HOST "Content-Length: 1000000000\r\n", 413, "262 144 bytes"},
    {"POST /predict HTTP/1.1\r\n" HOST "Content-Length: 262145\r\n", 413, "262 144 bytes"},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: 1000000000\r\n", 413, "262 144 bytes"},
    {"POST /predict HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n", 413, ""},
    {"POST /predict HTTP/1.1\r\n" HOST "Content-Length: -1\r\n", 400, ""},
    {"POST /predict HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n", 411, "Content-Length"},
    {"POST /predict HTTP/1.1\r\n" HOST "Content-Length: 0\r\n", 400, "the file is empty"},
};

START_TEST(requests_are_answered) {
  const char *answer = ask(running.port, requests[_i].headers, NULL, 0);
  ck_assert_msg(http_status(answer) == requests[_i].status && strstr(answer, requests[_i].says),
                "%s: expected %u and \"%s\" in:\n%s", requests[_i].headers, requests[_i].status,
                requests[_i].says, answer);
}
END_TEST

/* ---- pictures ----------------------------------------------------------- */

/** Checks what a network says of a picture of so many digits. */
static void check_model(const json_t *model, size_t digits) {
  const json_t *all = json_object_get(model, "digits");
  ck_assert_uint_eq(json_array_size(all), digits);
  ck_assert(json_real_value(json_object_get(model, "milliseconds")) > 0);
  for (size_t d = 0; d < digits; d++) {
    const json_t *digit = json_array_get(all, d);
    const json_t *p = json_object_get(digit, "probabilities");
    size_t label = (size_t)json_integer_value(json_object_get(digit, "label"));
    double sum = 0;
    ck_assert_uint_eq(json_array_size(p), 10);
    for (size_t c = 0; c < 10; c++) {
      double share = json_real_value(json_array_get(p, c));
      ck_assert(share <= json_real_value(json_array_get(p, label)));
      sum += share;
    }
    ck_assert_double_eq_tol(sum, 1, 1e-5);
  }
}

START_TEST(pictures_are_read) {
  char picture[PICTURE_SIZE];
  const char *answer = post(running.port, picture, draw(picture, _i));
  ck_assert_uint_eq(http_status(answer), 200);
  json_t *object = json_loads(http_body(answer), 0, NULL);
  const json_t *digits = json_object_get(object, "digits"), *model;
  size_t i;
  ck_assert_uint_eq(json_array_size(digits), (size_t)_i);
  const json_t *last = json_array_get(digits, (size_t)_i - 1), *box = json_object_get(last, "box");
  ck_assert_int_eq(json_integer_value(json_object_get(box, "left")), 20 * _i - 10);
  ck_assert_int_eq(json_integer_value(json_object_get(box, "height")), 32);
  const json_t *image = json_object_get(last, "image");
  ck_assert_uint_eq(json_array_size(image), 784);
  ck_assert_int_eq(json_integer_value(json_array_get(image, 14 * 28 + 14)), 255);
  ck_assert_uint_eq(json_array_size(json_object_get(object, "models")), 2);
  json_array_foreach(json_object_get(object, "models"), i, model) check_model(model, (size_t)_i);
  json_decref(object);
}
END_TEST

/** A digit that no network can be sure of. */
START_TEST(unsure_digits_have_no_label) {
  char picture[PICTURE_SIZE];
  server s = start("--min-probability 1 ./vanilla.safetensors");
  const char *answer = post(s.port, picture, draw(picture, 1));
  ck_assert_uint_eq(http_status(answer), 200);
  json_t *object = json_loads(http_body(answer), 0, NULL);
  const json_t *model = json_array_get(json_object_get(object, "models"), 0);
  const json_t *digit = json_array_get(json_object_get(model, "digits"), 0);
  const json_t *two = json_object_get(digit, "likeliest");
  ck_assert(json_is_true(json_object_get(digit, "unsure")));
  ck_assert(json_is_null(json_object_get(digit, "label")));
  ck_assert_uint_eq(json_array_size(two), 2);
  const json_t *p = json_object_get(digit, "probabilities");
  for (size_t i = 0; i < 2; i++) {
    const json_t *one = json_array_get(two, i);
    size_t label = (size_t)json_integer_value(json_object_get(one, "label"));
    ck_assert_double_eq(json_real_value(json_object_get(one, "probability")),
                        json_real_value(json_array_get(p, label)));
  }
  json_decref(object);
  ck_assert_int_eq(stop(&s, SIGTERM), 0);
}
END_TEST

START_TEST(what_is_no_picture_is_refused) {
  static const char text[] = "{\"no\": \"picture\"}", one[] = "P5 1 1 255\n\377";
  static const char cut[] = "\211PNG\r\n\032\n\0\0\0\rIHDR\0\0\0\34",
                    huge[] = "P5 60000 60000 255\n", large[] = "P5 2000 2000 255\n";
  char picture[PICTURE_SIZE];
  ck_assert_uint_eq(http_status(post(running.port, text, sizeof text - 1)), 400);
  const char *answer = post(running.port, cut, sizeof cut - 1);
  ck_assert_msg(http_status(answer) == 400 && strstr(answer, "{\"error\":\"the picture: "), "%s",
                answer);
  ck_assert_uint_eq(http_status(post(running.port, huge, sizeof huge - 1)), 400);
  ck_assert_uint_eq(http_status(post(running.port, one, sizeof one - 1)), 422);
  ck_assert_uint_eq(http_status(post(running.port, large, sizeof large - 1)), 413);
  answer = post(running.port, picture, draw(picture, 0));
  ck_assert_msg(http_status(answer) == 422 && strstr(answer, "no ink was found"), "%s", answer);
}
END_TEST

/* ---- arrays -------------------------------------------------------------- */

/** Posts text; returns the answer in JSON, whose status must be that one. */
static json_t *post_text(unsigned port, const char *text, unsigned status) {
  const char *answer = post(port, text, strlen(text));
  ck_assert_msg(http_status(answer) == status, "%s: %s", text, answer);
  json_t *object = json_loads(http_body(answer), 0, NULL);
  ck_assert_ptr_nonnull(object);
  return object;
}

/** The number at a path such as "models.0.samples.1.values.0"; the text, for `text`. */
static const json_t *at(const json_t *value, const char *path) {
  char word[40];
  for (int used; sscanf(path, "%39[^.]%n", word, &used) == 1; path += used + (path[used] == '.')) {
    value = json_is_array(value) ? json_array_get(value, (size_t)atoi(word))
                                 : json_object_get(value, word);
    ck_assert_msg(value != NULL, "%s", path);
  }
  return value;
}

/** A table whose classes and values follow from its columns. */
static void learn_tables(void) {
  shell_check(
      "printf 'a,b,kind,one\\n' > t.csv; for i in $(seq 60); do echo \"$((i % 2)),$((1 - i % "
      "2)),$([ $((i % 2)) = 1 ] && echo dog || echo cat),$((1000 + i % 2 * 50))\"; done >> "
      "t.csv; T='epochs = 30; batch = 4; optimizer = { type = \"sgd\"; lr = 0.1; };'; "
      "printf 'name = \"k\"; input = [2]; layers = ({ type = \"linear\"; name = \"out\"; units "
      "= 2; }); train = { %s };' \"$T\" > k.cfg; printf 'name = \"v\"; input = [2]; loss = "
      "\"mse\"; data = { targets = \"measure\"; }; layers = ({ type = \"linear\"; name = "
      "\"out\"; units = 1; }); train = { %s };' \"$T\" > v.cfg; "
      "cut -d, -f1-3 t.csv > k.csv; cut -d, -f1,2,4 t.csv > v.csv; mkdir -p others; " RUN
      "--backend cpu --quiet --data k.csv --label kind --save others/k.safetensors ./k.cfg "
      "&& " RUN "--backend cpu --quiet --data v.csv --targets one --save "
      "others/v.safetensors ./v.cfg",
      0, "");
}

START_TEST(arrays_are_answered) {
  learn_tables();
  server s = start("others/k.safetensors others/v.safetensors");
  json_t *o = post_text(s.port, "{\"inputs\": [[1, 0], [0, 1.0]]}", 200);
  ck_assert_uint_eq(json_array_size(json_object_get(o, "models")), 2);
  ck_assert_str_eq(json_string_value(at(o, "models.0.samples.0.name")), "dog");
  ck_assert_str_eq(json_string_value(at(o, "models.0.samples.1.name")), "cat");
  ck_assert_int_eq(json_integer_value(at(o, "models.0.samples.0.label")), 1);
  const double p = json_real_value(at(o, "models.0.samples.0.probabilities.1"));
  const double x = json_real_value(at(o, "models.0.samples.0.logits.1")) -
                   json_real_value(at(o, "models.0.samples.0.logits.0"));
  ck_assert_double_eq_tol(p, 1 / (1 + exp(-x)), 1e-5);
  ck_assert_double_eq_tol(json_real_value(at(o, "models.1.samples.0.values.0")), 1050, 5);
  ck_assert_ptr_null(json_object_get(at(o, "models.1.samples.0"), "label"));
  json_decref(o);
  o = post_text(s.port, " {\"inputs\": [[1, 0]], \"model\": \"v\"}", 200);
  ck_assert_uint_eq(json_array_size(json_object_get(o, "models")), 1);
  json_decref(o);
  const char *answer = ask(s.port, "GET /models HTTP/1.1\r\n" HOST, NULL, 0);
  ck_assert_msg(strstr(answer, "\"input\":[2],\"gives\":\"class\",\"pictures\":false,"
                               "\"names\":[\"cat\",\"dog\"]"),
                "%s", answer);
  char picture[PICTURE_SIZE];
  answer = post(s.port, picture, draw(picture, 1));
  ck_assert_msg(http_status(answer) == 422 && strstr(answer, "no network here takes pictures"),
                "%s", answer);
  ck_assert_int_eq(stop(&s, SIGTERM), 0);
}
END_TEST

/** An image as an array gives what the picture does; it was cut out there. */
START_TEST(images_may_be_arrays) {
  char text[784 * 4 + 100] = "{\"type\":\"bytes\",\"model\":\"vanilla\",\"inputs\":[[";
  char picture[PICTURE_SIZE];
  json_t *o = json_loads(http_body(post(running.port, picture, draw(picture, 1))), 0, NULL);
  size_t used = strlen(text);
  for (size_t i = 0; i < 784; i++)
    used += (size_t)sprintf(text + used, "%s%d", i ? "," : "",
                            (int)json_integer_value(json_array_get(at(o, "digits.0.image"), i)));
  strcpy(text + used, "]]}");
  json_t *a = post_text(running.port, text, 200);
  const size_t which = strcmp(json_string_value(at(o, "models.0.name")), "vanilla") ? 1 : 0;
  const json_t *read = at(at(at(o, "models"), which ? "1" : "0"), "digits.0");
  ck_assert_int_eq(json_integer_value(at(a, "models.0.samples.0.label")),
                   json_integer_value(json_object_get(read, "label")));
  json_decref(a);
  json_decref(o);
}
END_TEST

static const struct {
  const char *text;
  unsigned status;
  const char *says;
} wrong[] = {
    {"{", 400, "no JSON: line 1"},
    {"{\"no\": \"picture\"}", 400, "has the keys inputs, model and type, and no others"},
    {"{}", 400, "needs the key inputs"},
    {"[[1, 2]]", 400, "a request is an object"},
    {"{\"inputs\": 1}", 400, "numbers in arrays of one shape"},
    {"{\"inputs\": []}", 400, "numbers in arrays of one shape"},
    {"{\"inputs\": [1, 2]}", 400, "numbers in arrays of one shape"},
    {"{\"inputs\": [[1], [1, 2]]}", 400, "numbers in arrays of one shape"},
    {"{\"inputs\": [[1, \"2\"]]}", 400, "numbers in arrays of one shape"},
    {"{\"inputs\": [[1, [2]]]}", 400, "numbers in arrays of one shape"},
    {"{\"inputs\": [[[[[1]]]]]}", 400, "arrays of at most 4 dimensions"},
    {"{\"inputs\": [[{}]]}", 400, "a request is one object"},
    {"{\"inputs\": [[1e39]]}", 400, "is too large for a float"},
    {"{\"inputs\": [[NaN]]}", 400, "no JSON"},
    {"{\"inputs\": [[1]], \"inputs\": [[1]]}", 400, "no JSON"},
    {"{\"inputs\": [[1.5]], \"type\": \"bytes\"}", 400, "1.5 is no byte"},
    {"{\"inputs\": [[1]], \"type\": 1}", 400, "type must be"},
    {"{\"inputs\": [[1]], \"model\": 1}", 400, "model must be a name"},
    {"{\"inputs\": [[1]], \"model\": \"none\"}", 422, "there is no network \\\"none\\\""},
    {"{\"inputs\": [[1]]}", 422, "fcnn takes [N, 1, 28, 28]; vanilla takes [N, 1, 28, 28]"},
};

START_TEST(wrong_arrays_are_refused) {
  const char *answer = post(running.port, wrong[_i].text, strlen(wrong[_i].text));
  ck_assert_msg(http_status(answer) == wrong[_i].status && strstr(answer, wrong[_i].says),
                "%s: expected %u and \"%s\" in:\n%s", wrong[_i].text, wrong[_i].status,
                wrong[_i].says, answer);
}
END_TEST

/** Dimensions that multiply to more than was sent take no memory. */
START_TEST(hostile_arrays_take_no_memory) {
  enum { LONG = 30000 };
  static char text[4 * 2 * LONG + 100];
  char *end = text + sprintf(text, "{\"inputs\":[[[[");
  for (int d = 0; d < 4; d++) {
    for (int i = 0; i < (d < 3 ? LONG : 1000); i++) end += sprintf(end, i ? ",1" : d ? "" : "1");
    *end++ = ']';
  }
  strcpy(end, "}");
  const char *answer = post(running.port, text, strlen(text));
  ck_assert_msg(http_status(answer) == 400 && strstr(answer, "arrays of one shape"), "%s", answer);
  memset(text, '[', sizeof text - 1);
  memcpy(text, "{\"inputs\":", 10);
  answer = post(running.port, text, sizeof text - 1);
  ck_assert_msg(http_status(answer) == 400 && strstr(answer, "4 dimensions"), "%s", answer);
}
END_TEST

/* ---- strangers ---------------------------------------------------------- */

START_TEST(too_many_connections_are_refused) {
  int connections[CROWD], closed = 0;
  for (int i = 0; i < CROWD; i++) connections[i] = http_connect("127.0.0.1", running.port);
  for (int i = 0; i < CROWD; i++) ck_assert_int_ge(connections[i], 0);
  for (int tries = 0; tries < MAX_TRIES && !closed; tries++, wait_a_moment())
    for (int i = 0; i < CROWD; i++) {
      char byte;
      fcntl(connections[i], F_SETFL, O_NONBLOCK);
      closed += read(connections[i], &byte, 1) == 0;
    }
  for (int i = 0; i < CROWD; i++) close(connections[i]);
  ck_assert_int_gt(closed, 0);
  const char *answer = "";
  for (int tries = 0; tries < MAX_TRIES && !*answer; tries++, wait_a_moment())
    answer = ask(running.port, "GET / HTTP/1.1\r\n" HOST, NULL, 0);
  ck_assert_uint_eq(http_status(answer), 200);
}
END_TEST

/** Is a connection closed? Drops what it says. */
static bool is_closed(int connection) {
  char bytes[1000];
  ssize_t size;
  while ((size = recv(connection, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
    ;
  return size == 0 || errno == ECONNRESET;
}

/** Headers, or a body, that come a byte at a time keep nobody out, and end in time. */
START_TEST(the_slow_keep_nobody_out) {
  static const char head[] = "POST /predict HTTP/1.1\r\n" HOST "Content-Length: 5000\r\n";
  int connections[CROWD - 6], count = CROWD - 6, open = count;
  for (int i = 0; i < count; i++) {
    connections[i] = http_connect("127.0.0.1", running.port);
    ck_assert_int_ge(connections[i], 0);
    http_send(connections[i], head, sizeof head - 1);
    http_send(connections[i], "\r\n", i % 2 ? 2 : 1);
  }
  time_t begin = time(NULL);
  for (; open && time(NULL) - begin < 60; wait_a_moment()) {
    open = 0;
    for (int i = 0; i < count; i++) {
      http_send(connections[i], i % 2 ? "a" : "X", 1);
      open += !is_closed(connections[i]);
    }
    ck_assert_uint_eq(http_status(ask(running.port, "GET / HTTP/1.1\r\n" HOST, NULL, 0)), 200);
  }
  for (int i = 0; i < count; i++) close(connections[i]);
  ck_assert_int_eq(open, 0);
}
END_TEST

/* ---- the token ---------------------------------------------------------- */

#define TOKEN "correct-horse-battery"
#define BEARER "Authorization: Bearer " TOKEN "\r\n"

static const struct {
  const char *headers;
  unsigned status;
  const char *says;
} told[] = {
    {"GET / HTTP/1.1\r\n" HOST, 401, "WWW-Authenticate: Bearer"},
    {"GET / HTTP/1.1\r\n" HOST, 401, "{\"error\":\"open the address that digits-serve printed"},
    {"GET /page.js HTTP/1.1\r\n" HOST, 401, ""},
    {"GET /models HTTP/1.1\r\n" HOST, 401, ""},
    {"GET /none HTTP/1.1\r\n" HOST, 401, ""},
    {"POST /predict HTTP/1.1\r\n" HOST "Content-Length: 0\r\n", 401, ""},
    {"GET / HTTP/1.1\r\n" HOST "Authorization: Bearer " TOKEN "x\r\n", 401, ""},
    {"GET / HTTP/1.1\r\n" HOST "Authorization: Bearer correct-horse-batter\r\n", 401, ""},
    {"GET / HTTP/1.1\r\n" HOST "Authorization: Basic " TOKEN "\r\n", 401, ""},
    {"GET / HTTP/1.1\r\n" HOST "Cookie: digits_token_%u=correct\r\n", 401, ""},
    {"GET / HTTP/1.1\r\n" HOST "Cookie: digits_token=" TOKEN "\r\n", 401, ""},
    {"GET /?token=wrong HTTP/1.1\r\n" HOST, 401, ""},
    {"GET /?token HTTP/1.1\r\n" HOST, 401, ""},
    {"GET /models?token=" TOKEN " HTTP/1.1\r\n" HOST, 401, ""},
    {"GET /models HTTP/1.1\r\n" HOST BEARER, 200, "\"models\""},
    {"GET /models HTTP/1.1\r\n" HOST "Cookie: digits_token_%u=" TOKEN "\r\n", 200, "\"models\""},
    {"GET /page.js HTTP/1.1\r\n" HOST "Cookie: a=b; digits_token_%u=" TOKEN "\r\n", 200, "Pad"},
    {"GET /?token=" TOKEN " HTTP/1.1\r\n" HOST, 200,
     "=" TOKEN "; Path=/; HttpOnly; SameSite=Strict"},
    {"POST /predict HTTP/1.1\r\n" HOST BEARER "Content-Length: 0\r\n", 400, "the file is empty"},
    {"GET /models HTTP/1.1\r\nHost: digits.example\r\n" BEARER, 403, "name this server"},
};

START_TEST(a_token_is_asked_for) {
  static const char *const given[] = {"--token " TOKEN, "--token-file t"};
  ck_assert_int_eq(shell("echo " TOKEN " > t"), 0);
  for (int g = 0; g < 2; g++) {
    char line[100];
    snprintf(line, sizeof line, "%s ./vanilla.safetensors", given[g]);
    server s = start(line);
    shell_check("grep page log", 0, "/?token=" TOKEN "  (");
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
      char headers[200];
      snprintf(headers, sizeof headers, told[i].headers, s.port);
      const char *answer = ask(s.port, headers, NULL, 0);
      ck_assert_msg(http_status(answer) == told[i].status && strstr(answer, told[i].says),
                    "%s: expected %u and \"%s\" in:\n%s", told[i].headers, told[i].status,
                    told[i].says, answer);
    }
    ck_assert_int_eq(stop(&s, SIGTERM), 0);
  }
}
END_TEST

START_TEST(who_is_not_alone_has_a_token) {
  char token[64] = "", headers[200];
  server s = start("--listen 0.0.0.0 ./vanilla.safetensors");
  shell("cat log");
  const char *page = strstr(shell_printed(), "/?token=");
  ck_assert_msg(page && sscanf(page, "/?token=%63[0-9a-f]  (", token) == 1, "%s", shell_printed());
  ck_assert_uint_eq(strlen(token), 32);
  ck_assert_uint_eq(http_status(ask(s.port, "GET /models HTTP/1.1\r\n" HOST, NULL, 0)), 401);
  snprintf(headers, sizeof headers, "GET /models HTTP/1.1\r\n" HOST "Authorization: Bearer %s\r\n",
           token);
  ck_assert_uint_eq(http_status(ask(s.port, headers, NULL, 0)), 200);
  ck_assert_int_eq(stop(&s, SIGTERM), 0);
}
END_TEST

/* ---- names -------------------------------------------------------------- */

START_TEST(a_name_that_is_no_text_is_told) {
  shell_check("cp vanilla.safetensors $(printf 'v\\377.safetensors')", 0, "");
  server s = start("./v*.safetensors");
  const char *answer = ask(s.port, "GET /models HTTP/1.1\r\n" HOST, NULL, 0);
  ck_assert_msg(http_status(answer) == 200 && strstr(answer, "\"name\":\"v\\\\xff\""), "%s",
                answer);
  shell_check("rm v?.safetensors", 0, "");
  ck_assert_int_eq(stop(&s, SIGTERM), 0);
}
END_TEST

START_TEST(it_listens_where_it_is_told_to) {
  ck_assert_int_lt(http_connect("127.0.0.2", running.port), 0);
  server s = start("--listen 127.0.0.2 ./vanilla.safetensors");
  ck_assert_int_lt(http_connect("127.0.0.1", s.port), 0);
  int connection = http_connect("127.0.0.2", s.port);
  ck_assert_int_ge(connection, 0);
  close(connection);
  ck_assert_int_eq(stop(&s, SIGINT), 0);
}
END_TEST

START_TEST(a_port_in_use_is_told) {
  char line[200];
  snprintf(line, sizeof line, SERVE "--backend cpu --port %u ./vanilla.safetensors", running.port);
  shell_check(line, 1, "127.0.0.1 is in use; choose another one by --port N");
}
END_TEST

START_TEST(signals_end_it) {
  server s = start("./vanilla.safetensors");
  ck_assert_int_eq(stop(&s, SIGTERM), 0);
  ck_assert_int_lt(http_connect("127.0.0.1", s.port), 0);
}
END_TEST

/* ---- the command line --------------------------------------------------- */

static const shell_line lines[] = {
    {SERVE "--help", 0, "Usage: digits-serve [options] [WEIGHTS...]"},
    {SERVE "--version", 0, "digits-serve 0.1.0"},
    {SERVE "--bogus", 2, "unknown option --bogus"},
    {SERVE "--port 65536", 2, "--port must be a whole number from 0 to 65535"},
    {SERVE "--threads 0", 2, "--threads must be"},
    {SERVE "--token short ./vanilla.safetensors", 2, "--token: a token is 16 to 128 letters"},
    {SERVE "--token-file none ./vanilla.safetensors", 2, "none"},
    {"echo short > t; " SERVE "--token-file t ./vanilla.safetensors", 2, "t: a token is 16"},
    {"DIGITS_TOKEN=short " SERVE "./vanilla.safetensors", 2, "$DIGITS_TOKEN: a token is 16"},
    {SERVE "--token-file t --token " TOKEN, 2, "not both"},
    {SERVE "--backend gpu ./vanilla.safetensors", 2, "gpu"},
    {SERVE "none.safetensors", 2, "none.safetensors"},
    {SERVE "train-images-idx3-ubyte.safetensors", 2, "train-images"},
    {"mkdir -p empty && DIGITS_WEIGHTS=empty " SERVE, 2, "digits-run --save cnn.safetensors cnn"},
    {"DIGITS_WEIGHTS=. " SERVE "vanila", 2, "did you mean \"vanilla\"?"},
    {SERVE "--backend cpu --listen localhost ./vanilla.safetensors", 2,
     "--listen takes an address in numbers"},
    {SERVE "--backend cpu --listen 192.0.2.1 ./vanilla.safetensors", 1,
     "192.0.2.1 is no address of this machine"},
    {SERVE "--backend cpu --port 0 ./vanilla.safetensors > /dev/full", 1,
     "standard output could not be written"},
};

START_TEST(command_lines) {
  shell_check(lines[_i].command, lines[_i].status, lines[_i].says);
}
END_TEST

/* ---- all of it ---------------------------------------------------------- */

static void open_all(void) {
  shell_check("for model in vanilla fcnn; do " RUN "--backend cpu --data . --epochs 1 --quiet "
              "--set data.validation=50 --save $model.safetensors $model || exit; done",
              0, "");
  setenv("DIGITS_WEIGHTS", shell_path("."), 1);
  running = start(""); /* all that have a name: fcnn and vanilla */
}

static void close_all(void) {
  ck_assert_int_eq(stop(&running, SIGTERM), 0);
}

int main(void) {
  if (!shell_open()) return EXIT_FAILURE;
  TCase *tests = tcase_create("serve");
  tcase_set_timeout(tests, 300);
  tcase_add_unchecked_fixture(tests, open_all, close_all);
  tcase_add_loop_test(tests, requests_are_answered, 0, sizeof requests / sizeof *requests);
  tcase_add_loop_test(tests, pictures_are_read, 1, 4);
  tcase_add_test(tests, unsure_digits_have_no_label);
  tcase_add_test(tests, what_is_no_picture_is_refused);
  tcase_add_test(tests, arrays_are_answered);
  tcase_add_test(tests, images_may_be_arrays);
  tcase_add_loop_test(tests, wrong_arrays_are_refused, 0, sizeof wrong / sizeof *wrong);
  tcase_add_test(tests, hostile_arrays_take_no_memory);
  tcase_add_test(tests, too_many_connections_are_refused);
  tcase_add_test(tests, the_slow_keep_nobody_out);
  tcase_add_test(tests, a_token_is_asked_for);
  tcase_add_test(tests, who_is_not_alone_has_a_token);
  tcase_add_test(tests, a_name_that_is_no_text_is_told);
  tcase_add_test(tests, it_listens_where_it_is_told_to);
  tcase_add_test(tests, a_port_in_use_is_told);
  tcase_add_test(tests, signals_end_it);
  tcase_add_loop_test(tests, command_lines, 0, sizeof lines / sizeof *lines);
  int status = suite_main("serve", tests);
  shell_close();
  return status;
}
