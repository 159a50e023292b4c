/** How a convolution goes by minimal filtering: its correlations and each worker's workspace. */
#ifndef DG_CPU_WINOGRAD_PLAN_H
#define DG_CPU_WINOGRAD_PLAN_H

#include "backends/cpu/conv2d/conv2d_ending.h"
#include "backends/cpu/conv2d/winograd/winograd.h"

#define dg_wino_is_faster DG_ISA_NAME(dg_wino_is_faster)
#define dg_wino_plan_of DG_ISA_NAME(dg_wino_plan_of)

/** Where the parts of a worker's workspace begin, in floats, and where they end. */
typedef struct {
  size_t image;    /**< a vector of channels of a sample's input */
  size_t moments;  /**< of a block's input */
  size_t products; /**< moments of a block's results, a panel of channels */
  size_t pixels;   /**< a vector of channels of a sample's result */
  size_t turned;   /**< one row of them as planes */
  size_t ending;   /**< for dg_conv_ending_put and _spread */
  size_t sums;     /**< of a block, where the ending wants them apart from the output */
  /* backward alone */
  size_t d_z;       /**< gradient before the activation, a vector of channels of a sample */
  size_t d_image;   /**< the same as an image */
  size_t d_moments; /**< of a block, for the gradient of the input */
  size_t end;
} dg_wino_layout;

typedef struct {
  dg_wino forward, back;        /**< to the output; from its gradient to the input's */
  dg_wino_image image, d_image; /**< of the input; of the gradient before the activation */
  dg_conv_ending ending;
  size_t block;                 /**< samples of a block */
  size_t weights, back_weights; /**< floats of moments common to all workers */
  size_t shared;                /**< floats of all products of a sample */
  dg_wino_layout to, from;      /**< forward's and backward's workspace of a worker */
  size_t parts, part;           /**< backward's, with sums of their own, and floats of one's */
} dg_wino_plan;

/** Is a convolution faster so than by direct products? */
bool dg_wino_is_faster(const dg_conv2d_desc *desc);

/** For up to max_n samples; `d_in`: the gradient of the input is wanted. */
dg_wino_plan dg_wino_plan_of(const dg_conv2d_desc *desc, uint32_t max_n, bool d_in);

static inline size_t dg_wino_image_floats(const dg_wino_image *image) {
  return image->rows * image->columns * DG_VECTOR;
}

/** Samples of the block that begins at `begin` of a part. */
static inline size_t dg_wino_block_of(const dg_wino_plan *p, dg_span share, size_t begin) {
  return share.end - begin < p->block ? share.end - begin : p->block;
}

#endif
