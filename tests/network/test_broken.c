/*
 * A device of which one call fails, and memory of which one piece is missing: training, testing and
 * predicting end with an error, whichever it is, and give back all that they took.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/backend.h"
#include "core/graph/model_graph.h"
#include "digits/bench.h"
#include "digits/data.h"
#include "digits/device.h"
#include "digits/model.h"
#include "digits/predict.h"
#include "digits/train.h"
#include "tests/common/suite.h"

#define BROKEN "this device is broken"

/* ---- memory -------------------------------------------------------------- */

enum { MAX_PIECES = 1 << 14 };

/** Allocations of the library since a life began. */
static struct {
  bool counts, watches;
  unsigned calls, fails_at; /**< 0: none fails */
  size_t held;              /**< pieces that were allocated while it watched, and not freed */
  void *piece[MAX_PIECES];
} memory;

/** Is this the allocation that fails? It says so as the real ones do. */
static bool runs_out(void) {
  if (!memory.counts || ++memory.calls != memory.fails_at) return false;
  errno = ENOMEM;
  return true;
}

static void *take(void *piece) {
  if (memory.watches && piece && memory.held < MAX_PIECES) memory.piece[memory.held++] = piece;
  return piece;
}

static void give_back(const void *piece) {
  for (size_t i = memory.held; piece && i-- > 0;)
    if (memory.piece[i] == piece) {
      memory.piece[i] = memory.piece[--memory.held];
      return;
    }
}

/* --wrap=NAME: calls of NAME come to __wrap_NAME; __real_NAME is NAME. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void __real_free(void *piece);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *piece);

void *__wrap_malloc(size_t size) {
  return runs_out() ? NULL : take(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size) {
  return runs_out() ? NULL : take(__real_calloc(count, size));
}

void *__wrap_realloc(void *old, size_t size) {
  if (runs_out()) return NULL;
  give_back(old);
  return take(__real_realloc(old, size));
}

char *__wrap_strdup(const char *text) {
  return runs_out() ? NULL : take(__real_strdup(text));
}

void __wrap_free(void *piece) {
  give_back(piece);
  __real_free(piece);
}

/* ---- the device ---------------------------------------------------------- */

/** The calls of a device and what became of them. */
static struct {
  const dg_device_calls *real;
  unsigned calls, fails_at; /**< 0: none fails */
  bool failed;
  long buffers, ops; /**< that are not freed yet */
} device;

/** Is this the call that fails? */
static bool fails(dg_error *err) {
  if (++device.calls != device.fails_at) return false;
  device.failed = true;
  dg_fail(err, DG_ERR_RUNTIME, BROKEN);
  return true;
}

static dg_buffer *buffer_new(dg_device *d, size_t bytes, dg_error *err) {
  dg_buffer *buffer = fails(err) ? NULL : device.real->buffer_new(d, bytes, err);
  device.buffers += buffer != NULL;
  return buffer;
}

static dg_buffer *buffer_view(dg_buffer *parent, size_t offset, size_t bytes, dg_error *err) {
  dg_buffer *buffer = fails(err) ? NULL : device.real->buffer_view(parent, offset, bytes, err);
  device.buffers += buffer != NULL;
  return buffer;
}

static void buffer_free(dg_buffer *buffer) {
  device.buffers -= buffer != NULL;
  device.real->buffer_free(buffer);
}

static bool write_to(dg_buffer *buffer, size_t offset, const void *from, size_t bytes,
                     dg_error *err) {
  return !fails(err) && device.real->write(buffer, offset, from, bytes, err);
}

static bool read_from(dg_buffer *buffer, size_t offset, void *to, size_t bytes, dg_error *err) {
  return !fails(err) && device.real->read(buffer, offset, to, bytes, err);
}

static bool copy(dg_buffer *from, size_t from_offset, dg_buffer *to, size_t to_offset, size_t bytes,
                 dg_error *err) {
  return !fails(err) && device.real->copy(from, from_offset, to, to_offset, bytes, err);
}

static bool fill(dg_buffer *buffer, size_t offset, uint32_t pattern, size_t bytes, dg_error *err) {
  return !fails(err) && device.real->fill(buffer, offset, pattern, bytes, err);
}

static dg_op *prepare(dg_device *d, const dg_op_desc *desc, uint32_t max_n, bool train,
                      dg_error *err) {
  dg_op *op = fails(err) ? NULL : device.real->prepare(d, desc, max_n, train, err);
  device.ops += op != NULL;
  return op;
}

static bool needs(dg_device *d, const dg_op_desc *desc, uint32_t max_n, bool train,
                  dg_op_needs *wants, dg_error *err) {
  return !fails(err) && device.real->needs(d, desc, max_n, train, wants, err);
}

