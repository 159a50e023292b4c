#include "core/base/file/writer.h"

#include <stdarg.h>
#include <stdio.h>

void dg_write(dg_writer *w, const char *format, ...) {
  va_list args;
  va_start(args, format);
  size_t left = w->used < w->capacity ? w->capacity - w->used : 0;
  int written = vsnprintf(left ? w->text + w->used : NULL, left, format, args);
  va_end(args);
  if (written > 0) w->used += (size_t)written;
}
