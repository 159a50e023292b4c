/**
 * Products of one row with a packed matrix. A tile (tile.h) has room for more rows than one: with
 * one alone it waits for each sum before it adds to it again. Here several columns are summed at a
 * time, and where these are few, every other term apart.
 */
#ifndef DG_CPU_ROW_H
#define DG_CPU_ROW_H

#include <stddef.h>

#include "backends/cpu/runtime/isa.h"

#define dg_row_add DG_ISA_NAME(dg_row_add)

/** Matrices of a product, at most; and vectors of sums at a time: as many as hide how long one
 * takes. */
enum { DG_ROW_MATRICES = 4, DG_ROW_SUMS = 8 };

/**
 * For each matrix m < matrices <= DG_ROW_MATRICES, each [depth][vectors * DG_VECTOR], all packed
 * together: sums[m * sums_apart + c] += sum over k < depth of row[k] * matrix m's element (k, c).
 * Of vector v the rows [k][matrix][DG_VECTOR] lie at packed + v * packed_apart. Sums over many k
 * are taken in chunks, as tiles are.
 */
void dg_row_add(size_t matrices, size_t vectors, size_t depth, const float *row,
                const float *packed, size_t packed_apart, float *sums, size_t sums_apart);

#endif
