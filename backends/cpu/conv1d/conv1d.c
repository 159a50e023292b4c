/**
 * Convolution of sequences. A window of steps lies in one piece, so forward is a product of rows
 * that overlap in memory; the gradient of the input is the same over the output's gradient, spread
 * by the stride, with the kernel turned round. The gradient of the weights is a product over all
 * steps of several samples.
 */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/conv2d/correlate.h"
#include "backends/cpu/elementwise/activation.h"
#include "backends/cpu/gemm/panel.h"
#include "backends/cpu/gemm/tile.h"
#include "backends/cpu/runtime/op.h"

/** About so many output steps go into one product of the weights' gradient. */
enum { CHUNK_STEPS = 256 };

/** A product of windows with weights: out [steps, columns]. */
typedef struct {
  size_t steps, columns;
  size_t depth;     /**< numbers of a window */
  size_t step_size; /**< from one window to the next */
} windows;

typedef struct {
  dg_field source, gradient; /**< the input, padded; the output's gradient, spread */
  windows forward, backward; /**< to the output; to the input's gradient */
  size_t samples;            /**< of a chunk */

  /** Floats of parts of the workspaces; 0 where there is no need. */
  size_t weight_floats, source_floats;                                 /**< forward */
  size_t back_weight_floats, field_floats, d_z_floats, panel_floats;   /**< backward */
  size_t gradient_floats, d_weight_floats, d_bias_floats, back_thread; /**< backward */
  uint32_t window[]; /**< where the window of each output step of a chunk begins */
} conv1d_plan;

static size_t out_steps(const dg_conv1d_desc *d) {
  return dg_window_out(d->steps, d->kernel, d->stride, d->pad);
}

static bool supports(const dg_op_desc *desc) {
  const dg_conv1d_desc *d = &desc->conv1d;
  return d->steps > 0 && d->in > 0 && d->filters > 0 && d->kernel > 0 && d->stride > 0 &&
         dg_act_known(d->act) && out_steps(d) > 0;
}

/* ---- the plan ----------------------------------------------------------- */

/** Rows of `width` numbers, the first in row `top`, `spread` apart, zeros between and around. */
static dg_field rows_field(size_t height, size_t width, long top, size_t spread, size_t rows) {
  return (dg_field){.channels = 1,
                    .height = height,
                    .width = width,
                    .top = top,
                    .spread_h = spread,
                    .spread_w = 1,
                    .rows = rows,
                    .columns = width,
                    .phases = 1};
}

static conv1d_plan *plan_new(const dg_conv1d_desc *d, dg_error *err) {
  size_t out = out_steps(d), samples = out < CHUNK_STEPS ? CHUNK_STEPS / out : 1;
  size_t bytes = sizeof(conv1d_plan) + samples * out * sizeof(uint32_t);
  conv1d_plan *plan = calloc(1, bytes);
  if (!plan) {
    dg_fail_memory(err, bytes);
    return NULL;
  }
  plan->samples = samples;
  plan->source = rows_field(d->steps, d->in, (long)d->pad, 1, d->steps + 2 * (size_t)d->pad);
  plan->gradient = rows_field(out, d->filters, (long)d->kernel - 1 - (long)d->pad, d->stride,
                              (size_t)d->steps + d->kernel - 1);
  plan->forward = (windows){.steps = out,
                            .columns = d->filters,
                            .depth = (size_t)d->kernel * d->in,
                            .step_size = (size_t)d->stride * d->in};
  plan->backward = (windows){.steps = d->steps,
                             .columns = d->in,
                             .depth = (size_t)d->kernel * d->filters,
                             .step_size = d->filters};
  for (size_t s = 0; s < samples; s++)
    for (size_t o = 0; o < out; o++)
      plan->window[s * out + o] =
          (uint32_t)(s * dg_field_count(&plan->source) + o * plan->forward.step_size);
  return plan;
}

