#include <stdlib.h>
#include <string.h>

#include "backends/cpu/elementwise/act.h"
#include "backends/cpu/elementwise/drop.h"
#include "backends/cpu/gemm/dot.h"
#include "backends/cpu/gemm/product.h"
#include "backends/cpu/runtime/blas.h"
#include "backends/cpu/runtime/implementation.h"

/** Up to so many samples a tile would leave most of its columns empty. */
enum { FEW = 4 };

static bool supports(const dg_op_desc *desc) {
  const dg_linear_desc *d = &desc->linear;
  return d->in > 0 && d->out > 0 && dg_act_known(d->act) && dg_drop_known(d->drop, d->act);
}

/** Is d_z, the gradient before the activation, another array than d_out? */
static bool has_d_z(const dg_linear_desc *desc) {
  return desc->act.kind != DG_ACT_NONE;
}

/**
 * Floats from one sample of d_z to the next. Products go down its columns: a little more than the
 * outputs, lest rows a power of two apart share the same few places of the cache.
 */
static size_t d_z_row(const dg_linear_desc *desc) {
  enum { APART = 16 };
  return has_d_z(desc) ? dg_round_up(desc->out) + APART : desc->out;
}

/** Floats of d_z in the workspace. */
static size_t d_z_count(const dg_cpu_op *op) {
  const dg_linear_desc *desc = &op->desc.linear;
  return has_d_z(desc) ? (size_t)op->max_n * d_z_row(desc) : 0;
}

static bool prepare_forward(dg_cpu_op *op, dg_error *err) {
  (void)err;
  op->needs.workspace = dg_product_workspace(op->device, op->desc.linear.in);
  return true;
}

/** op->plan becomes a table: where row s of d_z begins. */
static bool prepare_backward(dg_cpu_op *op, dg_error *err) {
  const dg_linear_desc *desc = &op->desc.linear;
  dg_direction_needs *needs = &op->needs;
  uint32_t max_n = op->max_n;
  if ((size_t)max_n * d_z_row(desc) > UINT32_MAX)
    return dg_fail(err, DG_ERR_MEMORY,
                   "%u samples of %u outputs are too many for the cpu backend; a smaller --batch "
                   "fits",
                   max_n, desc->out);
  needs->reads_in = true;
  needs->reads_out = has_d_z(desc);
  needs->workspace = d_z_count(op) * sizeof(float) +
                     dg_product_workspace(op->device, max_n > desc->out ? max_n : desc->out);
  uint32_t *rows = op->plan = malloc(max_n * sizeof *rows);
  if (!rows) return dg_fail_memory(err, max_n * sizeof *rows);
  for (uint32_t s = 0; s < max_n; s++) rows[s] = (uint32_t)(s * d_z_row(desc));
  return true;
}

/** out = drop(act(out + bias)); mask: NULL where nothing is dropped */
static void after_product(const dg_cpu_op *op, size_t n, const float *bias, const dg_mask *mask,
                          float *y) {
  const dg_linear_desc *desc = &op->desc.linear;
  size_t out = desc->out, work = (mask ? 8 : 1) * n * out;
#pragma omp parallel for schedule(static) num_threads(dg_cpu_threads(op->device, work))
  for (size_t s = 0; s < n; s++) {
    float *row = y + s * out;
    for (size_t i = 0; i < out && bias; i++) row[i] += bias[i];
    dg_act_forward(desc->act, out, row, row);
    if (mask) dg_mask_put(mask, s, 0, out, row, row, NULL);
  }
}

static void forward_by_blas(const dg_cpu_op *op, const dg_op_buffers *buffers, size_t n,
                            const dg_mask *mask) {
  const dg_linear_desc *desc = &op->desc.linear;
  float *y = dg_floats(buffers->out[0]);
  dg_matrix x = {dg_floats(buffers->in[0]), desc->in, false};
  dg_matrix weight = {dg_floats(buffers->param[0]), desc->in, true};
  dg_blas_multiply(op->device, n, desc->out, desc->in, x, weight, false, y, desc->out);
  after_product(op, n, desc->bias ? dg_floats(buffers->param[1]) : NULL, mask, y);
}

/** One sample after the other: a thread takes some rows of the weights through all of them. */
static void forward_few(const dg_cpu_op *op, const dg_op_buffers *buffers, size_t n,
                        const dg_mask *mask) {
  enum { ROWS = 16 };
  const dg_linear_desc *desc = &op->desc.linear;
  const float *weight = dg_floats(buffers->param[0]), *bias = dg_floats(buffers->param[1]);
  const float *x = dg_floats(buffers->in[0]);
  size_t in = desc->in, out = desc->out;
#pragma omp parallel num_threads(dg_cpu_threads(op->device, n *out *in / 2))
  {
    dg_span rows = dg_cpu_share(out, ROWS);
    size_t count = rows.end - rows.begin;
    for (size_t s = 0; s < n; s++) {
      float *y = dg_floats(buffers->out[0]) + s * out + rows.begin;
      dg_dot_rows(count, in, weight + rows.begin * in, x + s * in, y);
      for (size_t i = 0; i < count && desc->bias; i++) y[i] += bias[rows.begin + i];
      dg_act_forward(desc->act, count, y, y);
      if (mask) dg_mask_put(mask, s, rows.begin, count, y, y, NULL);
    }
  }
}

/**
 * Do the threads share out the outputs, and not samples and inputs? Then all of them pack all
 * samples, but each finds the weights in its own cache, where it updated them, and their gradients,
 * where it wrote them. It pays in training, of weights that are many times the samples.
 */
