/**
 * The gradients of a depthwise convolution. A piece takes some channels of all samples, so that the
 * gradients of their weights are in one order of the samples; sums are computed in lanes.
 */
#include <string.h>

#include "backends/cpu/conv2d/grouped/depthwise.h"
#include "backends/cpu/elementwise/act.h"
#include "backends/cpu/elementwise/lines.h"

/** Floats of a worker's scratch. */
typedef struct {
  size_t phases, d_z, rows, lanes; /**< rows: of d_in in one phase of rows */
} sizes;

/** Channels that are processed together: adjacent numbers enough, before those of the next sample
    follow. */
static size_t channels_of(const dg_cpu_op *op) {
  enum { ENOUGH = 512 };
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  return 1 + ENOUGH / ((size_t)d->height * d->width);
}

static sizes sizes_of(const dg_cpu_op *op) {
  const dg_depthwise_plan *p = op->plan;
  const bool d_in = op->desc.d_in[0] != DG_GRAD_NONE;
  return (sizes){.phases = (size_t)p->phases_h * p->phases_w * p->x.floats,
                 .d_z = p->d_z.floats,
                 .rows = d_in ? (size_t)p->phases_w * p->rows * p->pitch : 0,
                 .lanes = channels_of(op) * p->filters * (p->taps + 1) * DG_VECTOR};
}

static size_t scratch_floats(const dg_cpu_op *op) {
  const sizes s = sizes_of(op);
  return s.phases + s.d_z + s.rows + s.lanes;
}

static bool fits(const dg_cpu_device *device, const dg_op_desc *desc, uint32_t max_n, bool train) {
  (void)device, (void)max_n, (void)train;
  return dg_depthwise_fits(&desc->grouped_conv2d);
}

static bool prepare(dg_cpu_op *op, dg_error *err) {
  op->plan = dg_depthwise_plan_new(&op->desc.grouped_conv2d, DG_DEPTHWISE_BLOCK, err);
  if (!op->plan) return false;
  op->needs.workspace = (size_t)op->device->threads * scratch_floats(op) * sizeof(float);
  op->needs.reads_in = true;
  op->needs.reads_out = op->desc.grouped_conv2d.act.kind != DG_ACT_NONE;
  return true;
}

/** A worker's scratch. */
typedef struct {
  float *phases, *d_z, *rows, *lanes;
} scratch;

static scratch scratch_of(const dg_cpu_region *region, size_t worker) {
  const sizes size = sizes_of(region->op);
  scratch s;
  s.phases = dg_floats(region->buffers->workspace) + worker * scratch_floats(region->op);
  s.d_z = s.phases + size.phases;
  s.rows = s.d_z + size.d_z;
  s.lanes = s.rows + size.rows;
  memset(s.phases, 0, (size.phases + size.d_z) * sizeof *s.phases);
  return s;
}

/** The gradient of a plane of the input. */
static void input_gradient(const dg_cpu_op *op, const float *filter, const scratch *s,
                           dg_grad_mode mode, float *dx) {
  const dg_depthwise_plan *p = op->plan;
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  const size_t phase = (size_t)p->rows * p->pitch;
  if (p->phases_h == 1 && p->phases_w == 1 && d->width == p->pitch) {
    dg_depthwise_correlate(p, 1, filter, 0, s->d_z, phase, mode, dx);
    return;
  }
  for (uint32_t y = 0; y < p->phases_h; y++) {
    for (uint32_t x = 0; x < p->phases_w; x++)
      dg_depthwise_correlate(p, 1 + y * p->phases_w + x, filter, 0, s->d_z, phase, DG_GRAD_WRITE,
                             s->rows + x * phase);
    dg_depthwise_unpad(d, p, y, mode, s->rows, dx);
  }
}

/** A channel of a sample; `lanes`: the sums of its first filter. */
static void run_plane(const dg_cpu_region *region, const scratch *s, size_t sample, size_t channel,
                      float *lanes) {
  const dg_cpu_op *op = region->op;
  const dg_depthwise_plan *p = op->plan;
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  const size_t plane = sample * d->channels + channel, in = (size_t)d->height * d->width;
  const bool acts = d->act.kind != DG_ACT_NONE;
  dg_depthwise_pad(d, p, dg_floats(region->buffers->in[0]) + plane * in, s->phases);
  for (size_t i = 0; i < p->filters; i++) {
    const size_t f = channel * p->filters + i, out = (plane * p->filters + i) * p->out;
    const float *d_y = dg_floats(region->buffers->d_out) + out;
    const float *y = acts ? dg_floats(region->buffers->out[0]) + out : d_y;
    dg_act_backward(d->act, p->out, y, d_y, s->d_z + p->d_z.front);
    dg_depthwise_weights(p, s->phases, s->d_z, lanes + i * (p->taps + 1) * DG_VECTOR);
    if (op->desc.d_in[0] == DG_GRAD_NONE) continue;
    input_gradient(op, dg_floats(region->buffers->param[0]) + f * p->taps, s,
                   i ? DG_GRAD_ADD : op->desc.d_in[0],
                   dg_floats(region->buffers->d_in[0]) + plane * in);
  }
}

/** Writes the gradients of filter `f`. */
static void write_sums(const dg_cpu_region *region, size_t f, const float *lanes) {
  const dg_depthwise_plan *p = region->op->plan;
  const uint32_t *index = dg_depthwise_sums_at(p, 0).weight;
  float *d_weight = dg_floats(region->buffers->d_param[0]) + f * p->taps;
  const dg_vector *sums = (const dg_vector *)lanes;
  for (size_t t = 0; t < p->taps; t++) d_weight[index[t]] = dg_lanes_sum(sums[t]);
  if (region->op->desc.grouped_conv2d.bias)
    dg_floats(region->buffers->d_param[1])[f] = dg_lanes_sum(sums[p->taps]);
}

static void run_channels(const dg_cpu_region *region, const scratch *s, dg_span channels) {
  const dg_depthwise_plan *p = region->op->plan;
  const size_t filter = (p->taps + 1) * DG_VECTOR, filters = p->filters;
  memset(s->lanes, 0, (channels.end - channels.begin) * filters * filter * sizeof *s->lanes);
  for (size_t sample = 0; sample < region->step->n; sample++)
    for (size_t c = channels.begin; c < channels.end; c++)
      run_plane(region, s, sample, c, s->lanes + (c - channels.begin) * filters * filter);
  for (size_t f = channels.begin * filters; f < channels.end * filters; f++)
    write_sums(region, f, s->lanes + (f - channels.begin * filters) * filter);
}

static void run_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const size_t grain = channels_of(region->op);
  const dg_span some =
      dg_cpu_grains(region->op->desc.grouped_conv2d.channels, grain, region->pieces, piece);
  const scratch s = scratch_of(region, worker);
  for (size_t c = some.begin; c < some.end; c += grain) {
    const size_t end = c + grain < some.end ? c + grain : some.end;
    run_channels(region, &s, (dg_span){c, end});
  }
}

static void run(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_grouped_conv2d_desc *d = &op->desc.grouped_conv2d;
  const dg_depthwise_plan *p = op->plan;
  const size_t blocks = (d->channels + channels_of(op) - 1) / channels_of(op);
  const size_t operations = (size_t)step->n * d->filters * p->out / DG_VECTOR * (2 * p->taps + 16);
  dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(blocks, operations), run_piece);
}

const dg_cpu_implementation dg_depthwise_backward = {"depthwise", fits, prepare, run};
