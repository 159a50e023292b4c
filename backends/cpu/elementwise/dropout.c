#include "backends/cpu/elementwise/drop.h"
#include "backends/cpu/runtime/implementation.h"

#include <string.h>

static bool supports(const dg_op_desc *desc) {
  return desc->dropout.count > 0 && desc->dropout.rate >= 0 && desc->dropout.rate < 1;
}

static dg_drop drop_of(const dg_dropout_desc *desc) {
  return (dg_drop){desc->rate, desc->stream};
}

static bool prepare_backward(dg_cpu_op *op, dg_error *err) {
  (void)err;
  op->needs.kept = (size_t)op->max_n * op->desc.dropout.count;
  return true;
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_dropout_desc *desc = &op->desc.dropout;
  dg_mask mask = dg_mask_of(drop_of(desc), step);
  const float *x = dg_floats(buffers->in[0]);
  float *y = dg_floats(buffers->out[0]);
  size_t total = (size_t)step->n * desc->count;
  if (!step->train) {
    memcpy(y, x, total * sizeof *y);
    return;
  }
  uint8_t *stays = buffers->kept ? (uint8_t *)buffers->kept->data : NULL; /* nothing goes back */
#pragma omp parallel for schedule(static) num_threads(dg_cpu_threads(op->device, 8 * total))
  for (uint32_t s = 0; s < step->n; s++) {
    size_t at = (size_t)s * desc->count;
    dg_mask_put(&mask, s, 0, desc->count, x + at, y + at, stays ? stays + at : NULL);
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  enum { GRAIN = 128 };
  const dg_dropout_desc *desc = &op->desc.dropout;
  float scale = dg_drop_scale(drop_of(desc));
  const uint8_t *restrict stays = (const uint8_t *)buffers->kept->data;
  const float *restrict d_y = dg_floats(buffers->d_out);
  float *restrict dx = dg_floats(buffers->d_in[0]);
  size_t total = (size_t)step->n * desc->count;
  dg_grad_mode mode = op->desc.d_in[0];
  if (mode == DG_GRAD_NONE) return;
#pragma omp parallel num_threads(dg_cpu_threads(op->device, total))
  {
    dg_span part = dg_cpu_share(total, GRAIN);
    if (mode == DG_GRAD_WRITE)
      for (size_t i = part.begin; i < part.end; i++) dx[i] = stays[i] ? d_y[i] * scale : 0;
    else
      for (size_t i = part.begin; i < part.end; i++) dx[i] += stays[i] ? d_y[i] * scale : 0;
  }
}

static const dg_cpu_implementation forward_by_elements = {"elements", NULL, NULL, forward},
                                   backward_by_elements = {"elements", NULL, prepare_backward,
                                                           backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_dropout) = {
    supports, {&forward_by_elements}, {&backward_by_elements}};
