/* The gradients of convolutions over steps; see conv1d_windows.h for the notation. */
#include "backends/opencl/conv1d/conv1d_windows.h"
#include "backends/opencl/elementwise/leaky.h"
#include "backends/opencl/elementwise/sum_columns.h"

typedef struct {
  dg_cl_conv1d_op shared;
  cl_kernel outer, sum_parts, sum_columns;
  dg_cl_plane dz;
  uint32_t dz_reached; /* the line of dz where the window of dx's first step begins */
  uint32_t share;      /* of the samples; each share computes a part of the weight gradient */
  uint32_t dz_first, parts_first; /* offsets in the workspace */
  dg_buffer *terms; /* for dx's sum over j and f: {offset in a window of dz, in the weights} */
  dg_buffer
      *samples; /* for dw's sum over samples and t: {offset of the step of dz, of x_window[t]} */
} backward_op;

/* ---- planes, and steps of the products ---------------------------------- */

/* All steps of dz, including those before or after the range of dx's windows. */
static dg_cl_plane plane_of_dz(const backward_op *self, bool d_in) {
  const dg_conv1d_desc *d = &self->shared.op.desc.conv1d;
  const uint32_t before = d_in && d->kernel - 1 > d->pad ? d->kernel - 1 - d->pad : 0;
  const uint32_t own = before + (self->shared.out_steps - 1) * d->stride + 1;
  const uint32_t reached = d_in ? self->dz_reached + d->steps + d->kernel - 1 : 0;
  return (dg_cl_plane){
      .height = self->shared.out_steps,
      .width = d->filters,
      .lines = own > reached ? own : reached,
      .pitch = d->filters,
      .phases_y = 1,
      .phases_x = 1,
      .dilation_y = d->stride,
      .dilation_x = 1,
      .origin_y = (int32_t)before,
  };
}

static dg_cl_gemm_offset term_offset(const dg_cl_op *op, uint32_t k) {
  const backward_op *self = (const backward_op *)op;
  const dg_conv1d_desc *d = &op->desc.conv1d;
  const uint32_t step = k / d->filters, filter = k % d->filters;
  return (dg_cl_gemm_offset){self->dz_first + self->dz_reached * d->filters + k,
                             (filter * d->kernel + d->kernel - 1 - step) * d->in};
}

static dg_cl_gemm_offset sample_offset(const dg_cl_op *op, uint32_t k) {
  const backward_op *self = (const backward_op *)op;
  const dg_conv1d_desc *d = &op->desc.conv1d;
  const uint32_t sample = k / self->shared.out_steps, t = k % self->shared.out_steps;
  const uint32_t line = (uint32_t)self->dz.origin_y + t * d->stride;
  return (dg_cl_gemm_offset){
      self->dz_first + sample * dg_cl_plane_area(&self->dz) + line * d->filters,
      sample * dg_cl_plane_area(&self->shared.x) + dg_cl_conv1d_place(&self->shared, t)};
}

/* ---- prepare ------------------------------------------------------------ */

/* Assigns the parts of the workspace: weights, planes of x, planes of dz, parts of dw. */
static bool plan(backward_op *self, dg_error *err) {
  dg_cl_op *op = &self->shared.op;
  const uint64_t n = op->max_n, weights = self->shared.x_first;
  const uint64_t dz_first = dg_cl_conv1d_end_of_x(&self->shared);
  const uint64_t parts_first = dz_first + n * dg_cl_plane_area(&self->dz);
  const uint64_t end = parts_first + dg_cl_ceil_div(n, self->share) * weights;
  if (!dg_cl_check_count(end, err)) return false;
  self->dz_first = (uint32_t)dz_first;
  self->parts_first = (uint32_t)parts_first;
  op->needs.workspace = sizeof(float) * end;
  return true;
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  enum { PARTS = 16 }; /* the same for all devices, so that the order of sums is fixed */
  backward_op *self = (backward_op *)op;
  const dg_conv1d_desc *d = &op->desc.conv1d;
  const bool d_in = op->desc.d_in[0] != DG_GRAD_NONE;
  if (!dg_cl_conv1d_prepare(&self->shared, err)) return false;
  self->dz_reached = d->pad > d->kernel - 1 ? d->pad - (d->kernel - 1) : 0;
  self->dz = plane_of_dz(self, d_in);
  self->share = (uint32_t)dg_cl_ceil_div(op->max_n, PARTS);
  if (!plan(self, err)) return false;
  op->needs.reads_in = true;
  op->needs.reads_out = d->act.kind != DG_ACT_NONE;
  self->samples = dg_cl_gemm_offsets(op, self->share * self->shared.out_steps, sample_offset, err);
  if (!self->samples) return false;
  if (d_in) {
    self->terms = dg_cl_gemm_offsets(op, d->kernel * d->filters, term_offset, err);
    if (!self->terms) return false;
  }
  self->outer = dg_cl_kernel(op, DG_CL_GEMM, "gemm_outer", err);
  self->sum_parts = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum_parts", err);
  self->sum_columns = dg_cl_kernel(op, DG_CL_ELEMENTS, "sum_columns", err);
  return self->outer && self->sum_parts && self->sum_columns;
}

