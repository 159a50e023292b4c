/** The built-in digits as a set. */
#ifndef DG_BUILTIN_H
#define DG_BUILTIN_H

#include "core/data/dataset.h"

/** Seed of the built-in set unless a caller wants another. */
enum { DG_DIGITS_SEED = 1 };

/**
 * Draws the built-in digits, `train` + `test` images of 28x28 from a seed, on `threads` threads
 * (0: all cores). The same seed gives the same bytes for any number of threads, and the first
 * images of a larger set are those of a smaller one.
 */
dg_dataset *dg_dataset_builtin(uint32_t train, uint32_t test, uint32_t seed, unsigned threads,
                               dg_error *err);

#endif
