/** What both directions of a convolution over padded planes share. */
#ifndef DG_OPENCL_CONV2D_H
#define DG_OPENCL_CONV2D_H

#include "backends/opencl/conv2d/planes.h"
#include "backends/opencl/elementwise/drop.h"
#include "backends/opencl/gemm/panels.h"
#include "backends/opencl/gemm/product.h"
#include "backends/opencl/pool/maximum.h"

/** Planes that we write are aligned to vectors. */
enum { DG_CL_CONV2D_VECTOR = 16 };

/** Planes and tables; cl/conv2d/planes.cl says how a plane is padded. */
typedef struct {
  dg_cl_op op;
  cl_kernel outer, inner, sum_parts, sum_planes, sum_columns;
  cl_kernel drop; /* NULL where nothing is dropped */
  cl_kernel rows; /* NULL unless forward is by them, from panels */
  dg_cl_panels panels;
  dg_cl_padder padder;
  dg_cl_maximum maximum; /* with a pooling, as the next three */
  dg_cl_pooled_padder pooled_padder;
  uint32_t chunk, chunk_first; /* samples whose y is in the workspace, and its place */
  uint32_t out_h, out_w;
  dg_cl_plane x;       /* of the input */
  bool pads_x;         /* or else the input serves as it lies */
  dg_cl_plane dz;      /* of the output's gradient, for the weight gradient */
  dg_cl_plane wide_dz; /* the same for the input gradient */
  bool one_dz;         /* wide_dz serves both */
  uint32_t parts;      /* of the samples, whose weight gradients are summed at the end */
  uint32_t dz_first, parts_first, sums_first; /* places in the workspace of backward */
  dg_buffer *forward_steps, *backward_steps;
} dg_cl_conv2d_op;

static inline uint32_t dg_cl_larger(uint32_t a, uint32_t b) {
  return a > b ? a : b;
}

/** From one plane to the next: planes that we write are aligned to vectors. */
static inline uint32_t dg_cl_conv2d_plane(const dg_cl_plane *s) {
  return (uint32_t)dg_cl_round_up(s->lead + dg_cl_plane_area(s), DG_CL_CONV2D_VECTOR);
}

/** The same for the input, which may serve as it lies. */
static inline uint32_t dg_cl_conv2d_x_plane(const dg_cl_conv2d_op *self) {
  return self->pads_x ? dg_cl_conv2d_plane(&self->x) : dg_cl_plane_area(&self->x);
}

/** Products of one number of the output. */
static inline uint32_t dg_cl_conv2d_weights(const dg_conv2d_desc *d) {
  return d->channels * d->kernel_h * d->kernel_w;
}

/** Numbers of a sample's output. */
static inline uint32_t dg_cl_conv2d_out(const dg_cl_conv2d_op *self) {
  const dg_conv2d_desc *d = &self->op.base.desc.conv2d;
  return d->filters *
         (d->pool ? self->maximum.out_h * self->maximum.out_w : self->out_h * self->out_w);
}

/** The input in padded planes: as it lies, or copied to the start of the workspace. */
bool dg_cl_conv2d_pad_x(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, const dg_buffer **x,
                        dg_error *err);

/** Can forward be line by line? */
bool dg_cl_conv2d_rows_fit(const dg_cl_device *device, const dg_conv2d_desc *desc);

/** Makes what that needs. */
bool dg_cl_conv2d_rows_prepare(dg_cl_conv2d_op *self, dg_error *err);

/** Forward, but for a dropout. */
bool dg_cl_conv2d_rows_forward(dg_cl_conv2d_op *self, const dg_op_buffers *b, const dg_step *step,
                               dg_error *err);

/** Makes what backward needs, when all that forward needs is there. */
bool dg_cl_conv2d_prepare_backward(dg_cl_conv2d_op *self, dg_error *err);

bool dg_cl_conv2d_backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step,
                           dg_error *err);

#endif