static void op_free(dg_op *op) {
  device.ops -= op != NULL;
  device.real->op_free(op);
}

static bool forward(dg_op *op, const dg_op_buffers *buffers, const dg_step *step, dg_error *err) {
  return !fails(err) && device.real->forward(op, buffers, step, err);
}

static bool backward(dg_op *op, const dg_op_buffers *buffers, const dg_step *step, dg_error *err) {
  return !fails(err) && device.real->backward(op, buffers, step, err);
}

static bool times(dg_op *op, dg_op_times *spent, dg_error *err) {
  return !fails(err) && device.real->times(op, spent, err);
}

/** Opens a device whose call number `fails_at` will fail. */
static dg_device *open_device(dg_device_calls *calls, unsigned fails_at) {
  dg_error err = {0};
  dg_device *d = dg_open("cpu", NULL, 1, &err);
  ck_assert_msg(d != NULL, "%s", err.message);
  device.real = d->calls;
  device.calls = 0;
  device.fails_at = fails_at;
  device.failed = false;
  *calls = *d->calls;
  calls->buffer_new = buffer_new, calls->buffer_view = buffer_view;
  calls->buffer_free = buffer_free, calls->write = write_to, calls->read = read_from;
  calls->copy = copy, calls->fill = fill;
  calls->prepare = prepare, calls->needs = needs, calls->op_free = op_free;
  calls->forward = forward, calls->backward = backward, calls->times = times;
  d->calls = calls;
  return d;
}

/* ---- what is done on it -------------------------------------------------- */

enum { TRAIN = 24, TEST = 9, CLASSES = 10, MAX_COSTS = 16 };

static char folder[] = "/tmp/digits-broken-XXXXXX";
static char model_path[100], weights_path[100], checkpoint_path[100]; /* in it */
static dg_dataset *data;
static dg_model *model;

static const char model_text[] =
    "name = \"small\"; input = [1, 28, 28];\n"
    "layers = (\n"
    "{ type = \"conv2d\"; name = \"c\"; filters = 2; kernel = 5; stride = 4; },\n"
    "{ type = \"batch_norm\"; name = \"n\"; }, { type = \"relu\"; },\n"
    "{ type = \"flatten\"; }, { type = \"dropout\"; rate = 0.1; },\n"
    "{ type = \"linear\"; name = \"out\"; units = 10; });\n"
    "data = { validation = 6; };\n"
    "train = { epochs = 2; batch = 8; average = 0.5; keep = \"best\";\n"
    "  optimizer = { type = \"sgd\"; lr = 0.01; momentum = 0.5; }; };\n";

static bool stop_at_once(void *user, const dg_progress *progress) {
  (void)user, (void)progress;
  return false;
}

static bool train(dg_device *d, dg_error *err) {
  const dg_trainer_options options = {
      .size = sizeof(dg_trainer_options), .seed = 1, .checkpoint = checkpoint_path};
  dg_trainer *t = dg_trainer_new(model, d, data, &options, err);
  bool ok = t && dg_trainer_train(t, err) && dg_trainer_save(t, weights_path, err);
  dg_trainer_free(t);
  return ok;
}

/** Stops after the first step and goes on. */
static bool resume(dg_device *d, dg_error *err) {
  dg_error stopped = {0};
  dg_trainer_options options = {
      .size = sizeof(dg_trainer_options),
      .seed = 1,
      .checkpoint = checkpoint_path,
      .listener = &(dg_listener){.size = sizeof(dg_listener), .progress = stop_at_once}};
  dg_trainer *t = dg_trainer_new(model, d, data, &options, err);
  bool ok = t != NULL;
  if (t && (dg_trainer_train(t, &stopped) || stopped.kind != DG_ERR_INTERRUPTED)) {
    *err = stopped;
    ok = false;
  }
  dg_trainer_free(t);
  options.resume = true;
  options.listener = NULL;
  t = ok ? dg_trainer_new(model, d, data, &options, err) : NULL;
  ok = t && dg_trainer_train(t, err);
  dg_trainer_free(t);
  return ok;
}

static bool test(dg_device *d, dg_error *err) {
  const dg_trainer_options options = {
      .size = sizeof(dg_trainer_options), .seed = 1, .test_only = true};
  dg_cost costs[MAX_COSTS];
  size_t count;
  dg_score score;
  float logits[TEST * CLASSES], bias[CLASSES];
  dg_trainer *t = dg_trainer_new(model, d, data, &options, err);
  bool ok = t && dg_trainer_load(t, weights_path, err) && dg_trainer_test(t, NULL, &score, err) &&
            dg_trainer_predict(t, NULL, logits, err) &&
            dg_trainer_get_parameter(t, "out.bias", bias, err) &&
            dg_trainer_costs(t, costs, sizeof(dg_cost), MAX_COSTS, &count, err);
  dg_trainer_free(t);
  return ok;
}

