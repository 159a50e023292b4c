#include "backends/cpu/conv2d/correlate.h"

#include <string.h>

#include "backends/cpu/elementwise/act.h"
#include "backends/cpu/gemm/micro_kernel.h"
#include "backends/cpu/gemm/pack.h"
#include "backends/cpu/runtime/pieces.h"

size_t dg_padded_count(const dg_padded_input *f) {
  return f->channels * f->rows * dg_padded_row(f);
}

bool dg_padded_is_plain(const dg_padded_input *f) {
  return f->top == 0 && f->left == 0 && f->dilation_h == 1 && f->dilation_w == 1 &&
         f->phases == 1 && f->rows == f->height && f->columns == f->width;
}

/** The elements of [0, count) that are inside [0, size) when i is moved to first + i * dilation. */
static dg_span visible(long first, size_t dilation, size_t count, size_t size) {
  long step = (long)dilation;
  long begin = first < 0 ? (-first + step - 1) / step : 0;
  long end = (long)size > first ? ((long)size - first + step - 1) / step : 0;
  if (end > (long)count) end = (long)count;
  return begin < end ? (dg_span){(size_t)begin, (size_t)end} : (dg_span){0, 0};
}

/** Copies a row that is dilated, or sorted by phases: elements `phases` apart are in the same
    phase. */
static void fill_row(const dg_padded_input *f, dg_span xs, const float *from, float *to) {
  for (size_t first = xs.begin; first < xs.end && first < xs.begin + f->phases; first++) {
    float *at = to + dg_padded_column(f, (size_t)(f->left + (long)(first * f->dilation_w)));
    for (size_t x = first; x < xs.end; x += f->phases, at += f->dilation_w) *at = from[x];
  }
}

void dg_padded_fill_plane(const dg_padded_input *f, size_t channel, const float *plane,
                          float *padded) {
  size_t row = dg_padded_row(f);
  dg_span ys = visible(f->top, f->dilation_h, f->height, f->rows);
  dg_span xs = visible(f->left, f->dilation_w, f->width, f->columns);
  for (size_t y = ys.begin; y < ys.end; y++) {
    const float *from = plane + y * f->width;
    size_t to_y = (size_t)(f->top + (long)(y * f->dilation_h));
    float *to = padded + (channel * f->rows + to_y) * row;
    if (f->phases == 1 && f->dilation_w == 1)
      memcpy(to + (f->left + (long)xs.begin), from + xs.begin, (xs.end - xs.begin) * sizeof *to);
    else
      fill_row(f, xs, from, to);
  }
}

void dg_padded_fill(const dg_padded_input *f, const float *sample, float *padded) {
  for (size_t c = 0; c < f->channels; c++)
    dg_padded_fill_plane(f, c, sample + c * f->height * f->width, padded);
}

void dg_correlate(const dg_correlation *k, const float *padded, const float *panels,
                  const dg_gemm_epilogue *epilogue, float *out) {
  _Alignas(64) float tile[DG_TILE_ROWS * DG_TILE_WIDTH] = {0};
  size_t plane = k->plane, pixels;
  for (size_t c = 0; c < k->channels; c += DG_TILE_WIDTH) {
    size_t channels = dg_panel_columns(k->channels - c), width = dg_panel_width(channels);
    const float *panel = panels + c * k->taps;
    for (size_t y = 0; y < k->height; y++) {
      for (size_t x = 0; x < k->width; x += pixels) {
        pixels = dg_tile_height(k->width - x);
        dg_micro_kernel_grouped(1, pixels, width, k->taps, padded + y * k->row_step + x, 0, k->tap,
                                panel, tile, DG_TILE_WIDTH);
        if (epilogue->bias) dg_add_column_bias(pixels, channels, epilogue->bias + c, tile);
        dg_act_forward(epilogue->act, pixels * DG_TILE_WIDTH, tile, tile);
        dg_store_transposed(epilogue->add, pixels, channels, tile,
                            out + c * plane + y * k->width + x, plane);
      }
    }
  }
}

bool dg_correlate_has_few_taps(const dg_correlation *k) {
  enum { TRANSPOSING = 16 }; /* the cost of transposing a tile, in taps */
  return k->taps * dg_panels_width(k->width) < (k->taps + TRANSPOSING) * k->width;
}

void dg_correlate_few_taps(const dg_correlation *k, const float *padded, const float *weights,
                           const dg_gemm_epilogue *epilogue, float *out) {
  _Static_assert((int)DG_TILE_WIDTH <= (int)DG_CORRELATE_SLACK, "a tile reads its width");
  _Alignas(64) float tile[DG_TILE_ROWS * DG_TILE_WIDTH] = {0};
  size_t plane = k->plane, channels;
  for (size_t y = 0; y < k->height; y++) {
    for (size_t x = 0; x < k->width; x += DG_TILE_WIDTH) {
      size_t pixels = dg_panel_columns(k->width - x), width = dg_panel_width(pixels);
      for (size_t c = 0; c < k->channels; c += channels) {
        channels = dg_tile_height(k->channels - c);
        dg_micro_kernel_indirect(channels, width, k->taps, weights + c * k->taps, k->taps,
                                 padded + y * k->row_step + x, k->tap, tile);
        if (epilogue->bias) dg_add_row_bias(channels, epilogue->bias + c, tile);
        dg_act_forward(epilogue->act, channels * DG_TILE_WIDTH, tile, tile);
        dg_store_rows(epilogue->add, channels, pixels, tile, out + c * plane + y * k->width + x,
                      plane);
      }
    }
  }
}
