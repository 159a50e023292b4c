/*
 * Batch and layer normalization (cl/norm/norm.cl). Sums over a channel are taken in two steps: of
 * each plane, or of blocks of lines where a plane is a single number, and then over those.
 */
#include "backends/opencl/gemm/product.h"

enum { NORM_BLOCK = 64 }; /* as in cl/norm/norm.cl */

/* A tensor as lines, and how many of them a work-group takes: enough to be worth its start. */
typedef struct {
  uint32_t lines, length, share;
} line_shape;

static line_shape shape_of_lines(uint32_t lines, uint32_t length) {
  enum { NUMBERS = 4096 };
  return (line_shape){lines, length, length < NUMBERS ? NUMBERS / length : 1};
}

static dg_cl_range line_range(const dg_cl_op *op, const line_shape *s) {
  const size_t group = dg_cl_group(op->device);
  return (dg_cl_range){.global = {group, dg_cl_ceil_div(s->lines, s->share), 1},
                       .local = {group, 1, 1}};
}

/* Columns of `length` numbers in blocks. */
static dg_cl_range column_range(const dg_cl_op *op, uint32_t length, uint32_t blocks) {
  return dg_cl_range_of((size_t[3]){dg_cl_ceil_div(length, dg_cl_width(op->device)), blocks, 1},
                        (size_t[3]){4, 1, 1});
}

/* to[i] = the sum over the rows of a matrix that begins at `first`. */
static bool sum_columns(dg_cl_op *op, cl_kernel kernel, const dg_buffer *from, uint32_t first,
                        const dg_buffer *to, uint32_t rows, uint32_t columns, dg_error *err) {
  return dg_cl_launch(op, kernel, dg_cl_blocks(op->device, columns, 1),
                      DG_CL_ARGS(dg_cl_mem(from), dg_cl_u32(first), dg_cl_mem(to), dg_cl_u32(rows),
                                 dg_cl_u32(columns)),
                      err);
}

/* ---- batch normalization ------------------------------------------------ */

typedef struct {
  dg_cl_op op;
  cl_kernel moments, statistics, running, forward; /* moments and sums: of lines or of columns */
  cl_kernel sums, sum_columns, backward;
  bool along; /* all channels lie in a line */
} batch_op;

static bool batch_supports(const dg_cl_device *device, const dg_op_desc *desc) {
  (void)device;
  return dg_cl_is_leaky(desc->batch_norm.act) && !desc->batch_norm.moments;
}

static line_shape batch_lines(const dg_cl_op *op, uint32_t n) {
  const dg_batch_norm_desc *d = &op->base.desc.batch_norm;
  return ((const batch_op *)op)->along ? shape_of_lines(n * d->rows, d->channels)
                                       : shape_of_lines(n * d->rows * d->channels, d->plane);
}

/* What is summed first: so many numbers of each channel. */
static uint32_t batch_block(const dg_cl_op *op) {
  return ((const batch_op *)op)->along ? NORM_BLOCK : op->base.desc.batch_norm.plane;
}

/* The numbers of a channel in a batch, and the blocks they make. */
static uint32_t batch_count(const dg_cl_op *op, uint32_t n) {
  return n * op->base.desc.batch_norm.rows * op->base.desc.batch_norm.plane;
}
static uint32_t batch_blocks(const dg_cl_op *op, uint32_t n) {
  return (uint32_t)dg_cl_ceil_div(batch_count(op, n), batch_block(op));
}

