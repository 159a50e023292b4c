#include "core/data/drawn/draw.h"

#include <math.h>
#include <stddef.h>

#include "core/data/drawn/each.h"
#include "core/data/drawn/glyphs.h"
#include "core/data/drawn/rasterizer.h"

/** Side of the box that the ink is fitted into, and number of line segments per span. */
enum { BOX = 20, LINES_PER_SPAN = 7 };

_Static_assert(DG_GLYPH_MAX_KNOTS *LINES_PER_SPAN < DG_PATH_MAX_POINTS, "a glyph fits into a path");

typedef struct {
  float x, y;
} vec;

/** A digit's strokes as knots; the unit is the digit's height. */
typedef struct {
  unsigned count;
  const char *pen; /**< [count] dg_pen_mark */
  vec at[DG_GLYPH_MAX_KNOTS];
} skeleton;

/** A uniform number between two others. */
static float between(dg_random *r, float low, float high) {
  return low + (high - low) * dg_random_uniform(r);
}

/** A bell-shaped random number (sum of three uniforms) with this deviation, at most three times
    it. */
static float bell(dg_random *r, float deviation) {
  float sum = dg_random_uniform(r);
  sum += dg_random_uniform(r);
  sum += dg_random_uniform(r);
  return (2 * sum - 3) * deviation;
}

static vec bell_vec(dg_random *r, float deviation) {
  float x = bell(r, deviation), y = bell(r, deviation);
  return (vec){x, y};
}

static const dg_glyph *choose_glyph(dg_random *r, unsigned digit) {
  unsigned count, total = 0, i = 0;
  const dg_glyph *glyphs = dg_glyphs_of(digit, &count);
  for (unsigned k = 0; k < count; k++) total += glyphs[k].weight;
  unsigned ticket = dg_random_below(r, total);
  while (ticket >= glyphs[i].weight) ticket -= glyphs[i++].weight;
  return &glyphs[i];
}

static const dg_knot *choose_form(dg_random *r, const dg_glyph *glyph) {
  return glyph->knots + glyph->count * dg_random_below(r, glyph->forms);
}

static bool starts_stroke(const skeleton *s, unsigned knot) {
  return knot == 0 || s->pen[knot - 1] == DG_PEN_LIFT;
}

/** A writer's skeleton: a random weighted mean of three forms of the glyph, with noise on every
    knot. */
static void write_skeleton(dg_random *r, const dg_glyph *glyph, skeleton *s) {
  const dg_knot *a = choose_form(r, glyph), *b = choose_form(r, glyph), *c = choose_form(r, glyph);
  float tb = between(r, -0.1f, 0.8f), tc = between(r, -0.1f, 0.5f), ta = 1 - tb - tc;
  float unsteady = between(r, 0.01f, 0.05f);
  s->count = glyph->count;
  s->pen = glyph->pen;
  for (unsigned i = 0; i < glyph->count; i++) {
    bool free_end = starts_stroke(s, i) || s->pen[i] == DG_PEN_LIFT;
    vec slip = bell_vec(r, free_end ? 1.5f * unsteady : unsteady);
    s->at[i].x = 0.01f * (ta * a[i].x + tb * b[i].x + tc * c[i].x) + slip.x;
    s->at[i].y = 0.01f * (ta * a[i].y + tb * b[i].y + tc * c[i].y) + slip.y;
  }
}

static float distance(vec a, vec b) {
  float x = b.x - a.x, y = b.y - a.y;
  return sqrtf(x * x + y * y);
}

/**
 * The velocity at knot `b` between `a` and `c` in a centripetal Catmull-Rom spline (a span takes
 * the root of its length), times `span`, the time of the span that it is used for.
 */
static vec velocity(vec a, vec b, vec c, float span) {
  float before = sqrtf(distance(a, b)) + 1e-3f, after = sqrtf(distance(b, c)) + 1e-3f;
  float wa = -after / before, wc = before / after, wb = -wa - wc;
  float scale = span / (before + after);
  return (vec){scale * (wa * a.x + wb * b.x + wc * c.x), scale * (wa * a.y + wb * b.y + wc * c.y)};
}

