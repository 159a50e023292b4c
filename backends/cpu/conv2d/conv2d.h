/** What both directions of a convolution share. */
#ifndef DG_CPU_CONV2D_H
#define DG_CPU_CONV2D_H

#include "backends/cpu/conv2d/conv2d_ending.h"
#include "backends/cpu/conv2d/correlate.h"
#include "backends/cpu/conv2d/scatter.h"
#include "backends/cpu/runtime/op.h"

#define dg_conv_source DG_ISA_NAME(dg_conv_source)
#define dg_conv_backward_prepare DG_ISA_NAME(dg_conv_backward_prepare)
#define dg_conv_backward DG_ISA_NAME(dg_conv_backward)

typedef struct {
  dg_field source;                  /**< the input, padded */
  dg_field gradient;                /**< the output's gradient, for the input's */
  dg_correlation forward, backward; /**< to the output; to the input's gradient */
  size_t taps, back_taps;           /**< products of an element: of the output, of the gradient */
  bool few_taps;                    /**< forward by dg_correlate_few */
  bool pools;                       /**< or even by dg_conv_pooled */
  bool scatters;                    /**< backward by `scatter` */
  dg_scatter scatter;
  dg_conv_ending ending;
  size_t pixels;         /**< of a plane of sums, before any pooling */
  size_t samples;        /**< of a chunk: together they have many pixels */
  size_t source_step;    /**< floats from one sample's source field to the next's */
  const uint32_t *pixel; /**< where the window of each pixel of a chunk begins, by source_step */

  /** Floats of parts of the workspaces; 0 where there is no need. */
  size_t source_floats, weight_floats, sums_floats, ending_floats;     /**< forward */
  size_t back_weight_floats, d_z_floats, gradient_floats, room_floats; /**< backward */
  size_t turned_floats, d_weight_floats, d_bias_floats, back_thread;   /**< backward */
  uint32_t tables[];
} dg_conv_plan;

/** The source field of one sample: filled into `room`, or the sample where that is the same. */
const float *dg_conv_source(const dg_conv_plan *plan, const float *sample, float *room);

/** Adds what backward needs to the op's plan and needs. */
void dg_conv_backward_prepare(dg_cpu_op *op);

void dg_conv_backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step);

#endif
