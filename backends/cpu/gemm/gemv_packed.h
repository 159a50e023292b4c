/**
 * Products of one row with packed matrices. The micro-kernel (micro_kernel.h) is for several rows:
 * with one row it is bound by the latency of additions. Here several columns are summed at a time;
 * if these are few, terms also alternate between several sums.
 */
#ifndef DG_CPU_GEMV_PACKED_H
#define DG_CPU_GEMV_PACKED_H

#include <stddef.h>

#include "backends/cpu/runtime/isa.h"

#define dg_gemv_packed DG_ISA_NAME(dg_gemv_packed)

/** Matrices of a product, at most; and vectors of sums at a time: enough to hide the latency of
 * one. */
enum { DG_GEMV_MATRICES = 4, DG_GEMV_SUMS = 8 };

/**
 * For each matrix m < matrices <= DG_GEMV_MATRICES, each [depth][vectors * DG_VECTOR], all packed
 * together: sums[m * sums_apart + c] += sum over k < depth of row[k] * matrix m's element (k, c).
 * The rows [k][matrix][DG_VECTOR] of vector v are at packed + v * packed_apart. Sums over many k
 * are taken in chunks, as in micro_kernel.h.
 */
void dg_gemv_packed(size_t matrices, size_t vectors, size_t depth, const float *row,
                    const float *packed, size_t packed_apart, float *sums, size_t sums_apart);

#endif
