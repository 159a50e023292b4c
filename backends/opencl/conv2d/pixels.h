/**
 * Tensors as [pixel][sample][channel], and sums of plain matrix products over them: the kernels of
 * cl/conv2d/pixels_tile.cl, for devices of the tile form.
 */
#ifndef DG_OPENCL_PIXELS_H
#define DG_OPENCL_PIXELS_H

#include "backends/opencl/gemm/gemm.h"

/** Floats of a vector in cl/conv2d/pixels_tile.cl. */
enum { DG_CL_VECTOR = 16 };

/** Floats that a tile of any size may access past the end of a tensor: two vectors. */
enum { DG_CL_TAP_SLACK = 2 * DG_CL_VECTOR };

/** `rows` rounded up to whole tiles of the device. */
uint32_t dg_cl_tap_rows(const dg_cl_device *device, uint32_t rows);

typedef struct {
  cl_kernel to_pixels, from_pixels, taps;
} dg_cl_pixels;

bool dg_cl_pixels_prepare(dg_cl_op *op, dg_cl_pixels *pixels, dg_error *err);

/** A range of x by y by z work-items, each its own work-group. */
dg_cl_range dg_cl_tiles(size_t x, size_t y, size_t z);

/** to[to_first + item * to_item + pixel * pitch + row] = from[item * from_item + row * from_row +
    pixel], times slope where `of`, if not NULL, isn't positive. */
typedef struct {
  const dg_buffer *from, *of, *to;
  float slope;
  uint32_t from_row, from_item, to_first, to_item, rows, pixels, pitch, items;
} dg_cl_transpose_in;
bool dg_cl_to_pixels(dg_cl_op *op, const dg_cl_pixels *pixels, const dg_cl_transpose_in *t,
                     dg_error *err);

/** to[sample][channel][pixel] (+)= leaky(from[first + pixel * pitch + sample * row + channel] +
    bias[channel]) */
typedef struct {
  const dg_buffer *from, *bias, *to;
  uint32_t first, pitch, row;
  float slope;
  uint32_t channels, pixels, samples;
  bool add;
} dg_cl_transpose_out;
bool dg_cl_from_pixels(dg_cl_op *op, const dg_cl_pixels *pixels, const dg_cl_transpose_out *t,
                       dg_error *err);

/** The sums to compute: in each of `chunks`, for each of `items`, a list of taps. */
typedef struct {
  uint32_t chunks, items;
  dg_buffer *firsts, *taps;
} dg_cl_taps;

/** Writes the taps of an item in a chunk, that is, the offsets of both operands of each, and
    returns their number. */
typedef uint32_t dg_cl_list_taps(const dg_cl_op *op, uint32_t chunk, uint32_t item,
                                 dg_cl_gemm_offset *to);

/** Creates the tables of lists; each item has at most `most` taps in all chunks. */
bool dg_cl_taps_make(dg_cl_op *op, dg_cl_taps *lists, dg_cl_list_taps *list, uint32_t most,
                     dg_error *err);

/**
 * c[item][row][column] (+)= the sum over the item's taps t and over k < depth of
 * a[t.x + row * a_row + k * a_k] b[t.y + k * b_k + column]. Rows and columns of c have room for
 * whole tiles.
 */
typedef struct {
  const dg_cl_taps *lists;
  const dg_buffer *a, *b, *c;
  uint32_t a_row, a_k, b_k, depth, c_first, c_item, c_row, rows, columns;
  bool add;
} dg_cl_tap_product;
bool dg_cl_sum_taps(dg_cl_op *op, const dg_cl_pixels *pixels, const dg_cl_tap_product *p,
                    dg_error *err);

#endif
