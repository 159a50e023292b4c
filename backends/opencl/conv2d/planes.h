/**
 * Padded planes, which convolutions read and write; cl/conv2d/planes.cl says how one is laid out.
 */
#ifndef DG_OPENCL_PLANES_H
#define DG_OPENCL_PLANES_H

#include "backends/opencl/runtime/op.h"

/** A padded plane; the names are those of pad_planes in cl/conv2d/planes.cl. It begins `lead`
   numbers after its place, so that the source's first line may lie where vectors are loaded best.
 */
typedef struct {
  uint32_t lead, height, width, lines, pitch, phases_y, phases_x, dilation_y, dilation_x;
  int32_t origin_y, origin_x;
} dg_cl_plane;

/** Numbers in a padded plane. */
uint32_t dg_cl_plane_area(const dg_cl_plane *plane);

/** What pads planes. */
typedef struct {
  cl_kernel any, dense; /**< dense is NULL where it doesn't serve */
} dg_cl_padder;

bool dg_cl_padder_prepare(dg_cl_op *op, dg_cl_padder *padder, dg_error *err);

/** Where planes are padded from and to. */
typedef struct {
  const dg_buffer *from;
  const dg_buffer *of; /**< NULL, or of from's shape: slope multiplies where this isn't positive */
  float slope;
  const dg_buffer *to;
  uint32_t to_first, to_plane; /**< place of the first plane, and from each to the next */
  uint32_t planes;
} dg_cl_padding;

bool dg_cl_pad(dg_cl_op *op, const dg_cl_padder *padder, const dg_cl_plane *plane,
               const dg_cl_padding *p, dg_error *err);

/** What pads planes of the gradient of a maximum over windows of pool x pool, side by side. */
typedef struct {
  bool is_2x2; /**< by the kernel for CPUs */
  cl_kernel kernel;
} dg_cl_pooled_padder;

/** The gradient's planes are those of dg_cl_plane, dense, with origins that aren't negative. */
typedef struct {
  dg_cl_padding padding;   /**< `from` and `of` are [planes, out_h, out_w] */
  const dg_buffer *places; /**< of the maxima in their windows, 16 bits each */
  float scale;             /**< multiplies the gradient */
  uint32_t pool, out_h, out_w;
} dg_cl_pooled_padding;

bool dg_cl_pooled_padder_prepare(dg_cl_op *op, uint32_t pool, uint32_t out_w,
                                 dg_cl_pooled_padder *padder, dg_error *err);

bool dg_cl_pad_pooled(dg_cl_op *op, const dg_cl_pooled_padder *padder, const dg_cl_plane *plane,
                      const dg_cl_pooled_padding *p, dg_error *err);

#endif
