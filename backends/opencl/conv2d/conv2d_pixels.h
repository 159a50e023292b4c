/**
 * Convolutions pixel by pixel (cl/conv2d/pixels_tile.cl), for CPUs and layers of many channels,
 * forward in conv2d_pixels.c and backward in conv2d_pixels_backward.c: with tensors as
 * [pixel][sample][channel], each product is a sum over taps, the positions in the kernel, of plain
 * matrix products:
 *
 *   forward         y[p]  = sum over t of x[q] weight[t]^T     where p meets q with tap t
 *   input gradient  dx[q] = sum over t of dz[p] weight[t]      where p meets q with tap t
 *   weight gradient dw[t] = sum over p of dz[p]^T x[q]         where p meets q with tap t
 *
 * and dz is dy times the derivative of the fused activation. Padding and strides determine which
 * pixels meet, and cost nothing. The sums are computed in chunks, of taps or of pixels, small
 * enough for one operand to stay in a cache.
 */
#ifndef DG_OPENCL_CONV2D_PIXELS_H
#define DG_OPENCL_CONV2D_PIXELS_H

#include "backends/opencl/conv2d/pixels.h"

/** What forward saves of x for backward: [pixel][sample][channel], with slack for tiles at its
    end. */
#define DG_CL_SAVED_PIXELS "pixels"

/** Common part of both directions. */
typedef struct {
  dg_cl_op op;
  dg_cl_pixels pixels;
  uint32_t in_pixels, out_pixels, out_w, window; /**< number of pixels, and of taps */
  uint32_t samples;                              /**< the largest n, rounded up to whole tiles */
  uint32_t x_pitch, dz_pitch;                    /**< numbers from a pixel to the next */
  uint32_t y_row, dx_row; /**< filters and channels, rounded up to whole vectors */
} dg_cl_conv2d_pixels;

/** Fills in everything except the op. */
bool dg_cl_conv2d_pixels_prepare(dg_cl_conv2d_pixels *self, dg_error *err);

/** Floats of x as pixels, which a training step saves. */
uint64_t dg_cl_conv2d_pixels_x(const dg_cl_conv2d_pixels *self);

/** Number of chunks that the sums over taps are computed in, with `depth` numbers per column. */
uint32_t dg_cl_conv2d_pixels_chunks(const dg_cl_conv2d_pixels *self, uint32_t depth);

/** Does output pixel p meet an input pixel with tap t? Returns which. */
bool dg_cl_conv2d_input_pixel(const dg_cl_conv2d_pixels *self, uint32_t p, uint32_t t, uint32_t *q);

/** The part of `count` that chunk c of `chunks` takes. */
typedef struct {
  uint32_t begin, end;
} dg_cl_span;

static inline dg_cl_span dg_cl_span_of(uint32_t chunk, uint32_t chunks, uint32_t count) {
  return (dg_cl_span){(uint32_t)((uint64_t)count * chunk / chunks),
                      (uint32_t)((uint64_t)count * (chunk + 1) / chunks)};
}

#endif
