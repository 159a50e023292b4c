/*
 * Every op of a step reads what the op before it wrote: the buffers that ops are called with, and
 * the memory that they share over time, of every model of the zoo and some of more readers. The
 * device notes who wrote what and runs nothing.
 */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/backend.h"
#include "digits/bench.h"
#include "digits/data.h"
#include "digits/device.h"
#include "digits/model.h"
#include "digits/predict.h"
#include "digits/train.h"
#include "tests/common/suite.h"

/* ---- what the device notes ----------------------------------------------- */

enum { WORD = 4, MAX_BUFFERS = 4096 };

/** A buffer, or a view into one. */
typedef struct noted {
  dg_buffer *buffer;
  struct noted *parent; /**< itself, if it is no view */
  size_t first, bytes;  /**< in the parent */
  uint32_t id;     /**< from 1 on; of a model no other buffer's, not even of one that is freed */
  uint32_t *owner; /**< of each word: who was written last; of parents */
} noted;

static struct {
  const dg_device_calls *real;
  noted *list[MAX_BUFFERS];
  size_t count;
  uint32_t last_id;
  unsigned steps, tests; /**< ops that were run for training, and without */
  char model[100];
} device;

static noted *find(const dg_buffer *buffer) {
  for (size_t i = 0; i < device.count; i++)
    if (device.list[i]->buffer == buffer) return device.list[i];
  ck_abort_msg("%s: a buffer that is not the device's", device.model);
}

static noted *note(dg_buffer *buffer, noted *parent, size_t first, size_t bytes) {
  noted *n = calloc(1, sizeof *n);
  ck_assert(n && device.count < MAX_BUFFERS);
  *n = (noted){buffer, parent ? parent : n, first, bytes, ++device.last_id, NULL};
  if (!parent) ck_assert_ptr_nonnull(n->owner = calloc(bytes / WORD + 1, sizeof *n->owner));
  device.list[device.count++] = n;
  return n;
}

static void forget(const dg_buffer *buffer) {
  noted *n = find(buffer);
  for (size_t i = 0; i < device.count; i++)
    if (device.list[i] == n) device.list[i] = device.list[--device.count];
  free(n->owner);
  free(n);
}

/** Notes that bytes of a buffer are written. */
static void mark_bytes(const dg_buffer *buffer, size_t offset, size_t bytes) {
  noted *n = find(buffer);
  ck_assert(offset % WORD == 0 && offset <= n->bytes && bytes <= n->bytes - offset);
  const size_t end = (n->first + offset + bytes + WORD - 1) / WORD;
  for (size_t i = (n->first + offset) / WORD; i < end; i++) n->parent->owner[i] = n->id;
}

/** Notes that the first so many numbers of four bytes are written. */
static void mark(const dg_buffer *buffer, uint64_t numbers) {
  mark_bytes(buffer, 0, WORD * numbers);
}

static void mark_all(const dg_buffer *buffer) {
  mark_bytes(buffer, 0, find(buffer)->bytes);
}

/** Is a buffer large enough for so many numbers of four bytes? None is needed for 0. */
static void check_capacity(const char *what, const dg_op *op, const dg_buffer *buffer,
                           uint64_t numbers) {
  if (numbers == 0) return;
  ck_assert_msg(buffer != NULL, "%s: op of kind %d has no %s", device.model, op->desc.kind, what);
  ck_assert_msg(find(buffer)->bytes >= WORD * numbers, "%s: %s of an op of kind %d is too small",
                device.model, what, op->desc.kind);
}

/** The first so many numbers of a view must have been written, by itself or its parent; of a
   parent, gaps may be left. */
static void check(const char *what, const dg_op *op, const dg_buffer *buffer, uint64_t numbers) {
  ck_assert_msg(buffer != NULL, "%s: op of kind %d has no %s", device.model, op->desc.kind, what);
  check_capacity(what, op, buffer, numbers);
  const noted *n = find(buffer);
  if (n == n->parent) return;
  for (size_t i = n->first / WORD; i < n->first / WORD + numbers; i++) {
    const uint32_t owner = n->parent->owner[i];
    if (owner == n->id || owner == n->parent->id) continue; /* an assert takes long */
    ck_abort_msg("%s: %s of an op of kind %d %s", device.model, what, op->desc.kind,
                 owner ? "was written over" : "was never written");
  }
}

