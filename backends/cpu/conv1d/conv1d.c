/** Convolution of sequences, forward. */
#include "backends/cpu/conv1d/conv1d_windows.h"

#include <stdlib.h>
#include <string.h>

#include "backends/cpu/elementwise/act.h"
#include "backends/cpu/gemm/micro_kernel.h"
#include "backends/cpu/runtime/pieces.h"

static bool supports(const dg_op_desc *desc) {
  const dg_conv1d_desc *d = &desc->conv1d;
  return d->steps > 0 && d->in > 0 && d->filters > 0 && d->kernel > 0 && d->stride > 0 &&
         dg_act_supported(d->act) && dg_conv1d_out_steps(d) > 0;
}

static bool prepare(dg_cpu_op *op, dg_error *err) {
  dg_conv1d_shape *shape = op->plan = malloc(sizeof *shape);
  if (!shape) return dg_fail_memory(err, sizeof *shape);
  *shape = dg_conv1d_shape_of(&op->desc.conv1d);
  size_t packed = op->train ? shape->weight_floats : 0;
  op->needs.workspace =
      (packed + (size_t)op->device->threads * dg_round_up(shape->source_floats)) * sizeof(float);
  return op->train || dg_cpu_keep_prepacked(op, shape->weight_floats, err);
}

/** The panel of filters from `filter` on: rows [tap, input], columns filters. */
static void pack_weights(const dg_conv1d_desc *d, const float *weight, size_t filter,
                         float *panel) {
  size_t filters = dg_panel_columns(d->filters - filter), width = dg_panel_width(filters);
  memset(panel, 0, (size_t)d->kernel * d->in * width * sizeof *panel);
  for (size_t f = 0; f < filters; f++)
    for (size_t i = 0; i < d->in; i++)
      for (size_t k = 0; k < d->kernel; k++)
        panel[(k * d->in + i) * width + f] = weight[((filter + f) * d->in + i) * d->kernel + k];
}

/** The state of a forward pass, shared by its pieces. */
typedef struct {
  size_t pieces; /**< of a region; dg_cpu_run_counted */
  const dg_cpu_op *op;
  const dg_op_buffers *buffers;
  size_t samples;
  float *panels; /**< the packed weights */
  float *padded; /**< for every worker */
} pass;

/** Packs the weights of some panels of filters. */
static void pack_panels(const void *context, size_t piece, size_t worker) {
  (void)worker;
  const pass *f = context;
  const dg_conv1d_desc *d = &f->op->desc.conv1d;
  size_t depth = ((const dg_conv1d_shape *)f->op->plan)->windows.depth;
  dg_span some = dg_cpu_grains(d->filters, DG_TILE_WIDTH, f->pieces, piece);
  for (size_t i = some.begin; i < some.end; i += DG_TILE_WIDTH)
    pack_weights(d, dg_floats(f->buffers->param[0]), i, f->panels + i * depth);
}

/** Runs some samples. */
static void run_samples(const void *context, size_t piece, size_t worker) {
  const pass *f = context;
  const dg_conv1d_desc *d = &f->op->desc.conv1d;
  const dg_conv1d_shape *shape = f->op->plan;
  const dg_conv1d_windows *w = &shape->windows;
  size_t in = (size_t)d->steps * d->in, out = w->steps * w->columns;
  dg_gemm_epilogue epilogue = {.bias = d->bias ? dg_floats(f->buffers->param[1]) : NULL,
                               .act = d->act};
  dg_span some = dg_cpu_part(f->samples, f->pieces, piece);
  float *own = f->padded + worker * dg_round_up(shape->source_floats);
  if (shape->source_floats) memset(own, 0, shape->source_floats * sizeof *own);
  for (size_t s = some.begin; s < some.end; s++) {
    const float *x = dg_floats(f->buffers->in[0]) + s * in;
    if (shape->source_floats) dg_padded_fill(&shape->source, x, own);
    dg_conv1d_multiply(w, shape->source_floats ? own : x, f->panels, &epilogue,
                       dg_floats(f->buffers->out[0]) + s * out);
  }
}

static void run(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_conv1d_shape *shape = op->plan;
  const dg_conv1d_windows *w = &shape->windows;
  size_t weights = w->columns * w->depth;
  bool pack;
  float *workspace = dg_floats(buffers->workspace);
  float *panels = dg_cpu_packed(op, buffers, workspace, &pack);
  const pass f = {.op = op,
                  .buffers = buffers,
                  .samples = step->n,
                  .panels = panels,
                  .padded = op->prepacked ? workspace : workspace + shape->weight_floats};
  if (pack)
    dg_cpu_run_counted(f.op->device, dg_cpu_pieces(dg_panel_count(w->columns), weights),
                       pack_panels, &f, sizeof f);
  dg_cpu_run_counted(f.op->device, dg_cpu_pieces(step->n, step->n * w->steps * weights / DG_VECTOR),
                     run_samples, &f, sizeof f);
}

static const dg_cpu_implementation forward_by_windows = {"windows", NULL, prepare, run};

const dg_cpu_family DG_ISA_NAME(dg_cpu_conv1d) = {
    supports, {&forward_by_windows}, {&dg_conv1d_backward}};
