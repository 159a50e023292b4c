#include "core/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"

enum { ROOM = sizeof((dg_error *)0)->message };

/** Writes text to the `room` bytes of a message that are left, as far as its characters fit. */
static void show(char *message, size_t room, const char *text) {
  if (room > DG_VISIBLE_MAX) dg_visible(message, room, text, strlen(text));
}

/** The same for formatted text. */
static void show_formatted(char *message, size_t room, const char *format, va_list args) {
  char text[ROOM + DG_VISIBLE_MAX]; /* a character that is cut here doesn't fit there */
  vsnprintf(text, sizeof text, format, args);
  show(message, room, text);
}

bool dg_fail(dg_error *err, dg_error_kind kind, const char *format, ...) {
  if (!err) return false;
  err->kind = kind;
  va_list args;
  va_start(args, format);
  show_formatted(err->message, ROOM, format, args);
  va_end(args);
  return false;
}

bool dg_fail_prefix(dg_error *err, const char *format, ...) {
  if (!err) return false;
  char rest[ROOM + 2] = ": ";
  memcpy(rest + 2, err->message, ROOM);
  va_list args;
  va_start(args, format);
  show_formatted(err->message, ROOM, format, args);
  va_end(args);
  size_t used = strlen(err->message);
  show(err->message + used, ROOM - used, rest);
  return false;
}

bool dg_fail_suffix(dg_error *err, const char *format, ...) {
  if (!err) return false;
  size_t used = strlen(err->message);
  va_list args;
  va_start(args, format);
  show_formatted(err->message + used, ROOM - used, format, args);
  va_end(args);
  return false;
}

bool dg_fail_memory(dg_error *err, unsigned long long bytes) {
  return dg_fail(err, DG_ERR_MEMORY, "out of memory: %llu bytes could not be allocated", bytes);
}
