/* The gradients of convolutions pixel by pixel; see conv2d_pixels.h for the notation. */
#include "backends/opencl/conv2d/bias.h"
#include "backends/opencl/conv2d/conv2d.h"
#include "backends/opencl/conv2d/conv2d_pixels.h"
#include "backends/opencl/elementwise/leaky.h"

typedef struct {
  dg_cl_conv2d_pixels shared;
  dg_cl_bias bias;
  dg_cl_taps d_in, d_weight;
  uint32_t weight, dx, dw, bias_sums; /* offsets in the workspace, after dz */
} backward_op;

/* ---- which pixels meet -------------------------------------------------- */

/* One dimension: does input `q` meet an output with element `t` of the kernel? Returns which. */
static bool output_of(uint32_t q, uint32_t t, uint32_t stride, uint32_t pad, uint32_t size,
                      uint32_t *p) {
  *p = (q + pad - t) / stride;
  return q + pad >= t && (q + pad - t) % stride == 0 && *p < size;
}

static bool output_pixel(const dg_cl_conv2d_pixels *self, uint32_t q, uint32_t t, uint32_t *p) {
  const dg_conv2d_desc *d = &self->op.desc.conv2d;
  const uint32_t out_h = self->out_pixels / self->out_w;
  uint32_t y, x;
  const bool met = output_of(q / d->width, t / d->kernel_w, d->stride_h, d->pad_h, out_h, &y) &&
                   output_of(q % d->width, t % d->kernel_w, d->stride_w, d->pad_w, self->out_w, &x);
  if (met) *p = y * self->out_w + x;
  return met;
}

static uint32_t list_d_in(const dg_cl_op *op, uint32_t chunk, uint32_t q, dg_cl_gemm_offset *to) {
  const backward_op *self = (const backward_op *)op;
  const dg_cl_span r = dg_cl_span_of(chunk, self->d_in.chunks, self->shared.window);
  uint32_t count = 0, p;
  for (uint32_t t = r.begin; t < r.end; t++)
    if (output_pixel(&self->shared, q, t, &p))
      to[count++] = (dg_cl_gemm_offset){p * self->shared.dz_pitch,
                                        self->weight + t * self->shared.op.desc.conv2d.filters *
                                                           self->shared.dx_row};
  return count;
}

static uint32_t list_d_weight(const dg_cl_op *op, uint32_t chunk, uint32_t t,
                              dg_cl_gemm_offset *to) {
  const backward_op *self = (const backward_op *)op;
  const dg_cl_span r = dg_cl_span_of(chunk, self->d_weight.chunks, self->shared.out_pixels);
  uint32_t count = 0, q;
  for (uint32_t p = r.begin; p < r.end; p++)
    if (dg_cl_conv2d_input_pixel(&self->shared, p, t, &q))
      to[count++] = (dg_cl_gemm_offset){q * self->shared.x_pitch, p * self->shared.dz_pitch};
  return count;
}

/* ---- prepare ------------------------------------------------------------ */

static bool plan(backward_op *self, bool d_in, dg_error *err) {
  const dg_conv2d_desc *d = &self->shared.op.desc.conv2d;
  const uint64_t channels = dg_cl_tap_rows(self->shared.op.device, d->channels);
  const uint64_t dz = (uint64_t)self->shared.out_pixels * self->shared.dz_pitch + DG_CL_TAP_SLACK;
  const uint64_t weight = dg_cl_round_up(dz, DG_CL_VECTOR);
  const uint64_t dx =
      weight + (d_in ? (uint64_t)self->shared.window * d->filters * self->shared.dx_row : 0);
  const uint64_t dw =
      dx +
      (d_in ? (uint64_t)self->shared.in_pixels * self->shared.samples * self->shared.dx_row : 0);
  const uint64_t sums = dw + channels * self->shared.window * self->shared.y_row;
  const uint64_t end = sums + (d->bias ? (uint64_t)self->shared.op.max_n * d->filters : 0);
  const uint64_t saved = dg_cl_conv2d_pixels_x(&self->shared);
  if (!dg_cl_check_count(end, err) || !dg_cl_check_count(saved, err)) return false;
  self->weight = (uint32_t)weight;
  self->dx = (uint32_t)dx;
  self->dw = (uint32_t)dw;
  self->bias_sums = (uint32_t)sums;
  self->shared.op.needs.saved = sizeof(float) * saved;
  self->shared.op.needs.workspace = sizeof(float) * end;
  self->shared.op.needs.reads_out = d->act.kind != DG_ACT_NONE;
  return true;
}

/* Sums over pixels are computed in chunks small enough for their data to stay in a cache, for any
   tile size. */
static uint32_t pixels_of_chunk(const dg_cl_op *op) {
  enum { CACHED = 100000 };
  const dg_conv2d_desc *d = &op->desc.conv2d;
  const uint64_t pixel = (uint64_t)op->max_n * (d->channels + d->filters);
  return pixel < CACHED ? (uint32_t)(CACHED / pixel) : 1;
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  backward_op *self = (backward_op *)op;
  const dg_cl_conv2d_pixels *shared = &self->shared;
  const bool d_in = op->desc.d_in[0] != DG_GRAD_NONE;
  if (!dg_cl_conv2d_pixels_prepare(&self->shared, err) || !plan(self, d_in, err) ||
      !dg_cl_bias_prepare(op, &self->bias, err))
    return false;
  if (d_in) {
    const uint32_t chunks = dg_cl_conv2d_pixels_chunks(shared, op->desc.conv2d.filters);
    self->d_in = (dg_cl_taps){chunks, shared->in_pixels, NULL, NULL};
    if (!dg_cl_taps_make(op, &self->d_in, list_d_in, shared->window, err)) return false;
  }
  const uint32_t chunks = (uint32_t)dg_cl_ceil_div(shared->out_pixels, pixels_of_chunk(op));
  self->d_weight = (dg_cl_taps){chunks, shared->window, NULL, NULL};
  return dg_cl_taps_make(op, &self->d_weight, list_d_weight, shared->out_pixels, err);
}

