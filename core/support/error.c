#include "core/support/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool dg_fail(dg_error *err, dg_error_kind kind, const char *format, ...) {
  if (!err) return false;
  err->kind = kind;
  va_list args;
  va_start(args, format);
  vsnprintf(err->message, sizeof err->message, format, args);
  va_end(args);
  return false;
}

bool dg_fail_prefix(dg_error *err, const char *format, ...) {
  if (!err) return false;
  char rest[sizeof err->message];
  memcpy(rest, err->message, sizeof rest);
  va_list args;
  va_start(args, format);
  vsnprintf(err->message, sizeof err->message, format, args);
  va_end(args);
  size_t used = strlen(err->message);
  snprintf(err->message + used, sizeof err->message - used, ": %s", rest);
  return false;
}

bool dg_fail_memory(dg_error *err, unsigned long long bytes) {
  return dg_fail(err, DG_ERR_MEMORY, "out of memory: %llu bytes could not be allocated", bytes);
}
