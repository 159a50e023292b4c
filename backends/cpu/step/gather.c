#include <stdlib.h>
#include <string.h>

#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/step/gather_read.h"

/** Batches of samples, which are changed in training if the description says so. */

static bool supports(const dg_op_desc *desc) {
  return !dg_augment_warps(&desc->gather.augment) || dg_warp_fits(&desc->gather);
}

/** Numbers of a sample. */
static size_t sample_count(const dg_gather_desc *d) {
  return (size_t)d->channels * d->height * d->width;
}

static size_t bytes_of(dg_numbers_type type) {
  return type == DG_NUMBERS_BYTES ? 1 : sizeof(float);
}

/** Floats of a worker's workspace: the pattern of norms, then what a warp needs. */
static size_t worker_floats(const dg_gather_desc *d) {
  return dg_round_up(dg_pattern_floats(d)) +
         (dg_augment_warps(&d->augment) ? dg_warp_floats(d) : 0);
}

static bool prepare(dg_cpu_op *op, dg_error *err) {
  const dg_gather_desc *d = &op->desc.gather;
  (void)err;
  op->needs.workspace = (size_t)op->device->threads * worker_floats(d) * sizeof(float);
  return true;
}

/* ---- labels and targets --------------------------------------------------- */

static void copy_targets(const dg_gather_desc *d, const void *set, size_t from,
                         float *restrict to) {
  size_t count = d->targets;
  const uint8_t *restrict bytes = (const uint8_t *)set + from * count;
  if (d->targets_type == DG_NUMBERS_FLOATS)
    memcpy(to, (const float *)set + from * count, count * sizeof *to);
  else
    for (size_t i = 0; i < count; i++) to[i] = (float)bytes[i];
}

static void copy_wanted(const dg_gather_desc *d, const dg_op_buffers *buffers,
                        const uint32_t *order, dg_span samples) {
  float *out = dg_floats(buffers->out[1]);
  if (!out) return;
  const void *set = buffers->in[1]->data;
  for (size_t s = samples.begin; s < samples.end; s++)
    if (d->targets)
      copy_targets(d, set, order[s], out + s * d->targets);
    else
      ((uint32_t *)(void *)out)[s] = ((const uint8_t *)set)[order[s]];
}

/* ---- samples -------------------------------------------------------------- */

/** How many samples ahead one is prefetched, for they are scattered over a large set, and how much
    of it: the rest follows by itself. */
enum { AHEAD = 5, MOST_AHEAD = 4096 };

static void prefetch(const uint8_t *sample, size_t bytes) {
  enum { LINE = 64 };
  for (size_t i = 0; i < bytes && i < MOST_AHEAD; i += LINE) __builtin_prefetch(sample + i);
}

/** A sample of a training step, changed as it draws. */
static void augment_sample(const dg_gather_desc *d, const dg_step *step, uint32_t s,
                           const void *from, const dg_norms *norms, float *workspace, float *x) {
  const dg_augment *a = &d->augment;
  const dg_draw draw = dg_draw_sample(a, step, s);
  dg_tone tone = dg_draw_tone(a, &draw);
  if (dg_augment_warps(a))
    dg_warp_sample(d, from, norms, &draw, tone, workspace, x);
  else
    dg_read_sample(d, from, norms, tone, x);
  if (a->gain != 0 || a->noise != 0) dg_add_noise(a, &draw, sample_count(d), x);
  dg_cut_out(d, &draw, x);
}

static bool augments(const dg_augment *a) {
  return dg_augment_warps(a) || dg_augment_recolours(a) || a->gain != 0 || a->noise != 0 ||
         a->cutout != 0;
}

/** What there is of a sample, whose other numbers are cleared: it is as wide as it is long. */
static dg_gather_desc trim_sample(const dg_gather_desc *d, const dg_op_buffers *buffers,
                                  uint32_t number, size_t s, float *x) {
  dg_gather_desc own = *d;
  if (!d->lengths) return own;
  const uint32_t length = ((const uint32_t *)buffers->in[4]->data)[number];
  own.width = length < d->width ? length : d->width;
  memset(x + sample_count(&own), 0, (sample_count(d) - sample_count(&own)) * sizeof *x);
  dg_floats(buffers->out[2])[s] = (float)own.width;
  return own;
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_gather_desc *d = &region->op->desc.gather;
  const dg_op_buffers *buffers = region->buffers;
  const dg_step *step = region->step;
  bool augmented = step->train && augments(&d->augment);
  size_t count = sample_count(d), bytes = count * bytes_of(d->type);
  const uint8_t *set = (const uint8_t *)buffers->in[0]->data;
  const uint32_t *order = (const uint32_t *)buffers->in[2]->data + step->first;
  float *workspace = dg_floats(buffers->workspace) + worker * worker_floats(d);
  const dg_norms norms = dg_norms_of(d, dg_floats(buffers->in[3]), workspace);
  dg_span samples = dg_cpu_part(step->n, region->pieces, piece);
  copy_wanted(d, buffers, order, samples);
  for (size_t s = samples.begin; s < samples.end; s++) {
    const uint8_t *from = set + order[s] * bytes;
    float *x = dg_floats(buffers->out[0]) + s * count;
    const dg_gather_desc own = trim_sample(d, buffers, order[s], s, x);
    if (s + AHEAD < step->n) prefetch(set + order[s + AHEAD] * bytes, bytes);
    if (augmented)
      augment_sample(&own, step, (uint32_t)s, from, &norms,
                     workspace + dg_round_up(dg_pattern_floats(d)), x);
    else
      dg_read_sample(&own, from, &norms, (dg_tone){0}, x);
  }
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_augment *a = &op->desc.gather.augment;
  size_t each = !step->train || !augments(a) ? 1 : a->noise != 0 ? 16 : 4;
  size_t operations = each * step->n * sample_count(&op->desc.gather);
  dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(step->n, operations), forward_piece);
}

static const dg_cpu_implementation forward_by_samples = {"samples", NULL, prepare, forward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_gather) = {supports, {&forward_by_samples}, {NULL}};
