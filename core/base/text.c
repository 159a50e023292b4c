#include "core/base/text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 63 };

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

/** Levenshtein distance (insertions, deletions, substitutions); only one row of the table is
    stored. */
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

/** Bytes of the character that starts at `at`, and its code point; 0 if it is not UTF-8. */
static unsigned decode(const unsigned char *at, uint32_t *out) {
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
  *out = code;
  return code < least[length] || code > 0x10ffff || surrogate ? 0 : length;
}

const char *dg_utf8_fault(const char *text) {
  uint32_t code;
  while (*text) {
    unsigned length = decode((const unsigned char *)text, &code);
    if (length == 0) return text;
    text += length;
  }
  return NULL;
}

/** Is it a control character, or one that reverses or breaks the text beside it? */
static bool is_unseen(uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c || code == 0x200e ||
         code == 0x200f || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

size_t dg_visible(char *out, size_t capacity, const char *text, size_t length) {
  size_t read = 0;
  uint32_t code;
  while (read < length) {
    const unsigned char *at = (const unsigned char *)text + read;
    unsigned bytes = decode(at, &code);
    char escape[DG_VISIBLE_MAX + 1];
    bool is_byte = bytes == 0 || code < 0x20, plain = !is_byte && !is_unseen(code);
    size_t written = plain     ? bytes
                     : is_byte ? (size_t)snprintf(escape, sizeof escape, "\\x%02x", *at)
                               : (size_t)snprintf(escape, sizeof escape, "\\u%04x", code);
    if (written >= capacity) break;
    memcpy(out, plain ? text + read : escape, written);
    out += written;
    capacity -= written;
    read += bytes ? bytes : 1;
  }
  *out = '\0';
  return read;
}

bool dg_is_visible(const char *text) {
  uint32_t code;
  for (unsigned bytes; *text; text += bytes) {
    bytes = decode((const unsigned char *)text, &code);
    if (bytes == 0 || is_unseen(code)) return false;
  }
  return true;
}

void dg_append(char *text, size_t capacity, const char *format, ...) {
  size_t used = strlen(text);
  va_list args;
  va_start(args, format);
  vsnprintf(text + used, capacity - used, format, args);
  va_end(args);
}
