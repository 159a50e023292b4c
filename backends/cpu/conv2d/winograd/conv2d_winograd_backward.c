/**
 * Backward cuts the samples into parts, each with its own sums of the transformed weights'
 * gradients; at the end these sums are added in the order of the parts and transformed to the
 * gradients of the weights.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/conv2d/winograd/conv2d_winograd.h"
#include "backends/cpu/conv2d/winograd/winograd_pass.h"
#include "backends/cpu/elementwise/sum.h"
#include "backends/cpu/runtime/pieces.h"

/** Transformed weights that are no burden, however few the samples are. */
enum { FEW_WEIGHTS = 1 << 20 };

/** Are the transformed weights, of which every part has sums, few beside the samples? Else most of
    the memory and time goes to them: 512 filters of 512 channels take 36 MiB a part. */
static bool weights_are_few(const dg_conv2d_desc *d, uint32_t max_n) {
  const uint64_t weights = (uint64_t)DG_WINO_POINTS * d->channels * d->filters;
  const dg_op_sizes sizes = dg_conv2d_sizes(d); /* checked for as many samples */
  return weights <= FEW_WEIGHTS || weights <= 4 * max_n * (sizes.in[0] + sizes.out[0]);
}

/** With sub-kernels, backward would need too many products. */
static bool fits(const dg_cpu_device *device, const dg_op_desc *desc, uint32_t max_n, bool train) {
  (void)device, (void)train;
  dg_wino w = {.kernel = desc->conv2d.kernel_h};
  return dg_wino_is_faster(&desc->conv2d) && dg_wino_subkernels(&w) == 1 &&
         weights_are_few(&desc->conv2d, max_n);
}

/** The approximate number of simple operations of the products of `samples` samples in one
    direction. */
static size_t operations(const dg_wino *w, size_t samples) {
  size_t taps = w->kernel * w->kernel;
  return samples * w->out_h * w->out_w * taps * w->channels * w->filters / DG_VECTOR;
}

static bool prepare(dg_cpu_op *op, dg_error *err) {
  dg_wino_plan *p = op->plan = malloc(sizeof *p);
  if (!p) return dg_fail_memory(err, sizeof *p);
  *p = dg_wino_backward_plan(&op->desc.conv2d, op->max_n, op->desc.d_in[0] != DG_GRAD_NONE);
  p->parts = dg_cpu_parts(op, op->max_n, p->part, operations(&p->forward, op->max_n));
  size_t workers = (size_t)op->device->threads;
  size_t floats = p->back_weights + p->parts * p->part + workers * p->layout.end;
  op->needs = (dg_direction_needs){.workspace = floats * sizeof(float),
                                   .saved = dg_conv_epilogue_saved(&p->epilogue, op->max_n),
                                   .reads_in = true,
                                   .reads_out = dg_conv_epilogue_changes(&p->epilogue)};
  return true;
}

/** Sums over the samples of a part. */
typedef struct {
  float *d_weights; /**< gradients of the transformed weights */
  double *d_bias;
} sums;

static sums sums_of(const dg_wino_plan *p, float *workspace, size_t part) {
  float *d_weights = workspace + p->back_weights + part * p->part;
  return (sums){d_weights, (double *)(void *)(d_weights + dg_round_up(p->weights))};
}

static dg_wino_scratch scratch_of(const dg_wino_plan *p, float *workspace, size_t worker) {
  float *scratch = sums_of(p, workspace, p->parts).d_weights;
  return (dg_wino_scratch){&p->layout, scratch + worker * p->layout.end};
}

/** DG_VECTOR planes of one sample's output, as backward reads them; NULL if not needed. */
typedef struct {
  size_t filter;
  const float *y, *d_y;
  const uint8_t *saved;
} planes;

