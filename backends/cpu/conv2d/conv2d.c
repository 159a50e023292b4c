#include "backends/cpu/conv2d/conv2d.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/conv2d/conv2d_pooled.h"
#include "backends/cpu/conv2d/moments.h"
#include "backends/cpu/conv2d/winograd/conv2d_winograd.h"
#include "backends/cpu/elementwise/activation.h"
#include "backends/cpu/gemm/panel.h"
#include "backends/cpu/gemm/tile.h"

static bool supports(const dg_op_desc *desc) {
  const dg_conv2d_desc *d = &desc->conv2d;
  return d->channels > 0 && d->filters > 0 && d->height > 0 && d->width > 0 && d->kernel_h > 0 &&
         d->kernel_w > 0 && d->stride_h > 0 && d->stride_w > 0 && dg_conv_ending_known(d);
}

/* ---- the plan ----------------------------------------------------------- */

static dg_field source_field(const dg_conv2d_desc *d) {
  return (dg_field){.channels = d->channels,
                    .height = d->height,
                    .width = d->width,
                    .top = (long)d->pad_h,
                    .left = (long)d->pad_w,
                    .spread_h = 1,
                    .spread_w = 1,
                    .rows = (size_t)d->height + 2 * (size_t)d->pad_h,
                    .columns = (size_t)d->width + 2 * (size_t)d->pad_w,
                    .phases = d->stride_w};
}

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
static void fill_back_taps(const dg_conv2d_desc *d, const dg_conv_plan *plan, uint32_t *tap) {
  size_t row = dg_field_row(&plan->gradient);
  for (size_t f = 0; f < d->filters; f++)
    for (size_t ky = d->kernel_h; ky-- > 0;)
      for (size_t kx = d->kernel_w; kx-- > 0;)
        *tap++ = (uint32_t)((f * plan->gradient.rows + ky) * row + kx);
}

/** Fills the tables that lie behind the plan: taps forward, pixels, and what backward needs. */
static void fill_tables(const dg_conv2d_desc *d, dg_conv_plan *plan) {
  uint32_t *tap = plan->tables, *pixel = tap + plan->taps;
  uint32_t *back = pixel + plan->samples * plan->pixels;
  size_t row = dg_field_row(&plan->source);
  plan->forward.tap = tap, plan->backward.tap = back, plan->pixel = pixel;
  for (size_t c = 0; c < d->channels; c++)
    for (size_t ky = 0; ky < d->kernel_h; ky++)
      for (size_t kx = 0; kx < d->kernel_w; kx++)
        *tap++ =
            (uint32_t)((c * plan->source.rows + ky) * row + dg_field_column(&plan->source, kx));
  for (size_t s = 0; s < plan->samples; s++)
    for (size_t y = 0; y < plan->forward.height; y++)
      for (size_t x = 0; x < plan->forward.width; x++)
        *pixel++ = (uint32_t)(s * plan->source_step + y * plan->forward.row_step + x);
  if (plan->scatters)
    plan->scatter = dg_scatter_make(d, plan->forward.height, plan->forward.width, back);
  else
    fill_back_taps(d, plan, back);
}

/**
 * Samples that go into one product of the weights' gradient: small planes alone would be soon
 * through, and adding up so many gradients would cost more than making them. Yet every thread is to
 * have some.
 */
static size_t chunk_samples(const dg_cpu_op *op, const dg_conv_plan *plan) {
  enum { MANY_PIXELS = 256 };
  size_t wanted = MANY_PIXELS / plan->pixels, most = op->base.max_n / (size_t)op->device->threads;
  size_t samples = wanted < most ? wanted : most;
  return samples > 0 && samples * plan->source_step <= UINT32_MAX ? samples : 1;
}

