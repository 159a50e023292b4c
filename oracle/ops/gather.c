/* The oracle's gather. */
#include <math.h>

#include "core/base/philox.h"
#include "oracle/oracle.h"

/* ---- what a sample draws ------------------------------------------------- */

/** The four words of counter {quad, place of sample s, step, 0}. */
static void draw(const dg_step *step, uint32_t s, uint32_t quad, uint32_t words[4]) {
  const uint32_t key[2] = {step->seed, dg_stream(DG_STREAM_AUGMENT, 0)};
  dg_philox((uint32_t[4]){quad, step->batch_index + s, step->step, 0}, key, words);
}

/** Numbers u0..u15, and the words that they come from. */
typedef struct {
  uint32_t w[16];
  double u[16];
} draws;

static draws draw_all(const dg_step *step, uint32_t s) {
  draws d;
  for (uint32_t quad = 0; quad < 4; quad++) draw(step, s, quad, d.w + 4 * quad);
  for (int i = 0; i < 16; i++) d.u[i] = 2 * (double)dg_uniform(d.w[i]) - 1;
  return d;
}

/** floor(a[i] m) */
static double below(const draws *r, int i, uint64_t m) {
  return (double)((uint64_t)(r->w[i] >> 8) * m >> 24);
}

/* ---- one number ---------------------------------------------------------- */

/** A position in a plane, relative to its centre. */
typedef struct {
  double x, y;
} point;

static bool warps(const dg_augment *a) {
  return a->rotate != 0 || a->shift != 0 || a->scale != 0 || a->shear != 0 || a->flip != 0 ||
         a->crop != 0;
}

/** q = H^-1 R^-1 (F p - t) / k + c, see dg_augment. */
static point warp(const dg_gather_desc *d, const draws *r, point p) {
  const dg_augment *a = &d->augment;
  const double *u = r->u, wide = d->width > 1, high = d->height > 1;
  double k = 1 + u[1] * a->scale, angle = u[0] * a->rotate;
  double mirrored = dg_uniform(r->w[5]) < a->flip ? -p.x : p.x;
  double x = (mirrored - wide * u[3] * a->shift * d->width) / k;
  double y = (p.y - high * u[4] * a->shift * d->height) / k;
  double turned_x = cos(angle) * x + sin(angle) * y, turned_y = cos(angle) * y - sin(angle) * x;
  uint64_t places = 2 * (uint64_t)a->crop + 1;
  return (point){turned_x - tan(u[2] * a->shear) * turned_y +
                     wide * (below(r, 6, places) - a->crop),
                 turned_y + high * (below(r, 7, places) - a->crop)};
}

/** Number i of the set: a byte as a share of 255. */
static double number(dg_numbers_type type, const void *set, size_t i) {
  return type == DG_NUMBERS_BYTES ? ((const uint8_t *)set)[i] / 255.0 : ((const float *)set)[i];
}

/** Where the number of a channel at a place lies in its sample. */
static size_t index_of(const dg_gather_desc *d, size_t channel, size_t y, size_t x) {
  return d->channels_last ? (y * d->width + x) * d->channels + channel
                          : (channel * d->height + y) * d->width + x;
}

/** A sample in the set. */
typedef struct {
  const dg_gather_desc *d;
  const void *set;
  size_t first;
} sample;

static double read(const sample *from, uint32_t channel, double x, double y) {
  const dg_gather_desc *d = from->d;
  bool inside = x >= 0 && y >= 0 && x < d->width && y < d->height;
  return inside
             ? number(d->type, from->set, from->first + index_of(d, channel, (size_t)y, (size_t)x))
             : 0;
}

/** A channel read bilinearly at q. */
static double read_at(const sample *from, uint32_t channel, point q) {
  double x = q.x + (from->d->width - 1) / 2.0, y = q.y + (from->d->height - 1) / 2.0;
  double left = floor(x), top = floor(y), right_share = x - left, low_share = y - top;
  double upper = (1 - right_share) * read(from, channel, left, top) +
                 right_share * read(from, channel, left + 1, top);
  double lower = (1 - right_share) * read(from, channel, left, top + 1) +
                 right_share * read(from, channel, left + 1, top + 1);
  return (1 - low_share) * upper + low_share * lower;
}

