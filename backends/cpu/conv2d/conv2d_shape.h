/** What both directions of a convolution by direct products share, and the implementations that go
    so; those by Winograd are winograd/conv2d_winograd.h's. */
#ifndef DG_CPU_CONV2D_SHAPE_H
#define DG_CPU_CONV2D_SHAPE_H

#include "backends/cpu/conv2d/conv2d_epilogue.h"
#include "backends/cpu/conv2d/correlate.h"
#include "backends/cpu/runtime/implementation.h"

#define dg_conv_shape_of DG_ISA_NAME(dg_conv_shape_of)
#define dg_conv_shape_check DG_ISA_NAME(dg_conv_shape_check)
#define dg_conv_fill_taps DG_ISA_NAME(dg_conv_fill_taps)
#define dg_conv_source DG_ISA_NAME(dg_conv_source)
#define dg_conv_pooled_forward DG_ISA_NAME(dg_conv_pooled_forward)
#define dg_conv_few_taps_forward DG_ISA_NAME(dg_conv_few_taps_forward)
#define dg_conv_direct_forward DG_ISA_NAME(dg_conv_direct_forward)
#define dg_conv_col2im_backward DG_ISA_NAME(dg_conv_col2im_backward)
#define dg_conv_direct_backward DG_ISA_NAME(dg_conv_direct_backward)

typedef struct {
  dg_padded_input source; /**< the input, padded */
  dg_correlation forward; /**< to the output */
  size_t taps;            /**< products of an element of the output */
  size_t pixels;          /**< of a plane of sums, before any pooling */
  bool few_taps;          /**< forward goes by dg_correlate_few_taps, or even by dg_conv_pooled */
  dg_conv_epilogue epilogue;

  /** Floats of parts of the workspaces; 0 where there is no need. */
  size_t source_floats, epilogue_floats;
  size_t weight_floats; /**< of all weights, packed */
} dg_conv_shape;

/** All but the table of taps. */
dg_conv_shape dg_conv_shape_of(const dg_conv2d_desc *desc);

/** Can 32 bits tell the numbers of a padded input apart? If not, an error. */
bool dg_conv_shape_check(const dg_padded_input *padded, dg_error *err);

/** Fills the table of taps, which the shape points to from now on; returns where it ends. */
uint32_t *dg_conv_fill_taps(const dg_conv2d_desc *desc, dg_conv_shape *shape, uint32_t *tap);

/** The padded input of one sample: filled into `scratch`, or the sample where that is the same. */
const float *dg_conv_source(const dg_conv_shape *shape, const float *sample, float *scratch);

/** Of few taps and with a pooling by 2; of few taps; all. */
extern const dg_cpu_implementation dg_conv_pooled_forward, dg_conv_few_taps_forward,
    dg_conv_direct_forward;

/** Where col2im.h is faster; all. */
extern const dg_cpu_implementation dg_conv_col2im_backward, dg_conv_direct_backward;

#endif
