/** Small helpers for names and messages. */
#ifndef DG_TEXT_H
#define DG_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/**
 * The candidate nearest to `word` by edit distance (at least 1, at most a third of its length), or
 * NULL. For `did you mean "…"?`.
 */
const char *dg_nearest(const char *word, const char *const *candidates, size_t count);

/** The first byte of a string that is not UTF-8 (RFC 3629); NULL: there is none. */
const char *dg_utf8_fault(const char *text);

/**
 * Makes untrusted text safe to show: writes `text`, `length` bytes of a string, to `out`,
 * `capacity` bytes (at least DG_VISIBLE_MAX + 1), with a closing zero. Characters that would
 * control a terminal, or hide or reverse the text beside them, are escaped: control characters
 * below U+0020 and bytes that are not UTF-8 as \x1b; DEL, U+0080 to U+009F, direction marks and
 * overrides, line and paragraph separators as \u202e. Other characters are unchanged, so escaping
 * twice changes nothing. Returns how many bytes of `text` were read: all, or those of the whole
 * characters that fit.
 */
size_t dg_visible(char *out, size_t capacity, const char *text, size_t length);

/** Does dg_visible leave the text unchanged? */
bool dg_is_visible(const char *text);

/** Largest number of bytes that one character becomes. */
enum { DG_VISIBLE_MAX = 6 };

/**
 * Appends formatted text to the string in a buffer of `capacity` bytes; truncates what does not
 * fit.
 */
__attribute__((format(printf, 3, 4))) void dg_append(char *text, size_t capacity,
                                                     const char *format, ...);

#endif
