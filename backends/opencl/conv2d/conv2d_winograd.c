#include "backends/opencl/conv2d/conv2d_winograd.h"

#include "backends/opencl/conv2d/conv2d.h"
#include "backends/opencl/elementwise/leaky.h"

static bool is_faster(const dg_conv2d_desc *d) {
  enum { FEWEST = 16, MANY_PAIRS = 1024 }; /* else launches and transforms take longer */
  if (d->kernel_h != d->kernel_w || (d->kernel_h != 3 && d->kernel_h != 5)) return false;
  if (d->stride_h != 1 || d->stride_w != 1 || d->pad_h != d->pad_w || d->pad_h >= d->kernel_h)
    return false;
  if (d->channels % FEWEST || d->filters % FEWEST) return false;
  if ((uint64_t)d->channels * d->filters < MANY_PAIRS) return false;
  const uint64_t out_h = dg_window_out(d->height, d->kernel_h, 1, d->pad_h);
  const uint64_t out_w = dg_window_out(d->width, d->kernel_w, 1, d->pad_w);
  const size_t side = 7 - d->kernel_h;
  const uint64_t tiles = dg_cl_ceil_div(out_h, side) * dg_cl_ceil_div(out_w, side);
  return 2 * tiles * DG_CL_WINO_POINTS <= (uint64_t)d->kernel_h * d->kernel_w * out_h * out_w;
}

bool dg_cl_conv2d_winograd_fits(const dg_cl_device *device, const dg_op_desc *desc, uint32_t max_n,
                                bool train) {
  enum { SOME = 8 }; /* its tiles need some samples */
  (void)train;
  return device->form == DG_CL_TILE && max_n >= SOME && is_faster(&desc->conv2d);
}

typedef struct {
  dg_cl_op op;
  dg_cl_pixels pixels; /* for an op that is trained */
  uint32_t samples;    /* the largest n, rounded up to whole tiles of the products */
  dg_cl_correlation correlation;
} forward_op;

static bool prepare(dg_cl_op *op, dg_error *err) {
  forward_op *self = (forward_op *)op;
  dg_cl_correlation *c = &self->correlation;
  uint64_t end = 0;
  self->samples = dg_cl_tap_rows(op->device, op->max_n);
  *c = dg_cl_correlation_of(&op->desc.conv2d);
  if (!dg_cl_correlation_prepare(op, c, &end, err)) return false;
  op->needs.workspace = sizeof(float) * end;
  return !op->train || dg_cl_pixels_prepare(op, &self->pixels, err);
}

/* Copies x as pixels, for backward. */
static bool keep_x(dg_cl_op *op, const dg_op_buffers *b, uint32_t n, dg_error *err) {
  const forward_op *self = (forward_op *)op;
  const dg_cl_correlation *c = &self->correlation;
  return dg_cl_to_pixels(op, &self->pixels,
                         &(dg_cl_transpose_in){.from = b->in[0],
                                               .from_row = c->in_h * c->in_w,
                                               .to = b->saved,
                                               .rows = n * c->channels,
                                               .pixels = c->in_h * c->in_w,
                                               .pitch = self->samples * c->channels,
                                               .items = 1},
                         err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  forward_op *self = (forward_op *)op;
  const dg_conv2d_desc *d = &op->desc.conv2d;
  return (!step->train || keep_x(op, b, step->n, err)) &&
         dg_cl_correlate(op, &self->correlation,
                         &(dg_cl_correlation_args){.from = b->in[0],
                                                   .weight = b->param[0],
                                                   .bias = d->bias ? b->param[1] : NULL,
                                                   .slope = dg_cl_leaky_slope(d->act),
                                                   .to = b->out[0],
                                                   .workspace = b->workspace,
                                                   .n = step->n},
                         err);
}

const dg_cl_implementation dg_cl_conv2d_winograd_forward = {.name = "winograd",
                                                            .saved = DG_CL_SAVED_WINOGRAD,
                                                            .fits = dg_cl_conv2d_winograd_fits,
                                                            .size = sizeof(forward_op),
                                                            .prepare = prepare,
                                                            .run = forward};
