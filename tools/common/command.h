/** Command line, start and end of all programs. */
#ifndef DG_COMMAND_H
#define DG_COMMAND_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include "digits/model.h"

/** Reads an option's value: an integer from low to high. */
bool command_number(const char *option, const char *text, uint32_t low, uint32_t high,
                    uint32_t *out, dg_error *err);

/** Reads an option's value: bytes, as a whole number above 0 with K, M or G (powers of 1024) behind
    it or not. */
bool command_size(const char *option, const char *text, uint64_t *out, dg_error *err);

/** Reads an option's value: a probability above 0, up to 1, as a decimal number. */
bool command_probability(const char *option, const char *text, double *out, dg_error *err);

/** Reads the value of --set, which it splits in place: PATH=VALUE. */
bool command_set(char *text, dg_override *out, dg_error *err);

/** Prints a help. It returns true: command_end reports output that could not be written, also of a
    help longer than a buffer. */
bool command_help(const char *help);

/**
 * The next option, like getopt_long: returns its `val`, writes its index in `known` to `index` and
 * its value to `optarg`; -1 after the last one. -h means --help, which must be known. '?' is an
 * error: an unknown option, or one whose value is missing or empty.
 */
int command_option(int argc, char **argv, const struct option *known, int *index, dg_error *err);

/** The data set to use: `given`, else $DIGITS_DATA if it is set and not empty, else "builtin". */
const char *command_data(const char *given);

/**
 * Begins a program. If standard input, output or error is closed, it is replaced by something that
 * can't be written to. Otherwise output could go to a file that is opened later.
 */
void command_begin(void);

/**
 * Ends a program: flushes its output, prints the error and returns the exit status. If the error
 * has a remedy, names the option for it, if that is in `options`, the words of the program's
 * options: "batch lr backend".
 */
int command_end(const char *program, const char *options, bool ok, dg_error *err);

/** Threads of a device, or its compute units if the driver decides. */
unsigned command_units(const dg_device *device);

/** dg_open for a program, with command_note. */
dg_device *command_open(const char *backend, const char *device, unsigned threads, char *program,
                        dg_error *err);

/** For `note` of the library's options, with the program's name as `user`: prints the sentence on
    the standard error. */
void command_note(void *program, const char *message);

#endif
