/** The names of a model's layers and blocks while it is read: finds and generates names without a
    linear search. */
#ifndef DG_NAMES_H
#define DG_NAMES_H

#include "core/model/model.h"

/** Most parts of a full name, "layer1.0.conv1" has three; slots of the table. */
enum { DG_NAME_PARTS = 8, DG_NAME_SLOTS = 2 * DG_NAME_PARTS * DG_MODEL_LAYERS };

/** A name: of a layer, or of a block, which is what comes before a dot in a layer's name. */
typedef struct {
  uint16_t layer; /**< index + 1 of the layer, or of the last one of the block; 0: a free slot */
  uint8_t length; /**< of the name, which that layer's begins with */
  bool block;
} dg_named;

/** A hash table (open addressing); initially all 0. */
typedef struct {
  dg_named slot[DG_NAME_SLOTS];
} dg_names;

/** Copies a layer's name to `out` [DG_NAME_SIZE]: parts of letters, digits, _ and -, joined by
    dots. False if it is not valid. */
bool dg_names_read(const char *word, char *out);

/** The layer or block of that full name; NULL: none. */
const dg_named *dg_names_find(const dg_names *names, const dg_model *model, const char *name);

/** Adds layer `index` and the blocks that its name tells. False if a layer has the name of a block,
    or its name has more than DG_NAME_PARTS parts. */
bool dg_names_add(dg_names *names, const dg_model *model, uint32_t index);

#endif
