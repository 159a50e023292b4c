/*
 * Batch norms whose batch comes in slices, merged along a binary tree, against the oracle of the
 * whole batch. On a cpu the number of threads changes no bit.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/oracle.h"
#include "tests/common/rig.h"

/** Slices; threads of a cpu. */
enum { MOST = 5, THREADS = 3 };

typedef struct {
  uint32_t rows, channels, plane;
  uint32_t samples[MOST]; /**< of the slices; 0: there is none */
  float far;              /**< what the numbers lie around */
} slices_case;

/* Slices of a single sample, of a single number, a batch of one; far from 0 where enough numbers
 * make a variance that is not tiny. */
static const slices_case cases[] = {
    {1, 1, 1, {1}, 0},
    {1, 17, 1, {2, 1}, 0},
    {1, 33, 1, {1, 0, 1, 0, 0}, 0},
    {1, 70, 1, {5, 9, 3}, 1000},
    {1, 5, 1, {130, 70, 1, 64, 3}, 1000},
    {7, 19, 1, {4, 2, 1, 3, 3}, 1000},
    {1, 3, 49, {3, 5}, 1000},
    {1, 17, 15, {1, 2, 3}, 1000},
    {1, 5, 1089, {2, 1, 1, 0, 3}, 1000},
    {3, 18, 7, {1, 1, 4, 2, 2}, -1000},
};

enum { X, STATISTICS, WEIGHT, BIAS, MEAN, VAR, D_OUT, OUT, D_IN, D_WEIGHT, D_BIAS, ALL };
static const char *const names[ALL] = {"in",    "statistics", "weight", "bias",     "mean",  "var",
                                       "d_out", "out",        "d_in",   "d_weight", "d_bias"};

/** The tensors of a whole batch on the host. */
typedef struct {
  size_t count[ALL];
  float *x[ALL];
} numbers;

static bool of_samples(int k) {
  return k == X || k == STATISTICS || k == D_OUT || k == OUT || k == D_IN;
}

static numbers numbers_new(const dg_batch_norm_desc *d, uint32_t n) {
  numbers of = {{0}, {0}};
  for (int k = 0; k < ALL; k++) {
    of.count[k] = d->channels;
    if (of_samples(k)) of.count[k] *= n * (k == STATISTICS ? 2 : (size_t)d->rows * d->plane);
    of.x[k] = rig_alloc(of.count[k], sizeof(float));
    rig_random(of.x[k], of.count[k], 70 + (uint32_t)k);
  }
  return of;
}

static void numbers_free(numbers *of) {
  for (int k = 0; k < ALL; k++) free(of->x[k]);
}

static void find_statistics(numbers *of, size_t plane) {
  for (size_t p = 0; p < of->count[STATISTICS] / 2 && (p + 1) * plane <= of->count[X]; p++) {
    const float *x = of->x[X] + p * plane;
    double mean = 0, squares = 0;
    for (size_t i = 0; i < plane; i++) mean += (double)x[i] / (double)plane;
    for (size_t i = 0; i < plane; i++) squares += ((double)x[i] - mean) * ((double)x[i] - mean);
    of->x[STATISTICS][2 * p] = (float)mean, of->x[STATISTICS][2 * p + 1] = (float)squares;
  }
}

/* ---- by the oracle ------------------------------------------------------ */

static oracle_tensors doubles_of(const numbers *of, double **d) {
  for (int k = 0; k < ALL; k++) d[k] = rig_doubles(of->x[k], of->count[k]);
  return (oracle_tensors){.in = {d[X]},
                          .param = {d[WEIGHT], d[BIAS]},
                          .d_out = d[D_OUT],
                          .out = d[OUT],
                          .running = {d[MEAN], d[VAR]},
                          .d_in = {d[D_IN]},
                          .d_param = {d[D_WEIGHT], d[D_BIAS]}};
}

static void doubles_free(double **d) {
  for (int k = 0; k < ALL; k++) free(d[k]);
}

