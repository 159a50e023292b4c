/**
 * The micro-kernel, the innermost loop of every product: it computes a tile in registers,
 *
 *   c[j][v] = sum over k < depth of A(j, k) * b[k][v],   j < rows, v < width
 *
 * The elements of A are read one at a time, in place. b is a packed panel: its rows are `width`
 * contiguous floats, with zeros past the last column; row j of c begins at c[j * c_row]. A sum over
 * many k is computed in chunks that are added up afterwards, so that rounding errors stay small.
 */
#ifndef DG_CPU_MICRO_KERNEL_H
#define DG_CPU_MICRO_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/cpu/runtime/isa.h"

/** Floats of a vector register, and the rows of a tile (BLIS: MR), which leave registers for the
    operands. */
#if defined(__AVX512F__)
enum { DG_VECTOR = 16, DG_TILE_ROWS = 14 };
#elif defined(__AVX2__)
enum { DG_VECTOR = 8, DG_TILE_ROWS = 6 };
#elif defined(__aarch64__)
enum { DG_VECTOR = 4, DG_TILE_ROWS = 12 };
#else
enum { DG_VECTOR = 4, DG_TILE_ROWS = 6 };
#endif

/** Two vectors: the widest panel (BLIS: NR). */
enum { DG_TILE_WIDTH = 2 * DG_VECTOR };

/** A vector at any address in an array of floats. */
typedef float dg_vector
    __attribute__((vector_size(DG_VECTOR * sizeof(float)), aligned(4), may_alias));

#define dg_micro_kernel DG_ISA_NAME(dg_micro_kernel)
#define dg_micro_kernel_grouped DG_ISA_NAME(dg_micro_kernel_grouped)
#define dg_micro_kernel_indirect DG_ISA_NAME(dg_micro_kernel_indirect)
#define dg_micro_kernel_packed DG_ISA_NAME(dg_micro_kernel_packed)
#define dg_micro_kernel_transposed DG_ISA_NAME(dg_micro_kernel_transposed)
#define dg_micro_kernel_groups DG_ISA_NAME(dg_micro_kernel_groups)

/** A(j, k) = a[j * a_row + k], rows <= DG_TILE_ROWS; width is DG_VECTOR or DG_TILE_WIDTH. */
void dg_micro_kernel(size_t rows, size_t width, size_t depth, const float *a, size_t a_row,
                     const float *b, float *c, size_t c_row);

/**
 * Rows in groups of `run` adjacent ones: A(g * run + r, k) = a[g * a_group + r + a_step[k]],
 * groups <= dg_micro_kernel_groups(groups, run).
 */
void dg_micro_kernel_grouped(size_t groups, size_t run, size_t width, size_t depth, const float *a,
                             size_t a_group, const uint32_t *a_step, const float *b, float *c,
                             size_t c_row);

/** As dg_micro_kernel, but b isn't packed: its row k is the `width` floats at b[b_step[k]]; c has
    rows of DG_TILE_WIDTH. */
void dg_micro_kernel_indirect(size_t rows, size_t width, size_t depth, const float *a, size_t a_row,
                              const float *b, const uint32_t *b_step, float *c);

/** As dg_micro_kernel, but c has rows of `width`, and the sums are added to it if `add` is set. */
void dg_micro_kernel_packed(bool add, size_t rows, size_t width, size_t depth, const float *a,
                            size_t a_row, const float *b, float *c);

/** Adds to c, which has rows of `width`: A(j, k) = a[k * a_row + j], rows <= DG_TILE_ROWS. */
void dg_micro_kernel_transposed(size_t rows, size_t width, size_t depth, const float *a,
                                size_t a_row, const float *b, float *c);

/** How many of `wanted` groups of `run` <= DG_TILE_ROWS rows fit one tile; at least 1. */
size_t dg_micro_kernel_groups(size_t wanted, size_t run);

/** Columns of the next panel when `left` columns remain: all of them, or DG_TILE_WIDTH. */
static inline size_t dg_panel_columns(size_t left) {
  return left < DG_TILE_WIDTH ? left : DG_TILE_WIDTH;
}

/** Width of a panel of `columns` <= DG_TILE_WIDTH. */
static inline size_t dg_panel_width(size_t columns) {
  return columns > DG_VECTOR ? DG_TILE_WIDTH : DG_VECTOR;
}

/** Number of panels of a matrix of `columns`. */
static inline size_t dg_panel_count(size_t columns) {
  return (columns + DG_TILE_WIDTH - 1) / DG_TILE_WIDTH;
}

/** `columns` rounded up to whole vectors: the floats in one row of all panels together. */
static inline size_t dg_panels_width(size_t columns) {
  return (columns + DG_VECTOR - 1) / DG_VECTOR * DG_VECTOR;
}

/** Rows of the next tile when `left` rows remain, so that all tiles have about the same height. */
static inline size_t dg_tile_height(size_t left) {
  size_t tiles = (left + DG_TILE_ROWS - 1) / DG_TILE_ROWS;
  return (left + tiles - 1) / tiles;
}

#endif
