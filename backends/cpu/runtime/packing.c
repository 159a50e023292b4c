#include "backends/cpu/runtime/packing.h"

#include <stdlib.h>

struct dg_cpu_packing {
  float *data;
  uint64_t made_of[DG_MAX_PARAM][2]; /**< versions: a parameter's, its parent's; 0: none */
};

dg_cpu_packing *dg_cpu_packing_new(size_t floats, dg_error *err) {
  size_t bytes = dg_round_up(floats) * sizeof(float);
  dg_cpu_packing *packing = calloc(1, sizeof *packing);
  if (packing) packing->data = aligned_alloc(DG_CPU_ALIGNMENT, bytes);
  if (packing && packing->data) return packing;
  free(packing);
  dg_fail_memory(err, bytes);
  return NULL;
}

void dg_cpu_packing_free(dg_cpu_packing *packing) {
  if (packing) free(packing->data);
  free(packing);
}

float *dg_cpu_packing_for(dg_cpu_packing *packing, const dg_op_buffers *buffers, bool *pack) {
  *pack = false;
  for (size_t i = 0; i < DG_MAX_PARAM; i++) {
    const dg_buffer *param = buffers->param[i];
    uint64_t *made_of = packing->made_of[i], own = param ? param->version : 0;
    uint64_t parents = param && param->parent ? param->parent->version : 0;
    if (own != made_of[0] || parents != made_of[1]) *pack = true;
    made_of[0] = own, made_of[1] = parents;
  }
  return packing->data;
}
