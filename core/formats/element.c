#include "core/formats/element.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

size_t dg_element_size(dg_element element) {
  static const size_t sizes[] = {4, 8, 2, 2, 1, 2, 4, 8, 1, 2, 4, 8};
  return sizes[element];
}

bool dg_element_is_integer(dg_element element) {
  return element >= DG_ELEMENT_I8;
}

/** IEEE 754's binary16: a sign, 5 bits of exponent, 10 of fraction. */
static float half(uint16_t bits) {
  int exponent = bits >> 10 & 0x1f;
  float fraction = (float)(bits & 0x3ff);
  float size = exponent == 0      ? ldexpf(fraction, -24)
               : exponent == 0x1f ? (fraction != 0 ? NAN : INFINITY)
                                  : ldexpf(1024 + fraction, exponent - 25);
  return bits & 0x8000 ? -size : size;
}

/** bfloat16: the upper half of a float32. */
static float brain(uint16_t bits) {
  uint32_t whole = (uint32_t)bits << 16;
  float value;
  memcpy(&value, &whole, sizeof value);
  return value;
}

/** A sign-extended integer of `size` bytes. */
static int64_t whole(const void *from, size_t size) {
  uint64_t bits = 0;
  memcpy(&bits, from, size);
  unsigned unused = (unsigned)(64 - 8 * size);
  return (int64_t)(bits << unused) >> unused;
}

float dg_element_read(dg_element element, const void *from) {
  size_t size = dg_element_size(element);
  uint64_t bits = 0;
  float single;
  double twice;
  memcpy(&bits, from, size);
  switch (element) {
  case DG_ELEMENT_F16:
    return half((uint16_t)bits);
  case DG_ELEMENT_BF16:
    return brain((uint16_t)bits);
  case DG_ELEMENT_F32:
    memcpy(&single, from, sizeof single);
    return single;
  case DG_ELEMENT_F64:
    memcpy(&twice, from, sizeof twice);
    return (float)twice;
  case DG_ELEMENT_I8:
  case DG_ELEMENT_I16:
  case DG_ELEMENT_I32:
  case DG_ELEMENT_I64:
    return (float)whole(from, size);
  default:
    return (float)bits;
  }
}

float dg_element_read_big(dg_element element, const void *from) {
  const unsigned char *bytes = from;
  unsigned char turned[sizeof(uint64_t)];
  size_t size = dg_element_size(element);
  for (size_t i = 0; i < size; i++) turned[i] = bytes[size - 1 - i];
  return dg_element_read(element, turned);
}