static bool answer(dg_device *d, dg_error *err) {
  const dg_trainer_options options = {
      .size = sizeof(dg_trainer_options), .seed = 1, .test_only = true};
  const dg_part_view part = dg_dataset_part(data, DG_PART_TEST);
  float logits[CLASSES];
  dg_trainer *t = dg_trainer_new(model, d, data, &options, err);
  dg_tester *tester = t ? dg_tester_new(t, err) : NULL;
  bool ok = tester && dg_tester_run(tester, 20, err) &&
            dg_tester_answer(tester, part.images, logits, err);
  dg_tester_free(tester);
  dg_trainer_free(t);
  return ok;
}

static bool predict(dg_device *d, dg_error *err) {
  const dg_part_view part = dg_dataset_part(data, DG_PART_TEST);
  float logits[TEST * CLASSES];
  dg_predictor *p = dg_predictor_new(model, d,
                                     &(dg_predictor_options){.size = sizeof(dg_predictor_options),
                                                             .weights = weights_path,
                                                             .batch = 4},
                                     err);
  bool ok = p && dg_predictor_run(p, part.images, TEST, logits, err);
  dg_predictor_free(p);
  return ok;
}

static bool describe(dg_device *d, dg_error *err) {
  char text[4000];
  size_t length;
  return dg_model_describe(model, d, text, sizeof text, &length, err);
}

static bool augment(dg_device *d, dg_error *err) {
  const uint32_t chosen[] = {0, 3};
  uint8_t images[2 * 2 * 784];
  return dg_dataset_augment(data, model, d, chosen, 2, 1, 0, 2, images, err);
}

/** What needs no device: what other formats are mapped by, and lists. */
static bool model_graph(dg_device *d, dg_error *err) {
  dg_model_graph graph;
  dg_layer_info layers[4];
  size_t count;
  (void)d;
  bool ok = dg_model_graph_make(&graph, model, err);
  if (ok) dg_model_graph_free(&graph);
  return ok && dg_model_layers(model, layers, sizeof(dg_layer_info), 4, &count, err);
}

/** Opens a set of the folder. */
static bool open_set(const char *name, dg_error *err) {
  char path[300];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  dg_dataset *set = dg_dataset_open(path, 1, err);
  bool ok = set && dg_dataset_merge(set, DG_PART_TEST, err);
  dg_dataset_close(set);
  return ok;
}

static bool read_tables(dg_device *d, dg_error *err) {
  char path[300];
  dg_images images = {0};
  (void)d;
  snprintf(path, sizeof path, "%s/table.csv", folder);
  bool ok =
      open_set("table.csv", err) && open_set("idx", err) && dg_images_read(&images, path, err);
  dg_images_free(&images);
  return ok;
}

static bool read_pictures(dg_device *d, dg_error *err) {
  (void)d;
  return open_set("pictures", err) && open_set("parted", err);
}

static const struct {
  const char *name;
  bool (*run)(dg_device *d, dg_error *err);
  unsigned least;     /**< calls that it makes, about */
  unsigned tolerated; /**< allocations that may fail, at most: where a data set lies is then said as
                           it was given, one folder tells a folder of pictures, and what a set is
                         not is not looked for again */
} lives[] = {{"train", train, 100, 0},       {"resume", resume, 150, 0},
             {"test", test, 40, 0},          {"answer", answer, 40, 0},
             {"predict", predict, 30, 0},    {"describe", describe, 4, 0},
             {"augment", augment, 8, 0},     {"graph", model_graph, 0, 0},
             {"tables", read_tables, 0, 17}, {"pictures", read_pictures, 0, 36}};
enum { LIVES = sizeof lives / sizeof *lives };

START_TEST(a_call_that_fails_is_told) {
  unsigned fails_at = 0;
  do {
    dg_device_calls calls;
    dg_error err = {0};
    dg_device *d = open_device(&calls, ++fails_at);
    bool ok = lives[_i].run(d, &err);
    dg_close(d);
    ck_assert_msg(ok != device.failed, "%s, call %u: it %s", lives[_i].name, fails_at,
                  ok ? "went on" : err.message);
    ck_assert_msg(ok || (strstr(err.message, BROKEN) && err.kind == DG_ERR_RUNTIME),
                  "%s, call %u: %s", lives[_i].name, fails_at, err.message);
    ck_assert_msg(device.buffers == 0 && device.ops == 0, "%s, call %u: %ld buffers, %ld ops left",
                  lives[_i].name, fails_at, device.buffers, device.ops);
  } while (device.failed);
  ck_assert_uint_gt(fails_at, lives[_i].least);
}
END_TEST

