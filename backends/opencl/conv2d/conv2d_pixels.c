/*
 * Convolutions pixel by pixel (cl/conv2d/pixels_tile.cl), for CPUs and layers of many channels:
 * with tensors as [pixel][sample][channel], each product is a sum over taps, the places of the
 * kernel, of plain products of matrices:
 *
 *   forward         y[p]  = sum over t of x[q] weight[t]^T     where p meets q with tap t
 *   input gradient  dx[q] = sum over t of dz[p] weight[t]      where p meets q with tap t
 *   weight gradient dw[t] = sum over p of dz[p]^T x[q]         where p meets q with tap t
 *
 * and dz is dy times the derivative of the fused activation. Padding and strides say which pixels
 * meet, and cost nothing. The sums are taken in chunks, of taps or of pixels, that are small
 * enough for one side of the products to stay in a cache.
 */
#include "backends/opencl/conv2d/pixels.h"
#include "backends/opencl/gemm/product.h"

typedef struct {
  dg_cl_op op;
  dg_cl_pixels pixels;
  uint32_t in_pixels, out_pixels, out_w, window; /* numbers of pixels, and of taps */
  uint32_t samples;                              /* the largest n in whole tiles */
  uint32_t x_pitch, dz_pitch;                    /* from a pixel to the next */
  uint32_t y_row, dx_row;                        /* filters and channels in whole vectors */
  dg_cl_taps forward, d_in, d_weight;
  uint32_t forward_weight, y;                  /* places in the workspace of forward, after x */
  uint32_t backward_weight, dx, dw, bias_sums; /* in that of backward, after dz */
} pixel_op;

static bool supports(const dg_cl_device *device, const dg_op_desc *desc) {
  (void)device;
  return dg_cl_is_leaky(desc->conv2d.act) && desc->conv2d.pool == 0 && desc->conv2d.drop.rate == 0;
}

/* ---- which pixels meet -------------------------------------------------- */

/* One dimension: does output `p` meet an input with element `t` of the kernel? Says which. */
static bool input_of(uint32_t p, uint32_t t, uint32_t stride, uint32_t pad, uint32_t size,
                     uint32_t *q) {
  *q = p * stride + t - pad; /* below 0: wraps */
  return p * stride + t >= pad && *q < size;
}

/* The same from the input's side. */
static bool output_of(uint32_t q, uint32_t t, uint32_t stride, uint32_t pad, uint32_t size,
                      uint32_t *p) {
  *p = (q + pad - t) / stride;
  return q + pad >= t && (q + pad - t) % stride == 0 && *p < size;
}

static bool input_pixel(const pixel_op *self, uint32_t p, uint32_t t, uint32_t *q) {
  const dg_conv2d_desc *d = &self->op.base.desc.conv2d;
  uint32_t y, x;
  const bool met =
      input_of(p / self->out_w, t / d->kernel_w, d->stride_h, d->pad_h, d->height, &y) &&
      input_of(p % self->out_w, t % d->kernel_w, d->stride_w, d->pad_w, d->width, &x);
  if (met) *q = y * d->width + x;
  return met;
}

static bool output_pixel(const pixel_op *self, uint32_t q, uint32_t t, uint32_t *p) {
  const dg_conv2d_desc *d = &self->op.base.desc.conv2d;
  const uint32_t out_h = self->out_pixels / self->out_w;
  uint32_t y, x;
  const bool met = output_of(q / d->width, t / d->kernel_w, d->stride_h, d->pad_h, out_h, &y) &&
                   output_of(q % d->width, t % d->kernel_w, d->stride_w, d->pad_w, self->out_w, &x);
  if (met) *p = y * self->out_w + x;
  return met;
}

/* ---- lists of taps ------------------------------------------------------ */

/* Chunk c of `chunks` takes these of `count`. */
typedef struct {
  uint32_t begin, end;
} stretch;

static stretch stretch_of(uint32_t chunk, uint32_t chunks, uint32_t count) {
  return (stretch){(uint32_t)((uint64_t)count * chunk / chunks),
                   (uint32_t)((uint64_t)count * (chunk + 1) / chunks)};
}

