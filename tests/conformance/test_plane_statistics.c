/*
 * A convolution that writes the statistics of its planes, and a batch norm that takes its
 * statistics from them: against the convolution alone and against the oracle.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/oracle.h"
#include "tests/common/rig.h"

typedef struct {
  uint32_t channels, height, width, filters, kernel, stride, pad;
  bool bias;
  dg_act act; /**< of the norm */
  float far;  /**< added to the bias */
  uint32_t n;
} pair_case;

#define CONV(c, h, w, f, k, s, p, bias)                                                            \
  { c, h, w, f, k, k, s, s, p, p, bias, {DG_ACT_NONE, 0}, 0, {0}, true }
#define RELU                                                                                       \
  { DG_ACT_{DG_ACT_RELU, 0}, 0 }

/* Enough numbers of a channel that no variance is tiny. */
static const pair_case cases[] = {
    /* a plane of one number; less than a row of lanes; more than a group of planes */
    {3, 5, 5, 4, 5, 1, 0, false, {DG_ACT_NONE, 0}, 0, 9},
    {1, 5, 6, 17, 3, 1, 0, false, {DG_ACT_RELU, 0}, 0, 3},
    {2, 9, 8, 33, 3, 1, 1, true, {DG_ACT_LEAKY_RELU, 0.1f}, 0, 5},
    {3, 13, 11, 16, 3, 2, 1, true, {DG_ACT_TANH, 0}, 0, 3},
    {2, 37, 41, 3, 4, 1, 0, false, {DG_ACT_RELU, 0}, 0, 2},
    /* one sample, shared by the threads; with many products */
    {5, 30, 31, 20, 3, 1, 1, true, {DG_ACT_RELU, 0}, 0, 1},
    {32, 20, 21, 48, 3, 1, 1, true, {DG_ACT_RELU, 0}, 0, 1},
    /* Winograd */
    {16, 12, 12, 32, 3, 1, 0, false, {DG_ACT_RELU, 0}, 0, 7},
    {48, 10, 10, 48, 3, 1, 0, true, {DG_ACT_SIGMOID, 0}, 0, 13},
    {32, 15, 8, 16, 3, 1, 2, false, {DG_ACT_NONE, 0}, 0, 5},
    {16, 13, 14, 48, 5, 1, 2, true, {DG_ACT_RELU, 0}, 0, 3},
    {32, 20, 18, 32, 7, 1, 0, false, {DG_ACT_RELU, 0}, 0, 3},
    /* far from 0 for their deviation */
    {3, 13, 11, 16, 3, 1, 1, true, {DG_ACT_NONE, 0}, 30, 4},
    {16, 12, 12, 32, 3, 1, 0, true, {DG_ACT_RELU, 0}, 30, 4},
    {9, 14, 13, 5, 3, 1, 1, true, {DG_ACT_NONE, 0}, 1000, 6},
    {16, 12, 12, 32, 3, 1, 0, true, {DG_ACT_NONE, 0}, -1000, 3},
};

/** An op, and the buffers that it alone has. */
typedef struct {
  dg_op *op;
  rig_tensor saved, forward_workspace, backward_workspace;
} op_rig;

static op_rig op_new(dg_device *device, const dg_op_desc *desc, uint32_t n) {
  dg_error err = {0};
  dg_op *op = device->calls->prepare(device, desc, n, true, &err);
  if (!op) ck_abort_msg("prepare: %s", err.message);
  return (op_rig){op, rig_tensor_new(device, "saved", op->needs.saved),
                  rig_tensor_new(device, "workspace", op->needs.forward_workspace),
                  rig_tensor_new(device, "workspace", op->needs.backward_workspace)};
}

static void op_free(dg_device *device, op_rig *o) {
  rig_tensor_free(&o->saved), rig_tensor_free(&o->forward_workspace);
  rig_tensor_free(&o->backward_workspace);
  device->calls->op_free(o->op);
}

