/**
 * Convolutions of stride 1 by Winograd's algorithm (Lavin and Gray, arXiv:1509.09308). A tile of 6
 * x 6 elements of the input gives m x m outputs of an r x r kernel, m = 7 - r. Tile, kernel and
 * outputs are treated as polynomials in two variables, which are multiplied by their values at the
 * points 0, a, -a, b, -b and infinity, a^2 = 1/2, b^2 = 2: 36 products for each pair of channel and
 * filter instead of (m r)^2, which is 144 for 3x3 and 100 for 5x5. With these points, rounding
 * errors are within a few 1e-6 of the largest output.
 *
 * A 7x7 kernel is split into 2 x 2 sub-kernels of 4x4, padded with zeros at its end. Each reads the
 * image shifted by 4, so they act like additional channels: 4 * 36 products
 * for 3 x 3 outputs instead of 441.
 *
 * A transformed tile has a value at each of the 36 pairs of points, called points below; the same
 * holds for transformed kernels and for their products, the transformed outputs. Images are
 * channels-last, and tiles are read DG_VECTOR channels at a time, so that a transform works on
 * whole vectors.
 */
#ifndef DG_CPU_WINOGRAD_H
#define DG_CPU_WINOGRAD_H

#include <stdbool.h>
#include <stddef.h>

#include "backends/cpu/runtime/isa.h"
#include "backends/cpu/runtime/pieces.h"

enum { DG_WINO_SIDE = 6, DG_WINO_POINTS = DG_WINO_SIDE * DG_WINO_SIDE };

#define dg_wino_input_transform DG_ISA_NAME(dg_wino_input_transform)
#define dg_wino_output_transform DG_ISA_NAME(dg_wino_output_transform)
#define dg_wino_output_transform_backward DG_ISA_NAME(dg_wino_output_transform_backward)
#define dg_wino_weight_transform DG_ISA_NAME(dg_wino_weight_transform)
#define dg_wino_weight_transform_backward DG_ISA_NAME(dg_wino_weight_transform_backward)
#define dg_wino_fill DG_ISA_NAME(dg_wino_fill)
#define dg_wino_clear DG_ISA_NAME(dg_wino_clear)
#define dg_wino_pack DG_ISA_NAME(dg_wino_pack)
#define dg_wino_transform_rows DG_ISA_NAME(dg_wino_transform_rows)
#define dg_wino_correlate DG_ISA_NAME(dg_wino_correlate)
#define dg_wino_add_weights DG_ISA_NAME(dg_wino_add_weights)
#define dg_wino_store_weights DG_ISA_NAME(dg_wino_store_weights)

/* ---- transforms of one tile (winograd_tile.c) --------------------------- */

/**
 * Transforms 6 x 6 vectors of an image, whose rows are `row` floats apart: point i goes to
 * transformed + i * step.
 */
void dg_wino_input_transform(const float *image, size_t row, float *transformed, size_t step);

/** The side x side outputs of a transformed tile: vectors, in rows `row` floats apart. */
void dg_wino_output_transform(size_t side, const float *transformed, size_t step, float *out,
                              size_t row);

/** The gradient of the transformed outputs from that of the outputs: the transpose of
    dg_wino_output_transform, for whole kernels. */
void dg_wino_output_transform_backward(size_t side, const float *d_out, size_t row,
                                       float *transformed, size_t step);

/** Transforms side x side vectors of weights, one after the other. */
void dg_wino_weight_transform(size_t side, const float *taps, float *transformed, size_t step);

/** The gradient of the taps from that of the transformed ones: the transpose of
    dg_wino_weight_transform, for whole kernels. */
void dg_wino_weight_transform_backward(size_t side, const float *transformed, size_t step,
                                       float *taps);

/* ---- correlations (winograd.c) ------------------------------------------ */

/** A correlation of images: [channels, in_h, in_w], zero-padded, to [filters, out_h, out_w]. */
typedef struct {
  size_t channels, filters; /**< multiples of DG_VECTOR */
  size_t in_h, in_w, out_h, out_w;
  size_t kernel, pad; /**< 3, 5 or 7; pad < kernel */
} dg_wino;

