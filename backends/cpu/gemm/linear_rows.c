#include "backends/cpu/gemm/linear_rows.h"

#include <stdlib.h>
#include <string.h>

#include "backends/cpu/elementwise/act.h"
#include "backends/cpu/gemm/gemm.h"
#include "backends/cpu/gemm/micro_kernel.h"
#include "backends/cpu/gemm/pack.h"
#include "backends/cpu/runtime/blas.h"

/** Rows in one product of the weights' gradient: their panels stay in the cache. */
enum { CHUNK_ROWS = 512 };

static bool fits(const dg_cpu_device *device, const dg_op_desc *desc, uint32_t max_n, bool train) {
  (void)device, (void)max_n, (void)train;
  return dg_linear_rows(&desc->linear) > 1;
}

static size_t rows_of(const dg_cpu_op *op, size_t n) {
  return n * dg_linear_rows(&op->desc.linear);
}

/* ---- forward ------------------------------------------------------------ */

static size_t weight_floats(const dg_linear_desc *d) {
  return dg_round_up((size_t)d->in * dg_panels_width(d->out));
}

static bool prepare_forward(dg_cpu_op *op, dg_error *err) {
  const size_t floats = weight_floats(&op->desc.linear);
  op->needs.workspace = op->train ? floats * sizeof(float) : 0;
  return op->train || dg_cpu_keep_prepacked(op, floats, err);
}

/** The weights that are packed, a panel of outputs after the other. */
typedef struct {
  size_t pieces; /**< of a region; dg_cpu_run_counted */
  const dg_linear_desc *desc;
  const float *weight;
  float *panels;
} packing;

static void pack_panels(const void *context, size_t piece, size_t worker) {
  (void)worker;
  const packing *p = context;
  const size_t in = p->desc->in;
  const dg_span outputs = dg_cpu_grains(p->desc->out, DG_TILE_WIDTH, p->pieces, piece);
  for (size_t o = outputs.begin; o < outputs.end; o += DG_TILE_WIDTH)
    dg_pack_columns(in, dg_panel_columns(outputs.end - o), p->weight + o * in, in,
                    p->panels + o * in);
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_linear_desc *d = &op->desc.linear;
  bool pack;
  float *panels = dg_cpu_packed(op, buffers, dg_floats(buffers->workspace), &pack);
  const packing p = {.desc = d, .weight = dg_floats(buffers->param[0]), .panels = panels};
  if (pack)
    dg_cpu_run_counted(op->device, dg_cpu_pieces(dg_panel_count(d->out), (size_t)d->in * d->out),
                       pack_panels, &p, sizeof p);
  dg_gemm_run(op->device,
              &(dg_gemm){.rows = rows_of(op, step->n),
                         .columns = d->out,
                         .depth = d->in,
                         .a = dg_floats(buffers->in[0]),
                         .a_row = d->in,
                         .panels = panels,
                         .c = dg_floats(buffers->out[0]),
                         .c_row = d->out,
                         .by_rows = true,
                         .column_bias = d->bias ? dg_floats(buffers->param[1]) : NULL,
                         .act = d->act},
              NULL);
}

const dg_cpu_implementation dg_linear_rows_forward = {"rows", fits, prepare_forward, forward};

/* ---- backward ----------------------------------------------------------- */

/** The workspace: d_z, the gradient before the activation, unless it is d_out; the parts' sums for
    the biases; panels of products. */
typedef struct {
  size_t d_z_row;           /**< floats from one row of d_z to the next */
  size_t d_z, sums;         /**< floats of each */
  size_t parts;             /**< of the rows, at most */
  uint32_t row[CHUNK_ROWS]; /**< the offset of each row of a chunk in d_z */
} back_plan;

/** Products read columns of d_z: rows a power of two apart would map to the same few cache sets. */
static size_t d_z_row(const dg_linear_desc *d) {
  enum { APART = 16 };
  return d->act.kind == DG_ACT_NONE ? d->out : dg_round_up(d->out) + APART;
}

static bool prepare_backward(dg_cpu_op *op, dg_error *err) {
  const dg_linear_desc *d = &op->desc.linear;
  const size_t rows = rows_of(op, op->max_n), deepest = d->out > CHUNK_ROWS ? d->out : CHUNK_ROWS;
  const bool act = d->act.kind != DG_ACT_NONE;
  back_plan *plan = op->plan = calloc(1, sizeof *plan);
  if (!plan) return dg_fail_memory(err, sizeof *plan);
  plan->d_z_row = d_z_row(d);
  if (CHUNK_ROWS * plan->d_z_row > UINT32_MAX)
    return dg_fail(err, DG_ERR_UNSUPPORTED, "%u outputs are too many for the cpu backend", d->out);
  for (size_t s = 0; s < CHUNK_ROWS; s++) plan->row[s] = (uint32_t)(s * plan->d_z_row);
  plan->d_z = act ? dg_round_up(rows * plan->d_z_row) : 0;
  plan->parts = dg_cpu_parts(op, rows, 2 * (size_t)d->out, rows * d->out);
  plan->sums = dg_round_up(2 * (size_t)d->out); /* doubles */
  op->needs.reads_in = true;
  op->needs.reads_out = act;
  op->needs.workspace = (plan->d_z + plan->parts * plan->sums) * sizeof(float) +
                        dg_gemm_workspace(op->device, deepest);
  return true;
}

/** The state of a backward pass, shared by its pieces. */
typedef struct {
  size_t pieces; /**< of a region; dg_cpu_run_counted */
  const dg_linear_desc *desc;
  const back_plan *plan;
  size_t rows, parts;
  const float *y, *d_y;
  float *d_z, *sums, *d_bias;
} pass;

