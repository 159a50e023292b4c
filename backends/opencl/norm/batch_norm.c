/*
 * Batch normalization (cl/norm/norm.cl). Sums over a channel are computed in two steps: over each
 * plane (or blocks of lines, if a plane is a single number), and then over these sums.
 */
#include "backends/opencl/elementwise/leaky.h"
#include "backends/opencl/elementwise/sum_columns.h"
#include "backends/opencl/norm/norm.h"
#include "backends/opencl/runtime/implementation.h"

static bool supports(const dg_cl_device *device, const dg_op_desc *desc) {
  (void)device;
  return dg_cl_is_leaky(desc->batch_norm.act) && !desc->batch_norm.statistics;
}

/* Does each line hold all channels? */
static bool lie_along(const dg_cl_op *op) {
  return op->desc.batch_norm.plane == 1;
}

static dg_cl_lines lines_of(const dg_cl_op *op, uint32_t n) {
  const dg_batch_norm_desc *d = &op->desc.batch_norm;
  return lie_along(op) ? dg_cl_lines_of(n * d->rows, d->channels)
                       : dg_cl_lines_of(n * d->rows * d->channels, d->plane);
}

/* The units that are summed first: this many numbers of each channel. */
static uint32_t block_of(const dg_cl_op *op) {
  return lie_along(op) ? DG_CL_NORM_BLOCK : op->desc.batch_norm.plane;
}

/* The count of a channel's numbers in a batch, and of their blocks. */
static uint32_t count_of(const dg_cl_op *op, uint32_t n) {
  return n * op->desc.batch_norm.rows * op->desc.batch_norm.plane;
}
static uint32_t blocks_of(const dg_cl_op *op, uint32_t n) {
  return (uint32_t)dg_cl_ceil_div(count_of(op, n), block_of(op));
}

/* The count of a channel's numbers in a whole batch, which may exceed the size of a buffer. */
static double whole_of(const dg_cl_op *op, uint32_t n) {
  return (double)n * op->desc.batch_norm.rows * op->desc.batch_norm.plane;
}

/* Bytes of one number per channel. */
static size_t row_of(const dg_cl_op *op) {
  return sizeof(float) * op->desc.batch_norm.channels;
}

/* ---- forward ------------------------------------------------------------ */

typedef struct {
  dg_cl_op op;
  cl_kernel block_statistics; /* of an op that is trained: over blocks of lines or of columns */
  cl_kernel statistics;       /* over all blocks */
  cl_kernel merge, finish;    /* of an op trained in slices */
  cl_kernel running, forward;
} forward_op;

static bool prepare_training(forward_op *self, dg_error *err) {
  dg_cl_op *op = &self->op;
  op->needs.workspace = 3 * row_of(op) * blocks_of(op, op->max_n);
  const char *name = lie_along(op) ? "norm_column_statistics" : "norm_line_statistics";
  self->block_statistics = dg_cl_kernel(op, DG_CL_NORMS, name, err);
  self->statistics = dg_cl_kernel(op, DG_CL_NORMS, "batch_norm_statistics", err);
  self->merge = dg_cl_kernel(op, DG_CL_NORMS, "batch_norm_merge", err);
  self->finish = dg_cl_kernel(op, DG_CL_NORMS, "batch_norm_finish", err);
  return self->block_statistics && self->statistics && self->merge && self->finish;
}

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  forward_op *self = (forward_op *)op;
  self->running = dg_cl_kernel(op, DG_CL_NORMS, "batch_norm_running", err);
  self->forward = dg_cl_kernel(op, DG_CL_NORMS, "batch_norm_forward", err);
  op->needs.workspace = 3 * row_of(op);
  return self->running && self->forward && (!op->train || prepare_training(self, err));
}

/* Computes the statistics of each block, at the start of the workspace. */
static bool find_block_statistics(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const forward_op *self = (const forward_op *)op;
  const dg_cl_lines s = lines_of(op, n);
  const uint32_t blocks = blocks_of(op, n);
  const dg_cl_arg x = dg_cl_mem(b->in[0]), all = dg_cl_mem(b->workspace),
                  lines = dg_cl_u32(s.lines), length = dg_cl_u32(s.length);
  if (lie_along(op))
    return dg_cl_launch(op, self->block_statistics, dg_cl_column_range(op, s.length, blocks),
                        DG_CL_ARGS(x, all, lines, length, dg_cl_u32(blocks)), err);
  return dg_cl_launch(op, self->block_statistics, dg_cl_line_range(op, &s),
                      DG_CL_ARGS(x, all, lines, length, dg_cl_u32(s.share)), err);
}

