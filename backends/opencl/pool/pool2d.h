/** Code shared by both poolings: a launch with one work-item per position of planes. */
#ifndef DG_OPENCL_POOL2D_H
#define DG_OPENCL_POOL2D_H

#include "backends/opencl/runtime/op.h"

/** A kernel over windows; the struct of one direction of a pooling. */
typedef struct {
  dg_cl_op op;
  cl_kernel kernel;
  uint32_t out_h, out_w;
} dg_cl_pool2d_op;

/** Creates the kernel `name`. */
bool dg_cl_pool2d_prepare(dg_cl_op *op, const char *name, dg_error *err);

/** The range of a launch: one work-item per position of planes [height, width]. */
typedef struct {
  uint32_t width, height, planes;
  const dg_buffer *buffers[3]; /**< the kernel's first arguments, ended by NULL if fewer */
  bool flag;                   /**< its last argument, after the geometry of the windows */
} dg_cl_pool2d_launch;

bool dg_cl_pool2d_run(dg_cl_op *op, const dg_cl_pool2d_launch *launch, dg_error *err);

#endif
