/**
 * Batch normalization. A piece runs all passes over one group of channels before the next group, so
 * that all passes but the first find its numbers in the cache. If the statistics of the planes are
 * given, there is a single pass, in memory order.
 */
#include "backends/cpu/norm/batch_norm_lanes.h"

#include <math.h>

#include "backends/cpu/elementwise/act.h"

enum { LANES = DG_NORM_LANES };

static bool supports(const dg_op_desc *desc) {
  const dg_batch_norm_desc *d = &desc->batch_norm;
  return d->rows > 0 && d->channels > 0 && d->plane > 0 && d->eps > 0 && dg_act_supported(d->act) &&
         (!d->statistics || d->rows == 1);
}

/* ---- statistics --------------------------------------------------------- */

/** Saves the statistics of a channel in a training step, and updates the running ones. */
static void keep(const dg_batch_norm_desc *d, uint32_t n, const dg_op_buffers *buffers,
                 size_t channel, double mean, double var) {
  double count = (double)n * d->rows * d->plane, momentum = (double)d->momentum;
  float *saved = dg_floats(buffers->saved) + channel;
  saved[0] = (float)mean;
  saved[d->channels] = (float)(mean - (double)saved[0]);
  saved[2 * d->channels] = (float)(1 / sqrt(var + (double)d->eps));
  if (count == 1) return;
  double unbiased = var * count / (count - 1);
  float *running_mean = dg_floats(buffers->running[0]) + channel;
  float *running_var = dg_floats(buffers->running[1]) + channel;
  *running_mean = (float)((1 - momentum) * (double)*running_mean + momentum * mean);
  *running_var = (float)((1 - momentum) * (double)*running_var + momentum * unbiased);
}

/**
 * Mean and biased variance of a channel from the statistics of its planes, which all have the same
 * size, in the order of the samples (Chan, Golub and LeVeque, Algorithms for computing the sample
 * variance, 1983).
 */
static void merge_statistics(const dg_batch_norm_desc *d, uint32_t n, const float *statistics,
                             size_t channel, double *mean, double *var) {
  double share = 1 / (double)n, within = 0, between = 0;
  const float *first = statistics + 2 * channel;
  size_t step = 2 * d->channels;
  *mean = 0;
  for (size_t s = 0; s < n; s++) *mean += (double)first[s * step] * share;
  for (size_t s = 0; s < n; s++) {
    double off = (double)first[s * step] - *mean;
    between += off * off;
    within += (double)first[s * step + 1];
  }
  *var = (between + within / (double)d->plane) * share;
}

/* ---- statistics of slices ----------------------------------------------- */

/** Statistics of some numbers of a channel, stored in rows of `saved` until they are finished: the
    mean, as a pair of floats, and the sum of squared deviations from it. */
typedef struct {
  double mean, squares;
} partial;

static partial get_partial(const dg_batch_norm_desc *d, const dg_buffer *saved, size_t channel) {
  const float *from = dg_floats(saved) + channel;
  return (partial){(double)from[0] + (double)from[d->channels], (double)from[2 * d->channels]};
}

static void store_partial(const dg_batch_norm_desc *d, partial m, dg_buffer *saved,
                          size_t channel) {
  float *to = dg_floats(saved) + channel;
  to[0] = (float)m.mean;
  to[d->channels] = (float)(m.mean - (double)to[0]);
  to[2 * d->channels] = (float)m.squares;
}

/** Saves the statistics of a slice. */
static void collect(const dg_batch_norm_desc *d, uint32_t n, const dg_op_buffers *buffers,
                    size_t channel, double mean, double var) {
  partial m = {mean, var * (double)n * d->rows * d->plane};
  store_partial(d, m, buffers->saved, channel);
}

static void merge_channels(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_batch_norm_desc *d = &region->op->desc.batch_norm;
  dg_span channels = dg_cpu_part(d->channels, region->pieces, piece);
  double whole = dg_whole_samples(region->step), share = region->step->n / whole;
  double between = (1 - share) * region->step->n * d->rows * d->plane;
  (void)worker;
  for (size_t c = channels.begin; c < channels.end; c++) {
    partial m = get_partial(d, region->buffers->saved, c);
    partial other = get_partial(d, region->buffers->other, c);
    double off = other.mean - m.mean;
    m.mean += off * share;
    m.squares += other.squares + off * off * between;
    store_partial(d, m, region->buffers->saved, c);
  }
}

static void finish_channels(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_batch_norm_desc *d = &region->op->desc.batch_norm;
  uint32_t whole = dg_whole_samples(region->step);
  double count = (double)whole * d->rows * d->plane;
  dg_span channels = dg_cpu_part(d->channels, region->pieces, piece);
  (void)worker;
  for (size_t c = channels.begin; c < channels.end; c++) {
    partial m = get_partial(d, region->buffers->saved, c);
    keep(d, whole, region->buffers, c, m.mean, m.squares / count);
  }
}

/* ---- forward ------------------------------------------------------------ */

static void normalize(const dg_batch_norm_desc *d, const dg_norm_group *g,
                      const dg_op_buffers *buffers, const dg_batch_norm_lanes *l) {
  for (size_t r = 0; r < g->runs; r++) {
    size_t at = g->first + r * g->step;
    float *y = dg_floats(buffers->out[0]) + at;
    dg_norm_apply(g->length, dg_floats(buffers->in[0]) + at, l->mean, l->factor, l->bias, y);
    dg_act_forward(d->act, g->length, y, y);
  }
}

