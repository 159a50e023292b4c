/* Conformance of copies and fills: what they may be asked, what they move, and when. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/oracle.h"
#include "tests/conformance/conformance.h"

static void must(const rig_report *report, bool ok, const dg_error *err) {
  if (!ok) ck_abort_msg("%s: %s", report->what, err->message);
}

static dg_buffer *new_buffer(const rig_report *report, dg_device *device, size_t bytes) {
  dg_error err = {0};
  dg_buffer *buffer = device->calls->buffer_new(device, bytes, &err);
  must(report, buffer != NULL, &err);
  return buffer;
}

/* ---- what may be asked --------------------------------------------------- */

static void check_refused(rig_report *report, dg_device *device) {
  const dg_device_calls *calls = device->calls;
  size_t unit = device->info.alignment, bytes = 2 * unit;
  dg_buffer *a = new_buffer(report, device, bytes), *b = new_buffer(report, device, bytes);
  dg_error err = {0};
  dg_buffer *view = calls->buffer_view(a, unit, unit, &err);
  must(report, view != NULL, &err);
  rig_refused(report, "a copy from beyond an end", calls->copy(a, unit + 1, b, 0, unit, &err),
              &err);
  rig_refused(report, "a copy to beyond an end", calls->copy(a, 0, b, unit + 1, unit, &err), &err);
  rig_refused(report, "a copy past a view", calls->copy(b, 0, view, 1, unit, &err), &err);
  rig_refused(report, "a copy of too much", calls->copy(a, 8, b, 8, SIZE_MAX - 7, &err), &err);
  rig_refused(report, "a copy onto itself", calls->copy(a, 0, a, unit - 1, unit, &err), &err);
  rig_refused(report, "a copy into its view", calls->copy(a, 1, view, 0, unit, &err), &err);
  rig_refused(report, "a copy from its view", calls->copy(view, unit - 4, a, bytes - 4, 4, &err),
              &err);
  rig_refused(report, "a fill beyond the end", calls->fill(view, 4, 0, unit, &err), &err);
  rig_refused(report, "a fill of too much", calls->fill(a, 4, 0, SIZE_MAX - 3, &err), &err);
  rig_refused(report, "a fill of half a word", calls->fill(a, 0, 0, 6, &err), &err);
  rig_refused(report, "a fill amid a word", calls->fill(a, 2, 0, 8, &err), &err);
  must(report, calls->copy(a, bytes, b, 0, 0, &err) && calls->fill(a, bytes, 0, 0, &err), &err);

  dg_device *other = rig_open(report->target);
  dg_buffer *far = new_buffer(report, other, bytes);
  rig_refused(report, "a copy to another device", calls->copy(a, 0, far, 0, 4, &err), &err);
  other->calls->buffer_free(far);
  other->calls->close(other);
  calls->buffer_free(view), calls->buffer_free(a), calls->buffer_free(b);
}

/* ---- what is moved ------------------------------------------------------- */

/** Compares a buffer with what is expected of it. */
static void holds(rig_report *report, dg_device *device, dg_buffer *buffer,
                  const unsigned char *expected, size_t bytes) {
  unsigned char *got = rig_alloc(bytes, 1);
  dg_error err = {0};
  must(report, device->calls->read(buffer, 0, got, bytes, &err), &err);
  for (size_t i = 0; i < bytes; i++)
    if (got[i] != expected[i]) {
      rig_fail(report, "byte %zu of %zu is %u, expected %u", i, bytes, got[i], expected[i]);
      break;
    }
  free(got);
}

