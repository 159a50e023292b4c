/**
 * Blocks: groups of layers in a model's list of layers, written once and repeated.
 *
 *   { name = "layer1"; repeat = 3; layers = ( { type = "conv2d"; name = "conv1"; ... }, ... ); }
 *
 * The full names of the layers begin with the name of their copy: layer1.0.conv1, layer1.1.conv1.
 */
#ifndef DG_BLOCK_H
#define DG_BLOCK_H

#include <libconfig.h>

#include "core/model/keys.h"

/** How deep blocks may lie within each other; largest number of a copy. */
enum { DG_BLOCK_DEPTH = 4, DG_BLOCK_NUMBER = 99999 };

/** A block; its strings and settings belong to the tree that it was read from. */
typedef struct {
  const char *name;               /**< as written; NULL: none */
  bool numbered;                  /**< the copies have numbers: there is the key `repeat` */
  uint32_t repeat, first;         /**< copies, and the number of the first of them */
  const config_setting_t *input;  /**< the name of what goes in; NULL: the layer before */
  const config_setting_t *layers; /**< a list that is not empty */
} dg_block;

/** Is an element of a list of layers a block? It has the key `layers` or `repeat`. */
bool dg_block_is(const config_setting_t *group);

/** Reads a block and checks its keys, but neither its layers nor its input. */
bool dg_block_read(const config_setting_t *group, dg_block *block, dg_error *err);

/**
 * Writes the name of copy number `copy`, from 0, to `out` [DG_NAME_SIZE]. A '#' in the block's name
 * stands for the number; else it follows after a dot. False: it is no name, or too long.
 */
bool dg_block_name(const dg_block *block, uint32_t copy, char *out);

/** If `path` begins with the name of a copy and a dot, gives the copy and what follows. */
bool dg_block_match(const dg_block *block, const char *path, uint32_t *copy, const char **rest);

#endif
