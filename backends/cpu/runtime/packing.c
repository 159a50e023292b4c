/** What ops that only test keep of their parameters from run to run. */
#include <stdlib.h>

#include "backends/cpu/runtime/cpu.h"

struct dg_cpu_packing {
  float *data;
  uint64_t made_of[DG_MAX_PARAM][2]; /**< versions: a parameter's, its parent's; 0: none */
};

bool dg_cpu_keep_packing(dg_cpu_op *op, size_t floats, dg_error *err) {
  size_t bytes = dg_round_up(floats) * sizeof(float);
  if (op->planned) return true;
  op->packing = calloc(1, sizeof *op->packing);
  if (op->packing) op->packing->data = aligned_alloc(DG_CPU_ALIGNMENT, bytes);
  return (op->packing && op->packing->data) || dg_fail_memory(err, bytes);
}

void dg_cpu_packing_free(dg_cpu_packing *packing) {
  if (packing) free(packing->data);
  free(packing);
}

float *dg_cpu_packed(const dg_cpu_op *op, const dg_op_buffers *buffers, float *workspace,
                     bool *pack) {
  dg_cpu_packing *kept = op->packing;
  *pack = !kept;
  if (!kept) return workspace;
  for (size_t i = 0; i < DG_MAX_PARAM; i++) {
    const dg_buffer *param = buffers->param[i];
    uint64_t *made_of = kept->made_of[i], own = param ? param->version : 0;
    uint64_t parents = param && param->parent ? param->parent->version : 0;
    if (own != made_of[0] || parents != made_of[1]) *pack = true;
    made_of[0] = own, made_of[1] = parents;
  }
  return kept->data;
}
