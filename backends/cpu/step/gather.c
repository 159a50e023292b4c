#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"
#include "core/base/philox.h"

/**
 * Batches of images, which are warped in training if the description says so. Bilinear
 * interpolation reads four pixels at once: each image is first converted to an array that holds,
 * for every position between its pixels, the four bytes around it in one word, with zeros outside
 * the image.
 */

static bool augments(const dg_augment *a) {
  return a->rotate != 0 || a->shift != 0 || a->scale != 0 || a->shear != 0;
}

static bool supports(const dg_op_desc *desc) {
  const dg_gather_desc *d = &desc->gather;
  return d->channels == 1 && d->type == DG_NUMBERS_BYTES && !d->targets && !d->per_channel &&
         d->height > 0 && d->width > 0 && d->std != 0 && isfinite(d->std) &&
         fabsf(d->augment.scale) < 1;
}

/** Bytes of an image with one row and column of zeros before it and two after it. */
static size_t padded_bytes(const dg_gather_desc *d) {
  return ((size_t)d->width + 3) * ((size_t)d->height + 3);
}

/** Positions between pixels: each before, between or after two rows and two columns. */
static size_t quad_count(const dg_gather_desc *d) {
  return ((size_t)d->width + 2) * ((size_t)d->height + 2);
}

/** Floats of a worker's workspace. */
static size_t worker_floats(const dg_gather_desc *d) {
  return dg_round_up(quad_count(d)) + dg_round_up((padded_bytes(d) + 3) / 4);
}

static bool prepare(dg_cpu_op *op, dg_error *err) {
  const dg_gather_desc *d = &op->desc.gather;
  (void)err;
  if (augments(&d->augment))
    op->needs.workspace = (size_t)op->device->threads * worker_floats(d) * sizeof(float);
  return true;
}

/* ---- warping ------------------------------------------------------------ */

/** The source of pixel (x, y) of a warped image: (xx x + xy y + x0, yx x + yy y + y0). */
typedef struct {
  float xx, xy, x0, yx, yy, y0;
} affine;

/** The warp of sample s, by dg_augment; coordinates are relative to the first row and column of
    zeros. */
static affine draw_warp(const dg_gather_desc *d, const dg_step *step, uint32_t s) {
  const dg_augment *a = &d->augment;
  uint32_t key[2] = {step->seed, dg_stream(DG_STREAM_AUGMENT, 0)}, words[8];
  for (uint32_t quad = 0; quad < 2; quad++)
    dg_philox((uint32_t[4]){quad, step->batch_index + s, step->step, 0}, key, words + 4 * quad);
  double u[5];
  for (int i = 0; i < 5; i++) u[i] = 2 * (double)dg_uniform(words[i]) - 1;
  double angle = u[0] * (double)a->rotate, slope = tan(u[2] * (double)a->shear);
  double centre_x = (d->width - 1) / 2.0, centre_y = (d->height - 1) / 2.0;
  double k = 1 + u[1] * (double)a->scale, sine = sin(angle) / k, cosine = cos(angle) / k;
  double xx = cosine + slope * sine, xy = sine - slope * cosine, yx = -sine, yy = cosine;
  double from_x = centre_x + u[3] * (double)a->shift * d->width;
  double from_y = centre_y + u[4] * (double)a->shift * d->height;
  return (affine){.xx = (float)xx,
                  .xy = (float)xy,
                  .x0 = (float)(centre_x + 1 - xx * from_x - xy * from_y),
                  .yx = (float)yx,
                  .yy = (float)yy,
                  .y0 = (float)(centre_y + 1 - yx * from_x - yy * from_y)};
}

static void fill_quads(const dg_gather_desc *d, const uint8_t *image, uint8_t *padded,
                       uint32_t *quads) {
  size_t row = (size_t)d->width + 3, width = (size_t)d->width + 2, height = (size_t)d->height + 2;
  memset(padded, 0, padded_bytes(d));
  for (size_t y = 0; y < d->height; y++)
    memcpy(padded + (y + 1) * row + 1, image + y * d->width, d->width);
  for (size_t y = 0; y < height; y++) {
    const uint8_t *upper = padded + y * row, *lower = upper + row;
    for (size_t x = 0; x < width; x++)
      quads[y * width + x] = upper[x] | (uint32_t)upper[x + 1] << 8 | (uint32_t)lower[x] << 16 |
                             (uint32_t)lower[x + 1] << 24;
  }
}

/** x clamped to [0, most]; beyond, as at the limits, only zeros are read. */
static inline float limit(float x, float most) {
  return x < 0 ? 0 : x > most ? most : x;
}

