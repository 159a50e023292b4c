/**
 * Convolutions of few taps followed by a 2x2 max pooling, as in the first layer of many networks:
 * the sums of two rows of pixels are pooled in registers, and only the results are stored.
 */
#ifndef DG_CPU_CONV2D_POOLED_H
#define DG_CPU_CONV2D_POOLED_H

#include "backends/cpu/conv2d/conv2d_epilogue.h"

#define dg_conv_pooled DG_ISA_NAME(dg_conv_pooled)

enum { DG_CONV_POOLED_SIDE = 2 };

/**
 * Computes some rows of a sample's output from its padded input: equivalent to
 * dg_correlate_few_taps followed by the pooling of dg_conv_epilogue_apply. out [planes, out_h,
 * out_w]; saved as there.
 */
void dg_conv_pooled(const dg_correlation *correlation, const dg_conv_epilogue *epilogue,
                    dg_span rows, const float *padded, const float *weights, const float *bias,
                    float *out, uint8_t *saved);

#endif