static void check_all(const char *what, const dg_op *op, const dg_buffer *buffer) {
  check(what, op, buffer, buffer ? find(buffer)->bytes / WORD : 0);
}

/* ---- the device ---------------------------------------------------------- */

static dg_buffer *buffer_new(dg_device *d, size_t bytes, dg_error *err) {
  dg_buffer *buffer = device.real->buffer_new(d, bytes, err);
  if (buffer) note(buffer, NULL, 0, bytes);
  return buffer;
}

enum { ALIGNMENT = 64 };

static dg_buffer *buffer_view(dg_buffer *parent, size_t offset, size_t bytes, dg_error *err) {
  noted *of = find(parent);
  ck_assert(of->parent == of && offset + bytes <= of->bytes);
  ck_assert_uint_eq(offset % ALIGNMENT, 0);
  dg_buffer *buffer = device.real->buffer_view(parent, offset, bytes, err);
  if (buffer) note(buffer, of, offset, bytes);
  return buffer;
}

static void buffer_free(dg_buffer *buffer) {
  if (buffer) forget(buffer);
  device.real->buffer_free(buffer);
}

static bool write_to(dg_buffer *buffer, size_t offset, const void *from, size_t bytes,
                     dg_error *err) {
  mark_bytes(buffer, offset, bytes);
  return device.real->write(buffer, offset, from, bytes, err);
}

static bool copy(dg_buffer *from, size_t from_offset, dg_buffer *to, size_t to_offset, size_t bytes,
                 dg_error *err) {
  ck_assert(from_offset + bytes <= find(from)->bytes);
  mark_bytes(to, to_offset, bytes);
  return device.real->copy(from, from_offset, to, to_offset, bytes, err);
}

static bool fill(dg_buffer *buffer, size_t offset, uint32_t pattern, size_t bytes, dg_error *err) {
  mark_bytes(buffer, offset, bytes);
  return device.real->fill(buffer, offset, pattern, bytes, err);
}

static void check_sizes(const dg_op *op, const dg_op_buffers *b, uint32_t n, bool train) {
  dg_op_sizes sizes = dg_op_sizes_of(&op->desc);
  for (int k = 0; k < DG_MAX_IN; k++) check_capacity("in", op, b->in[k], sizes.in[k] * n);
  for (int k = 0; k < DG_MAX_PARAM; k++) check_capacity("param", op, b->param[k], sizes.param[k]);
  for (int k = 0; k < DG_MAX_RUNNING; k++)
    check_capacity("running", op, b->running[k], sizes.running[k]);
  check_capacity("out", op, b->out[0], sizes.out[0] * n);
  if (train) check_capacity("saved", op, b->saved, op->needs.saved / WORD);
}

static void layer_forward(const dg_op *op, const dg_op_buffers *b, const dg_step *step) {
  dg_op_sizes sizes = dg_op_sizes_of(&op->desc);
  check_sizes(op, b, step->n, step->train);
  check_capacity("workspace", op, b->workspace, op->needs.forward_workspace / WORD);
  for (int k = 0; k < DG_MAX_IN; k++)
    if (sizes.in[k]) check("in", op, b->in[k], sizes.in[k] * step->n);
  for (int k = 0; k < DG_MAX_PARAM; k++)
    if (sizes.param[k]) check("param", op, b->param[k], sizes.param[k]);
  for (int k = 0; k < DG_MAX_RUNNING; k++)
    if (sizes.running[k]) check("running", op, b->running[k], sizes.running[k]);
  if (b->workspace) mark_all(b->workspace);
  mark(b->out[0], sizes.out[0] * step->n);
  if (sizes.out[1]) mark(b->out[1], sizes.out[1] * step->n);
  if (step->train && op->needs.saved) mark_all(b->saved);
}

