/**
 * A unit of work is a bundle: one group of a sample; or, of single numbers, as many adjacent groups
 * as fill the lanes (norm.h). It is read in strips: a channel's plane; or, of single numbers, as
 * many adjacent channels as there are lanes, in all rows.
 */
#include <math.h>

#include "backends/cpu/norm/norm.h"
#include "backends/cpu/runtime/implementation.h"

enum { LANES = DG_NORM_LANES };

/** A group is normalized as (x - mean) * scale. */
typedef struct {
  float mean, scale;
} statistics;

typedef struct {
  size_t sample, first, count; /**< its groups */
} bundle;

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

static bool supports(const dg_op_desc *desc) {
  return desc->group_norm.rows > 0 && desc->group_norm.channels > 0 && desc->group_norm.plane > 0;
}

/** Channels of a group. */
static size_t width_of(const dg_group_norm_desc *d) {
  return d->channels / d->groups;
}

static size_t sample_size(const dg_group_norm_desc *d) {
  return (size_t)d->rows * d->channels * d->plane;
}

/** Groups of a bundle, but for the last one. */
static size_t bundle_size(const dg_group_norm_desc *d) {
  return d->plane == 1 && width_of(d) < LANES ? LANES / width_of(d) : 1;
}

/** Bundles of a sample. */
static size_t count_bundles(const dg_group_norm_desc *d) {
  return (d->groups + bundle_size(d) - 1) / bundle_size(d);
}

static bundle bundle_at(const dg_group_norm_desc *d, size_t unit) {
  const size_t size = bundle_size(d), first = unit % count_bundles(d) * size;
  return (bundle){unit / count_bundles(d), first, smaller(size, d->groups - first)};
}

/** The bundles of a piece. */
static dg_span bundles_of(const dg_cpu_region *region, size_t piece) {
  const size_t units = region->step->n * count_bundles(&region->op->desc.group_norm);
  return dg_cpu_part(units, region->pieces, piece);
}

static size_t pieces_of(const dg_group_norm_desc *d, uint32_t n, size_t operations) {
  return dg_cpu_pieces(n * count_bundles(d), n * operations * sample_size(d));
}

/* ---- statistics --------------------------------------------------------- */

/** Adds up the lanes of each group of a bundle; all its lanes get the sum. */
static void fold(const dg_group_norm_desc *d, const bundle *b, double *lanes) {
  const size_t width = b->count > 1 ? width_of(d) : LANES;
  for (size_t first = 0; first < b->count * width; first += width) {
    double sum = 0;
    for (size_t k = first; k < first + width; k++) sum += lanes[k];
    for (size_t k = first; k < first + width; k++) lanes[k] = sum;
  }
}

/** Those of the groups of a bundle; x: its sample. */
static void find_statistics(const dg_group_norm_desc *d, const bundle *b, const float *x,
                            statistics *s) {
  const size_t width = width_of(d), length = b->count * width * d->plane;
  const double share = 1 / ((double)d->rows * (double)width * d->plane);
  double sum[LANES] = {0}, squares[LANES] = {0};
  float mean[LANES];
  x += b->first * width * d->plane;
  for (size_t r = 0; r < d->rows; r++) dg_norm_add(length, x + r * d->channels, sum);
  fold(d, b, sum);
  for (size_t k = 0; k < LANES; k++) mean[k] = (float)(sum[k] * share);
  for (size_t r = 0; r < d->rows; r++) {
    const float *run = x + r * d->channels;
    dg_norm_add_products(length, run, mean, run, mean, squares);
  }
  fold(d, b, squares);
  for (size_t i = 0; i < b->count; i++) {
    const size_t lane = b->count > 1 ? i * width : 0;
    s[i] = (statistics){mean[lane], (float)(1 / sqrt(squares[lane] * share + (double)d->eps))};
  }
}

/* ---- strips ------------------------------------------------------------- */

/** The strip that begins with a channel of a bundle; offsets are from the sample's begin. */
static dg_norm_group strip_at(const dg_group_norm_desc *d, const bundle *b, size_t channel) {
  const size_t left = (b->first + b->count) * width_of(d) - channel;
  const size_t channels = d->plane > 1 ? 1 : smaller(left, LANES);
  return (dg_norm_group){.first = channel * d->plane,
                         .runs = d->rows,
                         .length = channels * d->plane,
                         .step = d->channels,
                         .channels = channels};
}

/** What normalizes a strip, by lane. */
typedef struct {
  float mean[LANES], scale[LANES], weight[LANES], bias[LANES];
} coefficients;

/** s: of the groups of the bundle. */
static void find_coefficients(const dg_group_norm_desc *d, const dg_op_buffers *buffers,
                              const bundle *b, const dg_norm_group *strip, const statistics *s,
                              coefficients *c) {
  const float *weight = dg_floats(buffers->param[0]), *bias = dg_floats(buffers->param[1]);
  const uint32_t width = d->channels / d->groups, first = (uint32_t)(strip->first / d->plane);
  for (size_t k = 0; k < LANES; k++) {
    const size_t i = k < strip->channels ? k : 0, channel = first + i;
    if (k < strip->channels) {
      const statistics *own = &s[(uint32_t)channel / width - b->first];
      c->mean[k] = own->mean, c->scale[k] = own->scale;
    } else {
      c->mean[k] = c->mean[0], c->scale[k] = c->scale[0];
    }
    c->weight[k] = d->affine ? weight[channel] : 1;
    c->bias[k] = d->affine ? bias[channel] : 0;
  }
}

