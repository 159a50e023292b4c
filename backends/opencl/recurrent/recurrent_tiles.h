/**
 * Recurrent layers. cl/recurrent/recurrent_tile.cl, or cl/recurrent/recurrent_group.cl, takes tiles
 * of a few samples through all steps in one launch, forward (recurrent_tiles.c) or backward
 * (recurrent_tiles_backward.c). Backward adds up the gradients of the weights on its way, in as
 * many parts as there are work-items, or work-groups; a last launch adds the parts. Directions run
 * one after the other.
 */
#ifndef DG_OPENCL_RECURRENT_TILES_H
#define DG_OPENCL_RECURRENT_TILES_H

#include "backends/opencl/runtime/implementation.h"

/** DG_CL_STEPS is STEPS of cl/recurrent/recurrent_cell.cl, DG_CL_ITEMS that of
    cl/recurrent/recurrent_group.cl. */
enum { DG_CL_UNITS = 16, DG_CL_STEPS = 14, DG_CL_ITEMS = 128 };

/** How forward hands the states and gates of all steps to backward. */
#define DG_CL_SAVED_STATES "states"

/** What both directions start with. */
typedef struct {
  dg_cl_op op;
  bool reset_after, reset_before; /**< of a GRU */
  uint32_t gates, sums;           /**< GATES and SUMS of cl/recurrent/recurrent_cell.cl */
  uint32_t samples;               /**< of a tile */
  uint32_t padded, in_padded;     /**< hidden and in, in whole vectors */
  uint32_t saved_size;            /**< numbers that are saved of a tile at one time */
} dg_cl_recurrent_op;

/** Makes these. */
bool dg_cl_recurrent_prepare(dg_cl_recurrent_op *self, dg_error *err);

/** A kernel for this cell. */
cl_kernel dg_cl_recurrent_kernel(dg_cl_recurrent_op *self, const char *name, dg_error *err);

/** The parameters of a direction, or their gradients; NULL where there is no such bias. */
typedef struct {
  const dg_buffer *w, *u, *b, *c;
} dg_cl_recurrent_params;

dg_cl_recurrent_params dg_cl_recurrent_params_of(const dg_recurrent_desc *desc,
                                                 dg_buffer *const *all, uint32_t direction);

static inline uint32_t dg_cl_recurrent_directions(const dg_recurrent_desc *d) {
  return d->bidirectional ? 2 : 1;
}

/** Tiles of n samples. */
static inline uint32_t dg_cl_recurrent_tiles(const dg_cl_recurrent_op *self, uint32_t n) {
  return (uint32_t)dg_cl_ceil_div(n, self->samples);
}

/** Where a direction's numbers begin in what is saved. */
uint32_t dg_cl_recurrent_saved_first(const dg_cl_recurrent_op *self, uint32_t n,
                                     uint32_t direction);

/** `count` work-items of the tile form, or work-groups of the other. */
dg_cl_range dg_cl_recurrent_range(const dg_cl_recurrent_op *self, uint32_t count);

extern const dg_cl_implementation dg_cl_recurrent_tiles_forward, dg_cl_recurrent_tiles_backward;

#endif
