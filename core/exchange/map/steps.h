/** The steps of a mapping, one per file; map.c runs them one after the other. */
#ifndef DG_MAP_STEPS_H
#define DG_MAP_STEPS_H

#include "core/exchange/map/mapping.h"

/** by_order.c: assigns tensors without layers in their names to the remaining layers, in order. */
bool dg_map_loose(dg_mapping *m);

/** by_shape.c: takes for each remaining layer the first group that fits, if the choice is
    unambiguous. */
bool dg_map_by_shape(dg_mapping *m);

/**
 * fill.c: copies the mapped tensors in the network's order: all parameters, then all running
 * statistics. Numbers that are not finite and negative variances are errors.
 */
bool dg_map_fill(const dg_mapping *m, dg_arrays *ours);

#endif
