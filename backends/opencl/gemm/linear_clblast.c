/* Linear layers by CLBlast; its products need no kernel of ours but for the bias. */
#include "backends/opencl/runtime/clblast.h"

typedef struct {
  dg_cl_op op;
  cl_kernel add_rows, sum_columns;
} blast_op;

static bool supports(const dg_cl_device *device, const dg_op_desc *desc) {
  (void)device;
  return desc->linear.act.kind == DG_ACT_NONE && desc->linear.drop.rate == 0;
}

/* The products for n samples; their buffers are not filled in where `b` is NULL. */

static dg_cl_blast_product forward_product(const dg_op_desc *desc, const dg_op_buffers *b,
                                           uint32_t n) {
  return (dg_cl_blast_product){.a = b ? b->in[0] : NULL,
                               .b = b ? b->param[0] : NULL,
                               .c = b ? b->out[0] : NULL,
                               .b_transposed = true,
                               .rows = n,
                               .columns = desc->linear.out,
                               .depth = desc->linear.in};
}

static dg_cl_blast_product d_weight_product(const dg_op_desc *desc, const dg_op_buffers *b,
                                            uint32_t n) {
  return (dg_cl_blast_product){.a = b ? b->d_out : NULL,
                               .b = b ? b->in[0] : NULL,
                               .c = b ? b->d_param[0] : NULL,
                               .a_transposed = true,
                               .rows = desc->linear.out,
                               .columns = desc->linear.in,
                               .depth = n};
}

static dg_cl_blast_product d_in_product(const dg_op_desc *desc, const dg_op_buffers *b,
                                        uint32_t n) {
  return (dg_cl_blast_product){.a = b ? b->d_out : NULL,
                               .b = b ? b->param[0] : NULL,
                               .c = b ? b->d_in[0] : NULL,
                               .add = desc->d_in[0] == DG_GRAD_ADD,
                               .rows = n,
                               .columns = desc->linear.in,
                               .depth = desc->linear.out};
}

typedef dg_cl_blast_product product_of(const dg_op_desc *desc, const dg_op_buffers *b, uint32_t n);

/* Raises `bytes` to what a product wants for any number of samples: a smaller one may want more. */
static bool plan_product(dg_cl_op *op, product_of *product, size_t *bytes, dg_error *err) {
  for (uint32_t n = 1; n <= op->base.max_n; n++) {
    const dg_cl_blast_product p = product(&op->base.desc, NULL, n);
    size_t wanted = 0;
    if (!dg_cl_blast_workspace(op, &p, &wanted, err)) return false;
    if (wanted > *bytes) *bytes = wanted;
  }
  return true;
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  blast_op *self = (blast_op *)op;
  dg_op_needs *needs = &op->base.needs;
  self->add_rows = dg_cl_kernel(op, DG_CL_ELEMENTS, "add_rows", err);
  self->sum_columns = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum_columns", err);
  if (!self->add_rows || !self->sum_columns) return false;
  if (!plan_product(op, forward_product, &needs->forward_workspace, err)) return false;
  if (!op->train) return true;
  needs->backward_reads_in = true;
  return plan_product(op, d_weight_product, &needs->backward_workspace, err) &&
         (op->base.desc.d_in[0] == DG_GRAD_NONE ||
          plan_product(op, d_in_product, &needs->backward_workspace, err));
}

static bool run_product(dg_cl_op *op, product_of *product, const dg_op_buffers *b, uint32_t n,
                        dg_error *err) {
  const dg_cl_blast_product p = product(&op->base.desc, b, n);
  return dg_cl_blast(op, &p, b->workspace, err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const blast_op *self = (blast_op *)op;
  const dg_linear_desc *d = &op->base.desc.linear;
  return run_product(op, forward_product, b, step->n, err) &&
         (!d->bias ||
          dg_cl_launch(op, self->add_rows, dg_cl_blocks(op->device, d->out, step->n),
                       DG_CL_ARGS(dg_cl_mem(b->param[1]), dg_cl_mem(b->out[0]), dg_cl_u32(d->out)),
                       err));
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const blast_op *self = (blast_op *)op;
  const dg_linear_desc *d = &op->base.desc.linear;
  return run_product(op, d_weight_product, b, step->n, err) &&
         (!d->bias ||
          dg_cl_launch(op, self->sum_columns, dg_cl_blocks(op->device, d->out, 1),
                       DG_CL_ARGS(dg_cl_mem(b->d_out), dg_cl_u32(0), dg_cl_mem(b->d_param[1]),
                                  dg_cl_u32(step->n), dg_cl_u32(d->out)),
                       err)) &&
         (op->base.desc.d_in[0] == DG_GRAD_NONE || run_product(op, d_in_product, b, step->n, err));
}

const dg_cl_family dg_cl_linear_clblast = {
    .size = sizeof(blast_op),
    .supports = supports,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
