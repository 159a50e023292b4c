/* The oracle's normalizations. */
#include <math.h>

#include "oracle/family.h"

/** Mean and biased variance of some numbers. */
typedef struct {
  size_t count;
  double mean, var;
} statistics;

/* ---- batch_norm --------------------------------------------------------- */

/** Count of the numbers of one channel. */
static size_t channel_count(const dg_batch_norm_desc *d, uint32_t n) {
  return (size_t)n * d->rows * d->plane;
}

/** The index of number i of a channel. */
static size_t place(const dg_batch_norm_desc *d, size_t channel, size_t i) {
  return (i / d->plane * d->channels + channel) * d->plane + i % d->plane;
}

static statistics channel_statistics(const dg_batch_norm_desc *d, const double *x, uint32_t n,
                                     size_t channel) {
  statistics m = {channel_count(d, n), 0, 0};
  for (size_t i = 0; i < m.count; i++) m.mean += x[place(d, channel, i)] / (double)m.count;
  for (size_t i = 0; i < m.count; i++) {
    double off = x[place(d, channel, i)] - m.mean;
    m.var += off * off / (double)m.count;
  }
  return m;
}

static void batch_norm_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  const dg_batch_norm_desc *d = &desc->batch_norm;
  z->in[0] = z->out = (size_t)d->rows * d->channels * d->plane;
  z->params = z->running_count = 2;
  for (int k = 0; k < 2; k++) z->param[k] = z->running[k] = d->channels;
}

static void update_running(const dg_batch_norm_desc *d, const statistics *m, double *mean,
                           double *var) {
  if (m->count == 1) return;
  double unbiased = m->var * (double)m->count / (double)(m->count - 1), momentum = d->momentum;
  *mean = (1 - momentum) * *mean + momentum * m->mean;
  *var = (1 - momentum) * *var + momentum * unbiased;
}

static void batch_norm_forward(const dg_op_desc *desc, const oracle_tensors *t,
                               const dg_step *step) {
  const dg_batch_norm_desc *d = &desc->batch_norm;
  for (size_t c = 0; c < d->channels; c++) {
    statistics m = {channel_count(d, step->n), 0, 0};
    if (step->train)
      m = channel_statistics(d, t->in[0], step->n, c);
    else
      m.mean = t->running[0][c], m.var = t->running[1][c];
    double factor = t->param[0][c] / sqrt(m.var + d->eps);
    for (size_t i = 0; i < m.count; i++)
      t->out[place(d, c, i)] = (t->in[0][place(d, c, i)] - m.mean) * factor + t->param[1][c];
    if (step->train && t->running[0]) update_running(d, &m, &t->running[0][c], &t->running[1][c]);
  }
}

static void batch_norm_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                                const dg_step *step) {
  const dg_batch_norm_desc *d = &desc->batch_norm;
  for (size_t c = 0; c < d->channels; c++) {
    statistics m = channel_statistics(d, t->in[0], step->n, c);
    double factor = 1 / sqrt(m.var + d->eps), sum = 0, product = 0;
    for (size_t i = 0; i < m.count; i++) {
      size_t at = place(d, c, i);
      sum += dz[at];
      product += dz[at] * (t->in[0][at] - m.mean) * factor;
    }
    t->d_param[0][c] += product, t->d_param[1][c] += sum;
    for (size_t i = 0; t->d_in[0] && i < m.count; i++) {
      size_t at = place(d, c, i);
      double x_hat = (t->in[0][at] - m.mean) * factor;
      t->d_in[0][at] +=
          t->param[0][c] * factor * (dz[at] - (sum + x_hat * product) / (double)m.count);
    }
  }
}

const oracle_family oracle_batch_norm = {batch_norm_sizes, batch_norm_forward, batch_norm_backward};

/* ---- layer_norm --------------------------------------------------------- */

static statistics row_statistics(const double *x, size_t count) {
  statistics m = {count, 0, 0};
  for (size_t i = 0; i < count; i++) m.mean += x[i] / (double)count;
  for (size_t i = 0; i < count; i++) m.var += (x[i] - m.mean) * (x[i] - m.mean) / (double)count;
  return m;
}

static void layer_norm_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  z->in[0] = z->out = (size_t)desc->layer_norm.rows * desc->layer_norm.count;
  z->params = 2;
  for (int k = 0; k < 2; k++) z->param[k] = desc->layer_norm.count;
}

static void layer_norm_forward(const dg_op_desc *desc, const oracle_tensors *t,
                               const dg_step *step) {
  const dg_layer_norm_desc *d = &desc->layer_norm;
  for (size_t r = 0; r < (size_t)step->n * d->rows; r++) {
    const double *x = t->in[0] + r * d->count;
    statistics m = row_statistics(x, d->count);
    for (size_t i = 0; i < d->count; i++)
      t->out[r * d->count + i] =
          (x[i] - m.mean) / sqrt(m.var + d->eps) * t->param[0][i] + t->param[1][i];
  }
}

