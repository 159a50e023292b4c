/**
 * Convolutions by direct products, forward. Threads share samples or, where those are fewer, the
 * rows of each; how rows are made is what tells the implementations apart.
 */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/conv2d/conv2d_pooled.h"
#include "backends/cpu/conv2d/conv2d_shape.h"
#include "backends/cpu/conv2d/moments.h"
#include "backends/cpu/gemm/panel.h"
#include "backends/cpu/gemm/tile.h"

/** A forward pass, as its threads share it. */
typedef struct {
  const dg_cpu_op *op;
  const dg_op_buffers *buffers;
  const dg_step *step;
  float *panels; /**< the packed weights */
  float *rooms;  /**< a part of the workspace for every thread, or sample */
} pass;

/** Where things of a sample lie. */
typedef struct {
  const float *x;
  float *source, *ending, *sums, *y;
  uint8_t *kept;
} place;

/** How rows of one sample are made. */
typedef struct {
  bool packs; /**< of packed weights */
  bool pools; /**< rows of outputs, after the pooling; else of sums */
  void (*make)(const pass *f, const place *p, dg_span rows);
} rows_kernel;

typedef struct {
  dg_conv_shape shape;
  rows_kernel kernel;
  size_t weight_floats, sums_floats; /**< of the workspace; 0 where there is no need */
  uint32_t taps[];
} forward_plan;

/* ---- how rows are made -------------------------------------------------- */

static const float *source_of(const dg_conv_shape *shape, const place *p) {
  return shape->source_floats ? p->source : p->x;
}

static const float *bias_of(const pass *f) {
  return f->op->desc.conv2d.bias ? dg_floats(f->buffers->param[1]) : NULL;
}

/** The correlation of some rows. */
static dg_correlation rows_of(const dg_conv_shape *shape, dg_span rows) {
  dg_correlation part = shape->forward;
  part.height = rows.end - rows.begin;
  return part;
}

static void make_direct(const pass *f, const place *p, dg_span rows) {
  const dg_conv_shape *shape = &((const forward_plan *)f->op->plan)->shape;
  dg_ending ending = dg_conv_ending_first(&shape->ending, bias_of(f));
  dg_correlation part = rows_of(shape, rows);
  dg_correlate(&part, source_of(shape, p) + rows.begin * part.row_step, f->panels, &ending,
               p->sums + rows.begin * part.width);
}

static void make_few(const pass *f, const place *p, dg_span rows) {
  const dg_conv_shape *shape = &((const forward_plan *)f->op->plan)->shape;
  dg_ending ending = dg_conv_ending_first(&shape->ending, bias_of(f));
  dg_correlation part = rows_of(shape, rows);
  dg_correlate_few(&part, source_of(shape, p) + rows.begin * part.row_step,
                   dg_floats(f->buffers->param[0]), &ending, p->sums + rows.begin * part.width);
}

static void make_pooled(const pass *f, const place *p, dg_span rows) {
  const dg_conv_shape *shape = &((const forward_plan *)f->op->plan)->shape;
  dg_conv_pooled(&shape->forward, &shape->ending, rows, source_of(shape, p),
                 dg_floats(f->buffers->param[0]), bias_of(f), p->y, p->kept);
}

/* ---- the plan ----------------------------------------------------------- */

/** Floats of a thread's part of the workspace. */
static size_t thread_floats(const forward_plan *plan) {
  return plan->shape.source_floats + plan->sums_floats + plan->shape.ending_floats;
}

