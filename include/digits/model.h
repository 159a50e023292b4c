/** Models, which are read from text files, and weights that are found by name. */
#ifndef DIGITS_MODEL_H
#define DIGITS_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "digits/device.h"
#include "digits/error.h"
#include "digits/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A model: network and training recipe, read and checked. It is immutable: any number of threads
    may use one. */
typedef struct dg_model dg_model;

/** A new value for a key of the model file. */
typedef struct {
  const char *option; /**< its name in messages: "--epochs" */
  const char *path;   /**< "train.epochs", "data.mean", or "conv1.filters" for the layer conv1 */
  const char *value;  /**< as in the file; a word needs no quotes */
} dg_override;

/**
 * Reads a model file, checks every key and fills in the defaults. Errors name file, line and
 * remedy. `model` is a path if it has a slash or ends in .cfg, else the name of a model that
 * dg_model_list finds.
 */
DG_API dg_model *dg_model_load(const char *model, const dg_override *overrides, size_t count,
                               dg_error *err);
/** The same for the model in a weight file that dg_trainer_save wrote. */
DG_API dg_model *dg_model_from_weights(const char *path, const dg_override *overrides, size_t count,
                                       dg_error *err);
DG_API void dg_model_free(dg_model *model); /**< NULL is allowed */

/** A model that can be loaded by name. */
typedef struct {
  char name[64];          /**< file name without .cfg */
  char description[1024]; /**< from the file; for an invalid file, what is wrong with it */
  uint64_t parameters;    /**< 0 for an invalid file */
} dg_model_info;

/**
 * Writes up to `capacity` models that can be loaded by name to `out`, elements of `size` bytes
 * (sizeof(dg_model_info)), sorted, and their total number to `count`. They are the .cfg files in
 * $DIGITS_MODELS if it is set, else in the folder installed beside the running program, else in the
 * folder that the library was configured with.
 */
DG_API bool dg_model_list(dg_model_info *out, size_t size, size_t capacity, size_t *count,
                          dg_error *err);

enum { DG_PATH_SIZE = 1024 };

/**
 * Finds the model file for a path or name as dg_model_load does. Writes `path` [DG_PATH_SIZE]. An
 * unknown name is an error that suggests the nearest known one.
 */
DG_API bool dg_model_find(const char *model, char *path, dg_error *err);

/** The `name` in the model file. The string belongs to the model. */
DG_API const char *dg_model_name(const dg_model *model);
/** The effective model file, overrides included. The string belongs to the model. */
DG_API const char *dg_model_text(const dg_model *model);
/** Its `loss`: "cross_entropy" or "mse". */
DG_API const char *dg_model_loss(const dg_model *model);
/** Does it learn its input (`target = "input"`)? */
DG_API bool dg_model_learns_input(const dg_model *model);

/** The shape of its `input`: writes `dim` [3], returns how many there are. */
DG_API uint32_t dg_model_input(const dg_model *model, uint32_t dim[3]);

enum { DG_LAYER_INPUTS = 32 };

/** A layer of a model and its output shape for one sample. */
typedef struct {
  const char *name, *type; /**< belong to the model; both are "input" for the model's input */
  uint32_t inputs;
  uint32_t in[DG_LAYER_INPUTS]; /**< indices in the list, all smaller than this one's */
  uint32_t rank, dim[3];        /**< {features}, {steps, features}, {channels, height, width} */
  uint64_t parameters;          /**< learned numbers */
} dg_layer_info;

/**
 * Writes the model's input and then its layers, in the file's order, to `out`, at most `capacity`
 * elements of `size` bytes (sizeof(dg_layer_info)), and their total number to `count`. A layer that
 * doesn't fit the one before it is an error.
 */
DG_API bool dg_model_layers(const dg_model *model, dg_layer_info *out, size_t size, size_t capacity,
                            size_t *count, dg_error *err);

/** Help on the layers of model files: every type with its keys, from the tables that check them.
    Writes up to `size` bytes of text; returns the length of the whole text. */
DG_API size_t dg_layer_help(char *text, size_t size);

/**
 * Describes a model on a device: layers, shapes, parameters, operations per sample and the memory
 * plan. Writes up to `size` bytes of text, and the length of the whole text to `length`.
 */
DG_API bool dg_model_describe(const dg_model *model, dg_device *device, char *text, size_t size,
                              size_t *length, dg_error *err);

/* ---- weights by name ---------------------------------------------------- */

/** Weights that can be found by name. */
typedef struct {
  char name[256]; /**< file name without .safetensors */
} dg_weights_info;

/**
 * Writes up to `capacity` of the names that dg_weights_find knows to `out`, elements of `size`
 * bytes (sizeof(dg_weights_info)), sorted, and their total number to `count`. A missing folder is
 * an error.
 */
DG_API bool dg_weights_list(dg_weights_info *out, size_t size, size_t capacity, size_t *count,
                            dg_error *err);

/**
 * Finds a weight file. `weights` is a path if it has a slash or ends in .safetensors, else the name
 * of a file in the folder $DIGITS_WEIGHTS if it is set, else in the folder installed beside the
 * running program, else in the folder that the library was configured with. Writes `path`
 * [DG_PATH_SIZE]. An unknown name is an error that suggests the nearest known one.
 */
DG_API bool dg_weights_find(const char *weights, char *path, dg_error *err);

#ifdef __cplusplus
}
#endif

#endif