static void prepare_backward(dg_cpu_op *op) {
  const dg_conv1d_desc *d = &op->base.desc.conv1d;
  conv1d_plan *plan = op->plan;
  dg_op_needs *needs = &op->base.needs;
  bool act = d->act.kind != DG_ACT_NONE, d_in = op->base.desc.d_in[0] != DG_GRAD_NONE;
  size_t steps = plan->samples * plan->forward.steps;
  needs->backward_reads_in = true;
  needs->backward_reads_out = act;
  plan->back_weight_floats = d_in ? dg_round_up(plan->backward.depth * dg_panels_width(d->in)) : 0;
  plan->field_floats = dg_round_up(plan->source_floats * plan->samples);
  plan->d_z_floats = act ? dg_round_up(steps * d->filters) : 0;
  plan->panel_floats = dg_round_up(steps * DG_TILE_WIDTH);
  plan->gradient_floats = d_in && !dg_field_is_plain(&plan->gradient)
                              ? dg_round_up(dg_field_count(&plan->gradient))
                              : 0;
  plan->d_weight_floats = plan->weight_floats;
  plan->d_bias_floats = dg_round_up(2 * (size_t)d->filters);
  plan->back_thread = plan->field_floats + plan->d_z_floats + plan->panel_floats +
                      plan->gradient_floats + plan->d_weight_floats + plan->d_bias_floats;
  needs->backward_workspace =
      (plan->back_weight_floats + (size_t)op->device->threads * plan->back_thread) * sizeof(float);
}

static bool prepare(dg_cpu_op *op, bool train, dg_error *err) {
  const dg_conv1d_desc *d = &op->base.desc.conv1d;
  conv1d_plan *plan = op->plan = plan_new(d, err);
  if (!plan) return false;
  if (plan->samples * dg_field_count(&plan->source) > UINT32_MAX)
    return dg_fail(err, DG_ERR_UNSUPPORTED,
                   "one sample of this conv1d is too large for the cpu "
                   "backend");
  plan->weight_floats = dg_round_up(plan->forward.depth * dg_panels_width(d->filters));
  plan->source_floats = dg_field_is_plain(&plan->source) ? 0 : dg_field_count(&plan->source);
  size_t packed = train ? plan->weight_floats : 0;
  op->base.needs.forward_workspace =
      (packed + (size_t)op->device->threads * dg_round_up(plan->source_floats)) * sizeof(float);
  if (!train) return dg_cpu_keep_packing(op, plan->weight_floats, err);
  prepare_backward(op);
  return true;
}

/* ---- both directions ---------------------------------------------------- */

/** Adds bias[c] to the column c of a tile. */
static void add_bias(size_t steps, size_t columns, const float *bias, float *tile) {
  for (size_t j = 0; j < steps; j++)
    for (size_t c = 0; c < columns; c++) tile[j * DG_TILE_WIDTH + c] += bias[c];
}

/** One sample: its windows in `filled`, times panels of weights. */
static void multiply(const windows *w, const float *filled, const float *panels,
                     const dg_ending *ending, float *out) {
  _Alignas(64) float tile[DG_TILE_ROWS * DG_TILE_WIDTH] = {0};
  size_t steps;
  for (size_t c = 0; c < w->columns; c += DG_TILE_WIDTH) {
    size_t columns = dg_panel_columns(w->columns - c), width = dg_panel_width(columns);
    for (size_t j = 0; j < w->steps; j += steps) {
      steps = dg_tile_height(w->steps - j);
      dg_tile_strided(steps, width, w->depth, filled + j * w->step_size, w->step_size,
                      panels + c * w->depth, tile, DG_TILE_WIDTH);
      if (ending->bias) add_bias(steps, columns, ending->bias + c, tile);
      dg_act_forward(ending->act, steps * DG_TILE_WIDTH, tile, tile);
      dg_put_rows(ending->add, steps, columns, tile, out + j * w->columns + c, w->columns);
    }
  }
}

/** The panel of filters from `filter` on: rows [tap, input], columns filters. */
static void pack_weights(const dg_conv1d_desc *d, const float *weight, size_t filter,
                         float *panel) {
  size_t filters = dg_panel_columns(d->filters - filter), width = dg_panel_width(filters);
  memset(panel, 0, (size_t)d->kernel * d->in * width * sizeof *panel);
  for (size_t f = 0; f < filters; f++)
    for (size_t i = 0; i < d->in; i++)
      for (size_t k = 0; k < d->kernel; k++)
        panel[(k * d->in + i) * width + f] = weight[((filter + f) * d->in + i) * d->kernel + k];
}