static uint32_t list_forward(const dg_cl_op *op, uint32_t chunk, uint32_t p,
                             dg_cl_product_step *to) {
  const pixel_op *self = (const pixel_op *)op;
  const stretch r = stretch_of(chunk, self->forward.chunks, self->window);
  uint32_t count = 0, q;
  for (uint32_t t = r.begin; t < r.end; t++)
    if (input_pixel(self, p, t, &q))
      to[count++] = (dg_cl_product_step){q * self->x_pitch,
                                         self->forward_weight +
                                             t * self->op.base.desc.conv2d.channels * self->y_row};
  return count;
}

static uint32_t list_d_in(const dg_cl_op *op, uint32_t chunk, uint32_t q, dg_cl_product_step *to) {
  const pixel_op *self = (const pixel_op *)op;
  const stretch r = stretch_of(chunk, self->d_in.chunks, self->window);
  uint32_t count = 0, p;
  for (uint32_t t = r.begin; t < r.end; t++)
    if (output_pixel(self, q, t, &p))
      to[count++] = (dg_cl_product_step){p * self->dz_pitch,
                                         self->backward_weight +
                                             t * self->op.base.desc.conv2d.filters * self->dx_row};
  return count;
}

static uint32_t list_d_weight(const dg_cl_op *op, uint32_t chunk, uint32_t t,
                              dg_cl_product_step *to) {
  const pixel_op *self = (const pixel_op *)op;
  const stretch r = stretch_of(chunk, self->d_weight.chunks, self->out_pixels);
  uint32_t count = 0, q;
  for (uint32_t p = r.begin; p < r.end; p++)
    if (input_pixel(self, p, t, &q))
      to[count++] = (dg_cl_product_step){q * self->x_pitch, p * self->dz_pitch};
  return count;
}

/* ---- prepare ------------------------------------------------------------ */

/* Numbers that stay in a cache: two vectors' columns of the weights of a chunk of taps, or what a
   chunk of pixels holds. Chunks say in which order is summed, so they don't depend on the tile. */
enum { CACHED_WEIGHTS = 1 << 16, CACHED_PIXELS = 100000 };

static uint32_t whole_vectors(uint32_t count) {
  return (uint32_t)dg_cl_round_up(count, DG_CL_VECTOR);
}

static uint32_t chunks_of_taps(const pixel_op *self, uint32_t depth) {
  const uint32_t taps = CACHED_WEIGHTS / DG_CL_TAP_SLACK / depth;
  return (uint32_t)dg_cl_ceil_div(self->window, taps ? taps : 1);
}

static uint64_t size_of_x(const pixel_op *self) {
  return (uint64_t)self->in_pixels * self->x_pitch + DG_CL_TAP_SLACK;
}

static bool plan_forward(pixel_op *self, dg_error *err) {
  const dg_conv2d_desc *d = &self->op.base.desc.conv2d;
  const uint64_t weight = dg_cl_round_up(size_of_x(self), DG_CL_VECTOR);
  const uint64_t y = weight + (uint64_t)self->window * d->channels * self->y_row;
  const uint64_t end = y + (uint64_t)self->out_pixels * self->samples * self->y_row;
  if (!dg_cl_check_count(end, err)) return false;
  self->forward_weight = (uint32_t)weight;
  self->y = (uint32_t)y;
  self->op.base.needs.forward_workspace = sizeof(float) * end;
  return true;
}

static bool plan_backward(pixel_op *self, bool d_in, dg_error *err) {
  const dg_conv2d_desc *d = &self->op.base.desc.conv2d;
  const uint64_t channels = dg_cl_tap_rows(self->op.device, d->channels);
  const uint64_t dz = (uint64_t)self->out_pixels * self->dz_pitch + DG_CL_TAP_SLACK;
  const uint64_t weight = dg_cl_round_up(dz, DG_CL_VECTOR);
  const uint64_t dx = weight + (d_in ? (uint64_t)self->window * d->filters * self->dx_row : 0);
  const uint64_t dw = dx + (d_in ? (uint64_t)self->in_pixels * self->samples * self->dx_row : 0);
  const uint64_t sums = dw + channels * self->window * self->y_row;
  const uint64_t end = sums + (d->bias ? (uint64_t)self->op.base.max_n * d->filters : 0);
  if (!dg_cl_check_count(end, err) || !dg_cl_check_count(size_of_x(self), err)) return false;
  self->backward_weight = (uint32_t)weight;
  self->dx = (uint32_t)dx;
  self->dw = (uint32_t)dw;
  self->bias_sums = (uint32_t)sums;
  self->op.base.needs.backward_workspace = sizeof(float) * end;
  self->op.base.needs.kept = sizeof(float) * size_of_x(self);
  self->op.base.needs.backward_reads_out = d->act.kind != DG_ACT_NONE;
  return true;
}

