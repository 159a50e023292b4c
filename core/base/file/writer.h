/**
 * Text that is appended to a caller's buffer; its full length is counted even if it doesn't fit.
 */
#ifndef DG_WRITER_H
#define DG_WRITER_H

#include <stddef.h>

typedef struct {
  char *text;
  size_t capacity;
  size_t used; /**< length of the whole text, also beyond `capacity` */
} dg_writer;

__attribute__((format(printf, 2, 3))) void dg_write(dg_writer *writer, const char *format, ...);

#endif
