/** Small helpers for names and messages. */
#ifndef DG_TEXT_H
#define DG_TEXT_H

#include <stddef.h>

/**
 * The candidate nearest to `word` (edit distance, at most a third of its length and at least 1
 * apart), or NULL: for `did you mean "…"?`.
 */
const char *dg_nearest(const char *word, const char *const *candidates, size_t count);

/** The first byte of a string that is no UTF-8 (RFC 3629); NULL: all is. */
const char *dg_utf8_fault(const char *text);

/**
 * Appends formatted text to a string of `room` bytes that holds a string already; cuts what does
 * not fit.
 */
__attribute__((format(printf, 3, 4))) void dg_append(char *text, size_t room, const char *format,
                                                     ...);

#endif
