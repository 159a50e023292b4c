/**
 * Batch norm backward: one pass for the sums over a channel, and one for the gradient of the input,
 * which finds the channel's numbers in a cache.
 */
#include "backends/cpu/elementwise/act.h"
#include "backends/cpu/norm/batch_norm_lanes.h"

/** PART: numbers processed at a time, a multiple of the lanes; TERMS: after this many per lane,
    sums in float are added to those in double. */
enum { LANES = DG_NORM_LANES, PART = 32 * LANES, TERMS = 16 };

/** A part of a run. The gradient before the activation is d_y where z > 0, else below * d_y. */
typedef struct {
  size_t at; /**< offset in the tensors */
  size_t count;
  const float *x, *d_y;
  float below;
  float d_z[PART]; /**< d_y times the derivative of a sigmoid or tanh; then below is 1 */
} part;

/** The part of a run that begins at index `at` of the tensors, with up to `left` numbers. */
static void take_part(const dg_batch_norm_desc *d, const dg_op_buffers *buffers, size_t at,
                      size_t left, part *p) {
  p->at = at;
  p->count = left < PART ? left : PART;
  p->x = dg_floats(buffers->in[0]) + at;
  p->d_y = dg_floats(buffers->d_out) + at;
  p->below = d->act.kind == DG_ACT_RELU ? 0 : d->act.kind == DG_ACT_LEAKY_RELU ? d->act.slope : 1;
  if (!dg_batch_norm_reads_out(d->act)) return;
  dg_act_backward(d->act, p->count, dg_floats(buffers->out[0]) + at, p->d_y, p->d_z);
  p->d_y = p->d_z;
}

/** The gradient before the activation of number i of a part, in lane k. */
static inline float d_z_of(const part *p, const dg_batch_norm_lanes *l, size_t i, size_t k) {
  float z = (p->x[i] - l->mean[k]) * l->factor[k] + l->bias[k];
  return z > 0 ? p->d_y[i] : p->below * p->d_y[i];
}

/* ---- sums --------------------------------------------------------------- */

/** Sums over a group, per lane: of d_z and of d_z (x - mean). */
typedef struct {
  double d_z[LANES], product[LANES];
  float some_d_z[LANES], some_product[LANES]; /**< of the last numbers, `terms` a lane at most */
  size_t terms;
} sums;

static void flush(sums *sum) {
  for (size_t k = 0; k < LANES; k++) {
    sum->d_z[k] += (double)sum->some_d_z[k];
    sum->product[k] += (double)sum->some_product[k];
    sum->some_d_z[k] = sum->some_product[k] = 0;
  }
  sum->terms = 0;
}

/** Prefetches what is `ahead` of a whole row of lanes. */
static inline void fetch(const float *x, const float *d_y, size_t ahead) {
  enum { LINE = DG_CPU_ALIGNMENT / sizeof(float) };
  for (size_t k = 0; k < LANES; k += LINE) {
    __builtin_prefetch(x + ahead + k);
    __builtin_prefetch(d_y + ahead + k);
  }
}

/** Adds a part, and prefetches what is `ahead` of it (0: nothing), in the next run: hardware
    doesn't predict the jump from one run to another. */
static void add_part(const part *p, size_t ahead, const dg_batch_norm_lanes *restrict l,
                     sums *restrict sum) {
  float d_z[LANES], product[LANES];
  size_t whole = p->count - p->count % LANES;
  for (size_t k = 0; k < LANES; k++) d_z[k] = sum->some_d_z[k], product[k] = sum->some_product[k];
  for (size_t i = 0; i < whole; i += LANES) {
    if (ahead) fetch(p->x + i, p->d_y + i, ahead);
    for (size_t k = 0; k < LANES; k++) {
      float d = d_z_of(p, l, i + k, k);
      d_z[k] += d;
      product[k] += d * (p->x[i + k] - l->mean[k]);
    }
  }
  for (size_t k = 0; k < p->count - whole; k++) {
    float d = d_z_of(p, l, whole + k, k);
    d_z[k] += d;
    product[k] += d * (p->x[whole + k] - l->mean[k]);
  }
  for (size_t k = 0; k < LANES; k++) sum->some_d_z[k] = d_z[k], sum->some_product[k] = product[k];
  sum->terms += (p->count + LANES - 1) / LANES;
}

static void add_up(const dg_batch_norm_desc *d, const dg_norm_group *g,
                   const dg_op_buffers *buffers, const dg_batch_norm_lanes *l, sums *sum) {
  *sum = (sums){.terms = 0};
  for (size_t r = 0; r < g->runs; r++)
    for (size_t i = 0; i < g->length; i += PART) {
      part p;
      take_part(d, buffers, g->first + r * g->step + i, g->length - i, &p);
      bool last = r + 1 == g->runs || p.d_y == p.d_z;
      add_part(&p, last ? 0 : g->step, l, sum);
      if (sum->terms >= TERMS) flush(sum);
    }
  flush(sum);
  dg_norm_fold(g, sum->d_z);
  dg_norm_fold(g, sum->product);
  for (size_t k = 0; k < LANES; k++) sum->product[k] -= (double)l->mean_low[k] * sum->d_z[k];
}

/** The same from the gradients of weight and bias, which are the sums over all slices. */
static void take_sums(const dg_norm_group *g, const dg_op_buffers *buffers, size_t channel,
                      const dg_batch_norm_lanes *l, sums *sum) {
  const float *d_weight = dg_floats(buffers->d_param[0]) + channel;
  const float *d_bias = dg_floats(buffers->d_param[1]) + channel;
  *sum = (sums){.terms = 0};
  for (size_t k = 0; k < (g->channels == 1 ? LANES : g->channels); k++) {
    size_t i = g->channels == 1 ? 0 : k;
    sum->d_z[k] = (double)d_bias[i];
    sum->product[k] = (double)d_weight[i] / (double)l->scale[k];
  }
}

