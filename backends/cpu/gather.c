#include "backends/cpu/cpu.h"
#include "backends/cpu/isa.h"

#include <math.h>

static bool supports(const dg_op_desc *desc) {
  return desc->gather.height > 0 && desc->gather.width > 0 && desc->gather.std != 0 && isfinite(desc->gather.std);
}

static bool prepare(dg_cpu_op *op, bool train, dg_error *err) {
  (void)op, (void)train, (void)err;
  return true;
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_gather_desc *desc = &op->base.desc.gather;
  size_t count = (size_t)desc->height * desc->width;
  float mean = desc->mean, scale = 1 / desc->std;
  const uint8_t *images = (const uint8_t *)buffers->in[0]->data;
  const uint8_t *labels = (const uint8_t *)buffers->in[1]->data;
  const uint32_t *order = (const uint32_t *)buffers->in[2]->data + step->first;
  float *x = dg_floats(buffers->out[0]);
  uint32_t *out_labels = (uint32_t *)buffers->out[1]->data;
#pragma omp parallel for schedule(static) num_threads(dg_cpu_threads(op->device, step->n *count))
  for (size_t s = 0; s < step->n; s++) {
    const uint8_t *image = images + order[s] * count;
    for (size_t i = 0; i < count; i++)
      x[s * count + i] = ((float)image[i] * (1 / 255.0f) - mean) * scale;
    out_labels[s] = labels[order[s]];
  }
}

const dg_cpu_family DG_ISA_NAME(dg_cpu_gather) = {supports, prepare, forward, NULL};
