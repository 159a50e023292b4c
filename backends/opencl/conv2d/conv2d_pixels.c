#include "backends/opencl/conv2d/conv2d_pixels.h"

#include "backends/opencl/conv2d/conv2d.h"
#include "backends/opencl/elementwise/leaky.h"

bool dg_cl_conv2d_pixels_fits(const dg_cl_device *device, const dg_op_desc *desc, uint32_t max_n,
                              bool train) {
  enum { MANY = 32, SOME = 8 }; /* its tiles need many channels, and some samples */
  (void)train;
  return device->form == DG_CL_TILE && max_n >= SOME && desc->conv2d.channels >= MANY &&
         desc->conv2d.filters >= MANY;
}

/* ---- common part of both directions ------------------------------------- */

/* Numbers that stay in a cache: two vectors' columns of the weights of a chunk of taps. Chunks
   determine the order of summation, so they don't depend on the tile. */
enum { CACHED_WEIGHTS = 1 << 16 };

static uint32_t whole_vectors(uint32_t count) {
  return (uint32_t)dg_cl_round_up(count, DG_CL_VECTOR);
}

bool dg_cl_conv2d_pixels_prepare(dg_cl_conv2d_pixels *self, dg_error *err) {
  dg_cl_op *op = &self->op;
  const dg_conv2d_desc *d = &op->desc.conv2d;
  self->in_pixels = d->height * d->width;
  self->out_w = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w);
  self->out_pixels = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h) * self->out_w;
  self->window = d->kernel_h * d->kernel_w;
  self->samples = dg_cl_tap_rows(op->device, op->max_n);
  self->x_pitch = whole_vectors(self->samples * d->channels);
  self->dz_pitch = whole_vectors(self->samples * d->filters);
  self->y_row = whole_vectors(d->filters);
  self->dx_row = whole_vectors(d->channels);
  return dg_cl_pixels_prepare(op, &self->pixels, err);
}

uint32_t dg_cl_conv2d_pixels_chunks(const dg_cl_conv2d_pixels *self, uint32_t depth) {
  const uint32_t taps = CACHED_WEIGHTS / DG_CL_TAP_SLACK / depth;
  return (uint32_t)dg_cl_ceil_div(self->window, taps ? taps : 1);
}

uint64_t dg_cl_conv2d_pixels_x(const dg_cl_conv2d_pixels *self) {
  return (uint64_t)self->in_pixels * self->x_pitch + DG_CL_TAP_SLACK;
}

/* One dimension: does output `p` meet an input with element `t` of the kernel? Returns which. */
static bool input_of(uint32_t p, uint32_t t, uint32_t stride, uint32_t pad, uint32_t size,
                     uint32_t *q) {
  *q = p * stride + t - pad; /* wraps if negative */
  return p * stride + t >= pad && *q < size;
}

bool dg_cl_conv2d_input_pixel(const dg_cl_conv2d_pixels *self, uint32_t p, uint32_t t,
                              uint32_t *q) {
  const dg_conv2d_desc *d = &self->op.desc.conv2d;
  uint32_t y, x;
  const bool met =
      input_of(p / self->out_w, t / d->kernel_w, d->stride_h, d->pad_h, d->height, &y) &&
      input_of(p % self->out_w, t % d->kernel_w, d->stride_w, d->pad_w, d->width, &x);
  if (met) *q = y * d->width + x;
  return met;
}

/* ---- forward ------------------------------------------------------------ */

typedef struct {
  dg_cl_conv2d_pixels shared;
  dg_cl_taps taps;
  uint32_t weight, y; /* offsets in the workspace, after x */
} forward_op;

static uint32_t list_taps(const dg_cl_op *op, uint32_t chunk, uint32_t p, dg_cl_gemm_offset *to) {
  const forward_op *self = (const forward_op *)op;
  const dg_cl_span r = dg_cl_span_of(chunk, self->taps.chunks, self->shared.window);
  uint32_t count = 0, q;
  for (uint32_t t = r.begin; t < r.end; t++)
    if (dg_cl_conv2d_input_pixel(&self->shared, p, t, &q))
      to[count++] = (dg_cl_gemm_offset){q * self->shared.x_pitch,
                                        self->weight + t * self->shared.op.desc.conv2d.channels *
                                                           self->shared.y_row};
  return count;
}

