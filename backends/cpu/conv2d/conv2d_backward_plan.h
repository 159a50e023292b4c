/** How a convolution's gradients go by direct products: its correlations, chunks and workspace. */
#ifndef DG_CPU_CONV2D_BACKWARD_PLAN_H
#define DG_CPU_CONV2D_BACKWARD_PLAN_H

#include "backends/cpu/conv2d/col2im.h"
#include "backends/cpu/conv2d/conv2d_shape.h"

#define dg_conv_back_plan_new DG_ISA_NAME(dg_conv_back_plan_new)

typedef struct {
  dg_conv_shape shape;
  dg_padded_input gradient; /**< the output's gradient, for the input's */
  dg_correlation backward;  /**< to the input's gradient */
  size_t back_taps;         /**< products of an element of it */
  bool by_col2im;           /**< it goes by `col2im` instead */
  dg_col2im col2im;
  size_t parts;          /**< into which the samples are cut, or fewer */
  size_t samples;        /**< of a chunk: together they have many pixels */
  size_t source_step;    /**< floats from one sample's source to the next's */
  const uint32_t *pixel; /**< where the window of each pixel of a chunk begins, by source_step */

  /** Floats of parts of the workspace; 0 where there is no need. */
  size_t back_weight_floats, d_z_floats, gradient_floats, scratch_floats;
  size_t packed_floats;
  size_t part_floats, worker_floats; /**< of the sums of a part; of what a worker works in */
  uint32_t tables[];
} dg_conv_back_plan;

/** For an op; `by_col2im`: the gradient of the input goes by col2im.h. One block of malloc; NULL:
    an error. */
dg_conv_back_plan *dg_conv_back_plan_new(const dg_cpu_op *op, bool by_col2im, dg_error *err);

#endif