/* Computes the statistics of this batch, or what is collected of a slice, in `saved`. */
static bool find_statistics(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step,
                            dg_error *err) {
  const dg_batch_norm_desc *d = &op->desc.batch_norm;
  const uint32_t n = step->n;
  const uint32_t blocks = blocks_of(op, n);
  return find_block_statistics(op, b, n, err) &&
         dg_cl_launch(op, ((forward_op *)op)->statistics, dg_cl_blocks(op->device, d->channels, 1),
                      DG_CL_ARGS(dg_cl_mem(b->workspace), dg_cl_u32(blocks),
                                 dg_cl_u32(block_of(op)), dg_cl_u32(count_of(op, n)),
                                 dg_cl_u32(d->channels), dg_cl_u32(step->phase == DG_PHASE_COLLECT),
                                 dg_cl_f32(d->eps), dg_cl_f32(d->momentum), dg_cl_mem(b->saved),
                                 dg_cl_mem(b->running[0]), dg_cl_mem(b->running[1])),
                      err);
}

static bool merge(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const uint32_t channels = op->desc.batch_norm.channels;
  const double others = whole_of(op, step->n);
  const double share = others / whole_of(op, dg_whole_samples(step));
  return dg_cl_launch(op, ((forward_op *)op)->merge, dg_cl_blocks(op->device, channels, 1),
                      DG_CL_ARGS(dg_cl_mem(b->other), dg_cl_mem(b->saved), dg_cl_u32(channels),
                                 dg_cl_f32((float)share), dg_cl_f32((float)(others * (1 - share)))),
                      err);
}

static bool finish(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_batch_norm_desc *d = &op->desc.batch_norm;
  const double count = whole_of(op, dg_whole_samples(step));
  return dg_cl_launch(op, ((forward_op *)op)->finish, dg_cl_blocks(op->device, d->channels, 1),
                      DG_CL_ARGS(dg_cl_mem(b->saved), dg_cl_u32(d->channels),
                                 dg_cl_f32((float)count), dg_cl_f32((float)(count - 1)),
                                 dg_cl_f32(d->eps), dg_cl_f32(d->momentum),
                                 dg_cl_mem(b->running[0]), dg_cl_mem(b->running[1])),
                      err);
}

static bool take_running(dg_cl_op *op, const dg_op_buffers *b, dg_error *err) {
  const dg_batch_norm_desc *d = &op->desc.batch_norm;
  return dg_cl_launch(op, ((forward_op *)op)->running, dg_cl_blocks(op->device, d->channels, 1),
                      DG_CL_ARGS(dg_cl_mem(b->running[0]), dg_cl_mem(b->running[1]),
                                 dg_cl_u32(d->channels), dg_cl_f32(d->eps),
                                 dg_cl_mem(b->workspace)),
                      err);
}

static bool normalize(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const forward_op *self = (forward_op *)op;
  const dg_batch_norm_desc *d = &op->desc.batch_norm;
  const dg_cl_lines s = lines_of(op, step->n);
  return dg_cl_launch(op, self->forward, dg_cl_line_range(op, &s),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]),
                                 dg_cl_mem(step->train ? b->saved : b->workspace),
                                 dg_cl_mem(b->param[0]), dg_cl_mem(b->param[1]),
                                 dg_cl_mem(b->out[0]), dg_cl_u32(s.lines), dg_cl_u32(s.length),
                                 dg_cl_u32(s.share), dg_cl_u32(d->channels),
                                 dg_cl_u32(lie_along(op)), dg_cl_f32(dg_cl_leaky_slope(d->act))),
                      err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  if (!step->train) return take_running(op, b, err) && normalize(op, b, step, err);
  switch (step->phase) {
  case DG_PHASE_COLLECT:
    return find_statistics(op, b, step, err);
  case DG_PHASE_MERGE:
    return merge(op, b, step, err);
  case DG_PHASE_FINISH:
    return finish(op, b, step, err);
  case DG_PHASE_APPLY:
    return normalize(op, b, step, err);
  case DG_PHASE_ALL:
    break;
  }
  return find_statistics(op, b, step, err) && normalize(op, b, step, err);
}

static const dg_cl_implementation lines_forward = {.name = "lines",
                                                   .saved = "statistics",
                                                   .size = sizeof(forward_op),
                                                   .prepare = prepare_forward,
                                                   .run = forward};

/* ---- backward ----------------------------------------------------------- */