/** The channel after those of a strip. */
static size_t next_channel(const dg_group_norm_desc *d, const dg_norm_group *strip) {
  return strip->first / d->plane + strip->channels;
}

/* ---- forward ------------------------------------------------------------ */

static void normalize(const dg_norm_group *strip, const coefficients *c, const float *x, float *y) {
  float factor[LANES];
  for (size_t k = 0; k < LANES; k++) factor[k] = c->scale[k] * c->weight[k];
  for (size_t r = 0; r < strip->runs; r++) {
    const size_t at = strip->first + r * strip->step;
    dg_norm_apply(strip->length, x + at, c->mean, factor, c->bias, y + at);
  }
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_group_norm_desc *d = &region->op->desc.group_norm;
  const dg_op_buffers *buffers = region->buffers;
  const bool keeps = region->step->train && buffers->saved;
  statistics *saved = keeps ? (statistics *)(void *)buffers->saved->data : NULL;
  const dg_span units = bundles_of(region, piece);
  (void)worker;
  for (size_t unit = units.begin; unit < units.end; unit++) {
    const bundle b = bundle_at(d, unit);
    const size_t end = (b.first + b.count) * width_of(d);
    const float *x = dg_floats(buffers->in[0]) + b.sample * sample_size(d);
    float *y = dg_floats(buffers->out[0]) + b.sample * sample_size(d);
    statistics s[LANES];
    find_statistics(d, &b, x, s);
    for (size_t i = 0; saved && i < b.count; i++) saved[b.sample * d->groups + b.first + i] = s[i];
    for (size_t channel = b.first * width_of(d); channel < end;) {
      const dg_norm_group strip = strip_at(d, &b, channel);
      coefficients c;
      find_coefficients(d, buffers, &b, &strip, s, &c);
      normalize(&strip, &c, x, y);
      channel = next_channel(d, &strip);
    }
  }
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_group_norm_desc *d = &op->desc.group_norm;
  dg_cpu_run_region(op, buffers, step, pieces_of(d, step->n, 4), forward_piece);
}

/* ---- backward ----------------------------------------------------------- */

/** The statistics of all groups are saved; the workspace holds the gradients of weight and bias of
    each sample. */
static bool prepare_backward(dg_cpu_op *op, dg_error *err) {
  const dg_group_norm_desc *d = &op->desc.group_norm;
  (void)err;
  op->needs.saved = (size_t)op->max_n * d->groups * sizeof(statistics);
  op->needs.reads_in = true;
  op->needs.workspace = (size_t)op->max_n * 2 * d->channels * sizeof(double);
  return true;
}

/** The gradients of a sample: of weight, then of bias. */
static double *gradients_of(const dg_cpu_region *region, size_t sample) {
  const size_t channels = region->op->desc.group_norm.channels;
  return (double *)(void *)region->buffers->workspace->data + sample * 2 * channels;
}

/** Writes a strip's gradients of weight and bias. */
static void find_gradients(const dg_group_norm_desc *d, const dg_norm_group *strip,
                           const coefficients *c, const float *x, const float *d_y,
                           double *gradients) {
  static const float zero[LANES] = {0};
  double *d_weight = gradients + strip->first / d->plane, *d_bias = d_weight + d->channels;
  double sum[LANES] = {0}, product[LANES] = {0};
  for (size_t r = 0; r < strip->runs; r++) {
    const size_t at = strip->first + r * strip->step;
    dg_norm_add(strip->length, d_y + at, sum);
    dg_norm_add_products(strip->length, d_y + at, zero, x + at, c->mean, product);
  }
  dg_norm_fold(strip, sum);
  dg_norm_fold(strip, product);
  for (size_t k = 0; k < strip->channels; k++) {
    d_weight[k] = product[k] * (double)c->scale[k];
    d_bias[k] = sum[k];
  }
}

/** Means over a group of d_y weight, and of that times the normalized input. */
typedef struct {
  double d_h, product;
} means;

static means means_of(const dg_group_norm_desc *d, const float *weight, size_t group,
                      const double *gradients) {
  const size_t width = width_of(d);
  means m = {0, 0};
  for (size_t c = group * width; c < (group + 1) * width; c++) {
    const double w = weight ? (double)weight[c] : 1;
    m.product += w * gradients[c];
    m.d_h += w * gradients[d->channels + c];
  }
  const double share = 1 / ((double)d->rows * (double)width * d->plane);
  return (means){m.d_h * share, m.product * share};
}

/** d_x = factor d_y - (x - mean) slope - shift, by lane. */
typedef struct {
  float factor[LANES], slope[LANES], shift[LANES];
} gradient;

