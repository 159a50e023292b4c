/** What the command lines and ends of all programs have in common. */
#ifndef DG_COMMAND_H
#define DG_COMMAND_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include "digits/model.h"

/** Reads an option's value: a whole number from low to high. */
bool command_number(const char *option, const char *text, uint32_t low, uint32_t high,
                    uint32_t *out, dg_error *err);

/** Reads the value of --set, which it splits in place: PATH=VALUE. */
bool command_set(char *text, dg_override *out, dg_error *err);

/**
 * The next option, as getopt_long gives it: its `val`, its index in `known` to `index`, its value
 * to `optarg`; -1 after the last one. -h stands for --help, which must be known. '?' is an error:
 * an unknown option, or one whose value is missing or empty.
 */
int command_option(int argc, char **argv, const struct option *known, int *index, dg_error *err);

/** The data set to use: `given`, else $DIGITS_DATA where it is set to something, else "builtin". */
const char *command_data(const char *given);

/**
 * Begins a program. Where standard input, output or error is closed, something takes its place that
 * can't be written to, lest a file that is opened later gets what is printed.
 */
void command_begin(void);

/**
 * Ends a program: flushes what it printed, tells what went wrong and returns the exit status. Where
 * the library knows what would help, the option for it is told, if it is among the words `options`,
 * those that the program has: "batch lr backend".
 */
int command_end(const char *program, const char *options, bool ok, dg_error *err);

/** Threads of a device, or its compute units where the driver decides. */
unsigned command_units(const dg_device *device);

#endif
