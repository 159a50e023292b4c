/** Output of programs. Untrusted names are printed as text that can't control a terminal. */
#ifndef DG_SAY_H
#define DG_SAY_H

#include <stdbool.h>
#include <stdio.h>

/**
 * Prints formatted text like printf, escaped by dg_visible. Newlines are escaped too, except those
 * at the end of the format. False: the stream has failed, now or before.
 */
__attribute__((format(printf, 1, 2))) bool say(const char *format, ...);

/** The same to another stream. */
__attribute__((format(printf, 2, 3))) bool say_to(FILE *to, const char *format, ...);

/** Prints lines; everything else that dg_visible escapes is escaped. */
bool say_lines(const char *text);

#endif