static bool backward(dg_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  (void)err;
  dg_op_sizes sizes = dg_op_sizes_of(&op->desc);
  check_sizes(op, b, step->n, true);
  check_capacity("workspace", op, b->workspace, op->needs.backward_workspace / WORD);
  check("d_out", op, b->d_out, sizes.out[0] * step->n);
  if (op->needs.saved) check_all("saved", op, b->saved);
  if (op->needs.backward_reads_out) check("out", op, b->out[0], sizes.out[0] * step->n);
  for (int k = 0; k < DG_MAX_IN; k++)
    if (sizes.in[k] && op->needs.backward_reads_in)
      check("in", op, b->in[k], sizes.in[k] * step->n);
  if (b->workspace) mark_all(b->workspace);
  for (int k = 0; k < DG_MAX_IN; k++) {
    if (op->desc.d_in[k] == DG_GRAD_NONE) continue;
    const uint64_t numbers = sizes.in[k] * step->n;
    check_capacity("d_in", op, b->d_in[k], numbers);
    if (op->desc.d_in[k] == DG_GRAD_ADD) check("d_in", op, b->d_in[k], numbers);
    mark(b->d_in[k], numbers);
  }
  for (int k = 0; k < DG_MAX_PARAM; k++) {
    check_capacity("d_param", op, b->d_param[k], sizes.param[k]);
    if (sizes.param[k]) mark(b->d_param[k], sizes.param[k]);
  }
  return true;
}

static void gather(const dg_op *op, const dg_op_buffers *b, const dg_step *step) {
  const uint64_t numbers = step->n * dg_op_sizes_of(&op->desc).out[0];
  check_all("images", op, b->in[0]), check_all("order", op, b->in[2]);
  check_capacity("order", op, b->in[2], step->first + step->n);
  check_capacity("x", op, b->out[0], numbers);
  mark(b->out[0], numbers);
  if (!b->out[1]) return;
  check_all("labels", op, b->in[1]);
  check_capacity("labels", op, b->out[1], step->n);
  mark(b->out[1], step->n);
}

static void loss(const dg_op *op, const dg_op_buffers *b, const dg_step *step) {
  const uint64_t numbers = (uint64_t)step->n * op->desc.loss.outputs;
  check("logits", op, b->in[0], numbers), check("labels", op, b->in[1], step->n);
  check_capacity("losses", op, b->out[1], step->slot + 1);
  check_capacity("correct", op, b->out[2], step->slot + 1);
  if (step->train) mark(b->out[0], numbers);
  for (int k = 1; k <= 2; k++) mark_bytes(b->out[k], WORD * (size_t)step->slot, WORD);
}

/** An update or an average: in[0] is read, out[0] and what else there is changed in place. */
static void change(const dg_op *op, const dg_op_buffers *b) {
  check_all("in", op, b->in[0]);
  for (int k = 0; k < DG_MAX_OUT; k++)
    if (b->out[k]) check_all("out", op, b->out[k]), mark_all(b->out[k]);
}

static bool forward(dg_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  (void)err;
  ck_assert(step->n > 0 && step->n <= op->max_n);
  *(step->train ? &device.steps : &device.tests) += 1;
  if (op->desc.kind < DG_OP_GATHER) layer_forward(op, b, step);
  if (op->desc.kind == DG_OP_GATHER) gather(op, b, step);
  if (op->desc.kind == DG_OP_LOSS) loss(op, b, step);
  if (op->desc.kind == DG_OP_UPDATE || op->desc.kind == DG_OP_AVERAGE) change(op, b);
  return true;
}

static dg_device *open_device(dg_device_calls *calls) {
  dg_error err = {0};
  dg_device *d = dg_open("cpu", NULL, 1, &err);
  ck_assert_msg(d != NULL, "%s", err.message);
  device.real = d->calls;
  device.steps = device.tests = 0;
  device.last_id = 0;
  *calls = *d->calls;
  calls->buffer_new = buffer_new, calls->buffer_view = buffer_view;
  calls->buffer_free = buffer_free, calls->write = write_to;
  calls->copy = copy, calls->fill = fill;
  calls->forward = forward, calls->backward = backward;
  d->calls = calls;
  return d;
}

/* ---- models -------------------------------------------------------------- */