static bool plan(forward_op *self, dg_error *err) {
  const dg_conv2d_desc *d = &self->shared.op.desc.conv2d;
  const uint64_t weight = dg_cl_round_up(dg_cl_conv2d_pixels_x(&self->shared), DG_CL_VECTOR);
  const uint64_t y = weight + (uint64_t)self->shared.window * d->channels * self->shared.y_row;
  const uint64_t end =
      y + (uint64_t)self->shared.out_pixels * self->shared.samples * self->shared.y_row;
  if (!dg_cl_check_count(end, err)) return false;
  self->weight = (uint32_t)weight;
  self->y = (uint32_t)y;
  self->shared.op.needs.workspace = sizeof(float) * end;
  return true;
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  forward_op *self = (forward_op *)op;
  if (!dg_cl_conv2d_pixels_prepare(&self->shared, err) || !plan(self, err)) return false;
  const uint32_t chunks = dg_cl_conv2d_pixels_chunks(&self->shared, op->desc.conv2d.channels);
  self->taps = (dg_cl_taps){chunks, self->shared.out_pixels, NULL, NULL};
  return dg_cl_taps_make(op, &self->taps, list_taps, self->shared.window, err);
}

/* Copies the weights as [tap][channel][filter]. */
static bool weight_to_pixels(dg_cl_op *op, const dg_op_buffers *b, dg_error *err) {
  const forward_op *self = (forward_op *)op;
  const dg_conv2d_desc *d = &op->desc.conv2d;
  return dg_cl_to_pixels(op, &self->shared.pixels,
                         &(dg_cl_transpose_in){.from = b->param[0],
                                               .from_row = d->channels * self->shared.window,
                                               .from_item = self->shared.window,
                                               .to = b->workspace,
                                               .to_first = self->weight,
                                               .to_item = self->shared.y_row,
                                               .rows = d->filters,
                                               .pixels = self->shared.window,
                                               .pitch = d->channels * self->shared.y_row,
                                               .items = d->channels},
                         err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const forward_op *self = (forward_op *)op;
  const dg_conv2d_desc *d = &op->desc.conv2d;
  const dg_buffer *x = step->train ? b->saved : b->workspace;
  return dg_cl_to_pixels(op, &self->shared.pixels,
                         &(dg_cl_transpose_in){.from = b->in[0],
                                               .from_row = self->shared.in_pixels,
                                               .to = x,
                                               .rows = step->n * d->channels,
                                               .pixels = self->shared.in_pixels,
                                               .pitch = self->shared.x_pitch,
                                               .items = 1},
                         err) &&
         weight_to_pixels(op, b, err) &&
         dg_cl_sum_taps(op, &self->shared.pixels,
                        &(dg_cl_tap_product){.b = b->workspace,
                                             .c = b->workspace,
                                             .lists = &self->taps,
                                             .a = x,
                                             .a_row = d->channels,
                                             .a_k = 1,
                                             .b_k = self->shared.y_row,
                                             .depth = d->channels,
                                             .c_first = self->y,
                                             .c_item = self->shared.samples * self->shared.y_row,
                                             .c_row = self->shared.y_row,
                                             .rows = step->n,
                                             .columns = d->filters},
                        err) &&
         dg_cl_from_pixels(
             op, &self->shared.pixels,
             &(dg_cl_transpose_out){.from = b->workspace,
                                    .first = self->y,
                                    .pitch = self->shared.samples * self->shared.y_row,
                                    .row = self->shared.y_row,
                                    .bias = d->bias ? b->param[1] : NULL,
                                    .slope = dg_cl_leaky_slope(d->act),
                                    .to = b->out[0],
                                    .channels = d->filters,
                                    .pixels = self->shared.out_pixels,
                                    .samples = step->n},
             err);
}

const dg_cl_implementation dg_cl_conv2d_pixels_forward = {.name = "pixels",
                                                          .saved = DG_CL_SAVED_PIXELS,
                                                          .fits = dg_cl_conv2d_pixels_fits,
                                                          .size = sizeof(forward_op),
                                                          .prepare = prepare,
                                                          .run = forward};