static void check_moved(rig_report *report, dg_device *device) {
  const dg_device_calls *calls = device->calls;
  size_t unit = device->info.alignment, bytes = 4 * unit;
  unsigned char *a = rig_alloc(bytes, 1), *b = rig_alloc(bytes, 1);
  for (size_t i = 0; i < bytes; i++) a[i] = (unsigned char)(7 * i), b[i] = (unsigned char)(3 * i);
  dg_buffer *first = new_buffer(report, device, bytes), *second = new_buffer(report, device, bytes);
  dg_error err = {0};
  dg_buffer *low = calls->buffer_view(first, 0, 2 * unit, &err);
  dg_buffer *high = calls->buffer_view(first, 2 * unit, 2 * unit, &err);
  must(report, low && high, &err);
  must(report, calls->write(first, 0, a, bytes, &err) && calls->write(second, 0, b, bytes, &err),
       &err);

  /* to another buffer, from one view to the next, and between the two ends of one buffer */
  must(report, calls->copy(high, 3, second, 5, unit, &err), &err);
  memcpy(b + 5, a + 2 * unit + 3, unit);
  must(report, calls->copy(low, 0, high, unit, unit, &err), &err);
  memcpy(a + 3 * unit, a, unit);
  must(report, calls->copy(first, 1, first, unit + 1, unit, &err), &err);
  memcpy(a + unit + 1, a + 1, unit);
  holds(report, device, first, a, bytes);
  holds(report, device, second, b, bytes);

  static const uint32_t pattern = 0x7f010203;
  must(report, calls->fill(high, 4, pattern, unit, &err), &err);
  for (size_t i = 0; i < unit; i += sizeof pattern)
    memcpy(a + 2 * unit + 4 + i, &pattern, sizeof pattern);
  must(report, calls->fill(first, 8, 0, unit, &err), &err);
  memset(a + 8, 0, unit);
  must(report, calls->fill(second, 0, pattern, 4, &err), &err);
  memcpy(b, &pattern, sizeof pattern);
  holds(report, device, first, a, bytes);
  holds(report, device, second, b, bytes);
  calls->buffer_free(low), calls->buffer_free(high);
  calls->buffer_free(first), calls->buffer_free(second);
  free(a), free(b);
}

/* ---- when ---------------------------------------------------------------- */

/** Between runs of an op of a training step: a copy takes what the run before it wrote, and what is
    filled is read by the run behind it. */
static void check_order(rig_report *report, dg_device *device) {
  enum { N = 40, WIDTH = 100, FLOATS = N * WIDTH, BYTES = FLOATS * sizeof(float) };
  const dg_device_calls *calls = device->calls;
  dg_op_desc desc = {.kind = DG_OP_ACTIVATION,
                     .d_in = {DG_GRAD_WRITE},
                     .activation = {WIDTH, {.kind = DG_ACT_LEAKY_RELU, .slope = 0.5f}}};
  dg_error err = {0};
  dg_op *op = calls->prepare(device, &desc, N, true, &err);
  must(report, op != NULL, &err);
  dg_buffer *in = new_buffer(report, device, BYTES), *out = new_buffer(report, device, BYTES);
  dg_buffer *saved = new_buffer(report, device, BYTES), *workspace = NULL, *own = NULL;
  if (op->needs.forward_workspace)
    workspace = new_buffer(report, device, op->needs.forward_workspace);
  if (op->needs.saved) own = new_buffer(report, device, op->needs.saved);
  dg_op_buffers buffers = {.in = {in}, .out = {out}, .saved = own, .workspace = workspace};
  const dg_step step = {.n = N, .train = true};
  float *x = rig_alloc(FLOATS, sizeof *x);
  for (int i = 0; i < FLOATS; i++) x[i] = (float)(i - FLOATS / 2);
  static const uint32_t minus_two = 0xc0000000;
  must(report,
       calls->write(in, 0, x, BYTES, &err) && calls->forward(op, &buffers, &step, &err) &&
           calls->copy(out, 0, saved, 0, BYTES, &err) &&
           calls->fill(in, 0, minus_two, BYTES, &err) &&
           calls->forward(op, &buffers, &step, &err) && calls->fill(in, 0, 0, BYTES, &err),
       &err);
  for (int i = 0; i < FLOATS; i++) x[i] = x[i] < 0 ? 0.5f * x[i] : x[i];
  holds(report, device, saved, (const unsigned char *)x, BYTES);
  for (int i = 0; i < FLOATS; i++) x[i] = -1;
  holds(report, device, out, (const unsigned char *)x, BYTES);
  free(x);
  calls->op_free(op);
  calls->buffer_free(in), calls->buffer_free(out), calls->buffer_free(saved);
  calls->buffer_free(workspace), calls->buffer_free(own);
}

