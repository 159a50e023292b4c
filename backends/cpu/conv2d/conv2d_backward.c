/**
 * The gradients of a convolution by direct products. The samples are cut into parts, each with its
 * own sums of the parameters' gradients, computed a chunk of samples at a time; at the end these
 * sums are added in the order of the parts. The implementations differ in how they compute the
 * gradient of the input.
 */
#include <string.h>

#include "backends/cpu/conv2d/conv2d_backward_plan.h"
#include "backends/cpu/elementwise/sum.h"
#include "backends/cpu/gemm/micro_kernel.h"
#include "backends/cpu/gemm/pack.h"
#include "backends/cpu/runtime/pieces.h"

/* ---- preparing ---------------------------------------------------------- */

static bool prepare(dg_cpu_op *op, bool by_col2im, dg_error *err) {
  const dg_conv2d_desc *d = &op->desc.conv2d;
  dg_conv_back_plan *plan = op->plan = dg_conv_back_plan_new(op, by_col2im, err);
  if (!plan) return false;
  size_t workers = (size_t)op->device->threads;
  size_t floats =
      plan->back_weight_floats + plan->parts * plan->part_floats + workers * plan->worker_floats;
  op->needs =
      (dg_direction_needs){.workspace = floats * sizeof(float),
                           .saved = dg_conv_epilogue_saved(&plan->shape.epilogue, op->max_n),
                           .reads_in = true,
                           .reads_out = d->act.kind != DG_ACT_NONE};
  return true;
}

static bool prepare_direct(dg_cpu_op *op, dg_error *err) {
  return prepare(op, false, err);
}

static bool prepare_col2im(dg_cpu_op *op, dg_error *err) {
  return prepare(op, true, err);
}

static bool col2im_is_faster(const dg_cpu_device *device, const dg_op_desc *desc, uint32_t max_n,
                             bool train) {
  (void)device, (void)max_n, (void)train;
  return dg_col2im_is_faster(&desc->conv2d, dg_conv_shape_of(&desc->conv2d).pixels);
}

/* ---- one chunk ---------------------------------------------------------- */

/** Sums over the samples of a part. */
typedef struct {
  float *d_weight; /**< panels of [tap, filter] */
  double *d_bias;
} sums;

static sums sums_of(const dg_conv_back_plan *plan, float *workspace, size_t part) {
  float *d_weight = workspace + plan->back_weight_floats + part * plan->part_floats;
  return (sums){d_weight, (double *)(void *)(d_weight + plan->shape.weight_floats)};
}

/** A worker's scratch for a part. */
typedef struct {
  float *source, *gradient; /**< padded, of a chunk */
  float *d_z;               /**< of a sample: gradient before the activation, some filters */
  float *epilogue;          /**< for dg_conv_epilogue_backward */
  float *packed;            /**< the same for a chunk, as a panel: [pixel, filter] */
  float *col2im_scratch;    /**< for dg_col2im_run */
  sums to;
} scratch;

static scratch scratch_of(const dg_conv_back_plan *plan, float *workspace, size_t worker,
                          size_t part) {
  scratch s = {.to = sums_of(plan, workspace, part)};
  s.source = sums_of(plan, workspace, plan->parts).d_weight + worker * plan->worker_floats;
  s.gradient = s.source + plan->samples * plan->shape.source_floats;
  s.d_z = s.gradient + plan->samples * plan->gradient_floats;
  s.epilogue = s.d_z + plan->d_z_floats;
  s.packed = s.epilogue + plan->shape.epilogue_floats;
  s.col2im_scratch = s.packed + plan->packed_floats;
  return s;
}

static void scratch_clear(const dg_conv_back_plan *plan, const scratch *s) {
  memset(s->source, 0, plan->samples * plan->shape.source_floats * sizeof(float));
  memset(s->gradient, 0, plan->samples * plan->gradient_floats * sizeof(float));
  memset(s->to.d_weight, 0, plan->part_floats * sizeof(float));
}

