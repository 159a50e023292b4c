/** What both poolings share: a launch of one work-item a place of planes. */
#ifndef DG_OPENCL_POOL2D_H
#define DG_OPENCL_POOL2D_H

#include "backends/opencl/runtime/op.h"

/** A kernel over windows; the struct of a pooling's direction. */
typedef struct {
  dg_cl_op op;
  cl_kernel kernel;
  uint32_t out_h, out_w;
} dg_cl_pool2d_op;

/** Takes the kernel `name`. */
bool dg_cl_pool2d_prepare(dg_cl_op *op, const char *name, dg_error *err);

/** What a launch goes over: a work-item each place of planes [height, width]. */
typedef struct {
  uint32_t width, height, planes;
  const dg_buffer *buffers[3]; /**< the kernel's first arguments, ended by NULL if fewer */
  bool flag;                   /**< its last argument, behind what says where the windows lie */
} dg_cl_pool2d_launch;

bool dg_cl_pool2d_run(dg_cl_op *op, const dg_cl_pool2d_launch *launch, dg_error *err);

#endif