/** The panel of inputs from `input` on: rows [tap from the last to the first, filter]. */
static void pack_turned(const dg_conv1d_desc *d, const float *weight, size_t input, float *panel) {
  size_t inputs = dg_panel_columns(d->in - input), width = dg_panel_width(inputs);
  memset(panel, 0, (size_t)d->kernel * d->filters * width * sizeof *panel);
  for (size_t f = 0; f < d->filters; f++)
    for (size_t i = 0; i < inputs; i++)
      for (size_t k = 0; k < d->kernel; k++)
        panel[((d->kernel - 1 - k) * d->filters + f) * width + i] =
            weight[(f * d->in + input + i) * d->kernel + k];
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_conv1d_desc *d = &op->base.desc.conv1d;
  const conv1d_plan *plan = op->plan;
  const windows *w = &plan->forward;
  size_t in = (size_t)d->steps * d->in, out = w->steps * w->columns;
  dg_ending ending = {.bias = d->bias ? dg_floats(buffers->param[1]) : NULL, .act = d->act};
  bool pack;
  float *workspace = dg_floats(buffers->workspace);
  float *panels = dg_cpu_packed(op, buffers, workspace, &pack);
  float *fields = op->packing ? workspace : workspace + plan->weight_floats;
  size_t filters = pack ? d->filters : 0, work = step->n * out * w->depth;
#pragma omp parallel num_threads(dg_cpu_threads(op->device, work / DG_VECTOR))
  {
    float *field = NULL;
    if (plan->source_floats) {
      field = fields + (size_t)omp_get_thread_num() * dg_round_up(plan->source_floats);
      memset(field, 0, plan->source_floats * sizeof *field);
    }
#pragma omp for schedule(static)
    for (size_t f = 0; f < filters; f += DG_TILE_WIDTH)
      pack_weights(d, dg_floats(buffers->param[0]), f, panels + f * w->depth);
#pragma omp for schedule(static)
    for (size_t s = 0; s < step->n; s++) {
      const float *x = dg_floats(buffers->in[0]) + s * in;
      if (plan->source_floats) dg_field_fill(&plan->source, x, field);
      multiply(w, plan->source_floats ? field : x, panels, &ending,
               dg_floats(buffers->out[0]) + s * out);
    }
  }
}

/* ---- backward ----------------------------------------------------------- */

/** A thread's part of the workspace. */
typedef struct {
  float *field;    /**< padded inputs of a chunk */
  float *d_z;      /**< gradient before the activation, of a chunk */
  float *panel;    /**< some filters of it */
  float *gradient; /**< of one sample, spread */
  float *d_weight; /**< sums over the thread's samples, panels of [tap and input, filter] */
  double *d_bias;
} scratch;

static scratch scratch_of(const conv1d_plan *plan, float *workspace, size_t thread) {
  scratch s;
  s.field = workspace + plan->back_weight_floats + thread * plan->back_thread;
  s.d_z = s.field + plan->field_floats;
  s.panel = s.d_z + plan->d_z_floats;
  s.gradient = s.panel + plan->panel_floats;
  s.d_weight = s.gradient + plan->gradient_floats;
  s.d_bias = (double *)(void *)(s.d_weight + plan->d_weight_floats);
  return s;
}

/** Adds the products of a chunk's windows with its gradients to the thread's sums. */
static void add_weights(const dg_conv1d_desc *d, const conv1d_plan *plan, const scratch *t,
                        size_t samples, const float *source, const float *d_z) {
  _Alignas(64) float tile[DG_TILE_ROWS * DG_TILE_WIDTH];
  size_t steps = samples * plan->forward.steps, depth = plan->forward.depth, rows;
  for (size_t f = 0; f < d->filters; f += DG_TILE_WIDTH) {
    size_t filters = dg_panel_columns(d->filters - f), width = dg_panel_width(filters);
    dg_pack_rows(steps, filters, d_z + f, d->filters, t->panel);
    for (size_t k = 0; k < depth; k += rows) {
      rows = dg_tile_height(depth - k);
      dg_tile_grouped(1, rows, width, steps, source + k, 0, plan->window, t->panel, tile,
                      DG_TILE_WIDTH);
      for (size_t j = 0; j < rows; j++)
        dg_grad_put(DG_GRAD_ADD, width, tile + j * DG_TILE_WIDTH,
                    t->d_weight + f * depth + (k + j) * width);
    }
  }
}

/** The gradients of the inputs of a chunk. */
static void input_gradients(const dg_cpu_op *op, const scratch *t, size_t samples,
                            const float *panels, const float *d_z, float *d_x) {
  const conv1d_plan *plan = op->plan;
  size_t in = plan->backward.steps * plan->backward.columns;
  size_t out = plan->forward.steps * plan->forward.columns;
  dg_ending ending = {.add = op->base.desc.d_in[0] == DG_GRAD_ADD};
  for (size_t s = 0; s < samples; s++) {
    if (plan->gradient_floats) dg_field_fill(&plan->gradient, d_z + s * out, t->gradient);
    multiply(&plan->backward, plan->gradient_floats ? t->gradient : d_z + s * out, panels, &ending,
             d_x + s * in);
  }
}

