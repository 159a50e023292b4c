#include "core/model/names.h"

#include <stdio.h>
#include <string.h>

#include "core/layers/layers.h"

_Static_assert(DG_MODEL_LAYERS < UINT16_MAX, "a slot holds every layer");

/** FNV-1a, 32 bits. */
static uint32_t hash(const char *name) {
  uint32_t sum = 2166136261u;
  for (; *name; name++) sum = (sum ^ (unsigned char)*name) * 16777619u;
  return sum;
}

/** The slot of a name, or the free slot for it. */
static uint32_t slot_of(const dg_names *names, const dg_model *model, const char *name) {
  uint32_t at = hash(name) % DG_NAME_SLOTS;
  while (names->slot[at] && strcmp(model->layers[names->slot[at] - 1].name, name) != 0)
    at = (at + 1) % DG_NAME_SLOTS;
  return at;
}

int dg_names_find(const dg_names *names, const dg_model *model, const char *name) {
  return names->slot[slot_of(names, model, name)] - 1;
}

void dg_names_add(dg_names *names, const dg_model *model, uint32_t index) {
  names->slot[slot_of(names, model, model->layers[index].name)] = (uint16_t)(index + 1);
}

void dg_names_make(dg_names *names, const dg_model *model, dg_model_layer *layer) {
  uint32_t kind = 0;
  while (dg_layer_classes[kind] != layer->kind && kind + 1 < DG_NAME_KINDS) kind++;
  do snprintf(layer->name, sizeof layer->name, "%s%u", layer->kind->type, ++names->next[kind]);
  while (dg_names_find(names, model, layer->name) >= 0);
}
