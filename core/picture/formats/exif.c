#include "core/picture/formats/exif.h"

#include <stdbool.h>
#include <string.h>

enum { HEADER = 8, ENTRY = 12, TAG_ORIENTATION = 0x112, TYPE_SHORT = 3 };

/** A number of two or four bytes in the byte order of the data. */
static uint32_t number(const uint8_t *at, unsigned bytes, bool big) {
  uint32_t value = 0;
  for (unsigned i = 0; i < bytes; i++) value |= (uint32_t)at[i] << 8 * (big ? bytes - 1 - i : i);
  return value;
}

unsigned dg_exif_orientation(const uint8_t *bytes, size_t size) {
  if (size < HEADER) return 1;
  bool big = memcmp(bytes, "MM\0*", 4) == 0;
  uint32_t directory = number(bytes + 4, 4, big);
  if ((!big && memcmp(bytes, "II*\0", 4) != 0) || directory > size - 2) return 1;
  const uint8_t *entry = bytes + directory + 2, *end = bytes + size;
  for (uint32_t left = number(entry - 2, 2, big); left > 0 && end - entry >= ENTRY; left--) {
    uint32_t value = number(entry + 8, 2, big);
    if (number(entry, 2, big) == TAG_ORIENTATION)
      return number(entry + 2, 2, big) == TYPE_SHORT && number(entry + 4, 4, big) == 1 &&
                     value >= 1 && value <= 8
                 ? value
                 : 1;
    entry += ENTRY;
  }
  return 1;
}
