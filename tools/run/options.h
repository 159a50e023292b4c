/** The command line of digits-run. */
#ifndef DG_OPTIONS_H
#define DG_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "digits/model.h"
#include "tools/common/piped.h"

enum { MAX_OVERRIDES = 64 };

/** What the user asked for besides training. */
typedef enum {
  DO_TRAIN,
  DO_HELP,
  DO_HELP_LAYERS,
  DO_VERSION,
  DO_LIST_DEVICES,
  DO_LIST_MODELS,
  DO_DESCRIBE
} task;

typedef struct {
  task task;
  const char *model;
  const char *backend, *device;
  const char *data, *test_data; /**< NULL: not given */
  const char *classes;          /**< file with their names; NULL: from the data */
  const char *log;
  const char *report;
  const char *save, *load, *resume;
  char installed[DG_PATH_SIZE];                       /**< weights found by the model's name */
  char model_pipe[PIPED_PATH], load_pipe[PIPED_PATH]; /**< what is read in place of FIFOs */
  uint32_t seed, threads, runs;
  const char *words; /**< the command line as given, without the program */
  bool quiet, test;  /**< test: no training */
  bool data_named;   /**< --data was given, not taken from elsewhere */
  dg_override overrides[MAX_OVERRIDES];
  uint32_t override_count;
} options;

/** Reads the command line; strings point into argv (whose --set values are split in place). */
bool options_read(options *out, int argc, char **argv, dg_error *err);

extern const char options_help[];

#endif
