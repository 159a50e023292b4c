/* Linear layers that aren't trained, in tile form: packed weights are cached. If there are several
   rows a sample, it pays to pack them in every step of training, too. */
#include "backends/opencl/elementwise/leaky.h"
#include "backends/opencl/gemm/linear.h"
#include "backends/opencl/gemm/packed.h"

typedef struct {
  dg_cl_op op;
  cl_kernel product;
  dg_cl_packed packed;
} packed_op;

static bool fits(const dg_cl_device *device, const dg_op_desc *desc, uint32_t max_n, bool train) {
  (void)max_n;
  return device->form == DG_CL_TILE && (!train || dg_linear_rows(&desc->linear) > 1);
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  packed_op *self = (packed_op *)op;
  const dg_linear_desc *d = &op->desc.linear;
  if (!dg_cl_check_count((uint64_t)d->in * d->out, err)) return false;
  self->product = dg_cl_kernel(op, DG_CL_GEMM_PACKED, "gemm_packed", err);
  return self->product &&
         dg_cl_packed_prepare(op, &self->packed, d->out, d->in, DG_CL_PANEL_VECTORS, err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  packed_op *self = (packed_op *)op;
  const dg_linear_desc *d = &op->desc.linear;
  const uint32_t rows = step->n * dg_linear_rows(d);
  return dg_cl_packed_fill(op, &self->packed, b->param[0], d->bias ? b->param[1] : NULL, err) &&
         dg_cl_launch(op, self->product, dg_cl_packed_range(&self->packed, rows),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_u32(d->in),
                                 dg_cl_mem(self->packed.panels), dg_cl_u32(d->in),
                                 dg_cl_f32(dg_cl_leaky_slope(d->act)), dg_cl_mem(b->out[0]),
                                 dg_cl_u32(d->out), dg_cl_u32(rows), dg_cl_u32(d->out)),
                      err);
}

const dg_cl_implementation dg_cl_linear_packed = {
    .name = "packed", .fits = fits, .size = sizeof(packed_op), .prepare = prepare, .run = forward};
