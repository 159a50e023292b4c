/**
 * Convolutions of few taps with a 2x2 maximum behind them, as networks begin with: the sums of two
 * rows of pixels go from registers through the maximum, and only what is left of them to memory.
 */
#ifndef DG_CPU_CONV2D_POOLED_H
#define DG_CPU_CONV2D_POOLED_H

#include "backends/cpu/conv2d/conv2d_epilogue.h"

#define dg_conv_pooled DG_ISA_NAME(dg_conv_pooled)

enum { DG_CONV_POOLED_SIDE = 2 };

/**
 * Some rows of a sample's output, from its padded input: what dg_correlate_few_taps and the pooling
 * of dg_conv_epilogue_apply come to. out [planes, out_h, out_w]; saved as there.
 */
void dg_conv_pooled(const dg_correlation *correlation, const dg_conv_epilogue *epilogue,
                    dg_span rows, const float *padded, const float *weights, const float *bias,
                    float *out, uint8_t *saved);

#endif
