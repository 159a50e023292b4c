/** Depthwise convolutions by the geometry of backends/depthwise_plan.h. */
#ifndef DG_CPU_DEPTHWISE_H
#define DG_CPU_DEPTHWISE_H

#include "backends/cpu/gemm/micro_kernel.h"
#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"
#include "backends/depthwise_plan.h"

#define dg_depthwise_pad DG_ISA_NAME(dg_depthwise_pad)
#define dg_depthwise_unpad DG_ISA_NAME(dg_depthwise_unpad)
#define dg_depthwise_correlate DG_ISA_NAME(dg_depthwise_correlate)
#define dg_depthwise_weights DG_ISA_NAME(dg_depthwise_weights)
#define dg_depthwise_forward DG_ISA_NAME(dg_depthwise_forward)
#define dg_depthwise_backward DG_ISA_NAME(dg_depthwise_backward)

/** Numbers that are computed at a time. */
enum { DG_DEPTHWISE_BLOCK = 4 * DG_VECTOR };

/** Copies a channel [height, width] to its phases, whose other numbers are 0 already. */
void dg_depthwise_pad(const dg_grouped_conv2d_desc *d, const dg_depthwise_plan *plan,
                      const float *x, float *phases);

/** Writes or adds the rows of one phase of rows, [phases_w, rows, pitch], to a channel. */
void dg_depthwise_unpad(const dg_grouped_conv2d_desc *d, const dg_depthwise_plan *plan,
                        size_t phase, dg_grad_mode mode, const float *rows, float *x);

/** y [count] = or += bias + the sums of record `record` of x with a filter. */
void dg_depthwise_correlate(const dg_depthwise_plan *plan, uint32_t record, const float *filter,
                            float bias, const float *x, size_t count, dg_grad_mode mode, float *y);

/** Adds the products of a gradient (between zeros) with what meets each element to `lanes`
    [groups, taps, DG_VECTOR], and the gradient itself to the [DG_VECTOR] after them. */
void dg_depthwise_weights(const dg_depthwise_plan *plan, const float *phases, const float *d_z,
                          float *lanes);

extern const dg_cpu_implementation dg_depthwise_forward, dg_depthwise_backward;

#endif
