#include "core/data/csv/number.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/** Parts of a number: mantissa * 10^exponent. */
typedef struct {
  bool negative;
  uint64_t mantissa; /**< of all digits; wrong if there are more than MOST_DIGITS */
  uint64_t digits;
  int64_t exponent;
  const char *end; /**< NULL: there is no number */
} parts;

enum { MOST_DIGITS = 19, MOST_EXPONENT = 100000 };

static const char *read_digits(parts *p, const char *at) {
  const char *begin = at;
  while (is_digit(*at)) p->mantissa = p->mantissa * 10 + (uint64_t)(*at++ - '0');
  p->digits += (uint64_t)(at - begin);
  return at;
}

/** Reads an exponent, if there is one; it may be cut, where the number is 0 or infinite anyway. */
static const char *read_exponent(parts *p, const char *at) {
  const char *digits = at + 1;
  int64_t exponent = 0;
  if (*at != 'e' && *at != 'E') return at;
  const bool negative = *digits == '-';
  if (*digits == '-' || *digits == '+') digits++;
  if (!is_digit(*digits)) return at;
  for (at = digits; is_digit(*at); at++)
    if (exponent < MOST_EXPONENT) exponent = exponent * 10 + (*at - '0');
  p->exponent += negative ? -exponent : exponent;
  return at;
}

static parts take_apart(const char *at, char point) {
  parts p = {.negative = *at == '-'};
  if (*at == '-' || *at == '+') at++;
  at = read_digits(&p, at);
  if (*at == point) {
    const char *behind = read_digits(&p, at + 1);
    p.exponent = -(behind - at - 1);
    at = behind;
  }
  if (p.digits > 0) p.end = read_exponent(&p, at);
  return p;
}

/**
 * The number by one product or quotient of doubles. Mantissa, power and result have rounding errors
 * of less than two units of a double together; the nearest float is sure if no middle of two floats
 * is as near as that.
 */
static bool convert(const parts *p, float *value) {
  static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  enum { MOST = 22 };
  const uint64_t below = (1U << 29) - 1, middle = 1U << 28, margin = 4;
  if (p->digits > MOST_DIGITS || p->exponent > MOST || p->exponent < -MOST) return false;
  const double mantissa = (double)p->mantissa;
  const double number =
      p->exponent < 0 ? mantissa / powers[-p->exponent] : mantissa * powers[p->exponent];
  uint64_t bits;
  memcpy(&bits, &number, sizeof bits);
  if ((bits & below) + margin - middle <= 2 * margin || number > 3e38) return false;
  *value = (float)(p->negative ? -number : number);
  return true;
}

/** The number by the C library, which rounds any one right; its point is '.'. */
static float convert_slowly(const char *at, const char *end, char point) {
  enum { SHORT = 128 };
  char few[SHORT], *all = end - at < SHORT ? few : malloc((size_t)(end - at) + 1);
  if (!all) return NAN;
  memcpy(all, at, (size_t)(end - at));
  all[end - at] = '\0';
  char *mark = strchr(all, point);
  if (mark) *mark = '.';
  const float value = strtof(all, NULL);
  if (all != few) free(all);
  return value;
}

dg_number_found dg_number_read(const char **at, char point, float *value) {
  const parts p = take_apart(*at, point);
  if (!p.end) return DG_NUMBER_NONE;
  if (!convert(&p, value)) *value = convert_slowly(*at, p.end, point);
  *at = p.end;
  return isfinite(*value) ? DG_NUMBER_READ : DG_NUMBER_LARGE;
}
