/** What goes over all parameters alike: their moving average, and sums of their gradients. */
#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

/** Elements handled at a time. */
enum { BLOCK = 512 };

static bool is_whole(uint32_t count) {
  return count > 0 && count % 16 == 0;
}

static void average_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const float *values = dg_floats(region->buffers->in[0]);
  float *average = dg_floats(region->buffers->out[0]);
  float decay = region->step->decay, rest = 1 - decay;
  dg_span part = dg_cpu_grains(region->op->desc.average.count, BLOCK, region->pieces, piece);
  (void)worker;
  for (size_t i = part.begin; i < part.end; i++) average[i] = decay * average[i] + rest * values[i];
}

static void average(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  size_t count = op->desc.average.count;
  dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(count, count), average_piece);
}

static void accumulate_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const float *values = dg_floats(region->buffers->in[0]);
  float *sums = dg_floats(region->buffers->out[0]);
  dg_span part = dg_cpu_grains(region->op->desc.accumulate.count, BLOCK, region->pieces, piece);
  (void)worker;
  for (size_t i = part.begin; i < part.end; i++) sums[i] += values[i];
}

static void accumulate(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  size_t count = op->desc.accumulate.count;
  dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(count, count), accumulate_piece);
}

static bool averages(const dg_op_desc *desc) {
  return is_whole(desc->average.count);
}

static bool accumulates(const dg_op_desc *desc) {
  return is_whole(desc->accumulate.count);
}

static const dg_cpu_implementation average_elements = {"elements", NULL, NULL, average},
                                   accumulate_elements = {"elements", NULL, NULL, accumulate};

const dg_cpu_family DG_ISA_NAME(dg_cpu_average) = {averages, {&average_elements}, {NULL}};
const dg_cpu_family DG_ISA_NAME(dg_cpu_accumulate) = {accumulates, {&accumulate_elements}, {NULL}};
