/** Max pooling forward, as an op and fused to a convolution. */
#ifndef DG_OPENCL_MAXPOOL_H
#define DG_OPENCL_MAXPOOL_H

#include "backends/opencl/runtime/op.h"

/** What forward saves for backward in training: the indices of maxima in their windows, 16 bits
    each, in the layout of the output. */
#define DG_CL_SAVED_PLACES "places"

/** The kernels of max pooling. */
typedef struct {
  dg_pool2d_desc desc;
  uint32_t out_h, out_w;
  bool is_2x2; /**< uses the kernel for these */
  cl_kernel kernel;
} dg_cl_maxpool;

/** Do indices in a window fit 16 bits? */
bool dg_cl_maxpool_fits(const dg_pool2d_desc *desc);

/** Are these adjacent whole windows of 2 x 2, on a device with special kernels for them? */
bool dg_cl_maxpool_is_2x2(const dg_cl_device *device, const dg_pool2d_desc *desc);

bool dg_cl_maxpool_prepare(dg_cl_op *op, const dg_pool2d_desc *desc, dg_cl_maxpool *maximum,
                           dg_error *err);

/** The layout of `planes` planes; `places` (16 bits each) has that of `to`, and is written if
    `keep`. */
typedef struct {
  const dg_buffer *from, *to, *places;
  uint32_t from_first, to_first, planes;
  bool keep;
} dg_cl_maxpool_args;

bool dg_cl_maxpool_run(dg_cl_op *op, const dg_cl_maxpool *maximum, const dg_cl_maxpool_args *m,
                       dg_error *err);

#endif
