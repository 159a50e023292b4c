#include "tools/common/say.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

enum { PIECE = 512, LINE = 4096 };

/** Prints `length` bytes of a string as dg_visible shows them. */
static void show(FILE *to, const char *text, size_t length) {
  char piece[PIECE];
  while (length > 0) {
    size_t read = dg_visible(piece, sizeof piece, text, length);
    fputs(piece, to);
    text += read;
    length -= read;
  }
}

/** Prints formatted text; fails if memory runs out. */
static bool show_formatted(FILE *to, const char *format, va_list args) {
  char line[LINE];
  va_list again;
  va_copy(again, args);
  int needed = vsnprintf(line, sizeof line, format, args);
  char *text = needed >= LINE ? malloc((size_t)needed + 1) : NULL;
  if (text) vsnprintf(text, (size_t)needed + 1, format, again);
  va_end(again);
  if (needed < 0) return false; /* too long for an int */
  size_t length = strlen(text ? text : line), newlines = 0;
  for (size_t i = strlen(format); i > 0 && format[i - 1] == '\n'; i--) newlines++;
  if (text || needed < LINE) length -= newlines;
  show(to, text ? text : line, length);
  for (; newlines > 0; newlines--) fputc('\n', to);
  free(text);
  return !ferror(to);
}

bool say(const char *format, ...) {
  va_list args;
  va_start(args, format);
  bool ok = show_formatted(stdout, format, args);
  va_end(args);
  return ok;
}

bool say_to(FILE *to, const char *format, ...) {
  va_list args;
  va_start(args, format);
  bool ok = show_formatted(to, format, args);
  va_end(args);
  return ok;
}

bool say_lines(const char *text) {
  while (*text) {
    size_t length = strcspn(text, "\n");
    show(stdout, text, length);
    text += length;
    for (; *text == '\n'; text++) fputc('\n', stdout);
  }
  return !ferror(stdout);
}