/** What is given to all devices; without d_out where rounding may change its branch. */
static numbers given_for(const slices_case *c, const dg_op_desc *desc, uint32_t n) {
  numbers given = numbers_new(&desc->batch_norm, n);
  double *d[ALL];
  for (size_t i = 0; i < given.count[X]; i++) given.x[X][i] = c->far + 1.7f * given.x[X][i];
  for (size_t i = 0; i < given.count[VAR]; i++) given.x[VAR][i] += 1.5f;
  find_statistics(&given, desc->batch_norm.plane);
  oracle_tensors t = doubles_of(&given, d);
  bool *kinks = oracle_kinks(desc, &t, &(dg_step){.n = n, .train = true});
  for (size_t i = 0; i < given.count[D_OUT]; i++)
    if (kinks[i]) given.x[D_OUT][i] = 0;
  free(kinks), doubles_free(d);
  return given;
}

static void compare(rig_report *report, const slices_case *c, const dg_op_desc *desc,
                    const numbers *given, const numbers *got, uint32_t n) {
  dg_op_desc plain = *desc;
  dg_step step = {.n = n, .train = true};
  double *d[ALL];
  oracle_tensors t = doubles_of(given, d);
  plain.batch_norm.statistics = false;
  oracle_forward(&plain, &t, &step);
  oracle_backward(&plain, &t, &step);
  /* a given mean is rounded by up to half a unit of its last place */
  double tolerance = 1e-5 * (desc->batch_norm.statistics ? fmax(1, fabs((double)c->far) / 30) : 1);
  for (int k = MEAN; k <= D_BIAS; k++) {
    double least = k == D_IN ? oracle_cancelling(&plain, &t, &step) : 0;
    if (k != D_OUT)
      rig_close_of(report, names[k], got->x[k], d[k], got->count[k], tolerance, least);
  }
  doubles_free(d);
}

/* ---- on a device -------------------------------------------------------- */

typedef struct {
  uint32_t n, first, merged; /**< samples: its own, before it, that joined it with its own */
  rig_tensor t[ALL], saved;  /**< its part of those of samples, and its own gradients */
} slice;

typedef struct {
  rig_report *report;
  dg_device *device;
  dg_op *norm, *accumulate;
  uint32_t n, count;
  slice slices[MOST];
  rig_tensor t[ALL], forward_workspace, backward_workspace; /**< those that slices share */
} subject;

/** Parameters' gradients are as many as accumulate wants. */
static size_t bytes_of(const numbers *of, int k, uint32_t n, uint32_t whole) {
  size_t count = of_samples(k) ? of->count[k] / whole * n : of->count[k];
  return (k >= D_WEIGHT ? (count + 15) / 16 * 16 : count) * sizeof(float);
}

static dg_op *prepare(subject *s, const dg_op_desc *desc, uint32_t n) {
  dg_error err = {0};
  dg_op *op = s->device->calls->prepare(s->device, desc, n, true, &err);
  if (!op) ck_abort_msg("%s: prepare: %s", s->report->what, err.message);
  return op;
}

static void give(rig_tensor *t, const float *x) {
  rig_tensor_set(t, x, x ? t->bytes : 0);
}

static void slice_new(subject *s, const dg_op_desc *desc, const numbers *given, slice *by) {
  for (int k = 0; k < ALL; k++) {
    if (!of_samples(k) && k < D_WEIGHT) continue;
    by->t[k] = rig_tensor_new(s->device, names[k], bytes_of(given, k, by->n, s->n));
    bool written = k == OUT || (k == D_IN && desc->d_in[0] == DG_GRAD_WRITE);
    size_t first = by->first * (given->count[k] / s->n);
    if (k < D_WEIGHT) give(&by->t[k], written ? NULL : given->x[k] + first);
  }
  by->saved = rig_tensor_new(s->device, "saved", s->norm->needs.saved);
  rig_tensor_set(&by->saved, NULL, 0);
}

