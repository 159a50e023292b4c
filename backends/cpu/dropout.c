#include "backends/cpu/cpu.h"
#include "backends/cpu/isa.h"

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

/** Counters drawn side by side, and the elements they serve. */
enum { LANES = 32, BLOCK = 4 * LANES };

/** The words of LANES counters {first + lane, place, step, 0} (core/support/philox.h). */
static void draw(const mask *m, uint32_t first, uint32_t place, uint32_t words[BLOCK]) {
  uint32_t c0[LANES], c1[LANES], c2[LANES], c3[LANES], k0 = m->key[0], k1 = m->key[1];
  for (uint32_t i = 0; i < LANES; i++) c0[i] = first + i, c1[i] = place, c2[i] = m->step, c3[i] = 0;
  for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u)
    for (int i = 0; i < LANES; i++) {
      uint64_t p0 = (uint64_t)0xD2511F53u * c0[i], p1 = (uint64_t)0xCD9E8D57u * c2[i];
      c0[i] = (uint32_t)(p1 >> 32) ^ c1[i] ^ k0;
      c1[i] = (uint32_t)p1;
      c2[i] = (uint32_t)(p0 >> 32) ^ c3[i] ^ k1;
      c3[i] = (uint32_t)p0;
    }
  for (int i = 0; i < LANES; i++) {
    words[4 * i] = c0[i], words[4 * i + 1] = c1[i];
    words[4 * i + 2] = c2[i], words[4 * i + 3] = c3[i];
  }
}

static void drop_block(uint32_t count, const uint32_t *restrict words, uint32_t threshold,
                       float scale, const float *restrict x, float *restrict y,
                       uint8_t *restrict stays) {
  for (uint32_t i = 0; i < count; i++) y[i] = words[i] >= threshold ? x[i] * scale : 0;
  for (uint32_t i = 0; i < count; i++) stays[i] = words[i] >= threshold;
}

/** One sample of a training forward; notes which elements stay. */
static void drop(const mask *m, uint32_t place, const float *x, float *y, uint8_t *stays) {
  for (uint32_t e = 0; e < m->count; e += BLOCK) {
    uint32_t words[BLOCK], count = m->count - e < BLOCK ? m->count - e : BLOCK;
    draw(m, e / 4, place, words);
    drop_block(count, words, m->threshold, m->scale, x + e, y + e, stays + e);
  }
}

static bool supports(const dg_op_desc *desc) {
  return desc->dropout.count > 0 && desc->dropout.rate >= 0 && desc->dropout.rate < 1;
}

static bool prepare(dg_cpu_op *op, bool train, dg_error *err) {
  (void)err;
  if (train) op->base.needs.kept = (size_t)op->base.max_n * op->base.desc.dropout.count;
  return true;
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  mask m = mask_of(&op->base.desc.dropout, step);
  const float *x = dg_floats(buffers->in[0]);
  float *y = dg_floats(buffers->out[0]);
  size_t total = (size_t)step->n * m.count;
  if (!step->train) {
    memcpy(y, x, total * sizeof *y);
    return;
  }
  uint8_t *stays = (uint8_t *)buffers->kept->data;
#pragma omp parallel for schedule(static) num_threads(dg_cpu_threads(op->device, 8 * total))
  for (uint32_t s = 0; s < step->n; s++) {
    size_t at = (size_t)s * m.count;
    drop(&m, step->place + s, x + at, y + at, stays + at);
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  mask m = mask_of(&op->base.desc.dropout, step);
  const uint8_t *restrict stays = (const uint8_t *)buffers->kept->data;
  const float *restrict d_y = dg_floats(buffers->d_out);
  float *restrict dx = dg_floats(buffers->d_in[0]);
  size_t total = (size_t)step->n * m.count;
  dg_grad_mode mode = op->base.desc.d_in[0];
  if (mode == DG_GRAD_NONE) return;
#pragma omp parallel num_threads(dg_cpu_threads(op->device, total))
  {
    dg_span part = dg_cpu_share(total, BLOCK);
    if (mode == DG_GRAD_WRITE)
      for (size_t i = part.begin; i < part.end; i++) dx[i] = stays[i] ? d_y[i] * m.scale : 0;
    else
      for (size_t i = part.begin; i < part.end; i++) dx[i] += stays[i] ? d_y[i] * m.scale : 0;
  }
}

const dg_cpu_family DG_ISA_NAME(dg_cpu_dropout) = {supports, prepare, forward, backward};
