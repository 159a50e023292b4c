/** Padded planes, which convolutions read and write; cl/conv2d/planes.cl describes their layout. */
#ifndef DG_OPENCL_PLANES_H
#define DG_OPENCL_PLANES_H

#include "backends/opencl/runtime/op.h"

/** A padded plane; the names are those of pad_planes in cl/conv2d/planes.cl. It begins `lead`
    numbers after its offset, so that the source's first line can be aligned for vector loads. */
typedef struct {
  uint32_t lead, height, width, lines, pitch, phases_y, phases_x, dilation_y, dilation_x;
  int32_t origin_y, origin_x;
} dg_cl_plane;

/** Numbers in a padded plane. */
uint32_t dg_cl_plane_area(const dg_cl_plane *plane);

/** The kernels that pad planes. */
typedef struct {
  cl_kernel any, dense; /**< dense is NULL if it can't be used */
} dg_cl_padder;

bool dg_cl_padder_prepare(dg_cl_op *op, dg_cl_padder *padder, dg_error *err);

/** Source and destination of padding planes. */
typedef struct {
  const dg_buffer *from;
  const dg_buffer *of; /**< NULL, or of from's shape: multiply by slope where this isn't positive */
  float slope;
  const dg_buffer *to;
  uint32_t to_first, to_plane; /**< offset of the first plane, and numbers from each to the next */
  uint32_t planes;
} dg_cl_padding;

bool dg_cl_pad(dg_cl_op *op, const dg_cl_padder *padder, const dg_cl_plane *plane,
               const dg_cl_padding *p, dg_error *err);

/** The kernels that pad planes of the gradient of a max pooling over adjacent pool x pool
    windows. */
typedef struct {
  bool is_2x2; /**< uses the kernel for CPUs */
  cl_kernel kernel;
} dg_cl_pooled_padder;

/** The gradient's planes are those of dg_cl_plane, dense, with non-negative origins. */
typedef struct {
  dg_cl_padding padding;   /**< `from` and `of` are [planes, out_h, out_w] */
  const dg_buffer *places; /**< indices of the maxima in their windows, 16 bits each */
  float scale;             /**< multiplies the gradient */
  uint32_t pool, out_h, out_w;
} dg_cl_pooled_padding;

bool dg_cl_pooled_padder_prepare(dg_cl_op *op, uint32_t pool, uint32_t out_w,
                                 dg_cl_pooled_padder *padder, dg_error *err);

bool dg_cl_pad_pooled(dg_cl_op *op, const dg_cl_pooled_padder *padder, const dg_cl_plane *plane,
                      const dg_cl_pooled_padding *p, dg_error *err);

#endif
