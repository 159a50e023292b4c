/**
 * The tiles of gemm: what a work-item of its variants "outer", "inner" and "taps" sums at a time.
 * They are build options of the kernels, so each device can have its own: those of the default, or
 * those that were fastest when it was tuned (tune.h), which are kept in the cache. No tile changes
 * a sum: each is taken in the same order, and comes to the same bits. What else is chosen by
 * measuring, whether large linear layers go to CLBlast, does change it, so the device's info says
 * it.
 *
 * Tile form: `rows` x `columns` vectors of 16; "inner" holds rows of y x rows of x (in fours), each
 * a vector of partial sums. There is no depth (0). Group form: each of 16 x 16 work-items sums
 * `rows` x `columns`, 16 apart, and `depth` terms of each sum lie in local memory; it has no
 * "taps".
 */
#ifndef DG_OPENCL_TILES_H
#define DG_OPENCL_TILES_H

#include "backends/opencl/runtime/device.h"

enum { DG_CL_TILE_TEXT = 32, DG_CL_TILE_OPTIONS = 128 };

/** The variant of gemm that a tile is of: "outer", "inner" or "taps". */
const char *dg_cl_tiled_name(dg_cl_tiled which);

/** The tiles that a kernel may have on a device, the default first, and how many these are; none
    where its form lacks the kernel. */
const dg_cl_tile *dg_cl_tile_choices(const dg_cl_device *device, dg_cl_tiled which, size_t *count);

/** Are these the same? */
bool dg_cl_tile_is(dg_cl_tile a, dg_cl_tile b);

/** A tile for people: "4 x 5", "8 x 4, depth 16". */
void dg_cl_tile_text(dg_cl_tile tile, char text[DG_CL_TILE_TEXT]);

/** The build options of the products with a device's tiles. */
void dg_cl_tile_options(const dg_cl_device *device, char options[DG_CL_TILE_OPTIONS]);

#endif
