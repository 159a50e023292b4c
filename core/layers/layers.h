/** All kinds of layers, from list.h. */
#ifndef DG_LAYERS_H
#define DG_LAYERS_H

#include "core/layers/layer.h"

/** Every kind of layer, in the order of list.h, and how many there are. */
enum {
#define DG_LAYER(name) DG_LAYER_INDEX_##name,
#include "core/layers/list.h"
  DG_LAYER_KINDS
};

/** Every kind of layer [DG_LAYER_KINDS], ended by NULL. */
extern const dg_layer_class *const dg_layer_classes[];

/** The kind of that name, or NULL. */
const dg_layer_class *dg_layer_find(const char *type);

#endif
