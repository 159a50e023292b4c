#include "backends/cpu/runtime/op.h"

void dg_cpu_run_region(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step,
                       size_t pieces, dg_piece run) {
  const dg_cpu_region region = {op, buffers, step, pieces};
  dg_cpu_run_pieces(op->device, pieces, run, &region, sizeof region);
}

size_t dg_cpu_parts(const dg_cpu_op *op, size_t samples, size_t floats, size_t operations) {
  enum { MOST = 8, COST = 16 }; /* COST: per number of a part, in operations */
  size_t parts = MOST, threads = (size_t)op->device->threads;
  if (op->device->is_split || dg_cpu_pieces(samples, operations) == 1) return 1;
  while (parts > DG_LEAST_PARTS && parts * floats > operations / 100 / COST) parts /= 2;
  if (!op->desc.exact && parts < threads) parts = threads;
  return parts < samples ? parts : samples;
}

bool dg_cpu_keep_prepacked(dg_cpu_op *op, size_t floats, dg_error *err) {
  if (op->planned) return true;
  op->prepacked = dg_cpu_prepacked_new(floats, err);
  return op->prepacked != NULL;
}

float *dg_cpu_packed(const dg_cpu_op *op, const dg_op_buffers *buffers, float *workspace,
                     bool *pack) {
  *pack = true;
  return op->prepacked ? dg_cpu_prepacked_for(op->prepacked, buffers, pack) : workspace;
}
