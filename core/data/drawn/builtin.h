/** The built-in sets beside the digits. They are synthetic: drawn from a seed, by a known law. */
#ifndef DG_BUILTIN_H
#define DG_BUILTIN_H

#include "core/data/dataset.h"

enum {
  DG_TABLE_TRAIN = 20000,
  DG_TABLE_TEST = 5000,
  DG_COLOUR_TRAIN = 20000,
  DG_COLOUR_TEST = 4000,
  DG_COLOUR_SIDE = 32,
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

/** Where the pixels of a part of "builtin:colour" go. */
typedef struct {
  uint8_t *pictures; /**< [count, 3, 32, 32], red, green and blue */
  uint8_t *labels;   /**< [count]; NULL: not wanted */
  uint8_t *masks;    /**< [count, 32, 32], 1 where more of the pixel is the digit's than the
                        ground's, else 0; NULL: not wanted */
} dg_colour_arrays;

/**
 * Draws the first `count` pictures of a part: a digit as in the built-in digits, of any size from
 * 0.9 to 1.14 of theirs, anywhere, over a ground of one of six textures (gradient, stripes, checks,
 * rings, clouds, grain) between two colours, with noise in each pixel. All colours are random; the
 * digit's is at least 140 of 255 away from every colour between those of its ground, before the
 * noise. A picture depends on seed, part and its index alone, as in dg_digits_draw.
 */
void dg_colour_draw(uint32_t seed, dg_part part, uint32_t count, unsigned threads,
                    const dg_colour_arrays *to);

/** Draws "builtin:colour": labels are the digits; with the option `targets` "mask" there are masks
    instead. */
dg_dataset *dg_builtin_colour(const dg_dataset_options *options, dg_error *err);

#endif
