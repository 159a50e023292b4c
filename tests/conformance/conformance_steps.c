/* Conformance of the step ops loss, update, average and accumulate. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "oracle/oracle.h"
#include "tests/conformance/conformance.h"

/* ---- what the step ops share -------------------------------------------- */

step_rig step_rig_new(rig_report *report, dg_device *device, const dg_op_desc *desc,
                      uint32_t max_n) {
  step_rig r = {.report = report, .device = device};
  dg_error err = {0};
  report->cases++;
  if (!device->calls->supports(device, desc)) rig_fail(report, "not supported");
  r.op = device->calls->prepare(device, desc, max_n, true, &err);
  if (!r.op) rig_fail(report, "prepare: %s", err.message);
  size_t bytes = r.op ? r.op->needs.forward_workspace : 0;
  r.workspace = rig_tensor_new(device, "workspace", bytes);
  return r;
}

void step_rig_free(step_rig *r) {
  rig_tensor_free(&r->workspace);
  r->device->calls->op_free(r->op);
}

void step_rig_run(step_rig *r, dg_op_buffers *buffers, const dg_step *step) {
  dg_error err = {0};
  rig_tensor_set(&r->workspace, NULL, 0);
  buffers->workspace = r->workspace.view;
  bool ok = r->device->calls->forward(r->op, buffers, step, &err) &&
            r->device->calls->finish(r->device, &err);
  if (!ok) rig_fail(r->report, "forward: %s", err.message);
  rig_tensor_get(r->report, &r->workspace, NULL, r->workspace.bytes);
}

void random_words(uint32_t *x, size_t count, uint32_t below, uint32_t seed) {
  dg_random random = dg_random_start(seed, 1, 0, 0);
  for (size_t i = 0; i < count; i++) x[i] = dg_random_below(&random, below);
}

/* ---- loss --------------------------------------------------------------- */

typedef enum { OUTPUTS_RANDOM, OUTPUTS_TIES, OUTPUTS_EXTREME, OUTPUTS_NAN } outputs_fill;

static void fill_outputs(float *x, size_t count, outputs_fill fill, uint32_t seed) {
  rig_random(x, count, seed);
  for (size_t i = 0; i < count; i++) switch (fill) {
    case OUTPUTS_RANDOM:
      x[i] *= 3;
      break;
    case OUTPUTS_TIES:
      x[i] = roundf(x[i]);
      break;
    case OUTPUTS_EXTREME:
      x[i] = x[i] < 0 ? -1e4f : 1e4f;
      break;
    case OUTPUTS_NAN:
      x[i] = i == count / 2 ? NAN : x[i];
      break;
    }
}

enum { SLOTS = 5 };

/** Numbers and what they should be. Targets of DG_LOSS_BCE are 0, 1 or between them. */
typedef struct {
  float *outputs, *targets, *weights;
  uint32_t *labels;
  size_t count;
} loss_input;

static loss_input loss_input_new(const dg_loss_desc *d, uint32_t n, outputs_fill fill) {
  loss_input in = {.count = (size_t)n * d->outputs};
  in.outputs = rig_alloc(in.count, sizeof(float));
  in.targets = rig_alloc(in.count, sizeof(float));
  in.weights = rig_alloc(d->outputs, sizeof(float));
  in.labels = rig_alloc(n, sizeof(uint32_t));
  fill_outputs(in.outputs, in.count, fill, n + d->outputs);
  random_words(in.labels, n, d->outputs, n);
  rig_random(in.targets, in.count, n + 7);
  rig_random(in.weights, d->outputs, 8);
  for (uint32_t c = 0; c < d->outputs; c++) in.weights[c] = c % 7 == 3 ? 0 : 1.5f + in.weights[c];
  for (size_t i = 0; d->kind == DG_LOSS_BCE && i < in.count; i++)
    in.targets[i] = i % 5 == 0 ? 0.5f + in.targets[i] / 2 : in.targets[i] > 0;
  return in;
}

static void loss_input_free(loss_input *in) {
  free(in->outputs), free(in->targets), free(in->weights), free(in->labels);
}

/** What a run left on the device. */
typedef struct {
  float losses[SLOTS], *d_outputs;
  uint32_t correct[SLOTS];
} loss_result;

