#include <stdlib.h>
#include <string.h>

#include "backends/cpu/elementwise/act.h"
#include "backends/cpu/elementwise/drop.h"
#include "backends/cpu/gemm/gemm.h"
#include "backends/cpu/gemm/gemv.h"
#include "backends/cpu/gemm/linear_rows.h"
#include "backends/cpu/runtime/blas.h"
#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/pieces.h"

/** Up to this many samples, a tile would have mostly empty columns. */
enum { FEW = 4 };

static bool supports(const dg_op_desc *desc) {
  const dg_linear_desc *d = &desc->linear;
  return d->in > 0 && d->out > 0 && dg_act_supported(d->act) &&
         dg_drop_supported(d->drop, d->act) && (dg_linear_rows(d) == 1 || d->drop.rate == 0);
}

/** Is d_z, the gradient before the activation, stored separately from d_out? */
static bool has_d_z(const dg_linear_desc *desc) {
  return desc->act.kind != DG_ACT_NONE;
}

/**
 * Floats from one sample of d_z to the next. Products read its columns, so this is a little more
 * than the outputs: rows a power of two apart would map to the same few cache sets.
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

/** Sets op->plan to the state of what the workers have packed. */
static bool prepare_forward(dg_cpu_op *op, dg_error *err) {
  size_t bytes = (size_t)op->device->threads * sizeof(dg_gemm_packed);
  op->needs.workspace = dg_gemm_workspace(op->device, op->desc.linear.in);
  op->plan = aligned_alloc(DG_CPU_ALIGNMENT, bytes);
  if (!op->plan) return dg_fail_memory(err, bytes);
  memset(op->plan, 0, bytes);
  return true;
}

/** Sets op->plan to a table: the offset of row s of d_z. */
static bool prepare_backward(dg_cpu_op *op, dg_error *err) {
  const dg_linear_desc *desc = &op->desc.linear;
  dg_direction_needs *needs = &op->needs;
  uint32_t max_n = op->max_n;
  if ((size_t)max_n * d_z_row(desc) > UINT32_MAX)
    return dg_fail(err, DG_ERR_MEMORY, "%u samples of %u outputs are too many for the cpu backend",
                   max_n, desc->out) ||
           dg_advise(err, DG_REMEDY_BATCH);
  needs->reads_in = true;
  needs->reads_out = has_d_z(desc);
  needs->workspace = d_z_count(op) * sizeof(float) +
                     dg_gemm_workspace(op->device, max_n > desc->out ? max_n : desc->out);
  uint32_t *rows = op->plan = malloc(max_n * sizeof *rows);
  if (!rows) return dg_fail_memory(err, max_n * sizeof *rows);
  for (uint32_t s = 0; s < max_n; s++) rows[s] = (uint32_t)(s * d_z_row(desc));
  return true;
}

/** The state of a forward pass. */
typedef struct {
  const dg_linear_desc *desc;
  size_t n, pieces;
  const float *x, *weight, *bias;
  float *y;
  bool drops;
  dg_mask mask;
} forward_pass;

static forward_pass forward_of(const dg_cpu_op *op, const dg_op_buffers *buffers,
                               const dg_step *step) {
  const dg_linear_desc *desc = &op->desc.linear;
  return (forward_pass){.desc = desc,
                        .n = step->n,
                        .x = dg_floats(buffers->in[0]),
                        .weight = dg_floats(buffers->param[0]),
                        .bias = desc->bias ? dg_floats(buffers->param[1]) : NULL,
                        .y = dg_floats(buffers->out[0]),
                        .drops = dg_drop_runs(desc->drop, step),
                        .mask = dg_mask_of(desc->drop, step)};
}

