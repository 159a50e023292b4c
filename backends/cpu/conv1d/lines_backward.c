/**
 * The gradients of convolutions of sequences in groups, and of transposed ones. The samples are cut
 * into parts, each with its own sums of the gradients of weights and biases.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/conv1d/lines.h"
#include "backends/cpu/elementwise/act.h"

/** The sizes, and the layout of the workspace: packed weights, then what each worker has, then what
    each part has. */
typedef struct {
  dg_conv1d_lines lines;
  bool transposed;
  size_t in, out, width;               /**< numbers of a sample, and of a step of the output */
  size_t packed, d_z, worker;          /**< floats */
  size_t parts, part_floats, d_weight; /**< the sums of weights are first */
} plan;

static plan plan_of(const dg_cpu_op *op) {
  const dg_grouped_conv1d_desc *d = &op->desc.grouped_conv1d;
  plan p = {.lines = dg_conv1d_lines_of(d), .transposed = op->desc.kind == DG_OP_CONV_TRANSPOSE1D};
  const dg_conv1d_lines *l = &p.lines;
  const size_t of_long = l->steps * l->channels, of_short = l->short_steps * l->filters;
  p.in = p.transposed ? of_short : of_long;
  p.out = p.transposed ? of_long : of_short;
  p.width = p.transposed ? l->channels : l->filters;
  p.packed = dg_round_up((l->depthwise ? 1 : l->groups) * dg_conv1d_lines_packed(l, p.transposed));
  p.d_z = d->act.kind == DG_ACT_NONE ? 0 : dg_round_up(p.out);
  p.worker = p.d_z + dg_conv1d_lines_scratch(l);
  p.d_weight = dg_round_up(dg_conv1d_lines_sums(l));
  p.part_floats = dg_round_up(p.d_weight + p.width);
  p.parts =
      dg_cpu_parts(op, op->max_n, p.part_floats, op->max_n * of_short * l->depth / DG_VECTOR * 2);
  return p;
}

static bool prepare(dg_cpu_op *op, dg_error *err) {
  plan *p = op->plan = malloc(sizeof *p);
  if (!p) return dg_fail_memory(err, sizeof *p);
  *p = plan_of(op);
  op->needs.workspace =
      (p->packed + (size_t)op->device->threads * p->worker + p->parts * p->part_floats) *
      sizeof(float);
  op->needs.reads_in = true;
  op->needs.reads_out = op->desc.grouped_conv1d.act.kind != DG_ACT_NONE;
  return true;
}

static float *worker_of(const dg_cpu_region *region, size_t worker) {
  const plan *p = region->op->plan;
  return dg_floats(region->buffers->workspace) + p->packed + worker * p->worker;
}

static float *part_of(const dg_cpu_region *region, size_t part) {
  const plan *p = region->op->plan;
  return worker_of(region, (size_t)region->op->device->threads) + part * p->part_floats;
}

static void pack_groups(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const plan *p = region->op->plan;
  const dg_span some = dg_cpu_part(p->lines.groups, region->pieces, piece);
  (void)worker;
  dg_conv1d_lines_pack(&p->lines, p->transposed, dg_floats(region->buffers->param[0]), some.begin,
                       some.end, dg_floats(region->buffers->workspace));
}

/** Writes or adds the gradient of a sample of the input. */
static void input_gradient(const dg_cpu_region *region, const float *d_z, float *scratch,
                           float *d_x) {
  const plan *p = region->op->plan;
  const float *packed = dg_floats(region->buffers->workspace);
  const bool add = region->op->desc.d_in[0] == DG_GRAD_ADD;
  if (p->transposed) {
    dg_conv1d_lines_shorten(&p->lines, d_z, packed, add, scratch, d_x);
    return;
  }
  if (!add) memset(d_x, 0, p->in * sizeof *d_x);
  dg_conv1d_lines_lengthen(&p->lines, d_z, packed, scratch, d_x);
}

/** sums[i] += column i of a sample's output gradient */
static void add_steps(size_t steps, size_t count, const float *restrict d_z, float *restrict sums) {
  for (size_t t = 0; t < steps; t++, d_z += count)
    for (size_t i = 0; i < count; i++) sums[i] += d_z[i];
}

static void run_sample(const dg_cpu_region *region, size_t sample, float *own, float *sums) {
  const plan *p = region->op->plan;
  const dg_act act = region->op->desc.grouped_conv1d.act;
  const float *x = dg_floats(region->buffers->in[0]) + sample * p->in;
  const float *d_z = dg_floats(region->buffers->d_out) + sample * p->out;
  float *scratch = own + p->d_z;
  if (act.kind != DG_ACT_NONE) {
    dg_act_backward(act, p->out, dg_floats(region->buffers->out[0]) + sample * p->out, d_z, own);
    d_z = own;
  }
  if (region->op->desc.d_in[0] != DG_GRAD_NONE)
    input_gradient(region, d_z, scratch, dg_floats(region->buffers->d_in[0]) + sample * p->in);
  dg_conv1d_lines_multiply(&p->lines, p->transposed ? d_z : x, p->transposed ? x : d_z, scratch,
                           sums);
  if (region->op->desc.grouped_conv1d.bias)
    add_steps(p->out / p->width, p->width, d_z, sums + p->d_weight);
}

static void run_part(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const plan *p = region->op->plan;
  const dg_span samples = dg_cpu_part(region->step->n, region->pieces, piece);
  float *sums = part_of(region, piece);
  memset(sums, 0, p->part_floats * sizeof *sums);
  for (size_t s = samples.begin; s < samples.end; s++)
    run_sample(region, s, worker_of(region, worker), sums);
}

/** Adds the sums of all parts, in their order. */
static void add_parts(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const plan *p = region->op->plan;
  const dg_span some = dg_cpu_part(p->lines.filters, region->pieces, piece);
  (void)worker;
  for (size_t part = 0; part < p->parts; part++) {
    const float *sums = part_of(region, part);
    dg_conv1d_lines_take(&p->lines, sums, part > 0, some.begin, some.end,
                         dg_floats(region->buffers->d_param[0]));
    if (piece == 0 && region->op->desc.grouped_conv1d.bias)
      dg_grad_store(part ? DG_GRAD_ADD : DG_GRAD_WRITE, p->width, sums + p->d_weight,
                    dg_floats(region->buffers->d_param[1]));
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const plan *p = op->plan;
  if (op->desc.d_in[0] != DG_GRAD_NONE)
    dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(p->lines.groups, p->packed), pack_groups);
  dg_cpu_run_region(op, buffers, step, p->parts, run_part);
  dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(p->lines.filters, p->parts * p->d_weight),
                    add_parts);
}

const dg_cpu_implementation dg_conv1d_lines_backward = {"lines", NULL, prepare, backward};