static bool by_outputs(const dg_linear_desc *desc, const dg_step *step) {
  return step->train && desc->out >= 4 * (size_t)step->n;
}

/** out^T = drop(act(weight in^T + bias)): the small matrix, `in`, is the one that is packed. */
static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_linear_desc *desc = &op->desc.linear;
  dg_mask step_mask = dg_mask_of(desc->drop, step);
  const dg_mask *mask = dg_drop_runs(desc->drop, step) ? &step_mask : NULL;
  if (step->n <= FEW) {
    forward_few(op, buffers, step->n, mask);
    return;
  }
  if (dg_blas_is_faster(step->n)) {
    forward_by_blas(op, buffers, step->n, mask);
    return;
  }
  dg_product_run(op->device,
                 &(dg_product){.rows = desc->out,
                               .columns = step->n,
                               .depth = desc->in,
                               .a = dg_floats(buffers->param[0]),
                               .a_row = desc->in,
                               .b = dg_floats(buffers->in[0]),
                               .b_row = desc->in,
                               .b_transposed = true,
                               .c = dg_floats(buffers->out[0]),
                               .c_row = desc->out,
                               .c_transposed = true,
                               .by_rows = by_outputs(desc, step),
                               .bias = desc->bias ? dg_floats(buffers->param[1]) : NULL,
                               .act = desc->act,
                               .mask = mask},
                 dg_floats(buffers->workspace));
}

/** Writes d_z, where it isn't d_out, and d_bias, where it isn't NULL: sums over the samples. */
static void before_activation(const dg_cpu_op *op, size_t n, const float *y, const float *d_y,
                              float *d_z, float *d_bias) {
  enum { BLOCK = 64 };
  const dg_linear_desc *desc = &op->desc.linear;
  size_t out = desc->out, row = d_z_row(desc);
  float scale = dg_drop_scale(desc->drop);
#pragma omp parallel for schedule(static) num_threads(dg_cpu_threads(op->device, n *out))
  for (size_t first = 0; first < out; first += BLOCK) {
    size_t count = out - first < BLOCK ? out - first : BLOCK;
    double sum[BLOCK] = {0};
    for (size_t s = 0; s < n; s++) {
      size_t at = s * out + first;
      float *to = d_z + s * row + first;
      if (has_d_z(desc)) dg_act_backward(desc->act, count, y + at, d_y + at, to);
      for (size_t i = 0; i < count && scale > 1; i++) to[i] *= scale;
      for (size_t i = 0; i < count; i++) sum[i] += (double)to[i];
    }
    for (size_t i = 0; i < count && d_bias; i++) d_bias[first + i] = (float)sum[i];
  }
}

static void backward_by_blas(const dg_cpu_op *op, const dg_op_buffers *buffers, size_t n,
                             const float *d_z) {
  const dg_linear_desc *desc = &op->desc.linear;
  dg_grad_mode d_in = op->desc.d_in[0];
  size_t in = desc->in, out = desc->out, row = d_z_row(desc);
  dg_matrix x = {dg_floats(buffers->in[0]), in, false};
  dg_matrix weight = {dg_floats(buffers->param[0]), in, false};
  dg_blas_multiply(op->device, out, in, n, (dg_matrix){d_z, row, true}, x, false,
                   dg_floats(buffers->d_param[0]), in);
  if (d_in != DG_GRAD_NONE)
    dg_blas_multiply(op->device, n, in, out, (dg_matrix){d_z, row, false}, weight,
                     d_in == DG_GRAD_ADD, dg_floats(buffers->d_in[0]), in);
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_linear_desc *desc = &op->desc.linear;
  float *workspace = dg_floats(buffers->workspace), *d_y = dg_floats(buffers->d_out);
  float *d_z = has_d_z(desc) ? workspace : d_y, *panels = workspace + d_z_count(op);
  before_activation(op, step->n, dg_floats(buffers->out[0]), d_y, d_z,
                    desc->bias ? dg_floats(buffers->d_param[1]) : NULL);
  if (dg_blas_is_faster(step->n)) {
    backward_by_blas(op, buffers, step->n, d_z);
    return;
  }
  dg_product d_weight = {.rows = desc->out,
                         .columns = desc->in,
                         .depth = step->n,
                         .a = d_z,
                         .a_step = op->plan,
                         .b = dg_floats(buffers->in[0]),
                         .b_row = desc->in,
                         .c = dg_floats(buffers->d_param[0]),
                         .c_row = desc->in,
                         .by_rows = by_outputs(desc, step)};
  dg_product d_in = {.rows = step->n,
                     .columns = desc->in,
                     .depth = desc->out,
                     .a = d_z,
                     .a_row = d_z_row(desc),
                     .b = dg_floats(buffers->param[0]),
                     .b_row = desc->in,
                     .c = dg_floats(buffers->d_in[0]),
                     .c_row = desc->in,
                     .add = op->desc.d_in[0] == DG_GRAD_ADD};
  dg_product_run(op->device, &d_weight, panels);
  if (op->desc.d_in[0] != DG_GRAD_NONE) dg_product_run(op->device, &d_in, panels);
}

static const dg_cpu_implementation forward_by_product = {"product", NULL, prepare_forward, forward},
                                   backward_by_product = {"product", NULL, prepare_backward,
                                                          backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_linear) = {
    supports, {&forward_by_product}, {&backward_by_product}};
