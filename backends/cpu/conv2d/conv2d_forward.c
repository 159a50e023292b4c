/**
 * Convolutions by direct products, forward. Pieces are samples or, if there are few, rows of each.
 * The implementations differ in how they compute rows.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/conv2d/conv2d_pooled.h"
#include "backends/cpu/conv2d/conv2d_shape.h"
#include "backends/cpu/conv2d/plane_statistics.h"
#include "backends/cpu/gemm/micro_kernel.h"
#include "backends/cpu/gemm/pack.h"
#include "backends/cpu/runtime/pieces.h"

/** The state of a forward pass, shared by its pieces. */
typedef struct {
  size_t pieces; /**< of a region; dg_cpu_run_counted */
  const dg_cpu_op *op;
  const dg_op_buffers *buffers;
  const dg_step *step;
  float *panels;  /**< the packed weights */
  float *scratch; /**< a part of the workspace for every worker, or sample */
  size_t parts;   /**< parts of a sample that is cut */
} pass;

/** The data of one sample. */
typedef struct {
  const float *x;
  float *source, *epilogue, *sums, *y;
  uint8_t *saved;
} place;

/** How rows of one sample are computed. */
typedef struct {
  bool packs; /**< uses packed weights */
  bool pools; /**< its rows are outputs, after the pooling; else sums */
  void (*make)(const pass *f, const place *p, dg_span rows);
} rows_kernel;

typedef struct {
  dg_conv_shape shape;
  rows_kernel kernel;
  size_t weight_floats, sums_floats; /**< floats of the workspace; 0 if not needed */
  uint32_t taps[];
} forward_plan;

/* ---- computing rows ----------------------------------------------------- */

static const float *source_of(const dg_conv_shape *shape, const place *p) {
  return shape->source_floats ? p->source : p->x;
}

static const float *bias_of(const pass *f) {
  return f->op->desc.conv2d.bias ? dg_floats(f->buffers->param[1]) : NULL;
}

/** Computes some rows by correlation. */
static dg_correlation rows_of(const dg_conv_shape *shape, dg_span rows) {
  dg_correlation part = shape->forward;
  part.height = rows.end - rows.begin;
  return part;
}

static void make_direct(const pass *f, const place *p, dg_span rows) {
  const dg_conv_shape *shape = &((const forward_plan *)f->op->plan)->shape;
  dg_gemm_epilogue epilogue = dg_conv_epilogue_of_gemm(&shape->epilogue, bias_of(f));
  dg_correlation part = rows_of(shape, rows);
  dg_correlate(&part, source_of(shape, p) + rows.begin * part.row_step, f->panels, &epilogue,
               p->sums + rows.begin * part.width);
}

static void make_few_taps(const pass *f, const place *p, dg_span rows) {
  const dg_conv_shape *shape = &((const forward_plan *)f->op->plan)->shape;
  dg_gemm_epilogue epilogue = dg_conv_epilogue_of_gemm(&shape->epilogue, bias_of(f));
  dg_correlation part = rows_of(shape, rows);
  dg_correlate_few_taps(&part, source_of(shape, p) + rows.begin * part.row_step,
                        dg_floats(f->buffers->param[0]), &epilogue,
                        p->sums + rows.begin * part.width);
}

static void make_pooled(const pass *f, const place *p, dg_span rows) {
  const dg_conv_shape *shape = &((const forward_plan *)f->op->plan)->shape;
  dg_conv_pooled(&shape->forward, &shape->epilogue, rows, source_of(shape, p),
                 dg_floats(f->buffers->param[0]), bias_of(f), p->y, p->saved);
}

/* ---- the plan ----------------------------------------------------------- */

/** Floats of a worker's part of the workspace. */
static size_t scratch_floats(const forward_plan *plan) {
  return plan->shape.source_floats + plan->sums_floats + plan->shape.epilogue_floats;
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
                         .sums_floats = kernel->pools ? 0 : dg_conv_epilogue_sums(&shape.epilogue)};
  dg_conv_fill_taps(d, &plan->shape, plan->taps);
  op->needs.workspace =
      (plan->weight_floats + (size_t)op->device->threads * scratch_floats(plan)) * sizeof(float);
  return !keeps || dg_cpu_keep_prepacked(op, shape.weight_floats, err);
}

