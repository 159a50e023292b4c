/* The oracle's poolings over other windows. */
#include <math.h>

#include "oracle/family.h"

/** Is number `at` in window i? Those of the padding are below 0, and from the size on. */
static bool is_inside(const dg_pool_axis *a, uint32_t i, long at) {
  if (a->kernel == 0)
    return at >= floor((double)i * a->size / a->out) &&
           at < ceil((double)(i + 1) * a->size / a->out);
  long from = (long)i * a->stride - a->begin, last = from + (long)a->dilation * (a->kernel - 1);
  return at >= from && at <= last && (at - from) % a->dilation == 0;
}

/** Numbers of a window from `first` to before `end`. */
static size_t count_inside(const dg_pool_axis *a, uint32_t i, long first, long end) {
  size_t count = 0;
  for (long at = first; at < end; at++) count += is_inside(a, i, at);
  return count;
}

/** Numbers of a window, those of the padding with `padded`. */
static size_t count_of(const dg_pool_axis *a, uint32_t i, bool padded) {
  long begin = padded ? a->begin : 0, end = padded ? a->end : 0;
  return count_inside(a, i, -begin, (long)a->size + end);
}

static void sizes(const dg_op_desc *desc, oracle_sizes *z) {
  const dg_window_pool2d_desc *d = &desc->window_pool2d;
  z->in[0] = (size_t)d->channels * d->rows.size * d->columns.size;
  z->out = (size_t)d->channels * d->rows.out * d->columns.out;
}

/** The output of a plane that is computed: its row and column. */
typedef struct {
  uint32_t row, column;
} place;

/** The index in a plane of a window's maximum: the first largest, or a NaN. */
static size_t window_max(const dg_window_pool2d_desc *d, const double *plane, place at) {
  const size_t count = (size_t)d->rows.size * d->columns.size;
  size_t best = count;
  for (size_t i = 0; i < count; i++) {
    if (!is_inside(&d->rows, at.row, (long)(i / d->columns.size)) ||
        !is_inside(&d->columns, at.column, (long)(i % d->columns.size)))
      continue;
    if (best == count || plane[i] > plane[best] || (isnan(plane[i]) && !isnan(plane[best])))
      best = i;
  }
  return best;
}

/** Where output i of all planes is; and the first number of its plane of the input. */
static place place_of(const dg_window_pool2d_desc *d, size_t i, size_t *plane) {
  *plane = i / d->columns.out / d->rows.out * d->rows.size * d->columns.size;
  return (place){(uint32_t)(i / d->columns.out % d->rows.out), (uint32_t)(i % d->columns.out)};
}

static void max_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  const dg_window_pool2d_desc *d = &desc->window_pool2d;
  oracle_sizes z = {0};
  sizes(desc, &z);
  for (size_t i = 0; i < step->n * z.out; i++) {
    size_t plane;
    place at = place_of(d, i, &plane);
    t->out[i] = t->in[0][plane + window_max(d, t->in[0] + plane, at)];
  }
}

static void max_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                         const dg_step *step) {
  const dg_window_pool2d_desc *d = &desc->window_pool2d;
  oracle_sizes z = {0};
  sizes(desc, &z);
  for (size_t i = 0; t->d_in[0] && i < step->n * z.out; i++) {
    size_t plane;
    place at = place_of(d, i, &plane);
    t->d_in[0][plane + window_max(d, t->in[0] + plane, at)] += dz[i];
  }
}

/** What each number of a window counts in its average. */
static double share_of(const dg_window_pool2d_desc *d, place at) {
  return 1 / ((double)count_of(&d->rows, at.row, d->count_padding) *
              (double)count_of(&d->columns, at.column, d->count_padding));
}

/** Adds to the output i, given the input; or to d_in, given the gradient of output i. */
static void average(const dg_window_pool2d_desc *d, size_t i, const double *in, double *out,
                    const double *dz, double *d_in) {
  size_t plane;
  place at = place_of(d, i, &plane);
  double share = share_of(d, at);
  for (uint32_t r = 0; r < d->rows.size; r++)
    for (uint32_t c = 0; c < d->columns.size; c++) {
      size_t number = plane + (size_t)r * d->columns.size + c;
      if (!is_inside(&d->rows, at.row, r) || !is_inside(&d->columns, at.column, c)) continue;
      if (out) out[i] += in[number] * share;
      if (d_in) d_in[number] += dz[i] * share;
    }
}

static void average_forward(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step) {
  oracle_sizes z = {0};
  sizes(desc, &z);
  for (size_t i = 0; i < step->n * z.out; i++) {
    t->out[i] = 0;
    average(&desc->window_pool2d, i, t->in[0], t->out, NULL, NULL);
  }
}

static void average_backward(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                             const dg_step *step) {
  oracle_sizes z = {0};
  sizes(desc, &z);
  for (size_t i = 0; t->d_in[0] && i < step->n * z.out; i++)
    average(&desc->window_pool2d, i, NULL, NULL, dz, t->d_in[0]);
}

const oracle_family oracle_window_maxpool2d = {sizes, max_forward, max_backward};
const oracle_family oracle_window_avgpool2d = {sizes, average_forward, average_backward};
