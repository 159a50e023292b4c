/*
 * Op conformance: every op of every backend, on every device, in every kernel form, against the
 * oracle. Before a run all that it must write is poisoned, and so is all around it.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/oracle.h"
#include "tests/common/cases/cases.h"
#include "tests/conformance/conformance.h"

/* ---- one case ----------------------------------------------------------- */

/** A layer op on a device. */
typedef struct {
  rig_report *report;
  dg_device *device;
  const layer_case *c;
  oracle_sizes sizes;
  dg_op *op;
  rig_tensor in[DG_MAX_IN], d_in[DG_MAX_IN], out, d_out, param[DG_MAX_PARAM], d_param[DG_MAX_PARAM];
  rig_tensor running[DG_MAX_RUNNING];
  rig_tensor saved, forward_workspace, backward_workspace;
  bool keeps_params; /**< those that the device was given before are not written again */
  dg_op *before;     /**< runs forward right before `op`; NULL: none */
  rig_tensor before_in, before_out;
} layer_rig;

/** Its tensors on the host. What is given: in, param, running, d_out and, to add to, d_in. */
typedef struct {
  float *in[DG_MAX_IN], *param[DG_MAX_PARAM], *running[DG_MAX_RUNNING], *out;
  float *d_in[DG_MAX_IN], *d_param[DG_MAX_PARAM], *d_out;
} layer_floats;

static layer_floats floats_new(const oracle_sizes *z, uint32_t n) {
  layer_floats f = {.out = rig_alloc(n * z->out, sizeof(float)),
                    .d_out = rig_alloc(n * z->out, sizeof(float))};
  for (uint32_t k = 0; k < z->inputs; k++) {
    f.in[k] = rig_alloc(n * z->in[k], sizeof(float));
    f.d_in[k] = rig_alloc(n * z->in[k], sizeof(float));
  }
  for (uint32_t k = 0; k < z->params; k++) {
    f.param[k] = rig_alloc(z->param[k], sizeof(float));
    f.d_param[k] = rig_alloc(z->param[k], sizeof(float));
  }
  for (uint32_t k = 0; k < z->running_count; k++)
    f.running[k] = rig_alloc(z->running[k], sizeof(float));
  return f;
}

static void floats_free(layer_floats *f) {
  for (size_t k = 0; k < DG_MAX_IN; k++) free(f->in[k]), free(f->d_in[k]);
  for (size_t k = 0; k < DG_MAX_PARAM; k++) free(f->param[k]), free(f->d_param[k]);
  for (size_t k = 0; k < DG_MAX_RUNNING; k++) free(f->running[k]);
  free(f->out), free(f->d_out);
}

/** The same tensors in doubles. */
static oracle_tensors doubles_of(const layer_floats *f, const oracle_sizes *z, uint32_t n) {
  oracle_tensors t = {.out = rig_doubles(f->out, n * z->out),
                      .d_out = rig_doubles(f->d_out, n * z->out)};
  for (uint32_t k = 0; k < z->inputs; k++) {
    t.in[k] = rig_doubles(f->in[k], n * z->in[k]);
    t.d_in[k] = rig_doubles(f->d_in[k], n * z->in[k]);
  }
  for (uint32_t k = 0; k < z->params; k++) {
    t.param[k] = rig_doubles(f->param[k], z->param[k]);
    t.d_param[k] = rig_doubles(f->d_param[k], z->param[k]);
  }
  for (uint32_t k = 0; k < z->running_count; k++)
    t.running[k] = rig_doubles(f->running[k], z->running[k]);
  return t;
}

static void doubles_free(oracle_tensors *t) {
  for (size_t k = 0; k < DG_MAX_IN; k++) free((void *)t->in[k]), free(t->d_in[k]);
  for (size_t k = 0; k < DG_MAX_PARAM; k++) free((void *)t->param[k]), free(t->d_param[k]);
  for (size_t k = 0; k < DG_MAX_RUNNING; k++) free(t->running[k]);
  free(t->out), free((void *)t->d_out);
}

