/**
 * Convolutions over steps, forward in conv1d_windows.c and backward in conv1d_windows_backward.c. A
 * window of `kernel` steps is contiguous, so with the weights in the order of a window, [filters,
 * kernel, in], all three are products over overlapping rows:
 *
 *   forward         y[t][f]    = sum over k of x_window[t][k] weight[f][k]
 *   input gradient  dx[u][c]   = sum over step j < kernel and f of dz[u's window, step j][f]
 *                                weight[f][kernel - 1 - j][c]
 *   weight gradient dw[f][k]   = sum over samples and t of dz[t][f] x_window[t][k]
 *
 * where dz is dy times the derivative of the fused activation, its steps `stride` apart. dz is
 * stored in planes, with zeros around it as far as windows reach; so is x, unless it can be used in
 * place.
 */
#ifndef DG_OPENCL_CONV1D_WINDOWS_H
#define DG_OPENCL_CONV1D_WINDOWS_H

#include "backends/opencl/conv2d/planes.h"
#include "backends/opencl/gemm/gemm.h"
#include "backends/opencl/runtime/implementation.h"

/** Common part of both directions. */
typedef struct {
  dg_cl_op op;
  cl_kernel reorder;
  dg_cl_padder padder;
  uint32_t out_steps;
  dg_cl_plane x;
  bool pads_x;      /**< false: the input is used in place */
  uint32_t x_first; /**< in the workspace, which begins with the weights in the order of a window */
} dg_cl_conv1d_op;

/** Creates these. */
bool dg_cl_conv1d_prepare(dg_cl_conv1d_op *self, dg_error *err);

/** Numbers of the weights and the planes of x in a workspace. */
uint64_t dg_cl_conv1d_end_of_x(const dg_cl_conv1d_op *self);

/** Numbers in a window. */
uint32_t dg_cl_conv1d_window(const dg_conv1d_desc *desc);

/** The offset of the window of step t, in the input or in the workspace. */
uint32_t dg_cl_conv1d_place(const dg_cl_conv1d_op *self, uint32_t t);

/** Copies the weights [filters, in, kernel] as [filters, kernel, in] to the start of the
    workspace. */
bool dg_cl_conv1d_reorder(dg_cl_conv1d_op *self, const dg_op_buffers *b, dg_error *err);

/** Copies the input's planes to the workspace, unless the input is used in place. */
bool dg_cl_conv1d_pad_x(dg_cl_conv1d_op *self, const dg_op_buffers *b, uint32_t n, dg_error *err);

/** The buffer of the input's planes after that. */
static inline const dg_buffer *dg_cl_conv1d_x(const dg_cl_conv1d_op *self, const dg_op_buffers *b) {
  return self->pads_x ? b->workspace : b->in[0];
}

extern const dg_cl_implementation dg_cl_conv1d_windows_forward, dg_cl_conv1d_windows_backward;

#endif