/** Training of a group of channels, or of a part of it. */
static void train_group(const dg_batch_norm_desc *d, const dg_op_buffers *buffers,
                        const dg_step *step, size_t channel) {
  dg_norm_group g = dg_batch_norm_group_at(d, step->n, channel);
  double mean[LANES], var[LANES];
  dg_batch_norm_lanes l;
  if (step->phase != DG_PHASE_APPLY) {
    dg_norm_statistics(&g, dg_floats(buffers->in[0]), mean, var);
    for (size_t i = 0; i < g.channels; i++)
      (step->phase == DG_PHASE_COLLECT ? collect : keep)(d, step->n, buffers, channel + i, mean[i],
                                                         var[i]);
  }
  if (step->phase == DG_PHASE_COLLECT) return;
  dg_batch_norm_broadcast(&g, buffers, channel, dg_batch_norm_saved(d, buffers, channel), &l);
  normalize(d, &g, buffers, &l);
}

static void test_group(const dg_batch_norm_desc *d, const dg_op_buffers *buffers,
                       const dg_step *step, size_t channel) {
  dg_norm_group g = dg_batch_norm_group_at(d, step->n, channel);
  float none[LANES] = {0}, scale[LANES];
  const float *running_var = dg_floats(buffers->running[1]) + channel;
  dg_batch_norm_lanes l;
  for (size_t i = 0; i < g.channels; i++) scale[i] = 1 / sqrtf(running_var[i] + d->eps);
  dg_batch_norm_statistics running = {dg_floats(buffers->running[0]) + channel, none, scale};
  dg_batch_norm_broadcast(&g, buffers, channel, running, &l);
  normalize(d, &g, buffers, &l);
}

static void forward_groups(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_batch_norm_desc *d = &region->op->desc.batch_norm;
  size_t group = dg_batch_norm_group_size(d);
  dg_span channels = dg_cpu_grains(d->channels, group, region->pieces, piece);
  (void)worker;
  for (size_t c = channels.begin; c < channels.end; c += group)
    (region->step->train ? train_group : test_group)(d, region->buffers, region->step, c);
}

/* ---- forward, where the statistics are given ---------------------------- */

static void keep_given(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_batch_norm_desc *d = &region->op->desc.batch_norm;
  uint32_t n = region->step->n;
  dg_span channels = dg_cpu_part(d->channels, region->pieces, piece);
  (void)worker;
  for (size_t c = channels.begin; c < channels.end; c++) {
    double mean, var;
    merge_statistics(d, n, dg_floats(region->buffers->in[1]), c, &mean, &var);
    (region->step->phase == DG_PHASE_COLLECT ? collect : keep)(d, n, region->buffers, c, mean, var);
  }
}

static void normalize_sample(const dg_batch_norm_desc *d, const dg_op_buffers *buffers,
                             size_t sample) {
  dg_batch_norm_lanes l;
  for (size_t c = 0; c < d->channels; c += dg_batch_norm_group_size(d)) {
    dg_norm_group g = dg_batch_norm_group_at(d, 1, c);
    g.first += sample * g.step;
    dg_batch_norm_broadcast(&g, buffers, c, dg_batch_norm_saved(d, buffers, c), &l);
    normalize(d, &g, buffers, &l);
  }
}

/** From the last to the first: those written last may still be in a cache. */
static void normalize_samples(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_cpu_op *op = region->op;
  size_t other = dg_cpu_backwards(op->device, region->pieces, piece);
  dg_span samples = dg_cpu_part(region->step->n, region->pieces, other);
  (void)worker;
  for (size_t s = samples.end; s-- > samples.begin;)
    normalize_sample(&op->desc.batch_norm, region->buffers, s);
}

static void forward_given(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step,
                          size_t count) {
  enum { OPERATIONS = 16 }; /* per statistic: its reads are strided */
  size_t channels = op->desc.batch_norm.channels;
  size_t merging = dg_cpu_pieces(channels, OPERATIONS * step->n * channels);
  if (step->phase != DG_PHASE_APPLY) dg_cpu_run_region(op, buffers, step, merging, keep_given);
  if (step->phase != DG_PHASE_COLLECT)
    dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(step->n, 4 * count), normalize_samples);
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_batch_norm_desc *d = &op->desc.batch_norm;
  size_t count = (size_t)step->n * d->rows * d->channels * d->plane;
  dg_phase phase = step->train ? step->phase : DG_PHASE_ALL;
  if (phase == DG_PHASE_MERGE || phase == DG_PHASE_FINISH)
    dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(d->channels, 16 * (size_t)d->channels),
                      phase == DG_PHASE_MERGE ? merge_channels : finish_channels);
  else if (step->train && d->statistics)
    forward_given(op, buffers, step, count);
  else
    dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(dg_batch_norm_groups(d), 4 * count),
                      forward_groups);
}

static const dg_cpu_implementation forward_by_channels = {"channels", NULL, NULL, forward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_batch_norm) = {
    supports, {&forward_by_channels}, {&dg_batch_norm_backward}};