/** Runs the op once. */
static loss_result loss_on_device(step_rig *r, const dg_loss_desc *d, uint32_t max_n,
                                  const dg_step *step, const loss_input *in, bool with_gradient) {
  size_t most = (size_t)max_n * d->outputs, bytes = in->count * sizeof(float);
  loss_result got = {.d_outputs = rig_alloc(in->count, sizeof(float))};
  rig_tensor outputs = rig_tensor_new(r->device, "outputs", most * sizeof(float));
  rig_tensor wanted =
      rig_tensor_new(r->device, "labels", (d->targets ? most : max_n) * sizeof(float));
  rig_tensor weights = rig_tensor_new(r->device, "weights", d->outputs * sizeof(float));
  rig_tensor out[] = {rig_tensor_new(r->device, "d_outputs", most * sizeof(float)),
                      rig_tensor_new(r->device, "losses", sizeof got.losses),
                      rig_tensor_new(r->device, "correct", sizeof got.correct)};
  rig_tensor_set(&outputs, in->outputs, bytes);
  if (d->targets)
    rig_tensor_set(&wanted, in->targets, bytes);
  else
    rig_tensor_set(&wanted, in->labels, step->n * sizeof *in->labels);
  rig_tensor_set(&weights, in->weights, weights.bytes);
  for (int i = 0; i < 3; i++) rig_tensor_set(&out[i], NULL, 0);
  dg_op_buffers b = {.in = {outputs.view, wanted.view, d->weighted ? weights.view : NULL},
                     .out = {with_gradient ? out[0].view : NULL, out[1].view, out[2].view}};
  step_rig_run(r, &b, step);
  rig_tensor_get(r->report, &out[0], got.d_outputs, step->train ? bytes : 0);
  rig_tensor_get(r->report, &out[1], got.losses, sizeof got.losses);
  rig_tensor_get(r->report, &out[2], got.correct, sizeof got.correct);
  rig_tensor_free(&outputs), rig_tensor_free(&wanted), rig_tensor_free(&weights);
  for (int i = 0; i < 3; i++) rig_tensor_free(&out[i]);
  return got;
}

/** Of what the gradient is a difference: it is as exact as this is large. */
static double terms_of(const dg_loss_desc *d, const dg_step *step) {
  double share = 1.0 / dg_whole_samples(step);
  if (d->kind == DG_LOSS_CROSS_ENTROPY) return share;
  return d->kind == DG_LOSS_BCE ? share / d->outputs : 0;
}

/** Have the other slots stayed poisoned? */
static void check_slots(rig_report *report, const loss_result *got, uint32_t slot) {
  for (uint32_t i = 0; i < SLOTS; i++) {
    uint32_t bits;
    memcpy(&bits, &got->losses[i], sizeof bits);
    if (i != slot && (bits != UINT32_MAX || got->correct[i] != UINT32_MAX))
      rig_fail(report, "slot %u was written instead of %u", i, slot);
  }
}

/** One run, compared with the oracle's. */
static void try_loss_run(step_rig *r, const dg_loss_desc *d, uint32_t max_n, dg_step step,
                         outputs_fill fill, bool with_gradient) {
  loss_input in = loss_input_new(d, step.n, fill);
  double *outputs = rig_doubles(in.outputs, in.count), *targets = rig_doubles(in.targets, in.count);
  double *weights = rig_doubles(in.weights, d->outputs), loss;
  double *expected = rig_alloc(in.count, sizeof *expected);
  uint32_t correct;
  oracle_loss(d, outputs, &(oracle_wanted){in.labels, targets, weights}, &step, expected, &loss,
              &correct);
  loss_result got = loss_on_device(r, d, max_n, &step, &in, with_gradient);
  rig_close(r->report, "loss", &got.losses[step.slot], &loss, 1, 1e-5);
  if (step.train && fill != OUTPUTS_NAN)
    rig_close_of(r->report, "d_outputs", got.d_outputs, expected, in.count, 1e-5,
                 terms_of(d, &step));
  if (fill != OUTPUTS_NAN && got.correct[step.slot] != correct)
    rig_fail(r->report, "n = %u: %u correct, expected %u", step.n, got.correct[step.slot], correct);
  check_slots(r->report, &got, step.slot);
  loss_input_free(&in);
  free(got.d_outputs), free(outputs), free(targets), free(weights), free(expected);
}