/** Computes the gradient of the sums into its image, and adds it up for the bias. */
static void fill_gradient(const dg_cpu_op *op, const dg_wino_scratch *r, const planes *from,
                          double *d_bias) {
  const dg_wino_plan *p = op->plan;
  size_t plane = p->forward.out_h * p->forward.out_w, out = dg_conv_epilogue_plane(&p->epilogue);
  float *made = r->base + r->at->d_z;
  bool changes = dg_conv_epilogue_changes(&p->epilogue);
  const float *d_z = changes ? made : from->d_y;
  for (size_t c = 0; c < DG_VECTOR; c++) {
    if (changes)
      dg_conv_epilogue_backward(&p->epilogue, from->y + c * out, from->d_y + c * out,
                                from->saved ? from->saved + c * out : NULL,
                                r->base + r->at->epilogue, made + c * plane);
    if (op->desc.conv2d.bias) d_bias[from->filter + c] += dg_sum(plane, d_z + c * plane);
  }
  dg_wino_fill(&p->d_image, p->forward.out_h, p->forward.out_w, d_z, r->base + r->at->d_image);
}

/** The gradient of the transformed outputs, from the tiles of the outputs' gradient. */
static void output_gradients(const dg_wino_plan *p, const dg_wino_scratch *r, size_t step,
                             size_t width, float *d_out) {
  const dg_wino *w = &p->forward;
  size_t side = dg_wino_side(w), line = p->d_image.columns * DG_VECTOR;
  const float *image =
      r->base + r->at->d_image + p->d_image.top * line + p->d_image.left * DG_VECTOR;
  for (size_t y = 0; y < dg_wino_tiles_h(w); y++)
    for (size_t x = 0; x < dg_wino_tiles_w(w); x++, d_out += width)
      dg_wino_output_transform_backward(side, image + y * side * line + x * side * DG_VECTOR, line,
                                        d_out, step);
}

static void backward_block(const dg_cpu_op *op, const dg_wino_scratch *r, const sums *to,
                           const float *panels, const dg_conv_chunk *c) {
  const dg_wino_plan *p = op->plan;
  const dg_wino *w = &p->forward, *b = &p->back;
  size_t tiles = dg_wino_tiles(w), back_tiles = dg_wino_tiles(b), depth = dg_wino_depth(b),
         plane = dg_conv_epilogue_plane(&p->epilogue);
  float *products = r->base + r->at->products, *d_transformed = r->base + r->at->d_transformed;
  dg_wino_transform_samples(p, r, c->samples, c->x);
  for (size_t f = 0; f < w->filters; f += DG_TILE_WIDTH) {
    size_t width = dg_panel_width(dg_panel_columns(w->filters - f));
    for (size_t i = 0; i < c->samples * width; i += DG_VECTOR) {
      size_t s = i / width, v = i % width, at = (s * w->filters + f + v) * plane;
      fill_gradient(op, r,
                    &(planes){.filter = f + v,
                              .y = c->y ? c->y + at : NULL,
                              .d_y = c->d_y + at,
                              .saved = c->saved ? c->saved + at : NULL},
                    to->d_bias);
      output_gradients(p, r, c->samples * tiles * width, width, products + s * tiles * width + v);
      if (c->dx)
        dg_wino_transform_rows(b, &p->d_image, dg_wino_rows(b), r->base + r->at->d_image,
                               d_transformed + s * back_tiles * depth + f + v,
                               c->samples * back_tiles * depth, depth);
    }
    dg_wino_add_weights(w, c->samples * tiles, r->base + r->at->transformed, products, f,
                        to->d_weights);
  }
  if (c->dx)
    dg_wino_correlate_all(
        &(dg_wino_correlation){.w = b,
                               .samples = c->samples,
                               .transformed = d_transformed,
                               .panels = panels,
                               .epilogue = {.add = op->desc.d_in[0] == DG_GRAD_ADD},
                               .out = c->dx},
        r);
}

/* ---- pieces ------------------------------------------------------------- */

/** The state of a backward pass, shared by its pieces. */
typedef struct {
  size_t pieces; /**< of a region; dg_cpu_run_counted */
  const dg_cpu_op *op;
  const dg_op_buffers *buffers;
  size_t samples, parts; /**< parts: of the samples */
} pass;

/** Packs the weights of some panels of channels. */
static void pack_panels(const void *context, size_t piece, size_t worker) {
  (void)worker;
  const pass *b = context;
  const dg_wino_plan *p = b->op->plan;
  const dg_wino *back = &p->back;
  size_t taps = back->kernel * back->kernel;
  dg_wino_weights weights = {dg_floats(b->buffers->param[0]), back->filters * taps, taps, true};
  float *panels = dg_floats(b->buffers->workspace);
  dg_span some = dg_cpu_grains(back->filters, DG_TILE_WIDTH, b->pieces, piece);
  for (size_t c = some.begin; c < some.end; c += DG_TILE_WIDTH)
    dg_wino_pack(back, &weights, c, panels + c * dg_wino_depth(back) * DG_WINO_POINTS);
}

