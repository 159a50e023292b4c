/**
 * The gradients of a transposed convolution. Of blocks of pixels, what each tap of a kernel gave is
 * gathered from the gradient of the output, a row for each tap of each channel. The product of
 * these rows with the weights is the gradient of the input, that with the input the one of the
 * weights. The samples are cut into parts, each with its own sums for weights and biases.
 */
#include <string.h>

#include "backends/cpu/conv2d/grouped/grouped.h"
#include "backends/cpu/elementwise/act.h"
#include "backends/cpu/gemm/pack.h"

/** Pixels of a block. */
enum { BLOCK = 4 * DG_TILE_WIDTH };

/** Rows of gathered gradients: the taps of all channels of a group. */
static size_t rows_of(const dg_grouped_plan *plan) {
  return plan->channels * plan->taps;
}

/** Floats of a worker's scratch. */
typedef struct {
  size_t d_z, padded, rows, panel, all;
} layout;

static layout layout_of(const dg_grouped_conv2d_desc *d, const dg_grouped_plan *plan) {
  const size_t depth = rows_of(plan) > BLOCK ? rows_of(plan) : BLOCK;
  layout l = {.d_z = dg_round_up((size_t)d->height * d->width),
              .padded = dg_round_up(plan->channels * plan->plane_floats),
              .rows = dg_round_up(rows_of(plan) * BLOCK),
              .panel = dg_round_up(depth * DG_TILE_WIDTH)};
  l.all = l.d_z + l.padded + l.rows + l.panel;
  return l;
}

/** Floats of the sums of a group's weights: panels of rows, in each a line for every filter. */
static size_t sums_of(const dg_grouped_plan *plan) {
  return plan->filters * dg_panels_width(rows_of(plan));
}

static bool prepare(dg_cpu_op *op, dg_error *err) {
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  dg_grouped_plan *plan = op->plan = dg_grouped_plan_new(d, err);
  if (!plan) return false;
  const size_t numbers = (size_t)op->max_n * d->channels * plan->taps * plan->out_h * plan->out_w;
  plan->part_floats = dg_round_up(d->groups * sums_of(plan) + d->channels);
  plan->parts =
      dg_cpu_parts(op, op->max_n, plan->part_floats, numbers + numbers / DG_VECTOR * plan->filters);
  op->needs.workspace =
      ((size_t)op->device->threads * layout_of(d, plan).all + plan->parts * plan->part_floats) *
      sizeof(float);
  op->needs.reads_in = true;
  op->needs.reads_out = d->act.kind != DG_ACT_NONE;
  return true;
}

/** A worker's scratch, and the sums of a part. */
typedef struct {
  float *d_z, *padded, *rows, *panel;
  float *d_weight, *d_bias;
} scratch;

static scratch scratch_of(const dg_cpu_region *region, size_t piece, size_t worker) {
  const dg_cpu_op *op = region->op;
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  const dg_grouped_plan *plan = op->plan;
  const layout l = layout_of(d, plan);
  float *own = dg_floats(region->buffers->workspace);
  scratch s = {.d_z = own + worker * l.all};
  s.padded = s.d_z + l.d_z;
  s.rows = s.padded + l.padded;
  s.panel = s.rows + l.rows;
  s.d_weight = own + (size_t)op->device->threads * l.all + piece * plan->part_floats;
  s.d_bias = s.d_weight + d->groups * sums_of(plan);
  return s;
}

/** The gradients of a group's channels before the activation, as padded planes; adds their sums. */
static void pad_gradients(const dg_cpu_region *region, const scratch *s, size_t sample,
                          size_t group) {
  const dg_grouped_conv2d_desc *d = &region->op->desc.grouped_conv2d;
  const dg_grouped_plan *plan = region->op->plan;
  const size_t plane = (size_t)d->height * d->width;
  for (size_t c = 0; c < plan->channels; c++) {
    const size_t channel = group * plan->channels + c;
    const size_t at = (sample * d->channels + channel) * plane;
    const float *d_z = dg_floats(region->buffers->d_out) + at;
    if (d->act.kind != DG_ACT_NONE) {
      dg_act_backward(d->act, plane, dg_floats(region->buffers->out[0]) + at, d_z, s->d_z);
      d_z = s->d_z;
    }
    dg_grouped_pad(d, plan, d_z, s->padded + c * plan->plane_floats);
    dg_vector sum = {0};
    size_t i = 0;
    for (; i + DG_VECTOR <= plane; i += DG_VECTOR) sum += *(const dg_vector *)(d_z + i);
    for (size_t k = 0; k < DG_VECTOR; k++) s->d_bias[channel] += sum[k];
    for (; i < plane; i++) s->d_bias[channel] += d_z[i];
  }
}

/** Gathers the rows of a block of pixels. */
static void gather(const dg_cpu_region *region, const scratch *s, size_t pixel, size_t count) {
  const dg_grouped_plan *plan = region->op->plan;
  dg_grouped_run runs[BLOCK];
  const size_t made = dg_grouped_runs(&region->op->desc.grouped_conv2d, plan, pixel, count, runs);
  for (size_t row = 0; row < rows_of(plan); row++) {
    const float *plane =
        s->padded + row / plan->taps * plan->plane_floats + plan->offset[row % plan->taps];
    for (size_t r = 0; r < made; r++)
      memcpy(s->rows + row * BLOCK + runs[r].first, plane + runs[r].at,
             runs[r].count * sizeof *plane);
  }
}

