#include "backends/cpu/conv2d/col2im.h"

#include <string.h>

#include "backends/cpu/gemm/micro_kernel.h"
#include "backends/cpu/gemm/pack.h"

bool dg_col2im_is_faster(const dg_conv2d_desc *d, size_t pixels) {
  enum { ADDING = 8 }; /* the cost of adding a tile to the scratch, in units of its sums */
  size_t gathered = (size_t)d->height * d->width * d->filters;
  return pixels * (d->filters + ADDING) < gathered;
}

dg_col2im dg_col2im_make(const dg_conv2d_desc *d, size_t out_h, size_t out_w, uint32_t *tables) {
  size_t pixels = out_h * out_w, row = (size_t)d->width + 2 * (size_t)d->pad_w;
  uint32_t *filter = tables, *place = filter + d->filters;
  for (size_t f = 0; f < d->filters; f++) filter[f] = (uint32_t)(f * pixels);
  for (size_t y = 0; y < out_h; y++)
    for (size_t x = 0; x < out_w; x++)
      place[y * out_w + x] = (uint32_t)(y * d->stride_h * row + x * d->stride_w);
  return (dg_col2im){.conv = d,
                     .pixels = pixels,
                     .row = row,
                     .places = row * ((size_t)d->height + 2 * (size_t)d->pad_h),
                     .filter = filter,
                     .place = place};
}

size_t dg_col2im_scratch(const dg_col2im *s) {
  return s->places * DG_TILE_WIDTH;
}

void dg_col2im_pack(const dg_col2im *s, const float *weight, size_t channel, float *panel) {
  const dg_conv2d_desc *d = s->conv;
  size_t kernel = (size_t)d->kernel_h * d->kernel_w, taps = d->channels * kernel;
  size_t columns = dg_panel_columns(d->channels - channel), width = dg_panel_width(columns);
  if (columns < width) memset(panel, 0, kernel * d->filters * width * sizeof *panel);
  for (size_t f = 0; f < d->filters; f++)
    dg_transpose(columns, kernel, weight + f * taps + channel * kernel, kernel, panel + f * width,
                 d->filters * width);
}

/** Adds the products of one tap to the elements that its window reads; `shift`: the tap's offset in
    the window. */
static void add_tap(const dg_col2im *s, const float *d_z, const float *panel, size_t width,
                    size_t shift, float *scratch) {
  _Alignas(64) float tile[DG_TILE_ROWS * DG_TILE_WIDTH];
  size_t rows;
  for (size_t p = 0; p < s->pixels; p += rows) {
    rows = dg_tile_height(s->pixels - p);
    dg_micro_kernel_grouped(1, rows, width, s->conv->filters, d_z + p, 0, s->filter, panel, tile,
                            DG_TILE_WIDTH);
    for (size_t j = 0; j < rows; j++) {
      float *to = scratch + (s->place[p + j] + shift) * DG_TILE_WIDTH;
      for (size_t v = 0; v < width; v += DG_VECTOR)
        *(dg_vector *)(to + v) += *(const dg_vector *)(tile + j * DG_TILE_WIDTH + v);
    }
  }
}

/** Transposes the sums of some channels, which are channels-last, into their planes. */
static void store_channels(const dg_col2im *s, const float *scratch, size_t channels, bool add,
                           float *d_x) {
  const dg_conv2d_desc *d = s->conv;
  size_t plane = (size_t)d->height * d->width, count;
  for (size_t y = 0; y < d->height; y++)
    for (size_t x = 0; x < d->width; x += count) {
      const float *from = scratch + ((y + d->pad_h) * s->row + d->pad_w + x) * DG_TILE_WIDTH;
      count = dg_panel_columns(d->width - x);
      dg_store_transposed(add, count, channels, from, d_x + y * d->width + x, plane);
    }
}

void dg_col2im_run(const dg_col2im *s, const float *d_z, const float *panels, bool add,
                   float *scratch, float *d_x) {
  const dg_conv2d_desc *d = s->conv;
  size_t kernel = (size_t)d->kernel_h * d->kernel_w, back_taps = d->filters * kernel;
  for (size_t c = 0; c < d->channels; c += DG_TILE_WIDTH) {
    size_t channels = dg_panel_columns(d->channels - c), width = dg_panel_width(channels);
    memset(scratch, 0, dg_col2im_scratch(s) * sizeof *scratch);
    for (size_t tap = 0; tap < kernel; tap++)
      add_tap(s, d_z, panels + c * back_taps + tap * d->filters * width, width,
              tap / d->kernel_w * s->row + tap % d->kernel_w, scratch);
    store_channels(s, scratch, channels, add, d_x + c * d->height * d->width);
  }
}
