/** What the command lines and ends of all programs have in common. */
#ifndef DG_COMMAND_H
#define DG_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "core/digits.h"

/** Reads an option's value: a whole number from low to high. */
bool command_number(const char *option, const char *text, uint32_t low, uint32_t high,
                    uint32_t *out, dg_error *err);

/** The error for what getopt_long, its options starting with ':', returned as ':' or '?'. */
bool command_unknown(char **argv, int which, dg_error *err);

/** The data set to use: `given`, else $DIGITS_DATA, else "builtin". */
const char *command_data(const char *given);

/**
 * Begins a program. Where standard input, output or error is closed, something takes its place that
 * can't be written to, lest a file that is opened later gets what is printed.
 */
void command_begin(void);

/** Ends a program: flushes what it printed, tells what went wrong and returns the exit status. */
int command_end(const char *program, bool right, dg_error *err);

#endif
