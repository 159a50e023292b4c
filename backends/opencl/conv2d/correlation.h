/**
 * A correlation of stride 1 by Winograd, from tensor to tensor:
 * cl/conv2d/winograd_tiles.cl. For devices of the tile form.
 */
#ifndef DG_OPENCL_CORRELATION_H
#define DG_OPENCL_CORRELATION_H

#include "backends/opencl/runtime/op.h"

/** Points of a transformed tile: 6 x 6. */
enum { DG_CL_WINO_POINTS = 36 };

typedef struct {
  uint32_t channels, filters;        /**< channels of the input; of the output: multiples of 16 */
  uint32_t in_h, in_w, out_h, out_w; /**< sizes of an image */
  uint32_t pad, kernel;              /**< 3 or 5 */
  uint32_t tiles;                    /**< of an image */
  /* set by prepare */
  cl_kernel run, weights;
  uint32_t block, items; /**< samples that a work-item processes at a time; work-items */
  uint32_t pixels_first, transformed_first, products_first, item_step; /**< in its memory */
  uint32_t transformed_step, product_step;
  uint32_t weights_first, memory_first; /**< offsets in the workspace */
  dg_buffer *kept;                      /**< the transformed weights, if they are cached */
  dg_cl_content kept_of;
} dg_cl_correlation;

/** Outputs of a tile in one direction. */
static inline uint32_t dg_cl_correlation_side(const dg_cl_correlation *c) {
  return 7 - c->kernel;
}

/** The correlation of a forward convolution. */
dg_cl_correlation dg_cl_correlation_of(const dg_conv2d_desc *desc);

/** The correlation from the output's gradient to the input's, given the forward one. */
dg_cl_correlation dg_cl_correlation_back(const dg_cl_correlation *forward);

/** The kernel `name` of cl/winograd*.cl, built for the correlation's kernel size; the op owns
    it. */
cl_kernel dg_cl_correlation_kernel(dg_cl_op *op, const dg_cl_correlation *c, const char *name,
                                   dg_error *err);

/** Prepares a correlation, and appends its data to a workspace of which `end` floats are already
    used. An op that isn't trained caches the transformed weights instead. */
bool dg_cl_correlation_prepare(dg_cl_op *op, dg_cl_correlation *c, uint64_t *end, dg_error *err);

/**
 * to[filter] (+)= leaky(bias[filter] + sum over channels of from[channel] correlated with
 * weight[filter][channel]) for n samples; or, with `flip`, with weight[channel][filter]
 * flipped. from is multiplied by of_slope where `of`, if not NULL, isn't positive. bias may
 * be NULL.
 */
typedef struct {
  const dg_buffer *from, *of, *weight, *bias, *to, *workspace;
  float of_slope, slope;
  bool flip, add;
  uint32_t n;
} dg_cl_correlation_args;
bool dg_cl_correlate(dg_cl_op *op, dg_cl_correlation *c, const dg_cl_correlation_args *r,
                     dg_error *err);

#endif
