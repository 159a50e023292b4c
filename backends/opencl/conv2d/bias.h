/** The gradient of a convolution's bias: sums over planes, then over samples. Without a bias
    nothing is computed. */
#ifndef DG_OPENCL_BIAS_H
#define DG_OPENCL_BIAS_H

#include "backends/opencl/runtime/op.h"

typedef struct {
  cl_kernel sum_planes, sum_columns;
} dg_cl_bias;

bool dg_cl_bias_prepare(dg_cl_op *op, dg_cl_bias *bias, dg_error *err);

/**
 * to[filter] = the sum over n samples and `count` numbers of each of their planes, which begin at
 * `first` and are `plane` apart; a number is multiplied by slope where `of`, if not NULL, isn't
 * positive. `sums` has room for n * filters numbers from first_sum on.
 */
typedef struct {
  const dg_buffer *from, *of, *sums, *to;
  uint32_t first, plane, count, n, filters, first_sum;
  float slope;
} dg_cl_bias_sum;

bool dg_cl_bias_find(dg_cl_op *op, const dg_cl_bias *bias, const dg_cl_bias_sum *s, dg_error *err);

#endif
