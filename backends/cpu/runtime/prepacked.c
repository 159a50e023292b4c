#include "backends/cpu/runtime/prepacked.h"

#include <stdlib.h>

struct dg_cpu_prepacked {
  float *data;
  uint64_t made_of[DG_MAX_PARAM][2]; /**< versions: a parameter's, its parent's; 0: none */
};

dg_cpu_prepacked *dg_cpu_prepacked_new(size_t floats, dg_error *err) {
  size_t bytes = dg_round_up(floats) * sizeof(float);
  dg_cpu_prepacked *prepacked = calloc(1, sizeof *prepacked);
  if (prepacked) prepacked->data = aligned_alloc(DG_CPU_ALIGNMENT, bytes);
  if (prepacked && prepacked->data) return prepacked;
  free(prepacked);
  dg_fail_memory(err, bytes);
  return NULL;
}

void dg_cpu_prepacked_free(dg_cpu_prepacked *prepacked) {
  if (prepacked) free(prepacked->data);
  free(prepacked);
}

float *dg_cpu_prepacked_for(dg_cpu_prepacked *prepacked, const dg_op_buffers *buffers, bool *pack) {
  *pack = false;
  for (size_t i = 0; i < DG_MAX_PARAM; i++) {
    const dg_buffer *param = buffers->param[i];
    uint64_t *made_of = prepacked->made_of[i], own = param ? param->version : 0;
    uint64_t parents = param && param->parent ? param->parent->version : 0;
    if (own != made_of[0] || parents != made_of[1]) *pack = true;
    made_of[0] = own, made_of[1] = parents;
  }
  return prepacked->data;
}