static double recolour(const dg_augment *a, const draws *r, double v) {
  if (a->brightness == 0 && a->contrast == 0) return v;
  v = (v - 0.5) * (1 + r->u[11] * a->contrast) + 0.5 + r->u[10] * a->brightness;
  return fmin(fmax(v, 0), 1);
}

/** z of element i. */
static double normal(const dg_step *step, uint32_t s, uint32_t i) {
  uint32_t words[4];
  draw(step, s, 16 + i / 4, words);
  const uint32_t *pair = words + i % 4 / 2 * 2;
  double r = sqrt(-2 * log(1 - (double)dg_uniform(pair[0])));
  double angle = 2 * acos(-1) * (double)dg_uniform(pair[1]);
  return r * (i % 2 ? sin(angle) : cos(angle));
}

static bool is_cut(const dg_gather_desc *d, const draws *r, uint32_t x, uint32_t y) {
  if (d->augment.cutout == 0) return false;
  double reach = (d->augment.cutout - 1) / 2;
  return fabs(x - below(r, 8, d->width)) <= reach && fabs(y - below(r, 9, d->height)) <= reach;
}

/* ---- the batch ----------------------------------------------------------- */

/** The number of sample s, a channel and a place. */
static double value(const sample *from, const float *norms, const draws *r, const dg_step *step,
                    uint32_t s, uint32_t channel, uint32_t y, uint32_t x) {
  const dg_gather_desc *d = from->d;
  const dg_augment *a = &d->augment;
  double mean = norms ? norms[channel] : d->mean;
  double factor = norms ? norms[d->channels + channel] : 1 / (double)d->std;
  if (!step->train) return (read(from, channel, x, y) - mean) * factor;
  point p = {x - (d->width - 1) / 2.0, y - (d->height - 1) / 2.0};
  double v = warps(a) ? read_at(from, channel, warp(d, r, p)) : read(from, channel, x, y);
  double out = (recolour(a, r, v) - mean) * factor * (1 + r->u[12] * a->gain);
  if (a->noise != 0) out += a->noise * normal(step, s, (uint32_t)index_of(d, channel, y, x));
  return is_cut(d, r, x, y) ? 0 : out;
}

static void copy_target(const dg_gather_desc *d, const oracle_gather_inputs *in, size_t from,
                        uint32_t s, uint32_t *labels, double *targets) {
  const uint8_t *bytes = in->targets;
  const float *floats = in->targets;
  if (d->targets == 0 && labels) labels[s] = bytes[from];
  for (uint32_t t = 0; targets && t < d->targets; t++) {
    size_t i = from * d->targets + t;
    targets[(size_t)s * d->targets + t] =
        d->targets_type == DG_NUMBERS_BYTES ? (double)bytes[i] : (double)floats[i];
  }
}

void oracle_gather(const dg_gather_desc *desc, const oracle_gather_inputs *in, const dg_step *step,
                   double *x, uint32_t *labels, double *targets) {
  size_t size = (size_t)desc->channels * desc->height * desc->width;
  for (uint32_t s = 0; s < step->n; s++) {
    size_t number = in->order[step->first + s];
    dg_gather_desc own = *desc; /* a sequence is as wide as it is long */
    if (desc->lengths) own.width = in->lengths[number];
    const sample from = {&own, in->set, number * size};
    const draws r = draw_all(step, s);
    copy_target(desc, in, number, s, labels, targets);
    for (size_t i = 0; i < size; i++) x[s * size + i] = 0;
    for (uint32_t c = 0; c < own.channels; c++)
      for (uint32_t row = 0; row < own.height; row++)
        for (uint32_t column = 0; column < own.width; column++)
          x[s * size + index_of(&own, c, row, column)] =
              value(&from, in->norms, &r, step, s, c, row, column);
  }
}