static double *sums_of(const pass *b, size_t part) {
  return (double *)(void *)(b->sums + part * b->plan->sums);
}

/** Writes d_z of the rows of a part, unless it is d_out, and the part's sums over them. */
static void run_part(const void *context, size_t part, size_t worker) {
  (void)worker;
  const pass *b = context;
  const size_t out = b->desc->out;
  const dg_span rows = dg_cpu_part(b->rows, b->parts, part);
  double *sum = sums_of(b, part);
  memset(sum, 0, out * sizeof *sum);
  for (size_t r = rows.begin; r < rows.end; r++) {
    const float *d_y = b->d_y + r * out, *d_z = d_y;
    if (b->plan->d_z) {
      float *to = b->d_z + r * b->plan->d_z_row;
      dg_act_backward(b->desc->act, out, b->y + r * out, d_y, to);
      d_z = to;
    }
    for (size_t o = 0; o < out && b->d_bias; o++) sum[o] += (double)d_z[o];
  }
}

static void add_parts(const void *context, size_t piece, size_t worker) {
  (void)worker;
  const pass *b = context;
  const dg_span outputs = dg_cpu_part(b->desc->out, b->pieces, piece);
  for (size_t o = outputs.begin; o < outputs.end; o++) {
    double sum = 0;
    for (size_t part = 0; part < b->parts; part++) sum += sums_of(b, part)[o];
    b->d_bias[o] = (float)sum;
  }
}

/** d_weight = the sum over chunks of rows of d_z^T in. */
static void weight_gradient(const dg_cpu_op *op, const dg_op_buffers *buffers, const float *d_z,
                            size_t rows, float *panels) {
  const dg_linear_desc *d = &op->desc.linear;
  const back_plan *plan = op->plan;
  for (size_t r = 0; r < rows; r += CHUNK_ROWS)
    dg_gemm_run(op->device,
                &(dg_gemm){.rows = d->out,
                           .columns = d->in,
                           .depth = rows - r < CHUNK_ROWS ? rows - r : CHUNK_ROWS,
                           .a = d_z + r * plan->d_z_row,
                           .a_step = plan->row,
                           .b = dg_floats(buffers->in[0]) + r * d->in,
                           .b_row = d->in,
                           .c = dg_floats(buffers->d_param[0]),
                           .c_row = d->in,
                           .add = r > 0},
                panels);
}

void dg_linear_gradients_by_blas(const dg_cpu_op *op, const dg_op_buffers *buffers, size_t rows,
                                 const float *d_z, size_t d_z_row) {
  const dg_linear_desc *desc = &op->desc.linear;
  dg_grad_mode d_in = op->desc.d_in[0];
  size_t in = desc->in, out = desc->out;
  dg_matrix x = {dg_floats(buffers->in[0]), in, false};
  dg_matrix weight = {dg_floats(buffers->param[0]), in, false};
  dg_blas_multiply(op->device, out, in, rows, (dg_matrix){d_z, d_z_row, true}, x, false,
                   dg_floats(buffers->d_param[0]), in);
  if (d_in != DG_GRAD_NONE)
    dg_blas_multiply(op->device, rows, in, out, (dg_matrix){d_z, d_z_row, false}, weight,
                     d_in == DG_GRAD_ADD, dg_floats(buffers->d_in[0]), in);
}

/** Is OpenBLAS faster for the gradients? It packs both operands, which pays for large weights. */
static bool blas_is_faster(const dg_linear_desc *d, size_t rows) {
  enum { LARGE = 1 << 16 };
  return (size_t)d->in * d->out >= LARGE && dg_blas_is_faster(rows);
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_linear_desc *d = &op->desc.linear;
  const back_plan *plan = op->plan;
  const size_t rows = rows_of(op, step->n);
  float *workspace = dg_floats(buffers->workspace), *sums = workspace + plan->d_z;
  float *panels = sums + plan->parts * plan->sums;
  const pass b = {.desc = d,
                  .plan = plan,
                  .rows = rows,
                  .parts = plan->parts < rows ? plan->parts : rows,
                  .y = dg_floats(buffers->out[0]),
                  .d_y = dg_floats(buffers->d_out),
                  .d_z = workspace,
                  .sums = sums,
                  .d_bias = d->bias ? dg_floats(buffers->d_param[1]) : NULL};
  const float *d_z = plan->d_z ? b.d_z : b.d_y;
  if (plan->d_z || b.d_bias) dg_cpu_run_counted(op->device, b.parts, run_part, &b, sizeof b);
  if (b.d_bias)
    dg_cpu_run_counted(op->device, dg_cpu_pieces(d->out, b.parts * d->out), add_parts, &b,
                       sizeof b);
  if (blas_is_faster(d, rows)) {
    dg_linear_gradients_by_blas(op, buffers, rows, d_z, plan->d_z_row);
    return;
  }
  weight_gradient(op, buffers, d_z, rows, panels);
  if (op->desc.d_in[0] == DG_GRAD_NONE) return;
  dg_gemm_run(op->device,
              &(dg_gemm){.rows = rows,
                         .columns = d->in,
                         .depth = d->out,
                         .a = d_z,
                         .a_row = plan->d_z_row,
                         .b = dg_floats(buffers->param[0]),
                         .b_row = d->in,
                         .c = dg_floats(buffers->d_in[0]),
                         .c_row = d->in,
                         .by_rows = true,
                         .add = op->desc.d_in[0] == DG_GRAD_ADD},
              panels);
}

const dg_cpu_implementation dg_linear_rows_backward = {"rows", fits, prepare_backward, backward};
