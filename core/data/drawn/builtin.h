/** The built-in sets beside the digits. They are synthetic: drawn from a seed, by a known law. */
#ifndef DG_BUILTIN_H
#define DG_BUILTIN_H

#include "core/data/dataset.h"

enum {
  DG_TABLE_TRAIN = 20000,
  DG_TABLE_TEST = 5000,
  DG_SIGNALS_TRAIN = 12000,
  DG_SIGNALS_TEST = 2000,
  DG_SIGNAL_STEPS = 128,
  DG_SIGNAL_LEAST = 48, /**< steps, where they are unequal */
  DG_SIGNAL_CHANNELS = 3,
  DG_SIGNAL_SHAPES = 6
};

/** Deviations of the noise in the targets of the table: no network can predict them with a smaller
    root mean square error. */
#define DG_TABLE_NOISE_1 0.5f
#define DG_TABLE_NOISE_2 10.0f

/**
 * Draws "builtin:table": twelve columns x1 to x12 and the targets y1 and y2. Each column is
 * m + s * u, with a u of its own that is uniform with mean 0 and deviation 1, and
 *
 *   y1 = 10 + 3 u1 - 2 u2 + u3 + 2 u4 u5 + (3 if u6 > 0.5) + 0.5 noise
 *   y2 = -100 + 40 u7 + 20 u8 - 30 u1 u9 + (25 if u10 > 0) + 10 noise
 *
 * where the noises have mean 0 and deviation 1. Nothing depends on x11 and x12. With the option
 * `label` "class", a row has one of three classes instead, low, middle and high: which third of the
 * values y1 belongs to; the noise lets the best classifier be right in 93.8 % of the rows. Option
 * `targets` chooses among y1 and y2; without both, it is "y1,y2".
 */
dg_dataset *dg_builtin_table(const dg_dataset_options *options, dg_error *err);

/**
 * Draws "builtin:signals": traces of a sensor with three channels, [128, 3], of one of six shapes:
 * wave, square, saw, chirp, pulse, burst. Frequency, phase and place differ, time is warped, each
 * channel has its own gain, offset, delay and noise. `unequal`: "builtin:signals-unequal", the same
 * traces of which only the first 48 to 128 steps are there, each number as likely.
 */
dg_dataset *dg_builtin_signals(bool unequal, dg_error *err);

#endif