static bool prepare(dg_cpu_op *op, const rows_kernel *kernel, dg_error *err) {
  const dg_conv2d_desc *d = &op->desc.conv2d;
  dg_conv_shape shape = dg_conv_shape_of(d);
  if (!dg_conv_shape_check(&shape.source, err)) return false;
  size_t bytes = sizeof(forward_plan) + shape.taps * sizeof(uint32_t);
  forward_plan *plan = op->plan = malloc(bytes);
  if (!plan) return dg_fail_memory(err, bytes);
  bool keeps = kernel->packs && !op->train;
  *plan = (forward_plan){.shape = shape,
                         .kernel = *kernel,
                         .weight_floats = keeps ? 0 : shape.weight_floats,
                         .sums_floats = kernel->pools ? 0 : dg_conv_ending_sums(&shape.ending)};
  dg_conv_fill_taps(d, &plan->shape, plan->taps);
  op->needs.workspace =
      (plan->weight_floats + (size_t)op->device->threads * thread_floats(plan)) * sizeof(float);
  return !keeps || dg_cpu_keep_packing(op, shape.weight_floats, err);
}

static bool prepare_direct(dg_cpu_op *op, dg_error *err) {
  return prepare(op, &(rows_kernel){.packs = true, .make = make_direct}, err);
}

static bool prepare_few(dg_cpu_op *op, dg_error *err) {
  return prepare(op, &(rows_kernel){.make = make_few}, err);
}

static bool prepare_pooled(dg_cpu_op *op, dg_error *err) {
  return prepare(op, &(rows_kernel){.pools = true, .make = make_pooled}, err);
}

static bool has_few_taps(const dg_cpu_device *device, const dg_op_desc *desc, uint32_t max_n,
                         bool train) {
  (void)device, (void)max_n, (void)train;
  return dg_conv_shape_of(&desc->conv2d).few_taps;
}

static bool pools_few_taps(const dg_cpu_device *device, const dg_op_desc *desc, uint32_t max_n,
                           bool train) {
  return desc->conv2d.pool == DG_CONV_POOLED_SIDE && has_few_taps(device, desc, max_n, train);
}

/* ---- samples ------------------------------------------------------------ */

/** Of sample s; `own`: the part of the workspace that it is given. */
static place place_of(const pass *f, size_t s, float *own) {
  const dg_conv2d_desc *d = &f->op->desc.conv2d;
  const forward_plan *plan = f->op->plan;
  const dg_conv_shape *shape = &plan->shape;
  const dg_buffer *kept = f->step->train ? f->buffers->kept : NULL;
  size_t in = (size_t)d->channels * d->height * d->width;
  size_t out = d->filters * dg_conv_ending_plane(&shape->ending);
  place p = {.x = dg_floats(f->buffers->in[0]) + s * in,
             .source = own,
             .ending = own + shape->source_floats,
             .y = dg_floats(f->buffers->out[0]) + s * out,
             .kept = kept ? (uint8_t *)kept->data + s * out : NULL};
  p.sums = plan->sums_floats ? p.ending + shape->ending_floats : p.y;
  return p;
}

/** How many rows of a sample are made. */
static size_t row_count(const forward_plan *plan) {
  return plan->kernel.pools ? plan->shape.ending.out_h : plan->shape.forward.height;
}

/** What follows; `room`: the thread's own. */
static void end_planes(const pass *f, const place *p, size_t s, dg_span planes, float *room) {
  const forward_plan *plan = f->op->plan;
  const dg_conv_shape *shape = &plan->shape;
  float *moments = dg_conv_ending_moments(f->op, f->buffers, f->step, s);
  if (moments)
    dg_moments(planes.end - planes.begin, shape->pixels, p->sums + planes.begin * shape->pixels,
               moments + 2 * planes.begin);
  if (plan->kernel.pools)
    dg_conv_ending_drop(&shape->ending, f->step, s, planes, p->y);
  else
    dg_conv_ending_put(&shape->ending, f->step, s, planes, p->sums, room, p->y, p->kept);
}

static void run_sample(const pass *f, size_t s, float *own) {
  const forward_plan *plan = f->op->plan;
  place p = place_of(f, s, own);
  dg_conv_source(&plan->shape, p.x, p.source);
  plan->kernel.make(f, &p, (dg_span){0, row_count(plan)});
  end_planes(f, &p, s, dg_conv_ending_planes(&plan->shape.ending), p.ending);
}