/* ---- run ---------------------------------------------------------------- */

/* Computes dz, at the start of the workspace. */
static bool dz_to_pixels(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const backward_op *self = (backward_op *)op;
  const dg_conv2d_desc *d = &op->desc.conv2d;
  return dg_cl_to_pixels(op, &self->shared.pixels,
                         &(dg_cl_transpose_in){.from = b->d_out,
                                               .of = d->act.kind == DG_ACT_NONE ? NULL : b->out[0],
                                               .slope = dg_cl_leaky_slope(d->act),
                                               .from_row = self->shared.out_pixels,
                                               .to = b->workspace,
                                               .rows = n * d->filters,
                                               .pixels = self->shared.out_pixels,
                                               .pitch = self->shared.dz_pitch,
                                               .items = 1},
                         err);
}

/* As [channel][tap][filter], and then in the order of the weights. */
static bool find_d_weight(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const backward_op *self = (backward_op *)op;
  const dg_conv2d_desc *d = &op->desc.conv2d;
  return dg_cl_sum_taps(op, &self->shared.pixels,
                        &(dg_cl_tap_product){.b = b->workspace,
                                             .c = b->workspace,
                                             .lists = &self->d_weight,
                                             .a = b->saved,
                                             .a_row = 1,
                                             .a_k = d->channels,
                                             .b_k = d->filters,
                                             .depth = n,
                                             .c_first = self->dw,
                                             .c_item = self->shared.y_row,
                                             .c_row = self->shared.window * self->shared.y_row,
                                             .rows = d->channels,
                                             .columns = d->filters},
                        err) &&
         dg_cl_from_pixels(op, &self->shared.pixels,
                           &(dg_cl_transpose_out){.from = b->workspace,
                                                  .first = self->dw,
                                                  .pitch = self->shared.y_row,
                                                  .slope = 1,
                                                  .to = b->d_param[0],
                                                  .channels = d->filters,
                                                  .pixels = d->channels * self->shared.window,
                                                  .samples = 1},
                           err);
}

static bool find_d_bias(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const backward_op *self = (backward_op *)op;
  const dg_conv2d_desc *d = &op->desc.conv2d;
  return dg_cl_bias_find(op, &self->bias,
                         &(dg_cl_bias_sum){.from = b->d_out,
                                           .of = d->act.kind == DG_ACT_NONE ? NULL : b->out[0],
                                           .slope = dg_cl_leaky_slope(d->act),
                                           .plane = self->shared.out_pixels,
                                           .count = self->shared.out_pixels,
                                           .n = n,
                                           .filters = d->filters,
                                           .sums = b->workspace,
                                           .first_sum = self->bias_sums,
                                           .to = b->d_param[1]},
                         err);
}

/* Copies the weights as [tap][filter][channel]. */
static bool weight_to_pixels(dg_cl_op *op, const dg_op_buffers *b, dg_error *err) {
  const backward_op *self = (backward_op *)op;
  const dg_conv2d_desc *d = &op->desc.conv2d;
  return dg_cl_to_pixels(op, &self->shared.pixels,
                         &(dg_cl_transpose_in){.from = b->param[0],
                                               .from_row = self->shared.window,
                                               .from_item = d->channels * self->shared.window,
                                               .to = b->workspace,
                                               .to_first = self->weight,
                                               .to_item = self->shared.dx_row,
                                               .rows = d->channels,
                                               .pixels = self->shared.window,
                                               .pitch = d->filters * self->shared.dx_row,
                                               .items = d->filters},
                         err);
}

static bool find_d_in(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const backward_op *self = (backward_op *)op;
  const dg_conv2d_desc *d = &op->desc.conv2d;
  return weight_to_pixels(op, b, err) &&
         dg_cl_sum_taps(op, &self->shared.pixels,
                        &(dg_cl_tap_product){.b = b->workspace,
                                             .c = b->workspace,
                                             .lists = &self->d_in,
                                             .a = b->workspace,
                                             .a_row = d->filters,
                                             .a_k = 1,
                                             .b_k = self->shared.dx_row,
                                             .depth = d->filters,
                                             .c_first = self->dx,
                                             .c_item = self->shared.samples * self->shared.dx_row,
                                             .c_row = self->shared.dx_row,
                                             .rows = n,
                                             .columns = d->channels},
                        err) &&
         dg_cl_from_pixels(
             op, &self->shared.pixels,
             &(dg_cl_transpose_out){.from = b->workspace,
                                    .first = self->dx,
                                    .pitch = self->shared.samples * self->shared.dx_row,
                                    .row = self->shared.dx_row,
                                    .slope = 1,
                                    .to = b->d_in[0],
                                    .channels = d->channels,
                                    .pixels = self->shared.in_pixels,
                                    .samples = n,
                                    .add = op->desc.d_in[0] == DG_GRAD_ADD},
             err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  return dz_to_pixels(op, b, step->n, err) && find_d_weight(op, b, step->n, err) &&
         find_d_bias(op, b, step->n, err) &&
         (op->desc.d_in[0] == DG_GRAD_NONE || find_d_in(op, b, step->n, err));
}

const dg_cl_implementation dg_cl_conv2d_pixels_backward = {.name = "pixels",
                                                           .saved = DG_CL_SAVED_PIXELS,
                                                           .fits = dg_cl_conv2d_pixels_fits,
                                                           .size = sizeof(backward_op),
                                                           .prepare = prepare,
                                                           .run = backward};
