/* Adds to each step what tells its position (cl/attention/embedding.cl). */
#include <stdlib.h>

#include "backends/opencl/elementwise/sum_columns.h"
#include "backends/opencl/runtime/implementation.h"

typedef struct {
  dg_cl_op op;
  cl_kernel kernel, sum_columns;
  const dg_buffer *table; /* NULL: the weight is the table */
} positions_op;

static uint32_t count_of(const dg_cl_op *op) {
  return op->desc.positions.steps * op->desc.positions.width;
}

/* ---- forward ------------------------------------------------------------ */

static bool make_table(positions_op *self, dg_error *err) {
  const dg_positions_desc *d = &self->op.desc.positions;
  const size_t bytes = count_of(&self->op) * sizeof(float);
  float *table = malloc(bytes);
  if (!table) return dg_fail_memory(err, bytes);
  for (uint32_t step = 0; step < d->steps; step++)
    for (uint32_t f = 0; f < d->width; f++)
      table[(size_t)step * d->width + f] = (float)dg_position_of(d, step, f);
  self->table = dg_cl_table(&self->op, table, bytes, err);
  free(table);
  return self->table;
}

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  positions_op *self = (positions_op *)op;
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, "positions_forward", err);
  if (!self->kernel) return false;
  return !op->desc.positions.sinusoidal || op->planned || make_table(self, err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const positions_op *self = (positions_op *)op;
  return dg_cl_launch(op, self->kernel, dg_cl_blocks(op->device, count_of(op), step->n),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]),
                                 dg_cl_mem(self->table ? self->table : b->param[0]),
                                 dg_cl_mem(b->out[0]), dg_cl_u32(count_of(op))),
                      err);
}

/* ---- backward ----------------------------------------------------------- */

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  positions_op *self = (positions_op *)op;
  self->kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, "copy", err);
  self->sum_columns = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum_columns", err);
  return self->kernel && self->sum_columns;
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const positions_op *self = (positions_op *)op;
  const dg_grad_mode mode = op->desc.d_in[0];
  const uint32_t all = step->n * count_of(op);
  if (mode != DG_GRAD_NONE &&
      !dg_cl_launch(op, self->kernel, dg_cl_blocks(op->device, all, 1),
                    DG_CL_ARGS(dg_cl_mem(b->d_out), dg_cl_mem(b->d_in[0]), dg_cl_u32(all),
                               dg_cl_u32(mode == DG_GRAD_ADD)),
                    err))
    return false;
  return op->desc.positions.sinusoidal ||
         dg_cl_sum_columns(op, self->sum_columns, b->d_out, 0, b->d_param[0], step->n, count_of(op),
                           err);
}

static const dg_cl_implementation blocks_forward = {
    .name = "blocks", .size = sizeof(positions_op), .prepare = prepare_forward, .run = forward};
static const dg_cl_implementation blocks_backward = {
    .name = "blocks", .size = sizeof(positions_op), .prepare = prepare_backward, .run = backward};

const dg_cl_family dg_cl_positions = {.forward = {&blocks_forward}, .backward = {&blocks_backward}};
