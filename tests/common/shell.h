/** Programs as a user meets them: what they print and return in a folder with a small data set. */
#ifndef DG_TESTS_SHELL_H
#define DG_TESTS_SHELL_H

#include <stdbool.h>

/** A program of the build, as a word of a command; the paths may hold blanks. */
#define PROGRAM(name) "\"$DIGITS_TEST_TOOLS\"/" name " "
#define RUN PROGRAM("digits-run")
#define DATA PROGRAM("digits-data")
#define BENCH PROGRAM("digits-bench")
#define CONVERT PROGRAM("digits-convert")
/** Folders of the source; a file's name follows. */
#define MODELS "\"$DIGITS_TEST_SOURCE\"/models/"
#define WEIGHTS_OF_ZOO "\"$DIGITS_TEST_SOURCE\"/weights/"

/** Waits until the run with the process $p has printed an epoch into `out`, or ended. */
#define UNTIL_AN_EPOCH "while kill -0 $p && ! grep -qs epoch out; do sleep 0.05; done; "

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