/** The point at time t of 0 to 1 between a and b with velocities va and vb (cubic Hermite). */
static vec hermite(vec a, vec va, vec b, vec vb, float t) {
  float u = 1 - t, ha = u * u * (1 + 2 * t), hb = t * t * (3 - 2 * t);
  float hva = t * u * u, hvb = -t * t * u;
  return (vec){ha * a.x + hva * va.x + hb * b.x + hvb * vb.x,
               ha * a.y + hva * va.y + hb * b.y + hvb * vb.y};
}

static void add_point(dg_path *path, vec at, bool last) {
  path->points[path->count].x = at.x;
  path->points[path->count].y = at.y;
  path->points[path->count].last = last;
  path->count++;
}

/** Smooth curves through the knots, broken at corners and stroke ends. */
static void trace(const skeleton *s, dg_path *path) {
  path->count = 0;
  for (unsigned i = 0; i < s->count; i++) {
    add_point(path, s->at[i], s->pen[i] == DG_PEN_LIFT);
    if (s->pen[i] == DG_PEN_LIFT) continue;
    bool starts = starts_stroke(s, i) || s->pen[i] == DG_PEN_CORNER;
    bool stops = s->pen[i + 1] != DG_PEN_SMOOTH;
    vec a = s->at[i], b = s->at[i + 1];
    vec before = starts ? a : s->at[i - 1], after = stops ? b : s->at[i + 2];
    float span = sqrtf(distance(a, b)) + 1e-3f;
    vec straight = {b.x - a.x, b.y - a.y};
    vec va = starts ? straight : velocity(before, a, b, span);
    vec vb = stops ? straight : velocity(a, b, after, span);
    for (int k = 1; k < LINES_PER_SPAN; k++)
      add_point(path, hermite(a, va, b, vb, (float)k / LINES_PER_SPAN), false);
  }
}

/** Warps the digit by a bicubic Bezier patch whose 4x4 control points are displaced at random. */
static void bend(dg_random *r, dg_path *path) {
  vec moved[4][4];
  float strength = between(r, 0.02f, 0.12f);
  for (int i = 0; i < 16; i++) moved[i / 4][i % 4] = bell_vec(r, strength);
  for (unsigned k = 0; k < path->count; k++) {
    float u = path->points[k].x, v = path->points[k].y, iu = 1 - u, iv = 1 - v;
    float bu[4] = {iu * iu * iu, 3 * u * iu * iu, 3 * u * u * iu, u * u * u};
    float bv[4] = {iv * iv * iv, 3 * v * iv * iv, 3 * v * v * iv, v * v * v};
    for (int i = 0; i < 16; i++) {
      path->points[k].x += bv[i / 4] * bu[i % 4] * moved[i / 4][i % 4].x;
      path->points[k].y += bv[i / 4] * bu[i % 4] * moved[i / 4][i % 4].y;
    }
  }
}

/** Rotates, slants, widens and tapers the whole digit, and moves its waist up or down. */
static void tilt(dg_random *r, dg_path *path) {
  float half = 0.5f * bell(r, 0.12f); // tangent of half the angle
  float cosine = (1 - half * half) / (1 + half * half), sine = 2 * half / (1 + half * half);
  float slant = 0.1f + bell(r, 0.22f), width = between(r, 0.6f, 1.5f);
  float taper = bell(r, 0.15f), sag = bell(r, 0.15f);
  for (unsigned k = 0; k < path->count; k++) {
    float x = path->points[k].x - 0.5f, y = path->points[k].y - 0.5f;
    x = width * (1 + taper * y) * x - slant * y;
    y += sag * (0.25f - y * y);
    path->points[k].x = cosine * x - sine * y;
    path->points[k].y = sine * x + cosine * y;
  }
}

/** Gives the pen a radius in pixels that changes slowly along the path. */
static void press(dg_random *r, dg_path *path) {
  enum { NODES = 5 };
  float pressure[NODES + 1], radius = between(r, 0.7f, 2.2f), unsteady = between(r, 0.0f, 0.2f);
  for (int i = 0; i <= NODES; i++) pressure[i] = radius * (1 + bell(r, unsteady));
  for (unsigned k = 0; k < path->count; k++) {
    float at = (float)(k * NODES) / (float)path->count;
    int i = (int)at;
    float t = at - (float)i, p = pressure[i] + t * (pressure[i + 1] - pressure[i]);
    path->points[k].radius = fminf(fmaxf(p, 0.5f), 2.5f);
  }
}

