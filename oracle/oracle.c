#include "oracle/oracle.h"

#include <math.h>
#include <stdlib.h>

#include "oracle/family.h"

/** Ops of a chain, at most: a product with its activation, a pooling, a dropout. */
enum { MOST_LINKS = 3 };

static const oracle_family *const families[DG_OP_KINDS] = {
#define DG_LAYER_OP(KIND, name, desc) [DG_OP_##KIND] = &oracle_##name,
#include "core/op/list.h"
};

double oracle_activate(dg_act act, double x) {
  switch (act.kind) {
  case DG_ACT_RELU:
    return x > 0 ? x : 0;
  case DG_ACT_LEAKY_RELU:
    return x > 0 ? x : act.slope * x;
  case DG_ACT_SIGMOID:
    return 1 / (1 + exp(-x));
  case DG_ACT_TANH:
    return tanh(x);
  default:
    return x;
  }
}

double oracle_derivative(dg_act act, double x) {
  double y = oracle_activate(act, x);
  switch (act.kind) {
  case DG_ACT_RELU:
    return x > 0 ? 1 : 0;
  case DG_ACT_LEAKY_RELU:
    return x > 0 ? 1 : act.slope;
  case DG_ACT_SIGMOID:
    return y * (1 - y);
  case DG_ACT_TANH:
    return 1 - y * y;
  default:
    return 1;
  }
}

dg_act *oracle_act(dg_op_desc *desc) {
  switch (desc->kind) {
  case DG_OP_LINEAR:
    return &desc->linear.act;
  case DG_OP_CONV2D:
    return &desc->conv2d.act;
  case DG_OP_GROUPED_CONV2D:
  case DG_OP_CONV_TRANSPOSE2D:
    return &desc->grouped_conv2d.act;
  case DG_OP_GROUPED_CONV1D:
  case DG_OP_CONV_TRANSPOSE1D:
    return &desc->grouped_conv1d.act;
  case DG_OP_CONV1D:
    return &desc->conv1d.act;
  case DG_OP_BATCH_NORM:
    return &desc->batch_norm.act;
  case DG_OP_ACTIVATION:
    return &desc->activation.act;
  default:
    return NULL;
  }
}

/* ---- one op with its activation ----------------------------------------- */

static oracle_sizes sizes_of_one(const dg_op_desc *desc) {
  oracle_sizes z = {.inputs = 1};
  families[desc->kind]->sizes(desc, &z);
  return z;
}

static void forward_of_one(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  families[desc->kind]->forward(desc, t, step);
  const dg_act *act = oracle_act((dg_op_desc *)desc);
  if (!act) return;
  size_t count = step->n * sizes_of_one(desc).out;
  for (size_t i = 0; i < count; i++) t->out[i] = oracle_activate(*act, t->out[i]);
}

/** The gradient before the fused activation, whose derivative is taken at the output without it. */
static double *gradient_before_act(const dg_op_desc *desc, const oracle_tensors *t,
                                   const dg_step *step) {
  size_t count = step->n * sizes_of_one(desc).out;
  double *dz = malloc(count * sizeof *dz);
  double *z = malloc(count * sizeof *z);
  oracle_tensors before = *t;
  before.out = z;
  for (size_t k = 0; k < DG_MAX_RUNNING && step->train; k++)
    before.running[k] = NULL; /* not written */
  const dg_act *act = oracle_act((dg_op_desc *)desc);
  if (act) families[desc->kind]->forward(desc, &before, step);
  for (size_t i = 0; i < count; i++)
    dz[i] = t->d_out[i] * (act ? oracle_derivative(*act, z[i]) : 1);
  free(z);
  return dz;
}

static void backward_of_one(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  oracle_sizes z = sizes_of_one(desc);
  oracle_tensors wanted = *t;
  for (uint32_t k = 0; k < z.inputs; k++) {
    if (desc->d_in[k] == DG_GRAD_NONE) wanted.d_in[k] = NULL;
    for (size_t i = 0; desc->d_in[k] == DG_GRAD_WRITE && i < step->n * z.in[k]; i++)
      wanted.d_in[k][i] = 0;
  }
  for (uint32_t k = 0; k < z.params; k++)
    for (size_t i = 0; i < z.param[k]; i++) wanted.d_param[k][i] = 0;
  double *dz = gradient_before_act(desc, t, step);
  families[desc->kind]->backward(desc, &wanted, dz, step);
  free(dz);
}

/* ---- ops with a fused pooling and dropout --------------------------------- */

/** Removes the fused pooling and dropout from a description. */
static void take_epilogue(dg_op_desc *desc, uint32_t *pool, dg_drop *drop) {
  *pool = 0, *drop = (dg_drop){0};
  if (desc->kind == DG_OP_LINEAR) *drop = desc->linear.drop, desc->linear.drop.rate = 0;
  if (desc->kind != DG_OP_CONV2D) return;
  *pool = desc->conv2d.pool, *drop = desc->conv2d.drop;
  desc->conv2d.pool = 0, desc->conv2d.drop.rate = 0;
}

/** The max pooling fused to a convolution. */
static dg_pool2d_desc fused_pool(const dg_conv2d_desc *d, uint32_t pool) {
  return (dg_pool2d_desc){.channels = d->filters,
                          .height = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h),
                          .width = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w),
                          .kernel_h = pool,
                          .kernel_w = pool,
                          .stride_h = pool,
                          .stride_w = pool};
}

