/** Saves and loads the parameters of a network, with PyTorch's names and shapes. */
#ifndef DG_WEIGHTS_H
#define DG_WEIGHTS_H

#include "core/exec/network.h"
#include "core/weights/safetensors.h"
#include "digits/data.h"

/** Metadata key of the model file. */
#define DG_MODEL_KEY "digits.model"
/** Metadata key of the names of the classes, one per line. */
#define DG_CLASSES_KEY "digits.classes"
/** Metadata key of the columns of the table that was learned (core/data/columns.h). */
#define DG_COLUMNS_KEY "digits.columns"
/** Metadata key of the version of digits that wrote the file. */
#define DG_VERSION_KEY "digits.version"
/** Metadata key that only a checkpoint has. */
#define DG_CHECKPOINT_KEY "digits.running"

/** What a weight file carries beside the parameters. */
typedef struct {
  const dg_model *model;
  const char *classes; /**< names, one a line; NULL: none */
  const char *columns; /**< of a table, as text; NULL: none */
  double temperature;  /**< 0: none */
} dg_weights_about;

/** The metadata of a weight file. */
typedef struct {
  dg_stored_text items[5];
  size_t count;
  char *temperature; /**< owned by the caller, also after a failure */
} dg_weights_texts;

/** Lists the metadata, with the effective model file and the version of digits. They refer to
    `about`. */
bool dg_weights_describe(dg_weights_texts *texts, const dg_weights_about *about, dg_error *err);

/** Writes all parameters with these metadata. */
bool dg_weights_save(dg_network *network, const dg_weights_about *about, const char *path,
                     dg_error *err);

/**
 * Reads all parameters and running statistics, and the temperature (0: none); PyTorch's
 * num_batches_tracked is skipped. The tensors must be exactly the network's by name and shape; else
 * an error names the first that differs, and the network is unchanged.
 */
bool dg_weights_load(dg_network *network, const char *path, double *temperature, dg_error *err);

/** An array with the layout of a network's parameters, stored under `prefix` and the parameter's
    name. */
typedef struct {
  const char *prefix;
  float *values; /**< [dg_network_floats] */
  bool learned;  /**< without running statistics */
} dg_weights_array;

/** Writes several arrays to one file; dg_weights_save writes one without a prefix. */
bool dg_weights_write(const dg_network *network, const char *path, const dg_weights_array *arrays,
                      uint32_t array_count, const dg_stored_text *texts, size_t text_count,
                      dg_error *err);

/** Fills arrays from a file that has exactly these; errors name `path`. */
bool dg_weights_take(const dg_network *network, const dg_safetensors *file, const char *path,
                     const dg_weights_array *arrays, uint32_t array_count, dg_error *err);

#endif
