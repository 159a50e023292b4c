/**
 * Convolutions over steps, forward in conv1d_windows.c and backward in conv1d_windows_backward.c. A
 * window of `kernel` steps is contiguous, so with the weights in the order of a window, [filters,
 * kernel, in], all is products over rows that overlap:
 *
 *   forward         y[t][f]    = sum over k of x_window[t][k] weight[f][k]
 *   input gradient  dx[u][c]   = sum over step j < kernel and f of dz[u's window, step j][f]
 *                                weight[f][kernel - 1 - j][c]
 *   weight gradient dw[f][k]   = sum over samples and t of dz[t][f] x_window[t][k]
 *
 * where dz is dy times the derivative of the fused activation, its steps `stride` apart. dz lies in
 * planes with the zeros around it that windows reach; so does x, or it serves as it lies.
 */
#ifndef DG_OPENCL_CONV1D_WINDOWS_H
#define DG_OPENCL_CONV1D_WINDOWS_H

#include "backends/opencl/conv2d/planes.h"
#include "backends/opencl/gemm/gemm.h"
#include "backends/opencl/runtime/implementation.h"

/** What both directions start with. */
typedef struct {
  dg_cl_op op;
  cl_kernel reorder;
  dg_cl_padder padder;
  uint32_t out_steps;
  dg_cl_plane x;
  bool pads_x;      /**< or else the input serves as it lies */
  uint32_t x_first; /**< in the workspace, which begins with the weights in the order of a window */
} dg_cl_conv1d_op;

/** Makes these. */
bool dg_cl_conv1d_prepare(dg_cl_conv1d_op *self, dg_error *err);

/** Numbers that the weights and the planes of x take in a workspace. */
uint64_t dg_cl_conv1d_end_of_x(const dg_cl_conv1d_op *self);

/** Numbers of a window. */
uint32_t dg_cl_conv1d_window(const dg_conv1d_desc *desc);

/** Where the window of step t begins, in the input or in the workspace. */
uint32_t dg_cl_conv1d_place(const dg_cl_conv1d_op *self, uint32_t t);

/** The weights [filters, in, kernel] as [filters, kernel, in], to the start of the workspace. */
bool dg_cl_conv1d_reorder(dg_cl_conv1d_op *self, const dg_op_buffers *b, dg_error *err);

/** The input's planes into the workspace, unless it serves as it lies. */
bool dg_cl_conv1d_pad_x(dg_cl_conv1d_op *self, const dg_op_buffers *b, uint32_t n, dg_error *err);

/** Where the input's planes lie then. */
static inline const dg_buffer *dg_cl_conv1d_x(const dg_cl_conv1d_op *self, const dg_op_buffers *b) {
  return self->pads_x ? b->workspace : b->in[0];
}

extern const dg_cl_implementation dg_cl_conv1d_windows_forward, dg_cl_conv1d_windows_backward;

#endif
