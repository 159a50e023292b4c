/**
 * Batch normalization. A piece takes one group of channels after the other through all its
 * passes, so that after the first they find its numbers in the cache. Where the moments of the
 * planes are given, there is a single pass, along memory.
 */
#include "backends/cpu/norm/batch_norm_lanes.h"

#include <math.h>

#include "backends/cpu/elementwise/act.h"

enum { LANES = DG_NORM_LANES };

static bool supports(const dg_op_desc *desc) {
  const dg_batch_norm_desc *d = &desc->batch_norm;
  return d->rows > 0 && d->channels > 0 && d->plane > 0 && d->eps > 0 && dg_act_known(d->act) &&
         (!d->moments || d->rows == 1);
}

/* ---- statistics --------------------------------------------------------- */

/** A channel's mean, and what is made of its variance. */
static void keep_mean(const dg_batch_norm_desc *d, float *kept, double mean, double last) {
  kept[0] = (float)mean;
  kept[d->channels] = (float)(mean - (double)kept[0]);
  kept[2 * d->channels] = (float)last;
}

/** A channel's mean again. */
static double mean_of(const dg_batch_norm_desc *d, const float *kept) {
  return (double)kept[0] + (double)kept[d->channels];
}

/** Numbers of a channel. */
static double count_of(const dg_batch_norm_desc *d, uint32_t samples) {
  return (double)samples * d->rows * d->plane;
}

/** Keeps the statistics of a channel in a training step, which also join the running ones. */
static void keep(const dg_batch_norm_desc *d, uint32_t n, const dg_op_buffers *buffers,
                 size_t channel, double mean, double var) {
  double count = count_of(d, n), momentum = (double)d->momentum;
  keep_mean(d, dg_floats(buffers->kept) + channel, mean, 1 / sqrt(var + (double)d->eps));
  if (count == 1) return;
  double unbiased = var * count / (count - 1);
  float *running_mean = dg_floats(buffers->state[0]) + channel;
  float *running_var = dg_floats(buffers->state[1]) + channel;
  *running_mean = (float)((1 - momentum) * (double)*running_mean + momentum * mean);
  *running_var = (float)((1 - momentum) * (double)*running_var + momentum * unbiased);
}

/** Keeps what was found of a channel: of the batch, or of a slice. */
static void keep_found(const dg_batch_norm_desc *d, const dg_step *step,
                       const dg_op_buffers *buffers, size_t channel, double mean, double var) {
  float *kept = dg_floats(buffers->kept) + channel;
  if (step->phase == DG_PHASE_COLLECT)
    keep_mean(d, kept, mean, var * count_of(d, step->n));
  else
    keep(d, step->n, buffers, channel, mean, var);
}

/**
 * Mean and biased variance of a channel from the moments of its planes, which have as many numbers
 * each, in the order of the samples (Chan, Golub and LeVeque, Algorithms for computing the sample
 * variance, 1983).
 */