/** Packs the weights for the gradient of the input: a panel of [filter and tap, channel]. */
static void pack_weights(const dg_conv2d_desc *d, const dg_conv_back_plan *plan,
                         const float *weight, size_t channel, float *panel) {
  if (plan->by_col2im) {
    dg_col2im_pack(&plan->col2im, weight, channel, panel);
    return;
  }
  size_t kernel = (size_t)d->kernel_h * d->kernel_w;
  size_t columns = dg_panel_columns(d->channels - channel), width = dg_panel_width(columns);
  for (size_t f = 0; f < d->filters; f++)
    dg_pack_columns(kernel, columns, weight + f * plan->shape.taps + channel * kernel, kernel,
                    panel + f * kernel * width);
}

/** The rows of taps in a tile: `groups` of `run` adjacent ones. */
typedef struct {
  size_t groups, run;
} tap_block;

/** The contribution of a chunk to the weights of a panel of filters. */
typedef struct {
  size_t samples;
  const float *source; /**< padded */
  const float *packed; /**< the panel, `width` wide */
  size_t width;
} chunk_part;

/** Adds one tile: the taps from `tap` on, in `block.groups` groups, `group` taps apart. */
static void add_taps(const dg_conv_back_plan *plan, const chunk_part *c, size_t tap, size_t group,
                     tap_block block, float *d_weight) {
  _Alignas(64) float tile[DG_TILE_ROWS * DG_TILE_WIDTH];
  dg_micro_kernel_grouped(block.groups, block.run, c->width, c->samples * plan->shape.pixels,
                          c->source + plan->shape.forward.tap[tap],
                          dg_padded_row(&plan->shape.source), plan->pixel, c->packed, tile,
                          DG_TILE_WIDTH);
  for (size_t g = 0; g < block.groups; g++)
    for (size_t r = 0; r < block.run; r++)
      dg_grad_store(DG_GRAD_ADD, c->width, tile + (g * block.run + r) * DG_TILE_WIDTH,
                    d_weight + (tap + g * group + r) * c->width);
}

/** d_weight += the products of a chunk with one panel of its gradient. */
static void add_weights(const dg_conv2d_desc *d, const dg_conv_back_plan *plan,
                        const chunk_part *part, float *d_weight) {
  size_t kernel_h = d->kernel_h, kernel_w = d->kernel_w;
  tap_block block;
  for (size_t c = 0; c < d->channels; c++)
    for (size_t kx = 0; kx < kernel_w; kx += block.run) {
      block.run = d->stride_w == 1 ? dg_tile_height(kernel_w - kx) : 1;
      for (size_t ky = 0; ky < kernel_h; ky += block.groups) {
        block.groups = dg_micro_kernel_groups(kernel_h - ky, block.run);
        add_taps(plan, part, (c * kernel_h + ky) * kernel_w + kx, kernel_w, block, d_weight);
      }
    }
}

/**
 * Computes the gradient before the activation, for some filters of sample `s` of a chunk, and
 * stores it where it is needed: in the right operand of the weights' products, the padded gradient,
 * and the sums for the bias.
 */
static void distribute_gradient(const dg_cpu_op *op, const scratch *t, const dg_conv_chunk *c,
                                size_t s, size_t filter, size_t filters) {
  const dg_conv2d_desc *d = &op->desc.conv2d;
  const dg_conv_back_plan *plan = op->plan;
  size_t pixels = plan->shape.pixels, plane_out = dg_conv_epilogue_plane(&plan->shape.epilogue);
  size_t at = (s * d->filters + filter) * plane_out;
  const float *d_z = plan->d_z_floats ? t->d_z : c->d_y + at;
  for (size_t f = 0; f < filters; f++) {
    const float *plane = d_z + f * pixels;
    size_t first = at + f * plane_out;
    if (plan->d_z_floats)
      dg_conv_epilogue_backward(&plan->shape.epilogue, c->y ? c->y + first : NULL, c->d_y + first,
                                c->saved ? c->saved + first : NULL, t->epilogue,
                                t->d_z + f * pixels);
    if (d->bias) t->to.d_bias[filter + f] += dg_sum(pixels, plane);
    if (plan->gradient_floats)
      dg_padded_fill_plane(&plan->gradient, filter + f, plane,
                           t->gradient + s * plan->gradient_floats);
  }
  dg_pack_columns(pixels, filters, d_z, pixels, t->packed + s * pixels * dg_panel_width(filters));
}

