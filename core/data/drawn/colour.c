/** The built-in pictures in colour. */
#include <string.h>

#include "core/base/error.h"
#include "core/data/drawn/builtin.h"
#include "core/data/drawn/draw.h"
#include "core/data/drawn/each.h"
#include "core/data/drawn/noise.h"
#include "core/data/drawn/wave.h"

enum { SEED = 1, SIDE = DG_COLOUR_SIDE, PIXELS = SIDE * SIDE, CHANNELS = 3, TEXTURES = 6 };

/** Least distance between the colours of digit and ground, of 255. */
enum { CONTRAST = 140 };

/** Corners of the noise that clouds are made of. */
enum { CORNERS = 12 };

typedef struct {
  float at[CHANNELS];
} colour;

/** What differs between grounds of one texture. */
typedef struct {
  float x, y;     /**< direction, of length 1 */
  float period;   /**< pixels */
  float phase[2]; /**< along the direction and across it */
  float corners[CORNERS][CORNERS];
} form;

static float clamp(float value) {
  return value < 0 ? 0 : value > 1 ? 1 : value;
}

static float between_corners(const form *f, float x, float y) {
  const int i = (int)x, j = (int)y;
  const float u = x - (float)i, v = y - (float)j;
  const float s = u * u * (3 - 2 * u), t = v * v * (3 - 2 * v);
  const float upper = f->corners[j][i] + s * (f->corners[j][i + 1] - f->corners[j][i]);
  const float lower = f->corners[j + 1][i] + s * (f->corners[j + 1][i + 1] - f->corners[j + 1][i]);
  return upper + t * (lower - upper);
}

/** How much of the second colour is in the ground at a pixel: 0 to 1. */
static float texture(dg_random *r, unsigned kind, const form *f, float x, float y) {
  const float along = x * f->x + y * f->y, across = y * f->x - x * f->y;
  const float a = along / f->period + f->phase[0], b = across / f->period + f->phase[1];
  const float dx = x - SIDE * f->phase[0], dy = y - SIDE * f->phase[1];
  switch (kind) {
  case 0:
    return clamp(0.5f + (along - 0.5f * SIDE * (f->x + f->y)) / SIDE);
  case 1:
    return 0.5f + 0.5f * dg_wave(a);
  case 2:
    return clamp(0.5f + 2 * dg_wave(a) * dg_wave(b));
  case 3:
    return 0.5f + 0.5f * dg_wave(sqrtf(dx * dx + dy * dy) / f->period);
  case 4:
    return between_corners(f, x / f->period + f->phase[0], y / f->period + f->phase[1]);
  default:
    return dg_random_uniform(r);
  }
}

static form draw_form(dg_random *r) {
  form f;
  const float half = dg_between(r, -1, 1); /* tangent of half the angle */
  f.x = (1 - half * half) / (1 + half * half), f.y = 2 * half / (1 + half * half);
  f.period = dg_between(r, 3.5f, 12);
  for (int i = 0; i < 2; i++) f.phase[i] = dg_random_uniform(r);
  for (int i = 0; i < CORNERS * CORNERS; i++)
    f.corners[i / CORNERS][i % CORNERS] = dg_random_uniform(r);
  return f;
}

static colour draw_colour(dg_random *r) {
  colour c;
  for (int k = 0; k < CHANNELS; k++) c.at[k] = 255 * dg_random_uniform(r);
  return c;
}

/** A colour from 0.1 to 0.5 of the way to another one. */
static colour draw_near(dg_random *r, const colour *from) {
  colour c = draw_colour(r);
  const float share = dg_between(r, 0.1f, 0.5f);
  for (int k = 0; k < CHANNELS; k++) c.at[k] = from->at[k] + share * (c.at[k] - from->at[k]);
  return c;
}

/** The square of the distance between a colour and those between two others. */
static float away(const colour *from, const colour *a, const colour *b) {
  float dot = 0, square = 1e-6f, sum = 0;
  for (int k = 0; k < CHANNELS; k++) {
    const float side = b->at[k] - a->at[k];
    dot += side * (from->at[k] - a->at[k]), square += side * side;
  }
  const float t = clamp(dot / square);
  for (int k = 0; k < CHANNELS; k++) {
    const float d = from->at[k] - a->at[k] - t * (b->at[k] - a->at[k]);
    sum += d * d;
  }
  return sum;
}

