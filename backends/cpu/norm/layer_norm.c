/** layer_norm, and rms_norm, which is the same with means of 0 and without a bias. */
#include <math.h>
#include <string.h>

#include "backends/cpu/norm/norm.h"
#include "backends/cpu/runtime/implementation.h"

/** The number of lanes in which sums over a row are computed. */
enum { LANES = 16 };

static bool supports(const dg_op_desc *desc) {
  return desc->layer_norm.rows > 0 && desc->layer_norm.count > 0 && desc->layer_norm.eps > 0;
}

static bool is_rms(const dg_cpu_op *op) {
  return op->desc.kind == DG_OP_RMS_NORM;
}

/** Doubles of a part's own gradients of the parameters. */
static size_t part_doubles(const dg_layer_norm_desc *d) {
  return dg_round_up(2 * (size_t)d->count);
}

static size_t operations(const dg_layer_norm_desc *d, size_t rows) {
  return 8 * rows * d->count;
}

/** The largest number of parts that backward cuts rows into. */
static size_t most_parts(const dg_cpu_op *op) {
  const dg_layer_norm_desc *d = &op->desc.layer_norm;
  size_t rows = (size_t)op->max_n * d->rows;
  size_t floats = part_doubles(d) * (sizeof(double) / sizeof(float));
  return dg_cpu_parts(op, rows, floats, operations(d, rows));
}

/** Saved are mean and 1 / sqrt(variance + eps) of every row. */
static bool prepare_backward(dg_cpu_op *op, dg_error *err) {
  const dg_layer_norm_desc *d = &op->desc.layer_norm;
  (void)err;
  op->needs.saved = 2 * (size_t)op->max_n * d->rows * sizeof(float);
  op->needs.reads_in = true;
  op->needs.workspace = most_parts(op) * part_doubles(d) * sizeof(double);
  return true;
}

/** A row is normalized as (x - mean) * factor. */
typedef struct {
  float mean, factor;
} statistics;

static double mean_square(const dg_layer_norm_desc *d, const float *x) {
  static const float zero[DG_NORM_LANES] = {0};
  const dg_norm_group g = {.runs = 1, .length = d->count, .channels = 1};
  double sum[DG_NORM_LANES] = {0};
  dg_norm_add_products(d->count, x, zero, x, zero, sum);
  dg_norm_fold(&g, sum);
  return sum[0] / (double)d->count;
}

static statistics statistics_of(const dg_cpu_op *op, const float *x) {
  const dg_layer_norm_desc *d = &op->desc.layer_norm;
  dg_norm_group g = {.runs = 1, .length = d->count, .channels = 1};
  double mean[DG_NORM_LANES], var[DG_NORM_LANES];
  if (is_rms(op)) return (statistics){0, (float)(1 / sqrt(mean_square(d, x) + (double)d->eps))};
  dg_norm_statistics(&g, x, mean, var);
  return (statistics){(float)mean[0], (float)(1 / sqrt(var[0] + (double)d->eps))};
}

static size_t count_rows(const dg_cpu_op *op, const dg_step *step) {
  return (size_t)step->n * op->desc.layer_norm.rows;
}

static void normalize(size_t count, const float *x, statistics s, const float *weight,
                      const float *bias, float *y) {
  if (bias)
    for (size_t i = 0; i < count; i++) y[i] = (x[i] - s.mean) * s.factor * weight[i] + bias[i];
  else
    for (size_t i = 0; i < count; i++) y[i] = x[i] * s.factor * weight[i];
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_layer_norm_desc *d = &region->op->desc.layer_norm;
  const dg_op_buffers *buffers = region->buffers;
  const float *weight = dg_floats(buffers->param[0]), *bias = dg_floats(buffers->param[1]);
  bool keeps = region->step->train && buffers->saved;
  statistics *saved = keeps ? (statistics *)(void *)buffers->saved->data : NULL;
  size_t count = d->count;
  dg_span rows = dg_cpu_part(count_rows(region->op, region->step), region->pieces, piece);
  (void)worker;
  for (size_t r = rows.begin; r < rows.end; r++) {
    const float *x = dg_floats(buffers->in[0]) + r * count;
    float *y = dg_floats(buffers->out[0]) + r * count;
    statistics s = statistics_of(region->op, x);
    normalize(count, x, s, weight, bias, y);
    if (saved) saved[r] = s;
  }
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  size_t rows = count_rows(op, step);
  size_t pieces = dg_cpu_pieces(rows, 4 * rows * op->desc.layer_norm.count);
  dg_cpu_run_region(op, buffers, step, pieces, forward_piece);
}

