/** The encoding of text files. */
#ifndef DG_ENCODING_H
#define DG_ENCODING_H

#include <stddef.h>

#include "core/base/error.h"

/**
 * Where the text of a file begins: behind a byte order mark of UTF-8, which some editors write.
 * Text of another kind (UTF-16, UTF-32, or with a zero byte) is an error that names the file; then
 * NULL is returned. `size` bytes are followed by a zero byte.
 */
const char *dg_text_begin(const char *text, size_t size, const char *path, dg_error *err);

/** Finds the length of a byte order mark of UTF-8, or 0, in the first bytes of a text. If these are
    UTF-16 or UTF-32, with a byte order mark or without, it is an error that names the file. */
bool dg_text_mark(const char *text, size_t size, const char *path, size_t *mark, dg_error *err);

#endif