static bool batch_prepare_training(batch_op *self, dg_error *err) {
  dg_cl_op *op = &self->op;
  const uint32_t channels = op->base.desc.batch_norm.channels;
  const size_t row = sizeof(float) * channels, blocks = batch_blocks(op, op->base.max_n);
  op->base.needs.kept = 3 * row;
  op->base.needs.forward_workspace = 3 * row * blocks;
  op->base.needs.backward_workspace = 2 * row * blocks;
  op->base.needs.backward_reads_in = true;
  const char *moments = self->along ? "norm_column_moments" : "norm_line_moments";
  const char *sums = self->along ? "norm_column_sums" : "norm_line_sums";
  self->moments = dg_cl_kernel(op, DG_CL_NORMS, moments, err);
  self->statistics = dg_cl_kernel(op, DG_CL_NORMS, "batch_norm_statistics", err);
  self->sums = dg_cl_kernel(op, DG_CL_NORMS, sums, err);
  self->sum_columns = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum_columns", err);
  self->backward = dg_cl_kernel(op, DG_CL_NORMS, "batch_norm_backward", err);
  return self->moments && self->statistics && self->sums && self->sum_columns && self->backward;
}

static bool batch_prepare(dg_cl_op *op, dg_error *err) {
  batch_op *self = (batch_op *)op;
  const dg_batch_norm_desc *d = &op->base.desc.batch_norm;
  self->along = d->plane == 1;
  self->running = dg_cl_kernel(op, DG_CL_NORMS, "batch_norm_running", err);
  self->forward = dg_cl_kernel(op, DG_CL_NORMS, "batch_norm_forward", err);
  op->base.needs.forward_workspace = sizeof(float) * 3 * d->channels;
  return self->running && self->forward && (!op->train || batch_prepare_training(self, err));
}

/* The moments of each block, at the start of the workspace. */
static bool find_moments(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const batch_op *self = (const batch_op *)op;
  const line_shape s = batch_lines(op, n);
  const uint32_t blocks = batch_blocks(op, n);
  const dg_cl_arg x = dg_cl_mem(b->in[0]), all = dg_cl_mem(b->workspace),
                  lines = dg_cl_u32(s.lines), length = dg_cl_u32(s.length);
  if (self->along)
    return dg_cl_launch(op, self->moments, column_range(op, s.length, blocks),
                        DG_CL_ARGS(x, all, lines, length, dg_cl_u32(blocks)), err);
  return dg_cl_launch(op, self->moments, line_range(op, &s),
                      DG_CL_ARGS(x, all, lines, length, dg_cl_u32(s.share)), err);
}

/* The statistics of this batch, into `kept`. */
static bool find_statistics(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const dg_batch_norm_desc *d = &op->base.desc.batch_norm;
  const uint32_t blocks = batch_blocks(op, n);
  return find_moments(op, b, n, err) &&
         dg_cl_launch(op, ((batch_op *)op)->statistics, dg_cl_blocks(op->device, d->channels, 1),
                      DG_CL_ARGS(dg_cl_mem(b->workspace), dg_cl_u32(blocks),
                                 dg_cl_u32(batch_block(op)), dg_cl_u32(batch_count(op, n)),
                                 dg_cl_u32(d->channels), dg_cl_f32(d->eps), dg_cl_f32(d->momentum),
                                 dg_cl_mem(b->kept), dg_cl_mem(b->state[0]),
                                 dg_cl_mem(b->state[1])),
                      err);
}

static bool take_running(dg_cl_op *op, const dg_op_buffers *b, dg_error *err) {
  const dg_batch_norm_desc *d = &op->base.desc.batch_norm;
  return dg_cl_launch(op, ((batch_op *)op)->running, dg_cl_blocks(op->device, d->channels, 1),
                      DG_CL_ARGS(dg_cl_mem(b->state[0]), dg_cl_mem(b->state[1]),
                                 dg_cl_u32(d->channels), dg_cl_f32(d->eps),
                                 dg_cl_mem(b->workspace)),
                      err);
}

