/** The command line of digits-run. */
#ifndef DG_OPTIONS_H
#define DG_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "digits/model.h"
#include "tools/common/piped.h"
#include "tools/common/reading.h"

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
  reading reading;
  const char *classes; /**< file with their names; NULL: from the data */
  const char *log;
  const char *report;
  const char *save, *load, *resume;
  char installed[DG_PATH_SIZE];                       /**< weights found by the model's name */
  char model_pipe[PIPED_PATH], load_pipe[PIPED_PATH]; /**< what is read in place of FIFOs */
  uint32_t seed, threads, runs;
  uint64_t data_memory; /**< bytes for samples on the device; 0: not given */
  uint32_t save_every;  /**< steps; 0: only after epochs */
  uint32_t skip_bad;    /**< unreadable pictures that may be left out */
  const char *words;    /**< the command line as given, without the program */
  bool quiet, test;     /**< test: no training */
  bool calibrate;       /**< test with a temperature that is fitted first */
  bool data_named;      /**< --data was given, not taken from elsewhere */
  dg_override overrides[MAX_OVERRIDES];
  uint32_t override_count;
} options;

/** Reads the command line; strings point into argv (whose --set values are split in place). */
bool options_read(options *out, int argc, char **argv, dg_error *err);

/** Adds an override; the strings must outlive the options. */
bool options_override(options *o, dg_override override, dg_error *err);

extern const char options_help[];

#endif