/* ---- the gradient of the input ------------------------------------------ */

/** The coefficients of d_x = scale * d_z - (x - mean) * slope - shift. */
typedef struct {
  float scale[LANES], slope[LANES], shift[LANES];
} gradient;

/** By d_x = factor (d_z - mean of d_z - x_hat mean of (d_z x_hat)), x_hat = (x - mean - mean_low)
   scale, where factor and scale are the lanes' and the means are of `count` numbers. */
static gradient gradient_of(double count, const dg_batch_norm_lanes *l, const sums *sum) {
  gradient result;
  double share = 1 / count;
  for (size_t k = 0; k < LANES; k++) {
    double factor = (double)l->factor[k], scale = (double)l->scale[k];
    result.scale[k] = l->factor[k];
    double slope = factor * scale * scale * sum->product[k] * share;
    result.slope[k] = (float)slope;
    result.shift[k] = (float)(factor * sum->d_z[k] * share - slope * (double)l->mean_low[k]);
  }
  return result;
}

static void store_part(const part *p, const dg_batch_norm_lanes *restrict l,
                       const gradient *restrict g, float *restrict d_x) {
  size_t whole = p->count - p->count % LANES;
  for (size_t i = 0; i < whole; i += LANES)
    for (size_t k = 0; k < LANES; k++)
      d_x[i + k] = g->scale[k] * d_z_of(p, l, i + k, k) - (p->x[i + k] - l->mean[k]) * g->slope[k] -
                   g->shift[k];
  for (size_t k = 0; k < p->count - whole; k++)
    d_x[whole + k] = g->scale[k] * d_z_of(p, l, whole + k, k) -
                     (p->x[whole + k] - l->mean[k]) * g->slope[k] - g->shift[k];
}

static void input_gradient(const dg_cpu_op *op, const dg_norm_group *g,
                           const dg_op_buffers *buffers, const dg_batch_norm_lanes *l,
                           const gradient *found) {
  dg_grad_mode mode = op->desc.d_in[0];
  for (size_t r = 0; r < g->runs; r++)
    for (size_t i = 0; i < g->length; i += PART) {
      part p;
      float own[PART];
      take_part(&op->desc.batch_norm, buffers, g->first + r * g->step + i, g->length - i, &p);
      float *d_x = dg_floats(buffers->d_in[0]) + p.at;
      store_part(&p, l, found, mode == DG_GRAD_WRITE ? d_x : own);
      if (mode == DG_GRAD_ADD) dg_grad_store(mode, p.count, own, d_x);
    }
}

static bool prepare(dg_cpu_op *op, dg_error *err) {
  const dg_batch_norm_desc *d = &op->desc.batch_norm;
  (void)err;
  op->needs.saved = 3 * (size_t)d->channels * sizeof(float);
  op->needs.reads_in = true;
  op->needs.reads_out = dg_batch_norm_reads_out(d->act);
  return true;
}

static void store_sums(const dg_norm_group *g, const dg_op_buffers *buffers, size_t channel,
                       const dg_batch_norm_lanes *l, const sums *sum) {
  float *d_weight = dg_floats(buffers->d_param[0]) + channel;
  float *d_bias = dg_floats(buffers->d_param[1]) + channel;
  for (size_t i = 0; i < g->channels; i++) {
    d_weight[i] = (float)(sum->product[i] * (double)l->scale[i]);
    d_bias[i] = (float)sum->d_z[i];
  }
}

/** All gradients of a group of channels, or of a part of it. */
static void run_group(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step,
                      size_t channel) {
  const dg_batch_norm_desc *d = &op->desc.batch_norm;
  dg_norm_group g = dg_batch_norm_group_at(d, step->n, channel);
  bool all = step->phase == DG_PHASE_ALL;
  double count = (double)(all ? step->n : dg_whole_samples(step)) * d->rows * d->plane;
  dg_batch_norm_lanes l;
  sums sum;
  dg_batch_norm_broadcast(&g, buffers, channel, dg_batch_norm_saved(d, buffers, channel), &l);
  if (step->phase == DG_PHASE_APPLY) {
    take_sums(&g, buffers, channel, &l, &sum);
  } else {
    add_up(d, &g, buffers, &l, &sum);
    store_sums(&g, buffers, channel, &l, &sum);
  }
  if (step->phase == DG_PHASE_COLLECT) return;
  gradient found = gradient_of(count, &l, &sum);
  if (op->desc.d_in[0] != DG_GRAD_NONE) input_gradient(op, &g, buffers, &l, &found);
}

static void run_groups(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_batch_norm_desc *d = &region->op->desc.batch_norm;
  size_t group = dg_batch_norm_group_size(d);
  dg_span channels = dg_cpu_grains(d->channels, group, region->pieces, piece);
  (void)worker;
  for (size_t c = channels.begin; c < channels.end; c += group)
    run_group(region->op, region->buffers, region->step, c);
}

static void run(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_batch_norm_desc *d = &op->desc.batch_norm;
  size_t count = (size_t)step->n * d->rows * d->channels * d->plane;
  dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(dg_batch_norm_groups(d), 8 * count),
                    run_groups);
}

const dg_cpu_implementation dg_batch_norm_backward = {"channels", NULL, prepare, run};
