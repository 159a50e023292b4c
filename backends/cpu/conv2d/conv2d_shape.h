/** Code shared by both directions of a convolution by direct products, and their implementations;
    those by Winograd are in winograd/conv2d_winograd.h. */
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
  dg_padded_input source; /**< the padded input */
  dg_correlation forward; /**< correlation for the output */
  size_t taps;            /**< products per element of the output */
  size_t pixels;          /**< of a plane of sums, before any pooling */
  bool few_taps;          /**< forward uses dg_correlate_few_taps, or even dg_conv_pooled */
  dg_conv_epilogue epilogue;

  /** Floats of parts of the workspaces; 0 if not needed. */
  size_t source_floats, epilogue_floats;
  size_t weight_floats; /**< of all packed weights */
} dg_conv_shape;

/** Everything but the table of taps. */
dg_conv_shape dg_conv_shape_of(const dg_conv2d_desc *desc);

/** Are 32-bit offsets enough for a padded input? If not, an error. */
bool dg_conv_shape_check(const dg_padded_input *padded, dg_error *err);

/** Fills the table of taps, which the shape points to from now on; returns its end. */
uint32_t *dg_conv_fill_taps(const dg_conv2d_desc *desc, dg_conv_shape *shape, uint32_t *tap);

/** The padded input of one sample: copied to `scratch`, or the sample itself if it needs no
    padding. */
const float *dg_conv_source(const dg_conv_shape *shape, const float *sample, float *scratch);

/** For few taps and a pooling by 2; for few taps; for all. */
extern const dg_cpu_implementation dg_conv_pooled_forward, dg_conv_few_taps_forward,
    dg_conv_direct_forward;

/** For shapes where col2im.h is faster; for all. */
extern const dg_cpu_implementation dg_conv_col2im_backward, dg_conv_direct_backward;

#endif
