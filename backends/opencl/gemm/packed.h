/**
 * Weights packed in panels, as products of the tile form read them (cl/gemm/packed_tile.cl says how
 * they lie).
 */
#ifndef DG_OPENCL_PACKED_H
#define DG_OPENCL_PACKED_H

#include "backends/opencl/runtime/op.h"

/** As in cl/gemm/packed_tile.cl: rows of a tile of its product, and vectors of the panels for it.
 */
enum { DG_CL_PANEL_ROWS = 14, DG_CL_PANEL_VECTORS = 2 };

/** A matrix [rows][depth] and its bias, in panels of so many vectors of 16 rows. */
typedef struct {
  cl_kernel pack;
  dg_buffer *panels;
  uint32_t rows, depth, vectors;
  dg_cl_content weight, bias; /**< what the panels were made of */
} dg_cl_packed;

/** Makes room for panels, which the op owns. */
bool dg_cl_packed_prepare(dg_cl_op *op, dg_cl_packed *panels, uint32_t rows, uint32_t depth,
                          uint32_t vectors, dg_error *err);

/** Enqueues the making of panels, unless they are there: those of an op that only tests are made
    anew when something was written to `weight` or `bias`. bias may be NULL. */
bool dg_cl_packed_fill(dg_cl_op *op, dg_cl_packed *panels, const dg_buffer *weight,
                       const dg_buffer *bias, dg_error *err);

/** The range of the kernel "gemm_packed" over n rows of its other operand. */
dg_cl_range dg_cl_packed_range(const dg_cl_packed *panels, uint32_t n);

#endif
