/**
 * Samples are processed in blocks: the block's tiles are transformed and multiplied, and the
 * products are turned into planes, all within a worker's cache.
 */
#include "backends/cpu/conv2d/winograd/conv2d_winograd.h"

#include <stdlib.h>

#include "backends/cpu/conv2d/winograd/winograd_pass.h"
#include "backends/cpu/runtime/pieces.h"

static bool fits(const dg_cpu_device *device, const dg_op_desc *desc, uint32_t max_n, bool train) {
  (void)device, (void)max_n, (void)train;
  return dg_wino_is_faster(&desc->conv2d);
}

static bool prepare(dg_cpu_op *op, dg_error *err) {
  dg_wino_plan *p = op->plan = malloc(sizeof *p);
  if (!p) return dg_fail_memory(err, sizeof *p);
  *p = dg_wino_forward_plan(&op->desc.conv2d, op->max_n);
  size_t workers = (size_t)op->device->threads, packed = op->train ? p->weights : 0;
  op->needs.workspace = (p->shared + workers * p->layout.end + packed) * sizeof(float);
  return op->train || dg_cpu_keep_prepacked(op, p->weights, err);
}

/* ---- a block ------------------------------------------------------------ */

/** The state of a forward pass, shared by its pieces. */
typedef struct {
  size_t pieces; /**< of a region; dg_cpu_run_counted */
  const dg_cpu_op *op;
  const dg_op_buffers *buffers;
  const dg_step *step;
  float *panels;   /**< transformed weights */
  float *products; /**< products of one sample that is cut, for all filters */
  float *scratch;  /**< scratch of every worker */
  size_t blocks;   /**< of samples */
  size_t sample;   /**< the one that is cut */
} pass;

static dg_wino_scratch scratch_of(const pass *f, size_t worker) {
  const dg_wino_plan *p = f->op->plan;
  return (dg_wino_scratch){&p->layout, f->scratch + worker * p->layout.end};
}

/** The same with an image whose borders are zeroed. */
static dg_wino_scratch clear_scratch_of(const pass *f, size_t worker) {
  const dg_wino_plan *p = f->op->plan;
  dg_wino_scratch r = scratch_of(f, worker);
  dg_wino_clear(&p->image, p->forward.in_h, p->forward.in_w, r.base + p->layout.image);
  return r;
}

/** The outputs of `samples` samples from `first` of the step on, which are transformed in `r`. */
static dg_wino_correlation correlation_of(const pass *f, const dg_wino_scratch *r, size_t first,
                                          size_t samples) {
  const dg_wino_plan *p = f->op->plan;
  bool apart = dg_conv_epilogue_sums(&p->epilogue) > 0;
  size_t out = p->forward.filters * dg_conv_epilogue_plane(&p->epilogue);
  const float *bias = f->op->desc.conv2d.bias ? dg_floats(f->buffers->param[1]) : NULL;
  return (dg_wino_correlation){
      .w = &p->forward,
      .samples = samples,
      .transformed = r->base + p->layout.transformed,
      .panels = f->panels,
      .epilogue = dg_conv_epilogue_of_gemm(&p->epilogue, bias),
      .out = apart ? r->base + p->layout.sums : dg_floats(f->buffers->out[0]) + first * out,
      .of_planes = dg_conv_epilogue_statistics(f->op, f->buffers, f->step, first)};
}

/** Runs the epilogue of some planes of sample `s` of the step. */
static void finish_planes(const pass *f, const dg_wino_scratch *r, size_t s, dg_span planes,
                          const float *sums) {
  const dg_wino_plan *p = f->op->plan;
  size_t at = s * p->forward.filters * dg_conv_epilogue_plane(&p->epilogue);
  const dg_buffer *saved = f->step->train ? f->buffers->saved : NULL;
  dg_conv_epilogue_apply(&p->epilogue, f->step, s, planes, sums, r->base + p->layout.epilogue,
                         dg_floats(f->buffers->out[0]) + at,
                         saved ? (uint8_t *)saved->data + at : NULL);
}

/** Runs the samples of a block, from `first` of the step on. */
static void forward_block(const pass *f, const dg_wino_scratch *r, size_t first, size_t samples) {
  const dg_wino_plan *p = f->op->plan;
  const dg_wino *w = &p->forward;
  size_t in = w->channels * w->in_h * w->in_w, made = w->filters * w->out_h * w->out_w;
  dg_wino_correlation k = correlation_of(f, r, first, samples);
  dg_wino_transform_samples(p, r, samples, dg_floats(f->buffers->in[0]) + first * in);
  dg_wino_correlate_all(&k, r);
  for (size_t s = 0; s < samples; s++)
    finish_planes(f, r, first + s, dg_conv_epilogue_planes(&p->epilogue), k.out + s * made);
}

/* ---- pieces ------------------------------------------------------------- */

/** Packs the weights of some panels of filters. */
static void pack_panels(const void *context, size_t piece, size_t worker) {
  (void)worker;
  const pass *f = context;
  const dg_wino *w = &((const dg_wino_plan *)f->op->plan)->forward;
  size_t taps = w->kernel * w->kernel;
  dg_wino_weights weights = {dg_floats(f->buffers->param[0]), taps, w->channels * taps, false};
  dg_span some = dg_cpu_grains(w->filters, DG_TILE_WIDTH, f->pieces, piece);
  for (size_t i = some.begin; i < some.end; i += DG_TILE_WIDTH)
    dg_wino_pack(w, &weights, i, f->panels + i * dg_wino_depth(w) * DG_WINO_POINTS);
}

/**
 * The number of blocks, of about equal size: as few as possible, but some for every thread, and a
 * number that threads can share evenly.
 */
