/** The steps of a mapping, a file each; map.c takes them one after the other. */
#ifndef DG_MAP_STEPS_H
#define DG_MAP_STEPS_H

#include "core/exchange/map/mapping.h"

/** by_order.c: tensors without layers in their names are dealt out to the layers that are left, in
 * order. */
bool dg_map_loose(dg_mapping *m);

/** by_shape.c: takes, for each layer that is left, the first of the groups that fit it, if that is
 * no guess. */
bool dg_map_by_shape(dg_mapping *m);

/**
 * fill.c: copies what was mapped, in the network's order, all parameters, then all running
 * statistics: numbers that are not finite, and variances below 0, are errors.
 */
bool dg_map_fill(const dg_mapping *m, dg_arrays *ours);

#endif
