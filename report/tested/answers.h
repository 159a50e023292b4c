/** The answers of a network to images, as probabilities. */
#ifndef DG_ANSWERS_H
#define DG_ANSWERS_H

#include <stddef.h>
#include <stdint.h>

#include "report/report.h"

/** All zero before its first use. */
typedef struct {
  uint32_t count, classes;
  float *probability; /**< [count, classes]; each row sums to 1 */
  uint32_t *guess;    /**< [count], the most probable class */
  uint32_t *mistake;  /**< [mistakes]: misclassified images, the worst first */
  uint32_t mistakes;
} answers;

/**
 * Reads a network's outputs [count, classes] for the first `count` images of a report's test. Their
 * probabilities are those of its temperature. The worst mistake is the one with the lowest
 * probability of its label.
 */
bool answers_read(answers *a, const report_contents *contents, const float *outputs, uint32_t count,
                  dg_error *err);

/** The probability of a class for image i. */
static inline double answers_of(const answers *a, uint32_t i, uint32_t class) {
  return class < a->classes ? (double)a->probability[(size_t)i * a->classes + class] : 0;
}

void answers_free(answers *a);

#endif
