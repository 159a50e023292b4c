/** Runs programs like a user, in a folder with a small data set, and checks output and exit
    status. */
#ifndef DG_TESTS_SHELL_H
#define DG_TESTS_SHELL_H

#include <stdbool.h>

/** A program of the build, quoted as a word of a command, since paths may contain blanks. */
#define PROGRAM(name) "\"$DIGITS_TEST_TOOLS\"/" name " "
#define RUN PROGRAM("digits-run")
#define DATA PROGRAM("digits-data")
#define BENCH PROGRAM("digits-bench")
#define CONVERT PROGRAM("digits-convert")
/** Folders of the source; append a file's name. */
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

/** Makes a folder with a data set of 300 training and 100 test digits; false on failure. */
bool shell_open(void);
/** Removes the folder. */
void shell_close(void);

/** Path of a file in the folder, valid until the next call. */
const char *shell_path(const char *name);

/** Runs a command in the folder; returns its exit status. */
int shell(const char *command);
/** The output of the last command. */
const char *shell_printed(void);
/** Runs a command and checks its exit status and that its output contains `says`. */
void shell_check(const char *command, int status, const char *says);

#endif
