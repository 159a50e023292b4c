#include "backends/cpu/runtime/op.h"
#include "backends/cpu/runtime/isa.h"

/** Elements handled at a time. */
enum { BLOCK = 512 };

static bool supports(const dg_op_desc *desc) {
  return desc->average.count > 0 && desc->average.count % 16 == 0;
}

static bool prepare(dg_cpu_op *op, bool train, dg_error *err) {
  (void)op, (void)train, (void)err;
  return true;
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  size_t count = op->base.desc.average.count;
  const float *values = dg_floats(buffers->in[0]);
  float *average = dg_floats(buffers->out[0]), decay = step->decay, rest = 1 - decay;
#pragma omp parallel num_threads(dg_cpu_threads(op->device, count))
  {
    dg_span part = dg_cpu_share(count, BLOCK);
    for (size_t i = part.begin; i < part.end; i++)
      average[i] = decay * average[i] + rest * values[i];
  }
}

const dg_cpu_family DG_ISA_NAME(dg_cpu_average) = {supports, prepare, forward, NULL};
