/* Maximum and average pooling. */
#include "backends/opencl/pool/maximum.h"

typedef struct {
  dg_cl_op op;
  cl_kernel forward; /* of the average */
  cl_kernel backward;
  cl_kernel backward_2x2; /* NULL where it doesn't serve */
  dg_cl_maximum maximum;
  uint32_t out_h, out_w;
} pool_op;

static bool prepare(dg_cl_op *op, const char *backward, dg_error *err) {
  pool_op *self = (pool_op *)op;
  const dg_pool2d_desc *d = &op->base.desc.pool2d;
  self->out_h = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h);
  self->out_w = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w);
  self->backward = dg_cl_kernel(op, DG_CL_ELEMENTS, backward, err);
  return self->backward;
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

static bool max_supports(const dg_cl_device *device, const dg_op_desc *desc) {
  (void)device;
  return dg_cl_maximum_fits(&desc->pool2d);
}

static bool max_prepare(dg_cl_op *op, dg_error *err) {
  pool_op *self = (pool_op *)op;
  if (!prepare(op, "max_backward", err) ||
      !dg_cl_maximum_prepare(op, &op->base.desc.pool2d, &self->maximum, err))
    return false;
  if (op->train)
    op->base.needs.kept = sizeof(cl_ushort) * op->base.max_n * op->base.desc.pool2d.channels *
                          self->out_h * self->out_w;
  if (!self->maximum.is_2x2 || op->base.desc.d_in[0] == DG_GRAD_ADD) return true;
  self->backward_2x2 = dg_cl_kernel(op, DG_CL_ELEMENTS, "max_backward_2x2", err);
  return self->backward_2x2;
}

static bool max_forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  return dg_cl_maximum_find(op, &((pool_op *)op)->maximum,
                            &(dg_cl_maxima){.from = b->in[0],
                                            .to = b->out[0],
                                            .places = b->kept,
                                            .planes = step->n * op->base.desc.pool2d.channels,
                                            .keep = step->train && b->kept},
                            err);
}

static bool max_backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const pool_op *self = (pool_op *)op;
  const dg_pool2d_desc *d = &op->base.desc.pool2d;
  const dg_grad_mode mode = op->base.desc.d_in[0];
  const uint32_t planes = step->n * d->channels, lines = planes * self->out_h;
  if (mode == DG_GRAD_NONE) return true;
  if (self->backward_2x2)
    return dg_cl_launch(op, self->backward_2x2,
                        dg_cl_range_of((size_t[3]){lines, 1, 1}, (size_t[3]){16, 1, 1}),
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
  pool_op *self = (pool_op *)op;
  self->forward = dg_cl_kernel(op, DG_CL_ELEMENTS, "average_forward", err);
  return self->forward && prepare(op, "average_backward", err);
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
