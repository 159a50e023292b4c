/**
 * Bilinear upsampling. A row of the output is a blend of two rows of the input, which is then
 * widened. Numbers o, o + scale, o + 2 scale … of a line have the same weights and adjacent
 * neighbours; so the ends need no care if a line has a copy of its last number beyond each.
 */
#include <string.h>

#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

static bool supports(const dg_op_desc *desc) {
  const uint64_t numbers = dg_op_sizes_of(desc).out[0];
  return numbers > 0 && dg_size_fits(numbers);
}

/** Number i * scale + phase of a line is (1 - weight) in[i + first] + weight in[i + first + 1]. */
typedef struct {
  ptrdiff_t first; /**< -1 or 0 */
  float weight;
} blend;

static blend blend_of(size_t phase, size_t scale) {
  const float place = ((float)phase + 0.5f) / (float)scale - 0.5f;
  return 2 * phase + 1 < scale ? (blend){-1, place + 1} : (blend){0, place};
}

/** A place of a line, or the end that it is beyond. */
static size_t inside(ptrdiff_t place, size_t size) {
  return place < 0 ? 0 : (size_t)place < size ? (size_t)place : size - 1;
}

/** Floats of a worker's scratch: a line with an end more on both sides, and a long one. */
static size_t scratch_floats(const dg_upsample2d_desc *d) {
  return dg_round_up(((size_t)d->width + 2) + (size_t)d->width * d->scale);
}

static bool prepare(dg_cpu_op *op, dg_error *err) {
  (void)err;
  op->needs.workspace =
      (size_t)op->device->threads * scratch_floats(&op->desc.upsample2d) * sizeof(float);
  return true;
}

static size_t pieces_of(const dg_cpu_op *op, uint32_t n, size_t rows) {
  return dg_cpu_pieces(rows, 4 * (size_t)n * dg_op_sizes_of(&op->desc).out[0]);
}

/* ---- forward ------------------------------------------------------------ */

/** y[i * scale + phase] for all i; `line` has an end more on both sides. */
static inline void widen(size_t width, size_t scale, size_t phase, const float *restrict line,
                         float *restrict y) {
  const blend b = blend_of(phase, scale);
  for (size_t i = 0; i < width; i++) {
    const float *at = line + (ptrdiff_t)i + b.first;
    y[i * scale + phase] = (1 - b.weight) * at[0] + b.weight * at[1];
  }
}

/** Row `r` of the output of a plane. */
static void forward_row(const dg_upsample2d_desc *d, size_t r, const float *x, float *line,
                        float *y) {
  const size_t width = d->width, scale = d->scale;
  const blend b = blend_of(r % scale, scale);
  const ptrdiff_t first = (ptrdiff_t)(r / scale) + b.first;
  const float *above = x + inside(first, d->height) * width;
  const float *below = x + inside(first + 1, d->height) * width;
  for (size_t i = 0; i < width; i++) line[i] = (1 - b.weight) * above[i] + b.weight * below[i];
  line[-1] = line[0];
  line[width] = line[width - 1];
  for (size_t phase = 0; phase < scale; phase++)
    if (scale == 2)
      widen(width, 2, phase, line, y);
    else
      widen(width, scale, phase, line, y);
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_upsample2d_desc *d = &region->op->desc.upsample2d;
  const size_t high = (size_t)d->height * d->scale, wide = (size_t)d->width * d->scale;
  const size_t plane = (size_t)d->height * d->width;
  const dg_span rows =
      dg_cpu_part((size_t)region->step->n * d->channels * high, region->pieces, piece);
  float *line = dg_floats(region->buffers->workspace) + worker * scratch_floats(d) + 1;
  for (size_t r = rows.begin; r < rows.end; r++)
    forward_row(d, r % high, dg_floats(region->buffers->in[0]) + r / high * plane, line,
                dg_floats(region->buffers->out[0]) + r * wide);
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_upsample2d_desc *d = &op->desc.upsample2d;
  const size_t rows = (size_t)step->n * d->channels * d->height * d->scale;
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step->n, rows), forward_piece);
}

/* ---- backward ----------------------------------------------------------- */

/** Adds weight * a row of the output's gradient to `sum` for each row that row `y` is blended to.
 */
static void blend_rows(const dg_upsample2d_desc *d, size_t y, const float *dy,
                       float *restrict sum) {
  const size_t scale = d->scale, wide = (size_t)d->width * scale, high = (size_t)d->height * scale;
  const size_t begin = y ? (y - 1) * scale : 0;
  memset(sum, 0, wide * sizeof *sum);
  for (size_t r = begin; r < high && r < (y + 2) * scale; r++) {
    const blend b = blend_of(r % scale, scale);
    const ptrdiff_t first = (ptrdiff_t)(r / scale) + b.first;
    float weight = 0;
    if (inside(first, d->height) == y) weight += 1 - b.weight;
    if (inside(first + 1, d->height) == y) weight += b.weight;
    const float *restrict row = dy + r * wide;
    for (size_t i = 0; weight != 0 && i < wide; i++) sum[i] += weight * row[i];
  }
}

/** Adds a phase of a long line to a short one, which has an end more on both sides. */
static inline void narrow(size_t width, size_t scale, size_t phase, const float *restrict sum,
                          float *restrict line) {
  const blend b = blend_of(phase, scale);
  float *at = line + b.first;
  for (size_t i = 0; i < width; i++) at[i] += (1 - b.weight) * sum[i * scale + phase];
  for (size_t i = 0; i < width; i++) at[i + 1] += b.weight * sum[i * scale + phase];
}

static void backward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_upsample2d_desc *d = &region->op->desc.upsample2d;
  const size_t width = d->width, scale = d->scale, plane = d->height * scale * width * scale;
  const dg_span rows =
      dg_cpu_part((size_t)region->step->n * d->channels * d->height, region->pieces, piece);
  float *line = dg_floats(region->buffers->workspace) + worker * scratch_floats(d) + 1;
  float *sum = line + width + 1;
  for (size_t r = rows.begin; r < rows.end; r++) {
    blend_rows(d, r % d->height, dg_floats(region->buffers->d_out) + r / d->height * plane, sum);
    memset(line - 1, 0, (width + 2) * sizeof *line);
    for (size_t phase = 0; phase < scale; phase++)
      if (scale == 2)
        narrow(width, 2, phase, sum, line);
      else
        narrow(width, scale, phase, sum, line);
    line[0] += line[-1];
    line[width - 1] += line[width];
    dg_grad_store(region->op->desc.d_in[0], width, line,
                  dg_floats(region->buffers->d_in[0]) + r * width);
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_upsample2d_desc *d = &op->desc.upsample2d;
  if (op->desc.d_in[0] == DG_GRAD_NONE) return;
  dg_cpu_run_region(op, buffers, step,
                    pieces_of(op, step->n, (size_t)step->n * d->channels * d->height),
                    backward_piece);
}

static const dg_cpu_implementation forward_by_rows = {"rows", NULL, prepare, forward},
                                   backward_by_rows = {"rows", NULL, prepare, backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_upsample_bilinear2d) = {
    supports, {&forward_by_rows}, {&backward_by_rows}};
