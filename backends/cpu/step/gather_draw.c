#include "backends/cpu/step/gather_draw.h"

#include <math.h>
#include <string.h>

static void draw_quad(const dg_draw *draw, uint32_t quad, uint32_t words[4]) {
  dg_philox((uint32_t[4]){quad, draw->place, draw->step, 0}, draw->key, words);
}

dg_draw dg_draw_sample(const dg_augment *a, const dg_step *step, uint32_t s) {
  dg_draw draw = {.key = {step->seed, dg_stream(DG_STREAM_AUGMENT, 0)},
                  .place = step->batch_index + s,
                  .step = step->step};
  uint32_t quads = a->gain != 0 ? 4 : dg_augment_recolours(a) || a->cutout ? 3 : 2;
  for (uint32_t quad = 0; quad < quads; quad++) draw_quad(&draw, quad, draw.words + 4 * quad);
  return draw;
}

dg_tone dg_draw_tone(const dg_augment *a, const dg_draw *draw) {
  double contrast = 1 + dg_two_sided(draw, 11) * (double)a->contrast;
  double brightness = dg_two_sided(draw, 10) * (double)a->brightness;
  return (dg_tone){dg_augment_recolours(a), (float)contrast,
                   (float)(0.5 - 0.5 * contrast + brightness)};
}

/* ---- noise -------------------------------------------------------------- */

/** Normal numbers drawn at a time. */
enum { BLOCK = 64 };

/** Normal numbers `first` (a multiple of 4) and those after it. */
static void draw_normal(const dg_draw *draw, uint32_t first, float z[BLOCK]) {
  const float turn = 6.28318530717958648f;
  uint32_t words[BLOCK];
  for (uint32_t i = 0; i < BLOCK; i += 4) draw_quad(draw, 16 + (first + i) / 4, words + i);
  for (int i = 0; i < BLOCK; i += 2) {
    float r = sqrtf(-2 * logf(1 - dg_uniform(words[i]))), angle = turn * dg_uniform(words[i + 1]);
    z[i] = r * cosf(angle), z[i + 1] = r * sinf(angle);
  }
}

void dg_add_noise(const dg_augment *a, const dg_draw *draw, size_t count, float *x) {
  float noise = a->noise, gain = 1;
  if (a->gain != 0) gain = (float)(1 + dg_two_sided(draw, 12) * (double)a->gain);
  float z[BLOCK] = {0};
  for (size_t done = 0; done < count; done += BLOCK) {
    size_t part = count - done < BLOCK ? count - done : BLOCK;
    if (noise != 0) draw_normal(draw, (uint32_t)done, z);
    for (size_t i = 0; i < part; i++) x[done + i] = gain * x[done + i] + noise * z[i];
  }
}

/* ---- cutout ------------------------------------------------------------- */

/** A range of positions in a dimension. */
typedef struct {
  size_t begin, end;
} range;

/** Positions of a dimension of `size` that are at most `reach` from `centre`. */
static range near_to(int64_t centre, uint32_t reach, uint32_t size) {
  int64_t begin = centre - reach, end = centre + reach + 1;
  return (range){begin < 0 ? 0 : (size_t)begin, end > size ? size : (size_t)end};
}

void dg_cut_out(const dg_gather_desc *d, const dg_draw *draw, float *x) {
  if (d->augment.cutout == 0) return;
  uint32_t reach = (d->augment.cutout - 1) / 2;
  range columns = near_to(dg_below(draw, 8, d->width), reach, d->width);
  range rows = near_to(dg_below(draw, 9, d->height), reach, d->height);
  size_t planes = d->channels_last ? 1 : d->channels, each = d->channels_last ? d->channels : 1;
  for (size_t plane = 0; plane < planes; plane++)
    for (size_t row = rows.begin; row < rows.end; row++)
      memset(x + ((plane * d->height + row) * d->width + columns.begin) * each, 0,
             (columns.end - columns.begin) * each * sizeof *x);
}
