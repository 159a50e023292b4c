/* Maximum and average pooling. */
#include "backends/opencl/opencl.h"

typedef struct {
  dg_cl_op op;
  cl_kernel forward, backward;
  cl_kernel forward_2x2, backward_2x2; /* NULL where they don't serve */
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

/* Enqueues a kernel of one work-item a place of planes [height, width]: its arguments are buffers,
   what says where the windows lie, and a flag. */
static bool launch(dg_cl_op *op, cl_kernel kernel, uint32_t width, uint32_t height, uint32_t planes,
                   const dg_buffer *const buffers[], size_t count, bool flag, dg_error *err) {
  const pool_op *self = (pool_op *)op;
  const dg_pool2d_desc *d = &op->base.desc.pool2d;
  const uint32_t windows[] = {d->height,   d->width,    self->out_h, self->out_w, d->kernel_h,
                              d->kernel_w, d->stride_h, d->stride_w, d->pad_h,    d->pad_w};
  dg_cl_arg args[16] = {0}, *next = args;
  for (size_t i = 0; i < count; i++) *next++ = dg_cl_mem(buffers[i]);
  for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) *next++ = dg_cl_u32(windows[i]);
  *next = dg_cl_u32(flag);
  return dg_cl_launch(op, kernel,
                      dg_cl_range_of((size_t[3]){width, height, planes}, (size_t[3]){16, 4, 1}),
                      args, err);
}

/* ---- maximum ------------------------------------------------------------ */

/* Places in a window are kept in 16 bits. */
static bool max_supports(const dg_cl_device *device, const dg_op_desc *desc) {
  (void)device;
  return (uint64_t)desc->pool2d.kernel_h * desc->pool2d.kernel_w <= UINT16_MAX;
}

/* Are the windows 2 x 2 side by side, as the fast kernels for CPUs want them? */
static bool is_2x2(const pool_op *self) {
  const dg_pool2d_desc *d = &self->op.base.desc.pool2d;
  return self->op.device->form == DG_CL_TILE && d->kernel_h == 2 && d->kernel_w == 2 &&
         d->stride_h == 2 && d->stride_w == 2 && d->pad_h == 0 && d->pad_w == 0 &&
         d->height == 2 * self->out_h && d->width == 2 * self->out_w && self->out_w >= 4 &&
         self->op.base.desc.d_in[0] != DG_GRAD_ADD;
}

static bool max_prepare(dg_cl_op *op, dg_error *err) {
  pool_op *self = (pool_op *)op;
  if (!prepare(op, "max_forward", "max_backward", err)) return false;
  if (op->train)
    op->base.needs.kept = sizeof(cl_ushort) * op->base.max_n * op->base.desc.pool2d.channels *
                          self->out_h * self->out_w;
  if (!is_2x2(self)) return true;
  self->forward_2x2 = dg_cl_kernel(op, DG_CL_ELEMENTS, "max_forward_2x2", err);
  self->backward_2x2 = dg_cl_kernel(op, DG_CL_ELEMENTS, "max_backward_2x2", err);
  return self->forward_2x2 && self->backward_2x2;
}

static dg_cl_range line_range(uint32_t lines) {
  return dg_cl_range_of((size_t[3]){lines, 1, 1}, (size_t[3]){16, 1, 1});
}

static bool max_forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const pool_op *self = (pool_op *)op;
  const dg_pool2d_desc *d = &op->base.desc.pool2d;
  const uint32_t planes = step->n * d->channels, lines = planes * self->out_h;
  if (self->forward_2x2)
    return dg_cl_launch(op, self->forward_2x2, line_range(lines),
                        DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->out[0]), dg_cl_mem(b->kept),
                                   dg_cl_u32(self->out_w), dg_cl_u32(lines),
                                   dg_cl_u32(step->train)),
                        err);
  return launch(op, self->forward, self->out_w, self->out_h, planes,
                (const dg_buffer *const[]){b->in[0], b->out[0], b->kept}, 3, step->train, err);
}

static bool max_backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const pool_op *self = (pool_op *)op;
  const dg_pool2d_desc *d = &op->base.desc.pool2d;
  const dg_grad_mode mode = op->base.desc.d_in[0];
  const uint32_t planes = step->n * d->channels, lines = planes * self->out_h;
  if (mode == DG_GRAD_NONE) return true;
  if (self->backward_2x2)
    return dg_cl_launch(op, self->backward_2x2, line_range(lines),
                        DG_CL_ARGS(dg_cl_mem(b->d_out), dg_cl_mem(b->kept), dg_cl_mem(b->d_in[0]),
                                   dg_cl_u32(self->out_w), dg_cl_u32(lines)),
                        err);
  return launch(op, self->backward, d->width, d->height, planes,
                (const dg_buffer *const[]){b->d_out, b->kept, b->d_in[0]}, 3, mode == DG_GRAD_ADD,
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
  return launch(op, self->forward, self->out_w, self->out_h,
                step->n * op->base.desc.pool2d.channels,
                (const dg_buffer *const[]){b->in[0], b->out[0]}, 2, false, err);
}

static bool average_backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step,
                             dg_error *err) {
  const pool_op *self = (pool_op *)op;
  const dg_pool2d_desc *d = &op->base.desc.pool2d;
  const dg_grad_mode mode = op->base.desc.d_in[0];
  if (mode == DG_GRAD_NONE) return true;
  return launch(op, self->backward, d->width, d->height, step->n * d->channels,
                (const dg_buffer *const[]){b->d_out, b->d_in[0]}, 2, mode == DG_GRAD_ADD, err);
}

const dg_cl_family dg_cl_avgpool2d = {
    .size = sizeof(pool_op),
    .prepare = average_prepare,
    .forward = average_forward,
    .backward = average_backward,
};
