/** The command line of digits-infer. */
#ifndef DG_INFER_OPTIONS_H
#define DG_INFER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/common/reading.h"

typedef enum { INFER_RUN, INFER_HELP, INFER_VERSION } infer_task;

/** What is written of each sample. */
typedef enum {
  INFER_DEFAULT, /**< logits or values, whichever the network gives */
  INFER_LOGITS,
  INFER_PROBABILITIES,
  INFER_CLASSES,
  INFER_VALUES,
} infer_output;

typedef enum { INFER_JSON_LINES, INFER_NPY, INFER_CSV } infer_format;

/** Which samples of a data set. */
typedef enum { INFER_TEST, INFER_TRAIN, INFER_ALL } infer_part;

typedef struct {
  infer_task task;
  const char *weights;
  const char *model; /**< NULL: the one in the weights */
  const char *in;    /**< "-": standard input */
  const char *out;   /**< NULL: standard output */
  infer_output output;
  infer_format format;
  infer_part part;
  bool part_given;
  const char *classes; /**< file with their names; NULL: those in the weights */
  const char *backend, *device;
  uint32_t threads, batch;
  reading reading;
} infer_options;

/** Reads the command line; strings point into argv. */
bool infer_options_read(infer_options *out, int argc, char **argv, dg_error *err);

extern const char infer_options_help[];

#endif
