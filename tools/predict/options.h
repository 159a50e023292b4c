/** The command line of digits-predict. */
#ifndef DG_PREDICT_OPTIONS_H
#define DG_PREDICT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "digits/error.h"

typedef enum { PREDICT_PICTURES, PREDICT_HELP, PREDICT_VERSION } predict_task;

typedef struct {
  predict_task task;
  const char *weights;
  const char *model; /**< NULL: the one in the weights */
  char **pictures;   /**< "-": standard input */
  uint32_t picture_count;
  const char *classes; /**< file with their names; NULL: those in the weights */
  const char *backend, *device;
  const char
      *submission;  /**< file for the answers to a table, which is the only picture; or NULL */
  const char *show; /**< file of the sheet; NULL: none */
  uint32_t threads;
  uint32_t top;           /**< number of classes to print for each digit */
  double min_probability; /**< digits whose best class is below it are shown as unsure */
  bool json;
} predict_options;

/** Reads the command line; strings point into argv. */
bool predict_options_read(predict_options *out, int argc, char **argv, dg_error *err);

extern const char predict_options_help[];

#endif