typedef struct {
  dg_cl_op op;
  cl_kernel sums; /* over lines or columns */
  cl_kernel sum_columns, backward;
} backward_op;

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  backward_op *self = (backward_op *)op;
  op->needs.saved = 3 * row_of(op);
  op->needs.workspace = 2 * row_of(op) * blocks_of(op, op->max_n);
  op->needs.reads_in = true;
  const char *sums = lie_along(op) ? "norm_column_sums" : "norm_line_sums";
  self->sums = dg_cl_kernel(op, DG_CL_NORMS, sums, err);
  self->sum_columns = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum_columns", err);
  self->backward = dg_cl_kernel(op, DG_CL_NORMS, "batch_norm_backward", err);
  return self->sums && self->sum_columns && self->backward;
}

/* Computes the sums of each block for d_bias and d_weight, in the workspace. */
static bool find_sums(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const backward_op *self = (const backward_op *)op;
  const dg_batch_norm_desc *d = &op->desc.batch_norm;
  const dg_cl_lines s = lines_of(op, n);
  const uint32_t blocks = blocks_of(op, n);
  const dg_cl_arg x = dg_cl_mem(b->in[0]), dy = dg_cl_mem(b->d_out),
                  statistics = dg_cl_mem(b->saved), weight = dg_cl_mem(b->param[0]),
                  bias = dg_cl_mem(b->param[1]), sums = dg_cl_mem(b->workspace),
                  products_first = dg_cl_u32(blocks * d->channels), lines = dg_cl_u32(s.lines),
                  length = dg_cl_u32(s.length), slope = dg_cl_f32(dg_cl_leaky_slope(d->act));
  if (lie_along(op))
    return dg_cl_launch(op, self->sums, dg_cl_column_range(op, s.length, blocks),
                        DG_CL_ARGS(x, dy, statistics, weight, bias, sums, products_first, lines,
                                   length, dg_cl_u32(0), slope),
                        err);
  return dg_cl_launch(op, self->sums, dg_cl_line_range(op, &s),
                      DG_CL_ARGS(x, dy, statistics, weight, bias, sums, products_first, lines,
                                 length, dg_cl_u32(s.share), dg_cl_u32(d->channels), slope),
                      err);
}

static bool find_d_in(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const backward_op *self = (const backward_op *)op;
  const dg_batch_norm_desc *d = &op->desc.batch_norm;
  const dg_cl_lines s = lines_of(op, step->n);
  const uint32_t n = step->phase == DG_PHASE_ALL ? step->n : dg_whole_samples(step);
  const float inverse = 1.0f / (float)whole_of(op, n);
  return dg_cl_launch(op, self->backward, dg_cl_line_range(op, &s),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->d_out), dg_cl_mem(b->saved),
                                 dg_cl_mem(b->param[0]), dg_cl_mem(b->param[1]),
                                 dg_cl_mem(b->d_param[0]), dg_cl_mem(b->d_param[1]),
                                 dg_cl_mem(b->d_in[0]), dg_cl_u32(s.lines), dg_cl_u32(s.length),
                                 dg_cl_u32(s.share), dg_cl_u32(d->channels),
                                 dg_cl_u32(lie_along(op)), dg_cl_f32(dg_cl_leaky_slope(d->act)),
                                 dg_cl_f32(inverse), dg_cl_u32(op->desc.d_in[0] == DG_GRAD_ADD)),
                      err);
}

/* Computes the gradients of weight and bias. */
static bool find_d_param(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const backward_op *self = (const backward_op *)op;
  const uint32_t channels = op->desc.batch_norm.channels;
  const uint32_t blocks = blocks_of(op, n);
  return find_sums(op, b, n, err) &&
         dg_cl_sum_columns(op, self->sum_columns, b->workspace, 0, b->d_param[1], blocks, channels,
                           err) &&
         dg_cl_sum_columns(op, self->sum_columns, b->workspace, blocks * channels, b->d_param[0],
                           blocks, channels, err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  if (step->phase != DG_PHASE_APPLY && !find_d_param(op, b, step->n, err)) return false;
  return step->phase == DG_PHASE_COLLECT || op->desc.d_in[0] == DG_GRAD_NONE ||
         find_d_in(op, b, step, err);
}

static const dg_cl_implementation lines_backward = {.name = "lines",
                                                    .saved = "statistics",
                                                    .size = sizeof(backward_op),
                                                    .prepare = prepare_backward,
                                                    .run = backward};

const dg_cl_family dg_cl_batch_norm = {
    .supports = supports, .forward = {&lines_forward}, .backward = {&lines_backward}};
