/**
 * Recurrent layers. cl/recurrent/recurrent_tile.cl, or cl/recurrent/recurrent_group.cl, computes
 * all steps of tiles of a few samples in one launch, forward (recurrent_tiles.c) or backward
 * (recurrent_tiles_backward.c). Backward also accumulates the gradients of the weights, in as many
 * parts as there are work-items, or work-groups; a final launch adds the parts. Directions run
 * sequentially.
 */
#ifndef DG_OPENCL_RECURRENT_TILES_H
#define DG_OPENCL_RECURRENT_TILES_H

#include "backends/opencl/runtime/implementation.h"

/** DG_CL_STEPS is STEPS of cl/recurrent/recurrent_cell.cl, DG_CL_ITEMS is ITEMS of
    cl/recurrent/recurrent_group.cl. */
enum { DG_CL_UNITS = 16, DG_CL_STEPS = 14, DG_CL_ITEMS = 128 };

/** What forward saves for backward: the states and gates of all steps. */
#define DG_CL_SAVED_STATES "states"

/** Common part of both directions. */
typedef struct {
  dg_cl_op op;
  bool reset_after, reset_before; /**< of a GRU */
  uint32_t gates, sums;           /**< GATES and SUMS of cl/recurrent/recurrent_cell.cl */
  uint32_t samples;               /**< samples of a tile */
  uint32_t padded, in_padded;     /**< hidden and in, rounded up to whole vectors */
  uint32_t saved_size;            /**< numbers saved per tile and time step */
} dg_cl_recurrent_op;

/** Creates these. */
bool dg_cl_recurrent_prepare(dg_cl_recurrent_op *self, dg_error *err);

/** A kernel for this cell. */
cl_kernel dg_cl_recurrent_kernel(dg_cl_recurrent_op *self, const char *name, dg_error *err);

/** The parameters of a direction, or their gradients; NULL for a bias that doesn't exist. */
typedef struct {
  const dg_buffer *w, *u, *b, *c;
} dg_cl_recurrent_params;

dg_cl_recurrent_params dg_cl_recurrent_params_of(const dg_recurrent_desc *desc,
                                                 dg_buffer *const *all, uint32_t direction);

static inline uint32_t dg_cl_recurrent_directions(const dg_recurrent_desc *d) {
  return d->bidirectional ? 2 : 1;
}

/** Number of tiles of n samples. */
static inline uint32_t dg_cl_recurrent_tiles(const dg_cl_recurrent_op *self, uint32_t n) {
  return (uint32_t)dg_cl_ceil_div(n, self->samples);
}

/** The offset of a direction's numbers in what is saved. */
uint32_t dg_cl_recurrent_saved_first(const dg_cl_recurrent_op *self, uint32_t n,
                                     uint32_t direction);

/** A range of `count` work-items of the tile form, or work-groups of the other. */
dg_cl_range dg_cl_recurrent_range(const dg_cl_recurrent_op *self, uint32_t count);

extern const dg_cl_implementation dg_cl_recurrent_tiles_forward, dg_cl_recurrent_tiles_backward;

#endif
