/*
 * Recurrent layers that only test, on more and fewer threads than there are processors: threads
 * that share the units of a few samples wait for each other at every step.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/oracle.h"
#include "tests/common/cases/cases.h"
#include "tests/common/rig.h"

enum { FEW = 3, RUNS = 3 };

/** A layer on a device, with the numbers that it was given. */
typedef struct {
  rig_report *report;
  dg_device *device;
  dg_op *op;
  oracle_sizes sizes;
  rig_tensor in, out, workspace, param[DG_MAX_PARAM];
} subject;

/** Random numbers for a tensor; the same numbers come back as doubles. */
static double *fill(rig_tensor *t, size_t count, float scale, uint32_t seed) {
  float *x = rig_alloc(count, sizeof *x);
  rig_random(x, count, seed);
  for (size_t i = 0; i < count; i++) x[i] *= scale;
  rig_tensor_set(t, x, count * sizeof *x);
  double *numbers = rig_doubles(x, count);
  free(x);
  return numbers;
}

static subject subject_new(rig_report *report, dg_device *device, const dg_op_desc *desc) {
  dg_error err = {0};
  subject s = {.report = report, .device = device, .sizes = oracle_sizes_of(desc)};
  s.op = device->calls->prepare(device, desc, FEW, false, &err);
  ck_assert_msg(s.op != NULL, "%s: prepare: %s", report->what, err.message);
  s.in = rig_tensor_new(device, "in", FEW * s.sizes.in[0] * sizeof(float));
  s.out = rig_tensor_new(device, "out", FEW * s.sizes.out * sizeof(float));
  s.workspace = rig_tensor_new(device, "workspace", s.op->needs.forward_workspace);
  for (uint32_t k = 0; k < s.sizes.params; k++)
    s.param[k] = rig_tensor_new(device, "param", s.sizes.param[k] * sizeof(float));
  return s;
}

static void subject_free(subject *s) {
  rig_tensor_free(&s->in), rig_tensor_free(&s->out), rig_tensor_free(&s->workspace);
  for (uint32_t k = 0; k < s->sizes.params; k++) rig_tensor_free(&s->param[k]);
  s->device->calls->op_free(s->op);
}

/** New weights; and then runs whose answers must all be the oracle's, and the same bits. */
static void try_samples(subject *s, uint32_t n, uint32_t seed) {
  const dg_op_desc *desc = &s->op->desc;
  size_t count = n * s->sizes.out;
  const dg_step step = {.n = n};
  dg_op_buffers buffers = {
      .in = {s->in.view}, .out = {s->out.view}, .workspace = s->workspace.view};
  oracle_tensors t = {.out = rig_alloc(count, sizeof(double))};
  t.in[0] = fill(&s->in, n * s->sizes.in[0], 1, seed);
  for (uint32_t k = 0; k < s->sizes.params; k++) {
    buffers.param[k] = s->param[k].view;
    t.param[k] = fill(&s->param[k], s->sizes.param[k], layer_case_scale(desc, k), seed + 1 + k);
  }
  oracle_forward(desc, &t, &step);
  float *first = rig_alloc(count, sizeof *first), *again = rig_alloc(count, sizeof *again);
  for (int run = 0; run < RUNS; run++) {
    dg_error err = {0};
    float *got = run == 0 ? first : again;
    rig_tensor_set(&s->out, NULL, 0);
    rig_tensor_set(&s->workspace, NULL, 0);
    if (!s->device->calls->forward(s->op, &buffers, &step, &err))
      rig_fail(s->report, "n = %u: %s", n, err.message);
    rig_tensor_get(s->report, &s->out, got, count * sizeof *got);
    rig_tensor_get(s->report, &s->workspace, NULL, s->workspace.bytes);
    if (run > 0) rig_same_bits(s->report, "out", again, first, count);
  }
  rig_close(s->report, "out", first, t.out, count, 1e-5);
  free(first), free(again), free(t.out), free((void *)t.in[0]);
  for (uint32_t k = 0; k < s->sizes.params; k++) free((void *)t.param[k]);
}

static void try_layer(rig_report *report, dg_device *device, const dg_recurrent_desc *d) {
  const dg_op_desc desc = {.kind = DG_OP_RECURRENT, .recurrent = *d};
  layer_case_text(&(layer_case){desc, FEW, FILL_RANDOM}, report->what, sizeof report->what);
  subject s = subject_new(report, device, &desc);
  for (uint32_t seed = 0; seed < 2; seed++)
    for (uint32_t n = 1; n <= FEW; n++) try_samples(&s, n, 100 * seed + 10 * n);
  subject_free(&s);
}

/** Every cell, both ways of a GRU, one direction and both, at sizes that threads share or don't. */
static void try_threads(const rig_target *target, int threads) {
  static const uint32_t hidden[] = {1, 5, 16, 33, 113, 128};
  if (strcmp(target->backend->name, "cpu") != 0 || target->options.threads) return;
  rig_target here = *target;
  here.options.threads = (uint32_t)threads;
  snprintf(here.label, sizeof here.label, "cpu, %d threads, %s", threads,
           target->options.form ? target->options.form : "any form");
  rig_report report = {.target = &here};
  dg_device *device = rig_open(&here);
  for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
    for (int c = 0; c < 8; c++)
      try_layer(&report, device,
                &(dg_recurrent_desc){.cell = c < 4   ? DG_CELL_GRU
                                             : c < 6 ? DG_CELL_LSTM
                                                     : DG_CELL_RNN,
                                     .steps = 5,
                                     .in = 9,
                                     .hidden = hidden[i],
                                     .biases = (uint32_t)(i + (size_t)c) % 3,
                                     .sequence = c % 2,
                                     .bidirectional = (i + (size_t)c / 2) % 2,
                                     .hard_sigmoid = c == 1,
                                     .reset_before = c == 0 || c == 1});
  device->calls->close(device);
  rig_conclude(&report);
}

int main(void) {
  static const rig_group groups[] = {{"one", try_threads, 1},
                                     {"two", try_threads, 2},
                                     {"four", try_threads, 4},
                                     {"seven", try_threads, 7}};
  return rig_main("threads", groups, sizeof groups / sizeof *groups);
}
