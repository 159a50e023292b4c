/**
 * Products of one row with packed matrices. The micro-kernel (micro_kernel.h) takes more rows than
 * one: with one alone it waits for each sum before it adds to it again. Here several columns are
 * summed at a time, and where these are few, every other term apart.
 */
#ifndef DG_CPU_GEMV_PACKED_H
#define DG_CPU_GEMV_PACKED_H

#include <stddef.h>

#include "backends/cpu/runtime/isa.h"

#define dg_gemv_packed DG_ISA_NAME(dg_gemv_packed)

/** Matrices of a product, at most; and vectors of sums at a time: as many as hide how long one
 * takes. */
enum { DG_GEMV_MATRICES = 4, DG_GEMV_SUMS = 8 };

/**
 * For each matrix m < matrices <= DG_GEMV_MATRICES, each [depth][vectors * DG_VECTOR], all packed
 * together: sums[m * sums_apart + c] += sum over k < depth of row[k] * matrix m's element (k, c).
 * Of vector v the rows [k][matrix][DG_VECTOR] lie at packed + v * packed_apart. Sums over many k
 * are taken in chunks, as in micro_kernel.h.
 */
void dg_gemv_packed(size_t matrices, size_t vectors, size_t depth, const float *row,
                    const float *packed, size_t packed_apart, float *sums, size_t sums_apart);

#endif