/** Tensors of several readers, near and far; layers in another order than they are read. */
static const char *const readers[] = {
    "{ type = \"conv2d\"; name = \"a\"; filters = 4; kernel = 3; padding = 1; },"
    "{ type = \"tanh\"; name = \"t\"; },"
    "{ type = \"conv2d\"; name = \"b\"; filters = 4; kernel = 3; padding = 1; },"
    "{ type = \"sigmoid\"; name = \"s\"; },"
    "{ type = \"add\"; name = \"u\"; inputs = [\"s\", \"t\", \"b\"]; },"
    "{ type = \"concat\"; name = \"v\"; inputs = [\"u\", \"a\", \"t\"]; },"
    "{ type = \"maxpool2d\"; kernel = 4; }, { type = \"dropout\"; }, { type = \"flatten\"; },"
    "{ type = \"linear\"; units = 10; }",
    "{ type = \"flatten\"; name = \"f\"; },"
    "{ type = \"linear\"; name = \"a\"; units = 50; },"
    "{ type = \"linear\"; name = \"b\"; units = 700; input = \"f\"; },"
    "{ type = \"relu\"; name = \"r\"; }, { type = \"dropout\"; name = \"d\"; },"
    "{ type = \"linear\"; name = \"c\"; units = 50; },"
    "{ type = \"add\"; name = \"e\"; inputs = [\"a\", \"c\"]; },"
    "{ type = \"concat\"; name = \"g\"; inputs = [\"e\", \"d\", \"f\", \"a\"]; },"
    "{ type = \"layer_norm\"; }, { type = \"linear\"; units = 10; }",
    "{ type = \"rows\"; name = \"r\"; },"
    "{ type = \"gru\"; name = \"g\"; units = 9; output = \"sequence\"; bidirectional = true; },"
    "{ type = \"lstm\"; name = \"l\"; units = 18; output = \"sequence\"; },"
    "{ type = \"add\"; name = \"s\"; inputs = [\"g\", \"l\"]; },"
    "{ type = \"conv1d\"; name = \"c\"; filters = 18; kernel = 3; padding = 1; },"
    "{ type = \"batch_norm\"; name = \"n\"; }, { type = \"relu\"; name = \"m\"; },"
    "{ type = \"add\"; inputs = [\"s\", \"m\"]; }, { type = \"rnn\"; units = 8; },"
    "{ type = \"linear\"; units = 10; }",
    "{ type = \"dropout\"; name = \"d\"; },"
    "{ type = \"conv2d\"; name = \"a\"; filters = 16; kernel = 3; bias = false; },"
    "{ type = \"batch_norm\"; name = \"n\"; }, { type = \"relu\"; name = \"r\"; },"
    "{ type = \"conv2d\"; name = \"b\"; filters = 16; kernel = 3; padding = 1; },"
    "{ type = \"batch_norm\"; name = \"o\"; },"
    "{ type = \"add\"; name = \"s\"; inputs = [\"o\", \"n\"]; }, { type = \"leaky_relu\"; },"
    "{ type = \"avgpool2d\"; kernel = 2; }, { type = \"flatten\"; order = \"hwc\"; },"
    "{ type = \"linear\"; units = 10; }",
};
enum { READERS = sizeof readers / sizeof *readers };

enum { TRAIN = 22, TEST = 7, MAX_OUTPUTS = 784, MAX_MODELS = 40 };
static dg_dataset *data;
static char path[] = "/tmp/digits-arena-XXXXXX";
static char zoo[MAX_MODELS][300];
static int zoo_count;

static void find_zoo(void) {
  DIR *folder = opendir(DIGITS_SOURCE_DIR "/models");
  for (struct dirent *e; folder && (e = readdir(folder)) && zoo_count < MAX_MODELS;)
    if (strstr(e->d_name, ".cfg"))
      snprintf(zoo[zoo_count++], sizeof *zoo, "%s/models/%.100s", DIGITS_SOURCE_DIR, e->d_name);
  if (folder) closedir(folder);
}