static subject subject_new(rig_report *report, dg_device *device, const slices_case *c,
                           const dg_op_desc *desc, const numbers *given) {
  subject s = {.report = report, .device = device};
  uint32_t largest = 0;
  for (int i = 0; i < MOST; i++) {
    if (!c->samples[i]) continue;
    s.slices[s.count++] = (slice){c->samples[i], s.n, c->samples[i], {{0}}, {0}};
    s.n += c->samples[i];
    if (c->samples[i] > largest) largest = c->samples[i];
  }
  dg_op_desc sum = {.kind = DG_OP_ACCUMULATE};
  sum.accumulate.count = (uint32_t)(bytes_of(given, D_BIAS, 1, 1) / sizeof(float));
  s.norm = prepare(&s, desc, largest), s.accumulate = prepare(&s, &sum, 1);
  for (int k = 0; k < ALL; k++) {
    if (of_samples(k)) continue;
    s.t[k] = rig_tensor_new(device, names[k], bytes_of(given, k, 1, 1));
    if (k < D_WEIGHT) give(&s.t[k], given->x[k]);
  }
  s.forward_workspace = rig_tensor_new(device, "workspace", s.norm->needs.forward_workspace);
  s.backward_workspace = rig_tensor_new(device, "workspace", s.norm->needs.backward_workspace);
  for (uint32_t i = 0; i < s.count; i++) slice_new(&s, desc, given, &s.slices[i]);
  return s;
}

static void subject_free(subject *s) {
  for (uint32_t i = 0; i < s->count; i++) {
    for (int k = 0; k < ALL; k++)
      if (s->slices[i].t[k].device) rig_tensor_free(&s->slices[i].t[k]);
    rig_tensor_free(&s->slices[i].saved);
  }
  for (int k = 0; k < ALL; k++)
    if (s->t[k].device) rig_tensor_free(&s->t[k]);
  rig_tensor_free(&s->forward_workspace), rig_tensor_free(&s->backward_workspace);
  s->device->calls->op_free(s->norm), s->device->calls->op_free(s->accumulate);
}

static void run(subject *s, bool backward, dg_op_buffers *b, dg_step step) {
  dg_error err = {0};
  rig_tensor *workspace = backward ? &s->backward_workspace : &s->forward_workspace;
  rig_tensor_set(workspace, NULL, 0);
  b->workspace = workspace->view;
  step.train = true;
  bool ok = (backward ? s->device->calls->backward : s->device->calls->forward)(s->norm, b, &step,
                                                                                &err) &&
            s->device->calls->finish(s->device, &err);
  if (!ok) ck_abort_msg("%s: %s", s->report->what, err.message);
  rig_tensor_get(s->report, workspace, NULL, workspace->bytes);
}

/** The buffers of a slice; `of` has the gradients of parameters, and `saved` the statistics. */
static dg_op_buffers buffers_of(const subject *s, const slice *by, const rig_tensor *of,
                                const rig_tensor *saved) {
  return (dg_op_buffers){
      .in = {by->t[X].view, s->norm->desc.batch_norm.statistics ? by->t[STATISTICS].view : NULL},
      .d_in = {by->t[D_IN].view},
      .out = {by->t[OUT].view},
      .d_out = by->t[D_OUT].view,
      .param = {s->t[WEIGHT].view, s->t[BIAS].view},
      .d_param = {of[D_WEIGHT].view, of[D_BIAS].view},
      .running = {s->t[MEAN].view, s->t[VAR].view},
      .saved = saved->view};
}

static void merge(subject *s, slice *to, slice *from) {
  dg_op_buffers b = {.saved = to->saved.view, .other = from->saved.view};
  to->merged += from->merged;
  run(s, false, &b, (dg_step){.n = from->merged, .whole = to->merged, .phase = DG_PHASE_MERGE});
}