static bool batch_forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step,
                          dg_error *err) {
  const batch_op *self = (batch_op *)op;
  const dg_batch_norm_desc *d = &op->base.desc.batch_norm;
  const line_shape s = batch_lines(op, step->n);
  const bool ok = step->train ? find_statistics(op, b, step->n, err) : take_running(op, b, err);
  return ok && dg_cl_launch(
                   op, self->forward, line_range(op, &s),
                   DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(step->train ? b->kept : b->workspace),
                              dg_cl_mem(b->param[0]), dg_cl_mem(b->param[1]), dg_cl_mem(b->out[0]),
                              dg_cl_u32(s.lines), dg_cl_u32(s.length), dg_cl_u32(s.share),
                              dg_cl_u32(d->channels), dg_cl_u32(self->along),
                              dg_cl_f32(dg_cl_leaky_slope(d->act))),
                   err);
}

/* The sums of each block that make d_bias and d_weight, into the workspace. */
static bool find_sums(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const batch_op *self = (const batch_op *)op;
  const dg_batch_norm_desc *d = &op->base.desc.batch_norm;
  const line_shape s = batch_lines(op, n);
  const uint32_t blocks = batch_blocks(op, n);
  const dg_cl_arg x = dg_cl_mem(b->in[0]), dy = dg_cl_mem(b->d_out),
                  statistics = dg_cl_mem(b->kept), weight = dg_cl_mem(b->param[0]),
                  bias = dg_cl_mem(b->param[1]), sums = dg_cl_mem(b->workspace),
                  products_first = dg_cl_u32(blocks * d->channels), lines = dg_cl_u32(s.lines),
                  length = dg_cl_u32(s.length), slope = dg_cl_f32(dg_cl_leaky_slope(d->act));
  if (self->along)
    return dg_cl_launch(op, self->sums, column_range(op, s.length, blocks),
                        DG_CL_ARGS(x, dy, statistics, weight, bias, sums, products_first, lines,
                                   length, dg_cl_u32(0), slope),
                        err);
  return dg_cl_launch(op, self->sums, line_range(op, &s),
                      DG_CL_ARGS(x, dy, statistics, weight, bias, sums, products_first, lines,
                                 length, dg_cl_u32(s.share), dg_cl_u32(d->channels), slope),
                      err);
}

static bool batch_d_in(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const batch_op *self = (const batch_op *)op;
  const dg_batch_norm_desc *d = &op->base.desc.batch_norm;
  const line_shape s = batch_lines(op, n);
  const float inverse = 1.0f / (float)batch_count(op, n);
  return dg_cl_launch(op, self->backward, line_range(op, &s),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->d_out), dg_cl_mem(b->kept),
                                 dg_cl_mem(b->param[0]), dg_cl_mem(b->param[1]),
                                 dg_cl_mem(b->d_param[0]), dg_cl_mem(b->d_param[1]),
                                 dg_cl_mem(b->d_in[0]), dg_cl_u32(s.lines), dg_cl_u32(s.length),
                                 dg_cl_u32(s.share), dg_cl_u32(d->channels), dg_cl_u32(self->along),
                                 dg_cl_f32(dg_cl_leaky_slope(d->act)), dg_cl_f32(inverse),
                                 dg_cl_u32(op->base.desc.d_in[0] == DG_GRAD_ADD)),
                      err);
}

static bool batch_backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step,
                           dg_error *err) {
  const batch_op *self = (const batch_op *)op;
  const uint32_t channels = op->base.desc.batch_norm.channels;
  const uint32_t blocks = batch_blocks(op, step->n);
  return find_sums(op, b, step->n, err) &&
         sum_columns(op, self->sum_columns, b->workspace, 0, b->d_param[1], blocks, channels,
                     err) &&
         sum_columns(op, self->sum_columns, b->workspace, blocks * channels, b->d_param[0], blocks,
                     channels, err) &&
         (op->base.desc.d_in[0] == DG_GRAD_NONE || batch_d_in(op, b, step->n, err));
}

const dg_cl_family dg_cl_batch_norm = {
    .size = sizeof(batch_op),
    .supports = batch_supports,
    .prepare = batch_prepare,
    .forward = batch_forward,
    .backward = batch_backward,
};

/* ---- layer normalization ------------------------------------------------ */