static void fill_input(float *x, size_t count, layer_fill fill, uint32_t seed) {
  rig_random(x, count, seed);
  for (size_t i = 0; i < count; i++) switch (fill) {
    case FILL_RANDOM:
      break;
    case FILL_TIES:
      x[i] = floorf(1.5f * x[i] + 0.5f);
      break;
    case FILL_WIDE:
      x[i] *= 100;
      break;
    case FILL_NAN:
      x[i] = i % 97 == 50 ? NAN : x[i];
      break;
    case FILL_MINUS_INFINITY:
      x[i] = i % 7 == 3 ? x[i] : -INFINITY;
      break;
    case FILL_FAR:
      x[i] += 30;
      break;
    }
}

static layer_floats given_for(const layer_rig *r, uint32_t n) {
  const oracle_sizes *z = &r->sizes;
  layer_floats given = floats_new(z, n);
  for (uint32_t k = 0; k < z->inputs; k++) {
    const uint32_t steps = layer_case_steps(&r->c->desc, k);
    fill_input(given.in[k], n * z->in[k], steps ? FILL_RANDOM : r->c->fill, 100 * n + k);
    for (size_t i = 0; steps && i < n * z->in[k]; i++)
      given.in[k][i] = layer_case_length((double)given.in[k][i], steps);
    rig_random(given.d_in[k], n * z->in[k], 100 * n + 10 + k);
  }
  for (uint32_t k = 0; k < z->params; k++) {
    float scale = layer_case_scale(&r->c->desc, k);
    rig_random(given.param[k], z->param[k], 100 * n + 20 + k);
    for (size_t i = 0; i < z->param[k]; i++) given.param[k][i] *= scale;
  }
  for (uint32_t k = 0; k < z->running_count; k++) {
    rig_random(given.running[k], z->running[k], 40 + k);
    for (size_t i = 0; i < z->running[k]; i++) given.running[k][i] += 1.5f; /* of a variance, too */
  }
  rig_random(given.d_out, n * z->out, 100 * n + 30);
  return given;
}

/** Clears d_out where rounding may put what is fused on the other side of a kink. */
static void avoid_kinks(const layer_rig *r, layer_floats *given, const dg_step *step) {
  oracle_tensors t = doubles_of(given, &r->sizes, step->n);
  bool *kinks = oracle_kinks(&r->c->desc, &t, step);
  for (size_t i = 0; i < step->n * r->sizes.out; i++)
    if (kinks[i]) given->d_out[i] = 0;
  free(kinks);
  doubles_free(&t);
}

/* ---- on the device ------------------------------------------------------ */

/** What an op was given must still be there. */
static void check_unchanged(layer_rig *r, const rig_tensor *t, const float *given, size_t count) {
  float *now = rig_alloc(count, sizeof *now);
  rig_tensor_get(r->report, t, now, count * sizeof *now);
  if (memcmp(now, given, count * sizeof *now) != 0)
    rig_fail(r->report, "%s was given to be read, and was written", t->name);
  free(now);
}

static dg_op_buffers buffers_of(const layer_rig *r, dg_buffer *workspace) {
  dg_op_buffers b = {
      .out = {r->out.view}, .d_out = r->d_out.view, .saved = r->saved.view, .workspace = workspace};
  for (uint32_t k = 0; k < r->sizes.inputs; k++) {
    b.in[k] = r->in[k].view;
    b.d_in[k] = r->c->desc.d_in[k] == DG_GRAD_NONE ? NULL : r->d_in[k].view;
  }
  for (uint32_t k = 0; k < r->sizes.params; k++) {
    b.param[k] = r->param[k].view;
    b.d_param[k] = r->d_param[k].view;
  }
  for (uint32_t k = 0; k < r->sizes.running_count; k++) b.running[k] = r->running[k].view;
  return b;
}