/** Runs an op forward or backward and waits for it. */
static void run(dg_device *device, const op_rig *o, dg_op_buffers *b, const dg_step *step,
                bool forward) {
  dg_error err = {0};
  b->saved = o->saved.view;
  b->workspace = (forward ? o->forward_workspace : o->backward_workspace).view;
  bool ok = (forward ? device->calls->forward : device->calls->backward)(o->op, b, step, &err) &&
            device->calls->finish(device, &err);
  if (!ok) ck_abort_msg("%s: %s", forward ? "forward" : "backward", err.message);
}

/** A tensor with its content on the host. */
typedef struct {
  rig_tensor on;
  size_t count;
  float *x;
} tensor;

enum {
  X,
  WEIGHT,
  BIAS,
  Y,
  STATISTICS,
  SCALE,
  SHIFT,
  MEAN,
  VAR,
  OUT,
  D_OUT,
  D_IN,
  D_SCALE,
  D_SHIFT,
  ALL
};

/** Tensors of random numbers. */
static void tensors_new(dg_device *device, const pair_case *c, size_t plane, tensor *t) {
  static const char *const names[ALL] = {"x",     "weight", "bias",    "y",      "statistics",
                                         "scale", "shift",  "mean",    "var",    "out",
                                         "d_out", "d_in",   "d_scale", "d_shift"};
  size_t made = c->n * c->filters * plane;
  const size_t counts[ALL] = {[X] = (size_t)c->n * c->channels * c->height * c->width,
                              [WEIGHT] = (size_t)c->filters * c->channels * c->kernel * c->kernel,
                              [BIAS] = c->filters,
                              [Y] = made,
                              [STATISTICS] = (size_t)2 * c->n * c->filters,
                              [SCALE] = c->filters,
                              [SHIFT] = c->filters,
                              [MEAN] = c->filters,
                              [VAR] = c->filters,
                              [OUT] = made,
                              [D_OUT] = made,
                              [D_IN] = made,
                              [D_SCALE] = c->filters,
                              [D_SHIFT] = c->filters};
  for (int k = 0; k < ALL; k++) {
    t[k] = (tensor){rig_tensor_new(device, names[k], counts[k] * sizeof(float)), counts[k],
                    rig_alloc(counts[k], sizeof(float))};
    rig_random(t[k].x, counts[k], 50 + (uint32_t)k);
  }
  for (size_t i = 0; i < t[BIAS].count; i++) t[BIAS].x[i] += c->far;
  for (size_t i = 0; i < t[VAR].count; i++) t[VAR].x[i] += 1.5f;
}

static void give(tensor *t) {
  rig_tensor_set(&t->on, t->x, t->count * sizeof(float));
}

static void expect(tensor *t) {
  rig_tensor_set(&t->on, NULL, 0);
}

static void take(rig_report *report, tensor *t) {
  rig_tensor_get(report, &t->on, t->x, t->count * sizeof(float));
}

/** Runs the convolution; its output and the statistics are in t. */
static void convolve(rig_report *report, dg_device *device, const dg_op_desc *desc, uint32_t n,
                     tensor *t) {
  op_rig conv = op_new(device, desc, n);
  dg_step step = {.n = n, .train = true};
  dg_op_buffers b = {.in = {t[X].on.view},
                     .param = {t[WEIGHT].on.view, desc->conv2d.bias ? t[BIAS].on.view : NULL},
                     .out = {t[Y].on.view, desc->conv2d.statistics ? t[STATISTICS].on.view : NULL}};
  give(&t[X]), give(&t[WEIGHT]), give(&t[BIAS]), expect(&t[Y]), expect(&t[STATISTICS]);
  run(device, &conv, &b, &step, true);
  take(report, &t[Y]);
  if (desc->conv2d.statistics) take(report, &t[STATISTICS]);
  op_free(device, &conv);
}

