/** Arrays of numbers in the caller's memory. */
#ifndef DIGITS_NDARRAY_H
#define DIGITS_NDARRAY_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** How the numbers of an array are stored. */
typedef enum {
  DG_NUMBERS_BYTES,  /**< uint8_t */
  DG_NUMBERS_FLOATS, /**< float */
} dg_numbers_type;

enum { DG_NDARRAY_RANK = 4 };

/** An array, the last dimension fastest. This struct won't grow. */
typedef struct {
  uint32_t rank, dim[DG_NDARRAY_RANK];
  dg_numbers_type type;
  const void *numbers;
} dg_ndarray;

#ifdef __cplusplus
}
#endif

#endif