/* ---- what is made of parameters ------------------------------------------ */

enum { PARAMS = 4, SAMPLES = 24 };

/** An op that tests, with parameters that lie in a buffer as views. */
typedef struct {
  rig_report *report;
  dg_device *device;
  dg_op *op;
  size_t in, out, params, floats[PARAMS], first[PARAMS], all;
  dg_buffer *parent, *x, *y, *workspace;
  dg_op_buffers buffers;
} tester;

static tester tester_new(rig_report *report, dg_device *device, const dg_op_desc *desc) {
  tester t = {.report = report, .device = device};
  dg_error err = {0};
  size_t unit = device->info.alignment / sizeof(float);
  oracle_sizes sizes = oracle_sizes_of(desc);
  t.op = device->calls->prepare(device, desc, SAMPLES, false, &err);
  must(report, t.op && sizes.params <= PARAMS, &err);
  t.in = SAMPLES * sizes.in[0], t.out = SAMPLES * sizes.out, t.params = sizes.params;
  for (size_t k = 0; k < t.params; k++) {
    t.floats[k] = sizes.param[k], t.first[k] = t.all;
    t.all += (sizes.param[k] + unit - 1) / unit * unit;
  }
  t.parent = new_buffer(report, device, t.all * sizeof(float));
  t.x = t.buffers.in[0] = new_buffer(report, device, t.in * sizeof(float));
  t.y = t.buffers.out[0] = new_buffer(report, device, t.out * sizeof(float));
  if (t.op->needs.forward_workspace)
    t.workspace = new_buffer(report, device, t.op->needs.forward_workspace);
  t.buffers.workspace = t.workspace;
  for (size_t k = 0; k < t.params; k++) {
    t.buffers.param[k] = device->calls->buffer_view(t.parent, t.first[k] * sizeof(float),
                                                    t.floats[k] * sizeof(float), &err);
    must(report, t.buffers.param[k] != NULL, &err);
  }
  float *x = rig_alloc(t.in, sizeof *x);
  rig_random(x, t.in, 1);
  must(report, device->calls->write(t.x, 0, x, t.in * sizeof *x, &err), &err);
  free(x);
  return t;
}

static void tester_free(tester *t) {
  const dg_device_calls *calls = t->device->calls;
  calls->op_free(t->op);
  for (size_t k = 0; k < t->params; k++) calls->buffer_free(t->buffers.param[k]);
  calls->buffer_free(t->parent), calls->buffer_free(t->workspace);
  calls->buffer_free(t->x), calls->buffer_free(t->y);
}

/** What it gives for its first `n` samples; the caller frees it. */
static float *tester_run(tester *t, uint32_t n) {
  float *y = rig_alloc(t->out, sizeof *y);
  const dg_step step = {.n = n};
  dg_error err = {0};
  must(t->report,
       t->device->calls->forward(t->op, &t->buffers, &step, &err) &&
           t->device->calls->read(t->y, 0, y, t->out / SAMPLES * n * sizeof *y, &err),
       &err);
  return y;
}

/** Compares what an op gives with what one gives that was never given other parameters. */
static void same_as_new(tester *t, const char *what, const float *values, uint32_t n) {
  tester other = tester_new(t->report, t->device, &t->op->desc);
  dg_error err = {0};
  must(t->report,
       t->device->calls->write(other.parent, 0, values, other.all * sizeof *values, &err), &err);
  float *expected = tester_run(&other, n), *got = tester_run(t, n);
  rig_same_bits(t->report, what, got, expected, t->out / SAMPLES * n);
  free(got), free(expected);
  tester_free(&other);
}

