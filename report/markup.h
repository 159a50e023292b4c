/** A growing text buffer for pages and drawings. */
#ifndef DG_MARKUP_H
#define DG_MARKUP_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/** All zero before its first use. Only markup_write reports if memory ran out. */
typedef struct {
  char *text; /**< NULL while it is empty */
  size_t length, capacity;
  bool failed; /**< out of memory: further text is dropped */
} markup;

/** Adds formatted text without escaping, for the caller's own text and numbers. */
__attribute__((format(printf, 2, 3))) void markup_add(markup *m, const char *format, ...);

/** Adds untrusted text: special characters of HTML and XML are escaped, and so is what dg_visible
    escapes, except newlines and tabs. NULL adds nothing. */
void markup_escape(markup *m, const char *text);

/** Adds bytes in base64 (RFC 4648). */
void markup_base64(markup *m, const uint8_t *bytes, size_t size);

/** Adds the content of another markup. */
void markup_append(markup *m, const markup *other);

/** Writes it to a file; an old file is replaced only when the new one is complete. */
bool markup_write(const markup *m, const char *path, dg_error *err);

void markup_free(markup *m);

#endif
