/**
 * The gradients of a convolution in groups. The samples are cut into parts, each with its own sums
 * of the gradients of weights and biases, which are added in order in the end.
 */
#include <string.h>

#include "backends/cpu/conv2d/grouped/grouped.h"
#include "backends/cpu/elementwise/act.h"
#include "backends/cpu/elementwise/lines.h"

/** Floats of a worker's scratch: padded inputs, their gradients, and a gradient of the output with
    its pitch. */
static size_t scratch_floats(const dg_cpu_op *op) {
  const dg_grouped_plan *plan = op->plan;
  const bool d_in = op->desc.d_in[0] != DG_GRAD_NONE;
  const size_t planes = plan->channels * plan->plane_floats;
  return planes + (d_in ? planes : 0) + plan->out_floats;
}

static bool prepare(dg_cpu_op *op, dg_error *err) {
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  dg_grouped_plan *plan = op->plan = dg_grouped_plan_new(d, err);
  if (!plan) return false;
  const size_t sums = op->max_n * d->filters * plan->out_floats;
  plan->part_floats = d->filters * (plan->channels * plan->taps + 1);
  plan->parts = dg_cpu_parts(op, op->max_n, plan->part_floats,
                             sums / DG_VECTOR * plan->channels * plan->taps);
  op->needs.workspace =
      ((size_t)op->device->threads * scratch_floats(op) + plan->parts * plan->part_floats) *
      sizeof(float);
  op->needs.reads_in = true;
  op->needs.reads_out = d->act.kind != DG_ACT_NONE;
  return true;
}

/** A worker's scratch, and the sums of a part. */
typedef struct {
  float *padded, *d_padded, *d_z; /**< d_padded is NULL if no gradient of the input is wanted */
  float *d_weight, *d_bias;
} scratch;

static scratch scratch_of(const dg_cpu_region *region, size_t piece, size_t worker) {
  const dg_cpu_op *op = region->op;
  const dg_grouped_plan *plan = op->plan;
  float *own = dg_floats(region->buffers->workspace) + worker * scratch_floats(op);
  const size_t planes = plan->channels * plan->plane_floats;
  const bool d_in = op->desc.d_in[0] != DG_GRAD_NONE;
  scratch s = {.padded = own, .d_padded = d_in ? own + planes : NULL};
  s.d_z = own + (d_in ? 2 : 1) * planes;
  s.d_weight = dg_floats(region->buffers->workspace) +
               (size_t)op->device->threads * scratch_floats(op) + piece * plan->part_floats;
  s.d_bias = s.d_weight + op->desc.grouped_conv2d.filters * plan->channels * plan->taps;
  return s;
}

/** The gradient of a filter's output before the activation, in lines of whole vectors. Returns its
    sum. */
static float take_gradient(const dg_grouped_conv2d_desc *d, const dg_grouped_plan *plan,
                           const float *y, const float *d_y, float *d_z) {
  dg_vector sum = {0};
  for (size_t row = 0; row < plan->out_h; row++, y += plan->out_w, d_y += plan->out_w) {
    dg_act_backward(d->act, plan->out_w, y, d_y, d_z);
    memset(d_z + plan->out_w, 0, (plan->out_pitch - plan->out_w) * sizeof *d_z);
    for (size_t i = 0; i < plan->out_pitch; i += DG_VECTOR) sum += *(const dg_vector *)(d_z + i);
    d_z += plan->out_pitch;
  }
  return dg_lanes_sum(sum);
}

/** The gradient of one weight, returned, and what it adds to that of the input (d_x, or NULL). */
static float weight_gradient(const dg_grouped_conv2d_desc *d, const dg_grouped_plan *plan,
                             const float *d_z, const float *x, float weight, float *d_x) {
  const size_t line = d->stride_h * plan->pitch;
  dg_vector sum = {0};
  for (size_t oy = 0; oy < plan->out_h; oy++, d_z += plan->out_pitch)
    for (size_t i = 0; i < plan->out_pitch; i += DG_VECTOR) {
      const dg_vector gradient = *(const dg_vector *)(d_z + i);
      sum += gradient * *(const dg_vector *)(x + oy * line + i);
      if (d_x) *(dg_vector *)(d_x + oy * line + i) += weight * gradient;
    }
  return dg_lanes_sum(sum);
}

