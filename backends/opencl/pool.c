/* Maximum and average pooling. */
#include "backends/opencl/opencl.h"

typedef struct {
  dg_cl_op op;
  cl_kernel forward, backward;
  uint32_t out_h, out_w;
} pool_op;

static bool prepare(dg_cl_op *op, const char *forward, const char *backward, dg_error *err) {
  pool_op *self = (pool_op *)op;
  const dg_pool2d_desc *d = &op->base.desc.pool2d;
  self->out_h = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h);
  self->out_w = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w);
  self->forward = dg_cl_kernel(op, DG_CL_ELEMENTS, forward, err);
  self->backward = dg_cl_kernel(op, DG_CL_ELEMENTS, backward, err);
  return self->forward && self->backward;
}

static dg_cl_range plane_range(uint32_t width, uint32_t height, uint32_t planes) {
  return dg_cl_range_of((size_t[3]){width, height, planes}, (size_t[3]){16, 4, 1});
}

/* ---- maximum ------------------------------------------------------------ */

/* Places in a window are kept in 16 bits. */
static bool max_supports(const dg_cl_device *device, const dg_op_desc *desc) {
  (void)device;
  return (uint64_t)desc->pool2d.kernel_h * desc->pool2d.kernel_w <= UINT16_MAX;
}

static bool max_prepare(dg_cl_op *op, dg_error *err) {
  if (!prepare(op, "max_forward", "max_backward", err)) return false;
  const pool_op *self = (pool_op *)op;
  if (op->train)
    op->base.needs.kept = sizeof(cl_ushort) * op->base.max_n * op->base.desc.pool2d.channels *
                          self->out_h * self->out_w;
  return true;
}

static bool max_forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const pool_op *self = (pool_op *)op;
  const dg_pool2d_desc *d = &op->base.desc.pool2d;
  return dg_cl_launch(
      op, self->forward, plane_range(self->out_w, self->out_h, step->n * d->channels),
      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->out[0]), dg_cl_mem(b->kept),
                 dg_cl_u32(d->height), dg_cl_u32(d->width), dg_cl_u32(self->out_h),
                 dg_cl_u32(self->out_w), dg_cl_u32(d->kernel_h), dg_cl_u32(d->kernel_w),
                 dg_cl_u32(d->stride_h), dg_cl_u32(d->stride_w), dg_cl_u32(d->pad_h),
                 dg_cl_u32(d->pad_w), dg_cl_u32(step->train)),
      err);
}

static bool max_backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const pool_op *self = (pool_op *)op;
  const dg_pool2d_desc *d = &op->base.desc.pool2d;
  const dg_grad_mode mode = op->base.desc.d_in[0];
  if (mode == DG_GRAD_NONE) return true;
  return dg_cl_launch(op, self->backward, plane_range(d->width, d->height, step->n * d->channels),
                      DG_CL_ARGS(dg_cl_mem(b->d_out), dg_cl_mem(b->kept), dg_cl_mem(b->d_in[0]),
                                 dg_cl_u32(d->height), dg_cl_u32(d->width), dg_cl_u32(self->out_h),
                                 dg_cl_u32(self->out_w), dg_cl_u32(d->kernel_h),
                                 dg_cl_u32(d->kernel_w), dg_cl_u32(d->stride_h),
                                 dg_cl_u32(d->stride_w), dg_cl_u32(d->pad_h), dg_cl_u32(d->pad_w),
                                 dg_cl_u32(mode == DG_GRAD_ADD)),
                      err);
}

const dg_cl_family dg_cl_maxpool2d = {
    .size = sizeof(pool_op),
    .supports = max_supports,
    .prepare = max_prepare,
    .forward = max_forward,
    .backward = max_backward,
};

/* ---- average ------------------------------------------------------------ */

static bool average_prepare(dg_cl_op *op, dg_error *err) {
  return prepare(op, "average_forward", "average_backward", err);
}

static bool average_forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step,
                            dg_error *err) {
  const pool_op *self = (pool_op *)op;
  const dg_pool2d_desc *d = &op->base.desc.pool2d;
  return dg_cl_launch(
      op, self->forward, plane_range(self->out_w, self->out_h, step->n * d->channels),
      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->out[0]), dg_cl_u32(d->height),
                 dg_cl_u32(d->width), dg_cl_u32(self->out_h), dg_cl_u32(self->out_w),
                 dg_cl_u32(d->kernel_h), dg_cl_u32(d->kernel_w), dg_cl_u32(d->stride_h),
                 dg_cl_u32(d->stride_w), dg_cl_u32(d->pad_h), dg_cl_u32(d->pad_w)),
      err);
}

static bool average_backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step,
                             dg_error *err) {
  const pool_op *self = (pool_op *)op;
  const dg_pool2d_desc *d = &op->base.desc.pool2d;
  const dg_grad_mode mode = op->base.desc.d_in[0];
  if (mode == DG_GRAD_NONE) return true;
  return dg_cl_launch(op, self->backward, plane_range(d->width, d->height, step->n * d->channels),
                      DG_CL_ARGS(dg_cl_mem(b->d_out), dg_cl_mem(b->d_in[0]), dg_cl_u32(d->height),
                                 dg_cl_u32(d->width), dg_cl_u32(self->out_h),
                                 dg_cl_u32(self->out_w), dg_cl_u32(d->kernel_h),
                                 dg_cl_u32(d->kernel_w), dg_cl_u32(d->stride_h),
                                 dg_cl_u32(d->stride_w), dg_cl_u32(d->pad_h), dg_cl_u32(d->pad_w),
                                 dg_cl_u32(mode == DG_GRAD_ADD)),
                      err);
}

const dg_cl_family dg_cl_avgpool2d = {
    .size = sizeof(pool_op),
    .prepare = average_prepare,
    .forward = average_forward,
    .backward = average_backward,
};
