/** Max pooling forward, as an op and at the end of a convolution. */
#ifndef DG_OPENCL_MAXPOOL_H
#define DG_OPENCL_MAXPOOL_H

#include "backends/opencl/runtime/op.h"

/** How a training step hands the places of maxima in their windows, 16 bits each and as the output
    lies, from forward to backward. */
#define DG_CL_SAVED_PLACES "places"

/** What finds the maxima of windows. */
typedef struct {
  dg_pool2d_desc desc;
  uint32_t out_h, out_w;
  bool is_2x2; /**< by the kernel for these */
  cl_kernel kernel;
} dg_cl_maxpool;

/** Are there few enough places in a window for 16 bits? */
bool dg_cl_maxpool_fits(const dg_pool2d_desc *desc);

/** Are these whole windows of 2 x 2 side by side, on a device whose kernels of their own take them?
 */
bool dg_cl_maxpool_is_2x2(const dg_cl_device *device, const dg_pool2d_desc *desc);

bool dg_cl_maxpool_prepare(dg_cl_op *op, const dg_pool2d_desc *desc, dg_cl_maxpool *maximum,
                           dg_error *err);

/** Where `planes` planes lie; `places` (16 bits each) is like `to`, written if `keep`. */
typedef struct {
  const dg_buffer *from, *to, *places;
  uint32_t from_first, to_first, planes;
  bool keep;
} dg_cl_maxpool_args;

bool dg_cl_maxpool_run(dg_cl_op *op, const dg_cl_maxpool *maximum, const dg_cl_maxpool_args *m,
                       dg_error *err);

#endif