static void layer_norm_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                                const dg_step *step) {
  const dg_layer_norm_desc *d = &desc->layer_norm;
  for (size_t r = 0; r < (size_t)step->n * d->rows; r++) {
    const double *x = t->in[0] + r * d->count, *dz_row = dz + r * d->count;
    statistics m = row_statistics(x, d->count);
    double factor = 1 / sqrt(m.var + d->eps), sum = 0, product = 0;
    for (size_t i = 0; i < d->count; i++) {
      double x_hat = (x[i] - m.mean) * factor, dx_hat = dz_row[i] * t->param[0][i];
      t->d_param[0][i] += dz_row[i] * x_hat, t->d_param[1][i] += dz_row[i];
      sum += dx_hat, product += dx_hat * x_hat;
    }
    for (size_t i = 0; t->d_in[0] && i < d->count; i++) {
      double x_hat = (x[i] - m.mean) * factor, dx_hat = dz_row[i] * t->param[0][i];
      t->d_in[0][r * d->count + i] += factor * (dx_hat - (sum + x_hat * product) / d->count);
    }
  }
}

const oracle_family oracle_layer_norm = {layer_norm_sizes, layer_norm_forward, layer_norm_backward};

/* ---- rms_norm ----------------------------------------------------------- */

static double row_root(const dg_layer_norm_desc *d, const double *x) {
  double squares = 0;
  for (size_t i = 0; i < d->count; i++) squares += x[i] * x[i] / d->count;
  return sqrt(squares + d->eps);
}

static void rms_norm_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  layer_norm_sizes(desc, z);
  z->params = 1, z->param[1] = 0;
}

static void rms_norm_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  const dg_layer_norm_desc *d = &desc->layer_norm;
  for (size_t r = 0; r < (size_t)step->n * d->rows; r++) {
    const double *x = t->in[0] + r * d->count;
    for (size_t i = 0; i < d->count; i++)
      t->out[r * d->count + i] = x[i] / row_root(d, x) * t->param[0][i];
  }
}

/** With y = w x / r and r^2 = mean of x^2 + eps, d_x = w d_y / r - x / (count r^3) sum of w d_y x.
 */
static void rms_norm_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                              const dg_step *step) {
  const dg_layer_norm_desc *d = &desc->layer_norm;
  for (size_t r = 0; r < (size_t)step->n * d->rows; r++) {
    const double *x = t->in[0] + r * d->count, *dz_row = dz + r * d->count;
    double root = row_root(d, x), product = 0;
    for (size_t i = 0; i < d->count; i++) {
      t->d_param[0][i] += dz_row[i] * x[i] / root;
      product += dz_row[i] * t->param[0][i] * x[i];
    }
    for (size_t i = 0; t->d_in[0] && i < d->count; i++)
      t->d_in[0][r * d->count + i] +=
          dz_row[i] * t->param[0][i] / root - x[i] * product / (d->count * root * root * root);
  }
}

const oracle_family oracle_rms_norm = {rms_norm_sizes, rms_norm_forward, rms_norm_backward};

/* ---- group_norm --------------------------------------------------------- */

/** Numbers of a group of a sample. */
static size_t group_count(const dg_group_norm_desc *d) {
  return (size_t)d->rows * (d->channels / d->groups) * d->plane;
}

/** The index of number i of a group, which are counted through all samples; and its channel. */
static size_t group_place(const dg_group_norm_desc *d, size_t group, size_t i, size_t *channel) {
  size_t width = d->channels / d->groups, sample = group / d->groups;
  size_t row = i / (width * d->plane), rest = i % (width * d->plane);
  *channel = group % d->groups * width + rest / d->plane;
  return ((sample * d->rows + row) * d->channels + *channel) * d->plane + rest % d->plane;
}

static statistics group_statistics(const dg_group_norm_desc *d, const double *x, size_t group) {
  statistics m = {group_count(d), 0, 0};
  size_t channel;
  for (size_t i = 0; i < m.count; i++)
    m.mean += x[group_place(d, group, i, &channel)] / (double)m.count;
  for (size_t i = 0; i < m.count; i++) {
    double off = x[group_place(d, group, i, &channel)] - m.mean;
    m.var += off * off / (double)m.count;
  }
  return m;
}

static void group_norm_sizes(const dg_op_desc *desc, oracle_sizes *z) {
  const dg_group_norm_desc *d = &desc->group_norm;
  z->in[0] = z->out = (size_t)d->rows * d->channels * d->plane;
  z->params = d->affine ? 2 : 0;
  for (uint32_t k = 0; k < z->params; k++) z->param[k] = d->channels;
}

