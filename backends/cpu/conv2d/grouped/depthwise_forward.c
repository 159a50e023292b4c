/** Depthwise convolutions, forward: a piece processes planes one after the other. */
#include <string.h>

#include "backends/cpu/conv2d/grouped/depthwise.h"
#include "backends/cpu/elementwise/act.h"

static size_t scratch_floats(const dg_depthwise_plan *plan) {
  return (size_t)plan->phases_h * plan->phases_w * plan->x.floats;
}

static bool fits(const dg_cpu_device *device, const dg_op_desc *desc, uint32_t max_n, bool train) {
  (void)device, (void)max_n, (void)train;
  return dg_depthwise_fits(&desc->grouped_conv2d);
}

static bool prepare(dg_cpu_op *op, dg_error *err) {
  dg_depthwise_plan *plan = op->plan =
      dg_depthwise_plan_new(&op->desc.grouped_conv2d, DG_DEPTHWISE_BLOCK, err);
  if (!plan) return false;
  op->needs.workspace = (size_t)op->device->threads * scratch_floats(plan) * sizeof(float);
  return true;
}

/** All filters of plane `i` of the input. */
static void run_plane(const dg_cpu_region *region, size_t i, float *phases) {
  const dg_grouped_conv2d_desc *d = &region->op->desc.grouped_conv2d;
  const dg_depthwise_plan *plan = region->op->plan;
  const float *bias = d->bias ? dg_floats(region->buffers->param[1]) : NULL;
  const size_t first = i % d->channels * plan->filters;
  float *y = dg_floats(region->buffers->out[0]) + i * plan->filters * plan->out;
  dg_depthwise_pad(d, plan, dg_floats(region->buffers->in[0]) + i * d->height * d->width, phases);
  for (size_t f = first; f < first + plan->filters; f++, y += plan->out) {
    dg_depthwise_correlate(plan, 0, dg_floats(region->buffers->param[0]) + f * plan->taps,
                           bias ? bias[f] : 0, phases, plan->out, DG_GRAD_WRITE, y);
    if (d->act.kind != DG_ACT_NONE) dg_act_forward(d->act, plan->out, y, y);
  }
}

static void run_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_depthwise_plan *plan = region->op->plan;
  const size_t planes = (size_t)region->step->n * region->op->desc.grouped_conv2d.channels;
  float *phases = dg_floats(region->buffers->workspace) + worker * scratch_floats(plan);
  const dg_span some = dg_cpu_part(planes, region->pieces, piece);
  memset(phases, 0, scratch_floats(plan) * sizeof *phases);
  for (size_t i = some.begin; i < some.end; i++) run_plane(region, i, phases);
}

static void run(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  const dg_depthwise_plan *plan = op->plan;
  const size_t planes = (size_t)step->n * d->channels;
  const size_t operations = planes * plan->filters * plan->out / DG_VECTOR * (plan->taps + 8);
  dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(planes, operations), run_piece);
}

const dg_cpu_implementation dg_depthwise_forward = {"depthwise", fits, prepare, run};
