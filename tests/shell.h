/** Programs as a user meets them: what they print and return in a folder with a small data set. */
#ifndef DG_TESTS_SHELL_H
#define DG_TESTS_SHELL_H

#include <stdbool.h>

#define RUN DIGITS_BINARY_DIR "/tools/digits-run "
#define DATA DIGITS_BINARY_DIR "/tools/digits-data "
#define BENCH DIGITS_BINARY_DIR "/tools/digits-bench "
#define CONVERT DIGITS_BINARY_DIR "/tools/digits-convert "
#define MODELS DIGITS_SOURCE_DIR "/models/"

/** A command, its exit status and what it must print. */
typedef struct {
  const char *command;
  int status;
  const char *says;
} shell_line;

/** Makes a folder that is a data set of 300 digits to train and 100 to test; false: it can't. */
bool shell_open(void);
/** Removes the folder. */
void shell_close(void);

/** Path of a file in the folder, until the next call. */
const char *shell_path(const char *name);

/** Runs a command in the folder; returns its exit status. */
int shell(const char *command);
/** What the last command printed. */
const char *shell_printed(void);
/** Runs a command and checks its exit status and that it printed `says`. */
void shell_check(const char *command, int status, const char *says);

#endif