static void try_loss_case(rig_report *report, dg_device *device, const dg_loss_desc *d,
                          uint32_t max_n) {
  static const char *const fills[] = {"random", "ties", "extreme", "NaN"};
  static const char *const kinds[] = {"cross-entropy", "squared error", "absolute error", "Huber",
                                      "binary cross-entropy"};
  dg_op_desc desc = {.kind = DG_OP_LOSS, .loss = *d};
  step_rig r = step_rig_new(report, device, &desc, max_n);
  const outputs_fill last = rig_small() ? OUTPUTS_RANDOM : OUTPUTS_NAN; /* values move no access */
  for (outputs_fill fill = OUTPUTS_RANDOM; r.op && fill <= last; fill++)
    for (uint32_t n = 1; n <= max_n; n++) {
      if (max_n > 8 && n > 2 && n + 2 < max_n && n != max_n / 2) continue;
      if (fill != OUTPUTS_RANDOM && n != 1 && n != max_n) continue;
      snprintf(report->what, sizeof report->what,
               "%s of %u outputs and %s%s, smoothing %g, delta %g, %s, n = %u of %u",
               kinds[d->kind], d->outputs, d->targets ? "targets" : "labels",
               d->weighted ? ", weighted" : "", d->smoothing, d->delta, fills[fill], n, max_n);
      dg_step step = {.n = n, .train = true, .slot = n % SLOTS};
      try_loss_run(&r, d, max_n, step, fill, true);
      if (fill != OUTPUTS_RANDOM) continue;
      step.train = false;
      try_loss_run(&r, d, max_n, step, fill, n % 2);
      step.train = true, step.whole = 3 * n;
      try_loss_run(&r, d, max_n, step, fill, true);
    }
  step_rig_free(&r);
}

/** Losses of every kind; the number of outputs is filled in. */
static const dg_loss_desc losses[] = {
    {.kind = DG_LOSS_CROSS_ENTROPY},
    {.kind = DG_LOSS_CROSS_ENTROPY, .smoothing = 0.1f},
    {.kind = DG_LOSS_CROSS_ENTROPY, .smoothing = 0.1f, .weighted = true},
    {.kind = DG_LOSS_MSE},
    {.kind = DG_LOSS_MSE, .weighted = true},
    {.kind = DG_LOSS_MSE, .targets = true},
    {.kind = DG_LOSS_MAE},
    {.kind = DG_LOSS_MAE, .targets = true},
    {.kind = DG_LOSS_HUBER, .delta = 0.75f, .weighted = true},
    {.kind = DG_LOSS_HUBER, .delta = 2, .targets = true},
    {.kind = DG_LOSS_BCE, .weighted = true},
    {.kind = DG_LOSS_BCE, .targets = true},
};
enum { LOSSES = sizeof losses / sizeof *losses };

/** Descriptions whose parts contradict each other. */
static void try_contradictions(rig_report *report, dg_device *device) {
  static const dg_loss_desc wrong[] = {
      {.kind = DG_LOSS_MSE, .outputs = 10, .smoothing = 0.1f},
      {.kind = DG_LOSS_BCE, .outputs = 10, .targets = true, .smoothing = 0.1f},
      {.kind = DG_LOSS_CROSS_ENTROPY, .outputs = 10, .targets = true},
      {.kind = DG_LOSS_MSE, .outputs = 10, .targets = true, .weighted = true},
      {.kind = DG_LOSS_CROSS_ENTROPY, .outputs = 10, .smoothing = 1},
      {.kind = DG_LOSS_CROSS_ENTROPY, .outputs = 10, .smoothing = -0.1f},
      {.kind = DG_LOSS_CROSS_ENTROPY, .outputs = 10, .smoothing = NAN},
      {.kind = DG_LOSS_HUBER, .outputs = 10},
      {.kind = DG_LOSS_HUBER, .outputs = 10, .delta = NAN},
      {.kind = DG_LOSS_MAE},
      {.kind = (dg_loss_kind)(DG_LOSS_BCE + 1), .outputs = 10},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    const dg_op_desc desc = {.kind = DG_OP_LOSS, .loss = wrong[i]};
    dg_error err = {0};
    if (device->calls->supports(device, &desc))
      rig_fail(report, "contradiction %zu is said to be supported", i);
    if (dg_op_check(&desc, 1, UINT32_MAX, &err)) rig_fail(report, "contradiction %zu is taken", i);
  }
}

