#include "backends/cpu/conv1d/conv1d_windows.h"

#include "backends/cpu/elementwise/act.h"
#include "backends/cpu/gemm/micro_kernel.h"
#include "backends/cpu/gemm/pack.h"

size_t dg_conv1d_out_steps(const dg_conv1d_desc *d) {
  return dg_window_out(d->steps, d->kernel, d->stride, d->pad);
}

dg_padded_input dg_conv1d_padded(size_t height, size_t width, long top, size_t dilation,
                                 size_t rows) {
  return (dg_padded_input){.channels = 1,
                           .height = height,
                           .width = width,
                           .top = top,
                           .dilation_h = dilation,
                           .dilation_w = 1,
                           .rows = rows,
                           .columns = width,
                           .phases = 1};
}

dg_conv1d_shape dg_conv1d_shape_of(const dg_conv1d_desc *d) {
  dg_conv1d_shape shape = {
      .source = dg_conv1d_padded(d->steps, d->in, (long)d->pad, 1, d->steps + 2 * (size_t)d->pad),
      .windows = {.steps = dg_conv1d_out_steps(d),
                  .columns = d->filters,
                  .depth = (size_t)d->kernel * d->in,
                  .step_size = (size_t)d->stride * d->in}};
  shape.weight_floats = dg_round_up(shape.windows.depth * dg_panels_width(d->filters));
  shape.source_floats = dg_padded_is_plain(&shape.source) ? 0 : dg_padded_count(&shape.source);
  return shape;
}

void dg_conv1d_multiply(const dg_conv1d_windows *w, const float *padded, const float *panels,
                        const dg_gemm_epilogue *epilogue, float *out) {
  _Alignas(64) float tile[DG_TILE_ROWS * DG_TILE_WIDTH] = {0};
  size_t steps;
  for (size_t c = 0; c < w->columns; c += DG_TILE_WIDTH) {
    size_t columns = dg_panel_columns(w->columns - c), width = dg_panel_width(columns);
    for (size_t j = 0; j < w->steps; j += steps) {
      steps = dg_tile_height(w->steps - j);
      dg_micro_kernel(steps, width, w->depth, padded + j * w->step_size, w->step_size,
                      panels + c * w->depth, tile, DG_TILE_WIDTH);
      if (epilogue->bias) dg_add_column_bias(steps, columns, epilogue->bias + c, tile);
      dg_act_forward(epilogue->act, steps * DG_TILE_WIDTH, tile, tile);
      dg_store_rows(epilogue->add, steps, columns, tile, out + j * w->columns + c, w->columns);
    }
  }
}
