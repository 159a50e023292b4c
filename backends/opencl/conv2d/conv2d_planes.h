/**
 * Convolutions as products over padded planes (cl/conv2d/planes.cl), forward in conv2d_planes.c and
 * backward in conv2d_planes_backward.c. In a plane with lines of `pitch`, the terms of all outputs
 * of a plane are adjacent, so that output (oy, ox) is column oy * pitch + ox of an outer product;
 * columns with ox >= out_w are computed and discarded.
 *
 *   forward         y[oc][p]   = sum over k = (ic, ky, kx) of weight[oc][k] x_plane[k's place + p]
 *   input gradient  dx[ic][p]  = the same over planes of dz, dilated by the stride and padded by
 *                                kernel - 1 - pad, with the weights flipped
 *   weight gradient dw[oc][k]  = sum over samples and p of dz[oc][p] x_plane[k's place + p]
 *
 * where dz is dy times the derivative of the fused activation. The right padding of a line is the
 * left padding of the next, so a plane padded by 1 has lines of width + 1.
 *
 * A fused pooling takes the maxima of some samples' y while they are in a cache; y is never stored
 * as a whole. Its gradient is unpooled while dz is padded.
 */
#ifndef DG_OPENCL_CONV2D_PLANES_H
#define DG_OPENCL_CONV2D_PLANES_H

#include "backends/opencl/conv2d/planes.h"
#include "backends/opencl/gemm/gemm.h"

/** Planes that we write are aligned to vectors. */
enum { DG_CL_CONV2D_VECTOR = 16 };

/** The input of a product over planes: sizes, and the input's planes. */
typedef struct {
  uint32_t out_h, out_w;       /**< sizes of a plane of sums */
  uint32_t pooled_h, pooled_w; /**< of the output, after a fused pooling */
  dg_cl_plane x;               /**< of the input */
  bool pads_x;                 /**< false: the input is used in place */
} dg_cl_conv2d_shape;

dg_cl_conv2d_shape dg_cl_conv2d_shape_of(const dg_conv2d_desc *desc);

/** Fails if the sizes of tensors of max_n samples overflow. */
bool dg_cl_conv2d_shape_check(const dg_cl_op *op, const dg_cl_conv2d_shape *shape, dg_error *err);

/** Common part of both directions over planes. */
typedef struct {
  dg_cl_op op;
  dg_cl_conv2d_shape shape;
  cl_kernel outer;
  dg_cl_padder padder;
  dg_buffer *offsets; /**< for weight k: {k, its offset in the planes of x} */
} dg_cl_conv2d_planes;

/** Creates these. */
bool dg_cl_conv2d_planes_prepare(dg_cl_conv2d_planes *self, dg_error *err);

/** The input in padded planes: in place, or copied to the start of the workspace. */
bool dg_cl_conv2d_pad_x(dg_cl_conv2d_planes *self, const dg_op_buffers *b, uint32_t n,
                        const dg_buffer **x, dg_error *err);

/** The fused pooling, over the sums. */
dg_pool2d_desc dg_cl_conv2d_pool(const dg_conv2d_desc *desc);

/** Bytes of the indices of a fused pooling's maxima, which forward saves for backward. */
size_t dg_cl_conv2d_saved(const dg_cl_op *op, const dg_cl_conv2d_shape *shape);

static inline uint32_t dg_cl_larger(uint32_t a, uint32_t b) {
  return a > b ? a : b;
}

/** Numbers from one plane to the next: planes that we write are aligned to vectors. */
static inline uint32_t dg_cl_conv2d_plane(const dg_cl_plane *s) {
  return (uint32_t)dg_cl_round_up(s->lead + dg_cl_plane_area(s), DG_CL_CONV2D_VECTOR);
}

/** The same for the input, which may be used in place. */
static inline uint32_t dg_cl_conv2d_x_plane(const dg_cl_conv2d_shape *shape) {
  return shape->pads_x ? dg_cl_conv2d_plane(&shape->x) : dg_cl_plane_area(&shape->x);
}

/** Products per number of the output. */
static inline uint32_t dg_cl_conv2d_weights(const dg_conv2d_desc *d) {
  return d->channels * d->kernel_h * d->kernel_w;
}

/** Numbers of a sample's output. */
static inline uint32_t dg_cl_conv2d_out(const dg_conv2d_desc *d, const dg_cl_conv2d_shape *shape) {
  return d->filters * shape->pooled_h * shape->pooled_w;
}

#endif
