/**
 * Works on blocks of pixels of a plane: their squares are summed over the channels around each
 * channel. Backward keeps two numbers of each channel in a worker's workspace: s^-beta, and d_y x
 * s^(-beta - 1), where s is what a pixel is divided by a power of.
 */
#include <math.h>

#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

/** Pixels of a block. */
enum { BLOCK = 128 };

static bool supports(const dg_op_desc *desc) {
  return desc->lrn.channels > 0 && desc->lrn.plane > 0;
}

/** A block of a sample's pixels: offset of its first number, and how many pixels it has. */
typedef struct {
  size_t first, count;
} block;

static size_t count_blocks(const dg_lrn_desc *d) {
  return (d->plane + BLOCK - 1) / BLOCK;
}

static block block_at(const dg_lrn_desc *d, size_t unit) {
  const size_t pixel = unit % count_blocks(d) * BLOCK, left = d->plane - pixel;
  return (block){unit / count_blocks(d) * d->channels * d->plane + pixel,
                 left < BLOCK ? left : BLOCK};
}

static size_t pieces_of(const dg_cpu_op *op, uint32_t n) {
  const dg_lrn_desc *d = &op->desc.lrn;
  const size_t numbers = (size_t)n * d->channels * d->plane;
  return dg_cpu_pieces(n * count_blocks(d), numbers * (8 + (size_t)d->size));
}

static dg_span blocks_of(const dg_cpu_region *region, size_t piece) {
  return dg_cpu_part(region->step->n * count_blocks(&region->op->desc.lrn), region->pieces, piece);
}

/** The channels from `before` before a channel to `after` after it. */
static dg_span channels_around(const dg_lrn_desc *d, size_t channel, size_t before, size_t after) {
  return (dg_span){channel > before ? channel - before : 0,
                   channel + after < d->channels ? channel + after + 1 : d->channels};
}

/** s = k + alpha / size times the sum of squares; x: the block in the first channel. */
static void find_bases(const dg_lrn_desc *d, size_t channel, size_t count, const float *x,
                       float s[BLOCK]) {
  const dg_span around = channels_around(d, channel, d->size / 2, (d->size - 1) / 2);
  const float factor = d->alpha / (float)d->size;
  for (size_t i = 0; i < count; i++) s[i] = 0;
  for (size_t c = around.begin; c < around.end; c++) {
    const float *from = x + c * d->plane;
    for (size_t i = 0; i < count; i++) s[i] += from[i] * from[i];
  }
  for (size_t i = 0; i < count; i++) s[i] = d->k + factor * s[i];
}

/** p = s^-beta; of the usual exponents by square roots. */
static void find_powers(float beta, size_t count, const float *s, float *p) {
  if (beta == 0.75f)
    for (size_t i = 0; i < count; i++) p[i] = 1 / (sqrtf(s[i]) * sqrtf(sqrtf(s[i])));
  else if (beta == 0.5f)
    for (size_t i = 0; i < count; i++) p[i] = 1 / sqrtf(s[i]);
  else
    for (size_t i = 0; i < count; i++) p[i] = powf(s[i], -beta);
}

/* ---- forward ------------------------------------------------------------ */

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_lrn_desc *d = &region->op->desc.lrn;
  const dg_span units = blocks_of(region, piece);
  float s[BLOCK], power[BLOCK];
  (void)worker;
  for (size_t unit = units.begin; unit < units.end; unit++) {
    const block b = block_at(d, unit);
    const float *x = dg_floats(region->buffers->in[0]) + b.first;
    float *y = dg_floats(region->buffers->out[0]) + b.first;
    for (size_t c = 0; c < d->channels; c++) {
      find_bases(d, c, b.count, x, s);
      find_powers(d->beta, b.count, s, power);
      for (size_t i = 0; i < b.count; i++) y[c * d->plane + i] = x[c * d->plane + i] * power[i];
    }
  }
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step->n), forward_piece);
}

/* ---- backward ----------------------------------------------------------- */

static size_t worker_floats(const dg_lrn_desc *d) {
  return 2 * (size_t)d->channels * BLOCK;
}

static bool prepare_backward(dg_cpu_op *op, dg_error *err) {
  (void)err;
  op->needs.reads_in = true;
  op->needs.workspace = (size_t)op->device->threads * worker_floats(&op->desc.lrn) * sizeof(float);
  return true;
}

/** The block of each channel in the workspace: powers, then products. */
static void find_terms(const dg_lrn_desc *d, size_t count, const float *x, const float *d_y,
                       float *powers, float *products) {
  float s[BLOCK];
  for (size_t c = 0; c < d->channels; c++) {
    float *power = powers + c * BLOCK, *product = products + c * BLOCK;
    find_bases(d, c, count, x, s);
    find_powers(d->beta, count, s, power);
    for (size_t i = 0; i < count; i++)
      product[i] = d_y[c * d->plane + i] * x[c * d->plane + i] * power[i] / s[i];
  }
}

/** d_x = d_y s^-beta - 2 alpha / size beta x times the sum of the products of the channels that
    count this one. */
static void store_channel(const dg_lrn_desc *d, dg_grad_mode mode, size_t channel, const block *b,
                          const dg_op_buffers *buffers, const float *powers,
                          const float *products) {
  const dg_span around = channels_around(d, channel, (d->size - 1) / 2, d->size / 2);
  const float factor = 2 * d->alpha / (float)d->size * d->beta, *power = powers + channel * BLOCK;
  const size_t at = b->first + channel * d->plane;
  const float *x = dg_floats(buffers->in[0]) + at, *d_y = dg_floats(buffers->d_out) + at;
  float sum[BLOCK] = {0};
  for (size_t c = around.begin; c < around.end; c++)
    for (size_t i = 0; i < b->count; i++) sum[i] += products[c * BLOCK + i];
  for (size_t i = 0; i < b->count; i++) sum[i] = d_y[i] * power[i] - factor * x[i] * sum[i];
  dg_grad_store(mode, b->count, sum, dg_floats(buffers->d_in[0]) + at);
}

static void backward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_lrn_desc *d = &region->op->desc.lrn;
  const dg_op_buffers *buffers = region->buffers;
  const dg_span units = blocks_of(region, piece);
  float *powers = dg_floats(buffers->workspace) + worker * worker_floats(d);
  float *products = powers + (size_t)d->channels * BLOCK;
  for (size_t unit = units.begin; unit < units.end; unit++) {
    const block b = block_at(d, unit);
    find_terms(d, b.count, dg_floats(buffers->in[0]) + b.first, dg_floats(buffers->d_out) + b.first,
               powers, products);
    for (size_t c = 0; c < d->channels; c++)
      store_channel(d, region->op->desc.d_in[0], c, &b, buffers, powers, products);
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  if (op->desc.d_in[0] == DG_GRAD_NONE) return;
  dg_cpu_run_region(op, buffers, step, pieces_of(op, step->n), backward_piece);
}

static const dg_cpu_implementation forward_by_blocks = {"blocks", NULL, NULL, forward},
                                   backward_by_blocks = {"blocks", NULL, prepare_backward,
                                                         backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_lrn) = {
    supports, {&forward_by_blocks}, {&backward_by_blocks}};
