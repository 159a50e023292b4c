/**
 * The gradients of a convolution of sequences. The gradient of the weights is a product over all
 * steps of several samples; the samples are cut into parts, each with its own sums of gradients.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/conv1d/conv1d_windows.h"
#include "backends/cpu/elementwise/act.h"
#include "backends/cpu/gemm/micro_kernel.h"
#include "backends/cpu/gemm/pack.h"
#include "backends/cpu/runtime/pieces.h"

/** About how many output steps go into one product of the weights' gradient. */
enum { CHUNK_STEPS = 256 };

typedef struct {
  dg_conv1d_shape shape;
  dg_padded_input gradient;   /**< the output's gradient, dilated */
  dg_conv1d_windows backward; /**< product for the input's gradient */
  size_t parts;               /**< the number of parts of the samples, at most */
  size_t samples;             /**< samples of a chunk */

  /** Floats of parts of the workspace; 0 if not needed. */
  size_t back_weight_floats, padded_floats, d_z_floats, panel_floats;
  size_t gradient_floats, d_bias_floats;
  size_t part_floats, worker_floats; /**< floats of the sums of a part; and of a worker's scratch */
  uint32_t window[];                 /**< offset of the window of each output step of a chunk */
} back_plan;

/* ---- the plan ----------------------------------------------------------- */

static back_plan *plan_new(const dg_conv1d_desc *d, dg_error *err) {
  size_t out = dg_conv1d_out_steps(d), samples = out < CHUNK_STEPS ? CHUNK_STEPS / out : 1;
  size_t bytes = sizeof(back_plan) + samples * out * sizeof(uint32_t);
  back_plan *plan = calloc(1, bytes);
  if (!plan) {
    dg_fail_memory(err, bytes);
    return NULL;
  }
  plan->samples = samples;
  plan->shape = dg_conv1d_shape_of(d);
  plan->gradient = dg_conv1d_padded(out, d->filters, (long)d->kernel - 1 - (long)d->pad, d->stride,
                                    (size_t)d->steps + d->kernel - 1);
  plan->backward = (dg_conv1d_windows){.steps = d->steps,
                                       .columns = d->in,
                                       .depth = (size_t)d->kernel * d->filters,
                                       .step_size = d->filters};
  for (size_t s = 0; s < samples; s++)
    for (size_t o = 0; o < out; o++)
      plan->window[s * out + o] =
          (uint32_t)(s * dg_padded_count(&plan->shape.source) + o * plan->shape.windows.step_size);
  return plan;
}

/** The approximate number of simple operations of the products of `samples` samples in one
    direction. */
static size_t operations(const dg_conv1d_windows *w, size_t samples) {
  return samples * w->steps * w->columns * w->depth / DG_VECTOR;
}

static bool prepare(dg_cpu_op *op, dg_error *err) {
  const dg_conv1d_desc *d = &op->desc.conv1d;
  back_plan *plan = op->plan = plan_new(d, err);
  if (!plan) return false;
  if (plan->samples * dg_padded_count(&plan->shape.source) > UINT32_MAX)
    return dg_fail(err, DG_ERR_UNSUPPORTED,
                   "one sample of this conv1d is too large for the cpu "
                   "backend");
  bool act = d->act.kind != DG_ACT_NONE, d_in = op->desc.d_in[0] != DG_GRAD_NONE;
  size_t steps = plan->samples * plan->shape.windows.steps;
  plan->back_weight_floats = d_in ? dg_round_up(plan->backward.depth * dg_panels_width(d->in)) : 0;
  plan->padded_floats = dg_round_up(plan->shape.source_floats * plan->samples);
  plan->d_z_floats = act ? dg_round_up(steps * d->filters) : 0;
  plan->panel_floats = dg_round_up(steps * DG_TILE_WIDTH);
  plan->gradient_floats = d_in && !dg_padded_is_plain(&plan->gradient)
                              ? dg_round_up(dg_padded_count(&plan->gradient))
                              : 0;
  plan->d_bias_floats = dg_round_up(2 * (size_t)d->filters);
  plan->part_floats = plan->shape.weight_floats + plan->d_bias_floats;
  plan->worker_floats =
      plan->padded_floats + plan->d_z_floats + plan->panel_floats + plan->gradient_floats;
  plan->parts =
      dg_cpu_parts(op, op->max_n, plan->part_floats, operations(&plan->shape.windows, op->max_n));
  size_t workers = (size_t)op->device->threads;
  size_t floats =
      plan->back_weight_floats + plan->parts * plan->part_floats + workers * plan->worker_floats;
  op->needs =
      (dg_direction_needs){.workspace = floats * sizeof(float), .reads_in = true, .reads_out = act};
  return true;
}

