/** The bytes of a fuzz target's input, taken piece by piece; behind their end are zeros. */
#ifndef DG_TESTS_FUZZ_INPUT_H
#define DG_TESTS_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
  const uint8_t *at;
  size_t left;
} input;

uint8_t input_byte(input *in);

/** The next `*size` bytes, or as many as there are. */
const uint8_t *input_bytes(input *in, size_t *size);

/**
 * A name of a few words that weight files have, each one chosen by a byte, parted as it says; a
 * byte of 255 is followed by a length and a name's own bytes.
 */
void input_name(input *in, char *name, size_t capacity);

#endif
