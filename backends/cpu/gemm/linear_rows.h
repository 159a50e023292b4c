/**
 * Linear layers over several rows of a sample. There are many more rows than samples, so the
 * weights are packed, not the rows, and the gradient of the weights is a sum of products over a few
 * hundred rows each.
 */
#ifndef DG_CPU_LINEAR_ROWS_H
#define DG_CPU_LINEAR_ROWS_H

#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

#define dg_linear_rows_forward DG_ISA_NAME(dg_linear_rows_forward)
#define dg_linear_rows_backward DG_ISA_NAME(dg_linear_rows_backward)

extern const dg_cpu_implementation dg_linear_rows_forward, dg_linear_rows_backward;

#endif
