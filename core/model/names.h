/** The names of a model's layers while it is read: finds and generates names without a linear
    search. */
#ifndef DG_NAMES_H
#define DG_NAMES_H

#include "core/model/model.h"

enum { DG_NAME_SLOTS = 4 * DG_MODEL_LAYERS, DG_NAME_KINDS = 64 };

/** A hash table (open addressing) of the layers that have a name; initially all 0. */
typedef struct {
  uint16_t slot[DG_NAME_SLOTS]; /**< index of a layer + 1; 0: none */
  uint32_t next[DG_NAME_KINDS]; /**< for each kind, in the order of dg_layer_classes: the next
                                   number to try, less 1 */
} dg_names;

/** Index of the layer of that name, or -1. */
int dg_names_find(const dg_names *names, const dg_model *model, const char *name);

/** Adds layer `index`, whose name must be new. */
void dg_names_add(dg_names *names, const dg_model *model, uint32_t index);

/** Names a layer by its kind and the first free number. */
void dg_names_make(dg_names *names, const dg_model *model, dg_model_layer *layer);

#endif
