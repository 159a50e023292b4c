/** Models that are made of bytes: every byte string is a model file of known layers and keys. */
#ifndef DG_TESTS_FUZZ_GENERATE_H
#define DG_TESTS_FUZZ_GENERATE_H

#include <stddef.h>
#include <stdint.h>

/**
 * The text of a model whose layers, shapes, keys and connections the bytes choose; most fit, some
 * don't, and some numbers are huge. The caller frees it; NULL: out of memory.
 */
char *fuzz_generate(const uint8_t *bytes, size_t size);

#endif
