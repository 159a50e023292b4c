#include "backends/cpu/runtime/prepacked.h"

#include <stdlib.h>

/** A parameter when it was packed: its memory, and the version of the buffer. */
typedef struct {
  const float *data;
  uint64_t version;
} source;

struct dg_cpu_prepacked {
  float *data;
  size_t floats, ops; /**< number of ops that share it */
  source made_of[DG_MAX_PARAM];
};

dg_cpu_prepacked *dg_cpu_prepacked_new(size_t floats, dg_error *err) {
  size_t bytes = dg_round_up(floats) * sizeof(float);
  dg_cpu_prepacked *prepacked = calloc(1, sizeof *prepacked);
  if (prepacked) prepacked->data = aligned_alloc(DG_CPU_ALIGNMENT, bytes);
  if (!prepacked || !prepacked->data) {
    free(prepacked);
    dg_fail_memory(err, bytes);
    return NULL;
  }
  prepacked->floats = floats;
  prepacked->ops = 1;
  return prepacked;
}

dg_cpu_prepacked *dg_cpu_prepacked_share(dg_cpu_prepacked *prepacked, size_t floats) {
  if (prepacked->floats != floats) return NULL;
  prepacked->ops++;
  return prepacked;
}

size_t dg_cpu_prepacked_floats(const dg_cpu_prepacked *prepacked) {
  return prepacked->floats;
}

void dg_cpu_prepacked_free(dg_cpu_prepacked *prepacked) {
  if (!prepacked || --prepacked->ops > 0) return;
  free(prepacked->data);
  free(prepacked);
}

static source source_of(const dg_buffer *param) {
  if (!param) return (source){0};
  return (source){param->data, (param->parent ? param->parent : param)->version};
}

float *dg_cpu_prepacked_for(dg_cpu_prepacked *prepacked, const dg_op_buffers *buffers, bool *pack) {
  *pack = false;
  for (size_t i = 0; i < DG_MAX_PARAM; i++) {
    source *made_of = &prepacked->made_of[i], now = source_of(buffers->param[i]);
    if (now.data != made_of->data || now.version != made_of->version) *pack = true;
    *made_of = now;
  }
  return prepacked->data;
}
