/**
 * The gradients of a convolution. Each thread goes through its share of the
 * samples, a chunk at a time, and adds up gradients of the parameters of its
 * own; in the end the threads' sums are added in the threads' order.
 */
#include <omp.h>
#include <string.h>

#include "backends/cpu/conv2d/conv2d.h"
#include "backends/cpu/elementwise/sum.h"
#include "backends/cpu/gemm/panel.h"
#include "backends/cpu/gemm/tile.h"

void dg_conv_backward_prepare(dg_cpu_op *op) {
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  dg_conv_plan *plan = op->plan;
  dg_op_needs *needs = &op->base.needs;
  const dg_conv_ending *ending = &plan->ending;
  bool changes = dg_conv_ending_changes(ending), d_in = op->base.desc.d_in[0] != DG_GRAD_NONE;
  needs->backward_reads_in = true;
  needs->backward_reads_out = d->act.kind != DG_ACT_NONE;
  needs->kept =
      ending->pool ? (size_t)op->base.max_n * d->filters * dg_conv_ending_plane(ending) : 0;
  plan->back_weight_floats = d_in ? dg_round_up(plan->back_taps * dg_panels_width(d->channels)) : 0;
  plan->d_z_floats =
      changes ? dg_round_up(plan->pixels * DG_TILE_WIDTH + dg_conv_ending_slack(ending)) : 0;
  plan->gradient_floats = d_in && (changes || !dg_field_is_plain(&plan->gradient))
                              ? dg_round_up(dg_field_count(&plan->gradient))
                              : 0;
  plan->room_floats = d_in && plan->scatters ? dg_scatter_room(&plan->scatter) : 0;
  plan->turned_floats = dg_round_up(plan->samples * plan->pixels * DG_TILE_WIDTH);
  plan->d_weight_floats = plan->weight_floats;
  plan->d_bias_floats = dg_round_up(2 * (size_t)d->filters);
  plan->back_thread = plan->samples * (plan->source_floats + plan->gradient_floats) +
                      plan->d_z_floats + plan->ending_floats + plan->turned_floats +
                      plan->room_floats + plan->d_weight_floats + plan->d_bias_floats;
  needs->backward_workspace =
      (plan->back_weight_floats + (size_t)op->device->threads * plan->back_thread) * sizeof(float);
}

/** A thread's part of the workspace. */
typedef struct {
  float *source, *gradient; /**< fields of a chunk */
  float *d_z;               /**< of a sample: gradient before the activation, some filters */
  float *ending;            /**< for dg_conv_ending_spread */
  float *turned;            /**< the same of a chunk as a panel: [pixel, filter] */
  float *room;              /**< for dg_scatter_run */
  float *d_weight;          /**< sums over the thread's samples, panels of [tap, filter] */
  double *d_bias;
} scratch;

static scratch scratch_of(const dg_conv_plan *plan, float *workspace, size_t thread) {
  scratch s;
  s.source = workspace + plan->back_weight_floats + thread * plan->back_thread;
  s.gradient = s.source + plan->samples * plan->source_floats;
  s.d_z = s.gradient + plan->samples * plan->gradient_floats;
  s.ending = s.d_z + plan->d_z_floats;
  s.turned = s.ending + plan->ending_floats;
  s.room = s.turned + plan->turned_floats;
  s.d_weight = s.room + plan->room_floats;
  s.d_bias = (double *)(void *)(s.d_weight + plan->d_weight_floats);
  return s;
}

static void scratch_clear(const dg_conv_plan *plan, const scratch *s) {
  memset(s->source, 0, plan->samples * plan->source_floats * sizeof(float));
  memset(s->gradient, 0, plan->samples * plan->gradient_floats * sizeof(float));
  memset(s->d_weight, 0, (plan->d_weight_floats + plan->d_bias_floats) * sizeof(float));
}

/** The weights for the gradient of the input: a panel of [filter and tap, channel]. */
static void pack_weights(const dg_conv2d_desc *d, const dg_conv_plan *plan, const float *weight,
                         size_t channel, float *panel) {
  if (plan->scatters) {
    dg_scatter_pack(&plan->scatter, weight, channel, panel);
    return;
  }
  size_t kernel = (size_t)d->kernel_h * d->kernel_w;
  size_t columns = dg_panel_columns(d->channels - channel), width = dg_panel_width(columns);
  for (size_t f = 0; f < d->filters; f++)
    dg_pack_columns(kernel, columns, weight + f * plan->taps + channel * kernel, kernel,
                    panel + f * kernel * width);
}

