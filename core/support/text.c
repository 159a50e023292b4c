#include "core/support/text.h"

#include <stdarg.h>
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

void dg_append(char *text, size_t room, const char *format, ...) {
  size_t used = strlen(text);
  va_list args;
  va_start(args, format);
  vsnprintf(text + used, room - used, format, args);
  va_end(args);
}