static bool prepare_direct(dg_cpu_op *op, dg_error *err) {
  return prepare(op, &(rows_kernel){.packs = true, .make = make_direct}, err);
}

static bool prepare_few_taps(dg_cpu_op *op, dg_error *err) {
  return prepare(op, &(rows_kernel){.make = make_few_taps}, err);
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

/** The data of sample s; `own`: its part of the workspace. */
static place place_of(const pass *f, size_t s, float *own) {
  const dg_conv2d_desc *d = &f->op->desc.conv2d;
  const forward_plan *plan = f->op->plan;
  const dg_conv_shape *shape = &plan->shape;
  const dg_buffer *saved = f->step->train ? f->buffers->saved : NULL;
  size_t in = (size_t)d->channels * d->height * d->width;
  size_t out = d->filters * dg_conv_epilogue_plane(&shape->epilogue);
  place p = {.x = dg_floats(f->buffers->in[0]) + s * in,
             .source = own,
             .epilogue = own + shape->source_floats,
             .y = dg_floats(f->buffers->out[0]) + s * out,
             .saved = saved ? (uint8_t *)saved->data + s * out : NULL};
  p.sums = plan->sums_floats ? p.epilogue + shape->epilogue_floats : p.y;
  return p;
}

/** Number of rows computed per sample. */
static size_t row_count(const forward_plan *plan) {
  return plan->kernel.pools ? plan->shape.epilogue.out_h : plan->shape.forward.height;
}

/** Is an epilogue needed after the rows are computed? */
static bool has_epilogue(const pass *f) {
  const forward_plan *plan = f->op->plan;
  const dg_conv_epilogue *epilogue = &plan->shape.epilogue;
  return dg_conv_epilogue_statistics(f->op, f->buffers, f->step, 0) ||
         (epilogue->pool && !plan->kernel.pools) || dg_drop_runs(epilogue->drop, f->step);
}

/** Runs the epilogue; `scratch`: the worker's own. */
static void finish_planes(const pass *f, const place *p, size_t s, dg_span planes, float *scratch) {
  const forward_plan *plan = f->op->plan;
  const dg_conv_shape *shape = &plan->shape;
  float *statistics = dg_conv_epilogue_statistics(f->op, f->buffers, f->step, s);
  if (statistics)
    dg_plane_statistics(planes.end - planes.begin, shape->pixels,
                        p->sums + planes.begin * shape->pixels, statistics + 2 * planes.begin);
  if (plan->kernel.pools)
    dg_conv_epilogue_dropout(&shape->epilogue, f->step, s, planes, p->y);
  else
    dg_conv_epilogue_apply(&shape->epilogue, f->step, s, planes, p->sums, scratch, p->y, p->saved);
}

static void run_sample(const pass *f, size_t s, float *own) {
  const forward_plan *plan = f->op->plan;
  place p = place_of(f, s, own);
  dg_conv_source(&plan->shape, p.x, p.source);
  plan->kernel.make(f, &p, (dg_span){0, row_count(plan)});
  finish_planes(f, &p, s, dg_conv_epilogue_planes(&plan->shape.epilogue), p.epilogue);
}

/* ---- pieces ------------------------------------------------------------- */

/** Runs some samples. */
static void run_samples(const void *context, size_t piece, size_t worker) {
  const pass *f = context;
  const forward_plan *plan = f->op->plan;
  dg_span samples = dg_cpu_part(f->step->n, f->pieces, piece);
  float *own = f->scratch + worker * scratch_floats(plan);
  if (plan->shape.source_floats) memset(own, 0, plan->shape.source_floats * sizeof *own);
  for (size_t s = samples.begin; s < samples.end; s++) run_sample(f, s, own);
}

/** Pads some channels of all samples. */
static void fill_channels(const void *context, size_t piece, size_t worker) {
  (void)worker;
  const pass *f = context;
  const forward_plan *plan = f->op->plan;
  const dg_padded_input *source = &plan->shape.source;
  size_t channels = source->channels, floats = source->rows * dg_padded_row(source);
  dg_span some = dg_cpu_part(f->step->n * channels, f->pieces, piece);
  for (size_t i = some.begin; i < some.end; i++) {
    place p = place_of(f, i / channels, f->scratch + i / channels * scratch_floats(plan));
    size_t c = i % channels, end = c + 1 < channels ? (c + 1) * floats : plan->shape.source_floats;
    memset(p.source + c * floats, 0, (end - c * floats) * sizeof *p.source);
    dg_padded_fill_plane(source, c, p.x + c * source->height * source->width, p.source);
  }
}

/** Computes some rows of a sample. */
static void make_part(const void *context, size_t piece, size_t worker) {
  (void)worker;
  const pass *f = context;
  const forward_plan *plan = f->op->plan;
  place p = place_of(f, piece / f->parts, f->scratch + piece / f->parts * scratch_floats(plan));
  plan->kernel.make(f, &p, dg_cpu_part(row_count(plan), f->parts, piece % f->parts));
}

/** Runs the epilogue of some planes of a sample. */
static void finish_part(const void *context, size_t piece, size_t worker) {
  const pass *f = context;
  const forward_plan *plan = f->op->plan;
  size_t s = piece / f->parts, floats = scratch_floats(plan);
  place p = place_of(f, s, f->scratch + s * floats);
  finish_planes(f, &p, s, dg_cpu_part(plan->shape.epilogue.planes, f->parts, piece % f->parts),
                place_of(f, 0, f->scratch + worker * floats).epilogue);
}

/** If samples are half as many as threads or fewer, each is cut: first by channels, then by rows,
    then by planes. */
static void run_parts(const pass *f) {
  const dg_conv_shape *shape = &((const forward_plan *)f->op->plan)->shape;
  size_t n = f->step->n;
  if (shape->source_floats)
    dg_cpu_run_counted(f->op->device,
                       dg_cpu_pieces(n * shape->source.channels, n * shape->source_floats),
                       fill_channels, f, sizeof *f);
  dg_cpu_run_counted(f->op->device, n * f->parts, make_part, f, sizeof *f);
  if (has_epilogue(f)) dg_cpu_run_counted(f->op->device, n * f->parts, finish_part, f, sizeof *f);
}

/** Packs the weights of some panels of filters. */
static void pack_panels(const void *context, size_t piece, size_t worker) {
  (void)worker;
  const pass *f = context;
  const dg_conv_shape *shape = &((const forward_plan *)f->op->plan)->shape;
  const float *weight = dg_floats(f->buffers->param[0]);
  size_t filters = shape->forward.channels;
  dg_span some = dg_cpu_grains(filters, DG_TILE_WIDTH, f->pieces, piece);
  for (size_t i = some.begin; i < some.end; i += DG_TILE_WIDTH)
    dg_pack_columns(shape->taps, dg_panel_columns(filters - i), weight + i * shape->taps,
                    shape->taps, f->panels + i * shape->taps);
}

static void run(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const forward_plan *plan = op->plan;
  const dg_conv_shape *shape = &plan->shape;
  bool pack;
  float *workspace = dg_floats(buffers->workspace);
  float *panels = dg_cpu_packed(op, buffers, workspace, &pack);
  size_t filters = shape->forward.channels, weights = shape->taps * filters;
  size_t work = step->n * shape->pixels * weights / DG_VECTOR;
  const pass f = {.op = op,
                  .buffers = buffers,
                  .step = step,
                  .panels = panels,
                  .scratch = workspace + plan->weight_floats,
                  .parts = dg_cpu_pieces(dg_cpu_cuts(op->device), work) / step->n};
  if (pack && plan->kernel.packs)
    dg_cpu_run_counted(f.op->device, dg_cpu_pieces(dg_panel_count(filters), weights), pack_panels,
                       &f, sizeof f);
  if (f.parts > 1)
    run_parts(&f);
  else
    dg_cpu_run_counted(f.op->device, dg_cpu_pieces(step->n, work), run_samples, &f, sizeof f);
}

const dg_cpu_implementation dg_conv_pooled_forward = {"pooled", pools_few_taps, prepare_pooled,
                                                      run},
                            dg_conv_few_taps_forward = {"few_taps", has_few_taps, prepare_few_taps,
                                                        run},
                            dg_conv_direct_forward = {"direct", NULL, prepare_direct, run};
