#include "backends/cpu/cpu.h"
#include "backends/cpu/isa.h"

#include "core/support/philox.h"

#include <string.h>

/** What all elements of one run share. */
typedef struct {
  uint32_t count, threshold;
  uint32_t key[2], step;
  float scale;
} mask;

static mask mask_of(const dg_dropout_desc *desc, const dg_step *step) {
  return (mask){.count = desc->count,
                .threshold = (uint32_t)((double)desc->rate * 0x1p32),
                .key = {step->seed, desc->stream},
                .step = step->step,
                .scale = 1 / (1 - desc->rate)};
}

/** One sample: to = or += from times the mask of the sample at `place`. */
static void apply(const mask *m, dg_grad_mode mode, uint32_t place, const float *from, float *to) {
  for (uint32_t e = 0; e < m->count; e += 4) {
    uint32_t words[4], quad = m->count - e < 4 ? m->count - e : 4;
    float scaled[4];
    dg_philox((uint32_t[4]){e / 4, place, m->step, 0}, m->key, words);
    for (uint32_t i = 0; i < quad; i++)
      scaled[i] = words[i] < m->threshold ? 0 : from[e + i] * m->scale;
    dg_grad_put(mode, quad, scaled, to + e);
  }
}

static bool supports(const dg_op_desc *desc) {
  return desc->dropout.count > 0 && desc->dropout.rate >= 0 && desc->dropout.rate < 1;
}

static bool prepare(dg_cpu_op *op, bool train, dg_error *err) {
  (void)op, (void)train, (void)err;
  return true;
}

static void apply_all(const dg_cpu_op *op, dg_grad_mode mode, const float *from, float *to,
                      const dg_step *step) {
  mask m = mask_of(&op->base.desc.dropout, step);
#pragma omp parallel for schedule(static)                                                          \
    num_threads(dg_cpu_threads(op->device, (size_t)step->n *m.count))
  for (uint32_t s = 0; s < step->n; s++)
    apply(&m, mode, step->place + s, from + (size_t)s * m.count, to + (size_t)s * m.count);
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const float *x = dg_floats(buffers->in[0]);
  float *y = dg_floats(buffers->out[0]);
  if (step->train)
    apply_all(op, DG_GRAD_WRITE, x, y, step);
  else
    memcpy(y, x, sizeof *y * step->n * op->base.desc.dropout.count);
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  dg_grad_mode mode = op->base.desc.d_in[0];
  if (mode == DG_GRAD_NONE) return;
  apply_all(op, mode, dg_floats(buffers->d_out), dg_floats(buffers->d_in[0]), step);
}

const dg_cpu_family DG_ISA_NAME(dg_cpu_dropout) = {supports, prepare, forward, backward};