/** A label outside of the outputs has no loss. */
static void try_outside(rig_report *report, dg_device *device, const dg_loss_desc *d) {
  enum { MAX_N = 3 };
  const dg_op_desc desc = {.kind = DG_OP_LOSS, .loss = *d};
  const dg_step step = {.n = MAX_N, .train = true};
  snprintf(report->what, sizeof report->what, "loss %d with a label outside", d->kind);
  step_rig r = step_rig_new(report, device, &desc, MAX_N);
  loss_input in = loss_input_new(d, MAX_N, OUTPUTS_RANDOM);
  in.labels[1] = d->outputs;
  loss_result got = loss_on_device(&r, d, MAX_N, &step, &in, true);
  if (!isnan(got.losses[0])) rig_fail(report, "the loss is %g", got.losses[0]);
  loss_input_free(&in);
  free(got.d_outputs);
  step_rig_free(&r);
}

void try_loss(const rig_target *target, int number) {
  if (!rig_turn() || rig_repeats(target, DG_OP_LOSS)) return;
  (void)number;
  static const struct {
    uint32_t outputs, max_n;
  } cases[] = {{2, 3},     {10, 5},  {1, 3},    {10, 64},  {33, 17},
               {10, 1024}, {257, 9}, {33, 600}, {3072, 7}, {1, 1500}};
  rig_report report = {.target = target};
  dg_device *device = rig_open(target);
  for (size_t i = 0; i < (rig_small() ? 2 : sizeof cases / sizeof *cases); i++)
    for (size_t k = 0; k < LOSSES; k++) {
      dg_loss_desc d = losses[k];
      d.outputs = cases[i].outputs;
      if (d.kind == DG_LOSS_CROSS_ENTROPY && d.outputs > 1024) continue; /* sets: 256 classes */
      try_loss_case(&report, device, &d, cases[i].max_n);
      if (!d.targets && !rig_small()) try_outside(&report, device, &d);
    }
  try_contradictions(&report, device);
  device->calls->close(device);
  rig_conclude(&report);
}

/* ---- update ------------------------------------------------------------- */

enum { STATE_ARRAYS = 3 }; /* at most */

/** An optimizer on a device, beside the oracle's. */
typedef struct {
  step_rig rig;
  const dg_update_desc *d;
  rig_tensor gradients, parameters, state, fault;
  float *given, *got; /**< gradients; what is read back */
  double *p, *s;      /**< the oracle's parameters and state (room for STATE_ARRAYS) */
  uint32_t expected_fault[2];
} update_rig;

static size_t update_bytes(const dg_update_desc *d) {
  return d->count * sizeof(float);
}

static update_rig update_rig_new(rig_report *report, dg_device *device, const dg_update_desc *d) {
  dg_op_desc desc = {.kind = DG_OP_UPDATE, .update = *d};
  uint32_t arrays = oracle_state_arrays(d);
  update_rig u = {.rig = step_rig_new(report, device, &desc, 1),
                  .d = d,
                  .gradients = rig_tensor_new(device, "gradients", update_bytes(d)),
                  .parameters = rig_tensor_new(device, "parameters", update_bytes(d)),
                  .state = rig_tensor_new(device, "state", arrays * update_bytes(d)),
                  .fault = rig_tensor_new(device, "fault", 2 * sizeof(uint32_t)),
                  .given = rig_alloc(d->count, sizeof(float)),
                  .got = rig_alloc(STATE_ARRAYS * (size_t)d->count, sizeof(float)),
                  .s = rig_alloc(STATE_ARRAYS * (size_t)d->count, sizeof(double)),
                  .expected_fault = {0, UINT32_MAX}};
  rig_tensor_set(&u.state, u.got, arrays * update_bytes(d));
  rig_random(u.got, d->count, 1);
  u.p = rig_doubles(u.got, d->count);
  rig_tensor_set(&u.parameters, u.got, update_bytes(d));
  rig_tensor_set(&u.fault, u.expected_fault, sizeof u.expected_fault);
  return u;
}

static void update_rig_free(update_rig *u) {
  rig_tensor_free(&u->gradients), rig_tensor_free(&u->parameters);
  rig_tensor_free(&u->state), rig_tensor_free(&u->fault);
  step_rig_free(&u->rig);
  free(u->given), free(u->got), free(u->p), free(u->s);
}

/** One step with the gradients in `given`, on the device and by the oracle. */
static void update_step(update_rig *u, const dg_step *step) {
  rig_tensor_set(&u->gradients, u->given, update_bytes(u->d));
  dg_op_buffers b = {.in = {u->gradients.view},
                     .out = {u->parameters.view, u->state.view, u->fault.view}};
  step_rig_run(&u->rig, &b, step);
  double *g = rig_doubles(u->given, u->d->count);
  oracle_update(u->d, g, step, u->p, u->s, u->expected_fault);
  free(g);
}