static bool prepare_backward(pixel_op *self, dg_error *err) {
  const dg_conv2d_desc *d = &self->op.base.desc.conv2d;
  const bool d_in = self->op.base.desc.d_in[0] != DG_GRAD_NONE;
  if (!plan_backward(self, d_in, err)) return false;
  if (d_in) {
    self->d_in = (dg_cl_taps){chunks_of_taps(self, d->filters), self->in_pixels, NULL, NULL};
    if (!dg_cl_taps_make(&self->op, &self->d_in, list_d_in, self->window, err)) return false;
  }
  const uint64_t pixel = (uint64_t)self->op.base.max_n * (d->channels + d->filters);
  const uint32_t pixels = pixel < CACHED_PIXELS ? (uint32_t)(CACHED_PIXELS / pixel) : 1;
  self->d_weight =
      (dg_cl_taps){(uint32_t)dg_cl_ceil_div(self->out_pixels, pixels), self->window, NULL, NULL};
  return dg_cl_taps_make(&self->op, &self->d_weight, list_d_weight, self->out_pixels, err);
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  pixel_op *self = (pixel_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  self->in_pixels = d->height * d->width;
  self->out_w = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w);
  self->out_pixels = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h) * self->out_w;
  self->window = d->kernel_h * d->kernel_w;
  self->samples = dg_cl_tap_rows(op->device, op->base.max_n);
  self->x_pitch = whole_vectors(self->samples * d->channels);
  self->dz_pitch = whole_vectors(self->samples * d->filters);
  self->y_row = whole_vectors(d->filters);
  self->dx_row = whole_vectors(d->channels);
  if (!plan_forward(self, err)) return false;
  self->forward = (dg_cl_taps){chunks_of_taps(self, d->channels), self->out_pixels, NULL, NULL};
  if (!dg_cl_taps_make(&self->op, &self->forward, list_forward, self->window, err)) return false;
  return dg_cl_pixels_prepare(op, &self->pixels, err) &&
         (!op->train || prepare_backward(self, err));
}

/* ---- run ---------------------------------------------------------------- */

