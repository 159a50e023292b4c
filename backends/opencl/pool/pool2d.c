#include "backends/opencl/pool/pool2d.h"

bool dg_cl_pool2d_prepare(dg_cl_op *op, const char *name, dg_error *err) {
  dg_cl_pool2d_op *self = (dg_cl_pool2d_op *)op;
  const dg_pool2d_desc *d = &op->desc.pool2d;
  self->out_h = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h);
  self->out_w = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w);
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, name, err);
  return self->kernel;
}

bool dg_cl_pool2d_run(dg_cl_op *op, const dg_cl_pool2d_launch *l, dg_error *err) {
  const dg_cl_pool2d_op *self = (dg_cl_pool2d_op *)op;
  const dg_pool2d_desc *d = &op->desc.pool2d;
  const uint32_t windows[] = {d->height,   d->width,    self->out_h, self->out_w, d->kernel_h,
                              d->kernel_w, d->stride_h, d->stride_w, d->pad_h,    d->pad_w};
  dg_cl_arg args[16] = {0}, *next = args;
  for (size_t i = 0; i < sizeof l->buffers / sizeof *l->buffers && l->buffers[i]; i++)
    *next++ = dg_cl_mem(l->buffers[i]);
  for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) *next++ = dg_cl_u32(windows[i]);
  *next = dg_cl_u32(l->flag);
  return dg_cl_launch(
      op, self->kernel,
      dg_cl_range_of((size_t[3]){l->width, l->height, l->planes}, (size_t[3]){16, 4, 1}), args,
      err);
}
