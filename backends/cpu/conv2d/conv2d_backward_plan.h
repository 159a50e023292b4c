/** The plan of a convolution's gradients by direct products: its correlations, chunks and
    workspace. */
#ifndef DG_CPU_CONV2D_BACKWARD_PLAN_H
#define DG_CPU_CONV2D_BACKWARD_PLAN_H

#include "backends/cpu/conv2d/col2im.h"
#include "backends/cpu/conv2d/conv2d_shape.h"

#define dg_conv_back_plan_new DG_ISA_NAME(dg_conv_back_plan_new)

typedef struct {
  dg_conv_shape shape;
  dg_padded_input gradient; /**< the padded gradient of the output, read for that of the input */
  dg_correlation backward;  /**< correlation for the input's gradient */
  size_t back_taps;         /**< products per element of it */
  bool by_col2im;           /**< col2im is used instead */
  dg_col2im col2im;
  size_t parts;          /**< the number of parts of the samples, at most */
  size_t samples;        /**< samples of a chunk, which together have many pixels */
  size_t source_step;    /**< floats from one sample's padded input to the next's */
  const uint32_t *pixel; /**< offset of the window of each pixel of a chunk, with source_step */

  /** Floats of parts of the workspace; 0 if not needed. */
  size_t back_weight_floats, d_z_floats, gradient_floats, scratch_floats;
  size_t packed_floats;
  size_t part_floats, worker_floats; /**< floats of the sums of a part; and of a worker's scratch */
  uint32_t tables[];
} dg_conv_back_plan;

/** The plan of an op; `by_col2im`: the gradient of the input uses col2im.h. One malloc block; NULL:
    an error. */
dg_conv_back_plan *dg_conv_back_plan_new(const dg_cpu_op *op, bool by_col2im, dg_error *err);

#endif
