/** The state of a mapping, shared by its steps. */
#ifndef DG_MAPPING_H
#define DG_MAPPING_H

#include "core/exchange/map/names.h"

/** One of our layers with parameters, and the group for it. */
typedef struct {
  const dg_model_node *node;
  bool taken, named; /**< named: taken by name, not by order */
  const char *how;   /**< it was taken, for the caller */
  bool empty;        /**< it has no tensors in the file, and so no group */
  size_t group;      /**< its group; unused for tensors whose names contain no layer */
  dg_source sources[DG_LAYER_PARAMS];
} dg_own_layer;

/** The state of a mapping. */
typedef struct {
  const dg_model_graph *graph;
  const dg_convert_options *options;
  dg_arrays *arrays;
  dg_groups groups;
  bool *used;    /**< for each group */
  size_t *order; /**< the groups in the file's order, or by the numbers in their names */
  uint32_t layer_count;
  dg_own_layer *layers;
  bool misfit; /**< a shape is why it failed */
  dg_error *err;
} dg_mapping;

enum { DG_MAPPING_WHY = 700 }; /**< size of the text why a group doesn't fit */

/** Does group number `group` fit a layer? */
bool dg_mapping_fits(const dg_mapping *m, const dg_own_layer *layer, size_t group);

/** Takes a group for a layer, which it must fit, and whose tensors must have been read; `how` is
    kept for the caller. */
bool dg_mapping_take(dg_mapping *m, dg_own_layer *layer, const dg_group *group, const char *how);

/** Takes group number `g`. */
bool dg_mapping_take_group(dg_mapping *m, dg_own_layer *layer, size_t g, const char *how,
                           bool named);

/** The name of a group without the prefix that all have in common. */
const char *dg_group_name(const dg_mapping *m, size_t g);

/** The name of a layer of ours. */
const char *dg_own_name(const dg_own_layer *layer);

#endif
