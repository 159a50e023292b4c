/**
 * The variants of gemm, outer and inner product, that linear layers and convolutions use;
 * cl/gemm/outer_tile.cl and cl/gemm/inner_tile.cl define what each computes.
 */
#ifndef DG_OPENCL_GEMM_H
#define DG_OPENCL_GEMM_H

#include "backends/opencl/runtime/op.h"

/** The start of one term of a sum: an offset into a, and one into b (cl_uint2). */
typedef struct {
  uint32_t x, y;
} dg_cl_gemm_offset;

/** A table of `count` offsets on the device, computed by `offset`; the op owns it. NULL on
    failure. */
dg_buffer *dg_cl_gemm_offsets(dg_cl_op *op, uint32_t count,
                              dg_cl_gemm_offset (*offset)(const dg_cl_op *op, uint32_t k),
                              dg_error *err);

/** c[z][j][p] (+)= leaky(bias[j] + sum_k a[z][j a_row + offsets[k].x] b[z][offsets[k].y + p]) */
typedef struct {
  const dg_buffer *a, *offsets, *b, *bias, *c;
  uint32_t a_row, a_item, depth, b_item;
  uint32_t c_first, c_row, c_item; /**< of item 0, even if first_item isn't 0: modulo 2^32 */
  uint32_t first_item, items, rows, columns;
  uint32_t pitch, width; /**< of the lines that the columns are divided into */
  float slope;
  bool add;
} dg_cl_gemm_outer_args;

/** c[z][j][i] = leaky(bias[i] + sum_{s in share z, p < count} x[s][i x_row + p] y[s][offsets[j].y +
 * p])
 */
typedef struct {
  const dg_buffer *x, *y, *offsets, *bias, *c;
  uint32_t x_first, x_row, x_item, y_item, count, items, share;
  uint32_t c_first, c_row, c_share, x_rows, y_rows;
  float slope;
} dg_cl_gemm_inner_args;

/** Enqueues a product with the kernel "gemm_outer", or "gemm_inner", of DG_CL_GEMM. */
bool dg_cl_gemm_outer(dg_cl_op *op, cl_kernel kernel, const dg_cl_gemm_outer_args *p,
                      dg_error *err);
bool dg_cl_gemm_inner(dg_cl_op *op, cl_kernel kernel, const dg_cl_gemm_inner_args *p,
                      dg_error *err);

#endif
