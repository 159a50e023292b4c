/**
 * Batch normalization. A thread takes one group of channels after the other through all its
 * passes, so that after the first they find its numbers in the cache.
 */
#include <math.h>

#include "backends/cpu/activation.h"
#include "backends/cpu/cpu.h"
#include "backends/cpu/norm.h"

/** BLOCK: numbers handled at a time, whole lanes. */
enum { LANES = DG_NORM_LANES, BLOCK = 8 * LANES };

static bool supports(const dg_op_desc *desc) {
  const dg_batch_norm_desc *d = &desc->batch_norm;
  return d->rows > 0 && d->channels > 0 && d->plane > 0 && d->eps > 0 && dg_act_known(d->act);
}

/** Kept are mean and 1 / sqrt(variance + eps) of every channel. */
static bool prepare(dg_cpu_op *op, bool train, dg_error *err) {
  const dg_batch_norm_desc *d = &op->base.desc.batch_norm;
  (void)err;
  if (!train) return true;
  op->base.needs.kept = 2 * d->channels * sizeof(float);
  op->base.needs.backward_reads_in = true;
  op->base.needs.backward_reads_out = d->act.kind != DG_ACT_NONE;
  return true;
}

/** Channels of a group. */
static size_t group_size(const dg_batch_norm_desc *d) {
  return d->plane == 1 ? LANES : 1;
}

static dg_norm_group group_at(const dg_batch_norm_desc *d, uint32_t n, size_t channel) {
  size_t left = d->channels - channel, size = group_size(d);
  size_t channels = left < size ? left : size;
  return (dg_norm_group){.first = channel * d->plane,
                         .runs = (size_t)n * d->rows,
                         .length = channels * d->plane,
                         .step = (size_t)d->channels * d->plane,
                         .channels = channels};
}

/** Puts the numbers of a group's channels in their lanes; those of a single one in all. */
static void spread(const dg_norm_group *g, const float *of_channels, float *lanes) {
  for (size_t i = 0; i < LANES; i++) lanes[i] = of_channels[i < g->channels ? i : 0];
}

/** How the numbers of a group are normalized: (x - mean) * factor, by lane. */
typedef struct {
  float mean[LANES], factor[LANES];
} statistics;

/** Moves the running statistics of a group by what a step has brought. */
static void update_running(const dg_batch_norm_desc *d, const dg_norm_group *g, const double *mean,
                           const double *var, float *running_mean, float *running_var) {
  double count = (double)dg_norm_count(g), momentum = (double)d->momentum;
  for (size_t i = 0; i < g->channels && count > 1; i++) {
    double unbiased = var[i] * count / (count - 1);
    running_mean[i] = (float)((1 - momentum) * (double)running_mean[i] + momentum * mean[i]);
    running_var[i] = (float)((1 - momentum) * (double)running_var[i] + momentum * unbiased);
  }
}

/** The statistics of a training step, which are also kept and join the running ones. */
static void take_moments(const dg_batch_norm_desc *d, const dg_norm_group *g,
                         const dg_op_buffers *buffers, size_t channel, statistics *s) {
  double mean[LANES], var[LANES];
  dg_norm_moments(g, dg_floats(buffers->in[0]), mean, var);
  update_running(d, g, mean, var, dg_floats(buffers->state[0]) + channel,
                 dg_floats(buffers->state[1]) + channel);
  for (size_t i = 0; i < LANES; i++) {
    s->mean[i] = (float)mean[i];
    s->factor[i] = (float)(1 / sqrt(var[i] + (double)d->eps));
  }
  float *kept = dg_floats(buffers->kept);
  for (size_t i = 0; i < g->channels; i++) {
    kept[channel + i] = s->mean[i];
    kept[d->channels + channel + i] = s->factor[i];
  }
}

static void take_kept(const dg_batch_norm_desc *d, const dg_norm_group *g,
                      const dg_op_buffers *buffers, size_t channel, statistics *s) {
  spread(g, dg_floats(buffers->kept) + channel, s->mean);
  spread(g, dg_floats(buffers->kept) + d->channels + channel, s->factor);
}

static void take_running(const dg_batch_norm_desc *d, const dg_norm_group *g,
                         const dg_op_buffers *buffers, size_t channel, statistics *s) {
  spread(g, dg_floats(buffers->state[0]) + channel, s->mean);
  spread(g, dg_floats(buffers->state[1]) + channel, s->factor);
  for (size_t i = 0; i < LANES; i++) s->factor[i] = 1 / sqrtf(s->factor[i] + d->eps);
}

static void forward_group(const dg_batch_norm_desc *d, const dg_norm_group *g,
                          const dg_op_buffers *buffers, size_t channel, const statistics *s) {
  float factor[LANES], bias[LANES];
  spread(g, dg_floats(buffers->param[0]) + channel, factor);
  spread(g, dg_floats(buffers->param[1]) + channel, bias);
  for (size_t k = 0; k < LANES; k++) factor[k] *= s->factor[k];
  for (size_t r = 0; r < g->runs; r++) {
    size_t at = g->first + r * g->step;
    float *y = dg_floats(buffers->out[0]) + at;
    dg_norm_apply(g->length, dg_floats(buffers->in[0]) + at, s->mean, factor, bias, y);
    dg_act_forward(d->act, g->length, y, y);
  }
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_batch_norm_desc *d = &op->base.desc.batch_norm;
  size_t count = (size_t)step->n * d->rows * d->channels * d->plane;
#pragma omp parallel for schedule(static) num_threads(dg_cpu_threads(op->device, 4 * count))
  for (size_t c = 0; c < d->channels; c += group_size(d)) {
    dg_norm_group g = group_at(d, step->n, c);
    statistics s;
    (step->train ? take_moments : take_running)(d, &g, buffers, c, &s);
    forward_group(d, &g, buffers, c, &s);
  }
}

