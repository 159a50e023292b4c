/** The command line of digits-convert. */
#ifndef DG_CONVERT_OPTIONS_H
#define DG_CONVERT_OPTIONS_H

#include <stdbool.h>

#include "digits/exchange.h"

typedef enum { CONVERT_FILE, CONVERT_HELP, CONVERT_VERSION } convert_task;

enum { MAX_NAMES = 256, MAX_SETS = 64 };

typedef struct {
  convert_task task;
  const char *input, *output;
  const char *model; /**< NULL: the one in the input */
  bool quiet;
  dg_convert_options how; /**< its names point to `names` */
  dg_name_pair names[MAX_NAMES];
  size_t set_count;
  dg_override sets[MAX_SETS]; /**< for the model */
} convert_options;

/** Reads the command line; strings point into argv (whose --map values are split in place). */
bool convert_options_read(convert_options *out, int argc, char **argv, dg_error *err);

extern const char convert_options_help[];

#endif