static void forward(subject *s) {
  slice *all = s->slices;
  for (uint32_t i = 0; i < s->count; i++) {
    dg_op_buffers b = buffers_of(s, &all[i], s->t, &all[i].saved);
    run(s, false, &b, (dg_step){.n = all[i].n, .whole = s->n, .phase = DG_PHASE_COLLECT});
    rig_tensor_get(s->report, &all[i].t[OUT], NULL, 0);
  }
  for (uint32_t apart = 1; apart < s->count; apart *= 2)
    for (uint32_t i = 0; i + apart < s->count; i += 2 * apart) merge(s, &all[i], &all[i + apart]);
  dg_op_buffers b = buffers_of(s, all, s->t, &all->saved);
  run(s, false, &b, (dg_step){.n = s->n, .phase = DG_PHASE_FINISH});
  for (uint32_t i = 0; i < s->count; i++) {
    b = buffers_of(s, &all[i], s->t, &all->saved);
    run(s, false, &b, (dg_step){.n = all[i].n, .whole = s->n, .phase = DG_PHASE_APPLY});
  }
}

static void add_up(subject *s, slice *by) {
  for (int k = D_WEIGHT; k <= D_BIAS; k++) {
    dg_error err = {0};
    dg_op_buffers b = {.in = {by->t[k].view}, .out = {s->t[k].view}};
    if (!s->device->calls->forward(s->accumulate, &b, &(dg_step){.n = 1, .train = true}, &err))
      ck_abort_msg("%s: accumulate: %s", s->report->what, err.message);
  }
}

static void backward(subject *s) {
  slice *all = s->slices;
  float *none = rig_alloc(s->t[D_BIAS].bytes, 1);
  for (int k = D_WEIGHT; k <= D_BIAS; k++) give(&s->t[k], none);
  for (uint32_t i = 0; i < s->count; i++) {
    for (int k = D_WEIGHT; k <= D_BIAS; k++) give(&all[i].t[k], none);
    dg_op_buffers b = buffers_of(s, &all[i], all[i].t, &all->saved);
    run(s, true, &b, (dg_step){.n = all[i].n, .whole = s->n, .phase = DG_PHASE_COLLECT});
    if (s->norm->desc.d_in[0] == DG_GRAD_WRITE) rig_tensor_get(s->report, &all[i].t[D_IN], NULL, 0);
    add_up(s, &all[i]);
  }
  for (uint32_t i = 0; i < s->count; i++) {
    dg_op_buffers b = buffers_of(s, &all[i], s->t, &all->saved);
    run(s, true, &b, (dg_step){.n = all[i].n, .whole = s->n, .phase = DG_PHASE_APPLY});
  }
  free(none);
}

/** Reads what was written. */
static void take(subject *s, numbers *got) {
  float *padded = rig_alloc(s->t[D_BIAS].bytes, 1);
  for (int k = MEAN; k <= D_BIAS; k++) {
    for (uint32_t i = 0; of_samples(k) && i < s->count; i++) {
      const slice *by = &s->slices[i];
      rig_tensor_get(s->report, &by->t[k], got->x[k] + by->first * (got->count[k] / s->n),
                     by->t[k].bytes);
    }
    if (of_samples(k)) continue;
    rig_tensor_get(s->report, &s->t[k], padded, s->t[k].bytes);
    memcpy(got->x[k], padded, got->count[k] * sizeof *padded);
  }
  free(padded);
}

/** What steps that contradict themselves get. */
static void check_refusals(subject *s) {
  const dg_device_calls *calls = s->device->calls;
  dg_error err = {0};
  dg_op_buffers b = buffers_of(s, s->slices, s->t, &s->slices->saved);
  dg_step step = {.n = 1, .whole = 2, .train = true, .phase = DG_PHASE_MERGE};
  rig_refused(s->report, "no other", calls->forward(s->norm, &b, &step, &err), &err);
  rig_refused(s->report, "merging backward", calls->backward(s->norm, &b, &step, &err), &err);
  b.other = b.saved;
  step.whole = 1;
  rig_refused(s->report, "merging with none", calls->forward(s->norm, &b, &step, &err), &err);
  step.phase = DG_PHASE_FINISH;
  rig_refused(s->report, "finishing backward", calls->backward(s->norm, &b, &step, &err), &err);
  step = (dg_step){.n = 2, .whole = 1, .train = true, .phase = DG_PHASE_FINISH};
  rig_refused(s->report, "a whole of less", calls->forward(s->norm, &b, &step, &err), &err);
}

