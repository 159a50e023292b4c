/** All kinds of layers, from list.h. */
#ifndef DG_LAYERS_H
#define DG_LAYERS_H

#include "core/layers/layer.h"

/** Every kind of layer, ended by NULL. */
extern const dg_layer_class *const dg_layer_classes[];

/** The kind of that name, or NULL. */
const dg_layer_class *dg_layer_find(const char *type);

#endif