static void device_forward(layer_rig *r, const layer_floats *given, const dg_step *step,
                           layer_floats *got) {
  const oracle_sizes *z = &r->sizes;
  for (uint32_t k = 0; k < z->inputs; k++)
    rig_tensor_set(&r->in[k], given->in[k], step->n * z->in[k] * sizeof(float));
  for (uint32_t k = 0; k < z->params && !r->keeps_params; k++)
    rig_tensor_set(&r->param[k], given->param[k], z->param[k] * sizeof(float));
  for (uint32_t k = 0; k < z->running_count; k++)
    rig_tensor_set(&r->running[k], given->running[k], z->running[k] * sizeof(float));
  rig_tensor_set(&r->out, NULL, 0);
  rig_tensor_set(&r->saved, NULL, 0);
  rig_tensor_set(&r->forward_workspace, NULL, 0);

  dg_error err = {0};
  dg_op_buffers buffers = buffers_of(r, r->forward_workspace.view);
  dg_op_buffers before = {.in = {r->before_in.view}, .out = {r->before_out.view}};
  bool ok = (!r->before || r->device->calls->forward(r->before, &before, step, &err)) &&
            r->device->calls->forward(r->op, &buffers, step, &err) &&
            r->device->calls->finish(r->device, &err);
  if (!ok) rig_fail(r->report, "n = %u: forward: %s", step->n, err.message);

  rig_tensor_get(r->report, &r->out, got->out, step->n * z->out * sizeof(float));
  rig_tensor_get(r->report, &r->saved, NULL, r->saved.bytes);
  rig_tensor_get(r->report, &r->forward_workspace, NULL, r->forward_workspace.bytes);
  for (uint32_t k = 0; k < z->inputs; k++)
    check_unchanged(r, &r->in[k], given->in[k], step->n * z->in[k]);
  for (uint32_t k = 0; k < z->params; k++)
    check_unchanged(r, &r->param[k], given->param[k], z->param[k]);
  for (uint32_t k = 0; k < z->running_count; k++)
    rig_tensor_get(r->report, &r->running[k], got->running[k], z->running[k] * sizeof(float));
}

/** After device_forward, whose outputs it needs. */
static void device_backward(layer_rig *r, const layer_floats *given, const dg_step *step,
                            layer_floats *got) {
  const oracle_sizes *z = &r->sizes;
  for (uint32_t k = 0; k < z->inputs; k++) {
    bool adds = r->c->desc.d_in[k] == DG_GRAD_ADD;
    rig_tensor_set(&r->d_in[k], adds ? given->d_in[k] : NULL, step->n * z->in[k] * sizeof(float));
    if (!r->op->needs.backward_reads_in) rig_tensor_set(&r->in[k], NULL, 0);
  }
  for (uint32_t k = 0; k < z->params; k++) rig_tensor_set(&r->d_param[k], NULL, 0);
  if (!r->op->needs.backward_reads_out) rig_tensor_set(&r->out, NULL, 0);
  rig_tensor_set(&r->d_out, given->d_out, step->n * z->out * sizeof(float));
  rig_tensor_set(&r->backward_workspace, NULL, 0);

  dg_error err = {0};
  dg_op_buffers buffers = buffers_of(r, r->backward_workspace.view);
  bool ok = r->device->calls->backward(r->op, &buffers, step, &err) &&
            r->device->calls->finish(r->device, &err);
  if (!ok) rig_fail(r->report, "n = %u: backward: %s", step->n, err.message);

  for (uint32_t k = 0; k < z->inputs; k++) {
    bool none = r->c->desc.d_in[k] == DG_GRAD_NONE;
    rig_tensor_get(r->report, &r->d_in[k], got->d_in[k],
                   none ? 0 : step->n * z->in[k] * sizeof(float));
  }
  for (uint32_t k = 0; k < z->params; k++)
    rig_tensor_get(r->report, &r->d_param[k], got->d_param[k], z->param[k] * sizeof(float));
  rig_tensor_get(r->report, &r->saved, NULL, r->saved.bytes);
  rig_tensor_get(r->report, &r->backward_workspace, NULL, r->backward_workspace.bytes);
  check_unchanged(r, &r->d_out, given->d_out, step->n * z->out);
  for (uint32_t k = 0; k < z->running_count; k++)
    check_unchanged(r, &r->running[k], got->running[k], z->running[k]);
}

/* ---- against the oracle ------------------------------------------------- */

enum { FORWARD_ONLY, WITH_BACKWARD };

