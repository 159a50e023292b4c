/** A mapping on its way: what its steps share. */
#ifndef DG_MAPPING_H
#define DG_MAPPING_H

#include "core/exchange/map/names.h"

/** One of our layers with parameters, and what makes it. */
typedef struct {
  const dg_model_node *node;
  bool taken, named; /**< named: by its name, not by an order */
  size_t group;      /**< that it was made of; of no meaning with tensors whose names tell none */
  dg_source sources[DG_LAYER_PARAMS];
} dg_own_layer;

/** A mapping on its way. */
typedef struct {
  const dg_model_graph *graph;
  const dg_convert_options *options;
  dg_arrays *arrays;
  dg_groups groups;
  bool *used;    /**< of each group */
  size_t *order; /**< the groups as the file has them, or by the numbers in their names */
  uint32_t layer_count;
  dg_own_layer *layers;
  dg_error *err;
} dg_mapping;

enum { DG_MAPPING_WHY = 700 }; /**< bytes for why a group doesn't fit */

/** Does group number `group` fit a layer? */
bool dg_mapping_fits(const dg_mapping *m, const dg_own_layer *layer, size_t group);

/** Takes a group for a layer, which it must fit; `how` is what the caller is told. */
bool dg_mapping_take(dg_mapping *m, dg_own_layer *layer, const dg_group *group, const char *how);

/** Takes group number `g`. */
bool dg_mapping_take_group(dg_mapping *m, dg_own_layer *layer, size_t g, const char *how,
                           bool named);

/** What a group is called, without what all are called. */
const char *dg_group_name(const dg_mapping *m, size_t g);

/** What a layer of ours is called. */
const char *dg_own_name(const dg_own_layer *layer);

#endif
