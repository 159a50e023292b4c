/** Packing matrices into panels (see micro_kernel.h), and storing tiles. */
#ifndef DG_CPU_PACK_H
#define DG_CPU_PACK_H

#include <stdbool.h>
#include <stddef.h>

#include "backends/cpu/runtime/isa.h"

#define dg_transpose DG_ISA_NAME(dg_transpose)
#define dg_pack_rows DG_ISA_NAME(dg_pack_rows)
#define dg_pack_columns DG_ISA_NAME(dg_pack_columns)
#define dg_add_row_bias DG_ISA_NAME(dg_add_row_bias)
#define dg_add_column_bias DG_ISA_NAME(dg_add_column_bias)
#define dg_store_rows DG_ISA_NAME(dg_store_rows)
#define dg_store_transposed DG_ISA_NAME(dg_store_transposed)

/** to[c * to_row + r] = from[r * from_row + c] for all r < rows, c < columns. */
void dg_transpose(size_t rows, size_t columns, const float *from, size_t from_row, float *to,
                  size_t to_row);

/** One panel of the matrix `from`: panel[k][v] = from[k * from_row + v], v < columns. */
void dg_pack_rows(size_t depth, size_t columns, const float *from, size_t from_row, float *panel);

/** One panel of the transposed matrix: panel[k][v] = from[v * from_row + k], v < columns. */
void dg_pack_columns(size_t depth, size_t columns, const float *from, size_t from_row,
                     float *panel);

/** Adds bias[j] to row j of a tile. */
void dg_add_row_bias(size_t rows, const float *bias, float *tile);

/** Adds bias[v] to column v < columns of a tile. */
void dg_add_column_bias(size_t rows, size_t columns, const float *bias, float *tile);

/** Writes or adds a tile to to[j * to_row + v] for all j < rows, v < columns. */
void dg_store_rows(bool add, size_t rows, size_t columns, const float *tile, float *to,
                   size_t to_row);

/** Writes or adds a tile to to[v * to_row + j] for all j < rows, v < columns. */
void dg_store_transposed(bool add, size_t rows, size_t columns, const float *tile, float *to,
                         size_t to_row);

#endif