static void check_fault(update_rig *u) {
  uint32_t fault[2];
  rig_tensor_get(u->rig.report, &u->fault, fault, sizeof fault);
  if (memcmp(fault, u->expected_fault, sizeof fault) != 0)
    rig_fail(u->rig.report, "fault is {%u, %u}, expected {%u, %u}", fault[0], fault[1],
             u->expected_fault[0], u->expected_fault[1]);
}

/** Compares parameters, state and fault with the oracle's. */
static void update_compare(update_rig *u) {
  static const char *const arrays[STATE_ARRAYS] = {"state[0]", "state[1]", "state[2]"};
  rig_report *report = u->rig.report;
  rig_tensor_get(report, &u->parameters, u->got, update_bytes(u->d));
  rig_close(report, "parameters", u->got, u->p, u->d->count, 1e-5);
  rig_tensor_get(report, &u->state, u->got, u->state.bytes);
  for (uint32_t k = 0; k < oracle_state_arrays(u->d); k++) {
    size_t at = (size_t)k * u->d->count;
    rig_close(report, arrays[k], u->got + at, u->s + at, u->d->count, 1e-5);
  }
  rig_tensor_get(report, &u->gradients, NULL, update_bytes(u->d));
  check_fault(u);
}

/** Several steps, with another learning rate and other gradients in each. */
static void try_steps(rig_report *report, dg_device *device, const dg_update_desc *d) {
  update_rig u = update_rig_new(report, device, d);
  for (uint32_t i = 0; u.rig.op && i < (rig_small() ? 2 : 5); i++) {
    dg_step step = {.n = 1, .train = true, .step = i, .lr = 0.05f / (float)(i + 1)};
    rig_random(u.given, d->count, 50 + i);
    update_step(&u, &step);
    update_compare(&u);
  }
  update_rig_free(&u);
}

/**
 * A good step, one with gradients that are not finite, and two that must be skipped. Clipping has
 * no norm to clip to then, so what it makes of the finite elements is left open.
 */
static void try_fault(rig_report *report, dg_device *device, const dg_update_desc *d) {
  update_rig u = update_rig_new(report, device, d);
  uint32_t first = d->count / 3;
  float before = 0, after = 0;
  for (uint32_t i = 0; u.rig.op && i < 4; i++) {
    dg_step step = {.n = 1, .train = true, .step = 7 + i, .lr = 0.05f};
    rig_random(u.given, d->count, 60 + i);
    if (i == 1) {
      u.given[d->count - 1] = NAN, u.given[first] = -INFINITY, u.given[d->count / 2] = NAN;
      rig_tensor_get(report, &u.parameters, u.got, update_bytes(d));
      before = u.got[first];
    }
    update_step(&u, &step);
    check_fault(&u);
    if (d->clip_norm == 0) update_compare(&u);
    rig_tensor_get(report, &u.parameters, u.got, update_bytes(d));
    after = u.got[first];
    if (i >= 1 && memcmp(&before, &after, sizeof before) != 0)
      rig_fail(report,
               "step %u: parameters[%u] was %g and is %g, though its gradient is not finite",
               step.step, first, before, after);
  }
  update_rig_free(&u);
}

static const dg_update_desc optimizers[] = {
    {.kind = DG_SGD},
    {.kind = DG_SGD, .momentum = 0.9f},
    {.kind = DG_SGD, .momentum = 0.9f, .nesterov = true, .weight_decay = 0.01f},
    {.kind = DG_SGD, .weight_decay = 0.1f, .clip_norm = 1},
    {.kind = DG_ADAM, .beta1 = 0.9f, .beta2 = 0.999f, .eps = 1e-8f},
    {.kind = DG_ADAM, .beta1 = 0.9f, .beta2 = 0.999f, .eps = 1e-8f, .weight_decay = 0.1f},
    {.kind = DG_ADAM,
     .beta1 = 0.8f,
     .beta2 = 0.95f,
     .eps = 1e-3f,
     .weight_decay = 0.1f,
     .decoupled = true,
     .clip_norm = 0.5f},
    {.kind = DG_ADADELTA, .rho = 0.9f, .eps = 1e-6f},
    {.kind = DG_ADADELTA, .rho = 0.9f, .eps = 1e-8f, .weight_decay = 0.01f, .clip_norm = 1000},
    {.kind = DG_RMSPROP, .alpha = 0.99f, .eps = 1e-8f},
    {.kind = DG_RMSPROP, .alpha = 0.9f, .eps = 1e-6f, .momentum = 0.9f, .weight_decay = 0.01f},
    {.kind = DG_RMSPROP, .alpha = 0.9f, .eps = 1e-3f, .centered = true, .clip_norm = 1},
    {.kind = DG_RMSPROP, .alpha = 0.8f, .eps = 1e-3f, .centered = true, .momentum = 0.5f},
};

