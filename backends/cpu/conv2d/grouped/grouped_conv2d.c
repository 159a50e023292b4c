/** Convolutions in groups, forward. */
#include <string.h>

#include "backends/cpu/conv2d/grouped/depthwise.h"
#include "backends/cpu/conv2d/grouped/grouped.h"
#include "backends/cpu/elementwise/act.h"

static bool supports(const dg_op_desc *desc) {
  const dg_grouped_conv2d_desc *d = &desc->grouped_conv2d;
  return d->channels > 0 && d->filters > 0 && dg_act_supported(d->act) &&
         dg_grouped_conv2d_out_h(d) > 0 && dg_grouped_conv2d_out_w(d) > 0;
}

static bool prepare(dg_cpu_op *op, dg_error *err) {
  dg_grouped_plan *plan = op->plan = dg_grouped_plan_new(&op->desc.grouped_conv2d, err);
  if (!plan) return false;
  op->needs.workspace =
      (size_t)op->device->threads * plan->channels * plan->plane_floats * sizeof(float);
  return true;
}

/** A vector of the output: the sum over all elements of a filter. */
static inline __attribute__((always_inline)) dg_vector
sum_of(const dg_grouped_plan *plan, size_t taps, const float *weight, const float *x, float bias) {
  dg_vector sum = bias - (dg_vector){0};
  for (size_t c = 0; c < plan->channels; c++, x += plan->plane_floats, weight += taps)
    for (size_t k = 0; k < taps; k++) sum += weight[k] * *(const dg_vector *)(x + plan->offset[k]);
  return sum;
}

/** A row of the output. */
static inline __attribute__((always_inline)) void row_of(const dg_grouped_plan *plan, size_t taps,
                                                         const float *weight, const float *x,
                                                         float bias, float *y) {
  size_t i = 0;
  for (; i + DG_VECTOR <= plan->out_w; i += DG_VECTOR)
    *(dg_vector *)(y + i) = sum_of(plan, taps, weight, x + i, bias);
  if (i == plan->out_w) return;
  const dg_vector last = sum_of(plan, taps, weight, x + i, bias);
  memcpy(y + i, &last, (plan->out_w - i) * sizeof *y);
}

/** The output of a filter, before the activation; kernels of usual sizes are loops of their own. */
static void correlate(const dg_grouped_conv2d_desc *d, const dg_grouped_plan *plan,
                      const float *weight, const float *padded, float bias, float *y) {
  for (size_t oy = 0; oy < plan->out_h; oy++, y += plan->out_w) {
    const float *x = padded + oy * d->stride_h * plan->pitch;
    if (plan->taps == 9)
      row_of(plan, 9, weight, x, bias, y);
    else if (plan->taps == 25)
      row_of(plan, 25, weight, x, bias, y);
    else
      row_of(plan, plan->taps, weight, x, bias, y);
  }
}

/** The filters of a group of one sample. */
static void run_group(const dg_cpu_region *region, size_t sample, size_t group, float *padded) {
  const dg_grouped_conv2d_desc *d = &region->op->desc.grouped_conv2d;
  const dg_grouped_plan *plan = region->op->plan;
  const size_t in = (size_t)d->height * d->width, out = plan->out_h * plan->out_w;
  const float *weight = dg_floats(region->buffers->param[0]);
  const float *bias = d->bias ? dg_floats(region->buffers->param[1]) : NULL;
  const float *x =
      dg_floats(region->buffers->in[0]) + (sample * d->channels + group * plan->channels) * in;
  for (size_t c = 0; c < plan->channels; c++)
    dg_grouped_pad(d, plan, x + c * in, padded + c * plan->plane_floats);
  for (size_t i = 0; i < plan->filters; i++) {
    const size_t f = group * plan->filters + i;
    float *y = dg_floats(region->buffers->out[0]) + (sample * d->filters + f) * out;
    correlate(d, plan, weight + f * plan->channels * plan->taps, padded, bias ? bias[f] : 0, y);
    if (d->act.kind != DG_ACT_NONE) dg_act_forward(d->act, out, y, y);
  }
}

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_grouped_conv2d_desc *d = &region->op->desc.grouped_conv2d;
  const dg_grouped_plan *plan = region->op->plan;
  float *padded =
      dg_floats(region->buffers->workspace) + worker * plan->channels * plan->plane_floats;
  const dg_span some = dg_cpu_part((size_t)region->step->n * d->groups, region->pieces, piece);
  for (size_t i = some.begin; i < some.end; i++)
    run_group(region, i / d->groups, i % d->groups, padded);
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  const dg_grouped_plan *plan = op->plan;
  const size_t sums = step->n * d->filters * plan->out_floats;
  const size_t operations = sums / DG_VECTOR * plan->channels * plan->taps;
  dg_cpu_run_region(op, buffers, step,
                    dg_cpu_pieces((size_t)step->n * d->groups, sums + operations), forward_piece);
}

static const dg_cpu_implementation forward_by_planes = {"planes", NULL, prepare, forward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_grouped_conv2d) = {
    supports,
    {&dg_depthwise_forward, &forward_by_planes},
    {&dg_depthwise_backward, &dg_grouped_backward}};
