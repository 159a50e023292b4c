#include "core/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"

enum { MESSAGE_SIZE = sizeof((dg_error *)0)->message };

/** Writes as many whole characters of a text as fit into the `capacity` bytes left of a message. */
static void show(char *message, size_t capacity, const char *text) {
  if (capacity > DG_VISIBLE_MAX) dg_visible(message, capacity, text, strlen(text));
}

/** The same for formatted text. */
static void show_formatted(char *message, size_t capacity, const char *format, va_list args) {
  char text[MESSAGE_SIZE + DG_VISIBLE_MAX]; /* a character cut here would not fit there */
  vsnprintf(text, sizeof text, format, args);
  show(message, capacity, text);
}

bool dg_fail(dg_error *err, dg_error_kind kind, const char *format, ...) {
  if (!err) return false;
  err->kind = kind;
  err->remedy = DG_REMEDY_NONE;
  va_list args;
  va_start(args, format);
  show_formatted(err->message, MESSAGE_SIZE, format, args);
  va_end(args);
  return false;
}

bool dg_fail_prefix(dg_error *err, const char *format, ...) {
  if (!err) return false;
  char rest[MESSAGE_SIZE + 2] = ": ";
  memcpy(rest + 2, err->message, MESSAGE_SIZE);
  va_list args;
  va_start(args, format);
  show_formatted(err->message, MESSAGE_SIZE, format, args);
  va_end(args);
  size_t used = strlen(err->message);
  show(err->message + used, MESSAGE_SIZE - used, rest);
  return false;
}

bool dg_fail_suffix(dg_error *err, const char *format, ...) {
  if (!err) return false;
  size_t used = strlen(err->message);
  va_list args;
  va_start(args, format);
  show_formatted(err->message + used, MESSAGE_SIZE - used, format, args);
  va_end(args);
  return false;
}

bool dg_advise(dg_error *err, dg_remedy remedy) {
  if (err) err->remedy = remedy;
  return false;
}

bool dg_fail_memory(dg_error *err, unsigned long long bytes) {
  return dg_fail(err, DG_ERR_MEMORY, "out of memory: %llu bytes could not be allocated", bytes);
}