static void compare(layer_rig *r, const layer_floats *got, const oracle_tensors *expected,
                    const dg_step *step, int with_backward) {
  const oracle_sizes *z = &r->sizes;
  const double tolerance = 1e-5;
  rig_close(r->report, "out", got->out, expected->out, step->n * z->out, tolerance);
  for (uint32_t k = 0; k < z->running_count; k++)
    rig_close(r->report, r->running[k].name, got->running[k], expected->running[k], z->running[k],
              tolerance);
  if (!with_backward) return;
  double terms = oracle_cancelling(&r->c->desc, expected, step);
  for (uint32_t k = 0; k < z->inputs; k++)
    if (r->c->desc.d_in[k] != DG_GRAD_NONE)
      rig_close_of(r->report, r->d_in[k].name, got->d_in[k], expected->d_in[k], step->n * z->in[k],
                   tolerance, terms);
  double many = r->before ? 1 : 0; /* samples' gradients of about 1 may all but cancel */
  for (uint32_t k = 0; k < z->params; k++)
    rig_close_of(r->report, r->d_param[k].name, got->d_param[k], expected->d_param[k], z->param[k],
                 tolerance, many);
}

static void compare_bits(layer_rig *r, const layer_floats *second, const layer_floats *first,
                         uint32_t n) {
  const oracle_sizes *z = &r->sizes;
  rig_same_bits(r->report, "out", second->out, first->out, n * z->out);
  for (uint32_t k = 0; k < z->inputs; k++)
    rig_same_bits(r->report, r->d_in[k].name, second->d_in[k], first->d_in[k], n * z->in[k]);
  for (uint32_t k = 0; k < z->params; k++)
    rig_same_bits(r->report, r->d_param[k].name, second->d_param[k], first->d_param[k],
                  z->param[k]);
  for (uint32_t k = 0; k < z->running_count; k++)
    rig_same_bits(r->report, r->running[k].name, second->running[k], first->running[k],
                  z->running[k]);
}

/** Elements that training drops are exactly 0, forward and backward, and no others. */
static void compare_masks(layer_rig *r, const layer_floats *given, const layer_floats *got,
                          const dg_step *step) {
  const dg_dropout_desc *d = &r->c->desc.dropout;
  bool writes = r->c->desc.d_in[0] == DG_GRAD_WRITE;
  for (uint32_t s = 0; s < step->n; s++)
    for (uint32_t e = 0; e < d->count; e++) {
      size_t i = (size_t)s * d->count + e;
      bool dropped = oracle_dropped(d, step, s, e);
      bool forward = given->in[0][i] == 0 || (got->out[i] == 0) == dropped;
      bool backward = !writes || given->d_out[i] == 0 || (got->d_in[0][i] == 0) == dropped;
      if (!forward || !backward) {
        rig_fail(r->report, "sample %u, element %u must%s be dropped %s", s, e,
                 dropped ? "" : " not", forward ? "backward" : "forward");
        return;
      }
    }
}

/** Runs the case with n samples, and compares; twice with as many as there can be, where time
   allows, and where it tests, but with the parameters that it was given before. */
static void try_samples(layer_rig *r, uint32_t n, bool train) {
  dg_step step = {
      .n = n, .train = train, .seed = 7 + n, .step = 3 * n, .batch_index = n % 2 ? 5 : 0};
  layer_floats given = given_for(r, n);
  if (train) avoid_kinks(r, &given, &step);
  oracle_tensors expected = doubles_of(&given, &r->sizes, n);
  oracle_forward(&r->c->desc, &expected, &step);

  layer_floats first = floats_new(&r->sizes, n), second = floats_new(&r->sizes, n);
  device_forward(r, &given, &step, &first);
  if (train) {
    oracle_backward(&r->c->desc, &expected, &step);
    device_backward(r, &given, &step, &first);
    if (n == r->c->max_n && !rig_small()) {
      device_forward(r, &given, &step, &second);
      device_backward(r, &given, &step, &second);
      compare_bits(r, &second, &first, n);
    }
    if (r->c->desc.kind == DG_OP_DROPOUT) compare_masks(r, &given, &first, &step);
  } else if (n == r->c->max_n) {
    r->keeps_params = true; /* what the op made of them may be used again */
    device_forward(r, &given, &step, &second);
    r->keeps_params = false;
    rig_same_bits(r->report, "out", second.out, first.out, n * r->sizes.out);
  }
  compare(r, &first, &expected, &step, train ? WITH_BACKWARD : FORWARD_ONLY);
  floats_free(&given), floats_free(&first), floats_free(&second);
  doubles_free(&expected);
}