/** Runs a life whose allocation number `fails_at` fails. */
static bool run_short(int life, unsigned fails_at, dg_error *err) {
  dg_device_calls calls;
  dg_device *d = open_device(&calls, 0);
  memory.calls = 0;
  memory.held = 0;
  memory.fails_at = fails_at;
  memory.counts = memory.watches = true;
  bool ok = lives[life].run(d, err);
  memory.counts = false;
  dg_close(d);
  memory.watches = false;
  return ok;
}

START_TEST(what_goes_well_leaves_nothing) {
  dg_error err = {0};
  ck_assert_msg(run_short(_i, 0, &err), "%s: %s", lives[_i].name, err.message);
  ck_assert_uint_gt(memory.calls, 0);
  ck_assert_msg(device.buffers == 0 && device.ops == 0 && memory.held == 0,
                "%s: %ld buffers, %ld ops, %zu pieces of memory left", lives[_i].name,
                device.buffers, device.ops, memory.held);
}
END_TEST

START_TEST(memory_that_is_short_is_told) {
  unsigned fails_at = 0, tolerated = 0;
  do {
    dg_error err = {0};
    bool ok = run_short(_i, ++fails_at, &err);
    ck_assert_msg(ok || *err.message, "%s, allocation %u: no error", lives[_i].name, fails_at);
    ck_assert_msg(!strstr(err.message, "No such file"), "%s, allocation %u: %s", lives[_i].name,
                  fails_at, err.message);
    tolerated += ok && memory.calls >= fails_at;
    ck_assert_msg(device.buffers == 0 && device.ops == 0 && memory.held == 0,
                  "%s, allocation %u: %ld buffers, %ld ops, %zu pieces of memory left",
                  lives[_i].name, fails_at, device.buffers, device.ops, memory.held);
  } while (memory.calls >= fails_at);
  ck_assert_uint_gt(fails_at, 3);
  ck_assert_msg(tolerated <= lives[_i].tolerated, "%s goes on without %u allocations, not %u",
                lives[_i].name, tolerated, lives[_i].tolerated);
}
END_TEST

/** Writes a file below the folder. */
static bool write_file(const char *name, const char *text, size_t bytes) {
  char path[300];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "wb");
  return file && fwrite(text, 1, bytes, file) == bytes && fclose(file) == 0;
}

/** A table, IDX files, and pictures of two classes in one folder and in two parts. */
static bool make_sets(dg_error *err) {
  static const char table[] = "label,a\n1,2\n0,3\n1,4\n", pgm[] = "P5\n2 2\n255\nabcd";
  static const char *const folders[] = {"pictures",       "pictures/x",     "pictures/y",
                                        "parted",         "parted/train",   "parted/test",
                                        "parted/train/x", "parted/train/y", "parted/test/y"};
  static const char *const pictures[] = {"pictures/x/1.pgm",     "pictures/x/2.pgm",
                                         "pictures/y/1.pgm",     "parted/train/x/1.pgm",
                                         "parted/train/y/1.pgm", "parted/test/y/1.pgm"};
  char path[300];
  bool ok = write_file("table.csv", table, sizeof table - 1);
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, folders[i]);
    ok = ok && mkdir(path, 0777) == 0;
  }
  for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++)
    ok = ok && write_file(pictures[i], pgm, sizeof pgm - 1);
  snprintf(path, sizeof path, "%s/idx", folder);
  return ok && dg_dataset_write(data, path, true, err);
}

int main(void) {
  dg_error err = {0};
  suite_new_folder(folder);
  snprintf(weights_path, sizeof weights_path, "%s/weights", folder);
  snprintf(checkpoint_path, sizeof checkpoint_path, "%s/state", folder);
  snprintf(model_path, sizeof model_path, "%s/model.cfg", folder);
  if (!write_file("model.cfg", model_text, sizeof model_text - 1))
    return perror(model_path), EXIT_FAILURE;
  data = dg_dataset_draw(TRAIN, TEST, 1, 1, &err);
  model = dg_model_load(model_path, NULL, 0, &err);
  dg_device *whole = dg_open("cpu", NULL, 1, &err);
  if (!data || !model || !whole || !make_sets(&err) || !train(whole, &err))
    return fprintf(stderr, "%s\n", err.message), EXIT_FAILURE;
  dg_close(whole);
  TCase *tests = tcase_create("broken");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, a_call_that_fails_is_told, 0, LIVES);
  tcase_add_loop_test(tests, what_goes_well_leaves_nothing, 0, LIVES);
  tcase_add_loop_test(tests, memory_that_is_short_is_told, 0, LIVES);
  int status = suite_main("broken", tests);
  dg_model_free(model);
  dg_dataset_close(data);
  return status;
}