/** Rows of taps that a tile takes at once. */
typedef struct {
  size_t groups, run;
} tap_block;

/** What a chunk brings to the weights of a panel of filters. */
typedef struct {
  size_t samples;
  const float *source; /**< fields */
  const float *turned; /**< the panel, `width` wide */
  size_t width;
} chunk_part;

/** Adds one tile: the taps from `tap` on, in `block.groups` rows `group` taps apart. */
static void add_taps(const dg_conv_plan *plan, const chunk_part *c, size_t tap, size_t group,
                     tap_block block, float *d_weight) {
  _Alignas(64) float tile[DG_TILE_ROWS * DG_TILE_WIDTH];
  dg_tile_grouped(block.groups, block.run, c->width, c->samples * plan->pixels,
                  c->source + plan->forward.tap[tap], dg_field_row(&plan->source), plan->pixel,
                  c->turned, tile, DG_TILE_WIDTH);
  for (size_t g = 0; g < block.groups; g++)
    for (size_t r = 0; r < block.run; r++)
      dg_grad_put(DG_GRAD_ADD, c->width, tile + (g * block.run + r) * DG_TILE_WIDTH,
                  d_weight + (tap + g * group + r) * c->width);
}

/** d_weight += the products of a chunk with one panel of its gradient. */
static void add_weights(const dg_conv2d_desc *d, const dg_conv_plan *plan, const chunk_part *part,
                        float *d_weight) {
  size_t kernel_h = d->kernel_h, kernel_w = d->kernel_w;
  tap_block block;
  for (size_t c = 0; c < d->channels; c++)
    for (size_t kx = 0; kx < kernel_w; kx += block.run) {
      block.run = d->stride_w == 1 ? dg_tile_height(kernel_w - kx) : 1;
      for (size_t ky = 0; ky < kernel_h; ky += block.groups) {
        block.groups = dg_tile_groups(kernel_h - ky, block.run);
        add_taps(plan, part, (c * kernel_h + ky) * kernel_w + kx, kernel_w, block, d_weight);
      }
    }
}

/**
 * Brings the gradient before the activation, of some filters of sample `s` of a chunk, to where it
 * is wanted: the right operand of the weights' products, the field of the input's gradient, the
 * bias's sums.
 */
static void spread_gradient(const dg_cpu_op *op, const scratch *t, const dg_conv_chunk *c, size_t s,
                            size_t filter, size_t filters) {
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  const dg_conv_plan *plan = op->plan;
  size_t pixels = plan->pixels, plane_out = dg_conv_ending_plane(&plan->ending);
  size_t at = (s * d->filters + filter) * plane_out;
  const float *d_z = plan->d_z_floats ? t->d_z : c->d_y + at;
  for (size_t f = 0; f < filters; f++) {
    const float *plane = d_z + f * pixels;
    size_t first = at + f * plane_out;
    if (plan->d_z_floats)
      dg_conv_ending_spread(&plan->ending, c->y ? c->y + first : NULL, c->d_y + first,
                            c->kept ? c->kept + first : NULL, t->ending, t->d_z + f * pixels);
    if (d->bias) t->d_bias[filter + f] += dg_sum(pixels, plane);
    if (plan->gradient_floats)
      dg_field_fill_plane(&plan->gradient, filter + f, plane,
                          t->gradient + s * plan->gradient_floats);
  }
  dg_pack_columns(pixels, filters, d_z, pixels, t->turned + s * pixels * dg_panel_width(filters));
}

/** The gradient of one sample's input from the field of its output's. */
static void input_gradient(const dg_cpu_op *op, const scratch *t, const float *weights,
                           const float *gradient, float *dx) {
  const dg_conv_plan *plan = op->plan;
  bool add = op->base.desc.d_in[0] == DG_GRAD_ADD;
  if (plan->scatters)
    dg_scatter_run(&plan->scatter, gradient, weights, add, t->room, dx);
  else
    dg_correlate(&plan->backward, gradient, weights, &(dg_ending){.add = add}, dx);
}

