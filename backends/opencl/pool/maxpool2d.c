/* Max pooling; forward saves the indices of the maxima for backward. */
#include "backends/opencl/pool/maxpool.h"
#include "backends/opencl/pool/pool2d.h"
#include "backends/opencl/runtime/implementation.h"

static bool supports(const dg_cl_device *device, const dg_op_desc *desc) {
  (void)device;
  return dg_cl_maxpool_fits(&desc->pool2d);
}

/* ---- forward ------------------------------------------------------------ */

typedef struct {
  dg_cl_op op;
  dg_cl_maxpool maximum;
} forward_op;

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  return dg_cl_maxpool_prepare(op, &op->desc.pool2d, &((forward_op *)op)->maximum, err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  return dg_cl_maxpool_run(op, &((forward_op *)op)->maximum,
                           &(dg_cl_maxpool_args){.from = b->in[0],
                                                 .to = b->out[0],
                                                 .places = b->saved,
                                                 .planes = step->n * op->desc.pool2d.channels,
                                                 .keep = step->train && b->saved},
                           err);
}

static const dg_cl_implementation maximum_forward = {.name = "maximum",
                                                     .saved = DG_CL_SAVED_PLACES,
                                                     .size = sizeof(forward_op),
                                                     .prepare = prepare_forward,
                                                     .run = forward};

/* ---- backward ----------------------------------------------------------- */

static bool prepare_backward(dg_cl_op *op, const char *kernel, dg_error *err) {
  const dg_cl_pool2d_op *self = (dg_cl_pool2d_op *)op;
  if (!dg_cl_pool2d_prepare(op, kernel, err)) return false;
  op->needs.saved =
      sizeof(cl_ushort) * op->max_n * op->desc.pool2d.channels * self->out_h * self->out_w;
  return true;
}

static bool fits_2x2(const dg_cl_device *device, const dg_op_desc *desc, uint32_t max_n,
                     bool train) {
  (void)max_n, (void)train;
  return dg_cl_maxpool_is_2x2(device, &desc->pool2d) && desc->d_in[0] != DG_GRAD_ADD;
}

static bool prepare_2x2(dg_cl_op *op, dg_error *err) {
  return prepare_backward(op, "max_backward_2x2", err);
}

static bool backward_2x2(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_cl_pool2d_op *self = (dg_cl_pool2d_op *)op;
  const uint32_t lines = step->n * op->desc.pool2d.channels * self->out_h;
  if (op->desc.d_in[0] == DG_GRAD_NONE) return true;
  return dg_cl_launch(op, self->kernel,
                      dg_cl_range_of((size_t[3]){lines, 1, 1}, (size_t[3]){16, 1, 1}),
                      DG_CL_ARGS(dg_cl_mem(b->d_out), dg_cl_mem(b->saved), dg_cl_mem(b->d_in[0]),
                                 dg_cl_u32(self->out_w), dg_cl_u32(lines)),
                      err);
}

static const dg_cl_implementation by_2x2 = {.name = "2x2",
                                            .saved = DG_CL_SAVED_PLACES,
                                            .fits = fits_2x2,
                                            .size = sizeof(dg_cl_pool2d_op),
                                            .prepare = prepare_2x2,
                                            .run = backward_2x2};

static bool prepare_windows(dg_cl_op *op, dg_error *err) {
  return prepare_backward(op, "max_backward", err);
}

static bool backward_windows(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step,
                             dg_error *err) {
  const dg_pool2d_desc *d = &op->desc.pool2d;
  const dg_grad_mode mode = op->desc.d_in[0];
  if (mode == DG_GRAD_NONE) return true;
  return dg_cl_pool2d_run(op,
                          &(dg_cl_pool2d_launch){.width = d->width,
                                                 .height = d->height,
                                                 .planes = step->n * d->channels,
                                                 .buffers = {b->d_out, b->saved, b->d_in[0]},
                                                 .flag = mode == DG_GRAD_ADD},
                          err);
}

static const dg_cl_implementation by_windows = {.name = "windows",
                                                .saved = DG_CL_SAVED_PLACES,
                                                .size = sizeof(dg_cl_pool2d_op),
                                                .prepare = prepare_windows,
                                                .run = backward_windows};

const dg_cl_family dg_cl_maxpool2d = {
    .supports = supports, .forward = {&maximum_forward}, .backward = {&by_2x2, &by_windows}};
