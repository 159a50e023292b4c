/** The options of all programs that say how data are read. */
#ifndef DG_READING_H
#define DG_READING_H

#include <getopt.h>

#include "digits/data.h"

/** What was given. */
typedef struct {
  const char *label, *targets, *missing, *arrays; /**< NULL: not given */
  bool decimal_comma, transpose;
} reading;

/** For getopt_long, in the table of a program. */
enum {
  READING_LABEL = 4096,
  READING_TARGETS,
  READING_MISSING,
  READING_ARRAYS,
  READING_COMMA,
  READING_TRANSPOSE
};
#define READING_OPTIONS                                                                            \
  {"label", required_argument, NULL, READING_LABEL},                                               \
      {"targets", required_argument, NULL, READING_TARGETS},                                       \
      {"missing", required_argument, NULL, READING_MISSING},                                       \
      {"arrays", required_argument, NULL, READING_ARRAYS},                                         \
      {"decimal-comma", no_argument, NULL, READING_COMMA}, {                                       \
    "transpose", no_argument, NULL, READING_TRANSPOSE                                              \
  }

/** Takes an option, if it is one of these. */
bool reading_take(reading *r, int which, const char *value);

/** Their names for command_end. */
#define READING_REMEDIES "label missing decimal-comma"

/** Puts them, and the shape of the model's input (NULL: any), into the options of a set. */
bool reading_fill(const reading *r, const dg_model *model, dg_dataset_options *options,
                  dg_error *err);

#endif