/** A part of a run, as backward reads it. */
typedef struct {
  size_t at, count;
  float d_z[BLOCK]; /**< the gradient before the activation */
} part;

/** The part of run `run` from its number i on. */
static void take_part(const dg_batch_norm_desc *d, const dg_norm_group *g,
                      const dg_op_buffers *buffers, size_t run, size_t i, part *p) {
  const float *d_y = dg_floats(buffers->d_out);
  const float *y = d->act.kind != DG_ACT_NONE ? dg_floats(buffers->out[0]) : d_y;
  p->at = g->first + run * g->step + i;
  p->count = g->length - i < BLOCK ? g->length - i : BLOCK;
  dg_act_backward(d->act, p->count, y + p->at, d_y + p->at, p->d_z);
}

/** Sums over a group, by lane: of d_z and of d_z (x - mean). */
typedef struct {
  double d_z[LANES], product[LANES];
} sums;

static void add_up(const dg_batch_norm_desc *d, const dg_norm_group *g,
                   const dg_op_buffers *buffers, const statistics *s, sums *sum) {
  static const float zeros[LANES] = {0};
  const float *x = dg_floats(buffers->in[0]);
  *sum = (sums){{0}, {0}};
  for (size_t r = 0; r < g->runs; r++)
    for (size_t i = 0; i < g->length; i += BLOCK) {
      part p;
      take_part(d, g, buffers, r, i, &p);
      dg_norm_add(p.count, p.d_z, sum->d_z);
      dg_norm_add_products(p.count, p.d_z, zeros, x + p.at, s->mean, sum->product);
    }
  dg_norm_fold(g, sum->d_z);
  dg_norm_fold(g, sum->product);
}

/** What makes the input's gradient: d_x = scale * d_z - (x - mean) * slope - shift. */
typedef struct {
  float scale[LANES], slope[LANES], shift[LANES];
} gradient;
/** By d_x = factor weight (d_z - mean of d_z - x_hat mean of (d_z x_hat)), x_hat = (x - mean)
 * factor. */
static gradient gradient_of(const dg_norm_group *g, const float *weight, const statistics *s,
                            const sums *sum) {
  gradient result;
  double share = 1 / (double)dg_norm_count(g);
  spread(g, weight, result.scale);
  for (size_t k = 0; k < LANES; k++) {
    double factor = (double)s->factor[k], scale = factor * (double)result.scale[k];
    result.scale[k] = (float)scale;
    result.slope[k] = (float)(scale * factor * factor * sum->product[k] * share);
    result.shift[k] = (float)(scale * sum->d_z[k] * share);
  }
  return result;
}

/** Turns a part's d_z into d_x. */
static void apply_gradient(part *p, const float *restrict x, const float *restrict mean,
                           const gradient *restrict g) {
  float *restrict d = p->d_z;
  size_t whole = p->count - p->count % LANES;
  for (size_t i = 0; i < whole; i += LANES)
    for (size_t k = 0; k < LANES; k++)
      d[i + k] = g->scale[k] * d[i + k] - (x[i + k] - mean[k]) * g->slope[k] - g->shift[k];
  for (size_t k = 0; k < p->count - whole; k++)
    d[whole + k] =
        g->scale[k] * d[whole + k] - (x[whole + k] - mean[k]) * g->slope[k] - g->shift[k];
}

static void input_gradient(const dg_cpu_op *op, const dg_norm_group *g,
                           const dg_op_buffers *buffers, const statistics *s,
                           const gradient *found) {
  const float *x = dg_floats(buffers->in[0]);
  for (size_t r = 0; r < g->runs; r++)
    for (size_t i = 0; i < g->length; i += BLOCK) {
      part p;
      take_part(&op->base.desc.batch_norm, g, buffers, r, i, &p);
      apply_gradient(&p, x + p.at, s->mean, found);
      dg_grad_put(op->base.desc.d_in[0], p.count, p.d_z, dg_floats(buffers->d_in[0]) + p.at);
    }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_batch_norm_desc *d = &op->base.desc.batch_norm;
  size_t count = (size_t)step->n * d->rows * d->channels * d->plane;
  float *d_weight = dg_floats(buffers->d_param[0]), *d_bias = dg_floats(buffers->d_param[1]);
#pragma omp parallel for schedule(static) num_threads(dg_cpu_threads(op->device, 8 * count))
  for (size_t c = 0; c < d->channels; c += group_size(d)) {
    dg_norm_group g = group_at(d, step->n, c);
    statistics s;
    sums sum;
    take_kept(d, &g, buffers, c, &s);
    add_up(d, &g, buffers, &s, &sum);
    for (size_t i = 0; i < g.channels; i++) {
      d_weight[c + i] = (float)(sum.product[i] * (double)s.factor[i]);
      d_bias[c + i] = (float)sum.d_z[i];
    }
    gradient found = gradient_of(&g, dg_floats(buffers->param[0]) + c, &s, &sum);
    if (op->base.desc.d_in[0] != DG_GRAD_NONE) input_gradient(op, &g, buffers, &s, &found);
  }
}

const dg_cpu_family DG_ISA_NAME(dg_cpu_batch_norm) = {supports, prepare, forward, backward};