/** One row of a warped image, normalized. */
static void warp_row(const dg_gather_desc *d, const affine *b, const uint32_t *quads, uint32_t y,
                     float *out) {
  float scale = 1 / d->std, mean = d->mean;
  float from_x = b->xy * (float)y + b->x0, from_y = b->yy * (float)y + b->y0;
  float most_x = (float)(d->width + 1), most_y = (float)(d->height + 1);
  int32_t width = (int32_t)d->width + 2, count = (int32_t)d->width;
  for (int32_t i = 0; i < count; i++) {
    float at_x = limit(b->xx * (float)i + from_x, most_x);
    float at_y = limit(b->yx * (float)i + from_y, most_y);
    int32_t left = (int32_t)at_x, top = (int32_t)at_y;
    float right_share = at_x - (float)left, low_share = at_y - (float)top;
    uint32_t quad = quads[top * width + left];
    float q00 = (float)(int32_t)(quad & 255), q01 = (float)(int32_t)(quad >> 8 & 255);
    float q10 = (float)(int32_t)(quad >> 16 & 255), q11 = (float)(int32_t)(quad >> 24);
    float upper = q00 + (q01 - q00) * right_share, lower = q10 + (q11 - q10) * right_share;
    float byte = upper + (lower - upper) * low_share;
    out[i] = (byte * (1 / 255.0f) - mean) * scale;
  }
}

/* ---- gathering ---------------------------------------------------------- */

static void copy_image(const dg_gather_desc *d, const uint8_t *restrict image,
                       float *restrict out) {
  size_t count = (size_t)d->height * d->width;
  float mean = d->mean, scale = 1 / d->std;
  for (size_t i = 0; i < count; i++) out[i] = ((float)image[i] * (1 / 255.0f) - mean) * scale;
}

/** How many samples ahead an image is prefetched: images are scattered over a large set. */
enum { AHEAD = 5 };

static void prefetch_image(const uint8_t *image, size_t count) {
  enum { LINE = 64 };
  for (size_t i = 0; i < count; i += LINE) __builtin_prefetch(image + i);
}

static bool warps(const dg_cpu_op *op, const dg_step *step) {
  return step->train && augments(&op->desc.gather.augment);
}

static void warp_image(const dg_gather_desc *d, const affine *b, const uint8_t *image,
                       float *workspace, float *out) {
  uint32_t *quads = (uint32_t *)(void *)workspace;
  fill_quads(d, image, (uint8_t *)(workspace + dg_round_up(quad_count(d))), quads);
  for (uint32_t y = 0; y < d->height; y++) warp_row(d, b, quads, y, out + y * d->width);
}

static void copy_labels(const dg_op_buffers *buffers, const uint32_t *order, dg_span samples) {
  uint32_t *out = (uint32_t *)(void *)dg_floats(buffers->out[1]);
  if (!out) return;
  const uint8_t *labels = (const uint8_t *)buffers->in[1]->data;
  for (size_t s = samples.begin; s < samples.end; s++) out[s] = labels[order[s]];
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_gather_desc *d = &region->op->desc.gather;
  const dg_op_buffers *buffers = region->buffers;
  const dg_step *step = region->step;
  bool warped = warps(region->op, step);
  size_t count = (size_t)d->height * d->width;
  const uint8_t *images = (const uint8_t *)buffers->in[0]->data;
  const uint32_t *order = (const uint32_t *)buffers->in[2]->data + step->first;
  float *workspace = warped ? dg_floats(buffers->workspace) + worker * worker_floats(d) : NULL;
  dg_span samples = dg_cpu_part(step->n, region->pieces, piece);
  copy_labels(buffers, order, samples);
  for (size_t s = samples.begin; s < samples.end; s++) {
    const uint8_t *image = images + order[s] * count;
    float *x = dg_floats(buffers->out[0]) + s * count;
    if (s + AHEAD < step->n) prefetch_image(images + order[s + AHEAD] * count, count);
    if (warped) {
      affine b = draw_warp(d, step, (uint32_t)s);
      warp_image(d, &b, image, workspace, x);
    } else {
      copy_image(d, image, x);
    }
  }
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  size_t count = (size_t)op->desc.gather.height * op->desc.gather.width;
  size_t operations = (warps(op, step) ? 4 : 1) * step->n * count;
  dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(step->n, operations), forward_piece);
}

static const dg_cpu_implementation forward_by_samples = {"samples", NULL, prepare, forward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_gather) = {supports, {&forward_by_samples}, {NULL}};