void try_update(const rig_target *target, int number) {
  if (!rig_turn() || rig_repeats(target, DG_OP_UPDATE)) return;
  (void)number;
  static const char *const names[] = {"sgd", "adam", "adadelta", "rmsprop"};
  static const uint32_t counts[] = {16, 48, 1040, 79520, 607408};
  rig_report report = {.target = target};
  dg_device *device = rig_open(target);
  for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++)
    for (size_t c = 0; c < (rig_small() ? 2 : 4 + (i % 3 == 0)); c++) {
      dg_update_desc d = optimizers[i];
      d.count = counts[c];
      const uint32_t ends[] = {16, d.count / 48 * 16, d.count};
      if (c % 2) d.param_ends = ends, d.params = 3;
      snprintf(report.what, sizeof report.what,
               "%s of %u in %u parts, momentum %g%s, weight decay %g%s, clip %g%s", names[d.kind],
               d.count, d.params, d.momentum, d.nesterov ? " (nesterov)" : "", d.weight_decay,
               d.decoupled ? " (decoupled)" : "", d.clip_norm, d.centered ? ", centered" : "");
      try_steps(&report, device, &d);
      try_fault(&report, device, &d);
    }
  device->calls->close(device);
  rig_conclude(&report);
}

/* ---- average and accumulate --------------------------------------------- */

/** Several steps with other values and another decay in each. */
static void try_average_case(rig_report *report, dg_device *device, dg_op_kind kind,
                             uint32_t count) {
  static const float decays[] = {0, 0.1f, 0.9f, 0.999f, 1};
  size_t bytes = count * sizeof(float);
  dg_op_desc desc = {.kind = kind};
  if (kind == DG_OP_AVERAGE) desc.average.count = count;
  if (kind == DG_OP_ACCUMULATE) desc.accumulate.count = count;
  snprintf(report->what, sizeof report->what, "%s of %u", dg_op_name(kind), count);
  step_rig r = step_rig_new(report, device, &desc, 1);
  rig_tensor values = rig_tensor_new(device, "values", bytes);
  rig_tensor results = rig_tensor_new(device, "results", bytes);
  float *given = rig_alloc(count, sizeof *given), *got = rig_alloc(count, sizeof *got);
  rig_random(got, count, 1);
  rig_tensor_set(&results, got, bytes);
  double *expected = rig_doubles(got, count);
  for (uint32_t i = 0; r.op && i < sizeof decays / sizeof *decays; i++) {
    dg_step step = {.n = 1, .train = true, .step = i, .decay = decays[i]};
    rig_random(given, count, 2 + i);
    rig_tensor_set(&values, given, bytes);
    dg_op_buffers b = {.in = {values.view}, .out = {results.view}};
    step_rig_run(&r, &b, &step);
    double *wide = rig_doubles(given, count);
    if (kind == DG_OP_AVERAGE) oracle_average(&desc.average, wide, &step, expected);
    if (kind == DG_OP_ACCUMULATE) oracle_accumulate(&desc.accumulate, wide, expected);
    free(wide);
    rig_tensor_get(report, &results, got, bytes);
    rig_close(report, "results", got, expected, count, 1e-6);
    rig_tensor_get(report, &values, given, bytes);
  }
  rig_tensor_free(&values), rig_tensor_free(&results);
  step_rig_free(&r);
  free(given), free(got), free(expected);
}

static void try_averages(const rig_target *target, dg_op_kind kind) {
  if (!rig_turn() || rig_repeats(target, kind)) return;
  static const uint32_t counts[] = {16, 48, 1040, 79520};
  rig_report report = {.target = target};
  dg_device *device = rig_open(target);
  for (size_t i = 0; i < (rig_small() ? 2 : sizeof counts / sizeof *counts); i++)
    try_average_case(&report, device, kind, counts[i]);
  device->calls->close(device);
  rig_conclude(&report);
}

void try_average(const rig_target *target, int number) {
  (void)number;
  try_averages(target, DG_OP_AVERAGE);
}

void try_accumulate(const rig_target *target, int number) {
  (void)number;
  try_averages(target, DG_OP_ACCUMULATE);
}
