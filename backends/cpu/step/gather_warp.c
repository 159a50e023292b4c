/* Warped samples, plane by plane. A plane is first copied between zeros: one row and column before
   it, two after it. Bilinear interpolation reads four bytes at once: for every position between
   them, the four around it are put into one word. */
#include <math.h>
#include <string.h>

#include "backends/cpu/runtime/device.h"
#include "backends/cpu/step/gather_read.h"

#define INLINE static inline __attribute__((always_inline))

/** Numbers of a plane with its zeros. */
static size_t padded_count(const dg_gather_desc *d) {
  return ((size_t)d->width + 3) * ((size_t)d->height + 3);
}

/** Positions between pixels: each before, between or after two rows and two columns. */
static size_t quad_count(const dg_gather_desc *d) {
  return ((size_t)d->width + 2) * ((size_t)d->height + 2);
}

bool dg_warp_fits(const dg_gather_desc *d) {
  return padded_count(d) <= INT32_MAX;
}

size_t dg_warp_floats(const dg_gather_desc *d) {
  if (d->type == DG_NUMBERS_FLOATS) return dg_round_up(padded_count(d));
  return dg_round_up(quad_count(d)) + dg_round_up((padded_count(d) + 3) / 4);
}

/** The source of pixel (x, y) of a warped plane: (xx x + xy y + x0, yx x + yy y + y0). */
typedef struct {
  float xx, xy, x0, yx, yy, y0;
} affine;

/** The shift in whole elements that word i draws. */
static double draw_crop(const dg_draw *draw, int i, uint32_t crop) {
  return (double)(dg_below(draw, i, 2 * crop + 1) - crop);
}

/** Coordinates are relative to the first row and column of zeros. */
static affine draw_warp(const dg_gather_desc *d, const dg_draw *draw) {
  const dg_augment *a = &d->augment;
  double angle = dg_two_sided(draw, 0) * (double)a->rotate;
  double slope = tan(dg_two_sided(draw, 2) * (double)a->shear);
  double centre_x = (d->width - 1) / 2.0, centre_y = (d->height - 1) / 2.0;
  double k = 1 + dg_two_sided(draw, 1) * (double)a->scale;
  double sine = sin(angle) / k, cosine = cos(angle) / k;
  double xx = cosine + slope * sine, xy = sine - slope * cosine, yx = -sine, yy = cosine;
  double mirror = dg_uniform(draw->words[5]) < a->flip ? -1 : 1;
  double from_x = mirror * centre_x, from_y = centre_y, to_x = centre_x + 1, to_y = centre_y + 1;
  if (d->width > 1) {
    from_x += dg_two_sided(draw, 3) * (double)a->shift * d->width;
    to_x += draw_crop(draw, 6, a->crop);
  }
  if (d->height > 1) {
    from_y += dg_two_sided(draw, 4) * (double)a->shift * d->height;
    to_y += draw_crop(draw, 7, a->crop);
  }
  return (affine){.xx = (float)(mirror * xx),
                  .xy = (float)xy,
                  .x0 = (float)(to_x - xx * from_x - xy * from_y),
                  .yx = (float)(mirror * yx),
                  .yy = (float)yy,
                  .y0 = (float)(to_y - yx * from_x - yy * from_y)};
}

/* ---- a plane ------------------------------------------------------------ */

/** A plane of a sample: its numbers in the set and in the batch lie `stride` apart. */
typedef struct {
  const void *from;
  float *to;
  size_t stride;
  float mean, factor;
  dg_tone tone;
} plane;

static void fill_quads(const dg_gather_desc *d, const plane *p, uint8_t *padded, uint32_t *quads) {
  size_t row = (size_t)d->width + 3, width = (size_t)d->width + 2, height = (size_t)d->height + 2;
  const uint8_t *from = p->from;
  memset(padded, 0, padded_count(d));
  for (size_t y = 0; y < d->height; y++) {
    uint8_t *to = padded + (y + 1) * row + 1;
    if (p->stride == 1)
      memcpy(to, from + y * d->width, d->width);
    else
      for (size_t x = 0; x < d->width; x++) to[x] = from[(y * d->width + x) * p->stride];
  }
  for (size_t y = 0; y < height; y++) {
    const uint8_t *upper = padded + y * row, *lower = upper + row;
    for (size_t x = 0; x < width; x++)
      quads[y * width + x] = upper[x] | (uint32_t)upper[x + 1] << 8 | (uint32_t)lower[x] << 16 |
                             (uint32_t)lower[x + 1] << 24;
  }
}

