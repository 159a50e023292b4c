/** Small helpers for names and messages. */
#ifndef DG_TEXT_H
#define DG_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/**
 * The candidate nearest to `word` (edit distance, at most a third of its length and at least 1
 * apart), or NULL: for `did you mean "…"?`.
 */
const char *dg_nearest(const char *word, const char *const *candidates, size_t count);

/** The first byte of a string that is no UTF-8 (RFC 3629); NULL: all is. */
const char *dg_utf8_fault(const char *text);

/**
 * Text of strangers as it may be shown: writes `text`, `length` bytes of a string, to `out`,
 * `capacity` bytes (at least DG_VISIBLE_MAX + 1), with a closing zero. What a terminal would obey,
 * or what would hide or turn around what stands beside it, becomes an escape: control characters
 * below U+0020 and bytes that are no UTF-8 as \x1b, DEL, U+0080 to U+009F, marks and overrides of
 * direction, line and paragraph separators as \u202e. Other characters stay, so text that was
 * escaped once stays as it is. Returns how many bytes of `text` were read: all, or those whose
 * characters fit as a whole.
 */
size_t dg_visible(char *out, size_t capacity, const char *text, size_t length);

/** Is text shown by dg_visible as it is? */
bool dg_is_visible(const char *text);

/** The longest that one character becomes. */
enum { DG_VISIBLE_MAX = 6 };

/**
 * Appends formatted text to a string of `capacity` bytes that holds a string already; cuts what
 * does not fit.
 */
__attribute__((format(printf, 3, 4))) void dg_append(char *text, size_t capacity,
                                                     const char *format, ...);

#endif
