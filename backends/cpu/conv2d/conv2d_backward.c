/**
 * The gradients of a convolution by direct products. Each thread goes through its share of the
 * samples, a chunk at a time, and adds up gradients of the parameters of its own; in the end the
 * threads' sums are added in the threads' order. The implementations differ in how the gradient of
 * the input is made.
 */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/conv2d/conv2d_shape.h"
#include "backends/cpu/conv2d/scatter.h"
#include "backends/cpu/elementwise/sum.h"
#include "backends/cpu/gemm/panel.h"
#include "backends/cpu/gemm/tile.h"

typedef struct {
  dg_conv_shape shape;
  dg_field gradient;       /**< the output's gradient, for the input's */
  dg_correlation backward; /**< to the input's gradient */
  size_t back_taps;        /**< products of an element of it */
  bool scatters;           /**< it goes by `scatter` instead */
  dg_scatter scatter;
  size_t samples;        /**< of a chunk: together they have many pixels */
  size_t source_step;    /**< floats from one sample's source field to the next's */
  const uint32_t *pixel; /**< where the window of each pixel of a chunk begins, by source_step */

  /** Floats of parts of the workspace; 0 where there is no need. */
  size_t back_weight_floats, d_z_floats, gradient_floats, room_floats;
  size_t turned_floats, d_bias_floats, back_thread;
  uint32_t tables[];
} back_plan;

/* ---- the plan ----------------------------------------------------------- */

/** The output's gradient as it is scattered. */
static dg_field plain_field(const dg_conv2d_desc *d, size_t out_h, size_t out_w) {
  return (dg_field){.channels = d->filters,
                    .height = out_h,
                    .width = out_w,
                    .spread_h = 1,
                    .spread_w = 1,
                    .rows = out_h,
                    .columns = out_w,
                    .phases = 1};
}

/** The output's gradient as the gradient of the input is read from it: spread by the stride. */
static dg_field gradient_field(const dg_conv2d_desc *d, size_t out_h, size_t out_w) {
  return (dg_field){.channels = d->filters,
                    .height = out_h,
                    .width = out_w,
                    .top = (long)d->kernel_h - 1 - (long)d->pad_h,
                    .left = (long)d->kernel_w - 1 - (long)d->pad_w,
                    .spread_h = d->stride_h,
                    .spread_w = d->stride_w,
                    .rows = (size_t)d->height + d->kernel_h - 1,
                    .columns = (size_t)d->width + d->kernel_w - 1,
                    .phases = 1};
}

/** The taps of the correlation that gathers the input's gradient. */
static void fill_back_taps(const dg_conv2d_desc *d, const back_plan *plan, uint32_t *tap) {
  size_t row = dg_field_row(&plan->gradient);
  for (size_t f = 0; f < d->filters; f++)
    for (size_t ky = d->kernel_h; ky-- > 0;)
      for (size_t kx = d->kernel_w; kx-- > 0;)
        *tap++ = (uint32_t)((f * plan->gradient.rows + ky) * row + kx);
}

/** Fills the tables that lie behind the plan: taps forward, pixels, and those of the way back. */
static void fill_tables(const dg_conv2d_desc *d, back_plan *plan) {
  const dg_correlation *forward = &plan->shape.forward;
  uint32_t *pixel = dg_conv_fill_taps(d, &plan->shape, plan->tables);
  plan->pixel = pixel;
  for (size_t s = 0; s < plan->samples; s++)
    for (size_t y = 0; y < forward->height; y++)
      for (size_t x = 0; x < forward->width; x++)
        *pixel++ = (uint32_t)(s * plan->source_step + y * forward->row_step + x);
  plan->backward.tap = pixel;
  if (plan->scatters)
    plan->scatter = dg_scatter_make(d, forward->height, forward->width, pixel);
  else
    fill_back_taps(d, plan, pixel);
}

