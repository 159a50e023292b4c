#include "backends/cpu/step/gather_draw.h"

#include <math.h>
#include <string.h>

#include "backends/cpu/elementwise/words.h"

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
enum { BLOCK = DG_WORDS };

/** ln m of 2^-24 <= m <= 1: with m = 2^k f and f around 1, k ln 2 + 2 artanh((f - 1) / (f + 1)) by
    its series. */
static inline float logarithm(float m) {
  const int32_t least = 0x3f3504f3; /* f >= sqrt(1/2) */
  int32_t bits;
  memcpy(&bits, &m, sizeof bits);
  const int32_t k = (bits - least) >> 23;
  bits -= k * (1 << 23);
  memcpy(&m, &bits, sizeof m);
  const float t = (m - 1) / (m + 1), square = t * t;
  float series = square * (1.0f / 9) + 1.0f / 7;
  series = series * square + 1.0f / 5;
  series = series * square + 1.0f / 3;
  return (float)k * 0.693147181f + 2 * (series * square * t + t);
}

/** The pair of normal numbers that two words give. */
static inline void normal_pair(uint32_t w0, uint32_t w1, float z[2]) {
  const float radius = sqrtf(-2 * logarithm(1 - dg_uniform(w0)));
  const int32_t turn = (int32_t)(w1 >> 8), quarter = (turn + (1 << 21)) >> 22;
  const float angle = (float)(turn - quarter * (1 << 22)) * (6.28318531f * 0x1p-24f);
  const float square = angle * angle; /* of an angle of at most pi / 4; its series */
  float sine = square * (1.0f / 362880) - 1.0f / 5040;
  sine = (sine * square + 1.0f / 120) * square - 1.0f / 6;
  sine = sine * square * angle + angle;
  float cosine = square * (1.0f / 40320) - 1.0f / 720;
  cosine = (cosine * square + 1.0f / 24) * square - 0.5f;
  cosine = cosine * square + 1;
  const float down = radius * (float)(1 - (quarter & 2)),
              left = radius * (float)(1 - ((quarter + 1) & 2));
  z[0] = left * (quarter & 1 ? sine : cosine);
  z[1] = down * (quarter & 1 ? cosine : sine);
}

/** Normal numbers `first` (a multiple of 4) and those after it. */
static void draw_normal(const dg_draw *draw, uint32_t first, float z[BLOCK]) {
  uint32_t words[BLOCK];
  dg_draw_words(draw->key, 16 + first / 4, draw->place, draw->step, words);
  for (int i = 0; i < BLOCK; i += 2) normal_pair(words[i], words[i + 1], z + i);
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
