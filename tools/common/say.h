/** What programs print: nothing that strangers named reaches a terminal as more than text. */
#ifndef DG_SAY_H
#define DG_SAY_H

#include <stdbool.h>
#include <stdio.h>

/**
 * Prints formatted text as printf does, with its characters shown as dg_visible says, newlines too:
 * those alone with which the format ends stay. False: the stream has failed, now or before.
 */
__attribute__((format(printf, 1, 2))) bool say(const char *format, ...);

/** The same to another stream. */
__attribute__((format(printf, 2, 3))) bool say_to(FILE *to, const char *format, ...);

/** Prints lines as they are but for what dg_visible escapes. */
bool say_lines(const char *text);

#endif