/** Sub-kernels of a kernel in one direction, and the size of each. */
static inline size_t dg_wino_subkernels(const dg_wino *w) {
  return w->kernel > 5 ? 2 : 1;
}
static inline size_t dg_wino_subkernel_side(const dg_wino *w) {
  return (w->kernel + dg_wino_subkernels(w) - 1) / dg_wino_subkernels(w);
}

/** Products per point of the outputs: channels by sub-kernels. */
static inline size_t dg_wino_depth(const dg_wino *w) {
  return w->channels * dg_wino_subkernels(w) * dg_wino_subkernels(w);
}

/** Outputs of a tile in one direction. */
static inline size_t dg_wino_side(const dg_wino *w) {
  return DG_WINO_SIDE + 1 - dg_wino_subkernel_side(w);
}

static inline size_t dg_wino_tiles_h(const dg_wino *w) {
  return (w->out_h + dg_wino_side(w) - 1) / dg_wino_side(w);
}

static inline size_t dg_wino_tiles_w(const dg_wino *w) {
  return (w->out_w + dg_wino_side(w) - 1) / dg_wino_side(w);
}

/** All rows of tiles. */
static inline dg_span dg_wino_rows(const dg_wino *w) {
  return (dg_span){0, dg_wino_tiles_h(w)};
}

/** Tiles of one sample. */
static inline size_t dg_wino_tiles(const dg_wino *w) {
  return dg_wino_tiles_h(w) * dg_wino_tiles_w(w);
}

/** Floats of all transformed weights, in the order of dg_wino_pack. */
static inline size_t dg_wino_weight_floats(const dg_wino *w) {
  return DG_WINO_POINTS * dg_wino_depth(w) * w->filters;
}

/** A channels-last image: `rows` x `columns` vectors. */
typedef struct {
  size_t top, left, rows, columns;
} dg_wino_image;

/** Copies DG_VECTOR planes of `height` x `width` into an image; its other elements are
    unchanged. */
void dg_wino_fill(const dg_wino_image *image, size_t height, size_t width, const float *planes,
                  float *filled);

/** Sets the elements of an image that dg_wino_fill doesn't write to 0. */
void dg_wino_clear(const dg_wino_image *image, size_t height, size_t width, float *filled);

/** Transforms some rows of tiles of one vector of channels of a sample: for sub-kernel k of the
    kernel, point i of tile t goes to transformed + i * step + t * row + k * channels. */
void dg_wino_transform_rows(const dg_wino *w, const dg_wino_image *image, dg_span rows,
                            const float *filled, float *transformed, size_t step, size_t row);

/** The layout of a convolution's weights: tap 0 of a pair is at channel * channel_step + filter *
    filter_step; `flip`: taps in reverse. */
typedef struct {
  const float *at;
  size_t channel_step, filter_step;
  bool flip;
} dg_wino_weights;

/** Transforms all weights of the panel of filters from `filter` on: a panel of [depth, panel width]
    for each point. `panel` is the destination of the first one. */
void dg_wino_pack(const dg_wino *w, const dg_wino_weights *weights, size_t filter, float *panel);

/** All points of a tile. */
static inline dg_span dg_wino_all(void) {
  return (dg_span){0, DG_WINO_POINTS};
}

/**
 * Computes the points `which` of the outputs of `tiles` tiles, for the panel of filters from
 * `filter` on: transformed [36, tiles, channels], panels as dg_wino_pack makes them for all
 * filters, out [36, tiles, panel width].
 */
void dg_wino_correlate(const dg_wino *w, size_t tiles, dg_span which, const float *transformed,
                       const float *panels, size_t filter, float *out);

/**
 * Adds the contribution of tiles to the gradients of the transformed weights, which have the layout
 * of the panels, for whole kernels: transformed [36, tiles, channels], d_out [36, tiles, panel
 * width] for the panel from `filter` on.
 */
void dg_wino_add_weights(const dg_wino *w, size_t tiles, const float *transformed,
                         const float *d_out, size_t filter, float *d_panels);

/**
 * The gradients of the weights of DG_VECTOR filters from `filter` on: d_weight
 * [filters, channels, kernel, kernel], from `parts` arrays of gradients of panels, `part` floats
 * apart. `scratch`: channels * (kernel^2) vectors.
 */
void dg_wino_store_weights(const dg_wino *w, size_t parts, const float *d_panels, size_t part,
                           size_t filter, float *scratch, float *d_weight);

#endif
