/* Linear layers by CLBlast; only the bias needs a kernel of ours. */
#include "backends/opencl/elementwise/sum_columns.h"
#include "backends/opencl/gemm/linear.h"
#include "backends/opencl/runtime/clblast.h"

bool dg_cl_linear_clblast_fits(const dg_cl_device *device, const dg_op_desc *desc, uint32_t max_n,
                               bool train) {
  enum { LARGE = 1 << 16 };
  const dg_linear_desc *d = &desc->linear;
  (void)max_n, (void)train;
  return device->blast == DG_CL_BLAST_ALWAYS ||
         (device->blast == DG_CL_BLAST_LARGE && (uint64_t)d->in * d->out >= LARGE);
}

/* ---- products ----------------------------------------------------------- */

/* The products for n rows; their buffers are not set if `b` is NULL. */

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

/* Raises `bytes` to what a product needs for any number of samples: smaller ones may need more. */
static bool plan_product(dg_cl_op *op, product_of *product, size_t *bytes, dg_error *err) {
  for (uint32_t n = 1; n <= op->max_n; n++) {
    const dg_cl_blast_product p = product(&op->desc, NULL, n * dg_linear_rows(&op->desc.linear));
    size_t wanted = 0;
    if (!dg_cl_blast_workspace(op, &p, &wanted, err)) return false;
    if (wanted > *bytes) *bytes = wanted;
  }
  return true;
}

static bool run_product(dg_cl_op *op, product_of *product, const dg_op_buffers *b, uint32_t n,
                        dg_error *err) {
  const dg_cl_blast_product p = product(&op->desc, b, n * dg_linear_rows(&op->desc.linear));
  return dg_cl_blast(op, &p, b->workspace, err);
}

/* ---- forward ------------------------------------------------------------ */

typedef struct {
  dg_cl_op op;
  cl_kernel add_rows;
} forward_op;

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  forward_op *self = (forward_op *)op;
  self->add_rows = dg_cl_kernel(op, DG_CL_ELEMENTS, "add_rows", err);
  return self->add_rows && plan_product(op, forward_product, &op->needs.workspace, err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const forward_op *self = (forward_op *)op;
  const dg_linear_desc *d = &op->desc.linear;
  return run_product(op, forward_product, b, step->n, err) &&
         (!d->bias ||
          dg_cl_launch(op, self->add_rows,
                       dg_cl_blocks(op->device, d->out, (size_t)step->n * dg_linear_rows(d)),
                       DG_CL_ARGS(dg_cl_mem(b->param[1]), dg_cl_mem(b->out[0]), dg_cl_u32(d->out)),
                       err));
}

const dg_cl_implementation dg_cl_linear_clblast_forward = {.name = "clblast",
                                                           .fits = dg_cl_linear_clblast_fits,
                                                           .size = sizeof(forward_op),
                                                           .prepare = prepare_forward,
                                                           .run = forward};

/* ---- backward ----------------------------------------------------------- */

typedef struct {
  dg_cl_op op;
  cl_kernel sum_columns;
} backward_op;

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  backward_op *self = (backward_op *)op;
  op->needs.reads_in = true;
  self->sum_columns = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum_columns", err);
  return self->sum_columns && plan_product(op, d_weight_product, &op->needs.workspace, err) &&
         (op->desc.d_in[0] == DG_GRAD_NONE ||
          plan_product(op, d_in_product, &op->needs.workspace, err));
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const backward_op *self = (backward_op *)op;
  const dg_linear_desc *d = &op->desc.linear;
  return run_product(op, d_weight_product, b, step->n, err) &&
         (!d->bias || dg_cl_sum_columns(op, self->sum_columns, b->d_out, 0, b->d_param[1],
                                        step->n * dg_linear_rows(d), d->out, err)) &&
         (op->desc.d_in[0] == DG_GRAD_NONE || run_product(op, d_in_product, b, step->n, err));
}

const dg_cl_implementation dg_cl_linear_clblast_backward = {.name = "clblast",
                                                            .fits = dg_cl_linear_clblast_fits,
                                                            .size = sizeof(backward_op),
                                                            .prepare = prepare_backward,
                                                            .run = backward};
