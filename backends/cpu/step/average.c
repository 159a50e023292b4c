#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

/** Elements processed at a time. */
enum { BLOCK = 512 };

static bool supports(const dg_op_desc *desc) {
  return desc->average.count > 0 && desc->average.count % 16 == 0;
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const float *values = dg_floats(region->buffers->in[0]);
  float *average = dg_floats(region->buffers->out[0]);
  float decay = region->step->decay, rest = 1 - decay;
  dg_span part = dg_cpu_grains(region->op->desc.average.count, BLOCK, region->pieces, piece);
  (void)worker;
  for (size_t i = part.begin; i < part.end; i++) average[i] = decay * average[i] + rest * values[i];
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  size_t count = op->desc.average.count;
  dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(count, count), forward_piece);
}

static const dg_cpu_implementation forward_by_elements = {"elements", NULL, NULL, forward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_average) = {supports, {&forward_by_elements}, {NULL}};
