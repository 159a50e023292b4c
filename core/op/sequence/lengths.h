/**
 * Lengths of sequences in one batch: float [n], whole numbers of steps. Beyond its length, a
 * sequence has no steps, whatever its numbers there are.
 */
#ifndef DG_OP_LENGTHS_H
#define DG_OP_LENGTHS_H

#include <stdint.h>

/** Up to here, every whole number is a float. */
enum { DG_LENGTH_MOST = 1 << 24 };

/** The length of a sequence of `steps` <= DG_LENGTH_MOST: 0 to `steps`, also if the number is none
    of these. */
static inline uint32_t dg_length_of(float number, uint32_t steps) {
  if (!(number > 0)) return 0;
  return number < (float)steps ? (uint32_t)number : steps;
}

#endif