static void group_norm_forward(const dg_op_desc *desc, const oracle_tensors *t,
                               const dg_step *step) {
  const dg_group_norm_desc *d = &desc->group_norm;
  for (size_t g = 0; g < (size_t)step->n * d->groups; g++) {
    statistics m = group_statistics(d, t->in[0], g);
    for (size_t i = 0; i < m.count; i++) {
      size_t channel, at = group_place(d, g, i, &channel);
      double x_hat = (t->in[0][at] - m.mean) / sqrt(m.var + d->eps);
      t->out[at] = d->affine ? x_hat * t->param[0][channel] + t->param[1][channel] : x_hat;
    }
  }
}

static void group_norm_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                                const dg_step *step) {
  const dg_group_norm_desc *d = &desc->group_norm;
  for (size_t g = 0; g < (size_t)step->n * d->groups; g++) {
    statistics m = group_statistics(d, t->in[0], g);
    double factor = 1 / sqrt(m.var + d->eps), sum = 0, product = 0;
    for (size_t i = 0; i < m.count; i++) {
      size_t channel, at = group_place(d, g, i, &channel);
      double x_hat = (t->in[0][at] - m.mean) * factor;
      double dx_hat = d->affine ? dz[at] * t->param[0][channel] : dz[at];
      if (d->affine) t->d_param[0][channel] += dz[at] * x_hat, t->d_param[1][channel] += dz[at];
      sum += dx_hat, product += dx_hat * x_hat;
    }
    for (size_t i = 0; t->d_in[0] && i < m.count; i++) {
      size_t channel, at = group_place(d, g, i, &channel);
      double x_hat = (t->in[0][at] - m.mean) * factor;
      double dx_hat = d->affine ? dz[at] * t->param[0][channel] : dz[at];
      t->d_in[0][at] += factor * (dx_hat - (sum + x_hat * product) / (double)m.count);
    }
  }
}

const oracle_family oracle_group_norm = {group_norm_sizes, group_norm_forward, group_norm_backward};

/* ---- what cancels ------------------------------------------------------- */

static double batch_norm_terms(const dg_batch_norm_desc *d, const oracle_tensors *t, uint32_t n) {
  double most = 0;
  for (size_t c = 0; c < d->channels; c++) {
    double factor = t->param[0][c] / sqrt(channel_statistics(d, t->in[0], n, c).var + d->eps);
    for (size_t i = 0; i < channel_count(d, n); i++)
      most = fmax(most, fabs(t->d_out[place(d, c, i)] * factor));
  }
  return most;
}

static double layer_norm_terms(const dg_layer_norm_desc *d, const oracle_tensors *t, uint32_t n) {
  double most = 0;
  for (size_t r = 0; r < (size_t)n * d->rows; r++) {
    double root = sqrt(row_statistics(t->in[0] + r * d->count, d->count).var + d->eps);
    for (size_t i = 0; i < d->count; i++)
      most = fmax(most, fabs(t->d_out[r * d->count + i] * t->param[0][i] / root));
  }
  return most;
}

static double rms_norm_terms(const dg_layer_norm_desc *d, const oracle_tensors *t, uint32_t n) {
  double most = 0;
  for (size_t r = 0; r < (size_t)n * d->rows; r++) {
    double root = row_root(d, t->in[0] + r * d->count);
    for (size_t i = 0; i < d->count; i++)
      most = fmax(most, fabs(t->d_out[r * d->count + i] * t->param[0][i] / root));
  }
  return most;
}

static double group_norm_terms(const dg_group_norm_desc *d, const oracle_tensors *t, uint32_t n) {
  double most = 0;
  for (size_t g = 0; g < (size_t)n * d->groups; g++) {
    double root = sqrt(group_statistics(d, t->in[0], g).var + d->eps);
    for (size_t i = 0; i < group_count(d); i++) {
      size_t channel, at = group_place(d, g, i, &channel);
      double weight = d->affine ? t->param[0][channel] : 1;
      most = fmax(most, fabs(t->d_out[at] * weight / root));
    }
  }
  return most;
}

double oracle_cancelling(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  if (desc->kind == DG_OP_BATCH_NORM) return batch_norm_terms(&desc->batch_norm, t, step->n);
  if (desc->kind == DG_OP_LAYER_NORM) return layer_norm_terms(&desc->layer_norm, t, step->n);
  if (desc->kind == DG_OP_RMS_NORM) return rms_norm_terms(&desc->layer_norm, t, step->n);
  if (desc->kind == DG_OP_GROUP_NORM) return group_norm_terms(&desc->group_norm, t, step->n);
  return 0;
}