typedef struct {
  dg_cl_op op;
  cl_kernel forward, sums, sum_columns, backward;
} layer_op;

static line_shape layer_lines(const dg_cl_op *op, uint32_t n) {
  const dg_layer_norm_desc *d = &op->base.desc.layer_norm;
  return shape_of_lines(n * d->rows, d->count);
}

static uint32_t layer_blocks(const dg_cl_op *op, uint32_t n) {
  return (uint32_t)dg_cl_ceil_div(n * op->base.desc.layer_norm.rows, NORM_BLOCK);
}

static bool layer_prepare(dg_cl_op *op, dg_error *err) {
  layer_op *self = (layer_op *)op;
  const dg_layer_norm_desc *d = &op->base.desc.layer_norm;
  self->forward = dg_cl_kernel(op, DG_CL_NORMS, "layer_norm_forward", err);
  if (!self->forward || !op->train) return self->forward;
  const size_t max_n = op->base.max_n;
  op->base.needs.kept = sizeof(float) * 3 * max_n * d->rows;
  op->base.needs.backward_workspace =
      sizeof(float) * 2 * layer_blocks(op, op->base.max_n) * d->count;
  op->base.needs.backward_reads_in = true;
  self->sums = dg_cl_kernel(op, DG_CL_NORMS, "norm_column_sums", err);
  self->sum_columns = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum_columns", err);
  self->backward = dg_cl_kernel(op, DG_CL_NORMS, "layer_norm_backward", err);
  return self->sums && self->sum_columns && self->backward;
}

static bool layer_forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step,
                          dg_error *err) {
  const line_shape s = layer_lines(op, step->n);
  return dg_cl_launch(op, ((layer_op *)op)->forward, line_range(op, &s),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->param[0]),
                                 dg_cl_mem(b->param[1]), dg_cl_mem(b->out[0]), dg_cl_mem(b->kept),
                                 dg_cl_u32(s.lines), dg_cl_u32(s.length), dg_cl_u32(s.share),
                                 dg_cl_f32(op->base.desc.layer_norm.eps), dg_cl_u32(step->train)),
                      err);
}

static bool layer_d_params(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const layer_op *self = (const layer_op *)op;
  const line_shape s = layer_lines(op, n);
  const uint32_t blocks = layer_blocks(op, n), products_first = blocks * s.length;
  return dg_cl_launch(op, self->sums, column_range(op, s.length, blocks),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->d_out), dg_cl_mem(b->kept),
                                 dg_cl_mem(b->param[0]), dg_cl_mem(b->param[1]),
                                 dg_cl_mem(b->workspace), dg_cl_u32(products_first),
                                 dg_cl_u32(s.lines), dg_cl_u32(s.length), dg_cl_u32(s.lines),
                                 dg_cl_f32(1)),
                      err) &&
         sum_columns(op, self->sum_columns, b->workspace, 0, b->d_param[1], blocks, s.length,
                     err) &&
         sum_columns(op, self->sum_columns, b->workspace, products_first, b->d_param[0], blocks,
                     s.length, err);
}

static bool layer_backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step,
                           dg_error *err) {
  const line_shape s = layer_lines(op, step->n);
  const dg_grad_mode mode = op->base.desc.d_in[0];
  return layer_d_params(op, b, step->n, err) &&
         (mode == DG_GRAD_NONE ||
          dg_cl_launch(op, ((layer_op *)op)->backward, line_range(op, &s),
                       DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->d_out), dg_cl_mem(b->kept),
                                  dg_cl_mem(b->param[0]), dg_cl_mem(b->d_in[0]), dg_cl_u32(s.lines),
                                  dg_cl_u32(s.length), dg_cl_u32(s.share),
                                  dg_cl_u32(mode == DG_GRAD_ADD)),
                       err));
}

const dg_cl_family dg_cl_layer_norm = {
    .size = sizeof(layer_op),
    .prepare = layer_prepare,
    .forward = layer_forward,
    .backward = layer_backward,
};
