#include "backends/cpu/conv2d/winograd/winograd.h"

#include <string.h>

#include "backends/cpu/gemm/micro_kernel.h"
#include "backends/cpu/gemm/pack.h"

void dg_wino_fill(const dg_wino_image *image, size_t height, size_t width, const float *planes,
                  float *filled) {
  for (size_t y = 0; y < height; y++)
    dg_transpose(DG_VECTOR, width, planes + y * width, height * width,
                 filled + ((image->top + y) * image->columns + image->left) * DG_VECTOR, DG_VECTOR);
}

/** Sets an image's vectors [begin, end) to 0. */
static void clear_vectors(size_t begin, size_t end, float *filled) {
  memset(filled + begin * DG_VECTOR, 0, (end - begin) * DG_VECTOR * sizeof *filled);
}

void dg_wino_clear(const dg_wino_image *image, size_t height, size_t width, float *filled) {
  size_t end = 0; /* of the processed part */
  for (size_t y = 0; y < height; y++, end += width) {
    size_t begin = (image->top + y) * image->columns + image->left;
    clear_vectors(end, begin, filled);
    end = begin;
  }
  clear_vectors(end, image->rows * image->columns, filled);
}

void dg_wino_transform_rows(const dg_wino *w, const dg_wino_image *image, dg_span rows,
                            const float *filled, float *transformed, size_t step, size_t row) {
  size_t side = dg_wino_side(w), line = image->columns * DG_VECTOR;
  size_t subkernels = dg_wino_subkernels(w), size = dg_wino_subkernel_side(w);
  transformed += rows.begin * dg_wino_tiles_w(w) * row;
  for (size_t y = rows.begin; y < rows.end; y++)
    for (size_t x = 0; x < dg_wino_tiles_w(w); x++, transformed += row)
      for (size_t k = 0; k < subkernels * subkernels; k++) {
        size_t top = y * side + k / subkernels * size, left = x * side + k % subkernels * size;
        dg_wino_input_transform(filled + top * line + left * DG_VECTOR, line,
                                transformed + k * w->channels, step);
      }
}

enum { MOST_TAPS = 49, MOST_SUBKERNEL_TAPS = 25 };

/** The index of tap i of sub-kernel k among the kernel's taps, or SIZE_MAX: past its end. */
static size_t tap_of(const dg_wino *w, size_t k, size_t i) {
  size_t subkernels = dg_wino_subkernels(w), size = dg_wino_subkernel_side(w);
  size_t y = k / subkernels * size + i / size, x = k % subkernels * size + i % size;
  return y < w->kernel && x < w->kernel ? y * w->kernel + x : SIZE_MAX;
}

/** Transforms a vector of kernels, given by their taps. */
static void pack_kernels(const dg_wino *w, bool flip, const float *taps, float *transformed,
                         size_t subkernel_step, size_t step) {
  _Alignas(64) float part[MOST_SUBKERNEL_TAPS * DG_VECTOR];
  size_t size = dg_wino_subkernel_side(w),
         subkernels = dg_wino_subkernels(w) * dg_wino_subkernels(w);
  for (size_t k = 0; k < subkernels; k++) {
    for (size_t i = 0; i < size * size; i++) {
      size_t tap = tap_of(w, k, i), from = flip ? w->kernel * w->kernel - 1 - tap : tap;
      dg_vector zeros = {0};
      *(dg_vector *)(part + i * DG_VECTOR) =
          tap == SIZE_MAX ? zeros : *(const dg_vector *)(taps + from * DG_VECTOR);
    }
    dg_wino_weight_transform(size, part, transformed + k * subkernel_step, step);
  }
}

void dg_wino_pack(const dg_wino *w, const dg_wino_weights *weights, size_t filter, float *panel) {
  _Alignas(64) float taps[MOST_TAPS * DG_VECTOR];
  size_t width = dg_panel_width(dg_panel_columns(w->filters - filter));
  for (size_t c = 0; c < w->channels; c++)
    for (size_t f = 0; f < width; f += DG_VECTOR) {
      dg_transpose(DG_VECTOR, w->kernel * w->kernel,
                   weights->at + c * weights->channel_step + (filter + f) * weights->filter_step,
                   weights->filter_step, taps, DG_VECTOR);
      pack_kernels(w, weights->flip, taps, panel + c * width + f, w->channels * width,
                   dg_wino_depth(w) * width);
    }
}

void dg_wino_correlate(const dg_wino *w, size_t tiles, dg_span which, const float *transformed,
                       const float *panels, size_t filter, float *out) {
  size_t depth = dg_wino_depth(w), width = dg_panel_width(dg_panel_columns(w->filters - filter)),
         rows;
  const float *panel = panels + filter * depth * DG_WINO_POINTS;
  for (size_t i = which.begin; i < which.end; i++)
    for (size_t t = 0; t < tiles; t += rows) {
      rows = dg_tile_height(tiles - t);
      dg_micro_kernel_packed(false, rows, width, depth, transformed + (i * tiles + t) * depth,
                             depth, panel + i * depth * width, out + (i * tiles + t) * width);
    }
}

void dg_wino_add_weights(const dg_wino *w, size_t tiles, const float *transformed,
                         const float *d_out, size_t filter, float *d_panels) {
  size_t depth = w->channels, width = dg_panel_width(dg_panel_columns(w->filters - filter)), rows;
  float *panel = d_panels + filter * depth * DG_WINO_POINTS;
  for (size_t i = 0; i < DG_WINO_POINTS; i++)
    for (size_t c = 0; c < depth; c += rows) {
      rows = dg_tile_height(depth - c);
      dg_micro_kernel_transposed(rows, width, tiles, transformed + i * tiles * depth + c, depth,
                                 d_out + i * tiles * width, panel + (i * depth + c) * width);
    }
}

void dg_wino_store_weights(const dg_wino *w, size_t parts, const float *d_panels, size_t part,
                           size_t filter, float *scratch, float *d_weight) {
  _Alignas(64) float sum[DG_WINO_POINTS * DG_VECTOR];
  size_t first = filter - filter % DG_TILE_WIDTH, taps = w->kernel * w->kernel;
  size_t width = dg_panel_width(dg_panel_columns(w->filters - first));
  const float *panel = d_panels + first * w->channels * DG_WINO_POINTS + (filter - first);
  for (size_t c = 0; c < w->channels; c++) {
    for (size_t i = 0; i < DG_WINO_POINTS; i++) {
      dg_vector total = {0};
      for (size_t p = 0; p < parts; p++)
        total += *(const dg_vector *)(panel + p * part + (i * w->channels + c) * width);
      *(dg_vector *)(sum + i * DG_VECTOR) = total;
    }
    dg_wino_weight_transform_backward(w->kernel, sum, DG_VECTOR, scratch + c * taps * DG_VECTOR);
  }
  size_t weights = w->channels * taps;
  dg_transpose(weights, DG_VECTOR, scratch, DG_VECTOR, d_weight + filter * weights, weights);
}