/** The sequence of ops equivalent to `desc`; returns their number. */
static size_t chain_of(const dg_op_desc *desc, dg_op_desc ops[MOST_LINKS]) {
  uint32_t pool;
  dg_drop drop;
  size_t count = 1;
  ops[0] = *desc;
  take_epilogue(&ops[0], &pool, &drop);
  if (pool)
    ops[count++] =
        (dg_op_desc){DG_OP_MAXPOOL2D, {DG_GRAD_WRITE}, .pool2d = fused_pool(&desc->conv2d, pool)};
  if (drop.rate > 0) {
    uint32_t numbers = (uint32_t)sizes_of_one(&ops[count - 1]).out;
    ops[count++] =
        (dg_op_desc){DG_OP_DROPOUT, {DG_GRAD_WRITE}, .dropout = {numbers, drop.rate, drop.stream}};
  }
  return count;
}

dg_op_desc oracle_plain(const dg_op_desc *desc) {
  dg_op_desc plain[MOST_LINKS];
  chain_of(desc, plain);
  return plain[0];
}

oracle_sizes oracle_sizes_of(const dg_op_desc *desc) {
  dg_op_desc ops[MOST_LINKS];
  size_t count = chain_of(desc, ops);
  oracle_sizes z = sizes_of_one(&ops[0]);
  z.out = sizes_of_one(&ops[count - 1]).out;
  return z;
}

/** Tensors of each op of a chain: the first has t's input and parameters, the last has t's
    output. */
static void link_chain(const dg_op_desc *ops, size_t count, const oracle_tensors *t, uint32_t n,
                       oracle_tensors links[MOST_LINKS]) {
  links[0] = *t;
  for (size_t i = 0; i + 1 < count; i++) {
    size_t numbers = n * sizes_of_one(&ops[i]).out;
    links[i + 1] = (oracle_tensors){.out = t->out, .d_out = t->d_out};
    links[i + 1].in[0] = links[i].out = malloc(numbers * sizeof(double));
    links[i].d_out = links[i + 1].d_in[0] = malloc(numbers * sizeof(double));
  }
}

static void unlink_chain(size_t count, oracle_tensors links[MOST_LINKS]) {
  for (size_t i = 1; i < count; i++) free((void *)links[i].in[0]), free(links[i].d_in[0]);
}

void oracle_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  dg_op_desc ops[MOST_LINKS];
  oracle_tensors links[MOST_LINKS];
  size_t count = chain_of(desc, ops);
  link_chain(ops, count, t, step->n, links);
  for (size_t i = 0; i < count; i++) forward_of_one(&ops[i], &links[i], step);
  unlink_chain(count, links);
}

void oracle_backward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  dg_op_desc ops[MOST_LINKS];
  oracle_tensors links[MOST_LINKS];
  size_t count = chain_of(desc, ops);
  link_chain(ops, count, t, step->n, links);
  for (size_t i = 0; i + 1 < count; i++) forward_of_one(&ops[i], &links[i], step);
  for (size_t i = count; i-- > 0;) backward_of_one(&ops[i], &links[i], step);
  unlink_chain(count, links);
}

/* ---- kinks ---------------------------------------------------------------- */

/** Marks the windows whose two largest numbers are so close that either may be the maximum. */
static void mark_near_ties(const dg_pool2d_desc *d, uint32_t n, const double *x, double near,
                           bool *marks) {
  size_t out_h = d->height / d->kernel_h, out_w = d->width / d->kernel_w;
  for (size_t i = 0; i < n * d->channels * out_h * out_w; i++) {
    size_t plane = i / out_w / out_h, oy = i / out_w % out_h, ox = i % out_w;
    double first = -INFINITY, second = -INFINITY;
    for (size_t k = 0; k < (size_t)d->kernel_h * d->kernel_w; k++) {
      size_t row = oy * d->kernel_h + k / d->kernel_w, column = ox * d->kernel_w + k % d->kernel_w;
      double v = x[(plane * d->height + row) * d->width + column];
      second = fmax(second, fmin(v, first)), first = fmax(v, first);
    }
    marks[i] = first - second < near;
  }
}

bool *oracle_kinks(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  const double near = 1e-4;
  dg_op_desc plain = *desc;
  uint32_t pool;
  dg_drop drop;
  take_epilogue(&plain, &pool, &drop);
  bool *marks = calloc(step->n * oracle_sizes_of(desc).out, sizeof *marks);
  oracle_tensors before = *t;
  double *z = malloc(step->n * oracle_sizes_of(&plain).out * sizeof *z);
  before.out = z;
  for (size_t k = 0; k < DG_MAX_RUNNING && step->train; k++)
    before.running[k] = NULL; /* not written */
  dg_act *act = oracle_act(&plain);
  bool has_act = act && plain.kind != DG_OP_ACTIVATION && act->kind != DG_ACT_NONE;
  if (has_act) act->kind = DG_ACT_NONE;
  if (has_act || pool) oracle_forward(&plain, &before, step);
  if (pool) {
    dg_pool2d_desc window = fused_pool(&plain.conv2d, pool);
    mark_near_ties(&window, step->n, z, near, marks);
    plain.conv2d.pool = pool;
    oracle_forward(&plain, &before, step);
  }
  for (size_t i = 0; has_act && i < step->n * oracle_sizes_of(desc).out; i++)
    marks[i] |= fabs(z[i]) < near;
  free(z);
  return marks;
}
