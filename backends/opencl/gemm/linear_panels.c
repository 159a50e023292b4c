/* Linear layers that only test, in tile form: their weights stay in panels. */
#include "backends/opencl/elementwise/leaky.h"
#include "backends/opencl/gemm/linear.h"
#include "backends/opencl/gemm/panels.h"

typedef struct {
  dg_cl_op op;
  cl_kernel product;
  dg_cl_panels panels;
} panels_op;

static bool fits(const dg_cl_device *device, const dg_op_desc *desc, uint32_t max_n, bool train) {
  (void)desc, (void)max_n;
  return !train && device->form == DG_CL_TILE;
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  panels_op *self = (panels_op *)op;
  const dg_linear_desc *d = &op->desc.linear;
  if (!dg_cl_check_count((uint64_t)d->in * d->out, err)) return false;
  self->product = dg_cl_kernel(op, DG_CL_PANELS, "panels", err);
  return self->product &&
         dg_cl_panels_prepare(op, &self->panels, d->out, d->in, DG_CL_PANEL_VECTORS, err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  panels_op *self = (panels_op *)op;
  const dg_linear_desc *d = &op->desc.linear;
  return dg_cl_panels_fill(op, &self->panels, b->param[0], d->bias ? b->param[1] : NULL, err) &&
         dg_cl_launch(op, self->product, dg_cl_panels_range(&self->panels, step->n),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_u32(d->in),
                                 dg_cl_mem(self->panels.panels), dg_cl_u32(d->in),
                                 dg_cl_f32(dg_cl_leaky_slope(d->act)), dg_cl_mem(b->out[0]),
                                 dg_cl_u32(d->out), dg_cl_u32(step->n), dg_cl_u32(d->out)),
                      err);
}

const dg_cl_implementation dg_cl_linear_panels = {
    .name = "panels", .fits = fits, .size = sizeof(panels_op), .prepare = prepare, .run = forward};