/** Are the statistics those of the planes? */
static void check_statistics(rig_report *report, const tensor *t, size_t plane) {
  for (size_t p = 0; p < t[STATISTICS].count / 2; p++) {
    const float *y = t[Y].x + p * plane, *got = t[STATISTICS].x + 2 * p;
    double mean = 0, squares = 0;
    for (size_t i = 0; i < plane; i++) mean += (double)y[i] / (double)plane;
    for (size_t i = 0; i < plane; i++) squares += ((double)y[i] - mean) * ((double)y[i] - mean);
    double deviation = sqrt(squares / (double)plane), ulp = 1.2e-7 * fabs(mean);
    if (fabs((double)got[0] - mean) > 1e-6 * deviation + ulp)
      rig_fail(report, "plane %zu: mean %.9g, expected %.9g", p, (double)got[0], mean);
    if (fabs((double)got[1] - squares) > 1e-5 * squares + (double)plane * ulp * ulp)
      rig_fail(report, "plane %zu: squares %.9g, expected %.9g", p, (double)got[1], squares);
  }
}

/** Runs the norm forward and backward; all that it writes is in t. */
static void normalize(rig_report *report, dg_device *device, const dg_op_desc *desc, uint32_t n,
                      tensor *t) {
  op_rig norm = op_new(device, desc, n);
  dg_step step = {.n = n, .train = true};
  dg_op_buffers b = {
      .in = {t[Y].on.view, desc->batch_norm.statistics ? t[STATISTICS].on.view : NULL},
      .param = {t[SCALE].on.view, t[SHIFT].on.view},
      .running = {t[MEAN].on.view, t[VAR].on.view},
      .out = {t[OUT].on.view},
      .d_out = t[D_OUT].on.view,
      .d_in = {t[D_IN].on.view},
      .d_param = {t[D_SCALE].on.view, t[D_SHIFT].on.view},
  };
  for (int k = Y; k <= D_IN; k++) give(&t[k]);
  expect(&t[OUT]), expect(&t[D_SCALE]), expect(&t[D_SHIFT]);
  run(device, &norm, &b, &step, true);
  take(report, &t[MEAN]), take(report, &t[VAR]), take(report, &t[OUT]);
  if (!norm.op->needs.backward_reads_out) expect(&t[OUT]);
  if (!norm.op->needs.backward_reads_in) expect(&t[Y]);
  expect(&t[STATISTICS]);
  run(device, &norm, &b, &step, false);
  take(report, &t[D_IN]), take(report, &t[D_SCALE]), take(report, &t[D_SHIFT]);
  op_free(device, &norm);
}

/** The norm of what the convolution gave, by the oracle, on what t holds before `normalize`. */
static oracle_tensors expected_of(const dg_op_desc *desc, const tensor *t, const dg_step *step) {
  double *d[ALL];
  for (int k = 0; k < ALL; k++) d[k] = rig_doubles(t[k].x, t[k].count);
  oracle_tensors o = {.in = {d[Y]},
                      .param = {d[SCALE], d[SHIFT]},
                      .d_out = d[D_OUT],
                      .out = d[OUT],
                      .running = {d[MEAN], d[VAR]},
                      .d_in = {d[D_IN]},
                      .d_param = {d[D_SCALE], d[D_SHIFT]}};
  oracle_forward(desc, &o, step);
  oracle_backward(desc, &o, step);
  free(d[X]), free(d[WEIGHT]), free(d[BIAS]), free(d[STATISTICS]);
  return o;
}

static void expected_free(oracle_tensors *o) {
  free((void *)o->in[0]), free((void *)o->param[0]), free((void *)o->param[1]);
  free((void *)o->d_out), free(o->out), free(o->running[0]), free(o->running[1]), free(o->d_in[0]);
  free(o->d_param[0]), free(o->d_param[1]);
}

/** Clears d_out where rounding may put z on the other side of a kink. */
static void avoid_kinks(const dg_op_desc *desc, tensor *t, const dg_step *step) {
  oracle_tensors o = {
      .in = {rig_doubles(t[Y].x, t[Y].count)},
      .param = {rig_doubles(t[SCALE].x, t[SCALE].count), rig_doubles(t[SHIFT].x, t[SHIFT].count)}};
  bool *kinks = oracle_kinks(desc, &o, step);
  for (size_t i = 0; i < t[D_OUT].count; i++)
    if (kinks[i]) t[D_OUT].x[i] = 0;
  free(kinks), free((void *)o.in[0]), free((void *)o.param[0]), free((void *)o.param[1]);
}

