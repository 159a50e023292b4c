/** Answers to a table of images in the format of Kaggle's digit recognizer. */
#ifndef DG_SUBMISSION_H
#define DG_SUBMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "digits/error.h"

typedef struct {
  uint32_t count, classes;
  const float *logits; /**< [count, classes] */
} submission;

/** Writes the header ImageId,Label and a line for each image; ids start at 1. An old file is
    replaced only when the new one is complete. */
bool submission_write(const submission *s, const char *path, dg_error *err);

#endif