/** A row's gradients: adds to the part's d_weight and d_bias. */
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

/** Adds the numbers of a row from `first` on, one per lane. */
static inline void add_lanes(size_t lanes, size_t first, const float *x, const float *d_y,
                             const float *weight, statistics s, sums *sum) {
  for (size_t k = 0; k < lanes; k++) {
    float d_h = d_y[first + k] * weight[first + k];
    sum->d_h[k] += (double)d_h;
    sum->product[k] += (double)(d_h * ((x[first + k] - s.mean) * s.factor));
  }
}

/** d_x = factor (d_h - mean of d_h - x_hat mean of (d_h x_hat)); of rms_norm without the first
    mean. */
static void row_gradient(const dg_cpu_op *op, const float *x, const float *d_y, const float *weight,
                         statistics s, float *d_x) {
  const size_t count = op->desc.layer_norm.count;
  const dg_grad_mode mode = op->desc.d_in[0];
  sums sum = {{0}, {0}};
  double d_h = 0, product = 0;
  size_t whole = count - count % LANES;
  for (size_t i = 0; i < whole; i += LANES) add_lanes(LANES, i, x, d_y, weight, s, &sum);
  add_lanes(count - whole, whole, x, d_y, weight, s, &sum);
  for (size_t k = 0; k < LANES; k++) d_h += sum.d_h[k], product += sum.product[k];
  float mean = is_rms(op) ? 0 : (float)(d_h / (double)count);
  float slope = (float)(product / (double)count);
  for (size_t i = 0; i < count; i++) {
    float x_hat = (x[i] - s.mean) * s.factor;
    float d = s.factor * (d_y[i] * weight[i] - mean - x_hat * slope);
    d_x[i] = mode == DG_GRAD_ADD ? d_x[i] + d : d;
  }
}

static size_t parts_of(const dg_cpu_op *op, const dg_step *step) {
  size_t rows = count_rows(op, step), most = most_parts(op);
  return rows < most ? rows : most;
}

/** A part of the rows: computes their gradients, and the part's own sums. */
static void backward_part(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_layer_norm_desc *d = &region->op->desc.layer_norm;
  const dg_op_buffers *buffers = region->buffers;
  dg_grad_mode mode = region->op->desc.d_in[0];
  size_t count = d->count;
  const float *weight = dg_floats(buffers->param[0]);
  const statistics *saved = (const statistics *)(const void *)buffers->saved->data;
  double *d_weight = (double *)(void *)buffers->workspace->data + piece * part_doubles(d);
  dg_span rows = dg_cpu_part(count_rows(region->op, region->step), region->pieces, piece);
  (void)worker;
  memset(d_weight, 0, 2 * count * sizeof *d_weight);
  for (size_t r = rows.begin; r < rows.end; r++) {
    const float *x = dg_floats(buffers->in[0]) + r * count;
    const float *d_y = dg_floats(buffers->d_out) + r * count;
    add_row(count, x, d_y, saved[r], d_weight, d_weight + count);
    if (mode != DG_GRAD_NONE)
      row_gradient(region->op, x, d_y, weight, saved[r], dg_floats(buffers->d_in[0]) + r * count);
  }
}

/** Adds up the parts' sums, in order. */
static void add_parts(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_layer_norm_desc *d = &region->op->desc.layer_norm;
  const dg_op_buffers *buffers = region->buffers;
  const double *first = (const double *)(const void *)buffers->workspace->data;
  size_t parts = parts_of(region->op, region->step);
  dg_span numbers = dg_cpu_part(d->count, region->pieces, piece);
  (void)worker;
  for (size_t i = numbers.begin; i < numbers.end; i++) {
    double weight = 0, bias = 0;
    for (size_t k = 0; k < parts; k++) {
      weight += first[k * part_doubles(d) + i];
      bias += first[k * part_doubles(d) + d->count + i];
    }
    dg_floats(buffers->d_param[0])[i] = (float)weight;
    if (!is_rms(region->op)) dg_floats(buffers->d_param[1])[i] = (float)bias;
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  size_t count = op->desc.layer_norm.count, parts = parts_of(op, step);
  dg_cpu_run_region(op, buffers, step, parts, backward_part);
  dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(count, 2 * parts * count), add_parts);
}

static const dg_cpu_implementation forward_by_rows = {"rows", NULL, NULL, forward},
                                   backward_by_rows = {"rows", NULL, prepare_backward, backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_layer_norm) = {
    supports, {&forward_by_rows}, {&backward_by_rows}};
const dg_cpu_family DG_ISA_NAME(dg_cpu_rms_norm) = {
    supports, {&forward_by_rows}, {&backward_by_rows}};