/**
 * Samples that go into one product of the weights' gradient: small planes alone would be soon
 * through, and adding up so many gradients would cost more than making them. Yet every thread is to
 * have some.
 */
static size_t chunk_samples(const dg_cpu_op *op, const back_plan *plan) {
  enum { MANY_PIXELS = 256 };
  size_t wanted = MANY_PIXELS / plan->shape.pixels, most = op->max_n / (size_t)op->device->threads;
  size_t samples = wanted < most ? wanted : most;
  return samples > 0 && samples * plan->source_step <= UINT32_MAX ? samples : 1;
}

static back_plan *plan_new(const dg_cpu_op *op, bool scatters, dg_error *err) {
  const dg_conv2d_desc *d = &op->desc.conv2d;
  back_plan plan = {.shape = dg_conv_shape_of(d),
                    .scatters = scatters,
                    .back_taps = d->filters * (size_t)d->kernel_h * d->kernel_w};
  const dg_conv_shape *shape = &plan.shape;
  plan.gradient =
      (scatters ? plain_field : gradient_field)(d, shape->forward.height, shape->forward.width);
  plan.backward = (dg_correlation){.channels = d->channels,
                                   .height = d->height,
                                   .width = d->width,
                                   .plane = (size_t)d->height * d->width,
                                   .row_step = dg_field_row(&plan.gradient),
                                   .taps = plan.back_taps};
  plan.source_step = shape->source_floats ? shape->source_floats : dg_field_count(&shape->source);
  plan.samples = chunk_samples(op, &plan);
  if (!dg_conv_shape_check(&shape->source, err) || !dg_conv_shape_check(&plan.gradient, err))
    return NULL;
  size_t back_entries = scatters ? dg_scatter_entries(d, shape->pixels) : plan.back_taps;
  size_t entries = shape->taps + plan.samples * shape->pixels + back_entries;
  size_t bytes = sizeof plan + entries * sizeof *plan.tables;
  back_plan *made = malloc(bytes);
  if (!made) {
    dg_fail_memory(err, bytes);
    return NULL;
  }
  memcpy(made, &plan, sizeof plan);
  fill_tables(d, made);
  return made;
}

/** How large the parts of the workspace are. */
static void size_parts(const dg_op_desc *desc, back_plan *plan) {
  const dg_conv2d_desc *d = &desc->conv2d;
  const dg_conv_shape *shape = &plan->shape;
  const dg_conv_ending *ending = &shape->ending;
  bool changes = dg_conv_ending_changes(ending), d_in = desc->d_in[0] != DG_GRAD_NONE;
  plan->back_weight_floats = d_in ? dg_round_up(plan->back_taps * dg_panels_width(d->channels)) : 0;
  plan->d_z_floats =
      changes ? dg_round_up(shape->pixels * DG_TILE_WIDTH + dg_conv_ending_slack(ending)) : 0;
  plan->gradient_floats = d_in && (changes || !dg_field_is_plain(&plan->gradient))
                              ? dg_round_up(dg_field_count(&plan->gradient))
                              : 0;
  plan->room_floats = d_in && plan->scatters ? dg_scatter_room(&plan->scatter) : 0;
  plan->turned_floats = dg_round_up(plan->samples * shape->pixels * DG_TILE_WIDTH);
  plan->d_bias_floats = dg_round_up(2 * (size_t)d->filters);
  plan->back_thread = plan->samples * (shape->source_floats + plan->gradient_floats) +
                      plan->d_z_floats + shape->ending_floats + plan->turned_floats +
                      plan->room_floats + shape->weight_floats + plan->d_bias_floats;
}

static bool prepare(dg_cpu_op *op, bool scatters, dg_error *err) {
  const dg_conv2d_desc *d = &op->desc.conv2d;
  back_plan *plan = op->plan = plan_new(op, scatters, err);
  if (!plan) return false;
  size_parts(&op->desc, plan);
  size_t threads = (size_t)op->device->threads;
  op->needs = (dg_direction_needs){
      .workspace = (plan->back_weight_floats + threads * plan->back_thread) * sizeof(float),
      .kept = dg_conv_ending_kept(&plan->shape.ending, op->max_n),
      .reads_in = true,
      .reads_out = d->act.kind != DG_ACT_NONE};
  return true;
}