static layer_rig rig_new(rig_report *report, dg_device *device, const layer_case *c, dg_op *op) {
  static const char *const in[] = {"in[0]", "in[1]", "in[2]", "in[3]",
                                   "in[4]", "in[5]", "in[6]", "in[7]"};
  static const char *const d_in[] = {"d_in[0]", "d_in[1]", "d_in[2]", "d_in[3]",
                                     "d_in[4]", "d_in[5]", "d_in[6]", "d_in[7]"};
  static const char *const param[DG_MAX_PARAM] = {"param[0]", "param[1]", "param[2]", "param[3]",
                                                  "param[4]", "param[5]", "param[6]", "param[7]"};
  static const char *const d_param[DG_MAX_PARAM] = {"d_param[0]", "d_param[1]", "d_param[2]",
                                                    "d_param[3]", "d_param[4]", "d_param[5]",
                                                    "d_param[6]", "d_param[7]"};
  static const char *const running[] = {"running[0]", "running[1]"};
  layer_rig r = {
      .report = report, .device = device, .c = c, .sizes = oracle_sizes_of(&c->desc), .op = op};
  size_t out_bytes = c->max_n * r.sizes.out * sizeof(float);
  for (uint32_t k = 0; k < r.sizes.inputs; k++) {
    size_t in_bytes = c->max_n * r.sizes.in[k] * sizeof(float);
    r.in[k] = rig_tensor_new(device, in[k], in_bytes);
    r.d_in[k] = rig_tensor_new(device, d_in[k], in_bytes);
  }
  for (uint32_t k = 0; k < r.sizes.params; k++) {
    r.param[k] = rig_tensor_new(device, param[k], r.sizes.param[k] * sizeof(float));
    r.d_param[k] = rig_tensor_new(device, d_param[k], r.sizes.param[k] * sizeof(float));
  }
  for (uint32_t k = 0; k < r.sizes.running_count; k++)
    r.running[k] = rig_tensor_new(device, running[k], r.sizes.running[k] * sizeof(float));
  r.out = rig_tensor_new(device, "out", out_bytes);
  r.d_out = rig_tensor_new(device, "d_out", out_bytes);
  r.saved = rig_tensor_new(device, "saved", op->needs.saved);
  r.forward_workspace = rig_tensor_new(device, "forward workspace", op->needs.forward_workspace);
  r.backward_workspace = rig_tensor_new(device, "backward workspace", op->needs.backward_workspace);
  return r;
}

static void rig_free(layer_rig *r) {
  for (uint32_t k = 0; k < r->sizes.inputs; k++)
    rig_tensor_free(&r->in[k]), rig_tensor_free(&r->d_in[k]);
  for (uint32_t k = 0; k < r->sizes.params; k++)
    rig_tensor_free(&r->param[k]), rig_tensor_free(&r->d_param[k]);
  for (uint32_t k = 0; k < r->sizes.running_count; k++) rig_tensor_free(&r->running[k]);
  rig_tensor_free(&r->out), rig_tensor_free(&r->d_out), rig_tensor_free(&r->saved);
  rig_tensor_free(&r->forward_workspace), rig_tensor_free(&r->backward_workspace);
  r->device->calls->op_free(r->op);
  if (!r->before) return;
  r->device->calls->op_free(r->before);
  rig_tensor_free(&r->before_in), rig_tensor_free(&r->before_out);
}

/** Prepares the op for training or testing and runs it with every n, or with those that matter. */
static void try_case(rig_report *report, dg_device *device, const layer_case *c, bool train) {
  dg_error err = {0};
  dg_op *op = device->calls->prepare(device, &c->desc, c->max_n, train, &err);
  if (!op) {
    rig_fail(report, "prepare: %s", err.message);
    return;
  }
  layer_rig r = rig_new(report, device, c, op);
  bool every = c->max_n <= 8;
  for (uint32_t n = 1; n <= c->max_n && train; n++) {
    bool matters = n == 1 || n == c->max_n / 2 + 1 || n + 1 == c->max_n || n == c->max_n;
    if (rig_small() ? n == c->max_n : every || matters) try_samples(&r, n, true);
  }
  if (!train) try_samples(&r, 1, false);
  if (!rig_small() || !train) try_samples(&r, c->max_n, false);
  rig_free(&r);
}

/**
 * Many samples behind another op that trains, on a cpu device of two threads: they go through both,
 * each with its own samples.
 */