/** The panel of inputs from `input` on: rows [tap from the last to the first, filter]. */
static void pack_flipped(const dg_conv1d_desc *d, const float *weight, size_t input, float *panel) {
  size_t inputs = dg_panel_columns(d->in - input), width = dg_panel_width(inputs);
  memset(panel, 0, (size_t)d->kernel * d->filters * width * sizeof *panel);
  for (size_t f = 0; f < d->filters; f++)
    for (size_t i = 0; i < inputs; i++)
      for (size_t k = 0; k < d->kernel; k++)
        panel[((d->kernel - 1 - k) * d->filters + f) * width + i] =
            weight[(f * d->in + input + i) * d->kernel + k];
}

/* ---- one chunk ---------------------------------------------------------- */

/** Sums over the samples of a part. */
typedef struct {
  float *d_weight; /**< panels of [tap and input, filter] */
  double *d_bias;
} sums;

static sums sums_of(const back_plan *plan, float *workspace, size_t part) {
  float *d_weight = workspace + plan->back_weight_floats + part * plan->part_floats;
  return (sums){d_weight, (double *)(void *)(d_weight + plan->shape.weight_floats)};
}

/** A worker's scratch for a part. */
typedef struct {
  float *padded;   /**< padded inputs of a chunk */
  float *d_z;      /**< gradient before the activation, of a chunk */
  float *panel;    /**< some filters of it */
  float *gradient; /**< of one sample, dilated */
  sums to;
} scratch;

static scratch scratch_of(const back_plan *plan, float *workspace, size_t worker, size_t part) {
  scratch s = {.to = sums_of(plan, workspace, part)};
  s.padded = sums_of(plan, workspace, plan->parts).d_weight + worker * plan->worker_floats;
  s.d_z = s.padded + plan->padded_floats;
  s.panel = s.d_z + plan->d_z_floats;
  s.gradient = s.panel + plan->panel_floats;
  return s;
}

/** Adds the products of a chunk's windows with its gradients to the part's sums. */
static void add_weights(const dg_conv1d_desc *d, const back_plan *plan, const scratch *t,
                        size_t samples, const float *source, const float *d_z) {
  _Alignas(64) float tile[DG_TILE_ROWS * DG_TILE_WIDTH];
  size_t steps = samples * plan->shape.windows.steps, depth = plan->shape.windows.depth, rows;
  for (size_t f = 0; f < d->filters; f += DG_TILE_WIDTH) {
    size_t filters = dg_panel_columns(d->filters - f), width = dg_panel_width(filters);
    dg_pack_rows(steps, filters, d_z + f, d->filters, t->panel);
    for (size_t k = 0; k < depth; k += rows) {
      rows = dg_tile_height(depth - k);
      dg_micro_kernel_grouped(1, rows, width, steps, source + k, 0, plan->window, t->panel, tile,
                              DG_TILE_WIDTH);
      for (size_t j = 0; j < rows; j++)
        dg_grad_store(DG_GRAD_ADD, width, tile + j * DG_TILE_WIDTH,
                      t->to.d_weight + f * depth + (k + j) * width);
    }
  }
}

/** The gradients of the inputs of a chunk. */
static void input_gradients(const dg_cpu_op *op, const scratch *t, size_t samples,
                            const float *panels, const float *d_z, float *d_x) {
  const back_plan *plan = op->plan;
  size_t in = plan->backward.steps * plan->backward.columns;
  size_t out = plan->shape.windows.steps * plan->shape.windows.columns;
  dg_gemm_epilogue epilogue = {.add = op->desc.d_in[0] == DG_GRAD_ADD};
  for (size_t s = 0; s < samples; s++) {
    if (plan->gradient_floats) dg_padded_fill(&plan->gradient, d_z + s * out, t->gradient);
    dg_conv1d_multiply(&plan->backward, plan->gradient_floats ? t->gradient : d_z + s * out, panels,
                       &epilogue, d_x + s * in);
  }
}

/** The samples from `first` on that form a chunk. */
static void backward_chunk(const dg_cpu_op *op, const dg_op_buffers *buffers, const scratch *t,
                           const float *panels, size_t first, size_t samples) {
  const dg_conv1d_desc *d = &op->desc.conv1d;
  const back_plan *plan = op->plan;
  size_t in = (size_t)d->steps * d->in, out = plan->shape.windows.steps * d->filters;
  const float *x = dg_floats(buffers->in[0]) + first * in;
  const float *d_y = dg_floats(buffers->d_out) + first * out, *d_z = d_y;
  if (plan->d_z_floats) {
    dg_act_backward(d->act, samples * out, dg_floats(buffers->out[0]) + first * out, d_y, t->d_z);
    d_z = t->d_z;
  }
  for (size_t s = 0; s < samples && plan->padded_floats; s++)
    dg_padded_fill(&plan->shape.source, x + s * in, t->padded + s * plan->shape.source_floats);
  add_weights(d, plan, t, samples, plan->padded_floats ? t->padded : x, d_z);
  for (size_t i = 0; i < samples * plan->shape.windows.steps && d->bias; i++)
    for (size_t f = 0; f < d->filters; f++) t->to.d_bias[f] += (double)d_z[i * d->filters + f];
  if (plan->back_weight_floats)
    input_gradients(op, t, samples, panels, d_z, dg_floats(buffers->d_in[0]) + first * in);
}

