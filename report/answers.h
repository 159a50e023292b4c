/** The answers of a network to images, as probabilities. */
#ifndef DG_ANSWERS_H
#define DG_ANSWERS_H

#include <stddef.h>
#include <stdint.h>

#include "digits/error.h"

/** All zero before its first use. */
typedef struct {
  uint32_t count, classes;
  double *probability; /**< [count, classes]; each row sums to 1 */
  uint32_t *guess;     /**< [count], the most probable class */
  uint32_t *mistake;   /**< [mistakes]: misclassified images, the worst first */
  uint32_t mistakes;
} answers;

/**
 * Reads a network's outputs [count, classes] for `count` images with these labels. Outputs trained
 * by cross-entropy become probabilities by softmax; those trained by squared error (`squared`)
 * towards 1 for the label and 0 for the others are clamped to 0..1 and divided by their sum. The
 * worst mistake is the one with the lowest probability of its label.
 */
bool answers_read(answers *a, const float *outputs, const uint8_t *labels, uint32_t count,
                  uint32_t classes, bool squared, dg_error *err);

/** The probability of a class for image i. */
static inline double answers_of(const answers *a, uint32_t i, uint32_t class) {
  return class < a->classes ? a->probability[(size_t)i * a->classes + class] : 0;
}

void answers_free(answers *a);

#endif