/** A filter of a group of one sample. */
static void run_filter(const dg_cpu_region *region, const scratch *s, size_t sample, size_t f) {
  const dg_grouped_conv2d_desc *d = &region->op->desc.grouped_conv2d;
  const dg_grouped_plan *plan = region->op->plan;
  const size_t out = (sample * d->filters + f) * plan->out_h * plan->out_w;
  const size_t first = f * plan->channels * plan->taps;
  const float *weight = dg_floats(region->buffers->param[0]) + first;
  const float *y = d->act.kind == DG_ACT_NONE ? NULL : dg_floats(region->buffers->out[0]) + out;
  const float *d_y = dg_floats(region->buffers->d_out) + out;
  s->d_bias[f] += take_gradient(d, plan, y ? y : d_y, d_y, s->d_z);
  for (size_t c = 0; c < plan->channels; c++)
    for (size_t k = 0; k < plan->taps; k++) {
      const size_t at = c * plan->plane_floats + plan->offset[k], i = c * plan->taps + k;
      s->d_weight[first + i] += weight_gradient(d, plan, s->d_z, s->padded + at, weight[i],
                                                s->d_padded ? s->d_padded + at : NULL);
    }
}

static void run_group(const dg_cpu_region *region, const scratch *s, size_t sample, size_t group) {
  const dg_grouped_conv2d_desc *d = &region->op->desc.grouped_conv2d;
  const dg_grouped_plan *plan = region->op->plan;
  const size_t plane = (size_t)d->height * d->width;
  const size_t first = (sample * d->channels + group * plan->channels) * plane;
  for (size_t c = 0; c < plan->channels; c++)
    dg_grouped_pad(d, plan, dg_floats(region->buffers->in[0]) + first + c * plane,
                   s->padded + c * plan->plane_floats);
  if (s->d_padded)
    memset(s->d_padded, 0, plan->channels * plan->plane_floats * sizeof *s->d_padded);
  for (size_t i = 0; i < plan->filters; i++)
    run_filter(region, s, sample, group * plan->filters + i);
  for (size_t c = 0; s->d_padded && c < plan->channels; c++)
    dg_grouped_unpad(d, plan, region->op->desc.d_in[0], s->d_padded + c * plan->plane_floats,
                     dg_floats(region->buffers->d_in[0]) + first + c * plane);
}

static void run_part(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_grouped_conv2d_desc *d = &region->op->desc.grouped_conv2d;
  const dg_grouped_plan *plan = region->op->plan;
  const scratch s = scratch_of(region, piece, worker);
  const dg_span samples = dg_cpu_part(region->step->n, region->pieces, piece);
  memset(s.d_weight, 0, plan->part_floats * sizeof *s.d_weight);
  for (size_t sample = samples.begin; sample < samples.end; sample++)
    for (size_t group = 0; group < d->groups; group++) run_group(region, &s, sample, group);
}

/** Adds the sums of all parts, in their order. */
static void add_parts(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_grouped_conv2d_desc *d = &region->op->desc.grouped_conv2d;
  const dg_grouped_plan *plan = region->op->plan;
  const size_t weights = d->filters * plan->channels * plan->taps;
  (void)piece, (void)worker;
  for (size_t part = 0; part < plan->parts; part++) {
    const scratch s = scratch_of(region, part, 0);
    const dg_grad_mode mode = part ? DG_GRAD_ADD : DG_GRAD_WRITE;
    dg_grad_store(mode, weights, s.d_weight, dg_floats(region->buffers->d_param[0]));
    if (d->bias) dg_grad_store(mode, d->filters, s.d_bias, dg_floats(region->buffers->d_param[1]));
  }
}

static void run(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_grouped_plan *plan = op->plan;
  dg_cpu_run_region(op, buffers, step, plan->parts, run_part);
  dg_cpu_run_region(op, buffers, step, 1, add_parts);
}

const dg_cpu_implementation dg_grouped_backward = {"planes", NULL, prepare, run};
