/** Text of a page or drawing that grows as it is written. */
#ifndef DG_MARKUP_H
#define DG_MARKUP_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/** All zero before its first use. Out of memory is told by markup_write alone. */
typedef struct {
  char *text; /**< NULL while it is empty */
  size_t length, capacity;
  bool failed; /**< no memory; what is added is lost */
} markup;

/** Adds formatted text as it is: the caller's own words and numbers. */
__attribute__((format(printf, 2, 3))) void markup_add(markup *m, const char *format, ...);

/** Adds text from elsewhere: what HTML or XML would take for its own is escaped, and so is what
    dg_visible escapes, but for newlines and tabs. NULL adds nothing. */
void markup_escape(markup *m, const char *text);

/** Adds bytes in base64 (RFC 4648). */
void markup_base64(markup *m, const uint8_t *bytes, size_t size);

/** Adds what another one holds. */
void markup_append(markup *m, const markup *other);

/** Writes it as a file; the old one stays until the new one is whole. */
bool markup_write(const markup *m, const char *path, dg_error *err);

void markup_free(markup *m);

#endif