/** The padded planes of all samples, shared by threads: a channel at a time. */
static void fill_sources(const pass *f, size_t room) {
  const dg_conv_shape *shape = &((const forward_plan *)f->op->plan)->shape;
  const dg_field *source = &shape->source;
  size_t n = f->step->n, channels = source->channels, floats = source->rows * dg_field_row(source);
#pragma omp for schedule(static)
  for (size_t i = 0; i < (shape->source_floats ? n * channels : 0); i++) {
    place p = place_of(f, i / channels, f->rooms + i / channels * room);
    size_t c = i % channels, end = c + 1 < channels ? (c + 1) * floats : shape->source_floats;
    memset(p.source + c * floats, 0, (end - c * floats) * sizeof *p.source);
    dg_field_fill_plane(source, c, p.x + c * source->height * source->width, p.source);
  }
}

/** Half as many samples as threads or fewer: they share each, its channels, then rows, then planes.
 */
static void run_shared(const pass *f, size_t parts) {
  const forward_plan *plan = f->op->plan;
  size_t room = thread_floats(plan), n = f->step->n;
  fill_sources(f, room);
#pragma omp for schedule(static)
  for (size_t i = 0; i < n * parts; i++) {
    place p = place_of(f, i / parts, f->rooms + i / parts * room);
    plan->kernel.make(f, &p, dg_cpu_part(row_count(plan), parts, i % parts));
  }
#pragma omp for schedule(static)
  for (size_t i = 0; i < n * parts; i++) {
    place p = place_of(f, i / parts, f->rooms + i / parts * room);
    float *own = f->rooms + (size_t)omp_get_thread_num() * room;
    end_planes(f, &p, i / parts, dg_cpu_part(plan->shape.ending.planes, parts, i % parts),
               place_of(f, 0, own).ending);
  }
}

/** Packs the weights, a panel of filters a thread: called by all of them. */
static void pack_weights(const dg_conv_shape *shape, const float *weight, float *panels) {
#pragma omp for schedule(static)
  for (size_t f = 0; f < shape->forward.channels; f += DG_TILE_WIDTH)
    dg_pack_columns(shape->taps, dg_panel_columns(shape->forward.channels - f),
                    weight + f * shape->taps, shape->taps, panels + f * shape->taps);
}

static void run(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_conv2d_desc *d = &op->desc.conv2d;
  const forward_plan *plan = op->plan;
  const dg_conv_shape *shape = &plan->shape;
  bool pack;
  float *workspace = dg_floats(buffers->workspace);
  float *panels = dg_cpu_packed(op, buffers, workspace, &pack);
  const pass f = {op, buffers, step, panels, workspace + plan->weight_floats};
  size_t work = step->n * shape->pixels * shape->taps * d->filters;
#pragma omp parallel num_threads(dg_cpu_threads(op->device, work / DG_VECTOR))
  {
    size_t parts = (size_t)omp_get_num_threads() / step->n;
    if (pack && plan->kernel.packs) pack_weights(shape, dg_floats(buffers->param[0]), panels);
    if (parts > 1) {
      run_shared(&f, parts);
    } else {
      float *own = f.rooms + (size_t)omp_get_thread_num() * thread_floats(plan);
      if (shape->source_floats) memset(own, 0, shape->source_floats * sizeof *own);
#pragma omp for schedule(static)
      for (size_t s = 0; s < step->n; s++) run_sample(&f, s, own);
    }
  }
}

const dg_cpu_implementation dg_conv_pooled_forward = {"pooled", pools_few_taps, prepare_pooled,
                                                      run},
                            dg_conv_few_forward = {"few_taps", has_few_taps, prepare_few, run},
                            dg_conv_direct_forward = {"direct", NULL, prepare_direct, run};