/** out = drop(act(out + bias)), for some outputs of a sample. */
static void finish_outputs(const forward_pass *f, size_t sample, dg_span outputs) {
  size_t first = outputs.begin, count = outputs.end - first;
  float *y = f->y + sample * f->desc->out + first;
  for (size_t i = 0; i < count && f->bias; i++) y[i] += f->bias[first + i];
  dg_act_forward(f->desc->act, count, y, y);
  if (f->drops) dg_mask_apply(&f->mask, sample, first, count, y, y, NULL);
}

static void finish_samples(const void *context, size_t piece, size_t worker) {
  (void)worker;
  const forward_pass *f = context;
  dg_span samples = dg_cpu_part(f->n, f->pieces, piece);
  for (size_t s = samples.begin; s < samples.end; s++)
    finish_outputs(f, s, (dg_span){0, f->desc->out});
}

static void forward_by_blas(const dg_cpu_device *device, forward_pass f) {
  const dg_linear_desc *desc = f.desc;
  dg_matrix x = {f.x, desc->in, false}, weight = {f.weight, desc->in, true};
  dg_blas_multiply(device, f.n, desc->out, desc->in, x, weight, false, f.y, desc->out);
  f.pieces = dg_cpu_pieces(f.n, (f.drops ? 8 : 1) * f.n * desc->out);
  dg_cpu_run_pieces(device, f.pieces, finish_samples, &f, sizeof f);
}

/** Rows of the weights that a piece multiplies with one sample after the other. */
enum { FEW_ROWS = 16 };

static void run_small_batch(const void *context, size_t piece, size_t worker) {
  (void)worker;
  const forward_pass *f = context;
  size_t in = f->desc->in, out = f->desc->out;
  dg_span rows = dg_cpu_grains(out, FEW_ROWS, f->pieces, piece);
  for (size_t s = 0; s < f->n; s++) {
    dg_gemv(rows.end - rows.begin, in, f->weight + rows.begin * in, f->x + s * in,
            f->y + s * out + rows.begin);
    finish_outputs(f, s, rows);
  }
}

static void forward_small_batch(const dg_cpu_device *device, forward_pass f) {
  size_t in = f.desc->in, out = f.desc->out;
  f.pieces = dg_cpu_pieces((out + FEW_ROWS - 1) / FEW_ROWS, f.n * out * in / 2);
  dg_cpu_run_pieces(device, f.pieces, run_small_batch, &f, sizeof f);
}

/**
 * Do the threads partition the outputs, instead of samples and inputs? Then every thread packs all
 * samples, but has the weights that it updated, and the gradients that it wrote, in its own cache.
 * This is faster in training, if there are many more weights than samples.
 */
static bool by_outputs(const dg_linear_desc *desc, const dg_step *step) {
  return step->train && desc->out >= 4 * (size_t)step->n;
}

/** out^T = drop(act(weight in^T + bias)): the small matrix, `in`, is packed. */
static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_linear_desc *desc = &op->desc.linear;
  const forward_pass f = forward_of(op, buffers, step);
  if (f.n <= FEW) {
    forward_small_batch(op->device, f);
    return;
  }
  if (dg_blas_is_faster(f.n)) {
    forward_by_blas(op->device, f);
    return;
  }
  dg_gemm_run(op->device,
              &(dg_gemm){.rows = desc->out,
                         .columns = f.n,
                         .depth = desc->in,
                         .a = f.weight,
                         .a_row = desc->in,
                         .b = f.x,
                         .b_row = desc->in,
                         .b_transposed = true,
                         .c = f.y,
                         .c_row = desc->out,
                         .c_transposed = true,
                         .by_rows = by_outputs(desc, step),
                         .bias = f.bias,
                         .act = desc->act,
                         .drops = f.drops,
                         .mask = f.mask,
                         .packed = op->plan},
              dg_floats(buffers->workspace));
}

/** What is computed before the products of a backward pass. */
typedef struct {
  const dg_linear_desc *desc;
  size_t n, pieces;
  const float *y, *d_y;
  float *d_z, *d_bias; /**< d_bias: NULL if there is none */
} epilogue_pass;