/** Runs `samples` samples of a pass, from `first` on. */
static dg_conv_chunk chunk_of(const pass *b, size_t first, size_t samples) {
  const dg_wino_plan *p = b->op->plan;
  const dg_wino *w = &p->forward;
  size_t in = first * w->channels * w->in_h * w->in_w;
  size_t out = first * w->filters * dg_conv_epilogue_plane(&p->epilogue);
  const dg_buffer *saved = b->buffers->saved;
  return (dg_conv_chunk){.samples = samples,
                         .x = dg_floats(b->buffers->in[0]) + in,
                         .y = b->op->needs.reads_out ? dg_floats(b->buffers->out[0]) + out : NULL,
                         .d_y = dg_floats(b->buffers->d_out) + out,
                         .saved = saved ? (const uint8_t *)saved->data + out : NULL,
                         .dx = p->back_weights ? dg_floats(b->buffers->d_in[0]) + in : NULL};
}

static void run_part(const void *context, size_t part, size_t worker) {
  const pass *b = context;
  const dg_wino_plan *p = b->op->plan;
  const dg_wino *w = &p->forward;
  float *workspace = dg_floats(b->buffers->workspace);
  const sums to = sums_of(p, workspace, part);
  const dg_wino_scratch r = scratch_of(p, workspace, worker);
  dg_span share = dg_cpu_part(b->samples, b->parts, part);
  dg_wino_clear(&p->image, w->in_h, w->in_w, r.base + p->layout.image);
  dg_wino_clear(&p->d_image, w->out_h, w->out_w, r.base + p->layout.d_image);
  memset(to.d_weights, 0, p->part * sizeof *to.d_weights);
  for (size_t s = share.begin, samples; s < share.end; s += samples) {
    samples = dg_wino_block_of(p, share, s);
    const dg_conv_chunk chunk = chunk_of(b, s, samples);
    backward_block(b->op, &r, &to, workspace, &chunk);
  }
}

/** Computes the gradients of the parameters of some vectors of filters. */
static void store_gradients(const void *context, size_t piece, size_t worker) {
  const pass *b = context;
  const dg_wino_plan *p = b->op->plan;
  float *workspace = dg_floats(b->buffers->workspace);
  const sums of = sums_of(p, workspace, 0);
  float *scratch = scratch_of(p, workspace, worker).base + p->layout.transformed;
  dg_span some = dg_cpu_grains(p->forward.filters, DG_VECTOR, b->pieces, piece);
  for (size_t f = some.begin; f < some.end; f += DG_VECTOR)
    dg_wino_store_weights(&p->forward, b->parts, of.d_weights, p->part, f, scratch,
                          dg_floats(b->buffers->d_param[0]));
  for (size_t f = some.begin; f < (b->op->desc.conv2d.bias ? some.end : 0); f++) {
    double sum = 0;
    for (size_t part = 0; part < b->parts; part++) sum += sums_of(p, workspace, part).d_bias[f];
    dg_floats(b->buffers->d_param[1])[f] = (float)sum;
  }
}

static void run(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_wino_plan *p = op->plan;
  const dg_wino *w = &p->forward;
  const pass b = {.op = op,
                  .buffers = buffers,
                  .samples = step->n,
                  .parts = p->parts < step->n ? p->parts : step->n};
  if (p->back_weights)
    dg_cpu_run_counted(b.op->device, dg_cpu_pieces(dg_panel_count(w->channels), p->weights),
                       pack_panels, &b, sizeof b);
  dg_cpu_run_counted(b.op->device, b.parts, run_part, &b, sizeof b);
  dg_cpu_run_counted(b.op->device, dg_cpu_pieces(w->filters / DG_VECTOR, b.parts * p->weights),
                     store_gradients, &b, sizeof b);
}

const dg_cpu_implementation dg_conv_winograd_backward = {"winograd", fits, prepare, run};