static size_t block_count(const pass *f) {
  enum { EVEN = 4 };
  const dg_wino_plan *p = f->op->plan;
  size_t n = f->step->n, threads = (size_t)f->op->device->threads;
  size_t blocks = (n + p->block - 1) / p->block;
  if (threads > 1) blocks = (blocks + EVEN - 1) / EVEN * EVEN;
  if (threads > blocks) blocks = threads;
  return blocks < n ? blocks : n;
}

/** Runs some blocks. */
static void run_blocks(const void *context, size_t piece, size_t worker) {
  const pass *f = context;
  const dg_wino_scratch r = clear_scratch_of(f, worker);
  dg_span some = dg_cpu_part(f->blocks, f->pieces, piece);
  for (size_t i = some.begin; i < some.end; i++) {
    dg_span samples = dg_cpu_part(f->step->n, f->blocks, i);
    forward_block(f, &r, samples.begin, samples.end - samples.begin);
  }
}

/** For a sample that is cut: the number of parts of its rows of tiles per vector of channels. */
static size_t row_parts(const pass *f) {
  const dg_wino *w = &((const dg_wino_plan *)f->op->plan)->forward;
  return w->channels / DG_VECTOR < (size_t)f->op->device->threads ? 2 : 1;
}

/** Transforms some of its channels. */
static void transform_input(const void *context, size_t piece, size_t worker) {
  const pass *f = context;
  const dg_wino_plan *p = f->op->plan;
  const dg_wino *w = &p->forward;
  const dg_wino_scratch r = clear_scratch_of(f, worker);
  const float *x = dg_floats(f->buffers->in[0]) + f->sample * w->channels * w->in_h * w->in_w;
  size_t parts = row_parts(f);
  dg_span some = dg_cpu_part(w->channels / DG_VECTOR * parts, f->pieces, piece);
  for (size_t i = some.begin; i < some.end; i++)
    dg_wino_transform_channels(p, &r, 1, 0, i / parts * DG_VECTOR,
                               dg_cpu_part(dg_wino_tiles_h(w), parts, i % parts), x,
                               scratch_of(f, 0).base + p->layout.transformed);
}

/** Multiplies some of its points. */
static void multiply_points(const void *context, size_t piece, size_t worker) {
  (void)worker;
  const pass *f = context;
  const dg_wino_plan *p = f->op->plan;
  const dg_wino *w = &p->forward;
  size_t tiles = dg_wino_tiles(w);
  dg_span some = dg_cpu_part(DG_WINO_POINTS, f->pieces, piece);
  for (size_t i = 0; i < w->filters; i += DG_TILE_WIDTH)
    dg_wino_correlate(w, tiles, some, scratch_of(f, 0).base + p->layout.transformed, f->panels, i,
                      f->products + i * tiles * DG_WINO_POINTS);
}

/** Turns the products of some of its filters into planes. */
static void make_planes(const void *context, size_t piece, size_t worker) {
  const pass *f = context;
  const dg_wino_plan *p = f->op->plan;
  size_t tiles = dg_wino_tiles(&p->forward);
  const dg_wino_scratch r = scratch_of(f, worker), common = scratch_of(f, 0);
  const dg_wino_correlation k = correlation_of(f, &common, f->sample, 1);
  dg_span some = dg_cpu_grains(p->forward.filters, DG_VECTOR, f->pieces, piece);
  for (size_t v = some.begin; v < some.end; v += DG_VECTOR) {
    size_t panel = v - v % DG_TILE_WIDTH;
    dg_wino_finish_vector(&k, &r, f->products + panel * tiles * DG_WINO_POINTS, panel, 0,
                          v - panel);
  }
  finish_planes(f, &r, f->sample, some, k.out);
}

/** If there are fewer samples than threads, each is cut by its channels, points, and filters. */
static void run_cut(const pass *f, size_t work) {
  const dg_wino_plan *p = f->op->plan;
  const dg_wino *w = &p->forward;
  size_t vectors = w->channels / DG_VECTOR * row_parts(f), cuts = dg_cpu_cuts(f->op->device);
  pass of_sample = *f;
  for (; of_sample.sample < f->step->n; of_sample.sample++) {
    dg_cpu_run_counted(of_sample.op->device, vectors < cuts ? vectors : cuts, transform_input,
                       &of_sample, sizeof of_sample);
    dg_cpu_run_counted(of_sample.op->device, dg_cpu_pieces(DG_WINO_POINTS, work), multiply_points,
                       &of_sample, sizeof of_sample);
    dg_cpu_run_counted(of_sample.op->device, dg_cpu_pieces(w->filters / DG_VECTOR, p->shared),
                       make_planes, &of_sample, sizeof of_sample);
  }
}

static void run(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_wino_plan *p = op->plan;
  const dg_wino *w = &p->forward;
  size_t work = w->out_h * w->out_w * w->kernel * w->kernel * w->filters; /* per sample */
  bool pack;
  float *workspace = dg_floats(buffers->workspace);
  float *panels = dg_cpu_packed(op, buffers, workspace, &pack);
  float *products = workspace + (op->train ? p->weights : 0);
  pass f = {.op = op,
            .buffers = buffers,
            .step = step,
            .panels = panels,
            .products = products,
            .scratch = products + p->shared};
  f.blocks = block_count(&f);
  if (pack)
    dg_cpu_run_counted(f.op->device, dg_cpu_pieces(dg_panel_count(w->filters), p->weights),
                       pack_panels, &f, sizeof f);
  if (dg_cpu_pieces((size_t)op->device->threads, step->n * work) > step->n)
    run_cut(&f, work);
  else
    dg_cpu_run_counted(f.op->device, dg_cpu_pieces(f.blocks, step->n * work), run_blocks, &f,
                       sizeof f);
}

const dg_cpu_implementation dg_conv_winograd_forward = {"winograd", fits, prepare, run};
