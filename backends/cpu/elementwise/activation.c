#include "backends/cpu/elementwise/act.h"
#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

/** Elements processed at a time. */
enum { BLOCK = 256 };

static bool supports(const dg_op_desc *desc) {
  return desc->activation.count > 0 && dg_act_supported(desc->activation.act);
}

static bool prepare_backward(dg_cpu_op *op, dg_error *err) {
  (void)err;
  op->needs.reads_out = true;
  return true;
}

static size_t total_of(const dg_cpu_op *op, const dg_step *step) {
  return (size_t)step->n * op->desc.activation.count;
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const float *x = dg_floats(region->buffers->in[0]);
  float *y = dg_floats(region->buffers->out[0]);
  dg_span part = dg_cpu_grains(total_of(region->op, region->step), BLOCK, region->pieces, piece);
  (void)worker;
  dg_act_forward(region->op->desc.activation.act, part.end - part.begin, x + part.begin,
                 y + part.begin);
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  size_t total = total_of(op, step);
  dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(total, total), forward_piece);
}

static void backward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_op_desc *desc = &region->op->desc;
  const float *y = dg_floats(region->buffers->out[0]), *d_y = dg_floats(region->buffers->d_out);
  float *dx = dg_floats(region->buffers->d_in[0]);
  dg_span part = dg_cpu_grains(total_of(region->op, region->step), BLOCK, region->pieces, piece);
  (void)worker;
  for (size_t i = part.begin; i < part.end; i += BLOCK) {
    float block[BLOCK];
    size_t count = part.end - i < BLOCK ? part.end - i : BLOCK;
    dg_act_backward(desc->activation.act, count, y + i, d_y + i, block);
    dg_grad_store(desc->d_in[0], count, block, dx + i);
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  size_t total = total_of(op, step);
  if (op->desc.d_in[0] == DG_GRAD_NONE) return;
  dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(total, total), backward_piece);
}

static const dg_cpu_implementation forward_by_elements = {"elements", NULL, NULL, forward},
                                   backward_by_elements = {"elements", NULL, prepare_backward,
                                                           backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_activation) = {
    supports, {&forward_by_elements}, {&backward_by_elements}};