static void fill_floats(const dg_gather_desc *d, const plane *p, float *padded) {
  size_t row = (size_t)d->width + 3;
  const float *from = p->from;
  memset(padded, 0, padded_count(d) * sizeof *padded);
  for (size_t y = 0; y < d->height; y++)
    for (size_t x = 0; x < d->width; x++)
      padded[(y + 1) * row + x + 1] = from[(y * d->width + x) * p->stride];
}

/** x clamped to [0, most]; beyond, as at the limits, only zeros are read. */
INLINE float limit(float x, float most) {
  return x < 0 ? 0 : x > most ? most : x;
}

INLINE float between(float q00, float q01, float q10, float q11, float right, float low) {
  float upper = q00 + (q01 - q00) * right, lower = q10 + (q11 - q10) * right;
  return upper + (lower - upper) * low;
}

INLINE float read_quad(uint32_t quad, float right, float low) {
  float q00 = (float)(int32_t)(quad & 255), q01 = (float)(int32_t)(quad >> 8 & 255);
  float q10 = (float)(int32_t)(quad >> 16 & 255), q11 = (float)(int32_t)(quad >> 24);
  return between(q00, q01, q10, q11, right, low) * (1 / 255.0f);
}

/** One row of a warped plane, normalized. `around` holds quads of bytes, or floats with zeros. */
INLINE void warp_row(const dg_gather_desc *d, dg_numbers_type type, bool toned, size_t stride,
                     const plane *p, const affine *b, const void *around, uint32_t y) {
  const uint32_t *quads = around;
  const float *floats = around;
  float *out = p->to + (size_t)y * d->width * stride, mean = p->mean, factor = p->factor;
  float from_x = b->xy * (float)y + b->x0, from_y = b->yy * (float)y + b->y0;
  float most_x = (float)(d->width + 1), most_y = (float)(d->height + 1);
  int32_t row = (int32_t)d->width + (type == DG_NUMBERS_BYTES ? 2 : 3), count = (int32_t)d->width;
  dg_tone tone = p->tone;
  for (int32_t i = 0; i < count; i++) {
    float at_x = limit(b->xx * (float)i + from_x, most_x);
    float at_y = limit(b->yx * (float)i + from_y, most_y);
    int32_t left = (int32_t)at_x, top = (int32_t)at_y, at = top * row + left;
    float right = at_x - (float)left, low = at_y - (float)top;
    float v = type == DG_NUMBERS_BYTES ? read_quad(quads[at], right, low)
                                       : between(floats[at], floats[at + 1], floats[at + row],
                                                 floats[at + row + 1], right, low);
    if (toned) v = dg_tone_of(tone, v);
    out[(size_t)i * stride] = (v - mean) * factor;
  }
}

static void warp_bytes(const dg_gather_desc *d, const plane *p, const affine *b, float *workspace) {
  uint32_t *quads = (uint32_t *)(void *)workspace;
  fill_quads(d, p, (uint8_t *)(workspace + dg_round_up(quad_count(d))), quads);
  for (uint32_t y = 0; y < d->height; y++)
    if (p->stride == 1 && !p->tone.on)
      warp_row(d, DG_NUMBERS_BYTES, false, 1, p, b, quads, y);
    else
      warp_row(d, DG_NUMBERS_BYTES, p->tone.on, p->stride, p, b, quads, y);
}

static void warp_floats(const dg_gather_desc *d, const plane *p, const affine *b,
                        float *workspace) {
  fill_floats(d, p, workspace);
  for (uint32_t y = 0; y < d->height; y++)
    warp_row(d, DG_NUMBERS_FLOATS, false, p->stride, p, b, workspace, y);
}

void dg_warp_sample(const dg_gather_desc *d, const void *from, const dg_norms *norms,
                    const dg_draw *draw, dg_tone tone, float *workspace, float *x) {
  affine b = draw_warp(d, draw);
  bool bytes = d->type == DG_NUMBERS_BYTES;
  size_t apart = d->channels_last ? 1 : (size_t)d->height * d->width;
  for (size_t c = 0; c < d->channels; c++) {
    size_t first = c * apart;
    const plane p = {.from = (const uint8_t *)from + first * (bytes ? 1 : sizeof(float)),
                     .to = x + first,
                     .stride = d->channels_last ? d->channels : 1,
                     .mean = norms->means ? norms->means[c] : norms->mean,
                     .factor = norms->means ? norms->factors[c] : norms->factor,
                     .tone = tone};
    (bytes ? warp_bytes : warp_floats)(d, &p, &b, workspace);
  }
}
