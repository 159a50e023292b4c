/**
 * Weights packed in panels for the products of the tile form (cl/gemm/packed_tile.cl describes the
 * layout).
 */
#ifndef DG_OPENCL_PACKED_H
#define DG_OPENCL_PACKED_H

#include "backends/opencl/runtime/op.h"

/** As in cl/gemm/packed_tile.cl: rows of a tile of the product, and vectors of its panels. */
enum { DG_CL_PANEL_ROWS = 14, DG_CL_PANEL_VECTORS = 2 };

/** A matrix [rows][depth] and its bias, in panels of this many vectors of 16 rows. */
typedef struct {
  cl_kernel pack;
  dg_buffer *panels;
  uint32_t rows, depth, vectors;
  dg_cl_content weight, bias; /**< the versions that the panels were packed from */
} dg_cl_packed;

/** Allocates panels, which the op owns. */
bool dg_cl_packed_prepare(dg_cl_op *op, dg_cl_packed *panels, uint32_t rows, uint32_t depth,
                          uint32_t vectors, dg_error *err);

/** Enqueues packing the panels, unless they are up to date: for an op that isn't trained, they are
    packed again after a write to `weight` or `bias`. bias may be NULL. */
bool dg_cl_packed_fill(dg_cl_op *op, dg_cl_packed *panels, const dg_buffer *weight,
                       const dg_buffer *bias, dg_error *err);

/** The range of the kernel "gemm_packed" over n rows of its other operand. */
dg_cl_range dg_cl_packed_range(const dg_cl_packed *panels, uint32_t n);

#endif
