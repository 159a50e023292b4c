/** The parameters of a network in a weight file, named and shaped as PyTorch names and shapes them.
 */
#ifndef DG_WEIGHTS_H
#define DG_WEIGHTS_H

#include "core/exec/network.h"
#include "core/weights/safetensors.h"
#include "digits/data.h"

/** The key of the metadata that holds the model file. */
#define DG_MODEL_KEY "digits.model"
/** The key of the metadata that holds the names of the classes, a line each. */
#define DG_CLASSES_KEY "digits.classes"
/** The key of the metadata that holds the version of digits that wrote the file. */
#define DG_VERSION_KEY "digits.version"
/** The key of the metadata that only a checkpoint has. */
#define DG_CHECKPOINT_KEY "digits.running"

/** Writes all parameters, with the effective model file and the names of the classes (NULL: none)
    in the metadata. */
bool dg_weights_save(dg_network *network, const dg_model *model, const dg_classes *classes,
                     const char *path, dg_error *err);

/**
 * Reads all parameters and running statistics; PyTorch's num_batches_tracked is passed over. A file
 * whose tensors are not just the network's, by name and shape, is an error that names the first
 * that differs; the network is then as it was.
 */
bool dg_weights_load(dg_network *network, const char *path, dg_error *err);

/** Numbers in the layout of a network's parameters, stored as `prefix` and the parameter's name. */
typedef struct {
  const char *prefix;
  float *values; /**< [dg_network_floats] */
  bool learned;  /**< only of what is learned: no running statistics */
} dg_weights_array;

/** Writes several arrays as one file; dg_weights_save is the case of one without a prefix. */
bool dg_weights_write(const dg_network *network, const char *path, const dg_weights_array *arrays,
                      uint32_t array_count, const dg_stored_text *texts, size_t text_count,
                      dg_error *err);

/** Fills arrays from a file that holds just them; `path` is named in errors. */
bool dg_weights_take(const dg_network *network, const dg_safetensors *file, const char *path,
                     const dg_weights_array *arrays, uint32_t array_count, dg_error *err);

#endif
