#include "backends/opencl/pool/maxpool.h"

bool dg_cl_maxpool_fits(const dg_pool2d_desc *d) {
  return (uint64_t)d->kernel_h * d->kernel_w <= UINT16_MAX;
}

bool dg_cl_maxpool_is_2x2(const dg_cl_device *device, const dg_pool2d_desc *d) {
  const uint32_t out_h = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h);
  const uint32_t out_w = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w);
  return device->form == DG_CL_TILE && d->kernel_h == 2 && d->kernel_w == 2 && d->stride_h == 2 &&
         d->stride_w == 2 && d->pad_h == 0 && d->pad_w == 0 && d->height == 2 * out_h &&
         d->width == 2 * out_w && out_w >= 4;
}

bool dg_cl_maxpool_prepare(dg_cl_op *op, const dg_pool2d_desc *d, dg_cl_maxpool *maximum,
                           dg_error *err) {
  dg_cl_maxpool m = {.desc = *d,
                     .out_h = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h),
                     .out_w = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w),
                     .is_2x2 = dg_cl_maxpool_is_2x2(op->device, d)};
  m.kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, m.is_2x2 ? "max_forward_2x2" : "max_forward", err);
  *maximum = m;
  return m.kernel;
}

bool dg_cl_maxpool_run(dg_cl_op *op, const dg_cl_maxpool *maximum, const dg_cl_maxpool_args *m,
                       dg_error *err) {
  const dg_pool2d_desc *d = &maximum->desc;
  const uint32_t lines = m->planes * maximum->out_h;
  const dg_cl_arg from = dg_cl_mem(m->from), to = dg_cl_mem(m->to), places = dg_cl_mem(m->places),
                  from_first = dg_cl_u32(m->from_first), to_first = dg_cl_u32(m->to_first),
                  out_h = dg_cl_u32(maximum->out_h), out_w = dg_cl_u32(maximum->out_w),
                  keep = dg_cl_u32(m->keep);
  if (maximum->is_2x2)
    return dg_cl_launch(
        op, maximum->kernel, dg_cl_range_of((size_t[3]){lines, 1, 1}, (size_t[3]){16, 1, 1}),
        DG_CL_ARGS(from, to, places, from_first, to_first, out_w, dg_cl_u32(lines), keep), err);
  return dg_cl_launch(
      op, maximum->kernel,
      dg_cl_range_of((size_t[3]){maximum->out_w, maximum->out_h, m->planes}, (size_t[3]){16, 4, 1}),
      DG_CL_ARGS(from, to, places, from_first, to_first, dg_cl_u32(d->height), dg_cl_u32(d->width),
                 out_h, out_w, dg_cl_u32(d->kernel_h), dg_cl_u32(d->kernel_w),
                 dg_cl_u32(d->stride_h), dg_cl_u32(d->stride_w), dg_cl_u32(d->pad_h),
                 dg_cl_u32(d->pad_w), keep),
      err);
}