/** Parameters that are copied or filled count, as those do that are written. */
static void check_made(rig_report *report, dg_device *device, const dg_op_desc *desc, uint32_t n) {
  const dg_device_calls *calls = device->calls;
  tester t = tester_new(report, device, desc);
  size_t bytes = t.all * sizeof(float);
  float *values = rig_alloc(t.all, sizeof *values);
  dg_buffer *from = new_buffer(report, device, bytes);
  dg_error err = {0};
  rig_random(values, t.all, 2);
  must(report, calls->write(t.parent, 0, values, bytes, &err), &err);
  free(tester_run(&t, n));
  rig_random(values, t.all, 3);
  must(report,
       calls->write(from, 0, values, bytes, &err) && calls->copy(from, 0, t.parent, 0, bytes, &err),
       &err);
  same_as_new(&t, "out after a copy", values, n);

  rig_random(values, t.floats[0], 4);
  must(report,
       calls->write(from, 0, values, bytes, &err) &&
           calls->copy(from, 0, t.buffers.param[0], 0, t.floats[0] * sizeof(float), &err),
       &err);
  same_as_new(&t, "out after a copy to a view", values, n);

  static const uint32_t half = 0x3f000000;
  must(report, calls->fill(t.buffers.param[0], 0, half, t.floats[0] * sizeof(float), &err), &err);
  for (size_t i = 0; i < t.floats[0]; i++) values[i] = 0.5f;
  same_as_new(&t, "out after a fill of a view", values, n);
  must(report, calls->fill(t.parent, 0, half, bytes, &err), &err);
  for (size_t i = 0; i < t.all; i++) values[i] = 0.5f;
  same_as_new(&t, "out after a fill", values, n);
  calls->buffer_free(from);
  free(values);
  tester_free(&t);
}

static void check_parameters(rig_report *report, dg_device *device) {
  static const dg_op_desc descs[] = {
      {DG_OP_LINEAR, {DG_GRAD_NONE}, .linear = {.in = 20, .out = 24, .bias = true}},
      {DG_OP_CONV2D,
       {DG_GRAD_NONE},
       .conv2d = {1, 4, 5, 8, 3, 3, 1, 1, 1, 1, .bias = true, .act = {.kind = DG_ACT_RELU}}},
      {DG_OP_CONV2D, {DG_GRAD_NONE}, .conv2d = {3, 8, 9, 20, 3, 3, 1, 1, 1, 1, .bias = true}},
      {DG_OP_CONV2D, {DG_GRAD_NONE}, .conv2d = {32, 6, 6, 32, 3, 3, 1, 1, 1, 1, .bias = false}},
      {DG_OP_CONV1D, {DG_GRAD_NONE}, .conv1d = {12, 5, 20, 3, 1, 1, .bias = true}},
      {DG_OP_RECURRENT,
       {DG_GRAD_NONE},
       .recurrent = {DG_CELL_GRU, .steps = 3, .in = 5, .hidden = 20, .biases = 2}}};
  static const char *const names[] = {"linear",
                                      "conv2d of one channel",
                                      "conv2d of some channels",
                                      "conv2d of many channels",
                                      "conv1d",
                                      "recurrent"};
  const size_t count = rig_small() ? 2 : sizeof descs / sizeof *descs;
  const uint32_t most = rig_small() ? 1 : SAMPLES;
  for (size_t i = 0; i < count; i++)
    for (uint32_t n = 1; n <= most; n += SAMPLES - 1) {
      snprintf(report->what, sizeof report->what, "parameters of %s, n %u", names[i], n);
      check_made(report, device, &descs[i], n);
    }
}

void check_copies(rig_report *report, dg_device *device) {
  snprintf(report->what, sizeof report->what, "copy and fill");
  check_refused(report, device);
  check_moved(report, device);
  check_order(report, device);
  check_parameters(report, device);
  snprintf(report->what, sizeof report->what, "device");
}
