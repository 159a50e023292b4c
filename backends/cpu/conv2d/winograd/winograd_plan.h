/** The plan of a convolution by Winograd: its correlations and each worker's workspace. */
#ifndef DG_CPU_WINOGRAD_PLAN_H
#define DG_CPU_WINOGRAD_PLAN_H

#include "backends/cpu/conv2d/conv2d_epilogue.h"
#include "backends/cpu/conv2d/winograd/winograd.h"
#include "backends/cpu/gemm/micro_kernel.h"

#define dg_wino_is_faster DG_ISA_NAME(dg_wino_is_faster)
#define dg_wino_forward_plan DG_ISA_NAME(dg_wino_forward_plan)
#define dg_wino_backward_plan DG_ISA_NAME(dg_wino_backward_plan)

/** Offsets of the parts of a worker's workspace, in floats, and its end. */
typedef struct {
  size_t image;       /**< a vector of channels of a sample's input */
  size_t transformed; /**< transformed input of a block */
  size_t products;    /**< transformed results of a block, a panel of channels */
  size_t pixels;      /**< a vector of channels of a sample's result */
  size_t transposed;  /**< one row of these as planes */
  size_t epilogue;    /**< for dg_conv_epilogue_apply and _backward */
  /* forward only */
  size_t sums; /**< sums of a block, if the epilogue needs them separate from the output */
  /* backward only */
  size_t d_z;           /**< gradient before the activation, a vector of channels of a sample */
  size_t d_image;       /**< the same as an image */
  size_t d_transformed; /**< transformed gradient of a block, for the gradient of the input */
  size_t end;
} dg_wino_layout;

/** Of one direction. */
typedef struct {
  dg_wino forward;     /**< correlation for the output */
  dg_wino_image image; /**< image of the input */
  dg_conv_epilogue epilogue;
  size_t block;   /**< samples of a block */
  size_t weights; /**< floats of the transformed weights */
  dg_wino_layout layout;
  /* forward only */
  size_t shared; /**< floats of all products of a sample */
  /* backward only */
  dg_wino back;          /**< correlation from the output's gradient to the input's */
  dg_wino_image d_image; /**< image of the gradient before the activation */
  size_t back_weights; /**< floats of the flipped, transformed weights if the gradient of the input
                          is wanted; else 0 */
  size_t parts, part;  /**< parts of the samples, with their own sums; floats of these of one */
} dg_wino_plan;

/** Is this faster than direct products for a convolution? */
bool dg_wino_is_faster(const dg_conv2d_desc *desc);

/** For up to max_n samples. */
dg_wino_plan dg_wino_forward_plan(const dg_conv2d_desc *desc, uint32_t max_n);

/** The same; `d_in`: the gradient of the input is wanted. */
dg_wino_plan dg_wino_backward_plan(const dg_conv2d_desc *desc, uint32_t max_n, bool d_in);

static inline size_t dg_wino_image_floats(const dg_wino_image *image) {
  return image->rows * image->columns * DG_VECTOR;
}

/** Number of samples of the block that begins at `begin` of a part. */
static inline size_t dg_wino_block_of(const dg_wino_plan *p, dg_span share, size_t begin) {
  return share.end - begin < p->block ? share.end - begin : p->block;
}

#endif
