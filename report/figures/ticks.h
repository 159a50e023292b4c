/** Round numbers for the axes of charts. */
#ifndef DG_TICKS_H
#define DG_TICKS_H

#include <stdbool.h>
#include <stddef.h>

enum { MAX_TICKS = 16 };

typedef struct {
  double at[MAX_TICKS];
  unsigned count;
  double step; /**< 0 on a logarithmic axis */
} ticks;

/** About `wanted` <= 8 ticks within low..high, in steps of 1, 2 or 5 times a power of ten; `whole`:
    the step is at least 1. */
ticks ticks_linear(double low, double high, unsigned wanted, bool whole);

/** Powers of ten within low..high (both > 0), and 2 and 5 times these if there are few. */
ticks ticks_log(double low, double high);

/** Text of a tick: thousands as "12k", no more decimals than the step needs; large and
    small ones as "2e6". Returns `text`. */
char *ticks_text(const ticks *t, unsigned index, char *text, size_t capacity);

#endif
