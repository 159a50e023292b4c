/* Convolutions: what can be fused to them, and their implementations. */
#include "backends/opencl/conv2d/conv2d.h"

#include "backends/opencl/conv2d/conv2d_planes.h"
#include "backends/opencl/elementwise/drop.h"
#include "backends/opencl/elementwise/leaky.h"
#include "backends/opencl/pool/maxpool.h"

/* After a pooling, dz must be dense and its origins non-negative. */
static bool pool_fits(const dg_conv2d_desc *d) {
  const dg_pool2d_desc pool = dg_cl_conv2d_pool(d);
  return dg_cl_maxpool_fits(&pool) && d->stride_h == 1 && d->stride_w == 1 &&
         d->pad_h < d->kernel_h && d->pad_w < d->kernel_w && pool.height >= d->pool &&
         pool.width >= d->pool;
}

/* Only the plane and row implementations support a pooling fused after the activation, and a
   dropout after that. So nothing is fused if other implementations are faster for many samples. */
static bool supports(const dg_cl_device *device, const dg_op_desc *desc) {
  const dg_conv2d_desc *d = &desc->conv2d;
  if (!dg_cl_is_leaky(d->act) || d->statistics) return false;
  if (d->pool == 0) return d->drop.rate == 0;
  return !dg_cl_conv2d_winograd_fits(device, desc, UINT32_MAX, true) &&
         !dg_cl_conv2d_pixels_fits(device, desc, UINT32_MAX, true) &&
         dg_cl_drop_fits(d->drop, d->act) && pool_fits(d);
}

const dg_cl_family dg_cl_conv2d = {
    .supports = supports,
    .forward = {&dg_cl_conv2d_winograd_forward, &dg_cl_conv2d_pixels_forward,
                &dg_cl_conv2d_rows_forward, &dg_cl_conv2d_planes_forward},
    .backward = {&dg_cl_conv2d_winograd_backward, &dg_cl_conv2d_pixels_backward,
                 &dg_cl_conv2d_planes_backward},
};
