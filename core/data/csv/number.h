/** Decimal numbers in text. */
#ifndef DG_CSV_NUMBER_H
#define DG_CSV_NUMBER_H

#include <stdbool.h>

/** What was found. */
typedef enum {
  DG_NUMBER_NONE,  /**< no number begins there */
  DG_NUMBER_READ,  /**< the nearest float */
  DG_NUMBER_LARGE, /**< its nearest float is infinite */
} dg_number_found;

/**
 * Reads the decimal number that begins at `*at`: sign, digits, `point` and digits, exponent. `*at`
 * is then behind it. The text must end with something else, such as a zero byte. The thread's
 * locale must be that of C.
 */
dg_number_found dg_number_read(const char **at, char point, float *value);

#endif
