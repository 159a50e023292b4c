/**
 * The built-in digits: images of handwritten digits drawn from a seed, in MNIST's format (28x28
 * bytes, 0 paper, 255 ink, the ink fitted into 20x20 and centred by mass).
 */
#ifndef DG_DIGITS_DRAW_H
#define DG_DIGITS_DRAW_H

#include <stdint.h>

#include "core/base/philox.h"

enum { DG_DIGIT_SIDE = 28, DG_DIGIT_PIXELS = DG_DIGIT_SIDE * DG_DIGIT_SIDE, DG_DIGIT_CLASSES = 10 };

/** Seed of the built-in set. */
enum { DG_DIGITS_SEED = 1 };

/** The two parts of a set; they share no random number. */
typedef enum { DG_DIGITS_TRAIN = 0, DG_DIGITS_TEST = 1 } dg_digits_part;

/** The label of image number `index` of a stream. Every ten images are a permutation of the digits.
 */
uint8_t dg_digit_label(uint32_t seed, uint32_t stream, uint32_t index);

/** Draws one digit with the numbers of `r`. */
void dg_digit_draw(dg_random *r, unsigned digit, uint8_t image[DG_DIGIT_PIXELS]);

/**
 * Draws the first `count` digits of a part: images [count, 28, 28] and labels [count]. Every ten
 * images hold each digit once. An image depends on seed, part and its index alone, not on `count`
 * or the number of threads (0: dg_processors(); fewer if they can't be started). It does not depend
 * on the machine either, since only operations that IEEE 754 rounds exactly are used.
 */
void dg_digits_draw(uint32_t seed, dg_digits_part part, uint32_t count, unsigned threads,
                    uint8_t *images, uint8_t *labels);

#endif