static void store_run(dg_grad_mode mode, size_t count, const coefficients *restrict c,
                      const gradient *restrict g, const float *restrict x,
                      const float *restrict d_y, float *restrict d_x) {
  for (size_t i = 0; i < count; i += LANES) {
    float own[LANES];
    const size_t lanes = smaller(count - i, LANES);
    for (size_t k = 0; k < lanes; k++)
      own[k] = g->factor[k] * d_y[i + k] - (x[i + k] - c->mean[k]) * g->slope[k] - g->shift[k];
    dg_grad_store(mode, lanes, own, d_x + i);
  }
}

/** By d_x = scale (d_y weight - d_h - x_hat product). */
static void store_strip(const dg_cpu_region *region, const bundle *b, const dg_norm_group *strip,
                        const coefficients *c, const means *m) {
  const dg_group_norm_desc *d = &region->op->desc.group_norm;
  const dg_op_buffers *buffers = region->buffers;
  const size_t sample = b->sample * sample_size(d), first = strip->first / d->plane;
  gradient g;
  for (size_t k = 0; k < LANES; k++) {
    const size_t channel = first + (k < strip->channels ? k : 0);
    const means *own = &m[(uint32_t)channel / (d->channels / d->groups) - b->first];
    const double scale = (double)c->scale[k];
    g.factor[k] = c->scale[k] * c->weight[k];
    g.slope[k] = (float)(scale * scale * own->product);
    g.shift[k] = (float)(scale * own->d_h);
  }
  for (size_t r = 0; r < strip->runs; r++) {
    const size_t at = sample + strip->first + r * strip->step;
    store_run(region->op->desc.d_in[0], strip->length, c, &g, dg_floats(buffers->in[0]) + at,
              dg_floats(buffers->d_out) + at, dg_floats(buffers->d_in[0]) + at);
  }
}

static void backward_bundle(const dg_cpu_region *region, const bundle *b) {
  const dg_group_norm_desc *d = &region->op->desc.group_norm;
  const dg_op_buffers *buffers = region->buffers;
  const size_t begin = b->first * width_of(d), end = begin + b->count * width_of(d);
  const statistics *s =
      (const statistics *)(const void *)buffers->saved->data + b->sample * d->groups + b->first;
  const float *x = dg_floats(buffers->in[0]) + b->sample * sample_size(d);
  const float *d_y = dg_floats(buffers->d_out) + b->sample * sample_size(d);
  double *gradients = gradients_of(region, b->sample);
  coefficients c;
  means m[LANES];
  for (size_t channel = begin; channel < end;) {
    const dg_norm_group strip = strip_at(d, b, channel);
    find_coefficients(d, buffers, b, &strip, s, &c);
    find_gradients(d, &strip, &c, x, d_y, gradients);
    channel = next_channel(d, &strip);
  }
  if (region->op->desc.d_in[0] == DG_GRAD_NONE) return;
  for (size_t i = 0; i < b->count; i++)
    m[i] = means_of(d, dg_floats(buffers->param[0]), b->first + i, gradients);
  for (size_t channel = begin; channel < end;) {
    const dg_norm_group strip = strip_at(d, b, channel);
    find_coefficients(d, buffers, b, &strip, s, &c);
    store_strip(region, b, &strip, &c, m);
    channel = next_channel(d, &strip);
  }
}

static void backward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_span units = bundles_of(region, piece);
  (void)worker;
  for (size_t unit = units.begin; unit < units.end; unit++) {
    const bundle b = bundle_at(&region->op->desc.group_norm, unit);
    backward_bundle(region, &b);
  }
}

/** Adds up the samples' gradients, in order. */
static void add_samples(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const size_t channels = region->op->desc.group_norm.channels;
  const dg_span own = dg_cpu_part(channels, region->pieces, piece);
  (void)worker;
  for (size_t c = own.begin; c < own.end; c++) {
    double d_weight = 0, d_bias = 0;
    for (size_t sample = 0; sample < region->step->n; sample++) {
      const double *gradients = gradients_of(region, sample);
      d_weight += gradients[c];
      d_bias += gradients[channels + c];
    }
    dg_floats(region->buffers->d_param[0])[c] = (float)d_weight;
    dg_floats(region->buffers->d_param[1])[c] = (float)d_bias;
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_group_norm_desc *d = &op->desc.group_norm;
  if (!d->affine && op->desc.d_in[0] == DG_GRAD_NONE) return;
  dg_cpu_run_region(op, buffers, step, pieces_of(d, step->n, 8), backward_piece);
  const size_t pieces = dg_cpu_pieces(d->channels, 2 * (size_t)step->n * d->channels);
  if (d->affine) dg_cpu_run_region(op, buffers, step, pieces, add_samples);
}

static const dg_cpu_implementation forward_by_groups = {"groups", NULL, NULL, forward},
                                   backward_by_groups = {"groups", NULL, prepare_backward,
                                                         backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_group_norm) = {
    supports, {&forward_by_groups}, {&backward_by_groups}};
