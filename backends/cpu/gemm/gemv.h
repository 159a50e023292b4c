/** Matrix-vector products, for steps with so few samples that most columns of a tile would be
    empty. */
#ifndef DG_CPU_GEMV_H
#define DG_CPU_GEMV_H

#include <stddef.h>

#include "backends/cpu/runtime/isa.h"

#define dg_gemv DG_ISA_NAME(dg_gemv)

/** y[j] = sum over k < depth of a[j * depth + k] * x[k], for j < rows. */
void dg_gemv(size_t rows, size_t depth, const float *a, const float *x, float *y);

#endif
