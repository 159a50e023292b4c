#include <math.h>
#include <omp.h>
#include <string.h>

#include "backends/cpu/norm/norm.h"
#include "backends/cpu/runtime/implementation.h"

/** Sums over a row are taken in so many lanes. */
enum { LANES = 16 };

static bool supports(const dg_op_desc *desc) {
  return desc->layer_norm.rows > 0 && desc->layer_norm.count > 0 && desc->layer_norm.eps > 0;
}

/** Doubles of a thread's own gradients of the parameters. */
static size_t thread_doubles(const dg_layer_norm_desc *d) {
  return dg_round_up(2 * (size_t)d->count);
}

/** Kept are mean and 1 / sqrt(variance + eps) of every row. */
static bool prepare_backward(dg_cpu_op *op, dg_error *err) {
  const dg_layer_norm_desc *d = &op->desc.layer_norm;
  (void)err;
  op->needs.kept = 2 * (size_t)op->max_n * d->rows * sizeof(float);
  op->needs.reads_in = true;
  op->needs.workspace = (size_t)op->device->threads * thread_doubles(d) * sizeof(double);
  return true;
}

/** A row is normalized as (x - mean) * factor. */
typedef struct {
  float mean, factor;
} statistics;

static statistics statistics_of(const dg_layer_norm_desc *d, const float *x) {
  dg_norm_group g = {.runs = 1, .length = d->count, .channels = 1};
  double mean[DG_NORM_LANES], var[DG_NORM_LANES];
  dg_norm_moments(&g, x, mean, var);
  return (statistics){(float)mean[0], (float)(1 / sqrt(var[0] + (double)d->eps))};
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_layer_norm_desc *d = &op->desc.layer_norm;
  size_t rows = (size_t)step->n * d->rows, count = d->count;
  const float *weight = dg_floats(buffers->param[0]), *bias = dg_floats(buffers->param[1]);
  statistics *kept =
      step->train && buffers->kept ? (statistics *)(void *)buffers->kept->data : NULL;
#pragma omp parallel for schedule(static) num_threads(dg_cpu_threads(op->device, 4 * rows * count))
  for (size_t r = 0; r < rows; r++) {
    const float *x = dg_floats(buffers->in[0]) + r * count;
    float *y = dg_floats(buffers->out[0]) + r * count;
    statistics s = statistics_of(d, x);
    for (size_t i = 0; i < count; i++) y[i] = (x[i] - s.mean) * s.factor * weight[i] + bias[i];
    if (kept) kept[r] = s;
  }
}

/** A row's gradients: adds to the thread's d_weight and d_bias. */
static void add_row(size_t count, const float *x, const float *d_y, statistics s, double *d_weight,
                    double *d_bias) {
  for (size_t i = 0; i < count; i++) {
    d_weight[i] += (double)(d_y[i] * ((x[i] - s.mean) * s.factor));
    d_bias[i] += (double)d_y[i];
  }
}

/** Sums by lane of d_h = d_y weight and of d_h x_hat, over a row. */
typedef struct {
  double d_h[LANES], product[LANES];
} sums;

/** Adds the numbers of a row from `first` on, a lane each. */
static inline void add_lanes(size_t lanes, size_t first, const float *x, const float *d_y,
                             const float *weight, statistics s, sums *sum) {
  for (size_t k = 0; k < lanes; k++) {
    float d_h = d_y[first + k] * weight[first + k];
    sum->d_h[k] += (double)d_h;
    sum->product[k] += (double)(d_h * ((x[first + k] - s.mean) * s.factor));
  }
}

/** d_x = factor (d_h - mean of d_h - x_hat mean of (d_h x_hat)) */
static void row_gradient(dg_grad_mode mode, size_t count, const float *x, const float *d_y,
                         const float *weight, statistics s, float *d_x) {
  sums sum = {{0}, {0}};
  double d_h = 0, product = 0;
  size_t whole = count - count % LANES;
  for (size_t i = 0; i < whole; i += LANES) add_lanes(LANES, i, x, d_y, weight, s, &sum);
  add_lanes(count - whole, whole, x, d_y, weight, s, &sum);
  for (size_t k = 0; k < LANES; k++) d_h += sum.d_h[k], product += sum.product[k];
  float mean = (float)(d_h / (double)count), slope = (float)(product / (double)count);
  for (size_t i = 0; i < count; i++) {
    float x_hat = (x[i] - s.mean) * s.factor;
    float d = s.factor * (d_y[i] * weight[i] - mean - x_hat * slope);
    d_x[i] = mode == DG_GRAD_ADD ? d_x[i] + d : d;
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_layer_norm_desc *d = &op->desc.layer_norm;
  dg_grad_mode mode = op->desc.d_in[0];
  size_t rows = (size_t)step->n * d->rows, count = d->count, own = thread_doubles(d);
  const float *weight = dg_floats(buffers->param[0]);
  const statistics *kept = (const statistics *)(const void *)buffers->kept->data;
  double *workspace = (double *)(void *)buffers->workspace->data;
#pragma omp parallel num_threads(dg_cpu_threads(op->device, 8 * rows * count))
  {
    size_t threads = (size_t)omp_get_num_threads();
    double *d_weight = workspace + (size_t)omp_get_thread_num() * own, *d_bias = d_weight + count;
    memset(d_weight, 0, 2 * count * sizeof *d_weight);
#pragma omp for schedule(static)
    for (size_t r = 0; r < rows; r++) {
      const float *x = dg_floats(buffers->in[0]) + r * count;
      const float *d_y = dg_floats(buffers->d_out) + r * count;
      add_row(count, x, d_y, kept[r], d_weight, d_bias);
      if (mode != DG_GRAD_NONE)
        row_gradient(mode, count, x, d_y, weight, kept[r], dg_floats(buffers->d_in[0]) + r * count);
    }
#pragma omp for schedule(static)
    for (size_t i = 0; i < count; i++) {
      double weight_sum = 0, bias_sum = 0;
      for (size_t t = 0; t < threads; t++) {
        weight_sum += workspace[t * own + i];
        bias_sum += workspace[t * own + count + i];
      }
      dg_floats(buffers->d_param[0])[i] = (float)weight_sum;
      dg_floats(buffers->d_param[1])[i] = (float)bias_sum;
    }
  }
}

static const dg_cpu_implementation forward_by_rows = {"rows", NULL, NULL, forward},
                                   backward_by_rows = {"rows", NULL, prepare_backward, backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_layer_norm) = {
    supports, {&forward_by_rows}, {&backward_by_rows}};
