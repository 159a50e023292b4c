/** How a convolution goes by Winograd: its correlations and each worker's workspace. */
#ifndef DG_CPU_WINOGRAD_PLAN_H
#define DG_CPU_WINOGRAD_PLAN_H

#include "backends/cpu/conv2d/conv2d_epilogue.h"
#include "backends/cpu/conv2d/winograd/winograd.h"
#include "backends/cpu/gemm/micro_kernel.h"

#define dg_wino_is_faster DG_ISA_NAME(dg_wino_is_faster)
#define dg_wino_forward_plan DG_ISA_NAME(dg_wino_forward_plan)
#define dg_wino_backward_plan DG_ISA_NAME(dg_wino_backward_plan)

/** Where the parts of a worker's workspace begin, in floats, and where they end. */
typedef struct {
  size_t image;       /**< a vector of channels of a sample's input */
  size_t transformed; /**< of a block's input */
  size_t products;    /**< transformed results of a block, a panel of channels */
  size_t pixels;      /**< a vector of channels of a sample's result */
  size_t transposed;  /**< one row of them as planes */
  size_t epilogue;    /**< for dg_conv_epilogue_apply and _backward */
  /* forward alone */
  size_t sums; /**< of a block, where the epilogue wants them apart from the output */
  /* backward alone */
  size_t d_z;           /**< gradient before the activation, a vector of channels of a sample */
  size_t d_image;       /**< the same as an image */
  size_t d_transformed; /**< of a block, for the gradient of the input */
  size_t end;
} dg_wino_layout;

/** Of one direction. */
typedef struct {
  dg_wino forward;     /**< to the output */
  dg_wino_image image; /**< of the input */
  dg_conv_epilogue epilogue;
  size_t block;   /**< samples of a block */
  size_t weights; /**< floats of the transformed weights */
  dg_wino_layout layout;
  /* forward alone */
  size_t shared; /**< floats of all products of a sample */
  /* backward alone */
  dg_wino back;          /**< from the output's gradient to the input's */
  dg_wino_image d_image; /**< of the gradient before the activation */
  size_t back_weights;   /**< floats of the flipped weights, transformed, if the gradient of the
                              input is wanted; else 0 */
  size_t parts, part;    /**< of the samples, with sums of their own; floats of one's sums */
} dg_wino_plan;

/** Is a convolution faster so than by direct products? */
bool dg_wino_is_faster(const dg_conv2d_desc *desc);

/** For up to max_n samples. */
dg_wino_plan dg_wino_forward_plan(const dg_conv2d_desc *desc, uint32_t max_n);

/** The same; `d_in`: the gradient of the input is wanted. */
dg_wino_plan dg_wino_backward_plan(const dg_conv2d_desc *desc, uint32_t max_n, bool d_in);

static inline size_t dg_wino_image_floats(const dg_wino_image *image) {
  return image->rows * image->columns * DG_VECTOR;
}

/** Samples of the block that begins at `begin` of a part. */
static inline size_t dg_wino_block_of(const dg_wino_plan *p, dg_span share, size_t begin) {
  return share.end - begin < p->block ? share.end - begin : p->block;
}

#endif
