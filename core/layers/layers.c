#include "core/layers/layers.h"

#include <stddef.h>
#include <string.h>

#define DG_LAYER(name) extern const dg_layer_class dg_layer_##name;
#include "core/layers/list.h"

const dg_layer_class *const dg_layer_classes[] = {
#define DG_LAYER(name) &dg_layer_##name,
#include "core/layers/list.h"
    NULL,
};

const dg_layer_class *dg_layer_find(const char *type) {
  for (size_t i = 0; dg_layer_classes[i]; i++)
    if (strcmp(dg_layer_classes[i]->type, type) == 0) return dg_layer_classes[i];
  return NULL;
}
