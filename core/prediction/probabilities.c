/** Probabilities from logits. */
#include <math.h>

#include "core/model/model.h"
#include "core/prediction/log_odds.h"
#include "digits/calibration.h"

/** Log odds of the numbers, for a softmax with temperature. */
static void log_odds(const float *x, uint32_t count, float *out) {
  for (uint32_t i = 0; i < count; i++) out[i] = dg_log_odds(x[i]);
}

/** The softmax of x / temperature. */
static void softmax(const float *x, float temperature, uint32_t count, float *out) {
  float largest = x[0], sum = 0;
  for (uint32_t i = 1; i < count; i++) largest = fmaxf(largest, x[i]);
  for (uint32_t i = 0; i < count; i++) sum += out[i] = expf((x[i] - largest) / temperature);
  for (uint32_t i = 0; i < count; i++) out[i] /= sum;
}

/** The positive part of the numbers, scaled to a sum of 1; if all are 0, they become equal. */
static void positive_part(const float *x, uint32_t count, float *out) {
  float sum = 0;
  for (uint32_t i = 0; i < count; i++) sum += out[i] = fmaxf(x[i], 0);
  if (isinf(sum)) { /* numbers around 1e38 */
    sum = 0;
    for (uint32_t i = 0; i < count; i++) sum += out[i] /= (float)count;
  }
  for (uint32_t i = 0; i < count; i++) out[i] = sum > 0 ? out[i] / sum : 1.0f / (float)count;
}

void dg_probabilities(const dg_model *model, double temperature, const float *logits,
                      uint32_t count, uint32_t classes, float *probabilities) {
  bool squared = dg_model_estimates(model), tempered = temperature != 0;
  float divisor = tempered ? (float)temperature : 1;
  for (uint32_t i = 0; i < count; i++, logits += classes, probabilities += classes) {
    if (squared && tempered) log_odds(logits, classes, probabilities);
    if (squared && !tempered)
      positive_part(logits, classes, probabilities);
    else
      softmax(squared ? probabilities : logits, divisor, classes, probabilities);
  }
}