/** The samples from `first` on that make up a chunk. */
static void backward_chunk(const dg_cpu_op *op, const dg_op_buffers *buffers, const scratch *t,
                           const float *panels, size_t first, size_t samples) {
  const dg_conv1d_desc *d = &op->base.desc.conv1d;
  const conv1d_plan *plan = op->plan;
  size_t in = (size_t)d->steps * d->in, out = plan->forward.steps * d->filters;
  const float *x = dg_floats(buffers->in[0]) + first * in;
  const float *d_y = dg_floats(buffers->d_out) + first * out, *d_z = d_y;
  if (plan->d_z_floats) {
    dg_act_backward(d->act, samples * out, dg_floats(buffers->out[0]) + first * out, d_y, t->d_z);
    d_z = t->d_z;
  }
  for (size_t s = 0; s < samples && plan->field_floats; s++)
    dg_field_fill(&plan->source, x + s * in, t->field + s * plan->source_floats);
  add_weights(d, plan, t, samples, plan->field_floats ? t->field : x, d_z);
  for (size_t i = 0; i < samples * plan->forward.steps && d->bias; i++)
    for (size_t f = 0; f < d->filters; f++) t->d_bias[f] += (double)d_z[i * d->filters + f];
  if (plan->back_weight_floats)
    input_gradients(op, t, samples, panels, d_z, dg_floats(buffers->d_in[0]) + first * in);
}

/** Adds up the threads' sums of one filter. */
static void sum_filter(const dg_cpu_op *op, const dg_op_buffers *buffers, size_t threads,
                       size_t filter) {
  const dg_conv1d_desc *d = &op->base.desc.conv1d;
  const conv1d_plan *plan = op->plan;
  size_t depth = plan->forward.depth, panel = filter / DG_TILE_WIDTH * DG_TILE_WIDTH;
  size_t width = dg_panel_width(dg_panel_columns(d->filters - panel));
  float *d_weight = dg_floats(buffers->d_param[0]) + filter * depth;
  double bias = 0;
  for (size_t row = 0; row < depth; row++) {
    float sum = 0;
    for (size_t t = 0; t < threads; t++)
      sum += scratch_of(plan, dg_floats(buffers->workspace), t)
                 .d_weight[panel * depth + row * width + (filter - panel)];
    d_weight[row % d->in * d->kernel + row / d->in] = sum;
  }
  for (size_t t = 0; t < threads; t++)
    bias += scratch_of(plan, dg_floats(buffers->workspace), t).d_bias[filter];
  if (d->bias) dg_floats(buffers->d_param[1])[filter] = (float)bias;
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_conv1d_desc *d = &op->base.desc.conv1d;
  const conv1d_plan *plan = op->plan;
  float *panels = dg_floats(buffers->workspace);
  size_t inputs = plan->back_weight_floats ? d->in : 0;
  size_t work = step->n * plan->forward.steps * plan->forward.depth * d->filters;
#pragma omp parallel num_threads(dg_cpu_threads(op->device, work / DG_VECTOR))
  {
    size_t threads = (size_t)omp_get_num_threads();
    scratch own = scratch_of(plan, panels, (size_t)omp_get_thread_num());
    memset(own.field, 0, plan->field_floats * sizeof(float));
    memset(own.gradient, 0, plan->gradient_floats * sizeof(float));
    memset(own.d_weight, 0, (plan->d_weight_floats + plan->d_bias_floats) * sizeof(float));
#pragma omp for schedule(static)
    for (size_t i = 0; i < inputs; i += DG_TILE_WIDTH)
      pack_turned(d, dg_floats(buffers->param[0]), i, panels + i * plan->backward.depth);
#pragma omp for schedule(static)
    for (size_t s = 0; s < step->n; s += plan->samples) {
      size_t left = step->n - s;
      backward_chunk(op, buffers, &own, panels, s, left < plan->samples ? left : plan->samples);
    }
#pragma omp for schedule(static)
    for (size_t f = 0; f < d->filters; f++) sum_filter(op, buffers, threads, f);
  }
}

const dg_cpu_family DG_ISA_NAME(dg_cpu_conv1d) = {supports, prepare, forward, backward};