/** Model `index`: of the zoo, then those above. */
static dg_model *load(int index) {
  static const dg_override quick[] = {{"", "train.epochs", "2"},  {"", "train.steps", "2"},
                                      {"", "train.batch", "4"},   {"", "data.validation", "5"},
                                      {"", "train.keep", "best"}, {"", "train.average", "0.5"}};
  dg_error err = {0};
  const char *name = index < zoo_count ? zoo[index] : path;
  snprintf(device.model, sizeof device.model, "%s", strrchr(name, '/') + 1);
  if (index >= zoo_count) {
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "name = \"m\"; input = [1, 28, 28]; layers = (%s);\ndata = {}; train = {};\n",
            readers[index - zoo_count]);
    fclose(file);
    snprintf(device.model, sizeof device.model, "model %d", index - zoo_count);
  }
  dg_model *model = dg_model_load(name, quick, sizeof quick / sizeof *quick, &err);
  ck_assert_msg(model != NULL, "%s", err.message);
  return model;
}

/** Bytes of all buffers that are no views. */
static uint64_t bytes_in_use(void) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < device.count; i++)
    if (device.list[i]->parent == device.list[i]) bytes += device.list[i]->bytes;
  return bytes;
}

static void train(dg_device *d, const dg_model *model, bool test_only) {
  const dg_trainer_options options = {
      .size = sizeof(dg_trainer_options), .seed = 1, .test_only = test_only};
  static float logits[TEST * MAX_OUTPUTS];
  dg_error err = {0};
  dg_trainer *t = dg_trainer_new(model, d, data, &options, &err);
  ck_assert_msg(t != NULL, "%s", err.message);
  const uint64_t fault = test_only ? 0 : 8; /* where an update tells of a gradient */
  ck_assert_uint_eq(dg_trainer_memory(t) + fault, bytes_in_use());
  ck_assert_uint_le(dg_trainer_outputs(t), MAX_OUTPUTS);
  bool ok = (test_only || dg_trainer_train(t, &err)) && dg_trainer_predict(t, NULL, logits, &err);
  ck_assert_msg(ok, "%s", err.message);
  dg_trainer_free(t);
}

static void predict(dg_device *d, const dg_model *model) {
  static float logits[TEST * MAX_OUTPUTS];
  dg_error err = {0};
  dg_predictor *p = dg_predictor_new(
      model, d, &(dg_predictor_options){.size = sizeof(dg_predictor_options), .batch = 3}, &err);
  ck_assert_msg(p != NULL, "%s", err.message);
  ck_assert_uint_le(dg_predictor_outputs(p), MAX_OUTPUTS);
  bool ok = dg_predictor_run(p, dg_dataset_part(data, DG_PART_TEST).images, TEST, logits, &err);
  ck_assert_msg(ok, "%s", err.message);
  dg_predictor_free(p);
}

START_TEST(ops_read_what_was_written_for_them) {
  dg_device_calls calls;
  uint32_t dim[3];
  dg_model *model = load(_i);
  if (dg_model_input(model, dim) != 3 || dim[1] != 28) { /* of other data than digits */
    dg_model_free(model);
    return;
  }
  dg_device *d = open_device(&calls);
  train(d, model, false);
  ck_assert_uint_ge(device.steps, 4 * 6); /* four steps of some ops each */
  train(d, model, true);
  predict(d, model);
  ck_assert_uint_ge(device.tests, (2 + 2 + 3) * 3);
  ck_assert_uint_eq(device.count, 0);
  dg_close(d);
  dg_model_free(model);
}
END_TEST

int main(void) {
  suite_new_file(path);
  find_zoo();
  if (zoo_count == 0)
    return fputs("no model in " DIGITS_SOURCE_DIR "/models\n", stderr), EXIT_FAILURE;
  data = dg_dataset_draw(TRAIN, TEST, 1, 1, NULL);
  if (!data) return fputs("out of memory\n", stderr), EXIT_FAILURE;
  TCase *tests = tcase_create("arena");
  tcase_set_timeout(tests, 120);
  tcase_add_loop_test(tests, ops_read_what_was_written_for_them, 0, zoo_count + READERS);
  int status = suite_main("arena", tests);
  dg_dataset_close(data);
  return status;
}