/** Draws how much of each pixel is the digit's: 0 to 1. */
static void draw_ink(dg_random *r, unsigned digit, float ink[PIXELS]) {
  enum { FROM = DG_DIGIT_SIDE };
  uint8_t image[DG_DIGIT_PIXELS];
  float padded[FROM + 2][FROM + 2] = {{0}};
  dg_digit_draw(r, digit, image);
  for (int i = 0; i < DG_DIGIT_PIXELS; i++) padded[i / FROM + 1][i % FROM + 1] = image[i] / 255.0f;
  const float scale = dg_between(r, 0.9f, (float)SIDE / FROM), room = SIDE - scale * FROM;
  const float left = room * dg_random_uniform(r), top = room * dg_random_uniform(r);
  for (int i = 0; i < PIXELS; i++) {
    const float x = ((float)(i % SIDE) + 0.5f - left) / scale + 0.5f,
                y = ((float)(i / SIDE) + 0.5f - top) / scale + 0.5f;
    const bool inside = x >= 0 && y >= 0 && x < FROM + 1 && y < FROM + 1;
    const int h = inside ? (int)x : 0, v = inside ? (int)y : 0;
    const float s = x - (float)h, t = y - (float)v;
    const float upper = padded[v][h] + s * (padded[v][h + 1] - padded[v][h]),
                lower = padded[v + 1][h] + s * (padded[v + 1][h + 1] - padded[v + 1][h]);
    ink[i] = inside ? clamp(upper + t * (lower - upper)) : 0;
  }
}

static void paint(dg_random *r, const float ink[PIXELS], uint8_t *picture) {
  const unsigned kind = dg_random_below(r, TEXTURES);
  const form f = draw_form(r);
  const colour a = draw_colour(r), b = draw_near(r, &a);
  const float grain = dg_between(r, 2, 8);
  colour of_digit;
  do of_digit = draw_colour(r);
  while (away(&of_digit, &a, &b) < CONTRAST * CONTRAST);
  for (int i = 0; i < PIXELS; i++) {
    const float t = texture(r, kind, &f, (float)(i % SIDE), (float)(i / SIDE));
    for (int k = 0; k < CHANNELS; k++) {
      const float ground = a.at[k] + t * (b.at[k] - a.at[k]);
      const float value = ground + ink[i] * (of_digit.at[k] - ground) + grain * dg_flat(r);
      picture[k * PIXELS + i] = (uint8_t)(255 * clamp(value / 255) + 0.5f);
    }
  }
}

/** Pictures to draw. */
typedef struct {
  uint32_t seed, stream;
  dg_colour_arrays to;
} order;

static void draw_one(const void *context, uint32_t index) {
  const order *o = context;
  dg_random r = dg_random_start(o->seed, o->stream, index, 0);
  const uint8_t digit = dg_digit_label(o->seed, o->stream, index);
  float ink[PIXELS];
  draw_ink(&r, digit, ink);
  paint(&r, ink, o->to.pictures + (size_t)index * CHANNELS * PIXELS);
  if (o->to.labels) o->to.labels[index] = digit;
  for (size_t i = 0; o->to.masks && i < PIXELS; i++)
    o->to.masks[(size_t)index * PIXELS + i] = ink[i] > 0.5f;
}

void dg_colour_draw(uint32_t seed, dg_part part, uint32_t count, unsigned threads,
                    const dg_colour_arrays *to) {
  const order o = {seed, dg_stream(DG_STREAM_COLOUR, (uint32_t)part), *to};
  dg_draw_each(count, threads, draw_one, &o);
}

static bool draw_part(dg_samples *samples, dg_part part, uint32_t count,
                      const dg_dataset_options *o, dg_error *err) {
  const dg_sample_kind kind = {.shape = {3, {CHANNELS, SIDE, SIDE}},
                               .targets = o->targets ? PIXELS : 0};
  if (!dg_samples_new(samples, count, &kind, err)) return false;
  const dg_colour_arrays to = {samples->inputs, samples->labels, samples->targets};
  dg_colour_draw(SEED, part, count, o->threads, &to);
  return true;
}

dg_dataset *dg_builtin_colour(const dg_dataset_options *o, dg_error *err) {
  if (o->label || (o->targets && strcmp(o->targets, "mask") != 0)) {
    dg_fail(err, DG_ERR_INPUT,
            "builtin:colour has digits as its labels, or the targets \"mask\", not \"%.80s\"",
            o->label ? o->label : o->targets);
    return NULL;
  }
  dg_dataset *set = dg_dataset_new("builtin:colour", err);
  if (set && draw_part(&set->train, DG_PART_TRAIN, DG_COLOUR_TRAIN, o, err) &&
      draw_part(&set->test, DG_PART_TEST, DG_COLOUR_TEST, o, err)) {
    dg_dataset_count_classes(set);
    return set;
  }
  dg_dataset_close(set);
  return NULL;
}