/** Adds a chunk to the thread's sums and, where that is wanted, gives the input's gradient. */
static void backward_chunk(const dg_cpu_op *op, const scratch *t, const float *weights,
                           const dg_conv_chunk *c) {
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  const dg_conv_plan *plan = op->plan;
  size_t in = (size_t)d->channels * d->height * d->width;
  size_t out = d->filters * dg_conv_ending_plane(&plan->ending);
  for (size_t s = 0; s < c->samples; s++)
    dg_conv_source(plan, c->x + s * in, t->source + s * plan->source_floats);
  for (size_t f = 0; f < d->filters; f += DG_TILE_WIDTH) {
    size_t filters = dg_panel_columns(d->filters - f);
    for (size_t s = 0; s < c->samples; s++) spread_gradient(op, t, c, s, f, filters);
    add_weights(d, plan,
                &(chunk_part){.samples = c->samples,
                              .source = plan->source_floats ? t->source : c->x,
                              .turned = t->turned,
                              .width = dg_panel_width(filters)},
                t->d_weight + f * plan->taps);
  }
  for (size_t s = 0; s < (c->dx ? c->samples : 0); s++) {
    const float *gradient =
        plan->gradient_floats ? t->gradient + s * plan->gradient_floats : c->d_y + s * out;
    input_gradient(op, t, weights, gradient, c->dx + s * in);
  }
}

/** The threads' sums of the weights of one filter. */
static void sum_filter(const dg_conv_plan *plan, float *workspace, size_t threads, size_t filters,
                       size_t filter, float *d_weight) {
  size_t first = filter / DG_TILE_WIDTH * DG_TILE_WIDTH;
  size_t width = dg_panel_width(dg_panel_columns(filters - first));
  for (size_t tap = 0; tap < plan->taps; tap++) {
    float sum = 0;
    for (size_t t = 0; t < threads; t++)
      sum += scratch_of(plan, workspace, t)
                 .d_weight[first * plan->taps + tap * width + (filter - first)];
    d_weight[filter * plan->taps + tap] = sum;
  }
}

void dg_conv_backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  const dg_conv_plan *plan = op->plan;
  size_t in = (size_t)d->channels * d->height * d->width;
  size_t out = d->filters * dg_conv_ending_plane(&plan->ending);
  const float *x = dg_floats(buffers->in[0]), *d_y = dg_floats(buffers->d_out);
  const float *y = op->base.needs.backward_reads_out ? dg_floats(buffers->out[0]) : NULL;
  const uint8_t *kept = buffers->kept ? (const uint8_t *)buffers->kept->data : NULL;
  float *dx = plan->back_weight_floats ? dg_floats(buffers->d_in[0]) : NULL;
  float *workspace = dg_floats(buffers->workspace), *d_bias = dg_floats(buffers->d_param[1]);
  size_t work = step->n * plan->pixels * plan->taps * d->filters;
#pragma omp parallel num_threads(dg_cpu_threads(op->device, work / DG_VECTOR))
  {
    size_t threads = (size_t)omp_get_num_threads();
    scratch own = scratch_of(plan, workspace, (size_t)omp_get_thread_num());
    scratch_clear(plan, &own);
#pragma omp for schedule(static)
    for (size_t c = 0; c < (dx ? d->channels : 0); c += DG_TILE_WIDTH)
      pack_weights(d, plan, dg_floats(buffers->param[0]), c, workspace + c * plan->back_taps);
#pragma omp for schedule(static)
    for (size_t s = 0; s < step->n; s += plan->samples)
      backward_chunk(
          op, &own, workspace,
          &(dg_conv_chunk){.samples = step->n - s < plan->samples ? step->n - s : plan->samples,
                           .x = x + s * in,
                           .y = y ? y + s * out : NULL,
                           .d_y = d_y + s * out,
                           .kept = kept ? kept + s * out : NULL,
                           .dx = dx ? dx + s * in : NULL});
#pragma omp for schedule(static)
    for (size_t f = 0; f < d->filters; f++) {
      double sum = 0;
      sum_filter(plan, workspace, threads, d->filters, f, dg_floats(buffers->d_param[0]));
      for (size_t t = 0; t < threads; t++) sum += scratch_of(plan, workspace, t).d_bias[f];
      if (d->bias) d_bias[f] = (float)sum;
    }
  }
}