static void try_pair(rig_report *report, dg_device *device, const pair_case *c,
                     const dg_op_desc *conv, const dg_op_desc *norm) {
  size_t plane = norm->batch_norm.plane;
  dg_step step = {.n = c->n, .train = true};
  dg_op_desc conv_alone = *conv, norm_alone = *norm;
  conv_alone.conv2d.statistics = norm_alone.batch_norm.statistics = false;
  tensor t[ALL];
  tensors_new(device, c, plane, t);
  convolve(report, device, conv, c->n, t);
  float *y = rig_alloc(t[Y].count, sizeof *y);
  memcpy(y, t[Y].x, t[Y].count * sizeof *y);
  convolve(report, device, &conv_alone, c->n, t);
  rig_same_bits(report, "y without statistics", t[Y].x, y, t[Y].count);
  check_statistics(report, t, plane);

  avoid_kinks(&norm_alone, t, &step);
  oracle_tensors o = expected_of(&norm_alone, t, &step);
  double terms = oracle_cancelling(&norm_alone, &o, &step);
  /* a mean is rounded by up to half a unit of its last place, which the results see as a shift */
  double tolerance = 1e-5 * fmax(1, fabs((double)c->far) / 30);
  normalize(report, device, norm, c->n, t);
  rig_close(report, "mean", t[MEAN].x, o.running[0], t[MEAN].count, 1e-5);
  rig_close(report, "var", t[VAR].x, o.running[1], t[VAR].count, 1e-5);
  rig_close(report, "out", t[OUT].x, o.out, t[OUT].count, tolerance);
  rig_close_of(report, "d_in", t[D_IN].x, o.d_in[0], t[D_IN].count, tolerance, terms);
  rig_close(report, "d_scale", t[D_SCALE].x, o.d_param[0], t[D_SCALE].count, tolerance);
  rig_close(report, "d_shift", t[D_SHIFT].x, o.d_param[1], t[D_SHIFT].count, 1e-5);
  expected_free(&o);
  free(y);
  for (int k = 0; k < ALL; k++) rig_tensor_free(&t[k].on), free(t[k].x);
}

static void try_pairs(const rig_target *target, int number) {
  (void)number;
  rig_report report = {.target = target};
  dg_device *device = rig_open(target);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const pair_case *c = &cases[i];
    uint32_t plane = dg_window_out(c->height, c->kernel, c->stride, c->pad) *
                     dg_window_out(c->width, c->kernel, c->stride, c->pad);
    dg_op_desc conv = {DG_OP_CONV2D,
                       {DG_GRAD_WRITE},
                       .conv2d = {.channels = c->channels,
                                  .height = c->height,
                                  .width = c->width,
                                  .filters = c->filters,
                                  .kernel_h = c->kernel,
                                  .kernel_w = c->kernel,
                                  .stride_h = c->stride,
                                  .stride_w = c->stride,
                                  .pad_h = c->pad,
                                  .pad_w = c->pad,
                                  .bias = c->bias,
                                  .statistics = true}};
    dg_op_desc norm = {DG_OP_BATCH_NORM,
                       {i % 2 ? DG_GRAD_ADD : DG_GRAD_WRITE},
                       .batch_norm = {1, c->filters, plane, 0.1f, 1e-5f, c->act, true}};
    snprintf(report.what, sizeof report.what, "[%u, %u, %u], %u of %ux%u, far %g, n = %u",
             c->channels, c->height, c->width, c->filters, c->kernel, c->kernel, (double)c->far,
             c->n);
    report.cases++;
    if (device->calls->supports(device, &conv) && device->calls->supports(device, &norm))
      try_pair(&report, device, c, &conv, &norm);
    else if (strcmp(target->backend->name, "cpu") == 0)
      rig_fail(&report, "not supported");
    else
      report.unsupported++;
  }
  device->calls->close(device);
  rig_conclude(&report);
}

int main(void) {
  static const rig_group groups[] = {{"pairs", try_pairs, 0}};
  return rig_main("plane_statistics", groups, 1);
}
