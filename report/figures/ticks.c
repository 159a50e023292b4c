#include "report/figures/ticks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEW_DECADES = 3, MAX_DECADES = 7 };

/** Steps from which, and below which, numbers are written with their power of ten. */
static const double large = 5e5, small = 1e-4;

/** The smallest number >= `least` that is 1, 2 or 5 times a power of ten. */
static double round_up(double least) {
  double power = pow(10, floor(log10(least)));
  double times = least / power;
  return power * (times <= 1.0001 ? 1 : times <= 2.0001 ? 2 : times <= 5.0001 ? 5 : 10);
}

ticks ticks_linear(double low, double high, unsigned wanted, bool whole) {
  ticks t = {.step = round_up((high - low) / wanted)};
  if (whole && t.step < 1) t.step = 1;
  double slack = 1e-9 * t.step;
  for (double i = ceil((low - slack) / t.step); i * t.step <= high + slack && t.count < MAX_TICKS;
       i++)
    t.at[t.count++] = i * t.step;
  return t;
}

ticks ticks_log(double low, double high) {
  static const double times[] = {1, 2, 5};
  double decades = log10(high / low);
  double apart = decades > MAX_DECADES ? ceil(decades / MAX_DECADES) : 1;
  int fine = decades > FEW_DECADES ? 1 : 3;
  ticks t = {0};
  for (double power = floor(log10(low)); power <= log10(high); power += apart)
    for (int i = 0; i < fine; i++) {
      double at = times[i] * pow(10, power);
      if (at >= low * 0.999 && at <= high * 1.001 && t.count < MAX_TICKS) t.at[t.count++] = at;
    }
  return t;
}

/** A number with its power of ten, without the plus and the zeros before it: "1.5e10". */
static char *power_text(double value, char *text, size_t capacity) {
  snprintf(text, capacity, "%g", value);
  char *power = strchr(text, 'e');
  if (!power) return text;
  long exponent = strtol(power + 1, NULL, 10);
  snprintf(power + 1, capacity - (size_t)(power + 1 - text), "%ld", exponent);
  return text;
}

char *ticks_text(const ticks *t, unsigned index, char *text, size_t capacity) {
  double value = t->at[index], step = t->step;
  const char *unit = "";
  if (step >= large || (step > 0 && step < small)) return power_text(value, text, capacity);
  if (step >= 500) {
    value /= 1000;
    step /= 1000;
    unit = "k";
  }
  if (step > 0) {
    int decimals = (int)fmax(0, ceil(-log10(step) - 1e-6));
    snprintf(text, capacity, "%.*f%s", decimals, value == 0 ? 0 : value, value == 0 ? "" : unit);
  } else {
    snprintf(text, capacity, "%g", value);
  }
  return text;
}
