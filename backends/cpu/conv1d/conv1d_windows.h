/**
 * Code shared by both directions of a convolution of sequences. A window of steps is contiguous, so
 * forward is a matrix product whose rows overlap in memory. The gradient of the input is the same
 * product over the output's gradient, dilated by the stride, with a flipped kernel.
 */
#ifndef DG_CPU_CONV1D_WINDOWS_H
#define DG_CPU_CONV1D_WINDOWS_H

#include "backends/cpu/conv2d/correlate.h"
#include "backends/cpu/runtime/implementation.h"

#define dg_conv1d_out_steps DG_ISA_NAME(dg_conv1d_out_steps)
#define dg_conv1d_padded DG_ISA_NAME(dg_conv1d_padded)
#define dg_conv1d_shape_of DG_ISA_NAME(dg_conv1d_shape_of)
#define dg_conv1d_multiply DG_ISA_NAME(dg_conv1d_multiply)
#define dg_conv1d_backward DG_ISA_NAME(dg_conv1d_backward)

/** A product of windows with weights: out [steps, columns]. */
typedef struct {
  size_t steps, columns;
  size_t depth;     /**< numbers of a window */
  size_t step_size; /**< from one window to the next */
} dg_conv1d_windows;

typedef struct {
  dg_padded_input source;    /**< the padded input */
  dg_conv1d_windows windows; /**< product for the output */
  size_t weight_floats;      /**< floats of the packed weights */
  size_t source_floats;      /**< floats of a padded sample; 0 if the sample is read in place */
} dg_conv1d_shape;

size_t dg_conv1d_out_steps(const dg_conv1d_desc *desc);

/** Rows of `width` numbers, the first in row `top`, `dilation` apart, with zeros between and around
    them. */
dg_padded_input dg_conv1d_padded(size_t height, size_t width, long top, size_t dilation,
                                 size_t rows);

dg_conv1d_shape dg_conv1d_shape_of(const dg_conv1d_desc *desc);

/** One sample: multiplies its windows in `padded` with panels of weights. */
void dg_conv1d_multiply(const dg_conv1d_windows *windows, const float *padded, const float *panels,
                        const dg_gemm_epilogue *epilogue, float *out);

/** Supports every description. */
extern const dg_cpu_implementation dg_conv1d_backward;

#endif
