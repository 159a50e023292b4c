/** Convolutions of sequences in groups, and transposed ones: forward. */
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/conv1d/lines.h"
#include "backends/cpu/elementwise/act.h"

static bool supports(const dg_op_desc *desc) {
  const dg_grouped_conv1d_desc *d = &desc->grouped_conv1d;
  return d->steps > 0 && d->channels > 0 && d->filters > 0 && dg_act_supported(d->act) &&
         dg_grouped_conv1d_out(d) > 0;
}

static bool is_transposed(const dg_cpu_op *op) {
  return op->desc.kind == DG_OP_CONV_TRANSPOSE1D;
}

/** Floats of the packed weights of all groups. */
static size_t weights_of(const dg_conv1d_lines *l, bool shorten) {
  return dg_round_up((l->depthwise ? 1 : l->groups) * dg_conv1d_lines_packed(l, shorten));
}

static bool prepare(dg_cpu_op *op, dg_error *err) {
  dg_conv1d_lines *l = op->plan = malloc(sizeof *l);
  if (!l) return dg_fail_memory(err, sizeof *l);
  *l = dg_conv1d_lines_of(&op->desc.grouped_conv1d);
  const size_t packed = weights_of(l, !is_transposed(op));
  op->needs.workspace =
      ((op->train ? packed : 0) + (size_t)op->device->threads * dg_conv1d_lines_scratch(l)) *
      sizeof(float);
  return op->train || dg_cpu_keep_prepacked(op, packed, err);
}

/** A forward pass, shared by its pieces. */
typedef struct {
  size_t pieces; /**< of a region; dg_cpu_run_counted */
  const dg_cpu_op *op;
  const dg_op_buffers *buffers;
  size_t samples;
  float *packed, *scratch;
} pass;

static void pack_groups(const void *context, size_t piece, size_t worker) {
  const pass *p = context;
  const dg_conv1d_lines *l = p->op->plan;
  const dg_span some = dg_cpu_part(l->groups, p->pieces, piece);
  (void)worker;
  dg_conv1d_lines_pack(l, !is_transposed(p->op), dg_floats(p->buffers->param[0]), some.begin,
                       some.end, p->packed);
}

/** Adds the bias to each of `steps` steps. */
static void add_bias(size_t steps, size_t count, const float *restrict bias, float *restrict y) {
  for (size_t t = 0; t < steps; t++, y += count)
    for (size_t i = 0; i < count; i++) y[i] += bias[i];
}

static void run_samples(const void *context, size_t piece, size_t worker) {
  const pass *p = context;
  const dg_conv1d_lines *l = p->op->plan;
  const dg_grouped_conv1d_desc *d = &p->op->desc.grouped_conv1d;
  const bool transposed = is_transposed(p->op);
  const size_t of_long = l->steps * l->channels, of_short = l->short_steps * l->filters;
  const size_t in = transposed ? of_short : of_long, out = transposed ? of_long : of_short;
  const size_t width = transposed ? l->channels : l->filters;
  float *scratch = p->scratch + worker * dg_conv1d_lines_scratch(l);
  const dg_span some = dg_cpu_part(p->samples, p->pieces, piece);
  for (size_t s = some.begin; s < some.end; s++) {
    const float *x = dg_floats(p->buffers->in[0]) + s * in;
    float *y = dg_floats(p->buffers->out[0]) + s * out;
    if (transposed) {
      memset(y, 0, out * sizeof *y);
      dg_conv1d_lines_lengthen(l, x, p->packed, scratch, y);
    } else {
      dg_conv1d_lines_shorten(l, x, p->packed, false, scratch, y);
    }
    if (d->bias) add_bias(out / width, width, dg_floats(p->buffers->param[1]), y);
    if (d->act.kind != DG_ACT_NONE) dg_act_forward(d->act, out, y, y);
  }
}

static void run(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_conv1d_lines *l = op->plan;
  const size_t weights = weights_of(l, !is_transposed(op));
  const size_t sums = step->n * l->short_steps * l->filters * l->depth;
  bool pack;
  float *workspace = dg_floats(buffers->workspace);
  float *packed = dg_cpu_packed(op, buffers, workspace, &pack);
  const pass p = {.op = op,
                  .buffers = buffers,
                  .samples = step->n,
                  .packed = packed,
                  .scratch = op->prepacked ? workspace : workspace + weights};
  if (pack)
    dg_cpu_run_counted(op->device, dg_cpu_pieces(l->groups, weights), pack_groups, &p, sizeof p);
  dg_cpu_run_counted(op->device, dg_cpu_pieces(step->n, sums / DG_VECTOR), run_samples, &p,
                     sizeof p);
}

static const dg_cpu_implementation forward_by_lines = {"lines", NULL, prepare, run};

const dg_cpu_family DG_ISA_NAME(dg_cpu_grouped_conv1d) = {supports,
                                                          {&forward_by_lines},
                                                          {&dg_conv1d_lines_backward}},
                    DG_ISA_NAME(dg_cpu_conv_transpose1d) = {
                        supports, {&forward_by_lines}, {&dg_conv1d_lines_backward}};
