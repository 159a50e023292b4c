#include <string.h>

#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

static bool supports(const dg_op_desc *desc) {
  const dg_concat_desc *d = &desc->concat;
  if (d->rows == 0 || d->inputs < 2 || d->inputs > DG_MAX_IN) return false;
  for (uint32_t k = 0; k < d->inputs; k++)
    if (d->count[k] == 0) return false;
  return true;
}

/** Numbers in a row of the output. */
static size_t row_of(const dg_concat_desc *d) {
  size_t row = 0;
  for (uint32_t k = 0; k < d->inputs; k++) row += d->count[k];
  return row;
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_concat_desc *d = &op->desc.concat;
  size_t row = row_of(d), rows = (size_t)step->n * d->rows;
#pragma omp parallel for schedule(static) num_threads(dg_cpu_threads(op->device, rows *row))
  for (size_t r = 0; r < rows; r++) {
    float *to = dg_floats(buffers->out[0]) + r * row;
    for (uint32_t k = 0; k < d->inputs; k++) {
      memcpy(to, dg_floats(buffers->in[k]) + r * d->count[k], d->count[k] * sizeof *to);
      to += d->count[k];
    }
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_concat_desc *d = &op->desc.concat;
  size_t row = row_of(d), rows = (size_t)step->n * d->rows;
#pragma omp parallel for schedule(static) num_threads(dg_cpu_threads(op->device, rows *row))
  for (size_t r = 0; r < rows; r++) {
    const float *from = dg_floats(buffers->d_out) + r * row;
    for (uint32_t k = 0; k < d->inputs; k++) {
      dg_grad_mode mode = op->desc.d_in[k];
      if (mode != DG_GRAD_NONE)
        dg_grad_put(mode, d->count[k], from, dg_floats(buffers->d_in[k]) + r * d->count[k]);
      from += d->count[k];
    }
  }
}

static const dg_cpu_implementation forward_by_rows = {"rows", NULL, NULL, forward},
                                   backward_by_rows = {"rows", NULL, NULL, backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_concat) = {
    supports, {&forward_by_rows}, {&backward_by_rows}};