static dg_conv_plan *plan_new(const dg_cpu_op *op, dg_error *err) {
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  size_t out_h = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h);
  size_t out_w = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w);
  size_t kernel = (size_t)d->kernel_h * d->kernel_w;
  bool scatters = dg_scatter_is_faster(d, out_h * out_w);
  dg_conv_plan plan = {.source = source_field(d),
                       .gradient = (scatters ? plain_field : gradient_field)(d, out_h, out_w),
                       .scatters = scatters,
                       .taps = d->channels * kernel,
                       .back_taps = d->filters * kernel,
                       .ending = dg_conv_ending_of(d),
                       .pixels = out_h * out_w};
  plan.ending_floats = dg_conv_ending_room(&plan.ending);
  plan.forward = (dg_correlation){.channels = d->filters,
                                  .height = out_h,
                                  .width = out_w,
                                  .plane = out_h * out_w,
                                  .row_step = d->stride_h * dg_field_row(&plan.source),
                                  .taps = plan.taps};
  plan.backward = (dg_correlation){.channels = d->channels,
                                   .height = d->height,
                                   .width = d->width,
                                   .plane = (size_t)d->height * d->width,
                                   .row_step = dg_field_row(&plan.gradient),
                                   .taps = plan.back_taps};
  plan.few_taps = dg_correlate_is_few(&plan.forward);
  plan.pools = plan.few_taps && d->pool == DG_CONV_POOLED_SIDE;
  plan.sums_floats = plan.pools ? 0 : dg_conv_ending_sums(&plan.ending);
  plan.source_floats = dg_field_is_plain(&plan.source) && !plan.few_taps
                           ? 0
                           : dg_round_up(dg_field_count(&plan.source) + DG_CORRELATE_SLACK);
  plan.source_step = plan.source_floats ? plan.source_floats : dg_field_count(&plan.source);
  plan.samples = chunk_samples(op, &plan);
  if (dg_field_count(&plan.source) > UINT32_MAX || dg_field_count(&plan.gradient) > UINT32_MAX) {
    dg_fail(err, DG_ERR_UNSUPPORTED, "one sample of this conv2d is too large for the cpu backend");
    return NULL;
  }
  size_t back_entries = scatters ? dg_scatter_entries(d, plan.pixels) : plan.back_taps;
  size_t entries = plan.taps + plan.samples * plan.pixels + back_entries;
  size_t bytes = sizeof plan + entries * sizeof *plan.tables;
  dg_conv_plan *made = malloc(bytes);
  if (!made) {
    dg_fail_memory(err, bytes);
    return NULL;
  }
  memcpy(made, &plan, sizeof plan);
  fill_tables(d, made);
  return made;
}

/** Floats of a thread's part of the workspace of forward. */
static size_t forward_thread(const dg_conv_plan *plan) {
  return plan->source_floats + plan->sums_floats + plan->ending_floats;
}

static bool prepare_direct(dg_cpu_op *op, bool train, dg_error *err) {
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  dg_conv_plan *plan = op->plan = plan_new(op, err);
  if (!plan) return false;
  dg_op_needs *needs = &op->base.needs;
  size_t threads = (size_t)op->device->threads, filters = dg_panels_width(d->filters);
  plan->weight_floats = dg_round_up(plan->taps * filters);
  if (!train && !plan->few_taps) {
    if (!dg_cpu_keep_packing(op, plan->weight_floats, err)) return false;
    plan->weight_floats = 0;
  }
  needs->forward_workspace = (plan->weight_floats + threads * forward_thread(plan)) * sizeof(float);
  if (train) dg_conv_backward_prepare(op);
  return true;
}

static void backward_directly(const dg_cpu_op *op, const dg_op_buffers *buffers,
                              const dg_step *step) {
  dg_cpu_op direct = *op;
  direct.plan = op->back_plan;
  dg_conv_backward(&direct, buffers, step);
}

/** Forward by minimal filtering, backward directly. */
static const dg_cpu_family one_way = {supports, NULL, dg_conv_winograd_forward, backward_directly};

