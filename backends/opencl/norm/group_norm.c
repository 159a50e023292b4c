/* Normalization of groups of channels (cl/norm/group_norm.cl). */
#include "backends/opencl/elementwise/sum_columns.h"
#include "backends/opencl/norm/norm.h"
#include "backends/opencl/runtime/implementation.h"

/* The sizes, as the kernels read them. */
typedef struct {
  uint32_t rows, channels, plane, groups, width, runs, length, step, along;
} sizes;

static sizes sizes_of(const dg_group_norm_desc *d) {
  const uint32_t width = d->channels / d->groups;
  const bool along = d->plane == 1;
  return (sizes){.rows = d->rows,
                 .channels = d->channels,
                 .plane = d->plane,
                 .groups = d->groups,
                 .width = width,
                 .runs = along ? d->rows : width,
                 .length = along ? width : d->plane,
                 .step = along ? d->channels : d->plane,
                 .along = along};
}

typedef struct {
  dg_cl_op op;
  const dg_buffer *sizes;
  cl_kernel kernel;
  cl_kernel sums, sum_columns; /* backward */
} group_norm_op;

static bool prepare_sizes(group_norm_op *self, dg_error *err) {
  const sizes s = sizes_of(&self->op.desc.group_norm);
  self->sizes = dg_cl_table(&self->op, &s, sizeof s, err);
  return self->sizes;
}

/* All groups of the samples, as lines. */
static dg_cl_lines groups_of(const dg_group_norm_desc *d, uint32_t n) {
  return dg_cl_lines_of(n * d->groups, d->rows * (d->channels / d->groups) * d->plane);
}

/* ---- forward ------------------------------------------------------------ */

static bool prepare_forward(dg_cl_op *op, dg_error *err) {
  group_norm_op *self = (group_norm_op *)op;
  self->kernel = dg_cl_kernel(op, DG_CL_GROUP_NORMS, "group_norm_forward", err);
  return self->kernel && prepare_sizes(self, err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const group_norm_op *self = (group_norm_op *)op;
  const dg_group_norm_desc *d = &op->desc.group_norm;
  const dg_cl_lines lines = groups_of(d, step->n);
  return dg_cl_launch(op, self->kernel, dg_cl_line_range(op, &lines),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->param[0]),
                                 dg_cl_mem(b->param[1]), dg_cl_mem(b->out[0]), dg_cl_mem(b->saved),
                                 dg_cl_mem(self->sizes), dg_cl_u32(lines.lines),
                                 dg_cl_u32(lines.share), dg_cl_f32(d->eps),
                                 dg_cl_u32(step->train && b->saved)),
                      err);
}

static const dg_cl_implementation groups_forward = {.name = "groups",
                                                    .saved = "statistics",
                                                    .size = sizeof(group_norm_op),
                                                    .prepare = prepare_forward,
                                                    .run = forward};

/* ---- backward ----------------------------------------------------------- */

static bool prepare_backward(dg_cl_op *op, dg_error *err) {
  group_norm_op *self = (group_norm_op *)op;
  const dg_group_norm_desc *d = &op->desc.group_norm;
  op->needs.saved = sizeof(float) * 2 * op->max_n * d->groups;
  op->needs.workspace = sizeof(float) * 2 * op->max_n * d->channels;
  op->needs.reads_in = true;
  self->sums = dg_cl_kernel(op, DG_CL_GROUP_NORMS,
                            d->plane == 1 ? "group_norm_row_sums" : "group_norm_plane_sums", err);
  self->sum_columns = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum_columns", err);
  self->kernel = dg_cl_kernel(op, DG_CL_GROUP_NORMS, "group_norm_backward", err);
  return self->sums && self->sum_columns && self->kernel && prepare_sizes(self, err);
}

/* Writes the gradients of weight, and then those of bias, of each sample to the workspace. */
static bool find_sums(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const group_norm_op *self = (const group_norm_op *)op;
  const dg_group_norm_desc *d = &op->desc.group_norm;
  const dg_cl_lines planes = dg_cl_lines_of(n * d->channels, d->plane);
  const dg_cl_arg x = dg_cl_mem(b->in[0]), d_y = dg_cl_mem(b->d_out), saved = dg_cl_mem(b->saved),
                  sums = dg_cl_mem(b->workspace), s = dg_cl_mem(self->sizes),
                  second = dg_cl_u32(n * d->channels);
  if (d->plane == 1)
    return dg_cl_launch(op, self->sums, dg_cl_column_range(op, d->channels, n),
                        DG_CL_ARGS(x, d_y, saved, sums, s, second, dg_cl_u32(n)), err);
  return dg_cl_launch(
      op, self->sums, dg_cl_line_range(op, &planes),
      DG_CL_ARGS(x, d_y, saved, sums, s, second, dg_cl_u32(planes.lines), dg_cl_u32(planes.share)),
      err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const group_norm_op *self = (const group_norm_op *)op;
  const dg_group_norm_desc *d = &op->desc.group_norm;
  const dg_grad_mode mode = op->desc.d_in[0];
  const dg_cl_lines lines = groups_of(d, step->n);
  const uint32_t second = step->n * d->channels;
  if (!d->affine && mode == DG_GRAD_NONE) return true;
  if (!find_sums(op, b, step->n, err)) return false;
  if (d->affine && !(dg_cl_sum_columns(op, self->sum_columns, b->workspace, 0, b->d_param[0],
                                       step->n, d->channels, err) &&
                     dg_cl_sum_columns(op, self->sum_columns, b->workspace, second, b->d_param[1],
                                       step->n, d->channels, err)))
    return false;
  return mode == DG_GRAD_NONE ||
         dg_cl_launch(op, self->kernel, dg_cl_line_range(op, &lines),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->d_out), dg_cl_mem(b->saved),
                                 dg_cl_mem(b->workspace), dg_cl_mem(b->param[0]),
                                 dg_cl_mem(b->d_in[0]), dg_cl_mem(self->sizes), dg_cl_u32(second),
                                 dg_cl_u32(lines.lines), dg_cl_u32(lines.share),
                                 dg_cl_u32(mode == DG_GRAD_ADD)),
                      err);
}

static const dg_cl_implementation groups_backward = {.name = "groups",
                                                     .saved = "statistics",
                                                     .size = sizeof(group_norm_op),
                                                     .prepare = prepare_backward,
                                                     .run = backward};

const dg_cl_family dg_cl_group_norm = {.forward = {&groups_forward},
                                       .backward = {&groups_backward}};
