/* Samples that are not warped. Channels whose numbers alternate have their norms in a pattern as
   long as some vectors, so that no number has to look for its channel. */
#include "backends/cpu/step/gather_read.h"

#define INLINE static inline __attribute__((always_inline))

/* ---- norms -------------------------------------------------------------- */

/** Channels beyond which a pattern need not be repeated, and how often it is below. */
enum { MANY = 64, REPEATS = 16 };

static bool alternates(const dg_gather_desc *d) {
  bool is_row = d->height == 1 && d->width == 1;
  return d->per_channel && d->channels > 1 && (d->channels_last || is_row);
}

static bool repeats(const dg_gather_desc *d) {
  return alternates(d) && d->channels < MANY && (d->height > 1 || d->width > 1);
}

size_t dg_pattern_floats(const dg_gather_desc *d) {
  return repeats(d) ? 2 * (size_t)d->channels * REPEATS : 0;
}

dg_norms dg_norms_of(const dg_gather_desc *d, const float *norms, float *workspace) {
  if (!d->per_channel) return (dg_norms){.mean = d->mean, .factor = 1 / d->std};
  size_t channels = d->channels, period = channels * REPEATS;
  dg_norms n = {norms[0], norms[channels], norms, norms + channels, {norms, norms + channels}, 0};
  if (!alternates(d)) return n;
  n.period = channels;
  if (!repeats(d)) return n;
  for (size_t i = 0; i < period; i++) {
    workspace[i] = norms[i % channels];
    workspace[period + i] = norms[channels + i % channels];
  }
  n.pattern[0] = workspace, n.pattern[1] = workspace + period, n.period = period;
  return n;
}

/* ---- reading ------------------------------------------------------------ */

/** Numbers of a kind that the compiler knows. */
typedef struct {
  dg_numbers_type type;
  bool toned;
} kind;

INLINE float read_number(kind k, const void *from, size_t i, dg_tone tone) {
  float v = dg_number(k.type, from, i);
  return k.toned ? dg_tone_of(tone, v) : v;
}

/** Numbers `begin` to `end` of a sample, of one channel. */
INLINE void read_run(kind k, const void *restrict from, size_t begin, size_t end, float mean,
                     float factor, dg_tone tone, float *restrict x) {
  for (size_t i = begin; i < end; i++) x[i] = (read_number(k, from, i, tone) - mean) * factor;
}

INLINE void read_pattern(kind k, const void *restrict from, size_t count, const dg_norms *n,
                         dg_tone tone, float *restrict x) {
  const float *restrict means = n->pattern[0], *restrict factors = n->pattern[1];
  for (size_t begin = 0; begin < count; begin += n->period) {
    size_t part = count - begin < n->period ? count - begin : n->period;
    for (size_t i = 0; i < part; i++)
      x[begin + i] = (read_number(k, from, begin + i, tone) - means[i]) * factors[i];
  }
}

INLINE void read_kind(kind k, const dg_gather_desc *d, const void *from, const dg_norms *n,
                      dg_tone tone, float *x) {
  size_t plane = (size_t)d->height * d->width, count = plane * d->channels;
  if (!n->means) {
    read_run(k, from, 0, count, n->mean, n->factor, tone, x);
  } else if (n->period) {
    read_pattern(k, from, count, n, tone, x);
  } else {
    for (size_t c = 0; c < d->channels; c++)
      read_run(k, from, c * plane, (c + 1) * plane, n->means[c], n->factors[c], tone, x);
  }
}

void dg_read_sample(const dg_gather_desc *d, const void *from, const dg_norms *norms, dg_tone tone,
                    float *x) {
  if (d->type == DG_NUMBERS_FLOATS)
    read_kind((kind){DG_NUMBERS_FLOATS, false}, d, from, norms, tone, x);
  else if (tone.on)
    read_kind((kind){DG_NUMBERS_BYTES, true}, d, from, norms, tone, x);
  else
    read_kind((kind){DG_NUMBERS_BYTES, false}, d, from, norms, tone, x);
}