/* ---- pieces ------------------------------------------------------------- */

/** The state of a backward pass, shared by its pieces. */
typedef struct {
  size_t pieces; /**< of a region; dg_cpu_run_counted */
  const dg_cpu_op *op;
  const dg_op_buffers *buffers;
  size_t samples, parts; /**< parts: of the samples */
} pass;

/** Packs the weights of some panels of inputs. */
static void pack_panels(const void *context, size_t piece, size_t worker) {
  (void)worker;
  const pass *b = context;
  const dg_conv1d_desc *d = &b->op->desc.conv1d;
  const back_plan *plan = b->op->plan;
  float *panels = dg_floats(b->buffers->workspace);
  dg_span some = dg_cpu_grains(d->in, DG_TILE_WIDTH, b->pieces, piece);
  for (size_t i = some.begin; i < some.end; i += DG_TILE_WIDTH)
    pack_flipped(d, dg_floats(b->buffers->param[0]), i, panels + i * plan->backward.depth);
}

static void run_part(const void *context, size_t part, size_t worker) {
  const pass *b = context;
  const back_plan *plan = b->op->plan;
  float *workspace = dg_floats(b->buffers->workspace);
  const scratch own = scratch_of(plan, workspace, worker, part);
  dg_span samples = dg_cpu_part(b->samples, b->parts, part);
  memset(own.padded, 0, plan->padded_floats * sizeof(float));
  memset(own.gradient, 0, plan->gradient_floats * sizeof(float));
  memset(own.to.d_weight, 0, plan->part_floats * sizeof(float));
  for (size_t s = samples.begin; s < samples.end; s += plan->samples) {
    size_t left = samples.end - s;
    backward_chunk(b->op, b->buffers, &own, workspace, s,
                   left < plan->samples ? left : plan->samples);
  }
}

/** Adds up the parts' sums of a row, for the panel of filters from `first` on. */
static void add_parts(const pass *b, size_t first, size_t row) {
  const dg_conv1d_desc *d = &b->op->desc.conv1d;
  const back_plan *plan = b->op->plan;
  size_t depth = plan->shape.windows.depth, filters = dg_panel_columns(d->filters - first);
  size_t width = dg_panel_width(filters);
  float sum[DG_TILE_WIDTH] = {0};
  for (size_t p = 0; p < b->parts; p++)
    dg_grad_store(DG_GRAD_ADD, width,
                  sums_of(plan, dg_floats(b->buffers->workspace), p).d_weight + first * depth +
                      row * width,
                  sum);
  float *d_weight = dg_floats(b->buffers->d_param[0]) + first * depth;
  for (size_t f = 0; f < filters; f++)
    d_weight[f * depth + row % d->in * d->kernel + row / d->in] = sum[f];
}

/** Adds up the parts' sums for the biases. */
static void add_biases(const pass *b) {
  float *d_bias = dg_floats(b->buffers->d_param[1]);
  for (size_t f = 0; f < b->op->desc.conv1d.filters; f++) {
    double sum = 0;
    for (size_t p = 0; p < b->parts; p++)
      sum += sums_of(b->op->plan, dg_floats(b->buffers->workspace), p).d_bias[f];
    d_bias[f] = (float)sum;
  }
}

/** Computes the gradients of some of the parameters. */
static void store_gradients(const void *context, size_t piece, size_t worker) {
  (void)worker;
  const pass *b = context;
  const dg_conv1d_desc *d = &b->op->desc.conv1d;
  size_t depth = ((const back_plan *)b->op->plan)->shape.windows.depth;
  dg_span some = dg_cpu_part(dg_panel_count(d->filters) * depth, b->pieces, piece);
  for (size_t i = some.begin; i < some.end; i++) add_parts(b, i / depth * DG_TILE_WIDTH, i % depth);
  if (piece == 0 && d->bias) add_biases(b);
}

static void run(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_conv1d_desc *d = &op->desc.conv1d;
  const back_plan *plan = op->plan;
  const pass b = {.op = op,
                  .buffers = buffers,
                  .samples = step->n,
                  .parts = plan->parts < step->n ? plan->parts : step->n};
  size_t rows = dg_panel_count(d->filters) * plan->shape.windows.depth;
  if (plan->back_weight_floats)
    dg_cpu_run_counted(b.op->device, dg_cpu_pieces(dg_panel_count(d->in), plan->back_weight_floats),
                       pack_panels, &b, sizeof b);
  dg_cpu_run_counted(b.op->device, b.parts, run_part, &b, sizeof b);
  dg_cpu_run_counted(b.op->device, dg_cpu_pieces(rows, b.parts * plan->shape.weight_floats),
                     store_gradients, &b, sizeof b);
}

const dg_cpu_implementation dg_conv1d_backward = {"windows", NULL, prepare, run};