static bool prepare_direct(dg_cpu_op *op, dg_error *err) {
  return prepare(op, false, err);
}

static bool prepare_scatter(dg_cpu_op *op, dg_error *err) {
  return prepare(op, true, err);
}

static bool scatter_is_faster(const dg_cpu_device *device, const dg_op_desc *desc, uint32_t max_n,
                              bool train) {
  (void)device, (void)max_n, (void)train;
  return dg_scatter_is_faster(&desc->conv2d, dg_conv_shape_of(&desc->conv2d).pixels);
}

/* ---- one chunk ---------------------------------------------------------- */

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

static scratch scratch_of(const back_plan *plan, float *workspace, size_t thread) {
  scratch s;
  s.source = workspace + plan->back_weight_floats + thread * plan->back_thread;
  s.gradient = s.source + plan->samples * plan->shape.source_floats;
  s.d_z = s.gradient + plan->samples * plan->gradient_floats;
  s.ending = s.d_z + plan->d_z_floats;
  s.turned = s.ending + plan->shape.ending_floats;
  s.room = s.turned + plan->turned_floats;
  s.d_weight = s.room + plan->room_floats;
  s.d_bias = (double *)(void *)(s.d_weight + plan->shape.weight_floats);
  return s;
}

static void scratch_clear(const back_plan *plan, const scratch *s) {
  memset(s->source, 0, plan->samples * plan->shape.source_floats * sizeof(float));
  memset(s->gradient, 0, plan->samples * plan->gradient_floats * sizeof(float));
  memset(s->d_weight, 0, (plan->shape.weight_floats + plan->d_bias_floats) * sizeof(float));
}

