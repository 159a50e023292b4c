#include "backends/cpu/elementwise/lines.h"
#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

/** Vectors of a plane that are added up before they go to its sum, so that rounding errors stay
    small. */
enum { BLOCK = 64 };

static bool supports(const dg_op_desc *desc) {
  const dg_prelu_desc *d = &desc->prelu;
  return d->rows > 0 && d->channels > 0 && d->plane > 0;
}

/** Lines of a run: rows of channels where a plane is one number, else planes. */
static size_t lines_of(const dg_cpu_op *op, const dg_step *step) {
  const dg_prelu_desc *d = &op->desc.prelu;
  const size_t rows = (size_t)step->n * d->rows;
  return d->plane == 1 ? rows : rows * d->channels;
}

static size_t length_of(const dg_prelu_desc *d) {
  return d->plane == 1 ? d->channels : d->plane;
}

/* ---- forward ------------------------------------------------------------ */

static void forward_piece(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_prelu_desc *d = &region->op->desc.prelu;
  const float *weight = dg_floats(region->buffers->param[0]);
  const size_t length = length_of(d);
  const dg_span lines = dg_cpu_part(lines_of(region->op, region->step), region->pieces, piece);
  (void)worker;
  for (size_t l = lines.begin; l < lines.end; l++) {
    const float *x = dg_floats(region->buffers->in[0]) + l * length;
    float *y = dg_floats(region->buffers->out[0]) + l * length;
    const float slope = weight[l % d->channels];
    if (d->plane == 1)
      for (size_t i = 0; i < length; i++) y[i] = x[i] > 0 ? x[i] : weight[i] * x[i];
    else
      for (size_t i = 0; i < length; i++) y[i] = x[i] > 0 ? x[i] : slope * x[i];
  }
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const size_t lines = lines_of(op, step);
  dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(lines, lines * length_of(&op->desc.prelu)),
                    forward_piece);
}

/* ---- backward ----------------------------------------------------------- */

/** Doubles of a part's own gradients of the weights. */
static size_t part_doubles(const dg_prelu_desc *d) {
  return dg_round_up(2 * (size_t)d->channels) / 2;
}

/** The number of parts that backward cuts `lines` lines into. */
static size_t most_parts(const dg_cpu_op *op) {
  const dg_prelu_desc *d = &op->desc.prelu;
  const size_t lines = lines_of(op, &(dg_step){.n = op->max_n});
  return dg_cpu_parts(op, lines, 2 * part_doubles(d), 4 * lines * length_of(d));
}

static size_t parts_of(const dg_cpu_op *op, const dg_step *step) {
  const size_t lines = lines_of(op, step), most = most_parts(op);
  return lines < most ? lines : most;
}

static bool prepare_backward(dg_cpu_op *op, dg_error *err) {
  (void)err;
  op->needs.reads_in = true;
  op->needs.workspace = most_parts(op) * part_doubles(&op->desc.prelu) * sizeof(double);
  return true;
}

/** d_y x where x isn't above 0, else 0. */
static inline dg_vector share_of(const float *x, const float *d_y, size_t lanes) {
  const dg_vector in = dg_lanes_load(x, lanes, 0);
  const dg_vector share = in * dg_lanes_load(d_y, lanes, 0);
  return (dg_vector)((dg_int_vector)share & ~(in > 0));
}

/** The sum of that over a plane. */
static double plane_sum(size_t count, const float *x, const float *d_y) {
  const size_t whole = count - count % DG_VECTOR;
  double sum = 0;
  for (size_t first = 0; first < whole; first += BLOCK * DG_VECTOR) {
    const size_t most = first + BLOCK * DG_VECTOR, end = most < whole ? most : whole;
    dg_vector block = {0};
    for (size_t i = first; i < end; i += DG_VECTOR) block += share_of(x + i, d_y + i, DG_VECTOR);
    sum += (double)dg_lanes_sum(block);
  }
  if (whole < count) sum += (double)dg_lanes_sum(share_of(x + whole, d_y + whole, count - whole));
  return sum;
}

static void plane_gradient(dg_grad_mode mode, float slope, size_t count, const float *x,
                           const float *d_y, float *d_x) {
  for (size_t i = 0; i < count; i++) {
    const float gradient = x[i] > 0 ? d_y[i] : slope * d_y[i];
    d_x[i] = mode == DG_GRAD_ADD ? d_x[i] + gradient : gradient;
  }
}

static void row_gradient(dg_grad_mode mode, const float *slope, size_t count, const float *x,
                         const float *d_y, float *d_x) {
  for (size_t i = 0; i < count; i++) {
    const float gradient = x[i] > 0 ? d_y[i] : slope[i] * d_y[i];
    d_x[i] = mode == DG_GRAD_ADD ? d_x[i] + gradient : gradient;
  }
}

/** A part of the lines: computes their gradients, and the part's own sums. */
static void backward_part(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_prelu_desc *d = &region->op->desc.prelu;
  const dg_op_buffers *buffers = region->buffers;
  const dg_grad_mode mode = region->op->desc.d_in[0];
  const float *weight = dg_floats(buffers->param[0]);
  const size_t length = length_of(d);
  double *sum = (double *)(void *)buffers->workspace->data + piece * part_doubles(d);
  const dg_span lines = dg_cpu_part(lines_of(region->op, region->step), region->pieces, piece);
  (void)worker;
  memset(sum, 0, d->channels * sizeof *sum);
  for (size_t l = lines.begin; l < lines.end; l++) {
    const float *x = dg_floats(buffers->in[0]) + l * length;
    const float *d_y = dg_floats(buffers->d_out) + l * length;
    float *d_x = mode == DG_GRAD_NONE ? NULL : dg_floats(buffers->d_in[0]) + l * length;
    if (d->plane > 1) {
      sum[l % d->channels] += plane_sum(length, x, d_y);
      if (d_x) plane_gradient(mode, weight[l % d->channels], length, x, d_y, d_x);
      continue;
    }
    for (size_t i = 0; i < length; i++) sum[i] += (double)(x[i] > 0 ? 0 : d_y[i] * x[i]);
    if (d_x) row_gradient(mode, weight, length, x, d_y, d_x);
  }
}

/** Adds up the parts' sums, in order. */
static void add_parts(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_prelu_desc *d = &region->op->desc.prelu;
  const double *first = (const double *)(const void *)region->buffers->workspace->data;
  const size_t parts = parts_of(region->op, region->step);
  const dg_span channels = dg_cpu_part(d->channels, region->pieces, piece);
  (void)worker;
  for (size_t c = channels.begin; c < channels.end; c++) {
    double sum = 0;
    for (size_t k = 0; k < parts; k++) sum += first[k * part_doubles(d) + c];
    dg_floats(region->buffers->d_param[0])[c] = (float)sum;
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const size_t channels = op->desc.prelu.channels, parts = parts_of(op, step);
  dg_cpu_run_region(op, buffers, step, parts, backward_part);
  dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(channels, parts * channels), add_parts);
}

static const dg_cpu_implementation forward_by_lines = {"lines", NULL, NULL, forward},
                                   backward_by_lines = {"lines", NULL, prepare_backward, backward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_prelu) = {
    supports, {&forward_by_lines}, {&backward_by_lines}};