static bool prepare_one_way(dg_cpu_op *op, dg_error *err) {
  size_t workspace = op->base.needs.forward_workspace;
  op->family = &one_way;
  op->back_plan = op->plan;
  op->base.needs = (dg_op_needs){.kept = op->base.needs.kept};
  bool right = prepare_direct(op, true, err);
  void *direct = op->plan;
  op->plan = op->back_plan, op->back_plan = direct;
  op->base.needs.forward_workspace = workspace;
  return right;
}

static bool prepare(dg_cpu_op *op, bool train, dg_error *err) {
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  if (!dg_conv_winograd_is_faster(d)) return prepare_direct(op, train, err);
  op->family = &dg_conv_winograd;
  if (!op->family->prepare(op, train, err)) return false;
  return !train || dg_conv_winograd_goes_back(d) || prepare_one_way(op, err);
}

/* ---- forward ------------------------------------------------------------ */

const float *dg_conv_source(const dg_conv_plan *plan, const float *sample, float *room) {
  if (plan->source_floats == 0) return sample;
  dg_field_fill(&plan->source, sample, room);
  return room;
}

/** Packs the weights, a panel of filters a thread: called by all of them. */
static void pack_weights(const dg_conv_plan *plan, const float *weight, float *panels) {
#pragma omp for schedule(static)
  for (size_t f = 0; f < plan->forward.channels; f += DG_TILE_WIDTH)
    dg_pack_columns(plan->taps, dg_panel_columns(plan->forward.channels - f),
                    weight + f * plan->taps, plan->taps, panels + f * plan->taps);
}

/** A forward pass, as its threads share it. */
typedef struct {
  const dg_cpu_op *op;
  const dg_op_buffers *buffers;
  const dg_step *step;
  float *panels; /**< the packed weights */
  float *rooms;  /**< a part of the workspace for every thread, or sample */
} pass;

/** Rows of sums of one sample, from its source. */
static void sum_rows(const pass *f, dg_span rows, const float *source, const float *bias,
                     float *sums) {
  const dg_conv_plan *plan = f->op->plan;
  dg_ending ending = dg_conv_ending_first(&plan->ending, bias);
  dg_correlation part = plan->forward;
  part.height = rows.end - rows.begin;
  source += rows.begin * part.row_step;
  sums += rows.begin * part.width;
  if (plan->few_taps)
    dg_correlate_few(&part, source, dg_floats(f->buffers->param[0]), &ending, sums);
  else
    dg_correlate(&part, source, f->panels, &ending, sums);
}

/** Where things of sample s lie; `own`: the part of the workspace that it is given. */
typedef struct {
  const float *x;
  float *source, *ending, *sums, *y;
  uint8_t *kept;
} place;

static place place_of(const pass *f, size_t s, float *own) {
  const dg_conv2d_desc *d = &f->op->base.desc.conv2d;
  const dg_conv_plan *plan = f->op->plan;
  const dg_buffer *kept = f->step->train ? f->buffers->kept : NULL;
  size_t in = (size_t)d->channels * d->height * d->width;
  size_t out = d->filters * dg_conv_ending_plane(&plan->ending);
  place p = {.x = dg_floats(f->buffers->in[0]) + s * in,
             .source = own,
             .ending = own + plan->source_floats,
             .y = dg_floats(f->buffers->out[0]) + s * out,
             .kept = kept ? (uint8_t *)kept->data + s * out : NULL};
  p.sums = plan->sums_floats ? p.ending + plan->ending_floats : p.y;
  return p;
}

/** Rows of sums, or of outputs where the plan pools. */
static void make_rows(const pass *f, const place *p, dg_span rows) {
  const dg_conv_plan *plan = f->op->plan;
  const float *source = plan->source_floats ? p->source : p->x;
  const float *bias = f->op->base.desc.conv2d.bias ? dg_floats(f->buffers->param[1]) : NULL;
  if (plan->pools)
    dg_conv_pooled(&plan->forward, &plan->ending, rows, source, dg_floats(f->buffers->param[0]),
                   bias, p->y, p->kept);
  else
    sum_rows(f, rows, source, bias, p->sums);
}