/** Writes or adds the gradient of a block of the input; `first`: the first filter of the group. */
static void input_gradient(const dg_cpu_region *region, const scratch *s, size_t sample,
                           size_t first, size_t pixel, size_t count) {
  const dg_grouped_conv2d_desc *d = &region->op->desc.grouped_conv2d;
  const dg_grouped_plan *plan = region->op->plan;
  const size_t depth = rows_of(plan), pixels = plan->out_h * plan->out_w;
  const float *weight = dg_floats(region->buffers->param[0]) + first * depth;
  float *d_x = dg_floats(region->buffers->d_in[0]) + (sample * d->filters + first) * pixels + pixel;
  _Alignas(64) float tile[DG_TILE_ROWS * DG_TILE_WIDTH];
  for (size_t p = 0, columns, height; p < count; p += columns) {
    columns = dg_panel_columns(count - p);
    dg_pack_rows(depth, columns, s->rows + p, BLOCK, s->panel);
    for (size_t f = 0; f < plan->filters; f += height) {
      height = dg_tile_height(plan->filters - f);
      dg_micro_kernel(height, dg_panel_width(columns), depth, weight + f * depth, depth, s->panel,
                      tile, DG_TILE_WIDTH);
      dg_store_rows(region->op->desc.d_in[0] == DG_GRAD_ADD, height, columns, tile,
                    d_x + f * pixels + p, pixels);
    }
  }
}

/** Adds what a block of pixels gives to the sums of a group's weights. */
static void weight_gradient(const dg_cpu_region *region, const scratch *s, size_t sample,
                            size_t first, size_t pixel, size_t count) {
  const dg_grouped_conv2d_desc *d = &region->op->desc.grouped_conv2d;
  const dg_grouped_plan *plan = region->op->plan;
  const size_t rows = rows_of(plan), pixels = plan->out_h * plan->out_w;
  const float *x =
      dg_floats(region->buffers->in[0]) + (sample * d->filters + first) * pixels + pixel;
  float *sums = s->d_weight + first / plan->filters * sums_of(plan);
  for (size_t row = 0, columns, height; row < rows; row += columns) {
    columns = dg_panel_columns(rows - row);
    const size_t width = dg_panel_width(columns);
    dg_pack_columns(count, columns, s->rows + row * BLOCK, BLOCK, s->panel);
    for (size_t f = 0; f < plan->filters; f += height) {
      height = dg_tile_height(plan->filters - f);
      dg_micro_kernel_packed(true, height, width, count, x + f * pixels, pixels, s->panel,
                             sums + row * plan->filters + f * width);
    }
  }
}

static void run_part(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_grouped_conv2d_desc *d = &region->op->desc.grouped_conv2d;
  const dg_grouped_plan *plan = region->op->plan;
  const scratch s = scratch_of(region, piece, worker);
  const size_t pixels = plan->out_h * plan->out_w;
  const dg_span samples = dg_cpu_part(region->step->n, region->pieces, piece);
  memset(s.d_weight, 0, plan->part_floats * sizeof *s.d_weight);
  for (size_t i = samples.begin * d->groups; i < samples.end * d->groups; i++) {
    const size_t sample = i / d->groups, first = i % d->groups * plan->filters;
    pad_gradients(region, &s, sample, i % d->groups);
    for (size_t p = 0; p < pixels; p += BLOCK) {
      const size_t count = pixels - p < BLOCK ? pixels - p : BLOCK;
      gather(region, &s, p, count);
      if (region->op->desc.d_in[0] != DG_GRAD_NONE)
        input_gradient(region, &s, sample, first, p, count);
      weight_gradient(region, &s, sample, first, p, count);
    }
  }
}

/** Adds the sums of all parts for some filters, in the order of the parts. */
static void add_weights(const dg_cpu_region *region, dg_span filters) {
  const dg_grouped_plan *plan = region->op->plan;
  const size_t rows = rows_of(plan);
  for (size_t f = filters.begin; f < filters.end; f++) {
    float *to = dg_floats(region->buffers->d_param[0]) + f * rows;
    for (size_t part = 0; part < plan->parts; part++) {
      const float *sums = scratch_of(region, part, 0).d_weight + f / plan->filters * sums_of(plan);
      for (size_t row = 0, columns; row < rows; row += columns) {
        columns = dg_panel_columns(rows - row);
        const float *line =
            sums + row * plan->filters + f % plan->filters * dg_panel_width(columns);
        dg_grad_store(part ? DG_GRAD_ADD : DG_GRAD_WRITE, columns, line, to + row);
      }
    }
  }
}

static void add_parts(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_grouped_conv2d_desc *d = &region->op->desc.grouped_conv2d;
  const dg_grouped_plan *plan = region->op->plan;
  (void)worker;
  add_weights(region, dg_cpu_part(d->filters, region->pieces, piece));
  for (size_t part = 0; piece == 0 && d->bias && part < plan->parts; part++)
    dg_grad_store(part ? DG_GRAD_ADD : DG_GRAD_WRITE, d->channels,
                  scratch_of(region, part, 0).d_bias, dg_floats(region->buffers->d_param[1]));
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  const dg_grouped_plan *plan = op->plan;
  dg_cpu_run_region(op, buffers, step, plan->parts, run_part);
  dg_cpu_run_region(op, buffers, step,
                    dg_cpu_pieces(d->filters, d->groups * sums_of(plan) * plan->parts), add_parts);
}

const dg_cpu_implementation dg_transposed_backward = {"products", NULL, prepare, backward};
