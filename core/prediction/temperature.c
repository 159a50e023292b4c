/** Fits a temperature: its inverse b minimizes the mean of log sum exp(b x) - b x[label]. */
#include <math.h>
#include <stdbool.h>

#include "core/base/error.h"
#include "core/base/numbers.h"
#include "core/model/model.h"
#include "core/prediction/log_odds.h"
#include "digits/calibration.h"

enum { MAX_ITERATIONS = 200 };

static const double precision = 1e-12; /* of b, relative */

typedef struct {
  const float *logits;
  const uint8_t *labels;
  uint32_t count, classes;
  bool squared; /**< trained with the squared error */
} samples;

/** The logit of class c for sample i. */
static double logit(const samples *s, uint32_t i, uint32_t c) {
  float x = s->logits[(size_t)i * s->classes + c];
  return (double)(s->squared ? dg_log_odds(x) : x);
}

/** First and second derivative of the mean loss by b. */
typedef struct {
  double slope, curvature;
} derivatives;

static double largest_of(const samples *s, uint32_t i) {
  double largest = logit(s, i, 0);
  for (uint32_t c = 1; c < s->classes; c++) largest = fmax(largest, logit(s, i, c));
  return largest;
}

/** The loss is convex: its slope is the mean logit less the label's, and its curvature the variance
    of the logits, both weighted by the probabilities. */
static derivatives derive(const samples *s, double b) {
  derivatives d = {0};
  for (uint32_t i = 0; i < s->count; i++) {
    double largest = largest_of(s, i), sum = 0, mean = 0, square = 0;
    for (uint32_t c = 0; c < s->classes; c++) {
      double below = logit(s, i, c) - largest, weight = exp(b * below);
      sum += weight;
      mean += weight * below;
      square += weight * below * below;
    }
    mean /= sum;
    d.slope += (mean - (logit(s, i, s->labels[i]) - largest)) / s->count;
    d.curvature += (square / sum - mean * mean) / s->count;
  }
  return d;
}

/** Newton's method on b, kept within bounds that the sign of the slope narrows. */
static double solve(const samples *s) {
  double low = 1 / DG_TEMPERATURE_MOST, high = 1 / DG_TEMPERATURE_LEAST, b = 1;
  for (int i = 0; i < MAX_ITERATIONS; i++) {
    derivatives d = derive(s, b);
    if (d.slope == 0) break;
    if (d.slope > 0)
      high = b;
    else
      low = b;
    double next = b - d.slope / d.curvature;
    if (!(next > low && next < high)) next = sqrt(low * high);
    double change = fabs(next - b);
    b = next;
    if (change <= precision * b) break;
  }
  return b;
}

/** Do some samples have a class that is likelier than their label? Without such a sample, the loss
    only falls as the temperature does. */
static bool has_mistakes(const samples *s) {
  for (uint32_t i = 0; i < s->count; i++)
    if (logit(s, i, s->labels[i]) < largest_of(s, i)) return true;
  return false;
}

static bool check(const samples *s, dg_error *err) {
  size_t numbers = (size_t)s->count * s->classes, at = dg_first_nonfinite(s->logits, numbers);
  if (at < numbers)
    return dg_fail(err, DG_ERR_INPUT,
                   "a temperature needs finite logits, unlike those of sample %zu",
                   at / s->classes);
  for (uint32_t i = 0; i < s->count; i++)
    if (s->labels[i] >= s->classes)
      return dg_fail(err, DG_ERR_INPUT, "sample %u has the label %u of %u classes", i, s->labels[i],
                     s->classes);
  return has_mistakes(s) ||
         dg_fail(err, DG_ERR_INPUT,
                 "%u samples tell no temperature: no class is likelier than their labels",
                 s->count);
}

bool dg_temperature_fit(const dg_model *model, const float *logits, const uint8_t *labels,
                        uint32_t count, uint32_t classes, double *temperature, dg_error *err) {
  const samples s = {logits, labels, count, classes, dg_model_estimates(model)};
  if (!check(&s, err)) return false;
  double b = solve(&s);
  if (b >= (1 - 1e-6) / DG_TEMPERATURE_LEAST)
    return dg_fail(err, DG_ERR_INPUT, "the samples' best temperature is below %g",
                   DG_TEMPERATURE_LEAST);
  *temperature = fmin(1 / b, DG_TEMPERATURE_MOST);
  return true;
}
