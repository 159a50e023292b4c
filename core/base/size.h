/**
 * Overflow-checked sizes of untrusted input. A size that exceeds 64 bits becomes DG_SIZE_TOO_LARGE
 * and stays so in every further sum and product, so one check at the end is enough.
 */
#ifndef DG_SIZE_H
#define DG_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DG_SIZE_TOO_LARGE UINT64_MAX

/** Largest count of numbers in a tensor of one sample, in a parameter, and in all parameters
    together. */
enum { DG_SIZE_NUMBERS = INT32_MAX };

static inline uint64_t dg_size_plus(uint64_t a, uint64_t b) {
  uint64_t sum;
  return __builtin_add_overflow(a, b, &sum) ? DG_SIZE_TOO_LARGE : sum;
}

static inline uint64_t dg_size_times(uint64_t a, uint64_t b) {
  uint64_t product;
  bool lost = a == DG_SIZE_TOO_LARGE || b == DG_SIZE_TOO_LARGE;
  return lost || __builtin_mul_overflow(a, b, &product) ? DG_SIZE_TOO_LARGE : product;
}

/** The product of all `dim` [rank]. */
static inline uint64_t dg_size_product(uint32_t rank, const uint32_t *dim) {
  uint64_t product = 1;
  for (uint32_t i = 0; i < rank; i++) product = dg_size_times(product, dim[i]);
  return product;
}

/** `size` rounded up to a multiple of `unit` > 0. */
static inline uint64_t dg_size_round_up(uint64_t size, uint64_t unit) {
  uint64_t over = size % unit;
  return over && size != DG_SIZE_TOO_LARGE ? dg_size_plus(size, unit - over) : size;
}

/** Bytes in MB (of 2^20 bytes), rounded up. */
static inline uint64_t dg_size_megabytes(uint64_t bytes) {
  return (bytes >> 20) + (bytes % (1 << 20) != 0);
}

/** Is this an allowed count of numbers for a tensor? */
static inline bool dg_size_fits(uint64_t numbers) {
  return numbers <= DG_SIZE_NUMBERS;
}

/**
 * Shape of one sample: {features}, {steps, features} or {channels, height, width}.
 */
typedef struct {
  uint32_t rank, dim[3];
} dg_shape;

/** The count of numbers in a shape, or DG_SIZE_TOO_LARGE. */
static inline uint64_t dg_shape_count(const dg_shape *shape) {
  return dg_size_product(shape->rank, shape->dim);
}

static inline bool dg_shape_equal(const dg_shape *a, const dg_shape *b) {
  bool equal = a->rank == b->rank;
  for (uint32_t i = 0; equal && i < a->rank; i++) equal = a->dim[i] == b->dim[i];
  return equal;
}

#endif