/** All that a device writes. */
static void run_case(rig_report *report, dg_device *device, const slices_case *c,
                     const dg_op_desc *desc, const numbers *given, numbers *got) {
  subject s = subject_new(report, device, c, desc, given);
  forward(&s), backward(&s), take(&s, got);
  check_refusals(&s);
  subject_free(&s);
}

/** The first device against the oracle, the others against the first. */
static void try_case(rig_report *report, dg_device *const *devices, uint32_t count,
                     const slices_case *c, const dg_op_desc *desc) {
  dg_op_desc plain = *desc;
  plain.batch_norm.statistics = false;
  uint32_t n = 0;
  for (int i = 0; i < MOST; i++) n += c->samples[i];
  snprintf(report->what, sizeof report->what, "[%u, %u, %u] around %g, act %d%s, n = %u", c->rows,
           c->channels, c->plane, (double)c->far, (int)desc->batch_norm.act.kind,
           desc->batch_norm.statistics ? ", statistics" : "", n);
  numbers given = given_for(c, &plain, n), first = numbers_new(&desc->batch_norm, n);
  run_case(report, devices[0], c, desc, &given, &first);
  compare(report, c, desc, &given, &first, n);
  for (uint32_t i = 1; i < count; i++) {
    numbers again = numbers_new(&desc->batch_norm, n);
    run_case(report, devices[i], c, desc, &given, &again);
    for (int k = MEAN; k <= D_BIAS; k++)
      rig_same_bits(report, names[k], again.x[k], first.x[k], first.count[k]);
    numbers_free(&again);
  }
  numbers_free(&given), numbers_free(&first);
}

/** Opens a target; a cpu with 1, 2 and 3 threads. Returns how many devices that makes. */
static uint32_t open_all(const rig_target *target, dg_device **devices) {
  bool cpu = strcmp(target->backend->name, "cpu") == 0;
  rig_target here = *target;
  uint32_t count = 0;
  do {
    if (cpu) here.options.threads = count + 1;
    devices[count++] = rig_open(&here);
  } while (cpu && count < THREADS);
  return count;
}

static void try_slices(const rig_target *target, int number) {
  static const dg_act acts[] = {{DG_ACT_NONE, 0},
                                {DG_ACT_RELU, 0},
                                {DG_ACT_LEAKY_RELU, 0.1f},
                                {DG_ACT_TANH, 0},
                                {DG_ACT_SIGMOID, 0}};
  enum { ACTS = sizeof acts / sizeof *acts };
  rig_report report = {.target = target};
  (void)number;
  if (rig_repeats(target, DG_OP_BATCH_NORM)) return;
  dg_device *devices[THREADS];
  uint32_t count = open_all(target, devices);
  for (size_t i = 0; i < (rig_small() ? 4 : sizeof cases / sizeof *cases); i++)
    for (size_t a = 0; a < (rig_small() ? 2 : 2 * ACTS); a++) {
      const slices_case *c = &cases[i];
      dg_op_desc desc = {
          DG_OP_BATCH_NORM,
          {(i + a) % 2 ? DG_GRAD_ADD : DG_GRAD_WRITE},
          .batch_norm = {c->rows, c->channels, c->plane, 0.1f, 1e-5f, acts[a % ACTS], a >= ACTS}};
      if (c->rows > 1 && a >= ACTS) continue; /* statistics are of one row */
      report.cases++;
      if (devices[0]->calls->supports(devices[0], &desc))
        try_case(&report, devices, count, c, &desc);
      else if (strcmp(target->backend->name, "cpu") == 0)
        rig_fail(&report, "not supported");
      else
        report.unsupported++;
    }
  for (uint32_t i = 0; i < count; i++) devices[i]->calls->close(devices[i]);
  rig_conclude(&report);
}

int main(void) {
  static const rig_group groups[] = {{"slices", try_slices, 0}};
  return rig_main("slices", groups, 1);
}