/** How many rows there are for it. */
static size_t row_count(const dg_conv_plan *plan) {
  return plan->pools ? plan->ending.out_h : plan->forward.height;
}

/** What follows; `room`: the thread's own. */
static void end_planes(const pass *f, const place *p, size_t s, dg_span planes, float *room) {
  const dg_conv_plan *plan = f->op->plan;
  float *moments = dg_conv_ending_moments(f->op, f->buffers, f->step, s);
  if (moments)
    dg_moments(planes.end - planes.begin, plan->pixels, p->sums + planes.begin * plan->pixels,
               moments + 2 * planes.begin);
  if (plan->pools)
    dg_conv_ending_drop(&plan->ending, f->step, s, planes, p->y);
  else
    dg_conv_ending_put(&plan->ending, f->step, s, planes, p->sums, room, p->y, p->kept);
}

static void forward_sample(const pass *f, size_t s, float *own) {
  const dg_conv_plan *plan = f->op->plan;
  place p = place_of(f, s, own);
  dg_conv_source(plan, p.x, p.source);
  make_rows(f, &p, (dg_span){0, row_count(plan)});
  end_planes(f, &p, s, dg_conv_ending_planes(&plan->ending), p.ending);
}

/** Half as many samples as threads or fewer: they share each, its channels, then rows, then planes.
 */
static void forward_shared(const pass *f, size_t parts) {
  const dg_conv_plan *plan = f->op->plan;
  size_t room = forward_thread(plan), n = f->step->n, channels = plan->source.channels;
  size_t channel_floats = plan->source.rows * dg_field_row(&plan->source);
#pragma omp for schedule(static)
  for (size_t i = 0; i < (plan->source_floats ? n * channels : 0); i++) {
    place p = place_of(f, i / channels, f->rooms + i / channels * room);
    size_t c = i % channels,
           end = c + 1 < channels ? (c + 1) * channel_floats : plan->source_floats;
    memset(p.source + c * channel_floats, 0, (end - c * channel_floats) * sizeof *p.source);
    dg_field_fill_plane(&plan->source, c, p.x + c * plan->source.height * plan->source.width,
                        p.source);
  }
#pragma omp for schedule(static)
  for (size_t i = 0; i < n * parts; i++) {
    place p = place_of(f, i / parts, f->rooms + i / parts * room);
    make_rows(f, &p, dg_cpu_part(row_count(plan), parts, i % parts));
  }
#pragma omp for schedule(static)
  for (size_t i = 0; i < n * parts; i++) {
    place p = place_of(f, i / parts, f->rooms + i / parts * room);
    float *own = f->rooms + (size_t)omp_get_thread_num() * room;
    end_planes(f, &p, i / parts, dg_cpu_part(plan->ending.planes, parts, i % parts),
               place_of(f, 0, own).ending);
  }
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  const dg_conv_plan *plan = op->plan;
  bool pack;
  float *workspace = dg_floats(buffers->workspace);
  float *panels = dg_cpu_packed(op, buffers, workspace, &pack);
  const pass f = {op, buffers, step, panels, workspace + plan->weight_floats};
  size_t work = step->n * plan->pixels * plan->taps * d->filters;
#pragma omp parallel num_threads(dg_cpu_threads(op->device, work / DG_VECTOR))
  {
    size_t parts = (size_t)omp_get_num_threads() / step->n;
    if (pack && !plan->few_taps) pack_weights(plan, dg_floats(buffers->param[0]), panels);
    if (parts > 1) {
      forward_shared(&f, parts);
    } else {
      float *own = f.rooms + (size_t)omp_get_thread_num() * forward_thread(plan);
      if (plan->source_floats) memset(own, 0, plan->source_floats * sizeof *own);
#pragma omp for schedule(static)
      for (size_t s = 0; s < step->n; s++) forward_sample(&f, s, own);
    }
  }
}

const dg_cpu_family DG_ISA_NAME(dg_cpu_conv2d) = {supports, prepare, forward, dg_conv_backward};
