/** Builds and runs whatever model there is, as far as it is small enough. */
#ifndef DG_TESTS_FUZZ_RUN_MODEL_H
#define DG_TESTS_FUZZ_RUN_MODEL_H

#include "backends/backend.h"

/** What a model may take, lest it takes long. */
typedef struct {
  double numbers; /**< of a batch in all layers together */
  double parameters;
  double operations; /**< of a sample, forward and backward */
} fuzz_limits;

/**
 * Reads a model and, where it is right and small, runs it on the device with batches of `n`: steps
 * of training and a test on random samples. What the library finds wrong is no failure; sizes
 * that contradict each other abort. Returns whether it ran to its end.
 */
bool fuzz_run_model(const char *text, dg_device *device, uint32_t n, const fuzz_limits *limits);

/** Lets a device hand out no more memory than a small model needs; of all devices the same. */
void fuzz_limit(dg_device *device);

#endif