/** Computes the gradient of one sample's input from that of its output, padded. */
static void input_gradient(const dg_cpu_op *op, const scratch *t, const float *weights,
                           const float *gradient, float *dx) {
  const dg_conv_back_plan *plan = op->plan;
  bool add = op->desc.d_in[0] == DG_GRAD_ADD;
  if (plan->by_col2im)
    dg_col2im_run(&plan->col2im, gradient, weights, add, t->col2im_scratch, dx);
  else
    dg_correlate(&plan->backward, gradient, weights, &(dg_gemm_epilogue){.add = add}, dx);
}

/** Adds a chunk to the part's sums and, if wanted, computes the input's gradient. */
static void backward_chunk(const dg_cpu_op *op, const scratch *t, const float *weights,
                           const dg_conv_chunk *c) {
  const dg_conv2d_desc *d = &op->desc.conv2d;
  const dg_conv_back_plan *plan = op->plan;
  size_t in = (size_t)d->channels * d->height * d->width;
  size_t out = d->filters * dg_conv_epilogue_plane(&plan->shape.epilogue);
  for (size_t s = 0; s < c->samples; s++)
    dg_conv_source(&plan->shape, c->x + s * in, t->source + s * plan->shape.source_floats);
  for (size_t f = 0; f < d->filters; f += DG_TILE_WIDTH) {
    size_t filters = dg_panel_columns(d->filters - f);
    for (size_t s = 0; s < c->samples; s++) distribute_gradient(op, t, c, s, f, filters);
    add_weights(d, plan,
                &(chunk_part){.samples = c->samples,
                              .source = plan->shape.source_floats ? t->source : c->x,
                              .packed = t->packed,
                              .width = dg_panel_width(filters)},
                t->to.d_weight + f * plan->shape.taps);
  }
  for (size_t s = 0; s < (c->dx ? c->samples : 0); s++) {
    const float *gradient =
        plan->gradient_floats ? t->gradient + s * plan->gradient_floats : c->d_y + s * out;
    input_gradient(op, t, weights, gradient, c->dx + s * in);
  }
}

/* ---- pieces ------------------------------------------------------------- */

/** The state of a backward pass, shared by its pieces. */
typedef struct {
  size_t pieces; /**< of a region; dg_cpu_run_counted */
  const dg_cpu_op *op;
  const dg_op_buffers *buffers;
  dg_conv_chunk all; /**< all samples */
  size_t parts;      /**< of the samples */
} pass;

/** Packs the weights of some panels of channels. */
static void pack_panels(const void *context, size_t piece, size_t worker) {
  (void)worker;
  const pass *b = context;
  const dg_conv2d_desc *d = &b->op->desc.conv2d;
  const dg_conv_back_plan *plan = b->op->plan;
  float *panels = dg_floats(b->buffers->workspace);
  dg_span some = dg_cpu_grains(d->channels, DG_TILE_WIDTH, b->pieces, piece);
  for (size_t c = some.begin; c < some.end; c += DG_TILE_WIDTH)
    pack_weights(d, plan, dg_floats(b->buffers->param[0]), c, panels + c * plan->back_taps);
}

/** Runs some of the samples of a pass. */
static dg_conv_chunk chunk_of(const pass *b, size_t first, size_t samples) {
  const dg_conv2d_desc *d = &b->op->desc.conv2d;
  const dg_conv_back_plan *plan = b->op->plan;
  size_t in = (size_t)d->channels * d->height * d->width;
  size_t out = d->filters * dg_conv_epilogue_plane(&plan->shape.epilogue);
  const dg_conv_chunk *all = &b->all;
  return (dg_conv_chunk){.samples = samples,
                         .x = all->x + first * in,
                         .y = all->y ? all->y + first * out : NULL,
                         .d_y = all->d_y + first * out,
                         .saved = all->saved ? all->saved + first * out : NULL,
                         .dx = all->dx ? all->dx + first * in : NULL};
}

