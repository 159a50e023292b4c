/** Models: what to learn, read from a text file; and the weights that are found by name. */
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

/** A model that was read and checked. It never changes: any number of threads may use one. */
typedef struct dg_model dg_model;

/** A key of the model file that is overridden. */
typedef struct {
  const char *option; /**< what messages call it: "--epochs" */
  const char *path;   /**< "train.epochs", "data.mean", or "conv1.filters" for the layer conv1 */
  const char *value;  /**< as it would stand in the file; a word may go without quotes */
} dg_override;

/**
 * Reads a model file, checks every key and fills in the defaults. Errors name file, line and
 * remedy. `model` is a path where it has a slash or ends in .cfg, else the name of a model that
 * dg_model_list finds.
 */
DG_API dg_model *dg_model_load(const char *model, const dg_override *overrides, size_t count,
                               dg_error *err);
/** The same from a weight file that dg_trainer_save wrote, which carries its model. */
DG_API dg_model *dg_model_from_weights(const char *path, const dg_override *overrides, size_t count,
                                       dg_error *err);
DG_API void dg_model_free(dg_model *model); /**< NULL is allowed */

/** A model that is found by its name. */
typedef struct {
  char name[64];          /**< of its file, without .cfg */
  char description[1024]; /**< as the file gives it; what is wrong with a file that can't be used */
  uint64_t parameters;    /**< 0 for a file that can't be used */
} dg_model_info;

/**
 * Writes up to `capacity` of the models that are found by name to `out`, elements of `size` bytes
 * (sizeof(dg_model_info)), sorted, and to `count` how many there are. They are the .cfg files in
 * $DIGITS_MODELS if it is set, else in the folder that was installed beside the running program,
 * else in the one that the library was configured for.
 */
DG_API bool dg_model_list(dg_model_info *out, size_t size, size_t capacity, size_t *count,
                          dg_error *err);

enum { DG_PATH_SIZE = 1024 };

/**
 * The model file that a word means, as dg_model_load takes it. Writes `path` [DG_PATH_SIZE]. An
 * unknown name is an error with the nearest right one.
 */
DG_API bool dg_model_find(const char *model, char *path, dg_error *err);

/** The `name` in its file; belongs to the model. */
DG_API const char *dg_model_name(const dg_model *model);
/** The effective model file, overrides included; belongs to the model. */
DG_API const char *dg_model_text(const dg_model *model);
/** Its `loss`: "cross_entropy" or "mse". */
DG_API const char *dg_model_loss(const dg_model *model);

enum { DG_LAYER_INPUTS = 8 };

/** A layer of a model and what it gives for one sample. */
typedef struct {
  const char *name, *type; /**< belong to the model; both are "input" for its input */
  uint32_t inputs;
  uint32_t in[DG_LAYER_INPUTS]; /**< indices in the list, all before this one */
  uint32_t rank, dim[3];        /**< {features}, {steps, features}, {channels, height, width} */
  uint64_t parameters;          /**< numbers that are learned */
} dg_layer_info;

/**
 * Writes the model's input and then its layers, in the file's order, to `out`, up to `capacity` in
 * all, elements of `size` bytes (sizeof(dg_layer_info)), and to `count` how many there are. A layer
 * that doesn't fit the one before it is an error.
 */
DG_API bool dg_model_layers(const dg_model *model, dg_layer_info *out, size_t size, size_t capacity,
                            size_t *count, dg_error *err);

/** What a model file may say about layers: every type with its keys, from the table that checks
    them. Writes up to `size` bytes of text; returns the length of the whole text. */
DG_API size_t dg_layer_help(char *text, size_t size);

/**
 * What a model is on a device: layers, shapes, parameters, operations of one sample and the memory
 * plan. Writes up to `size` bytes of text, and to `length` how long the whole is.
 */
DG_API bool dg_model_describe(const dg_model *model, dg_device *device, char *text, size_t size,
                              size_t *length, dg_error *err);

/* ---- weights by name ---------------------------------------------------- */

/** Weights that are found by their name. */
typedef struct {
  char name[256]; /**< of their file, without .safetensors */
} dg_weights_info;

/**
 * Writes up to `capacity` of the names that dg_weights_find knows to `out`, elements of `size`
 * bytes (sizeof(dg_weights_info)), sorted, and to `count` how many there are. That there is no such
 * folder is an error.
 */
DG_API bool dg_weights_list(dg_weights_info *out, size_t size, size_t capacity, size_t *count,
                            dg_error *err);

/**
 * The weight file that a word means: itself where it has a slash or ends in .safetensors, else that
 * of the name in the folder $DIGITS_WEIGHTS if it is set, else in the one that was installed
 * beside the running program, else in the one that the library was configured for. Writes `path`
 * [DG_PATH_SIZE]. An unknown name is an error with the nearest right one.
 */
DG_API bool dg_weights_find(const char *weights, char *path, dg_error *err);

#ifdef __cplusplus
}
#endif

#endif
