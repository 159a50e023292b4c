/**
 * Calibration: whether a network's answers are correct as often as their probabilities say. A
 * temperature is a number by which all logits are divided before the softmax. Fitted on samples
 * that the network did not learn from, it changes how sure the answers are, but not the answers.
 */
#ifndef DIGITS_CALIBRATION_H
#define DIGITS_CALIBRATION_H

#include <stddef.h>
#include <stdint.h>

#include "digits/error.h"
#include "digits/export.h"
#include "digits/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Computes the probabilities of the classes for `count` samples, [count, classes], from their
 * logits: softmax(logits / temperature). A temperature of 0 means that there is none.
 * Models trained with the squared, absolute or Huber error estimate probabilities directly. Without
 * a temperature, their negative outputs become 0, and the rest is scaled to a sum of 1. With one,
 * the log odds of their outputs are the logits. Both arrays may be the same.
 */
DG_API void dg_probabilities(const dg_model *model, double temperature, const float *logits,
                             uint32_t count, uint32_t classes, float *probabilities);

#define DG_TEMPERATURE_LEAST 0.001
#define DG_TEMPERATURE_MOST 1000.0

/**
 * Finds the temperature, from DG_TEMPERATURE_LEAST to DG_TEMPERATURE_MOST, by which
 * dg_probabilities gives the smallest mean negative log likelihood of `labels` [count], given
 * `logits` [count, classes]. The samples must not be those that the network learned from. It is an
 * error of the kind DG_ERR_INPUT if they tell no temperature: if there is none, or the largest
 * logit of each is at its label.
 */
DG_API bool dg_temperature_fit(const dg_model *model, const float *logits, const uint8_t *labels,
                               uint32_t count, uint32_t classes, double *temperature,
                               dg_error *err);

enum { DG_CALIBRATION_BINS = 15 };

/** The samples whose most probable class has a probability in a bin's range. */
typedef struct {
  uint32_t count;
  double confidence; /**< mean probability of their most probable classes; 0 if there is none */
  double accuracy;   /**< share of those classes that are correct; 0 if there is none */
} dg_calibration_bin;

/** How sure answers are, and how often they are correct. */
typedef struct {
  /** Expected calibration error: the mean difference of confidence and accuracy in a bin, weighted
      by the bins' counts. */
  double error;
  uint32_t count; /**< samples */
  /** Bin i has the probabilities above i / 15, up to (i + 1) / 15. */
  dg_calibration_bin bins[DG_CALIBRATION_BINS];
} dg_calibration;

/** Compares `probabilities` [count, classes] with `labels` [count]. Fills in `out`, of `size` bytes
    (sizeof(dg_calibration)). */
DG_API void dg_calibration_measure(const float *probabilities, const uint8_t *labels,
                                   uint32_t count, uint32_t classes, dg_calibration *out,
                                   size_t size);

#ifdef __cplusplus
}
#endif

#endif
