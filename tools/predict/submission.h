/** The answers to a table of images, as Kaggle's digit recognizer takes them. */
#ifndef DG_SUBMISSION_H
#define DG_SUBMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "digits/error.h"

typedef struct {
  uint32_t count, classes;
  const float *logits; /**< [count, classes] */
} submission;

/** Writes the header ImageId,Label and a line for each image, the first of which is 1. The old file
    stays until the new one is whole. */
bool submission_write(const submission *s, const char *path, dg_error *err);

#endif
