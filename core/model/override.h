/** Overrides: sets keys of a model file by their path. */
#ifndef DG_OVERRIDE_H
#define DG_OVERRIDE_H

#include <libconfig.h>

#include "digits/model.h"

/** Longest part of a path, and longest name of a layer in one. */
enum { DG_OVERRIDE_PART = 63 };

/**
 * Sets the key that the override's path names, or adds it. A layer in a block is named by its full
 * name, "layer1.0.conv1"; without the number, the key is set in all copies. For a single copy, its
 * block is replaced by a block for each copy.
 */
bool dg_source_override(config_t *config, const dg_override *override, dg_error *err);

#endif