/** Scales the path, keeping its aspect ratio, so that its ink fills a centred box of 20 pixels. */
static void fit(dg_path *path) {
  float left = 1e9f, right = -1e9f, top = 1e9f, bottom = -1e9f, radius = 0;
  for (unsigned k = 0; k < path->count; k++) {
    left = fminf(left, path->points[k].x), right = fmaxf(right, path->points[k].x);
    top = fminf(top, path->points[k].y), bottom = fmaxf(bottom, path->points[k].y);
    radius = fmaxf(radius, path->points[k].radius);
  }
  float scale = (BOX - 2 * radius) / fmaxf(right - left, bottom - top);
  float middle = 0.5f * DG_DIGIT_SIDE;
  for (unsigned k = 0; k < path->count; k++) {
    path->points[k].x = middle + scale * (path->points[k].x - 0.5f * (left + right));
    path->points[k].y = middle + scale * (path->points[k].y - 0.5f * (top + bottom));
  }
}

/** By how many whole pixels to move a picture so that `centre` is in its middle. */
static int shift_to_middle(float centre) {
  const int margin = (DG_DIGIT_SIDE - BOX) / 2;
  int shift = (int)floorf(0.5f * DG_DIGIT_SIDE - centre + 0.5f);
  return shift < -margin ? -margin : shift > margin ? margin : shift;
}

/** Writes the ink as bytes, its centre of mass in the middle. */
static void centre(const float ink[DG_DIGIT_PIXELS], uint8_t image[DG_DIGIT_PIXELS]) {
  float mass = 0, mass_x = 0, mass_y = 0;
  for (int i = 0; i < DG_DIGIT_PIXELS; i++) {
    mass += ink[i];
    mass_x += ink[i] * ((float)(i % DG_DIGIT_SIDE) + 0.5f);
    mass_y += ink[i] * ((float)(i / DG_DIGIT_SIDE) + 0.5f);
  }
  int dx = shift_to_middle(mass_x / mass), dy = shift_to_middle(mass_y / mass);
  for (int i = 0; i < DG_DIGIT_PIXELS; i++) {
    int x = i % DG_DIGIT_SIDE - dx, y = i / DG_DIGIT_SIDE - dy;
    bool inside = x >= 0 && x < DG_DIGIT_SIDE && y >= 0 && y < DG_DIGIT_SIDE;
    image[i] = inside ? (uint8_t)(255 * ink[y * DG_DIGIT_SIDE + x] + 0.5f) : 0;
  }
}

void dg_digit_draw(dg_random *r, unsigned digit, uint8_t image[DG_DIGIT_PIXELS]) {
  skeleton s;
  dg_path path;
  float ink[DG_DIGIT_PIXELS];
  write_skeleton(r, choose_glyph(r, digit), &s);
  trace(&s, &path);
  bend(r, &path);
  tilt(r, &path);
  press(r, &path);
  fit(&path);
  dg_rasterize(&path, between(r, 0.8f, 1.6f), ink);
  centre(ink, image);
}

uint8_t dg_digit_label(uint32_t seed, uint32_t stream, uint32_t index) {
  uint8_t digits[DG_DIGIT_CLASSES];
  dg_random r = dg_random_start(seed, stream, index / DG_DIGIT_CLASSES, 1);
  for (unsigned i = 0; i < DG_DIGIT_CLASSES; i++) {
    unsigned j = dg_random_below(&r, i + 1);
    digits[i] = digits[j];
    digits[j] = (uint8_t)i;
  }
  return digits[index % DG_DIGIT_CLASSES];
}

/** Digits to draw. */
typedef struct {
  uint32_t seed, stream;
  uint8_t *images, *labels;
} order;

static void draw_one(const void *context, uint32_t index) {
  const order *o = context;
  dg_random r = dg_random_start(o->seed, o->stream, index, 0);
  o->labels[index] = dg_digit_label(o->seed, o->stream, index);
  dg_digit_draw(&r, o->labels[index], o->images + (size_t)index * DG_DIGIT_PIXELS);
}

void dg_digits_draw(uint32_t seed, dg_digits_part part, uint32_t count, unsigned threads,
                    uint8_t *images, uint8_t *labels) {
  const order o = {seed, dg_stream(DG_STREAM_DIGITS, (uint32_t)part), images, labels};
  dg_draw_each(count, threads, draw_one, &o);
}
