/**
 * The tile sizes of gemm: what a work-item of its variants "outer", "inner" and "taps" computes at
 * a time. They are build options of the kernels, so each device can have its own: the defaults, or
 * the fastest found by tuning (tune.h), which are stored in the cache. Tile sizes don't change a
 * sum: the order and so the bits are the same. Tuning also chooses whether large linear layers use
 * CLBlast. This does change sums, so it is reported in the device's info.
 *
 * Tile form: `rows` x `columns` vectors of 16; "inner" holds rows of y x rows of x (a multiple of
 * four), each a vector of partial sums. The depth is unused (0). Group form: each of 16 x 16
 * work-items computes `rows` x `columns` sums, 16 apart, with `depth` terms of each sum in local
 * memory; it has no "taps".
 */
#ifndef DG_OPENCL_TILES_H
#define DG_OPENCL_TILES_H

#include "backends/opencl/runtime/device.h"

enum { DG_CL_TILE_TEXT = 32, DG_CL_TILE_OPTIONS = 128 };

/** The variant of gemm that a tile belongs to: "outer", "inner" or "taps". */
const char *dg_cl_tiled_name(dg_cl_tiled which);

/** The tiles that a kernel supports on a device, the default first, and their number; none if its
    form lacks the kernel. */
const dg_cl_tile *dg_cl_tile_choices(const dg_cl_device *device, dg_cl_tiled which, size_t *count);

/** Are two tiles the same? */
bool dg_cl_tile_is(dg_cl_tile a, dg_cl_tile b);

/** A tile as readable text: "4 x 5", "8 x 4, depth 16". */
void dg_cl_tile_text(dg_cl_tile tile, char text[DG_CL_TILE_TEXT]);

/** The build options of the products for a device's tiles. */
void dg_cl_tile_options(const dg_cl_device *device, char options[DG_CL_TILE_OPTIONS]);

#endif