/** Outputs that are processed for all samples together. */
enum { BLOCK = 64 };

/** Writes d_z of some outputs, unless it is d_out, and d_bias: sums over the samples. */
static void finish_block(const epilogue_pass *e, size_t first, size_t count) {
  const dg_linear_desc *desc = e->desc;
  float scale = dg_drop_scale(desc->drop);
  double sum[BLOCK] = {0};
  for (size_t s = 0; s < e->n; s++) {
    size_t at = s * desc->out + first;
    float *to = e->d_z + s * d_z_row(desc) + first;
    if (has_d_z(desc)) dg_act_backward(desc->act, count, e->y + at, e->d_y + at, to);
    for (size_t i = 0; i < count && scale > 1; i++) to[i] *= scale;
    for (size_t i = 0; i < count; i++) sum[i] += (double)to[i];
  }
  for (size_t i = 0; i < count && e->d_bias; i++) e->d_bias[first + i] = (float)sum[i];
}

static void finish_blocks(const void *context, size_t piece, size_t worker) {
  (void)worker;
  const epilogue_pass *e = context;
  dg_span outputs = dg_cpu_grains(e->desc->out, BLOCK, e->pieces, piece);
  for (size_t first = outputs.begin; first < outputs.end; first += BLOCK)
    finish_block(e, first, outputs.end - first < BLOCK ? outputs.end - first : BLOCK);
}

static void before_activation(const dg_cpu_op *op, const dg_op_buffers *buffers, size_t n,
                              float *d_z) {
  const dg_linear_desc *desc = &op->desc.linear;
  const epilogue_pass e = {.desc = desc,
                           .n = n,
                           .pieces = dg_cpu_pieces((desc->out + BLOCK - 1) / BLOCK, n * desc->out),
                           .y = dg_floats(buffers->out[0]),
                           .d_y = dg_floats(buffers->d_out),
                           .d_z = d_z,
                           .d_bias = desc->bias ? dg_floats(buffers->d_param[1]) : NULL};
  dg_cpu_run_pieces(op->device, e.pieces, finish_blocks, &e, sizeof e);
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_linear_desc *desc = &op->desc.linear;
  float *workspace = dg_floats(buffers->workspace), *d_y = dg_floats(buffers->d_out);
  float *d_z = has_d_z(desc) ? workspace : d_y, *panels = workspace + d_z_count(op);
  before_activation(op, buffers, step->n, d_z);
  if (dg_blas_is_faster(step->n)) {
    dg_linear_gradients_by_blas(op, buffers, step->n, d_z, d_z_row(desc));
    return;
  }
  dg_gemm d_weight = {.rows = desc->out,
                      .columns = desc->in,
                      .depth = step->n,
                      .a = d_z,
                      .a_step = op->plan,
                      .b = dg_floats(buffers->in[0]),
                      .b_row = desc->in,
                      .c = dg_floats(buffers->d_param[0]),
                      .c_row = desc->in,
                      .by_rows = by_outputs(desc, step)};
  dg_gemm d_in = {.rows = step->n,
                  .columns = desc->in,
                  .depth = desc->out,
                  .a = d_z,
                  .a_row = d_z_row(desc),
                  .b = dg_floats(buffers->param[0]),
                  .b_row = desc->in,
                  .c = dg_floats(buffers->d_in[0]),
                  .c_row = desc->in,
                  .add = op->desc.d_in[0] == DG_GRAD_ADD};
  dg_gemm_run(op->device, &d_weight, panels);
  if (op->desc.d_in[0] != DG_GRAD_NONE) dg_gemm_run(op->device, &d_in, panels);
}

static const dg_cpu_implementation forward_by_product = {"product", NULL, prepare_forward, forward},
                                   backward_by_product = {"product", NULL, prepare_backward,
                                                          backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_linear) = {supports,
                                                  {&dg_linear_rows_forward, &forward_by_product},
                                                  {&dg_linear_rows_backward, &backward_by_product}};
