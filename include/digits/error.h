/**
 * Errors as values: every function that can fail takes a `dg_error *` as its last argument (NULL is
 * allowed). On failure it returns false or NULL and fills in the error. The library never prints,
 * exits or asserts on input.
 */
#ifndef DIGITS_ERROR_H
#define DIGITS_ERROR_H

#include <stdbool.h>

/** The kind of failure. The programs derive their exit status from it. */
typedef enum {
  DG_OK = 0,
  DG_ERR_INPUT,       /**< wrong usage or wrong input: exit status 2 */
  DG_ERR_RUNTIME,     /**< a failure at run time (device, disk, numbers): exit status 1 */
  DG_ERR_MEMORY,      /**< too little memory on the host or the device: exit status 1 */
  DG_ERR_UNSUPPORTED, /**< this backend or device can't do that: exit status 1 */
  DG_ERR_INTERRUPTED, /**< stopped by the caller: exit status 130 */
} dg_error_kind;

/** What would fix the problem. A program can name its own option or setting for it. */
typedef enum {
  DG_REMEDY_NONE = 0,      /**< nothing beyond the message */
  DG_REMEDY_BATCH,         /**< fewer samples at a time: `train.batch`, or the predictor's batch */
  DG_REMEDY_LEARNING_RATE, /**< a smaller `train.optimizer.lr` */
  DG_REMEDY_BACKEND,       /**< another backend, such as "cpu" */
  DG_REMEDY_DEVICE,        /**< another device */
  DG_REMEDY_THREADS,       /**< leave out the number of threads */
  DG_REMEDY_MODEL_KEY,     /**< another value of the model's key that the message names */
  DG_REMEDY_MODEL,         /**< give a model in addition to the file */
  DG_REMEDY_DATA,          /**< other data */
  DG_REMEDY_RESUME,        /**< the file is a checkpoint: resume from it */
  DG_REMEDY_WEIGHTS,       /**< the file holds weights: load it */
  DG_REMEDY_NAMES,         /**< dg_convert_options.names: which tensor is which */
  DG_REMEDY_LAYOUT,        /**< dg_convert_options.layout */
  DG_REMEDY_KEY,           /**< dg_convert_options.key: which of the weights in a file */
  DG_REMEDY_SKIP,          /**< dg_dataset_options.skip_bad */
  DG_REMEDY_FORMAT,        /**< dg_convert_options.from or .to */
  DG_REMEDY_COLUMN,        /**< dg_dataset_options.label or .targets */
  DG_REMEDY_MISSING,       /**< dg_dataset_options.missing */
  DG_REMEDY_COMMA,         /**< dg_dataset_options.decimal_comma */
  DG_REMEDY_DATA_MEMORY,   /**< more dg_trainer_options.data_memory */
} dg_remedy;

/** An error value. The caller owns it; set it to zero before its first use. */
typedef struct {
  dg_error_kind kind;
  char message[1024]; /**< what happened, one sentence in UTF-8; names from outside are escaped so
                         that a terminal can show them */
  dg_remedy remedy;
} dg_error;

/** Called with something that a user should know and that is no error: one sentence, like an
   error's message. */
typedef void dg_note(void *user, const char *message);

#endif
