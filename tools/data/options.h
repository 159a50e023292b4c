/** The command line of digits-data. */
#ifndef DG_DATA_OPTIONS_H
#define DG_DATA_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "digits/data.h"
#include "tools/common/reading.h"

typedef enum { DATA_HELP, DATA_VERSION, DATA_STATS, DATA_WRITE, DATA_SHEET } data_task;

enum { DATA_ALL_CLASSES = 256 };

typedef struct {
  data_task task;
  const char *data; /**< path, or "builtin" */
  reading reading;
  uint32_t rank, dim[3]; /**< of samples, as the input of a model; rank 0: as the set has them */
  const char *classes;   /**< file with their names; NULL: from the data */
  const char *augment; /**< sheet: model whose recipe augments the images; NULL: no augmentation */
  const char *target;  /**< folder of `write`, file of `sheet` */
  bool draw;           /**< draw a set with the next three values instead of the built-in one */
  uint32_t seed;       /**< of the drawn set; with augment, of the augmentation */
  uint32_t train, test;
  uint32_t threads;
  uint32_t skip_bad; /**< unreadable pictures that may be left out */
  bool gzip;
  dg_part part;
  uint32_t class; /**< or DATA_ALL_CLASSES */
  uint32_t from, count, columns, scale;
} data_options;

/** Reads the command line; strings point into argv. */
bool data_options_read(data_options *out, int argc, char **argv, dg_error *err);

extern const char data_options_help[];

#endif