/** The weights for the gradient of the input: a panel of [filter and tap, channel]. */
static void pack_weights(const dg_conv2d_desc *d, const back_plan *plan, const float *weight,
                         size_t channel, float *panel) {
  if (plan->scatters) {
    dg_scatter_pack(&plan->scatter, weight, channel, panel);
    return;
  }
  size_t kernel = (size_t)d->kernel_h * d->kernel_w;
  size_t columns = dg_panel_columns(d->channels - channel), width = dg_panel_width(columns);
  for (size_t f = 0; f < d->filters; f++)
    dg_pack_columns(kernel, columns, weight + f * plan->shape.taps + channel * kernel, kernel,
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
static void add_taps(const back_plan *plan, const chunk_part *c, size_t tap, size_t group,
                     tap_block block, float *d_weight) {
  _Alignas(64) float tile[DG_TILE_ROWS * DG_TILE_WIDTH];
  dg_tile_grouped(block.groups, block.run, c->width, c->samples * plan->shape.pixels,
                  c->source + plan->shape.forward.tap[tap], dg_field_row(&plan->shape.source),
                  plan->pixel, c->turned, tile, DG_TILE_WIDTH);
  for (size_t g = 0; g < block.groups; g++)
    for (size_t r = 0; r < block.run; r++)
      dg_grad_put(DG_GRAD_ADD, c->width, tile + (g * block.run + r) * DG_TILE_WIDTH,
                  d_weight + (tap + g * group + r) * c->width);
}

/** d_weight += the products of a chunk with one panel of its gradient. */
static void add_weights(const dg_conv2d_desc *d, const back_plan *plan, const chunk_part *part,
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
  const dg_conv2d_desc *d = &op->desc.conv2d;
  const back_plan *plan = op->plan;
  size_t pixels = plan->shape.pixels, plane_out = dg_conv_ending_plane(&plan->shape.ending);
  size_t at = (s * d->filters + filter) * plane_out;
  const float *d_z = plan->d_z_floats ? t->d_z : c->d_y + at;
  for (size_t f = 0; f < filters; f++) {
    const float *plane = d_z + f * pixels;
    size_t first = at + f * plane_out;
    if (plan->d_z_floats)
      dg_conv_ending_spread(&plan->shape.ending, c->y ? c->y + first : NULL, c->d_y + first,
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
  const back_plan *plan = op->plan;
  bool add = op->desc.d_in[0] == DG_GRAD_ADD;
  if (plan->scatters)
    dg_scatter_run(&plan->scatter, gradient, weights, add, t->room, dx);
  else
    dg_correlate(&plan->backward, gradient, weights, &(dg_ending){.add = add}, dx);
}

/** Adds a chunk to the thread's sums and, where that is wanted, gives the input's gradient. */
static void backward_chunk(const dg_cpu_op *op, const scratch *t, const float *weights,
                           const dg_conv_chunk *c) {
  const dg_conv2d_desc *d = &op->desc.conv2d;
  const back_plan *plan = op->plan;
  size_t in = (size_t)d->channels * d->height * d->width;
  size_t out = d->filters * dg_conv_ending_plane(&plan->shape.ending);
  for (size_t s = 0; s < c->samples; s++)
    dg_conv_source(&plan->shape, c->x + s * in, t->source + s * plan->shape.source_floats);
  for (size_t f = 0; f < d->filters; f += DG_TILE_WIDTH) {
    size_t filters = dg_panel_columns(d->filters - f);
    for (size_t s = 0; s < c->samples; s++) spread_gradient(op, t, c, s, f, filters);
    add_weights(d, plan,
                &(chunk_part){.samples = c->samples,
                              .source = plan->shape.source_floats ? t->source : c->x,
                              .turned = t->turned,
                              .width = dg_panel_width(filters)},
                t->d_weight + f * plan->shape.taps);
  }
  for (size_t s = 0; s < (c->dx ? c->samples : 0); s++) {
    const float *gradient =
        plan->gradient_floats ? t->gradient + s * plan->gradient_floats : c->d_y + s * out;
    input_gradient(op, t, weights, gradient, c->dx + s * in);
  }
}

/** The threads' sums of the weights of one filter. */
static void sum_filter(const back_plan *plan, float *workspace, size_t threads, size_t filters,
                       size_t filter, float *d_weight) {
  size_t first = filter / DG_TILE_WIDTH * DG_TILE_WIDTH;
  size_t width = dg_panel_width(dg_panel_columns(filters - first));
  for (size_t tap = 0; tap < plan->shape.taps; tap++) {
    float sum = 0;
    for (size_t t = 0; t < threads; t++)
      sum += scratch_of(plan, workspace, t)
                 .d_weight[first * plan->shape.taps + tap * width + (filter - first)];
    d_weight[filter * plan->shape.taps + tap] = sum;
  }
}

static void run(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_conv2d_desc *d = &op->desc.conv2d;
  const back_plan *plan = op->plan;
  size_t in = (size_t)d->channels * d->height * d->width;
  size_t out = d->filters * dg_conv_ending_plane(&plan->shape.ending);
  const float *x = dg_floats(buffers->in[0]), *d_y = dg_floats(buffers->d_out);
  const float *y = op->needs.reads_out ? dg_floats(buffers->out[0]) : NULL;
  const uint8_t *kept = buffers->kept ? (const uint8_t *)buffers->kept->data : NULL;
  float *dx = plan->back_weight_floats ? dg_floats(buffers->d_in[0]) : NULL;
  float *workspace = dg_floats(buffers->workspace), *d_bias = dg_floats(buffers->d_param[1]);
  size_t work = step->n * plan->shape.pixels * plan->shape.taps * d->filters;
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

const dg_cpu_implementation dg_conv_scatter_backward = {"scatter", scatter_is_faster,
                                                        prepare_scatter, run},
                            dg_conv_direct_backward = {"direct", NULL, prepare_direct, run};
