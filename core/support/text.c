#include "core/support/text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 63 };

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

/** Levenshtein's distance: insertions, deletions and substitutions, one row of the table kept. */
static size_t edit_distance(const char *a, const char *b) {
  size_t row[LONGEST + 1], n = smaller(strlen(b), LONGEST);
  for (size_t j = 0; j <= n; j++) row[j] = j;
  for (size_t i = 0; a[i]; i++) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 1; j <= n; j++) {
      size_t substituted = diagonal + (a[i] != b[j - 1]);
      diagonal = row[j];
      row[j] = smaller(substituted, smaller(row[j], row[j - 1]) + 1);
    }
  }
  return row[n];
}

const char *dg_nearest(const char *word, const char *const *candidates, size_t count) {
  size_t best = strlen(word) / 3 + 1;
  const char *found = NULL;
  for (size_t i = 0; i < count; i++) {
    size_t distance = edit_distance(word, candidates[i]);
    if (distance > best || (found && distance == best)) continue;
    best = distance;
    found = candidates[i];
  }
  return found;
}

/** Bytes of the character that starts at `at`; 0 where that is no UTF-8. */
static unsigned utf8_length(const unsigned char *at) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  unsigned length = *at < 0x80             ? 1
                    : (*at & 0xe0) == 0xc0 ? 2
                    : (*at & 0xf0) == 0xe0 ? 3
                    : (*at & 0xf8) == 0xf0 ? 4
                                           : 0;
  uint32_t code = length > 1 ? *at & (0x7fu >> length) : *at;
  for (unsigned i = 1; i < length; i++) {
    if ((at[i] & 0xc0) != 0x80) return 0;
    code = code << 6 | (at[i] & 0x3f);
  }
  bool surrogate = code >= 0xd800 && code < 0xe000;
  return code < least[length] || code > 0x10ffff || surrogate ? 0 : length;
}

const char *dg_utf8_fault(const char *text) {
  while (*text) {
    unsigned length = utf8_length((const unsigned char *)text);
    if (length == 0) return text;
    text += length;
  }
  return NULL;
}

void dg_append(char *text, size_t room, const char *format, ...) {
  size_t used = strlen(text);
  va_list args;
  va_start(args, format);
  vsnprintf(text + used, room - used, format, args);
  va_end(args);
}