/* The weights as [tap][channel][filter]. */
static bool turn_forward_weight(dg_cl_op *op, const dg_op_buffers *b, dg_error *err) {
  const pixel_op *self = (pixel_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  return dg_cl_to_pixels(op, &self->pixels,
                         &(dg_cl_turn_in){.from = b->param[0],
                                          .from_row = d->channels * self->window,
                                          .from_item = self->window,
                                          .to = b->workspace,
                                          .to_first = self->forward_weight,
                                          .to_item = self->y_row,
                                          .rows = d->filters,
                                          .pixels = self->window,
                                          .pitch = d->channels * self->y_row,
                                          .items = d->channels},
                         err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const pixel_op *self = (pixel_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  const dg_buffer *x = step->train ? b->kept : b->workspace;
  return dg_cl_to_pixels(op, &self->pixels,
                         &(dg_cl_turn_in){.from = b->in[0],
                                          .from_row = self->in_pixels,
                                          .to = x,
                                          .rows = step->n * d->channels,
                                          .pixels = self->in_pixels,
                                          .pitch = self->x_pitch,
                                          .items = 1},
                         err) &&
         turn_forward_weight(op, b, err) &&
         dg_cl_sum_taps(op, &self->pixels,
                        &(dg_cl_tap_product){.b = b->workspace,
                                             .c = b->workspace,
                                             .lists = &self->forward,
                                             .a = x,
                                             .a_row = d->channels,
                                             .a_k = 1,
                                             .b_k = self->y_row,
                                             .depth = d->channels,
                                             .c_first = self->y,
                                             .c_item = self->samples * self->y_row,
                                             .c_row = self->y_row,
                                             .rows = step->n,
                                             .columns = d->filters},
                        err) &&
         dg_cl_from_pixels(op, &self->pixels,
                           &(dg_cl_turn_out){.from = b->workspace,
                                             .first = self->y,
                                             .pitch = self->samples * self->y_row,
                                             .row = self->y_row,
                                             .bias = d->bias ? b->param[1] : NULL,
                                             .slope = dg_cl_leaky_slope(d->act),
                                             .to = b->out[0],
                                             .channels = d->filters,
                                             .pixels = self->out_pixels,
                                             .samples = step->n},
                           err);
}

/* dz, to the start of the workspace. */
static bool turn_dz(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const pixel_op *self = (pixel_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  return dg_cl_to_pixels(op, &self->pixels,
                         &(dg_cl_turn_in){.from = b->d_out,
                                          .of = d->act.kind == DG_ACT_NONE ? NULL : b->out[0],
                                          .slope = dg_cl_leaky_slope(d->act),
                                          .from_row = self->out_pixels,
                                          .to = b->workspace,
                                          .rows = n * d->filters,
                                          .pixels = self->out_pixels,
                                          .pitch = self->dz_pitch,
                                          .items = 1},
                         err);
}

/* As [channel][tap][filter], and then in the order of the weights. */
static bool find_d_weight(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const pixel_op *self = (pixel_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  return dg_cl_sum_taps(op, &self->pixels,
                        &(dg_cl_tap_product){.b = b->workspace,
                                             .c = b->workspace,
                                             .lists = &self->d_weight,
                                             .a = b->kept,
                                             .a_row = 1,
                                             .a_k = d->channels,
                                             .b_k = d->filters,
                                             .depth = n,
                                             .c_first = self->dw,
                                             .c_item = self->y_row,
                                             .c_row = self->window * self->y_row,
                                             .rows = d->channels,
                                             .columns = d->filters},
                        err) &&
         dg_cl_from_pixels(op, &self->pixels,
                           &(dg_cl_turn_out){.from = b->workspace,
                                             .first = self->dw,
                                             .pitch = self->y_row,
                                             .slope = 1,
                                             .to = b->d_param[0],
                                             .channels = d->filters,
                                             .pixels = d->channels * self->window,
                                             .samples = 1},
                           err);
}

static bool find_d_bias(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const pixel_op *self = (pixel_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  return dg_cl_pixels_bias(op, &self->pixels, b,
                           &(dg_cl_bias_sum){.n = n,
                                             .filters = d->filters,
                                             .count = self->out_pixels,
                                             .first_sum = self->bias_sums,
                                             .act = d->act},
                           err);
}

/* The weights as [tap][filter][channel]. */
static bool turn_backward_weight(dg_cl_op *op, const dg_op_buffers *b, dg_error *err) {
  const pixel_op *self = (pixel_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  return dg_cl_to_pixels(op, &self->pixels,
                         &(dg_cl_turn_in){.from = b->param[0],
                                          .from_row = self->window,
                                          .from_item = d->channels * self->window,
                                          .to = b->workspace,
                                          .to_first = self->backward_weight,
                                          .to_item = self->dx_row,
                                          .rows = d->channels,
                                          .pixels = self->window,
                                          .pitch = d->filters * self->dx_row,
                                          .items = d->filters},
                         err);
}

static bool find_d_in(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const pixel_op *self = (pixel_op *)op;
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  return turn_backward_weight(op, b, err) &&
         dg_cl_sum_taps(op, &self->pixels,
                        &(dg_cl_tap_product){.b = b->workspace,
                                             .c = b->workspace,
                                             .lists = &self->d_in,
                                             .a = b->workspace,
                                             .a_row = d->filters,
                                             .a_k = 1,
                                             .b_k = self->dx_row,
                                             .depth = d->filters,
                                             .c_first = self->dx,
                                             .c_item = self->samples * self->dx_row,
                                             .c_row = self->dx_row,
                                             .rows = n,
                                             .columns = d->channels},
                        err) &&
         dg_cl_from_pixels(op, &self->pixels,
                           &(dg_cl_turn_out){.from = b->workspace,
                                             .first = self->dx,
                                             .pitch = self->samples * self->dx_row,
                                             .row = self->dx_row,
                                             .slope = 1,
                                             .to = b->d_in[0],
                                             .channels = d->channels,
                                             .pixels = self->in_pixels,
                                             .samples = n,
                                             .add = op->base.desc.d_in[0] == DG_GRAD_ADD},
                           err);
}

static bool backward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  return turn_dz(op, b, step->n, err) && find_d_weight(op, b, step->n, err) &&
         (!op->base.desc.conv2d.bias || find_d_bias(op, b, step->n, err)) &&
         (op->base.desc.d_in[0] == DG_GRAD_NONE || find_d_in(op, b, step->n, err));
}

const dg_cl_family dg_cl_conv2d_pixels = {
    .size = sizeof(pixel_op),
    .supports = supports,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
