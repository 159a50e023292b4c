/**
 * Transposed convolutions, forward. What the pixels of a sample become is a product of its planes
 * with the weights; each row of that, which belongs to a tap of a channel's kernel, is added to the
 * padded plane of the channel in whole runs.
 */
#include <string.h>

#include "backends/cpu/conv2d/grouped/grouped.h"
#include "backends/cpu/elementwise/act.h"
#include "backends/cpu/gemm/pack.h"

static bool supports(const dg_op_desc *desc) {
  const dg_grouped_conv2d_desc *d = &desc->grouped_conv2d;
  return d->channels > 0 && d->filters > 0 && d->height > 0 && d->width > 0 &&
         dg_act_supported(d->act) && dg_grouped_conv2d_out_h(d) > 0 &&
         dg_grouped_conv2d_out_w(d) > 0;
}

/** Channels of a group whose padded planes are filled at a time: they stay in a core's cache, and
    are enough to repay packing the pixels. */
static size_t block_of(const dg_grouped_plan *plan) {
  enum { CACHE = 1 << 16, LEAST = 8 };
  size_t most = CACHE / plan->plane_floats;
  most = most < LEAST ? LEAST : most;
  const size_t blocks = (plan->channels + most - 1) / most;
  return (plan->channels + blocks - 1) / blocks;
}

static size_t blocks_of(const dg_grouped_plan *plan) {
  const size_t block = block_of(plan);
  return (plan->channels + block - 1) / block;
}

/** Floats of a worker's scratch: padded planes, then a panel of pixels. */
static size_t planes_of(const dg_grouped_plan *plan) {
  return dg_round_up(block_of(plan) * plan->plane_floats);
}

static size_t scratch_floats(const dg_grouped_plan *plan) {
  return planes_of(plan) + dg_round_up(plan->filters * DG_TILE_WIDTH);
}

static bool prepare(dg_cpu_op *op, dg_error *err) {
  dg_grouped_plan *plan = op->plan = dg_grouped_plan_new(&op->desc.grouped_conv2d, err);
  if (!plan) return false;
  op->needs.workspace = (size_t)op->device->threads * scratch_floats(plan) * sizeof(float);
  return true;
}

/** Adds rows of a product from `row` on to the planes of their channels. */
static void add_rows(const dg_grouped_plan *plan, const float *tile, size_t row, size_t rows,
                     const dg_grouped_run *runs, size_t count, float *padded) {
  for (size_t j = 0; j < rows; j++, tile += DG_TILE_WIDTH) {
    const size_t channel = (row + j) / plan->taps, tap = (row + j) % plan->taps;
    float *plane = padded + channel * plan->plane_floats + plan->offset[tap];
    for (size_t r = 0; r < count; r++) {
      const float *restrict from = tile + runs[r].first;
      float *restrict to = plane + runs[r].at;
      for (size_t i = 0; i < runs[r].count; i++) to[i] += from[i];
    }
  }
}

/** Some channels of a group of a sample. */
typedef struct {
  size_t sample, group, first, count;
} block;

static block block_at(const dg_grouped_conv2d_desc *d, const dg_grouped_plan *plan, size_t unit) {
  const size_t blocks = blocks_of(plan), size = block_of(plan), first = unit % blocks * size;
  const size_t left = plan->channels - first;
  return (block){unit / blocks / d->groups, unit / blocks % d->groups, first,
                 left < size ? left : size};
}

/** Fills the padded planes of a block. */
static void multiply(const dg_cpu_region *region, const block *b, float *padded, float *panel) {
  const dg_grouped_conv2d_desc *d = &region->op->desc.grouped_conv2d;
  const dg_grouped_plan *plan = region->op->plan;
  const size_t pixels = plan->out_h * plan->out_w, rows = b->count * plan->taps;
  const size_t filter = b->group * plan->filters;
  const float *x = dg_floats(region->buffers->in[0]) + (b->sample * d->filters + filter) * pixels;
  const float *weight =
      dg_floats(region->buffers->param[0]) + (filter * plan->channels + b->first) * plan->taps;
  _Alignas(64) float tile[DG_TILE_ROWS * DG_TILE_WIDTH];
  dg_grouped_run runs[DG_TILE_WIDTH];
  memset(padded, 0, b->count * plan->plane_floats * sizeof *padded);
  for (size_t p = 0, columns, height; p < pixels; p += columns) {
    columns = dg_panel_columns(pixels - p);
    const size_t width = dg_panel_width(columns);
    const size_t count = dg_grouped_runs(d, plan, p, columns, runs);
    dg_pack_rows(plan->filters, columns, x + p, pixels, panel);
    for (size_t row = 0; row < rows; row += height) {
      height = dg_tile_height(rows - row);
      dg_micro_kernel_grouped(1, height, width, plan->filters, weight + row, 0, plan->filter, panel,
                              tile, DG_TILE_WIDTH);
      add_rows(plan, tile, row, height, runs, count, padded);
    }
  }
}

/** Writes the output's planes of a block. */
static void finish(const dg_cpu_region *region, const block *b, const float *padded) {
  const dg_grouped_conv2d_desc *d = &region->op->desc.grouped_conv2d;
  const dg_grouped_plan *plan = region->op->plan;
  const size_t out = (size_t)d->height * d->width;
  const float *bias = d->bias ? dg_floats(region->buffers->param[1]) : NULL;
  for (size_t i = 0; i < b->count; i++, padded += plan->plane_floats) {
    const size_t channel = b->group * plan->channels + b->first + i;
    float *y = dg_floats(region->buffers->out[0]) + (b->sample * d->channels + channel) * out;
    dg_grouped_unpad(d, plan, DG_GRAD_WRITE, padded, y);
    for (size_t k = 0; bias && k < out; k++) y[k] += bias[channel];
    if (d->act.kind != DG_ACT_NONE) dg_act_forward(d->act, out, y, y);
  }
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_grouped_conv2d_desc *d = &region->op->desc.grouped_conv2d;
  const dg_grouped_plan *plan = region->op->plan;
  float *padded = dg_floats(region->buffers->workspace) + worker * scratch_floats(plan);
  const size_t units = (size_t)region->step->n * d->groups * blocks_of(plan);
  const dg_span some = dg_cpu_part(units, region->pieces, piece);
  for (size_t unit = some.begin; unit < some.end; unit++) {
    const block b = block_at(d, plan, unit);
    multiply(region, &b, padded, padded + planes_of(plan));
    finish(region, &b, padded);
  }
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  const dg_grouped_plan *plan = op->plan;
  const size_t sums = (size_t)step->n * d->channels * plan->taps * plan->out_h * plan->out_w;
  dg_cpu_run_region(op, buffers, step,
                    dg_cpu_pieces((size_t)step->n * d->groups * blocks_of(plan),
                                  sums + sums / DG_VECTOR * plan->filters),
                    forward_piece);
}

static const dg_cpu_implementation forward_by_products = {"products", NULL, prepare, forward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_conv_transpose2d) = {
    supports, {&forward_by_products}, {&dg_transposed_backward}};