static void merge_moments(const dg_batch_norm_desc *d, uint32_t n, const float *moments,
                          size_t channel, double *mean, double *var) {
  double share = 1 / (double)n, within = 0, between = 0;
  const float *first = moments + 2 * channel;
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

/** Training and testing of a group of channels, all of it or a slice's part. */
static void forward_group(const dg_batch_norm_desc *d, const dg_op_buffers *buffers,
                          const dg_step *step, size_t channel) {
  dg_norm_group g = dg_batch_norm_group_at(d, step->n, channel);
  double mean[LANES], var[LANES];
  dg_batch_norm_lanes l;
  if (step->train && step->phase != DG_PHASE_APPLY) {
    dg_norm_moments(&g, dg_floats(buffers->in[0]), mean, var);
    for (size_t i = 0; i < g.channels; i++)
      keep_found(d, step, buffers, channel + i, mean[i], var[i]);
  }
  if (step->train && step->phase == DG_PHASE_COLLECT) return;
  if (step->train) {
    dg_batch_norm_spread(&g, buffers, channel, dg_batch_norm_kept(d, buffers, channel), &l);
  } else {
    float none[LANES] = {0}, scale[LANES];
    const float *running_var = dg_floats(buffers->state[1]) + channel;
    for (size_t i = 0; i < g.channels; i++) scale[i] = 1 / sqrtf(running_var[i] + d->eps);
    dg_batch_norm_statistics running = {dg_floats(buffers->state[0]) + channel, none, scale};
    dg_batch_norm_spread(&g, buffers, channel, running, &l);
  }
  normalize(d, &g, buffers, &l);
}

static void forward_groups(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_batch_norm_desc *d = &region->op->desc.batch_norm;
  size_t group = dg_batch_norm_group_size(d);
  dg_span channels = dg_cpu_grains(d->channels, group, region->pieces, piece);
  (void)worker;
  for (size_t c = channels.begin; c < channels.end; c += group)
    forward_group(d, region->buffers, region->step, c);
}

/* ---- forward, where the moments are given ------------------------------- */

static void keep_given(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_batch_norm_desc *d = &region->op->desc.batch_norm;
  uint32_t n = region->step->n;
  dg_span channels = dg_cpu_part(d->channels, region->pieces, piece);
  (void)worker;
  for (size_t c = channels.begin; c < channels.end; c++) {
    double mean, var;
    merge_moments(d, n, dg_floats(region->buffers->in[1]), c, &mean, &var);
    keep_found(d, region->step, region->buffers, c, mean, var);
  }
}

static void normalize_sample(const dg_batch_norm_desc *d, const dg_op_buffers *buffers,
                             size_t sample) {
  dg_batch_norm_lanes l;
  for (size_t c = 0; c < d->channels; c += dg_batch_norm_group_size(d)) {
    dg_norm_group g = dg_batch_norm_group_at(d, 1, c);
    g.first += sample * g.runs * g.step;
    dg_batch_norm_spread(&g, buffers, c, dg_batch_norm_kept(d, buffers, c), &l);
    normalize(d, &g, buffers, &l);
  }
}

/** From the last to the first: those that were written last may still be in a cache. */
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
  enum { OPERATIONS = 16 }; /* of a moment: what is read of it lies apart */
  size_t channels = op->desc.batch_norm.channels;
  size_t merging = dg_cpu_pieces(channels, OPERATIONS * step->n * channels);
  if (step->phase != DG_PHASE_APPLY) dg_cpu_run_region(op, buffers, step, merging, keep_given);
  if (step->phase != DG_PHASE_COLLECT)
    dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(step->n, 4 * count), normalize_samples);
}

/* ---- what slices tell each other ---------------------------------------- */

/** Of a channel: what was collected of step->n samples joins what was of others. */
static void merge_channel(const dg_batch_norm_desc *d, const dg_op_buffers *buffers,
                          const dg_step *step, size_t channel) {
  float *kept = dg_floats(buffers->kept) + channel;
  const float *other = dg_floats(buffers->other) + channel;
  double all = (double)step->whole, theirs = (double)step->n;
  double mean = mean_of(d, kept), off = mean_of(d, other) - mean;
  double between = off * off * theirs * (all - theirs) / all * count_of(d, 1);
  size_t last = 2 * (size_t)d->channels;
  keep_mean(d, kept, mean + off * theirs / all, (double)kept[last] + (double)other[last] + between);
}

/** Of a channel: the collected becomes the statistics of the batch. */
static void finish_channel(const dg_batch_norm_desc *d, const dg_op_buffers *buffers,
                           const dg_step *step, size_t channel) {
  const float *kept = dg_floats(buffers->kept) + channel;
  uint32_t samples = dg_whole_samples(step);
  double var = (double)kept[2 * (size_t)d->channels] / count_of(d, samples);
  keep(d, samples, buffers, channel, mean_of(d, kept), var);
}

static void join_channels(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_batch_norm_desc *d = &region->op->desc.batch_norm;
  dg_span channels = dg_cpu_part(d->channels, region->pieces, piece);
  (void)worker;
  for (size_t c = channels.begin; c < channels.end; c++)
    (region->step->phase == DG_PHASE_MERGE ? merge_channel : finish_channel)(d, region->buffers,
                                                                             region->step, c);
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_batch_norm_desc *d = &op->desc.batch_norm;
  size_t count = (size_t)step->n * d->rows * d->channels * d->plane;
  if (step->phase == DG_PHASE_MERGE || step->phase == DG_PHASE_FINISH)
    dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(d->channels, 64 * (size_t)d->channels),
                      join_channels);
  else if (step->train && d->moments)
    forward_given(op, buffers, step, count);
  else
    dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(dg_batch_norm_groups(d), 4 * count),
                      forward_groups);
}

static const dg_cpu_implementation forward_by_channels = {"channels", NULL, NULL, forward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_batch_norm) = {
    supports, {&forward_by_channels}, {&dg_batch_norm_backward}};