/* ---- run ---------------------------------------------------------------- */

static bool pad_dz(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const backward_op *self = (backward_op *)op;
  const dg_conv1d_desc *d = &op->desc.conv1d;
  return dg_cl_pad(op, &self->shared.padder, &self->dz,
                   &(dg_cl_padding){.from = b->d_out,
                                    .of = d->act.kind == DG_ACT_NONE ? NULL : b->out[0],
                                    .slope = dg_cl_leaky_slope(d->act),
                                    .to = b->workspace,
                                    .to_first = self->dz_first,
                                    .to_plane = dg_cl_plane_area(&self->dz),
                                    .planes = n},
                   err);
}

/* Computes parts of dw, each over `share` samples. */
static bool find_parts(dg_cl_op *op, const dg_op_buffers *b, uint32_t first, uint32_t parts,
                       uint32_t samples, dg_error *err) {
  const backward_op *self = (backward_op *)op;
  const dg_conv1d_desc *d = &op->desc.conv1d;
  const uint32_t size = dg_cl_conv1d_window(d);
  return parts == 0 || samples == 0 ||
         dg_cl_gemm_outer(
             op, self->outer,
             &(dg_cl_gemm_outer_args){.a = b->workspace,
                                      .a_row = 1,
                                      .a_item = self->share * dg_cl_plane_area(&self->dz),
                                      .offsets = self->samples,
                                      .depth = samples * self->shared.out_steps,
                                      .b = dg_cl_conv1d_x(&self->shared, b),
                                      .b_item = self->share * dg_cl_plane_area(&self->shared.x),
                                      .slope = 1,
                                      .c = b->workspace,
                                      .c_first = self->parts_first,
                                      .c_row = size,
                                      .c_item = d->filters * size,
                                      .first_item = first,
                                      .items = parts,
                                      .rows = d->filters,
                                      .columns = size,
                                      .pitch = size,
                                      .width = size},
             err);
}

static bool find_d_weight(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const backward_op *self = (backward_op *)op;
  const dg_conv1d_desc *d = &op->desc.conv1d;
  const uint32_t whole = n / self->share, rest = n % self->share;
  return find_parts(op, b, 0, whole, self->share, err) && find_parts(op, b, whole, 1, rest, err) &&
         dg_cl_launch(
             op, self->sum_parts,
             dg_cl_range_of((size_t[3]){d->in, d->kernel, d->filters}, (size_t[3]){16, 4, 1}),
             DG_CL_ARGS(dg_cl_mem(b->workspace), dg_cl_u32(self->parts_first),
                        dg_cl_mem(b->d_param[0]), dg_cl_u32(d->kernel), dg_cl_u32(d->in),
                        dg_cl_u32(whole + (rest > 0))),
             err);
}

static bool find_d_bias(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const backward_op *self = (backward_op *)op;
  return dg_cl_sum_columns(op, self->sum_columns, b->workspace, self->dz_first, b->d_param[1],
                           n * self->dz.lines, op->desc.conv1d.filters, err);
}

static bool find_d_in(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  backward_op *self = (backward_op *)op;
  const dg_conv1d_desc *d = &op->desc.conv1d;
  return dg_cl_conv1d_reorder(&self->shared, b, err) &&
         dg_cl_gemm_outer(op, self->outer,
                          &(dg_cl_gemm_outer_args){.a = b->workspace,
                                                   .a_row = d->filters,
                                                   .a_item = dg_cl_plane_area(&self->dz),
                                                   .offsets = self->terms,
                                                   .depth = d->kernel * d->filters,
                                                   .b = b->workspace,
                                                   .slope = 1,
                                                   .c = b->d_in[0],
                                                   .c_row = d->in,
                                                   .c_item = d->steps * d->in,
                                                   .items = n,
                                                   .rows = d->steps,
                                                   .columns = d->in,
                                                   .pitch = d->in,
                                                   .width = d->in,
                                                   .add = op->desc.d_in[0] == DG_GRAD_ADD},
                          err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  backward_op *self = (backward_op *)op;
  const dg_conv1d_desc *d = &op->desc.conv1d;
  return dg_cl_conv1d_pad_x(&self->shared, b, step->n, err) && pad_dz(op, b, step->n, err) &&
         find_d_weight(op, b, step->n, err) && (!d->bias || find_d_bias(op, b, step->n, err)) &&
         (op->desc.d_in[0] == DG_GRAD_NONE || find_d_in(op, b, step->n, err));
}

const dg_cl_implementation dg_cl_conv1d_windows_backward = {
    .name = "windows", .size = sizeof(backward_op), .prepare = prepare, .run = backward};