static void run_part(const void *context, size_t part, size_t worker) {
  const pass *b = context;
  const dg_conv_back_plan *plan = b->op->plan;
  float *workspace = dg_floats(b->buffers->workspace);
  scratch own = scratch_of(plan, workspace, worker, part);
  dg_span samples = dg_cpu_part(b->all.samples, b->parts, part);
  scratch_clear(plan, &own);
  for (size_t s = samples.begin; s < samples.end; s += plan->samples) {
    size_t left = samples.end - s;
    dg_conv_chunk chunk = chunk_of(b, s, left < plan->samples ? left : plan->samples);
    backward_chunk(b->op, &own, workspace, &chunk);
  }
}

/** Number of blocks of taps whose sums are added up together. */
static size_t tap_blocks(const dg_conv_back_plan *plan) {
  return (plan->shape.taps + DG_TILE_WIDTH - 1) / DG_TILE_WIDTH;
}

/** Adds up the parts' sums of a block of taps from `tap` on, for the panel of filters from `first`
    on. */
static void add_parts(const pass *b, size_t first, size_t tap) {
  const dg_conv_back_plan *plan = b->op->plan;
  size_t taps = plan->shape.taps, rows = dg_panel_columns(taps - tap);
  size_t filters = dg_panel_columns(plan->shape.forward.channels - first);
  size_t width = dg_panel_width(filters), at = first * taps + tap * width;
  _Alignas(64) float tile[DG_TILE_WIDTH * DG_TILE_WIDTH] = {0};
  for (size_t p = 0; p < b->parts; p++) {
    const float *from = sums_of(plan, dg_floats(b->buffers->workspace), p).d_weight + at;
    for (size_t j = 0; j < rows; j++)
      dg_grad_store(DG_GRAD_ADD, width, from + j * width, tile + j * DG_TILE_WIDTH);
  }
  dg_store_transposed(false, rows, filters, tile,
                      dg_floats(b->buffers->d_param[0]) + first * taps + tap, taps);
}

/** Adds up the parts' sums for the biases. */
static void add_biases(const pass *b) {
  float *d_bias = dg_floats(b->buffers->d_param[1]);
  for (size_t f = 0; f < b->op->desc.conv2d.filters; f++) {
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
  const dg_conv_back_plan *plan = b->op->plan;
  size_t blocks = tap_blocks(plan), panels = dg_panel_count(plan->shape.forward.channels);
  dg_span some = dg_cpu_part(panels * blocks, b->pieces, piece);
  for (size_t i = some.begin; i < some.end; i++)
    add_parts(b, i / blocks * DG_TILE_WIDTH, i % blocks * DG_TILE_WIDTH);
  if (piece == 0 && b->op->desc.conv2d.bias) add_biases(b);
}

static void run(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_conv2d_desc *d = &op->desc.conv2d;
  const dg_conv_back_plan *plan = op->plan;
  const dg_conv_shape *shape = &plan->shape;
  const pass b = {.op = op,
                  .buffers = buffers,
                  .all = {.samples = step->n,
                          .x = dg_floats(buffers->in[0]),
                          .y = op->needs.reads_out ? dg_floats(buffers->out[0]) : NULL,
                          .d_y = dg_floats(buffers->d_out),
                          .saved = buffers->saved ? (const uint8_t *)buffers->saved->data : NULL,
                          .dx = plan->back_weight_floats ? dg_floats(buffers->d_in[0]) : NULL},
                  .parts = plan->parts < step->n ? plan->parts : step->n};
  if (b.all.dx)
    dg_cpu_run_counted(b.op->device,
                       dg_cpu_pieces(dg_panel_count(d->channels), plan->back_weight_floats),
                       pack_panels, &b, sizeof b);
  dg_cpu_run_counted(b.op->device, b.parts, run_part, &b, sizeof b);
  size_t blocks = dg_panel_count(d->filters) * tap_blocks(plan);
  dg_cpu_run_counted(b.op->device, dg_cpu_pieces(blocks, b.parts * shape->weight_floats),
                     store_gradients, &b, sizeof b);
}

const dg_cpu_implementation dg_conv_col2im_backward = {"col2im", col2im_is_faster, prepare_col2im,
                                                       run},
                            dg_conv_direct_backward = {"direct", NULL, prepare_direct, run};
