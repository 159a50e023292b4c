#include "backends/cpu/conv2d/conv2d_shape.h"
#include "backends/cpu/gemm/micro_kernel.h"

static dg_padded_input padded_source(const dg_conv2d_desc *d) {
  return (dg_padded_input){.channels = d->channels,
                           .height = d->height,
                           .width = d->width,
                           .top = (long)d->pad_h,
                           .left = (long)d->pad_w,
                           .dilation_h = 1,
                           .dilation_w = 1,
                           .rows = (size_t)d->height + 2 * (size_t)d->pad_h,
                           .columns = (size_t)d->width + 2 * (size_t)d->pad_w,
                           .phases = d->stride_w};
}

dg_conv_shape dg_conv_shape_of(const dg_conv2d_desc *d) {
  size_t out_h = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h);
  size_t out_w = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w);
  dg_conv_shape shape = {.source = padded_source(d),
                         .taps = d->channels * (size_t)d->kernel_h * d->kernel_w,
                         .pixels = out_h * out_w,
                         .epilogue = dg_conv_epilogue_of(d)};
  shape.forward = (dg_correlation){.channels = d->filters,
                                   .height = out_h,
                                   .width = out_w,
                                   .plane = out_h * out_w,
                                   .row_step = d->stride_h * dg_padded_row(&shape.source),
                                   .taps = shape.taps};
  shape.few_taps = dg_correlate_has_few_taps(&shape.forward);
  shape.epilogue_floats = dg_conv_epilogue_scratch(&shape.epilogue);
  shape.source_floats = dg_padded_is_plain(&shape.source) && !shape.few_taps
                            ? 0
                            : dg_round_up(dg_padded_count(&shape.source) + DG_CORRELATE_SLACK);
  shape.weight_floats = dg_round_up(shape.taps * dg_panels_width(d->filters));
  return shape;
}

bool dg_conv_shape_check(const dg_padded_input *padded, dg_error *err) {
  return dg_padded_count(padded) <= UINT32_MAX ||
         dg_fail(err, DG_ERR_UNSUPPORTED,
                 "one sample of this conv2d is too large for the cpu backend");
}

uint32_t *dg_conv_fill_taps(const dg_conv2d_desc *d, dg_conv_shape *shape, uint32_t *tap) {
  size_t row = dg_padded_row(&shape->source);
  shape->forward.tap = tap;
  for (size_t c = 0; c < d->channels; c++)
    for (size_t ky = 0; ky < d->kernel_h; ky++)
      for (size_t kx = 0; kx < d->kernel_w; kx++)
        *tap++ =
            (uint32_t)((c * shape->source.rows + ky) * row + dg_padded_column(&shape->source, kx));
  return tap;
}

const float *dg_conv_source(const dg_conv_shape *shape, const float *sample, float *scratch) {
  if (shape->source_floats == 0) return sample;
  dg_padded_fill(&shape->source, sample, scratch);
  return scratch;
}
