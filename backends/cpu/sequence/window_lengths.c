#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

static bool supports(const dg_op_desc *desc) {
  return desc->d_in[0] == DG_GRAD_NONE;
}

static void forward_all(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const float *from = dg_floats(region->buffers->in[0]);
  float *to = dg_floats(region->buffers->out[0]);
  (void)piece, (void)worker;
  for (size_t s = 0; s < region->step->n; s++)
    to[s] = (float)dg_window_length(&region->op->desc.window_lengths,
                                    dg_length_of(from[s], DG_LENGTH_MOST));
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  dg_cpu_run_region(op, buffers, step, 1, forward_all);
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  (void)op, (void)buffers, (void)step; /* lengths have no gradient */
}

static const dg_cpu_implementation forward_at_once = {"at once", NULL, NULL, forward},
                                   backward_of_none = {"none", NULL, NULL, backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_window_lengths) = {
    supports, {&forward_at_once}, {&backward_of_none}};
