/** Outputs that were trained with the squared error, as logits. */
#ifndef DG_LOG_ODDS_H
#define DG_LOG_ODDS_H

#include <math.h>

/**
 * The log odds of an output that estimates a probability. Below 0.01 and above 0.99, where an
 * estimate tells little, it goes on with the slope 1, so that larger outputs stay larger.
 */
static inline float dg_log_odds(float output) {
  float estimate = fminf(fmaxf(output, 0.01F), 0.99F);
  return logf(estimate / (1 - estimate)) + (output - estimate);
}

#endif