static void try_in_a_row(rig_report *report, dg_device *device, const layer_case *c) {
  enum { SAMPLES = 41, AT_MOST = 100000 };
  const dg_op_desc copy = {.kind = DG_OP_ACTIVATION, .activation = {.count = 1}};
  oracle_sizes z = oracle_sizes_of(&c->desc);
  if (SAMPLES * (z.in[0] + z.out) + z.param[0] > AT_MOST) return;
  layer_case many = *c;
  many.max_n = SAMPLES;
  dg_error err = {0};
  dg_op *op = device->calls->prepare(device, &c->desc, SAMPLES, true, &err);
  dg_op *before = op ? device->calls->prepare(device, &copy, SAMPLES, true, &err) : NULL;
  if (!before) {
    rig_fail(report, "prepare: %s", err.message);
    device->calls->op_free(op);
    return;
  }
  layer_rig r = rig_new(report, device, &many, op);
  r.before = before;
  r.before_in = rig_tensor_new(device, "in of the op before", SAMPLES * sizeof(float));
  r.before_out = rig_tensor_new(device, "out of the op before", SAMPLES * sizeof(float));
  try_samples(&r, SAMPLES, true);
  try_samples(&r, SAMPLES - 1, true);
  rig_free(&r);
}

/** Where a device can't fuse all that is asked for, the op must be there with less. */
static bool supported(rig_report *report, const dg_device *device, layer_case *c) {
  if (device->calls->supports(device, &c->desc)) return true;
  report->unsupported++;
  c->desc = oracle_plain(&c->desc);
  if (device->calls->supports(device, &c->desc)) return true;
  dg_act *act = oracle_act(&c->desc);
  if (act && c->desc.kind != DG_OP_ACTIVATION) act->kind = DG_ACT_NONE;
  return device->calls->supports(device, &c->desc);
}

static bool is_small(const layer_case *c) {
  oracle_sizes z = oracle_sizes_of(&c->desc);
  return c->max_n * (z.in[0] + z.out) + z.param[0] < 1000 && c->max_n < 10;
}

static void try_layers(const rig_target *target, int number) {
  dg_op_kind kind = (dg_op_kind)number;
  if (rig_repeats(target, kind)) return;
  rig_report report = {.target = target};
  dg_device *device = rig_open(target);
  size_t count = layer_cases(kind, NULL);
  layer_case *cases = rig_alloc(count, sizeof *cases);
  const char *only = getenv("DIGITS_TEST_CASE"); /* part of a case's text */
  rig_target of_two = *target;
  of_two.options.threads = 2;
  bool in_rows =
      strcmp(target->backend->name, "cpu") == 0 && !target->options.threads && !rig_small();
  dg_device *two = in_rows ? rig_open(&of_two) : NULL;
  layer_cases(kind, cases);
  for (size_t i = 0; i < count; i++) {
    layer_case c = cases[i];
    if (rig_small() && !only && !is_small(&c)) continue;
    layer_case_text(&c, report.what, sizeof report.what);
    if ((only && !strstr(report.what, only)) || !rig_turn()) continue;
    report.cases++;
    if (!supported(&report, device, &c)) {
      rig_fail(&report, "not supported");
      continue;
    }
    try_case(&report, device, &c, true);
    if (i % 3 == 0 || only || !rig_small()) try_case(&report, device, &c, false);
    if (two) try_in_a_row(&report, two, &c);
  }
  free(cases);
  if (two) two->calls->close(two);
  device->calls->close(device);
  rig_conclude(&report);
}

/* ---- the suite ---------------------------------------------------------- */

int main(int argc, char **argv) {
  static const rig_group groups[] = {
      {"device", try_device, 0},
#define DG_LAYER_OP(KIND, name, desc) {#name, try_layers, DG_OP_##KIND},
#include "core/op/list.h"
      {"gather", try_gather, 0},         {"loss", try_loss, 0},
      {"update", try_update, 0},         {"average", try_average, 0},
      {"accumulate", try_accumulate, 0},
  };
  if (argc > 1 && strcmp(argv[1], "--small") == 0) setenv("DIGITS_TEST_SMALL", "1", 1);
  return rig_main("conformance", groups, sizeof groups / sizeof *groups);
}
