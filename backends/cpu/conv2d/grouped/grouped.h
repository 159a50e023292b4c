/**
 * Convolutions in groups, and transposed ones, by whole planes. The channels of a group are copied
 * to padded planes, whose columns are sorted by their remainder modulo the stride: the numbers that
 * one element of a kernel meets in a row of the output are adjacent.
 */
#ifndef DG_CPU_GROUPED_H
#define DG_CPU_GROUPED_H

#include "backends/cpu/gemm/micro_kernel.h"
#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

#define dg_grouped_plan_new DG_ISA_NAME(dg_grouped_plan_new)
#define dg_grouped_pad DG_ISA_NAME(dg_grouped_pad)
#define dg_grouped_unpad DG_ISA_NAME(dg_grouped_unpad)
#define dg_grouped_runs DG_ISA_NAME(dg_grouped_runs)
#define dg_transposed_backward DG_ISA_NAME(dg_transposed_backward)
#define dg_grouped_backward DG_ISA_NAME(dg_grouped_backward)

/** The geometry of an op. */
typedef struct {
  size_t out_h, out_w, out_pitch;   /**< of the output; a pitch is in whole vectors */
  size_t lines, phase_pitch, pitch; /**< of a padded plane: each phase of a line has its columns */
  size_t plane_floats, out_floats;  /**< of a padded plane, and of an output with its pitch */
  size_t channels, filters, taps;   /**< of a group, and of a kernel */
  size_t parts, part_floats;        /**< backward: parts of the samples, and each one's sums */
  const uint32_t *filter; /**< [filters] where the weights of each filter of a group begin */
  size_t offset[];        /**< [taps] of what meets each element of a kernel for the first output */
} dg_grouped_plan;

/** NULL on failure. */
dg_grouped_plan *dg_grouped_plan_new(const dg_grouped_conv2d_desc *d, dg_error *err);

/** Copies a channel [height, width] to a padded plane. */
void dg_grouped_pad(const dg_grouped_conv2d_desc *d, const dg_grouped_plan *plan, const float *x,
                    float *padded);

/** Writes or adds a padded plane to a channel. */
void dg_grouped_unpad(const dg_grouped_conv2d_desc *d, const dg_grouped_plan *plan,
                      dg_grad_mode mode, const float *padded, float *x);

extern const dg_cpu_implementation dg_grouped_backward, dg_transposed_backward;

/** Pixels of a small plane that are adjacent in a line: what one tap of the kernel meets for them
    in a padded plane is adjacent, too. */
typedef struct {
  size_t first, count; /**< of the pixels, from the first one of a block */
  size_t at;           /**< where the first tap meets the first of them */
} dg_grouped_run;

/** Cuts `count` pixels of a small plane from `pixel` on into runs; returns how many there are. */
size_t dg_grouped_runs(const dg_grouped_conv2d_desc *d, const dg_grouped_plan *plan, size_t pixel,
                       size_t count, dg_grouped_run *runs);

#endif
